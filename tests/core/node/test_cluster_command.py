"""CLUSTER: the topology in Redis Cluster's words."""

from tests.core.node.bench import Bench

NAMES = ["c0ffee" + "0" * 26 + f"0000000{n}" for n in (1, 2, 3)]


def test_who_and_where():
    Bench(3).talk(
        f"""
        a@2> CLUSTER MYID | CLUSTER KEYSLOT foo | cluster keyslot {{foo}}bar | CLUSTER HELP
        "{NAMES[1]}"
        12182
        12182
        [+CLUSTER INFO | MYID | KEYSLOT <key> | NODES | SLOTS | SHARDS: the topology, read only.]
        a> CLUSTER NOSUCH | CLUSTER KEYSLOT | CLUSTER MYID x
        -ERR unknown subcommand or wrong number of arguments for 'NOSUCH'. Try CLUSTER HELP.
        -ERR unknown subcommand or wrong number of arguments for 'KEYSLOT'. Try CLUSTER HELP.
        -ERR unknown subcommand or wrong number of arguments for 'MYID'. Try CLUSTER HELP.
        """
    )


def test_slots_the_leader_first():
    row = ['["10.0.0.%d" %d "%s" []]' % (n, 7000 + n, NAMES[n - 1]) for n in (1, 2, 3)]
    assert Bench(3).ask("a@3", "CLUSTER SLOTS") == f"[[0 16383 {row[0]} {row[1]} {row[2]}]]"
    assert Bench(3, leader=2).ask("a@3", "CLUSTER SLOTS") == f"[[0 16383 {row[1]} {row[0]} {row[2]}]]"


def test_nodes():
    bench = Bench(3, leader=2)
    bench.crash(3)
    lines = bench.ask("a", "CLUSTER NODES").strip('"').split("\\n")
    term = bench.node(1).group.raft.term
    assert lines == [
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
