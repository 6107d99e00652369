"""CLUSTER STATE: the whole map, with what a node knows beside it."""

from tests.core.node.founded import founded, parsed, reply
from tests.core.node.registers import FIRST, with_registers
from trivet.core.node.cluster_state import facts_known


def test_everything_that_a_view_needs():
    bench = founded(3, "20 NAME carts SHARDS 2 REPLICAS 3")
    bench.say("a", "SELECT 20")
    bench.answer("a", "MSET foo 1 bar 2")
    bench.wait(500)
    bench.say("b@2", "HELLO 3")
    bench.answer("a", "CLUSTER SPLIT 2 100")
    bench.until(lambda: 4 in bench.node(2).front.cluster.groups)
    told = parsed(bench.ask("b", "CLUSTER STATE"))
    assert list(told) == ["cluster", "epoch", "node", "nodes", "keyspaces", "groups", "moves"]
    assert (told["cluster"], told["node"]) == ("c0ffee", 2)
    assert told["epoch"] == bench.node(2).front.map_epoch
    node = told["nodes"][0]
    assert node == {
        "id": 1, "name": "c0ffee" + "0" * 33 + "1", "host": "10.0.0.1", "client-port": 7001, "peer-port": 17001,
        "zone": "", "labels": {}, "state": "up", "replaces": 0, "alive": 1, "unreachable": 0, "silent-ms": 0,
        "groups": node["groups"], "leads": node["leads"],
    }  # fmt: skip
    assert 3 <= node["groups"] <= 4, "the new one may be on its way"
    assert [(one["name"], one["groups"]) for one in told["keyspaces"]] == [("default", 1), ("carts", 3)]
    groups = {one["id"]: one for one in told["groups"]}
    assert [groups[n]["slots"] for n in groups] == ["", "0-16383", "0-8191", "8192-16383", ""]
    assert [groups[n]["keyspace"] for n in groups] == [-1, 0, 20, 20, 20]
    assert groups[2]["keys"] + groups[3]["keys"] == 2 and groups[2]["bytes"] > 0
    assert groups[1]["members"] == groups[1]["target"] == [1, 2, 3] and groups[1]["learners"] == []
    assert groups[1]["leader"] == 1 and groups[1]["term"] == 1
    (move,) = told["moves"]
    assert {key: move[key] for key in ("id", "source", "target", "slots", "phase", "sent", "left")} == {
        "id": 1, "source": 2, "target": 4, "slots": "100-8191", "phase": "copy", "sent": None, "left": None,
    }  # fmt: skip
    assert move["reason"] == "an administrator wants it" and move["age-ms"] >= 0


def test_it_is_answered_without_a_majority_and_says_who_is_silent():
    bench = founded(3)
    bench.crash(2)
    bench.crash(3)
    bench.wait(3_000)
    nodes = reply(bench, "a", "CLUSTER STATE")["nodes"]
    assert [(one["id"], one["alive"]) for one in nodes] == [(1, 1), (2, 0), (3, 0)]
    assert nodes[0]["silent-ms"] == 0 and 2_900 <= nodes[1]["silent-ms"] <= 3_100
    front = bench.node(1).front
    assert list(facts_known(front).dead_ms) == [2, 3]


def test_of_groups_without_a_replica_here_sizes_are_not_known():
    bench = founded(3, "20 REPLICAS 1")
    (member,) = bench.node(1).front.cluster.groups[2].members
    leader = bench.node(1).system.raft.leader
    other = next(number for number in (1, 2, 3) if number not in (member, leader))
    groups = reply(bench, f"a@{other}", "CLUSTER STATE")["groups"]
    assert (groups[2]["keys"], groups[2]["bytes"], groups[2]["ops"]) == (None, None, None)
    assert reply(bench, f"b@{member}", "CLUSTER STATE")["groups"][2]["keys"] == 0


def test_nobody_leads_registers_and_their_members_say_how_they_stand():
    bench = with_registers()
    assert bench.answer("a", "SET k 1") == "+OK"
    bench.say("d@1", "HELLO 3")
    told = parsed(bench.ask("d", "CLUSTER STATE"))
    group = next(one for one in told["groups"] if one["id"] == FIRST)
    assert (group["leader"], group["term"]) == (0, 1)
    assert group["members"] == [1, 2, 3] and group["incoming"] == group["doubtful"] == []
    assert group["keys"] == 1
    assert sum(one["leads"] for one in told["nodes"]) == 1, "database 0 has a leader"
    assert next(one["mode"] for one in told["keyspaces"] if one["number"] == 7) == "paxos"
    (row,) = parsed(bench.ask("d", "KEYSPACE INFO 7"))["groups"]
    assert (row["leader"], row["members"], row["incoming"]) == (0, [1, 2, 3], [])
    assert (
        bench.answer("a", f"CLUSTER LEAD {FIRST} 2")
        == f"-ERR group {FIRST} is of mode paxos: nobody leads it"
    )
