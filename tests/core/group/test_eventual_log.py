"""The log of a group of mode ``eventual``: lives that end anywhere, and logs that are damaged."""

import msgspec
import pytest

from tests.core.wal.faulty_disk import Disk
from trivet.core.base.disk import Channel
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.group import eventual_log
from trivet.core.group.eventual_log import (
    COPIES,
    SETTLED_AT_ONCE,
    STALE_MAX,
    WALK_STEP,
    EventualLog,
    Kept,
    Restored,
    SavedActor,
    SavedClock,
    SavedContext,
    SavedKey,
    SavedRecord,
    SavedState,
    SavedUpdates,
    WrittenRecord,
    encode_record,
    found_updates,
)
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import FIELD, STRING, Change, Delta
from trivet.core.lattice.lattice import Lattice
from trivet.core.lattice.writer import Writer
from trivet.core.wal.record import BootRecord, FoundRecord
from trivet.core.wal.recovery import recover
from trivet.core.wal.snapshot_file import is_snapshot_file

GROUP = 5
ACTOR = 1 << 44 | 7
FAR = 1 << 44 | 8
SEGMENT = 8 * 1024
LIMITS = Limits(segment_bytes=SEGMENT, snapshot_log_bytes=4_000, snapshot_chunk_bytes=300)
HEAD = SavedActor(ACTOR, False)


def image(lattice: Lattice) -> tuple:
    lattice.settle()
    ahead = {key: lattice.context(key).encode() for key, _ in lattice.ahead()}
    held = {key: lattice.encoded(key) for key in lattice.held()}
    return (held, ahead, lattice.clock.encode(), lattice.tree.root)


class Life:
    """A replica from the start of its node to its end; there may be another one, ``far``."""

    def __init__(self, disk: Disk, number: int, seed: int, far: Lattice | None = None) -> None:
        self.disk = disk
        self.far = far
        self.prng = Prng(seed * 1000 + number)
        tokens = Tokens()
        recovery = recover(disk, tokens, SEGMENT, 7, None)
        self.wal = recovery.wal
        self.wal.append(BootRecord("c", 1, number))
        found = recovery.groups.get(GROUP)
        self.kept = Kept()
        if found is None:
            self.wal.append(FoundRecord(GROUP, COPIES))
        else:
            assert found.membership == COPIES
            self.kept = found_updates(found, disk, recovery)
        self.log = EventualLog(GROUP, self.wal, tokens, LIMITS, self.kept.last_index, self.kept.newest)
        restored = Restored()
        restored.replay(self.kept.records)
        assert not restored.notes
        self.lattice = restored.lattice
        self.actor = restored.actor
        self.stamp = restored.stamp
        self.now_ms = 0
        self.images = {0: image(self.lattice)}
        """By save: what the state was then."""
        self.durable = 0
        self.log.save([HEAD])

    def update(self) -> None:
        delta = self._made(self.lattice, ACTOR)
        if delta is not None:
            self.lattice.apply(delta)
            self.images[self.log.save([SavedUpdates([delta])])] = image(self.lattice)

    def exchange(self) -> None:
        """States of keys come from the other, one at a time or all of them; it may have made updates before."""
        far, prng = self.far, self.prng
        assert far is not None
        for _ in range(prng.below(4)):
            delta = self._made(far, FAR)
            if delta is not None:
                far.apply(delta)
        is_whole = prng.chance(0.2)
        records: list[WrittenRecord] = []
        for key in [*far.held(), *self.lattice.held()] if is_whole else [b"k%d" % prng.below(12)]:
            state, clock = far.encoded(key), far.clock.copy()
            self.lattice.join(key, state, clock)
            records.append(SavedState(key, state, clock.encode()))
        if is_whole:
            self.lattice.know(far.clock)
            records.append(SavedClock(far.clock.encode()))
        self.images[self.log.save(records)] = image(self.lattice)

    def _made(self, lattice: Lattice, actor: int) -> Delta | None:
        self.stamp += 1
        key = b"k%d" % self.prng.below(12)
        writer = Writer(lattice, actor, self.stamp, key)
        match self.prng.below(5):
            case 0:
                writer.remove_all()
            case 1:
                writer.add(STRING, b"", self.prng.below(9))
            case 2:
                writer.assign(FIELD, b"f%d" % self.prng.below(3), b"v" * self.prng.below(80))
            case _:
                writer.assign(STRING, b"", b"\0" + b"x" * self.prng.below(80))
        return writer.finish()

    def turn(self) -> None:
        self.now_ms += 20
        self.log.step(self.lattice, HEAD, self.now_ms)
        self.disk.submit(self.wal.flush())
        self.disk.submit(self.log.take_jobs())

    def perform(self, channel: Channel) -> bool:
        if not self.disk.lanes[channel]:
            return False
        end = self.disk.perform(channel)
        if end is not None:
            token, fault = end
            assert fault is None
            if self.wal.on_done(token):
                self.durable = max(self.durable, self.log.on_synced())
            else:
                self.log.on_done(token, [])
        return True

    def live(self, steps: int) -> None:
        for _ in range(steps):
            for _ in range(self.prng.below(3)):
                self.update()
            if self.far is not None and self.prng.chance(0.3):
                self.exchange()
            self.turn()
            for _ in range(self.prng.below(6)):
                self.perform(Channel.LOG if self.prng.below(2) else Channel.BULK)

    def rest(self) -> None:
        for _ in range(500):
            self.turn()
            busy = False
            while self.perform(Channel.LOG) | self.perform(Channel.BULK):
                busy = True
            if not (busy or self.log.waits_for_log or self.log.wants_turn):
                return
        raise AssertionError("it does not come to rest")


@pytest.mark.parametrize("seed", range(12))
def test_a_life_begins_with_a_state_that_was_and_has_all_that_was_durable(seed, monkeypatch):
    """J6, J8. In half of the runs states come from another replica meanwhile, also while a snapshot is taken."""
    disk = Disk()
    far = Lattice() if seed % 2 else None
    monkeypatch.setattr(eventual_log, "WALK_STEP", 2)
    before: Life | None = None
    for number in range(1, 6):
        life = Life(disk, number, seed, far)
        if before is not None:
            assert life.actor == ACTOR
            saves = [save for save, was in before.images.items() if was == image(life.lattice)]
            assert saves, "a state that it never had"
            assert max(saves) >= max([save for save in before.images if save <= before.durable], default=0), (
                "something durable is missing"
            )
        life.live(60)
        disk.cut_power(life.prng)
        before = life


def test_a_snapshot_has_everything():
    """J2: also what is known of single keys, and what came while it was taken."""
    disk = Disk()
    life = Life(disk, 1, 1)
    for _ in range(200):
        life.update()
        life.rest()
    other = Clock()
    other.add_range(9, 1, 3)
    state = Lattice()
    state.apply(Delta(9, 1, 5, b"far", [Change(STRING, b"", payload=b"\0y")]))
    life.lattice.join(b"far", state.encoded(b"far"), other)
    life.log.save([SavedState(b"far", state.encoded(b"far"), other.encode())])
    for _ in range(100):
        life.update()
        life.rest()
    assert life.log.taken and len([name for name in disk.names() if is_snapshot_file(name)]) == 1
    again = Life(disk, 2, 1)
    assert image(again.lattice) == image(life.lattice)
    assert again.lattice.ahead() == life.lattice.ahead() != []
    assert again.stamp >= life.stamp


class Walked(EventualLog):
    """Its snapshot is taken by hand, a step at a time."""

    is_over = False
    busy = True

    def slice(self, source, now_ms):
        pieces, self.cursor = source.walk(self.cursor)
        self.pieces += pieces
        self.is_over = self.cursor is None

    def begin(self):
        self.pieces: list[bytes] = []
        self.cursor: bytes | None = None
        self._ahead: list[tuple[bytes, Clock]] = []
        return self


def test_what_comes_to_a_key_behind_the_walk_does_not_count_as_seen_there():
    """J8: of some keys another replica has more, of some it alone has anything; that comes amid the walk."""
    far, here = Lattice(), Lattice()
    old, new = [b"old%d" % n for n in range(3 * WALK_STEP)], [b"new%d" % n for n in range(3 * WALK_STEP)]
    for number, key in enumerate(old, start=1):
        here.apply(Delta(3, number, 5, key, [Change(FIELD, b"g", payload=b"2")]))
    for number, key in enumerate(old + new, start=1):
        far.apply(Delta(9, number, 5, key, [Change(FIELD, b"f", payload=b"1")]))
    log = Walked.__new__(Walked).begin()
    while not log.is_over:
        log.step(here, HEAD, 0)
        if not here.has_ahead and any(b"old" in piece for piece in log.pieces):
            for key in old + new:
                here.join(key, far.encoded(key), far.clock)
    restored = Restored()
    restored.replay([msgspec.msgpack.decode(piece, type=SavedRecord) for piece in log.pieces])
    for key in old + new:
        restored.lattice.join(key, far.encoded(key), far.clock)
        assert restored.lattice.encoded(key) == here.encoded(key)


def test_what_was_seen_when_a_snapshot_began_stands_before_the_keys():
    """J8."""
    far, here = Lattice(), Lattice()
    for number in range(1, 3 * WALK_STEP):
        key = b"k%d" % number
        far.apply(Delta(9, number + 1, 5, key, [Change(STRING, b"", payload=b"\0x")]))
        here.join(key, far.encoded(key), far.clock)
    log = Walked.__new__(Walked).begin()
    while not log.is_over:
        log.step(here, HEAD, 0)
    records = [msgspec.msgpack.decode(piece, type=SavedRecord) for piece in log.pieces]
    kinds = [type(record) for record in records]
    assert kinds == [SavedActor, SavedClock] + [SavedContext] * len(far) + [SavedKey] * len(far)
    restored = Restored()
    restored.replay(records)
    assert image(restored.lattice) == image(here)


def test_a_whole_exchange_is_remembered():
    restored = Restored()
    clock = Clock()
    clock.add_range(9, 1, 40)
    restored.replay([SavedActor(4, True), SavedClock(clock.encode())])
    assert (restored.actor, restored.comes) == (4, True)
    assert restored.lattice.clock == clock


def test_records_that_can_not_be_read_are_told_and_passed_over():
    """J4."""
    restored = Restored()
    good = Delta(3, 1, 5, b"k", [Change(STRING, b"", payload=b"\0x")])
    bad = Delta(3, 2, 5, b"k", [Change(STRING, b"", removed=[(3, 2)], payload=b"\0x")])
    restored.replay(
        [
            SavedKey(b"k", b"\xc1"), SavedState(b"k", b"", b""), SavedContext(b"k", b"\xc1"),
            SavedClock(b"\xc1"), SavedUpdates([bad, good]),
        ]
    )  # fmt: skip
    assert len(restored.notes) == 5
    assert restored.lattice.held() == [b"k"]


class Sliced(EventualLog):
    """Of which a snapshot is called for, or not."""

    def __init__(self, is_busy):
        self._ahead: list[tuple[bytes, Clock]] = []
        self.is_busy = is_busy
        self.slices = 0

    @property
    def busy(self):
        return self.is_busy

    def slice(self, source, now_ms):
        self.slices += 1


def test_a_snapshot_waits_until_the_digests_by_which_it_goes_are_made():
    lattice, count = Lattice(), 2 * SETTLED_AT_ONCE + STALE_MAX
    for number in range(1, count + 1):
        change = Change(STRING, b"", payload=b"\0x")
        lattice.apply(Delta(3, number, 5, b"%d" % number, [change]))
    idle = Sliced(False)
    idle.step(lattice, HEAD, 0)
    assert (idle.slices, lattice.tree.stale_count) == (1, count), "for nobody they are made"
    called = Sliced(True)
    called.step(lattice, HEAD, 0)
    assert (called.slices, lattice.tree.stale_count) == (0, count - SETTLED_AT_ONCE)
    called.step(lattice, HEAD, 20)
    assert (called.slices, lattice.tree.stale_count) == (1, STALE_MAX)


def test_encoded_records_are_those_of_chunks():
    assert encode_record(SavedActor(7, True, 5)) == b"\x94\x01\x07\xc3\x05"


def test_since_when_it_is_a_member_earlier_versions_have_not_said():
    restored = Restored()
    restored.replay([msgspec.msgpack.decode(b"\x93\x01\x07\xc3", type=SavedActor)])
    assert (restored.actor, restored.comes, restored.since) == (7, True, -1)
    restored.replay([SavedActor(7, False, 5)])
    assert (restored.comes, restored.since) == (False, 5)
