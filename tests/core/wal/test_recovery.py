"""Recovery against a disk that loses, tears and flips: what was synced is there, or its loss is said."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.wal.faulty_disk import Disk, run
from trivet.core.base.disk import Channel, Remove, Sync, Write
from trivet.core.base.entry import Entry
from trivet.core.base.errors import StartError
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.wal.frame import encode_frame
from trivet.core.wal.record import (
    RECORD_FORMAT,
    UNKNOWN_GROUP,
    UNKNOWN_INDEX,
    BootRecord,
    GroupRecord,
    SnapshotRecord,
    encode_record,
)
from trivet.core.wal.recovery import recover
from trivet.core.wal.scan import Frame as FoundFrame
from trivet.core.wal.scan import Scanner
from trivet.core.wal.segment import segment_file, segment_number
from trivet.core.wal.snapshot_file import snapshot_file

SEGMENT = 8 * 1024


def boot(disk, segment_bytes=SEGMENT):
    return recover(disk, Tokens(), segment_bytes, 77)


class Log:
    """One group as its Raft member would log it, and what recovery ought to say of it."""

    def __init__(self, group):
        self.group = group
        self.term, self.vote, self.commit = 1, 0, 0
        self.snapshot = None
        self.entries: list[Entry] = []
        self.serial = 0

    @property
    def base(self):
        return (0, 0) if self.snapshot is None else (self.snapshot.index, self.snapshot.term)

    @property
    def last(self):
        return self.base[0] + len(self.entries)

    def term_at(self, index):
        return self.base[1] if index == self.base[0] else self.entries[index - self.base[0] - 1].term

    def hard(self):
        last = self.last
        return GroupRecord(self.group, self.term, self.vote, self.commit, 0, [], 0, last, self.term_at(last))

    def append(self, count, size, drop=0):
        """Entries of the current term, after dropping the last ``drop`` ones (in a new term)."""
        drop = min(drop, self.last - max(self.base[0], self.commit))
        if drop:
            self.term += 1
            del self.entries[len(self.entries) - drop :]
        first = self.last + 1
        prev_term = self.term_at(first - 1)
        added = []
        for _ in range(count):
            self.serial += 1
            added.append(Entry(self.term, (b"%d-%d." % (self.group, self.serial)) * (1 + size // 8)))
        self.entries = self.entries + added
        return GroupRecord(
            self.group, self.term, self.vote, self.commit, first, added, prev_term, self.last, self.term
        )

    def vote_for(self, node):
        self.term += 1
        self.vote = node
        return self.hard()

    def compact(self, disk):
        """A snapshot at the commit index."""
        index = self.commit
        if index <= self.base[0]:
            return None
        term = self.term_at(index)
        file = snapshot_file(self.group, index, term)
        disk.put(file, b"state")
        self.entries = self.entries[index - self.base[0] :]
        self.snapshot = SnapshotRecord(self.group, index, term, file)
        return self.snapshot

    def install(self, disk, ahead):
        """A leader's snapshot beyond our log."""
        index = self.last + ahead
        file = snapshot_file(self.group, index, self.term)
        disk.put(file, b"state")
        self.entries = []
        self.snapshot = SnapshotRecord(self.group, index, self.term, file)
        self.commit = index
        return SnapshotRecord(self.group, index, self.term, file, reset=True)

    def view(self):
        return (self.term, self.vote, self.commit, self.snapshot, tuple(self.entries))

    def load(self, found):
        self.term, self.vote, self.commit = found.term, found.vote, found.commit
        self.snapshot, self.entries = found.snapshot, list(found.entries)


def seen(found):
    assert found.missing_to == 0
    assert not found.hard_state_suspect
    snapshot = found.snapshot
    if snapshot is not None:
        assert found.first_index == snapshot.index + 1
        snapshot = SnapshotRecord(snapshot.group, snapshot.index, snapshot.term, snapshot.file)
    return (found.term, found.vote, found.commit, snapshot, tuple(found.entries))


BLANK = (0, 0, 0, None, ())


class World:
    """A node that logs two groups, its disk, and every state that the log has been in."""

    def __init__(self):
        self.disk = Disk()
        self.logs = {1: Log(1), 2: Log(2)}
        self.states = [{}]
        self.floor = 0
        """The position in ``states`` below which recovery may never fall."""
        self.start()

    def start(self):
        self.recovery = boot(self.disk)
        self.wal = self.recovery.wal
        assert not self.recovery.damaged, self.recovery.notes
        found = {group: seen(view) for group, view in self.recovery.groups.items()}
        candidates = [
            position for position in range(self.floor, len(self.states)) if self.states[position] == found
        ]
        assert candidates, (found, self.states[self.floor :])
        self.states = self.states[: candidates[-1] + 1]
        self.base = candidates[-1]
        for group, log in self.logs.items():
            serial = log.serial
            log.__init__(group)
            log.serial = serial
            if group in self.recovery.groups:
                log.load(self.recovery.groups[group])

    def stage(self, group, record):
        if record is None:
            return
        if isinstance(record, SnapshotRecord) and group not in self.states[-1]:
            self.stage(group, self.logs[group].hard())
            return
        self.wal.append(record)
        state = dict(self.states[-1])
        if isinstance(record, SnapshotRecord):
            # The record moves the log; the hard state stays what was last logged.
            term, vote, commit, _, _ = state[group]
            log = self.logs[group]
            state[group] = (term, vote, max(commit, record.index), log.snapshot, tuple(log.entries))
        else:
            state[group] = self.logs[group].view()
        self.states.append(state)

    def note_synced(self):
        if self.wal.open:
            self.floor = self.base + self.wal.synced_lsn

    def perform(self, channel):
        end = self.disk.perform(channel)
        if end is not None:
            if end[1] is not None:
                assert self.wal.on_failed(*end)
                assert self.wal.failed
                self.disk.kill()
                self.start()
            else:
                assert self.wal.on_done(end[0])
        self.note_synced()

    def act(self, action, a, b):
        log = self.logs[1 + b % 2]
        if action in ("compact", "install") and not self.wal.open:
            return  # Nothing leaves the node before that, so no leader sends a snapshot.
        if action == "append":
            self.stage(log.group, log.append(1 + a % 3, 100 * (a % 7)))
        elif action == "large":
            self.stage(log.group, log.append(1, SEGMENT + 100 * a))
        elif action == "truncate":
            self.stage(log.group, log.append(1 + a % 3, 10 * a, drop=1 + a % 4))
        elif action == "vote":
            self.stage(log.group, log.vote_for(1 + a % 3))
        elif action == "commit":
            log.commit = min(log.last, log.commit + a)
            self.stage(log.group, log.hard())
        elif action == "compact":
            # The hard state in the log must know the commit index that the snapshot covers.
            self.stage(log.group, log.hard())
            self.stage(log.group, log.compact(self.disk))
        elif action == "install":
            self.stage(log.group, log.hard())
            self.stage(log.group, log.install(self.disk, 1 + a))
        elif action == "flush":
            self.disk.submit(self.wal.flush())
        elif action == "log":
            self.perform(Channel.LOG)
        elif action == "bulk":
            self.perform(Channel.BULK)
        elif action == "settle":
            for _ in range(20):
                self.disk.submit(self.wal.flush())
                self.perform(Channel.BULK)
                self.perform(Channel.LOG)
        elif action == "kill":
            self.disk.kill()
            self.disk.sync_fails = False
            self.start()
        elif action == "failed_sync":
            self.disk.sync_fails = bool(self.disk.lanes[Channel.LOG])
        else:
            assert action == "cut"
            self.disk.sync_fails = False
            self.disk.cut_power(Prng(a * 1000 + b))
            self.start()


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("append", "append", "append", "truncate", "vote", "commit", "compact", "install", "large"),
                *("flush", "flush", "log", "log", "bulk", "settle", "settle", "kill", "cut", "cut"),
            ]
        ),
        st.integers(0, 20),
        st.integers(0, 20),
    ),
    max_size=60,
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(ACTIONS)
def test_what_is_recovered_lies_between_synced_and_staged(actions):
    world = World()
    for action, a, b in actions:
        world.act(action, a, b)
    world.act("cut", 1, 2)


ALL_ACTIONS = (
    *("append", "truncate", "vote", "commit", "compact", "install", "large", "flush", "log", "bulk"),
    *("settle", "kill", "cut", "failed_sync"),
)


@pytest.mark.parametrize("seed", range(150))
def test_swarm(seed):
    """Whole lives with crashes; how often each thing happens is drawn per seed, and is often never."""
    prng = Prng(seed)
    weights = [prng.between(1, 6) if prng.chance(0.6) else 0 for _ in ALL_ACTIONS]
    weights[0] = weights[7] = weights[8] = weights[9] = 6
    bag = [name for name, weight in zip(ALL_ACTIONS, weights, strict=True) for _ in range(weight)]
    world = World()
    for _ in range(150):
        world.act(bag[prng.below(len(bag))], prng.below(21), prng.below(21))
    world.act("cut", prng.below(21), prng.below(21))


def test_long_lives_recycle_segments():
    prng = Prng(20260101)
    names = ["append"] * 6 + ["truncate", "vote", "commit", "commit", "compact", "flush", "log", "settle"]
    world = World()
    frames = 0
    recycled = 0
    for step in range(4000):
        action = names[prng.below(len(names))]
        if step % 40 == 39:
            action = "cut" if prng.chance(0.7) else "kill"
            frames += world.wal.frames
        world.act(action, prng.below(21), prng.below(21))
        numbers = [segment_number(name) for name in world.disk.files]
        recycled = max(recycled, *numbers, 0)
        if world.wal.open:
            assert world.wal.segments()[0] < 60
    assert frames > 300
    assert recycled > 30


# -- corruption


def filled(prng, frames=12, groups=(1,)):
    """A disk with a log of several synced frames; the model of each group; its frames."""
    disk = Disk()
    wal = boot(disk).wal
    wal.append(BootRecord("c", 1, 1))
    logs = {group: Log(group) for group in groups}
    for _ in range(frames):
        for log in logs.values():
            if len(logs) > 1 and prng.chance(0.4):
                continue
            kind = prng.below(5)
            if kind == 0:
                wal.append(log.vote_for(prng.below(3)))
            elif kind == 1:
                wal.append(log.append(1 + prng.below(2), 40, drop=1 + prng.below(3)))
            else:
                log.commit = max(log.commit, log.last - 3)
                wal.append(log.append(1 + prng.below(3), 300))
        run(disk, wal)
    found = [f for f in Scanner(disk).scan() if isinstance(f, FoundFrame)]
    return disk, logs, found


@pytest.mark.parametrize("seed", range(150))
def test_one_flipped_bit_is_reported_and_never_cut(seed):
    prng = Prng(seed)
    disk, logs, frames = filled(prng, groups=(1, 2) if seed % 2 else (1,))
    frame = frames[prng.below(len(frames) - 1)]
    offset = frame.offset + prng.below(frame.size_bytes)
    disk.flip(segment_file(frame.segment), offset, prng.below(8))
    recovery = boot(disk)
    assert recovery.damaged, (frame, offset)
    assert any("corrupt" in note for note in recovery.notes)
    for group, log in logs.items():
        found = recovery.group(group)
        # Rule W8: with one frame lost, the hard state and the length are known all the same.
        assert (found.term, found.vote) == (log.term, log.vote)
        assert not found.hard_state_suspect
        if found.missing_to:
            assert found.missing_to == log.last
            assert found.last_index < log.last
            # What is kept is a prefix by the log matching property.
            if found.entries and found.last_term == log.term_at(found.last_index):
                assert found.entries == log.entries[: len(found.entries)]
        else:
            assert found.entries == log.entries


@pytest.mark.parametrize("seed", range(150))
def test_whatever_is_damaged_what_is_not_doubted_is_right(seed):
    """Any number of frames before the last one, whole sectors among them."""
    prng = Prng(seed)
    disk, logs, frames = filled(prng, frames=20, groups=(1, 2, 3))
    for _ in range(prng.between(2, 8)):
        frame = frames[prng.below(len(frames) - 1)]
        if prng.chance(0.5):
            disk.flip(segment_file(frame.segment), frame.offset + prng.below(frame.size_bytes), prng.below(8))
        else:
            last = frames[-1]
            stop = last.offset if frame.segment == last.segment else SEGMENT
            disk.wipe(segment_file(frame.segment), frame.offset, min(stop, frame.offset + 2048))
    for _ in range(2):
        recovery = boot(disk)
        for group, log in logs.items():
            found = recovery.group(group)
            if found.hard_state_suspect:
                continue
            assert (found.term, found.vote) == (log.term, log.vote)
            assert found.commit <= max(log.commit, found.last_index)
            if found.missing_to == 0:
                assert found.entries == log.entries
            else:
                assert found.last_index < found.missing_to == log.last
        # The same after a further start: doubts are not forgotten.
        run(disk, recovery.wal)


def test_a_vote_in_two_lost_frames_makes_the_hard_state_suspect():
    disk = Disk()
    wal = boot(disk).wal
    log, other = Log(1), Log(2)
    wal.append(BootRecord("c", 1, 1))
    wal.append(log.append(2, 10))
    wal.append(other.hard())
    run(disk, wal)
    wal.append(log.vote_for(3))
    run(disk, wal)
    for _ in range(3):
        wal.append(other.append(1, 10))
        run(disk, wal)
    frames = [f for f in Scanner(disk).scan() if isinstance(f, FoundFrame)]
    lost = [f for f in frames if any(getattr(r, "vote", 0) == 3 for r in f.records)]
    assert len(lost) == 2
    for frame in lost:
        disk.flip(segment_file(frame.segment), frame.offset + 40, 0)
    recovery = boot(disk)
    assert recovery.group(1).hard_state_suspect
    assert not recovery.group(2).hard_state_suspect
    # A second start does not forget it, until the member settles it (rule W9).
    run(disk, recovery.wal)
    again = boot(disk)
    assert again.group(1).hard_state_suspect
    run(disk, again.wal)
    again.wal.settle(1)
    again.wal.append(log.vote_for(0))
    run(disk, again.wal)
    assert not boot(disk).group(1).hard_state_suspect


def test_missing_entries_are_repaired_in_pieces_and_stay_missing_until_then():
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    wal.append(BootRecord("c", 1, 1))
    for _ in range(5):
        wal.append(log.append(4, 10))
        run(disk, wal)
    frames = [f for f in Scanner(disk).scan() if isinstance(f, FoundFrame)]
    disk.flip(segment_file(1), frames[2].offset + 50, 1)
    found = boot(disk).group(1)
    assert (found.last_index, found.missing_to) == (8, 20)
    whole = log.entries
    log.entries = whole[:8]
    for last in (11, 15, 19, 20):
        recovery = boot(disk)
        found = recovery.group(1)
        assert (found.last_index, found.missing_to) == (log.last, 20)
        assert found.entries == log.entries
        run(disk, recovery.wal)
        first = log.last + 1
        log.entries = whole[:last]
        recovery.wal.append(GroupRecord(1, 1, 0, 0, first, whole[first - 1 : last], 1, last, 1))
        run(disk, recovery.wal)
    found = boot(disk).group(1)
    assert (found.entries, found.missing_to) == (whole, 0)


def test_a_snapshot_after_the_gap_makes_the_log_whole():
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    for _ in range(6):
        wal.append(log.append(4, 10))
        run(disk, wal)
    log.commit = 16
    wal.append(log.hard())
    wal.append(log.compact(disk))
    run(disk, wal)
    wal.append(log.append(2, 10))
    run(disk, wal)
    frames = [f for f in Scanner(disk).scan() if isinstance(f, FoundFrame)]
    disk.flip(segment_file(1), frames[1].offset + 50, 1)
    recovery = boot(disk)
    assert recovery.damaged
    assert seen(recovery.group(1)) == log.view()


@pytest.mark.parametrize("pages", [(0, 1), (1, 2), (3, 6)])
def test_zero_pages_in_the_middle_are_corruption(pages):
    disk, _, frames = filled(Prng(5), frames=30)
    first = [f for f in frames if f.segment == 1]
    start, end = pages[0] * 4096 // 4, pages[1] * 4096 // 4
    assert end < first[-1].offset
    disk.wipe(segment_file(1), start, end)
    assert boot(disk).damaged


def test_a_segment_cut_short_or_removed_in_the_middle_is_corruption():
    disk, _, frames = filled(Prng(6), frames=60)
    assert frames[-1].segment >= 4
    whole = bytes(disk.files[segment_file(2)])
    disk.put(segment_file(2), whole[:3000])
    assert boot(disk).damaged
    disk._perform(Remove(segment_file(2)))
    assert boot(disk).damaged


def test_segments_missing_at_the_front_are_missing_entries():
    disk, logs, _ = filled(Prng(6), frames=60)
    disk._perform(Remove(segment_file(1)))
    found = boot(disk).group(1)
    assert found.missing_to == logs[1].last
    assert found.entries == []
    assert (found.term, found.vote) == (logs[1].term, logs[1].vote)


def test_a_missing_snapshot_file_is_a_missing_log():
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    wal.append(log.append(4, 10))
    log.commit = 3
    wal.append(log.hard())
    wal.append(log.compact(disk))
    run(disk, wal)
    disk._perform(Remove(log.snapshot.file))
    found = boot(disk).group(1)
    assert (found.snapshot, found.first_index, found.entries, found.missing_to) == (None, 1, [], 4)


def test_an_unreadable_snapshot_is_given_up_for_good():
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    wal.append(log.append(4, 10))
    log.commit = 3
    wal.append(log.vote_for(2))
    wal.append(log.compact(disk))
    run(disk, wal)
    recovery = boot(disk)
    found = recovery.lose_snapshot(1)
    assert (found.term, found.vote, found.snapshot, found.missing_to) == (2, 2, None, 4)
    run(disk, recovery.wal)
    again = boot(disk).group(1)
    assert (again.term, again.vote, again.snapshot, again.missing_to) == (2, 2, None, 4)


def test_a_value_that_imitates_a_frame_is_not_taken_for_one():
    """A torn frame holds a client's bytes; without the salt they would pass for a later frame."""
    disk = Disk()
    wal = boot(disk).wal
    wal.append(BootRecord("c", 1, 1))
    run(disk, wal)
    forged = encode_frame(9, 1, 0, 12345, [encode_record(BootRecord("evil", 9, 9))])
    payload = b"".join(bytes(pad) + forged for pad in range(512 * 2))[: SEGMENT // 2]
    payload = bytes(512 - 32) + forged + payload
    wal.append(GroupRecord(1, 1, 0, 0, 1, [Entry(1, payload)], 0, 1, 1))
    disk.submit(wal.flush())
    write = disk.lanes[Channel.LOG][0].operations[0]
    disk._perform(Write(write.file, write.offset + 512, write.data[512:]))
    disk._perform(Sync(write.file))
    disk.kill()
    recovery = boot(disk)
    assert not recovery.damaged
    assert recovery.boot == BootRecord("c", 1, 1)


# -- boot


def test_the_first_boot():
    disk = Disk()
    recovery = boot(disk)
    assert recovery.fresh
    assert recovery.boot is None
    assert recovery.group(1).last_index == 0
    assert not recovery.wal.open
    recovery.wal.append(BootRecord("c", 1, 1))
    run(disk, recovery.wal)
    assert recovery.wal.open
    again = boot(disk)
    assert not again.fresh
    assert again.boot == BootRecord("c", 1, 1)


def test_a_first_boot_interrupted_anywhere_is_still_the_first_boot():
    for operations in range(8):
        disk = Disk()
        wal = boot(disk).wal
        wal.append(BootRecord("c", 1, 1))
        done = 0
        while done < operations and not wal.open:
            disk.submit(wal.flush())
            for channel in (Channel.BULK, Channel.LOG):
                if disk.lanes[channel]:
                    end = disk.perform(channel)
                    done += 1
                    if end:
                        wal.on_done(end[0])
        disk.cut_power(Prng(operations))
        recovery = boot(disk)
        assert recovery.fresh != wal.open or not recovery.fresh
        run(disk, recovery.wal)
        assert recovery.wal.open


def test_a_large_first_frame_that_was_never_synced_leaves_up_to_three_segments():
    disk = Disk()
    for number in (1, 2, 3):
        disk.put(segment_file(number), bytes(SEGMENT))
    assert boot(disk).fresh
    disk.put(segment_file(4), bytes(SEGMENT))
    with pytest.raises(StartError):
        boot(disk)


def test_remains_without_a_readable_frame_are_refused():
    disk, _, frames = filled(Prng(1), frames=60)
    for name in disk.names():
        disk.wipe(name, 0, disk.size_bytes(name))
    assert frames
    with pytest.raises(StartError, match="not one readable frame"):
        boot(disk)


def test_formats_of_the_future_are_refused_and_a_flipped_format_is_not():
    disk, _, _ = filled(Prng(1))
    disk.flip(segment_file(1), 3, 1)
    assert boot(disk).damaged
    disk = Disk()
    newer = msgspec.structs.replace(BootRecord("c", 1, 1), format=RECORD_FORMAT + 1)
    disk.put(segment_file(1), encode_frame(1, 1, 0, 5, [encode_record(newer)]) + bytes(SEGMENT))
    with pytest.raises(StartError, match="start a newer version"):
        boot(disk)
    disk = Disk()
    disk.put(segment_file(1), _frame_of_format(3) + bytes(SEGMENT))
    with pytest.raises(StartError, match="format 3; this version of Trivet reads format 2"):
        boot(disk)


def _frame_of_format(version):
    import zlib

    data = bytearray(encode_frame(1, 1, 0, 5, []))
    data[3] = version
    data[4:8] = zlib.crc32(bytes(data[8:]), zlib.crc32(bytes(data[:4]))).to_bytes(4, "little")
    return bytes(data)


def test_leftovers_go_once_the_log_is_open():
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    wal.append(log.append(4, 10))
    log.commit = 3
    wal.append(log.hard())
    wal.append(log.compact(disk))
    run(disk, wal)
    disk.put(snapshot_file(1, 9, 9), b"orphan")
    disk.put(snapshot_file(1, 10, 9) + ".tmp", b"unfinished")
    disk.put(segment_file(9), b"odd")
    disk.put("other", b"not ours")
    run(disk, boot(disk).wal)
    names = [n for n in disk.names() if not n.startswith("wal-")]
    assert names == ["other", log.snapshot.file]
    assert segment_file(9) not in disk.names()


def test_snapshots_go_only_after_what_replaced_them_is_durable_and_before_the_log_is_open():
    """Else a power cut brings back a log that needs them, or a new one of the same name is removed."""
    disk = Disk()
    wal = boot(disk).wal
    log = Log(1)
    wal.append(log.append(4, 10))
    run(disk, wal)
    orphan = snapshot_file(1, 9, 9)
    disk.put(orphan, b"old")
    wal = boot(disk).wal
    job = wal.flush()[0]
    assert [type(operation) for operation in job.operations] == [Write, Sync, Write, Sync, Remove]
    wal.on_done(job.token)
    assert wal.open


def test_in_a_damaged_log_no_snapshot_is_removed():
    disk, _, frames = filled(Prng(3))
    orphan = snapshot_file(1, 9, 9)
    disk.put(orphan, b"perhaps all that is left")
    disk.flip(segment_file(1), frames[1].offset + 40, 0)
    run(disk, boot(disk).wal)
    assert orphan in disk.names()


def test_the_boot_record_is_suspect_when_two_frames_after_it_are_lost():
    disk, _, frames = filled(Prng(3))
    disk.flip(segment_file(1), frames[4].offset + 40, 0)
    assert not boot(disk).boot_suspect
    disk.flip(segment_file(1), frames[5].offset + 40, 0)
    assert boot(disk).boot_suspect


def test_a_group_without_records_in_an_incomplete_log_is_not_new():
    disk, _, frames = filled(Prng(3))
    assert (boot(disk).group(7).missing_to, boot(disk).unknown_below) == (0, 0)
    for frame in frames[3:6]:
        disk.flip(segment_file(1), frame.offset + 40, 0)
    recovery = boot(disk)
    assert recovery.unknown_below == UNKNOWN_GROUP
    found = recovery.group(7)
    assert (found.missing_to, found.hard_state_suspect) == (UNKNOWN_INDEX, True)
    run(disk, recovery.wal)
    found = boot(disk).group(7)
    assert (found.missing_to, found.hard_state_suspect) == (UNKNOWN_INDEX, True)


@pytest.mark.parametrize("place", range(SEGMENT // 512))
@pytest.mark.parametrize("later_frames", [0, 1, 2])
def test_a_misdirected_frame_is_found_or_its_loss_is_said(place, later_frames):
    """The disk put the fifth entry's frame at another sector, said nothing, and perhaps more frames followed."""
    disk = Disk()
    wal = boot(disk).wal
    run(disk, wal)
    log = Log(1)
    file = segment_file(1)
    for number in range(1, 6 + later_frames):
        wal.append(log.append(1, 40))
        if number != 5:
            run(disk, wal)
            continue
        (job,) = [job for job in wal.flush() if job.channel is Channel.LOG]
        write = job.operations[0]
        disk.files[file][place * 512 : place * 512 + len(write.data)] = write.data
        wal.on_done(job.token)
    found = boot(disk).groups[1]
    assert found.entries == log.entries[: found.last_index]
    assert found.last_index == log.last or found.missing_to >= log.last or found.hard_state_suspect
    if found.last_index < log.last:
        assert found.missing_to >= log.last, "it does not vote before it has that much again"
