"""Groups that nobody leads, on nodes, as the cluster map wants them (Rules F4, F6)."""

from tests.core.node.bench import Limits
from tests.core.node.registers import FIRST, members, registers, with_registers
from trivet.core.base.prng import Prng
from trivet.core.cluster.rows import GroupRow
from trivet.core.node.leaderless_residents import LeaderlessResidents
from trivet.core.paxos.config import GroupConfig


def test_every_node_has_it_and_members_hold_something():
    """F6."""
    bench = with_registers(5)
    bench.say("a", "SET k v | SET l w")
    bench.wait(100)
    inside = members(bench)
    for number in bench.servers:
        group = registers(bench, number)
        assert group.config == GroupConfig(1, tuple(inside))
        assert group.is_member(number) is (number in inside)
        assert (group.keys > 0) is (number in inside)
        assert bench.node(number).front.replicas[FIRST] is group
        assert "group 2 comes to this node" in bench.servers[number].log


class Maker:
    """Makes nothing of it."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def create(self, group: int, system, prng):
        self.made.append(group)
        return Known()


class Known:
    def __init__(self) -> None:
        self.seen: list[tuple[list[int], list[int]]] = []
        self.left_over = False

    def follow(self, row: GroupRow) -> None:
        self.seen.append((list(row.members), list(row.incoming)))


def test_an_old_map_makes_nobody_a_member():
    """F4."""
    bench = with_registers(1, "REPLICAS 1")
    front = bench.node(1).front
    front.leaderless.clear()
    maker, greeted = Maker(), []
    residents = LeaderlessResidents(front, {"paxos": maker}, Prng(1), greeted.append)
    row = GroupRow(9, 7, [(0, 16383)], [1], [1], [], [1])
    residents.follow(row, "paxos", False)
    row.members, row.incoming = [2], [1]
    residents.follow(row, "paxos", False)
    assert not maker.made and 9 not in front.replicas
    row.incoming = []
    residents.follow(row, "paxos", False)
    assert maker.made == [9] and len(greeted) == 1, "who only proposes may come at any time"
    row.membership, row.incoming = 1, [1]
    residents.follow(row, "paxos", False)
    assert maker.made == [9] and front.leaderless[9].seen == [([2], []), ([2], [1])]


def test_files_go_with_the_group_once_the_log_says_so():
    limits = Limits(segment_bytes=64 * 1024, snapshot_log_bytes=20_000, snapshot_chunk_bytes=2_000)
    bench = with_registers(limits=limits)
    for n in range(60):
        bench.ask("abc"[n % 3], f"SET k{n % 7} {'v' * 300}")
    files = [f for s in bench.servers.values() for f in s.disk.names() if f.startswith(f"snap-{FIRST}-")]
    assert len(files) >= 3
    bench.hold(3)
    assert bench.answer("a", "KEYSPACE DROP 7 FORCE") == "+OK"
    bench.wait(300)
    assert FIRST not in bench.node(3).front.leaderless
    kept = [number for number, server in bench.servers.items()
            if any(f.startswith(f"snap-{FIRST}-") for f in server.disk.names())]  # fmt: skip
    assert kept == [3], "its log does not say yet that the group is gone"
    bench.release(3)
    bench.wait(100)
    assert not [f for f in bench.servers[3].disk.names() if f.startswith(f"snap-{FIRST}-")]


def test_who_waits_in_a_group_that_is_dropped_is_told():
    bench = with_registers()
    bench.cut(3)
    bench.send("c", b"*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n")
    bench.settle()
    assert registers(bench, 3).has_writes
    front = bench.node(3).front
    assert front.pending_bytes
    group = front.leaderless[FIRST]
    residents = bench.node(3).residents
    residents._leaderless._bury(FIRST)
    residents._list()
    bench.servers[3].dirty = True
    bench.settle()
    assert bench.events[-1] == (
        "c",
        "-TIMEOUT no majority confirmed the command in time: it may have taken effect, or still may",
    )
    assert not front.pending_bytes and not group.has_writes
