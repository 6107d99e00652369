"""INFO: Redis' facts, and the node's place in Raft."""

import pytest

from tests.core.node.bench import Bench
from tests.core.node.founded import founded
from trivet import __version__


def facts(bench: Bench, name: str, sections: str = "") -> dict[str, str]:
    lines = bench.ask(name, f"INFO {sections}").strip('"').split("\\r\\n")
    return dict(line.split(":", 1) for line in lines if ":" in line)


def test_everything_that_clients_look_at():
    bench = Bench(3)
    bench.say("a", "SET k 1 EX 100 | SELECT 2 | SET j 1")
    told = facts(bench, "a")
    assert (told["redis_version"], told["role"], told["redis_mode"]) == ("7.0.15", "master", "standalone")
    assert told["trivet_version"] == __version__
    assert (told["tcp_port"], told["trivet_node"], told["connected_clients"]) == ("7001", "1", "1")
    assert (told["maxmemory_policy"], told["cluster_enabled"], told["loading"]) == ("noeviction", "0", "0")
    assert (told["db0"], told["db2"]) == ("keys=1,expires=1,avg_ttl=0", "keys=1,expires=0,avg_ttl=0")
    assert len(told["master_replid"]) == 40


@pytest.mark.parametrize(("number", "role"), [(1, "leader"), (2, "follower"), (3, "follower")])
def test_the_place_in_raft(number, role):
    bench = Bench(3)
    bench.say("a", "SET k 1")
    bench.wait(200)
    groups = facts(bench, f"b@{number}", "groups")
    assert groups["raft_group1"] == (
        f"keyspace=0,role={role},term=1,leader=1,commit=2,applied=2,last=2,first=1,voters=1/2/3,learners="
    )
    assert groups["raft_group0"].startswith("keyspace=-1,role=")
    assert facts(bench, f"b@{number}", "raft") == {
        "raft_role": role,
        "raft_term": "1",
        "raft_leader": "1",
        "raft_commit_index": "2",
        "raft_applied_index": "2",
        "raft_last_index": "2",
        "raft_first_index": "1",
        "raft_voters": "1,2,3",
    }


def test_a_node_that_is_cut_off_says_so():
    bench = Bench(3)
    bench.cut(3)
    bench.until(lambda: bench.node(3).group.raft.leader == 0)
    told = facts(bench, "a@3", "raft")
    assert (told["raft_role"], told["raft_leader"]) == ("candidate", "0")


def test_sections():
    bench = Bench()
    assert bench.ask("a", "INFO nosuch") == '""'
    assert bench.ask("a", "INFO RAFT server").startswith('"# Server\\r\\n')
    names = [line for line in bench.ask("a", "INFO").split("\\r\\n") if line.startswith(("#", '"#'))]
    assert [name.strip('"# ') for name in names] == [
        "Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "Raft", "CPU", "Modules",
        "Errorstats", "Cluster", "Transactions", "Keyspace",
    ]  # fmt: skip
    for word, count in (("all", 16), ("everything", 17), ("default", 13)):
        assert bench.ask("a", f"INFO {word}").count("# ") == count
    bench.say("a", "HELLO 3")
    assert bench.ask("a", "INFO cluster").startswith('="txt:# Cluster\\r\\ncluster_enabled:0\\r\\n')


def test_counts():
    bench = Bench(password="secret")
    bench.say("a", "AUTH secret")
    bench.connect("b")
    bench.send("b", b"*x\r\n")
    bench._outcome("b")
    bench.say("a", "SET k 1 PX 100")
    bench.wait(200)
    bench.say("a", "GET k | SET j 1")
    told = facts(bench, "a")
    assert told["trivet_protocol_errors"] == "1"
    assert told["total_connections_received"] == "2"
    assert told["connected_clients"] == "1"
    assert told["expired_keys"] == "1"
    assert told["total_commands_processed"] == "5"
    bench.wait(60_000)
    assert facts(bench, "a")["uptime_in_seconds"] == "60"


def test_several_groups():
    bench = founded(3, "20 SHARDS 2", "3 REPLICAS 1")
    bench.say("a", "SET k 1 | SELECT 20")
    assert bench.answer("a", "MSET foo 1 bar 2 baz 3") == "+OK"
    bench.say("a", "SELECT 3")
    assert bench.answer("a", "SET k 1") == "+OK"
    bench.wait(200)
    (member,) = bench.node(1).front.cluster.groups[4].members
    for number in (1, 2, 3):
        told = facts(bench, f"b{number}@{number}", "keyspace")
        here = {"db3": "keys=1,expires=0,avg_ttl=0"} if number == member else {}
        assert told == {"db0": "keys=1,expires=0,avg_ttl=0", "db20": "keys=3,expires=0,avg_ttl=0", **here}
        lines = list(facts(bench, f"b{number}", "groups"))
        assert lines == [f"raft_group{n}" for n in ((0, 1, 2, 3, 4) if number == member else (0, 1, 2, 3))]
    told = facts(bench, "b1", "cluster")
    assert {key: int(told[f"trivet_{key}"]) for key in ("nodes", "keyspaces", "groups", "moves")} == {
        "nodes": 3, "keyspaces": 3, "groups": 5, "moves": 0,
    }  # fmt: skip
    leads = sum(int(facts(bench, f"b{n}", "cluster")["trivet_leads_here"]) for n in (1, 2, 3))
    assert leads == 5


def test_whether_the_cluster_is_founded():
    bench = Bench(3)
    assert facts(bench, "a", "cluster")["trivet_founded"] == "0"
    bench = founded(3)
    assert facts(bench, "a", "cluster")["trivet_founded"] == "1"
