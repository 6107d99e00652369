"""Giving and receiving snapshots while everything else goes on (Rules T3 to T6)."""

import pytest

from tests.core.group.snapshotting import QUICK, VALUE, digests_agree, snapshot_files, write
from tests.core.node.bench import Bench, Limits
from tests.core.node.bench_disk import is_of_the_data
from trivet.core.base.disk import Channel, DiskJob, Read, Rename, Sync, Write
from trivet.core.base.tokens import Tokens
from trivet.core.cluster.map import FIRST_GROUP
from trivet.core.group.snapshots import FAILURE_PAUSE_MS, RETRY_MS
from trivet.core.node.peers import decode_message, encode_message
from trivet.core.raft.messages import Heartbeat, SnapshotChunk, SnapshotReply
from trivet.core.wal.snapshot_file import SnapshotWriter, is_snapshot_file
from trivet.core.wire.peer import FrameParser


def test_a_follower_that_lags_gets_a_snapshot():
    """T3, T4."""
    bench = Bench(3, limits=QUICK)
    write(bench, 50)
    bench.crash(3)
    write(bench, 400, first=50)
    assert bench.node(1).group.raft.first_index > 60, "what node 3 needs is forgotten"
    bench.start(3)
    bench.wait(3000)
    assert bench.node(3).group.snapshots.received == 1
    assert digests_agree(bench)
    assert bench.node(3).group.machine.digest == bench.node(1).group.machine.digest
    assert bench.say("b@3", "DBSIZE | RANDOMKEY | SET k 1")[0] == "450"
    bench.crash(3)
    bench.start(3)
    assert bench.node(3).group.snapshots.index > 60
    bench.wait(1000)
    assert digests_agree(bench)


def test_a_node_whose_log_is_rotten_costs_little_and_is_filled_by_the_next_leader():
    """The leader goes on believing what the node acknowledged once; it must not spin over it."""
    bench = Bench(3, limits=QUICK)
    write(bench, 400)
    bench.crash(3)
    disk = bench.servers[3].disk
    for name in disk.names():
        if is_snapshot_file(name):
            del disk.files[name]
        else:
            disk.files[name][30::64] = bytes(len(disk.files[name][30::64]))
    bench.start(3)
    bench.effects.clear()
    bench.wait(1000)
    sent = [data for number, effects in bench.effects if number == 3 for _, data in effects.sends]
    assert len([data for data in sent if decode_message(data[8:])[0] == FIRST_GROUP]) < 50
    assert bench.say("a", "SET k 1") == ["+OK"]
    bench.node(1).group.raft.transfer(2)
    bench.wait(3000)
    assert digests_agree(bench)
    assert bench.node(3).group.snapshots.received == 1


def test_without_a_finished_snapshot_one_is_taken_for_the_peer():
    limits = Limits(segment_bytes=65536, snapshot_chunk_bytes=2_000, log_memory_bytes=5_000)
    bench = Bench(3, limits=limits)
    bench.crash(3)
    write(bench, 100)
    assert bench.node(1).group.snapshots.taken == 0
    bench.start(3)
    bench.wait(3000)
    assert bench.node(1).group.snapshots.taken == 1
    assert digests_agree(bench)


def _lagging() -> Bench:
    bench = Bench(3, limits=QUICK)
    bench.crash(3)
    write(bench, 400)
    return bench


def test_a_broken_transfer_goes_on_where_it_stopped():
    """T3."""
    bench = _lagging()
    chunks: list[int] = []
    _watch_chunks(bench, chunks)
    bench.start(3)
    bench.until(lambda: len(chunks) >= 5)
    bench.wait(3000)
    assert chunks == sorted(chunks)
    whole = len(chunks)
    assert digests_agree(bench)

    bench = _lagging()
    chunks = []
    _watch_chunks(bench, chunks, cut_after=whole // 2)
    bench.start(3)
    bench.until(lambda: len(chunks) > whole // 2)
    bench.cuts.clear()
    bench.hang_up(1, 3)
    bench.hang_up(3, 1)
    bench.wait(4000)
    assert digests_agree(bench)
    assert bench.node(3).group.snapshots.received == 1
    assert len(chunks) <= whole + 4, "it was not sent from the beginning again"


def _watch_chunks(bench: Bench, offsets: list[int], cut_after: int = 1 << 30) -> None:
    """Note the offsets of the chunks that node 1 sends, and cut it off from node 3 after so many."""

    def watch(sender: int, _: int, frame: bytes) -> None:
        (body,) = FrameParser(1 << 20).feed(frame)
        _, message = decode_message(body)
        if sender == 1 and isinstance(message, SnapshotChunk):
            offsets.append(message.offset)
            if len(offsets) == cut_after:
                bench.cuts[(1, 3)] = bench.cuts[(3, 1)] = None

    bench.on_send = watch


def test_a_lost_chunk_is_sent_again():
    bench = _lagging()
    chunks: list[int] = []
    _watch_chunks(bench, chunks, cut_after=3)
    bench.start(3)
    bench.until(lambda: len(chunks) >= 3)
    bench.cuts.clear()
    took_ms = bench.until(lambda: len(chunks) > 3, RETRY_MS + 100)
    assert took_ms >= RETRY_MS - 40
    bench.wait(1000)
    assert digests_agree(bench)


def test_a_transfer_survives_the_end_of_its_receiver():
    bench = _lagging()
    chunks: list[int] = []
    _watch_chunks(bench, chunks, cut_after=4)
    bench.start(3)
    bench.until(lambda: len(chunks) >= 4)
    bench.crash(3)
    bench.cuts.clear()
    bench.start(3)
    bench.wait(3000)
    assert digests_agree(bench)
    assert len(snapshot_files(bench, 3)) == 1, "nothing is left of the first try"


def test_a_transfer_ends_with_its_leader():
    bench = _lagging()
    chunks: list[int] = []
    _watch_chunks(bench, chunks, cut_after=4)
    bench.start(3)
    bench.until(lambda: len(chunks) >= 4)
    bench.crash(1)
    bench.cuts.clear()
    bench.until(lambda: bench.node(3).group.snapshots.received == 1)
    bench.start(1)
    bench.wait(3000)
    assert digests_agree(bench)
    assert len(snapshot_files(bench, 3)) == 1


def test_who_steps_down_while_a_chunk_is_read_does_not_send_it():
    """T3: it would carry the new term, and who gets it would believe that its sender leads."""
    bench = _lagging()
    chunks: list[int] = []
    _watch_chunks(bench, chunks, cut_after=2)
    bench.start(3)
    bench.until(lambda: len(chunks) == 2)
    disk = bench.servers[1].disk
    disk.held[Channel.BULK] = True

    def reads() -> list[DiskJob]:
        return [job for job in disk.lanes[Channel.BULK] if isinstance(job.operations[0], Read)]

    bench.until(lambda: bool(reads()))
    (job,) = reads()
    (operation,) = job.operations
    group = bench.node(1).group
    group.raft.step(2, Heartbeat(group.raft.term + 1, 0))
    group.on_disk_done(job.token, [disk.read(operation.file, operation.offset, operation.size_bytes)])
    assert group.snapshots.outgoing == []


def test_writes_go_on_during_a_transfer():
    bench = _lagging()
    bench.servers[3].disk.held[Channel.BULK] = False
    bench.start(3)
    for i in range(100):
        bench.say("b@2", f"SET during{i} {VALUE}")
        bench.wait(20)
    bench.wait(2000)
    assert digests_agree(bench)
    assert bench.say("c@3", "EXISTS during0 during99") == ["2"]


@pytest.mark.parametrize("kind", [Write, Sync, Rename])
def test_a_receiver_that_fails_throws_it_away_whole_and_tries_again(kind):
    """T4."""
    bench = _lagging()
    bench.start(3)
    disk = bench.servers[3].disk
    do = disk._do

    def fail_once(operation, reads):
        if type(operation) is kind and (is_of_the_data(operation.file)):
            disk._do = do
            disk.fails = kind
        return do(operation, reads)

    disk._do = fail_once
    bench.wait(5000)
    assert bench.servers[3].end == ""
    assert any("threw away a snapshot that node 1 sent" in line for line in bench.servers[3].log)
    assert digests_agree(bench)
    assert len(snapshot_files(bench, 3)) == 1


def test_a_damaged_chunk_is_thrown_away():
    """T4: in a transfer that goes on in the middle it is the receiver who finds out."""
    bench = _lagging()
    chunks: list[int] = []
    _watch_chunks(bench, chunks, cut_after=4)
    bench.start(3)
    bench.until(lambda: len(chunks) >= 4)
    _flip(bench, chunks[-1] + 3000)
    bench.cuts.clear()
    bench.hang_up(1, 3)
    bench.hang_up(3, 1)
    bench.wait(2000)
    assert any("threw away a snapshot" in line for line in bench.servers[3].log)
    bench.wait(5000)
    assert digests_agree(bench)


def _offered() -> Bench:
    """Node 1 has a snapshot that node 3 needs, and has begun to give it when node 3 ends."""
    bench = _lagging()
    chunks: list[int] = []
    _watch_chunks(bench, chunks, cut_after=2)
    bench.start(3)
    bench.until(lambda: len(chunks) >= 2)
    bench.crash(3)
    bench.cuts.clear()
    bench.on_send = lambda sender, to, frame: None
    bench.wait(1000)
    return bench


def _flip(bench: Bench, offset: int) -> None:
    """One bit of the leader's snapshot file flips."""
    (file,) = snapshot_files(bench, 1)
    bench.servers[1].disk.files[file][offset] ^= 1


@pytest.mark.parametrize("offset", [3, 40, 5000, -1])
def test_a_file_that_rots_while_its_node_runs_is_given_no_further(offset: int):
    """T5: without one more entry in the log, so the new snapshot has the old one's index and name."""
    bench = _offered()
    group = bench.node(1).group
    _flip(bench, offset)
    before = group.machine.applied_index
    bench.start(3)
    bench.wait(6000)
    assert any("is corrupt on this disk" in line for line in bench.servers[1].log)
    assert group.machine.applied_index == before
    assert digests_agree(bench)
    assert len(snapshot_files(bench, 1)) == 1
    bench.crash(1)
    bench.start(1)
    assert bench.node(1).group.snapshots.index == before, "the file that took its place is sound"


def test_a_file_that_is_cut_short_is_noticed_as_well():
    """T5."""
    bench = _offered()
    (file,) = snapshot_files(bench, 1)
    del bench.servers[1].disk.files[file][-60:]
    bench.start(3)
    bench.wait(6000)
    assert any("ends too early" in line for line in bench.servers[1].log)
    assert digests_agree(bench)


def test_a_file_that_cannot_be_read_is_told():
    bench = _lagging()
    bench.servers[1].disk.fails = Read
    bench.start(3)
    bench.wait(3000)
    assert any("could not be read" in line for line in bench.servers[1].log)
    assert bench.servers[1].end == ""
    assert digests_agree(bench)


def test_a_leader_that_can_give_no_snapshot_hands_over():
    """T6: the log has room left, a snapshot has none; the follower that waits for one must not wait for ever."""
    limits = Limits(segment_bytes=65536, snapshot_chunk_bytes=2_000, log_memory_bytes=5_000)
    bench = Bench(3, limits=limits)
    bench.crash(3)
    write(bench, 100)
    bench.servers[1].disk.full = True
    bench.start(3)
    bench.wait(3 * FAILURE_PAUSE_MS)
    assert any("a snapshot was given up" in line for line in bench.servers[1].log)
    assert not bench.node(1).group.disk_full
    assert bench.leader() == 2
    assert digests_agree(bench)


def test_an_answer_to_an_old_offer_changes_nothing():
    bench = _lagging()
    bench.node(1).group.snapshots.on_reply(3, SnapshotReply(1, 7, 0, True))
    bench.node(1).group.snapshots.on_done(10**9, [])
    bench.settle()
    assert bench.say("a", "PING") == ["+PONG"]


def _file_of(index: int, *chunks: bytes) -> bytes:
    """A snapshot file that is whole, whatever its chunks say."""
    writer = SnapshotWriter(Tokens(), 1, index, 1)
    jobs = [*[writer.add(chunk) for chunk in chunks], writer.finish()]
    return b"".join(op.data for job in jobs for op in job.operations if isinstance(op, Write))


def _send(bench: Bench, chunk: SnapshotChunk) -> None:
    """A chunk from the leader to node 3."""
    bench.node(3).on_link_bytes(bench.links[(1, 3)], encode_message(1, chunk))
    bench.servers[3].dirty = True
    bench.settle()


def test_a_whole_file_that_makes_no_sense_is_thrown_away():
    bench = Bench(3)
    write(bench, 5)
    bench.wait(200)
    data = _file_of(1000, b"no chunk of a snapshot")
    _send(bench, SnapshotChunk(1, 1000, 1, 0, data, True))
    assert any("does not decode" in line for line in bench.servers[3].log)
    assert snapshot_files(bench, 3) == []
    assert bench.say("a@3", "DBSIZE") == ["5"]


def test_a_newer_offer_takes_the_place_of_an_unfinished_one():
    bench = Bench(3)
    write(bench, 5)
    bench.wait(200)
    old, new = _file_of(1000, b"x" * 5000), _file_of(2000, b"x" * 5000)
    _send(bench, SnapshotChunk(1, 1000, 1, 0, old[:100], False))
    _send(bench, SnapshotChunk(1, 2000, 1, 0, new[:100], False))
    assert snapshot_files(bench, 3) == ["snap-1-00000000000007d0-0000000000000001-r.snap.tmp"]
    _send(bench, SnapshotChunk(1, 2000, 1, 100, b"", False))
    _send(bench, SnapshotChunk(1, 2000, 1, 5000, new[5000:], True))
    sent = [frame for number, effects in bench.effects if number == 3 for _, frame in effects.sends]
    replies = [SnapshotReply(1, 1000, 100, True), SnapshotReply(1, 2000, 100, True)]
    assert [sent.count(encode_message(1, reply)) for reply in replies] == [1, 2], (
        "it says again what it wants"
    )
