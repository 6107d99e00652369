"""From files to a node that may take part (Rules B1 to B3), and what a restart keeps."""

from typing import Final

import msgspec
import pytest

from tests.core.node.bench import SMALL, START_WALL_MS, Bench, Limits
from tests.core.node.bench_disk import Disk, is_of_the_data
from tests.core.node.test_residents import SECOND, holders, with_keyspace
from trivet.core.base.disk import Write
from trivet.core.base.entry import Entry
from trivet.core.base.errors import StartError
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.cluster.map import Member
from trivet.core.group.register_log import REGISTERS
from trivet.core.machine.entry import Batch, encode_batch, encode_body
from trivet.core.machine.machine import Machine
from trivet.core.machine.sessions import NodeSession
from trivet.core.machine.snapshot import SnapshotWalk
from trivet.core.node.boot import boot
from trivet.core.node.config import NodeConfig
from trivet.core.paxos.ballot import proposer_of
from trivet.core.paxos.ready import Marks
from trivet.core.raft.membership import Membership, encode_membership
from trivet.core.wal.record import UNKNOWN_INDEX, BootRecord, FoundRecord, GroupRecord, Record, SnapshotRecord
from trivet.core.wal.scan import Frame, Scanner
from trivet.core.wal.segment import segment_file
from trivet.core.wal.snapshot_file import SnapshotWriter, is_snapshot_file
from trivet.core.wire.reply import OK

_WALK = SnapshotWalk(Machine(10), 1000)
_HEAD_OF_NOTHING = _WALK.next_chunk()
QUICK = Limits(
    segment_bytes=64 * 1024, snapshot_log_bytes=20_000, snapshot_chunk_bytes=2_000, log_memory_bytes=10_000
)


def config(node: int = 1, cluster: str = "c0ffee", size: int = 1) -> NodeConfig:
    members = [Member(id=n, host="h", client_port=n, peer_port=n) for n in range(1, size + 1)]
    return NodeConfig(node=node, cluster=cluster, members=members, limits=SMALL)


def incarnation(bench: Bench, number: int = 1) -> int:
    return bench.node(number).group.settings.incarnation


# -- refusals


def test_a_bad_configuration_is_said_at_once():
    with pytest.raises(StartError, match="node: 7 is not among the members"):
        boot(config(node=7), Disk(), Prng(1), 0, START_WALL_MS)


@pytest.mark.parametrize(("node", "cluster"), [(1, "0dd"), (2, "c0ffee")])
def test_the_directory_of_another_is_refused(node, cluster):
    """B2."""
    bench = Bench(3)
    bench.crash(1)
    files = {file: bytes(data) for file, data in bench.servers[1].disk.files.items()}
    with pytest.raises(
        StartError, match=f"belongs to node 1 of cluster c0ffee, not to node {node} of cluster {cluster}"
    ):
        boot(config(node, cluster, 3), bench.servers[1].disk, Prng(1), 0, START_WALL_MS)
    assert bench.servers[1].disk.files == files, "and nothing in it is touched"


def test_remains_without_a_log_are_refused():
    bench = Bench()
    bench.say("a", "SET k 1")
    bench.crash(1)
    disk = bench.servers[1].disk
    for file in disk.files:
        disk.files[file][:] = bytes(len(disk.files[file]))
    disk.files["wal-%016x.log" % 9] = bytearray(65536)
    with pytest.raises(StartError, match="not one readable frame"):
        bench.start(1)


# -- incarnations


def test_every_life_has_a_higher_incarnation():
    """B1: also when the clock goes back."""
    bench = Bench()
    first = incarnation(bench)
    assert first == START_WALL_MS
    bench.crash(1)
    bench.start(1)
    bench.settle()
    second = incarnation(bench)
    assert second > first
    bench.crash(1)
    bench.servers[1].wall_skew_ms = -1_000_000
    bench.start(1)
    bench.settle()
    assert incarnation(bench) == second + 1


def test_a_life_whose_boot_record_was_never_synced_said_nothing():
    bench = Bench()
    bench.crash(1)
    bench.hold(1)
    bench.start(1)
    bench.settle()
    lost = incarnation(bench)
    bench.connect("a")
    assert bench.say("a", "PING") == [], "D2: nothing leaves before the log is known to be durable"
    bench.crash(1)
    bench.start(1)
    bench.settle()
    assert incarnation(bench) >= lost


def test_a_boot_record_that_may_be_lost_leaves_a_wide_margin():
    """B1."""
    bench = Bench()
    for i in range(30):
        bench.say("a", f"SET k{i} 1")
    first = incarnation(bench)
    bench.crash(1)
    log = bench.servers[1].disk.files["wal-0000000000000001.log"]
    log[10 * 512 : 14 * 512] = bytes(4 * 512)
    bench.start(1)
    bench.settle()
    assert incarnation(bench) > first + 86_400_000


_DAYS: Final = 10 * 86_400_000


def _marks_of(life: int) -> list[Record]:
    saved = msgspec.msgpack.encode([Marks(1, 1, proposer_of(1, life))])
    return [FoundRecord(9, REGISTERS), GroupRecord(9, 1, 0, 1, 1, [Entry(1, saved)], 0, 1, 1)]


def _batch_of(life: int) -> list[Record]:
    body = encode_body(START_WALL_MS, 1, [encode_batch(Batch(1, life, 1, 0, []))])
    return [GroupRecord(9, 2, 1, 0, 1, [Entry(2, b"?"), Entry(2, body)], 0, 2, 2)]


@pytest.mark.parametrize("told", [_marks_of, _batch_of])
def test_a_life_of_which_only_its_deeds_are_left_counts(told):
    """B1: its boot record is lost, more than a margin ahead of what the clock and the last one left say."""
    bench = Bench()
    lost = incarnation(bench) + _DAYS
    wal = bench.node(1)._wal
    for record in told(lost):
        wal.append(record)
    bench.servers[1].dirty = True
    bench.settle()
    _tear_what_comes(bench)
    bench.start(1)
    bench.settle()
    assert incarnation(bench) > lost


def _tear_what_comes(bench: Bench) -> None:
    """The frames of some more writes can't be read when the node starts again."""
    disk = bench.servers[1].disk
    before = len([found for found in Scanner(disk).scan() if isinstance(found, Frame)])
    for i in range(5):
        bench.say("a", f"SET k{i} 1")
    bench.crash(1)
    frames = [found for found in Scanner(disk).scan() if isinstance(found, Frame)]
    for frame in frames[before : before + 3]:
        disk.files[segment_file(frame.segment)][frame.offset + 30] ^= 1


def test_a_life_of_which_only_a_snapshot_tells_counts():
    """B1: what was once in the log is in the state, and the sessions there know the node's lives."""
    bench = Bench()
    lost = incarnation(bench) + _DAYS
    machine = Machine(10)
    machine.applied_index = 1
    machine.sessions.by_node[1] = NodeSession(lost)
    writer = SnapshotWriter(Tokens(), 9, 1, 1)
    jobs = []
    walk = SnapshotWalk(machine, 1000)
    while (chunk := walk.next_chunk()) is not None:
        jobs.append(writer.add(chunk))
    jobs.append(writer.finish())
    data = b"".join(op.data for job in jobs for op in job.operations if isinstance(op, Write))
    nobody = encode_membership(Membership())
    wal = bench.node(1)._wal
    logged = GroupRecord(9, 1, 0, 1, 1, [Entry(1, b"?")], 0, 1, 1)
    for record in [FoundRecord(9, nobody), logged, SnapshotRecord(9, 1, 1, writer.file, False, nobody)]:
        wal.append(record)
    bench.servers[1].dirty = True
    bench.settle()
    _tear_what_comes(bench)
    bench.servers[1].disk.files[writer.file] = bytearray(data)
    bench.start(1)
    bench.settle()
    assert incarnation(bench) > lost


def test_two_lives_that_know_equally_little_are_not_one():
    """B1: whichever boot records are lost, chance keeps them apart."""
    bench = Bench()
    _tear_what_comes(bench)
    files = {name: bytes(data) for name, data in bench.servers[1].disk.files.items()}
    lives = []
    for _ in range(2):
        bench.start(1)
        lives.append(incarnation(bench))
        bench.crash(1)
        disk = bench.servers[1].disk
        disk.files = {name: bytearray(data) for name, data in files.items()}
    assert lives[0] != lives[1]


def test_an_unreadable_snapshot_costs_a_damaged_log_no_group_of_registers():
    """B1, B3: looking for lives leaves it to the start of the group to find out."""
    bench = Bench()
    wal, disk = bench.node(1)._wal, bench.servers[1].disk
    writer = SnapshotWriter(Tokens(), 9, 1, 1)
    for record in [*_marks_of(1), SnapshotRecord(9, 1, 1, writer.file, False, REGISTERS)]:
        wal.append(record)
    bench.servers[1].dirty = True
    bench.settle()
    _tear_what_comes(bench)
    disk.files[writer.file] = bytearray(b"no snapshot")
    bench.start(1)
    assert 9 in bench.node(1).front.replicas


# -- restarts


@pytest.mark.parametrize("power", [True, False])
def test_a_restart_keeps_what_was_acknowledged(power):
    bench = Bench()
    bench.say("a", "SET k 1 | SADD s a b | SELECT 3 | SET j 3 PX 100000 | EXPIRE j 50")
    bench.crash(1, power)
    bench.start(1)
    bench.elect(1)
    assert bench.say("b", "GET k | SCARD s | SELECT 3 | GET j | TTL j") == ['"1"', "2", "+OK", '"3"', "50"]


def test_all_down_at_once():
    bench = Bench(3)
    for i in range(20):
        bench.say("a@2", f"SET k{i} {i}")
    for number in (1, 2, 3):
        bench.crash(number)
    for number in (1, 2, 3):
        bench.start(number)
    bench.until(bench.leader)
    assert bench.say("b@3", "DBSIZE | GET k19") == ["20", '"19"']


def test_a_restart_from_snapshot_and_log():
    bench = Bench(limits=QUICK)
    for i in range(400):
        bench.say("a", f"SET k{i} {'v' * 100} | INCR n")
    snapshots = bench.node(1).group.snapshots
    assert snapshots.taken >= 2
    bench.crash(1)
    bench.start(1)
    assert bench.node(1).group.snapshots.index == snapshots.index
    assert bench.node(1).group.machine.applied_index == snapshots.index
    bench.elect(1)
    assert bench.say("b", "DBSIZE | GET n") == ["401", '"400"']
    assert (
        len([file for file in bench.servers[1].disk.files if is_snapshot_file(file) and is_of_the_data(file)])
        == 1
    )


def test_a_lost_snapshot_is_repaired_by_the_peers_before_it_votes():
    """B3."""
    bench = Bench(3, limits=QUICK)
    for i in range(300):
        bench.say("a", f"SET k{i} {'v' * 100}")
    bench.wait(200)
    assert bench.node(3).group.snapshots.index > 0
    bench.crash(3)
    disk = bench.servers[3].disk
    (file,) = [file for file in disk.files if is_snapshot_file(file) and is_of_the_data(file)]
    disk.files[file][1000] ^= 1
    bench.cut(3)
    bench.start(3)
    bench.settle()
    assert any("unreadable snapshot" in line for line in bench.servers[3].log)
    raft = bench.node(3).group.raft
    assert raft.missing_to > 0
    bench.wait(5000, [3])
    assert raft.term == 1, "it asks for no votes"
    bench.heal()
    bench.until(lambda: bench.node(3).group.raft.missing_to == 0)
    bench.wait(2000)
    assert bench.node(3).state_digest() == bench.node(1).state_digest()
    assert any("votes again" in line for line in bench.servers[3].log)


@pytest.mark.parametrize("chunk", [b"no chunk of a snapshot", _HEAD_OF_NOTHING])
def test_a_snapshot_of_something_else_is_a_lost_one(chunk):
    """B3: whole, but not what the log says it is."""
    bench = Bench(limits=QUICK)
    for i in range(100):
        bench.say("a", f"SET k{i} {'v' * 100}")
    index = bench.node(1).group.snapshots.index
    bench.crash(1)
    disk = bench.servers[1].disk
    (file,) = [file for file in disk.files if is_snapshot_file(file) and is_of_the_data(file)]
    writer = SnapshotWriter(Tokens(), 1, index, 1)
    jobs = [writer.add(chunk), writer.finish()]
    data = b"".join(op.data for job in jobs for op in job.operations if isinstance(op, Write))
    disk.files[file][:] = data
    bench.start(1)
    bench.settle()
    assert any("unreadable snapshot" in line for line in bench.servers[1].log)
    assert bench.node(1).group.machine.applied_index == 0


def test_a_lost_snapshot_of_a_group_of_one_is_not_papered_over():
    bench = Bench(limits=QUICK)
    for i in range(300):
        bench.say("a", f"SET k{i} {'v' * 100}")
    bench.crash(1)
    disk = bench.servers[1].disk
    (file,) = [file for file in disk.files if is_snapshot_file(file) and is_of_the_data(file)]
    disk.files[file][1000] ^= 1
    bench.start(1)
    bench.wait(10_000)
    assert bench.leader() == 0, "it never pretends that what is lost was never there"
    bench.connect("b")
    assert bench.say("b", "SET k 1") == []


def test_a_first_start_says_what_it_found():
    booted = boot(config(), Disk(), Prng(1), 0, START_WALL_MS)
    assert [text for _, text in booted.log if "group 1" in text] == [
        f"node 1 starts group 1: term 0, snapshot at 0, log to 0, incarnation {START_WALL_MS}"
    ]
    assert not booted.wal.open


# -- damaged logs, and groups that the map has made


def keep_frames(disk: Disk, about_second: bool) -> None:
    """Of the log only the newest frame with, or without, a word on the second group is left."""
    frames = [found for found in Scanner(disk).scan() if isinstance(found, Frame)]
    tells = [
        any(not isinstance(record, BootRecord) and record.group == SECOND for record in frame.records)
        for frame in frames
    ]
    kept = max(number for number, told in enumerate(tells) if told is about_second)
    for number, frame in enumerate(frames):
        if number != kept:
            disk.files[segment_file(frame.segment)][frame.offset + 30] ^= 1


def damaged(about_second: bool) -> Bench:
    bench = with_keyspace(3)
    assert bench.say("a", "SELECT 3 | SET k 1") == ["+OK", "+OK"]
    bench.wait(2000)
    bench.crash(3)
    keep_frames(bench.servers[3].disk, about_second)
    bench.start(3)
    return bench


def test_what_a_damaged_log_still_knows_of_a_group_counts():
    """Rule B6: also when it has lost the word on whose log it is. It may have voted, and must not do it twice."""
    bench = damaged(True)
    assert holders(bench, SECOND) == [1, 2, 3]
    raft = bench.node(3).groups[SECOND].raft
    assert raft.term > 0
    assert raft.missing_to > 0
    bench.wait(1000)
    assert bench.answer("b@3", "SELECT 3") == "+OK"
    assert bench.answer("b", "GET k") == '"1"'


def test_a_group_that_a_damaged_log_may_have_lost_has_doubts_when_it_comes():
    """Rule W15."""
    bench = damaged(False)
    assert holders(bench, SECOND) == [1, 2]
    bench.until(lambda: SECOND in bench.node(3).groups)
    assert bench.node(3).groups[SECOND].raft.missing_to == UNKNOWN_INDEX
    bench.wait(1000)
    assert bench.answer("b@3", "SELECT 3") == "+OK"
    assert bench.answer("b", "GET k") == '"1"'
    members = [bench.node(number).groups[SECOND].raft.membership for number in (1, 2, 3)]
    assert members[2] == members[0] == members[1], "it knows for whom to campaign (B5)"
    bench.crash(3)
    bench.start(3)
    assert bench.node(3).groups[SECOND].raft.missing_to == UNKNOWN_INDEX
    assert bench.change_map(1, "KEYSPACE CREATE 4 REPLICAS 3") == OK
    bench.until(lambda: SECOND + 1 in bench.node(3).groups)
    assert bench.node(3).groups[SECOND + 1].raft.missing_to == 0, "it is younger than the loss"


@pytest.mark.parametrize(
    ("term", "vote", "starts"), [(1, 0, False), (0, 0, False), (2, 0, True), (1, 3, True)]
)
def test_a_group_of_which_nothing_tells_the_mode_begins_again(term, vote, starts):
    """B7: a group of registers has term 1, and never a vote."""
    bench = Bench(3)
    wal = bench.node(1)._wal
    wal.append(GroupRecord(9, term, vote, 1, 1, [Entry(term, b"x")], 0, 1, term))
    bench.servers[1].dirty = True
    bench.settle()
    bench.crash(1)
    bench.start(1)
    assert (9 in bench.node(1).groups) is starts
    stone = bench.node(1)._wal.tombstone(9)
    assert (stone is None) is starts
    assert starts or (stone.term, stone.missing_to) == (term, 1), "it knows that it has forgotten something"
    bench.settle()
    bench.crash(1)
    bench.start(1)
    assert starts or bench.node(1)._wal.tombstone(9) is not None
