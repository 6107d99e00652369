"""The topology in the words of Redis Cluster clients."""

from tests.core.node.bench import Bench
from tests.core.node.founded import founded, reply
from tests.core.node.test_cluster_command import NAMES
from trivet.core.node.cluster_topology import groups_shown, leader_first, term_of


def lines(bench: Bench, name: str) -> list[str]:
    return bench.ask(name, "CLUSTER NODES").strip('"').split("\\n")


def test_slots_the_leader_first():
    row = ['["10.0.0.%d" %d "%s" []]' % (n, 7000 + n, NAMES[n - 1]) for n in (1, 2, 3)]
    assert Bench(3).ask("a@3", "CLUSTER SLOTS") == f"[[0 16383 {row[0]} {row[1]} {row[2]}]]"
    assert Bench(3, leader=2).ask("a@3", "CLUSTER SLOTS") == f"[[0 16383 {row[1]} {row[0]} {row[2]}]]"


def test_nodes():
    bench = Bench(3, leader=2)
    bench.crash(3)
    term = bench.node(1).group.raft.term
    assert lines(bench, "a") == [
        f"{NAMES[1]} 10.0.0.2:7002@17002 master - 0 0 {term} connected 0-16383",
        f"{NAMES[0]} 10.0.0.1:7001@17001 myself,slave {NAMES[1]} 0 0 {term} connected",
        f"{NAMES[2]} 10.0.0.3:7003@17003 slave {NAMES[1]} 0 0 {term} disconnected",
        "",
    ]


def test_shards():
    bench = Bench(3)
    bench.crash(3)
    bench.say("a", "HELLO 3")
    shards = bench.ask("a", "CLUSTER SHARDS")
    assert shards.startswith('[{"slots": [0 16383], "nodes": [{"id": "' + NAMES[0])
    assert shards.count('"role": "master"') == 1
    assert shards.count('"health": "online"') == 2
    assert '"port": 7003, "ip": "10.0.0.3", "endpoint": "10.0.0.3", "role": "replica"' in shards
    assert shards.endswith('"health": "fail"}]}]')


def test_info_with_and_without_a_leader():
    bench = Bench(3)
    told = bench.ask("a", "CLUSTER INFO")
    assert "cluster_state:ok\\r\\ncluster_slots_assigned:16384\\r\\ncluster_slots_ok:16384" in told
    assert "cluster_known_nodes:3\\r\\ncluster_size:1" in told
    bench.cut(1)
    bench.until(lambda: bench.node(1).group.raft.leader == 0)
    told = bench.ask("a", "CLUSTER INFO")
    assert "cluster_state:fail" in told
    assert "cluster_slots_fail:16384" in told
    assert bench.ask("a", "CLUSTER NODES").count(" master ") == 0, "its own line says myself,master"


def test_a_keyspace_in_several_groups():
    bench = founded(3, "20 SHARDS 4")
    bench.ask("a", "SELECT 20")
    rows = reply(bench, "a", "CLUSTER SLOTS")
    assert [(row[0], row[1]) for row in rows] == [
        (0, 4095), (4096, 8191), (8192, 12287), (12288, 16383),
    ]  # fmt: skip
    front = bench.node(1).front
    for row in rows:
        assert front.replicas[front.cluster.group_of(20, row[0])].leader == row[2][1] - 7000
        assert len(row) == 5, "the leader and two others"
    served = [line.partition(" connected ")[2].split() for line in lines(bench, "a") if " connected " in line]
    assert sorted(slots for some in served for slots in some) == [
        "0-4095", "12288-16383", "4096-8191", "8192-12287",
    ]  # fmt: skip
    assert "cluster_size:4" in bench.ask("a", "CLUSTER INFO")
    assert bench.ask("b", "CLUSTER SLOTS").startswith("[[0 16383 "), "database 0 has its own"
    bench.say("c", "HELLO 3 | SELECT 20")
    assert bench.ask("c", "CLUSTER SHARDS").count('"role": "master"') == 4


def test_nodes_that_have_nothing_to_do_with_a_keyspace():
    bench = founded(3, "20 REPLICAS 1")
    (member,) = bench.node(1).front.cluster.groups[2].members
    bench.ask("a", "SELECT 20")
    assert bench.answer("a", "SET k 1") == "+OK"
    told = lines(bench, "a")
    assert told[0].startswith(NAMES[member - 1]) and told[0].endswith(" 0-16383")
    assert [("master" in line, line.endswith("connected")) for line in told[1:3]] == [(True, True)] * 2
    assert reply(bench, "a", f"CLUSTER REPLICAS {member}") == []
    assert len(reply(bench, "b", "CLUSTER REPLICAS 1")) == 2
    assert bench.ask("b", "CLUSTER SLAVES 2") == "-ERR The specified node is not a master"


def test_links():
    bench = founded(3)
    bench.crash(3)
    bench.wait(100)
    found = reply(bench, "a", "CLUSTER LINKS")
    assert [(one["direction"], one["node"]) for one in found] == [("to", NAMES[1]), ("from", NAMES[1])]
    assert all(one["create-time"] >= 1_700_000_000_000 for one in found)


def test_a_leader_that_is_no_member_any_more_is_not_shown():
    bench = founded(3)
    front = bench.node(1).front
    (row,) = groups_shown(front, next(iter(bench.node(1).front.sessions.values()), None) or _session(bench))
    assert [node.id for node in leader_first(front, row)] == [1, 2, 3]
    row.members = [2, 3]
    assert [node.id for node in leader_first(front, row)] == [2, 3]
    assert term_of(front, row) == bench.node(1).group.raft.term


def _session(bench: Bench):
    bench.ask("a", "PING")
    return bench.node(1).front.sessions[bench.clients["a"].conn]
