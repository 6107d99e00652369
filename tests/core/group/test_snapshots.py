"""Taking snapshots while everything else goes on, and what a received one means (Rules T1, T2, T7)."""

import pytest

from tests.core.group.snapshotting import QUICK, VALUE, digests_agree, snapshot_files, write
from tests.core.node.bench import Bench
from tests.core.node.bench_disk import is_of_the_data
from trivet.core.base.disk import Channel, Remove, Rename, Sync, Write
from trivet.core.group.snapshots import FAILURE_PAUSE_MS
from trivet.core.raft.membership import Membership, decode_membership
from trivet.core.raft.messages import SnapshotChunk

# -- taking


def test_a_snapshot_is_taken_when_the_log_has_grown_and_only_the_newest_is_kept():
    bench = Bench(limits=QUICK)
    write(bench, 20)
    assert snapshot_files(bench, 1) == []
    write(bench, 500)
    snapshots = bench.node(1).group.snapshots
    assert snapshots.taken >= 3
    assert len(snapshot_files(bench, 1)) == 1
    assert snapshots.index > 300
    assert f"trivet_snapshot_index:{snapshots.index}" in bench.ask("a", "INFO persistence")
    bench.wait(100)  # the quiet system group looks at its part of the log with the next tick
    assert len([file for file in bench.servers[1].disk.files if file.startswith("wal")]) <= 4, (
        "the log is short again"
    )


def test_a_larger_state_is_written_less_often():
    bench = Bench(limits=QUICK)
    write(bench, 1000)
    taken = bench.node(1).group.snapshots.taken
    write(bench, 100, first=1000)
    assert bench.node(1).group.snapshots.taken - taken <= 1


def test_clients_wait_for_a_slice_never_for_a_snapshot():
    """T1: with the bulk disk hanging, few chunks are on their way, and everybody is served."""
    bench = Bench(limits=QUICK)
    bench.servers[1].disk.held[Channel.BULK] = True
    write(bench, 250)
    assert bench.node(1).group.snapshots.building
    assert "rdb_bgsave_in_progress:1" in bench.ask("a", "INFO persistence")
    jobs = bench.servers[1].disk.lanes[Channel.BULK]
    assert sum(isinstance(op, Write) for job in jobs for op in job.operations) <= 4
    bench.release(1)
    bench.wait(20)
    assert bench.node(1).group.snapshots.taken == 1


def test_a_snapshot_counts_only_when_the_log_says_so():
    """T2: until then the old one stays, and no other is begun."""
    bench = Bench(3, limits=QUICK)
    write(bench, 300)
    bench.wait(200)
    snapshots = bench.node(1).group.snapshots
    index, taken = snapshots.index, snapshots.taken
    assert index > 0
    bench.hold(1)
    bench.say("a", f"SET k {VALUE}")
    for i in range(300):
        bench.say("b@2", f"SET j{i} {VALUE}")
    assert snapshots.index == index
    assert snapshots.taken <= taken + 1
    bench.wait(200)
    assert snapshots.taken <= taken + 1
    bench.crash(1)
    bench.start(1)
    assert bench.node(1).group.machine.applied_index == index
    bench.wait(3000)
    assert digests_agree(bench)
    assert len(snapshot_files(bench, 1)) == 1


@pytest.mark.parametrize("kind", [Write, Sync, Rename])
def test_a_snapshot_that_fails_is_given_up_and_tried_later(kind):
    """A failure here concerns only the snapshot; the log stays longer instead."""
    bench = Bench(limits=QUICK)
    write(bench, 20)
    disk = bench.servers[1].disk
    disk.held[Channel.BULK] = True
    write(bench, 230)
    disk.held = {}
    _fail_bulk(bench, kind)
    bench.settle()
    assert bench.servers[1].end == ""
    assert bench.node(1).group.snapshots.taken == 0
    assert any("a snapshot was given up" in line for line in bench.servers[1].log)
    write(bench, 20)
    assert bench.node(1).group.snapshots.taken == 0
    bench.wait(FAILURE_PAUSE_MS)
    bench.wait(100)
    assert bench.node(1).group.snapshots.taken == 1
    assert len(snapshot_files(bench, 1)) == 1
    assert not disk.fails


def _fail_bulk(bench: Bench, kind: type) -> None:
    """Let the next such operation on the bulk lane fail, and none of the log's."""
    disk = bench.servers[1].disk
    do = disk._do

    def fail_once(operation, reads):
        file = operation.file
        if type(operation) is kind and (is_of_the_data(file)):
            disk._do = do
            disk.fails = kind
        return do(operation, reads)

    disk._do = fail_once


def test_a_full_disk_stops_snapshots_and_no_one_else():
    bench = Bench(limits=QUICK)
    write(bench, 20)
    bench.servers[1].disk.full = True
    write(bench, 40, first=20)
    assert bench.node(1).group.snapshots.taken == 0
    assert any("a snapshot was given up" in line for line in bench.servers[1].log)
    assert snapshot_files(bench, 1) == [], "and what it had written takes no room"
    assert bench.say("a", "GET k1") == [f'"{VALUE}"']
    bench.servers[1].disk.full = False
    bench.wait(FAILURE_PAUSE_MS + 1000)
    assert bench.node(1).group.snapshots.taken == 1


# -- what a received snapshot means for the node's own clients


def test_replies_of_writes_that_came_with_a_snapshot():
    """S2: this node never applied them, yet its clients get their answers, once."""
    bench = Bench(3, limits=QUICK)
    write(bench, 10)
    assert bench.say("c@3", "INCR n") == ["1"]
    for pair in ((1, 3), (2, 3)):
        bench.cuts[pair] = None
    assert bench.say("c", "INCR n | INCR n") == []
    bench.wait(20)
    assert bench.ask("a", "GET n") == '"3"', "its writes got through, the answers did not"
    write(bench, 400, first=10)
    bench.heal()
    bench.until(lambda: bench.node(3).group.snapshots.received == 1)
    assert [text for _, text in bench.events] == ["2", "3"]
    assert bench.say("c", "INCR n | GET n") == ["4", '"4"']


def test_replies_that_nobody_remembers_are_given_up_as_unknown():
    bench = Bench(3, limits=QUICK)
    bench.say("c@3", "INCR n")
    bench.cuts[(1, 3)] = bench.cuts[(2, 3)] = None
    assert bench.say("c", "INCR n") == []
    session = bench.node(1).group.machine.sessions.by_node[3]
    assert session.replies[2] == [2]
    session.replies.clear()
    write(bench, 400)
    bench.heal()
    bench.until(lambda: bench.events)
    assert bench._outcome("c")[0].startswith("-TIMEOUT ")
    assert bench.say("c", "INCR n") == ["3"]


# -- membership


def test_a_snapshot_goes_with_the_membership_at_its_index():
    """T7: in its record, in the file's place in memory, and in every chunk."""
    bench = Bench(3, limits=QUICK)
    write(bench, 300)
    snapshots = bench.node(1).group.snapshots
    assert snapshots._newest is not None
    assert decode_membership(snapshots._newest.membership) == Membership((1, 2, 3))
    snapshots.wanted(2)
    (job,) = snapshots.take_jobs()
    snapshots.on_done(job.token, [b"TRS"])
    (_, chunk) = snapshots.outgoing[-1]
    assert isinstance(chunk, SnapshotChunk)
    assert chunk.membership == snapshots._newest.membership
    assert bench.node(1).group.wal._ledger.groups[1].snapshot.membership == chunk.membership


def test_a_change_under_way_is_not_in_a_snapshot():
    """M5: a snapshot that is taken between the change and its commit holds what counted before."""
    bench = Bench(3, limits=QUICK)
    write(bench, 20)
    group = bench.node(1).group
    for other in (2, 3):
        bench.crash(other)
    assert group.raft.propose_membership((1, 2), ())
    group.snapshots._begin(group.machine)
    assert group.raft.membership.outgoing == (1, 2, 3)
    assert decode_membership(group.snapshots._taking.membership) == Membership((1, 2, 3))


def test_who_left_gets_nothing_more_and_a_dropped_replica_leaves_no_file():
    bench = Bench(3, limits=QUICK)
    write(bench, 300)
    snapshots = bench.node(1).group.snapshots
    snapshots.wanted(2)
    snapshots._giving[9] = snapshots._giving[2]
    snapshots._wanted[9] = None
    snapshots.members_changed()
    assert list(snapshots._giving) == [2]
    assert 9 not in snapshots._wanted
    file = snapshots._newest.file
    jobs = snapshots.remove()
    assert jobs[-1].operations == [Remove(file)]
    assert (snapshots.index, snapshots._giving) == (0, {})
