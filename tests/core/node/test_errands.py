"""What a node says unasked: the founding of the cluster, its birth, its address (Rules E1, E2, P4)."""

import msgspec
import pytest

from tests.core.node.bench import Bench
from tests.core.node.bench_disk import Disk
from trivet.core.cluster.map import SYSTEM_GROUP, genesis
from trivet.core.node.errands import REFUSED_MS
from trivet.core.node.peers import TOLD_OFF
from trivet.core.raft.state import Role


def maps(bench: Bench) -> list:
    return [
        server.node.system.machine.cluster for server in bench.servers.values() if server.node is not None
    ]


def births(bench: Bench) -> list[dict[int, int]]:
    """As each node knows them: a map that was founded anew would have to learn them again."""
    return [{row.id: row.birth for row in cluster.nodes.values()} for cluster in maps(bench)]


def founded(nodes: int, **settings) -> Bench:
    bench = Bench(nodes, **settings)
    bench.found()
    return bench


def move(bench: Bench, number: int, host: str) -> None:
    """The node's configuration says that it is elsewhere from its next start on."""
    bench.configs[number] = msgspec.structs.replace(bench.configs[number], host=host)


# -- founding


@pytest.mark.parametrize("size", [1, 3, 5])
def test_the_map_of_a_founded_cluster_is_the_same_everywhere(size):
    """E1."""
    bench = founded(size)
    bench.until(lambda: len({cluster.digest() for cluster in maps(bench)}) == 1)
    cluster = maps(bench)[0]
    assert list(cluster.nodes) == list(range(1, size + 1))
    assert sorted(cluster.groups) == [0, 1]
    assert cluster.epoch >= 1 + size, "one change per birth; who leads is said too"
    assert len({row.birth for row in cluster.nodes.values()}) == size


def test_the_founding_map_is_what_every_founder_computes():
    bench = Bench(3, leader=0)
    for server in bench.servers.values():
        config = server.node.config
        assert server.node._founding.encode() == genesis(config.cluster, config.members).encode()


def test_a_cluster_is_founded_once():
    """Also when the leader of the system group dies before it hears that it was."""
    bench = Bench(3, leader=0)
    bench.until(
        lambda: any(s.node and s.node.system.raft.role is Role.LEADER for s in bench.servers.values())
    )
    (leader,) = [s.number for s in bench.servers.values() if s.node.system.raft.role is Role.LEADER]
    bench.cut(leader)
    bench.until(lambda: any(cluster is not None for cluster in maps(bench)))
    bench.heal()
    bench.found()
    first = births(bench)
    assert len(set(first[0].values())) == 3
    bench.wait(5000)
    assert births(bench) == first == [first[0]] * 3


def test_when_all_is_said_nothing_more_is_written():
    bench = founded(3)
    bench.wait(500)
    before = [server.node.system.raft.last_index for server in bench.servers.values()]
    bench.wait(5000)
    assert [server.node.system.raft.last_index for server in bench.servers.values()] == before


def test_it_stays_founded():
    bench = founded(3)
    before = births(bench)
    for number in (1, 2, 3):
        bench.crash(number)
    for number in (1, 2, 3):
        bench.start(number)
    bench.elect(1)
    bench.until(lambda: None not in maps(bench) and births(bench) == before)
    bench.wait(3000)
    assert births(bench) == before
    assert len({cluster.digest() for cluster in maps(bench)}) == 1


# -- births


def test_a_node_with_an_empty_disk_may_not_come_back_as_who_it_was():
    """P4: what it had promised is lost."""
    bench = founded(3)
    bench.say("a@2", "SET k 1")
    bench.crash(3)
    bench.servers[3].disk = Disk()
    bench.start(3)
    bench.settle()
    bench.wait(200)
    assert bench.servers[3].end == f"fatal {TOLD_OFF}"
    assert any("another data directory than before" in line for line in bench.servers[1].log)
    assert bench.say("a", "GET k") == ['"1"'], "nobody else is harmed"


def test_it_is_told_off_by_whoever_it_meets_and_votes_for_nobody():
    bench = founded(3)
    bench.crash(3)
    bench.crash(2)
    bench.servers[3].disk = Disk()
    bench.start(3)
    bench.wait(200)
    assert bench.servers[3].end == f"fatal {TOLD_OFF}"
    assert bench.say("a@1", "SET k 1") == []
    bench.start(2)
    bench.until(lambda: bench.events != [])
    assert bench.events == [("a", "+OK")]


def test_a_node_that_has_its_directory_is_let_in():
    bench = founded(3)
    births = [row.birth for row in maps(bench)[0].nodes.values()]
    for number in (1, 2, 3):
        bench.crash(number)
        bench.start(number)
        bench.wait(2000)
        assert bench.servers[number].end == ""
    assert [row.birth for row in maps(bench)[0].nodes.values()] == births


def test_a_node_with_a_damaged_log_is_not_told_off():
    """It knows that it has lost something: its replicas do not vote before they are repaired."""
    bench = founded(3)
    for number in range(30):
        bench.say("a@1", f"SET k{number} 1")
    bench.crash(3)
    log = bench.servers[3].disk.files["wal-0000000000000001.log"]
    log[0 : 20 * 512] = bytes(20 * 512)
    bench.start(3)
    assert bench.node(3)._birth == 0
    bench.wait(3000)
    assert bench.servers[3].end == ""
    assert bench.say("b@3", "DBSIZE") == ["30"]
    assert bench.node(3).group.raft.missing_to == 0, "repaired"
    assert bench.node(3).system.machine.cluster.digest() == maps(bench)[0].digest()


# -- addresses


def test_a_node_that_was_moved_says_where_it_is():
    """E2."""
    bench = founded(3)
    bench.crash(3)
    move(bench, 3, "10.9.9.9")
    bench.effects.clear()
    bench.start(3)
    bench.until(lambda: all(cluster.nodes[3].host == "10.9.9.9" for cluster in maps(bench)))
    bench.wait(100)
    dials = {number: effects.dials for number, effects in bench.effects if effects.dials is not None}
    assert (3, "10.9.9.9", 17003) in dials[1]
    assert (3, "10.9.9.9", 17003) in dials[2]


def test_an_address_of_another_node_is_refused_and_said_again_only_seldom():
    bench = founded(3)
    bench.crash(3)
    move(bench, 3, "10.0.0.2")
    bench.configs[3] = msgspec.structs.replace(bench.configs[3], client_port=7002, peer_port=17002)
    bench.start(3)
    bench.wait(2000)
    before = bench.node(1).groups[SYSTEM_GROUP].raft.last_index
    bench.wait(2 * REFUSED_MS)
    assert bench.node(1).groups[SYSTEM_GROUP].raft.last_index - before <= 4
    assert maps(bench)[0].nodes[3].host == "10.0.0.3"
    assert bench.servers[3].end == ""


def test_without_a_majority_it_waits():
    bench = founded(3)
    for number in (1, 2, 3):
        bench.crash(number)
    move(bench, 3, "10.9.9.9")
    bench.start(3)
    bench.wait(20_000)
    assert maps(bench)[0] is None or maps(bench)[0].nodes[3].host == "10.0.0.3"
    bench.start(1)
    bench.start(2)
    bench.until(lambda: None not in maps(bench) and maps(bench)[0].nodes[3].host == "10.9.9.9")
