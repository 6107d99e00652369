"""The log of a group of registers: lives that end at any job of the disk, and logs that are damaged."""

import msgspec
import pytest

from tests.core.wal.faulty_disk import Disk
from trivet.core.base.buggify import SLICE_LATE, SNAPSHOT_EARLY
from trivet.core.base.disk import Channel, DiskFault
from trivet.core.base.entry import Entry
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.group import save_log
from trivet.core.group.register_log import REGISTERS, Kept, RegisterLog, found_registers
from trivet.core.paxos.ballot import proposer_of
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import value_of
from trivet.core.paxos.operation import Change, Operation, Outcome
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.ready import SavedRegister
from trivet.core.paxos.settings import PaxosSettings
from trivet.core.wal.record import BootRecord, FoundRecord, GroupRecord
from trivet.core.wal.recovery import recover
from trivet.core.wal.segment import segment_number
from trivet.core.wal.snapshot_file import is_snapshot_file, is_temporary_file

GROUP = 5
SEGMENT = 8 * 1024
LIMITS = Limits(segment_bytes=SEGMENT, snapshot_log_bytes=4_000, snapshot_chunk_bytes=300)


def state(paxos: Paxos) -> list[bytes]:
    """All its registers."""
    return [msgspec.msgpack.encode(record) for record in paxos.records(None, 1_000_000)[1:]]


class Rarely:
    """Slices are late, and snapshots early."""

    def __init__(self, prng: Prng) -> None:
        self._prng = prng

    def rare(self, point: str) -> bool:
        return self._prng.chance({SLICE_LATE: 0.2, SNAPSHOT_EARLY: 0.02}[point])


class Life:
    """A member of a group of one, from the start of its node to its end."""

    def __init__(self, disk: Disk, number: int, seed: int, rare: bool = True) -> None:
        self.disk = disk
        self.prng = Prng(seed * 1000 + number)
        self.number = number
        buggify = Rarely(self.prng.fork()) if rare else None
        tokens = Tokens()
        self.recovery = recover(disk, tokens, SEGMENT, 7, None)
        self.wal = self.recovery.wal
        self.wal.append(BootRecord("c", 1, number))
        found = self.recovery.groups.get(GROUP)
        if found is None:
            self.wal.append(FoundRecord(GROUP, REGISTERS))
            self.kept = Kept([], False, 0, None)
        else:
            assert found.membership == REGISTERS
            self.kept = found_registers(found, disk, self.recovery)
        kept = self.kept
        self.log = RegisterLog(GROUP, self.wal, tokens, LIMITS, kept.last_index, kept.newest, buggify)
        settings = PaxosSettings(node=1, proposer=proposer_of(1, number), tombstone_ticks=3)
        self.paxos = Paxos(settings, self.prng.fork(), kept.records, kept.doubtful)
        self.paxos.learn(GroupConfig(1, (1,)))
        self.seq = 0
        self.now_ms = 0
        self.answered: dict[bytes, bytes | None] = {}
        """What was answered to be so."""
        self.under_way: dict[bytes, list[bytes | None]] = {}
        """What may be so, too."""

    def submit(self, key: bytes, value: bytes | None) -> None:
        self.seq += 1
        self.under_way.setdefault(key, []).append(value)

        def change(before: bytes | None, version: int) -> Change:
            return Change(True, value, b"")

        self.paxos.submit(
            Operation(self.seq, key, change, origin=proposer_of(1, self.number), seq=self.seq, fresh=True)
        )

    def turn(self) -> None:
        self.now_ms += 20
        self.paxos.tick()
        while (ready := self.paxos.ready()) is not None:
            if ready.save is not None:
                self.log.save(ready.save)
            for operation in ready.finished:
                assert operation.outcome is Outcome.OK
                self.answered[operation.key] = self.under_way[operation.key].pop(0)
        self.log.step(self.paxos, self.now_ms)
        self.disk.submit(self.wal.flush())
        self.disk.submit(self.log.take_jobs())

    def perform(self, channel: Channel) -> bool:
        """One operation of the disk; False: there is none."""
        if not self.disk.lanes[channel]:
            return False
        end = self.disk.perform(channel)
        if end is not None:
            token, fault = end
            if fault is None:
                if self.wal.on_done(token):
                    saved = self.log.on_synced()
                    if saved:
                        self.paxos.saved(saved)
                else:
                    self.log.on_done(token, [])
            elif not self.wal.on_failed(token, fault, "it failed"):
                self.log.on_failed(token, fault, "it failed")
        return True

    def rest(self) -> None:
        """Until the disk has nothing to do, and nothing waits for it."""
        for _ in range(1_000):
            self.turn()
            busy = False
            while self.perform(Channel.LOG) | self.perform(Channel.BULK):
                busy = True
            if not (busy or self.log.waits_for_log or self.log.wants_turn or self.paxos.underway):
                return
        raise AssertionError("it does not come to rest")

    def live(self, steps: int) -> None:
        for step in range(steps):
            for _ in range(self.prng.below(3)):
                key = b"k%d" % self.prng.below(12)
                if not self.under_way.get(key):
                    value = b"%d-%d" % (self.number, step) + b"v" * self.prng.below(200)
                    self.submit(key, value if self.prng.below(5) else None)
            self.turn()
            for _ in range(self.prng.below(6)):
                self.perform(Channel.LOG if self.prng.below(2) else Channel.BULK)


def values(paxos: Paxos) -> dict[bytes, bytes | None]:
    found: dict[bytes, bytes | None] = {}
    for record in paxos.records(None, 1_000_000):
        if isinstance(record, SavedRegister) and record.content is not None:
            found[record.key] = value_of(record.content)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_whatever_was_answered_is_there_in_the_next_life(seed):
    """J1, J2, J5: lives that end at any operation of the disk, some with the power."""
    disk = Disk()
    answered: dict[bytes, bytes | None] = {}
    maybe: dict[bytes, list[bytes | None]] = {}
    taken = 0
    prng = Prng(seed)
    for number in range(1, 7):
        life = Life(disk, number, seed)
        assert not life.paxos.doubtful
        found = values(life.paxos)
        for key, value in answered.items():
            assert found.get(key) in [value, *maybe.get(key, [])], (number, key)
        life.answered = {key: found.get(key) for key in answered}
        life.live(60 + prng.below(60))
        taken += life.log.taken
        answered, maybe = life.answered, life.under_way
        if prng.below(2):
            disk.cut_power(prng.fork())
        else:
            disk.kill()
    assert taken
    last = Life(disk, 9, seed)
    last.rest()
    before = state(last.paxos)
    disk.cut_power(prng.fork())
    assert state(Life(disk, 10, seed).paxos) == before


def test_a_snapshot_takes_the_place_of_the_log_and_of_the_one_before():
    disk = Disk()
    life = Life(disk, 1, 1, rare=False)
    for n in range(400):
        life.submit(b"k%d" % (n % 20), b"v" * 100 + b"%d" % n)
        life.rest()
    assert life.log.taken > 1
    files = [file for file in disk.names() if is_snapshot_file(file)]
    assert len(files) == 1 and not any(is_temporary_file(file) for file in disk.names())
    assert not life.log.busy and life.log.take_jobs() == []
    again = Life(disk, 2, 1, rare=False)
    assert state(again.paxos) == state(life.paxos)
    assert again.kept.newest is not None and again.kept.newest.file == files[0]
    assert again.log.last_index == life.log.last_index
    assert len(again.recovery.groups[GROUP].entries) < 60


def test_a_snapshot_that_cannot_be_written_is_given_up_for_a_while():
    disk = Disk()
    life = Life(disk, 1, 1, rare=False)
    n = 0
    while life.log._taking is None:
        n += 1
        life.submit(b"k%d" % n, b"v" * 300)
        life.turn()
        while life.log._taking is None and life.perform(Channel.LOG) | life.perform(Channel.BULK):
            pass
    assert life.log.busy and life.log.jobs == []
    token = next(iter(life.log._taking.jobs))
    disk.lanes[Channel.BULK].clear()
    life.log.on_failed(token, DiskFault.FULL, "no space")
    assert life.log.notes == [f"group {GROUP}: a snapshot could not be written (no space)"]
    assert not life.log.wants_turn and life.log.busy
    life.rest()
    assert life.log.taken == 0
    for _ in range(300):
        life.turn()
    life.rest()
    assert life.log.taken == 1 and life.log.notes == life.log.notes[:1]


def finishing(life: Life) -> None:
    """Until every job of a snapshot is on its way, the last one too, and none is done."""
    n = 0
    while life.log._taking is None or not life.log._taking.finishing:
        n += 1
        life.submit(b"k%d" % n, b"v" * 300)
        life.turn()
        while life.perform(Channel.LOG):
            pass
        while life.log._taking is None and life.perform(Channel.BULK):
            pass
        if life.log._taking is not None and len(life.log._taking.jobs) > 1:
            life.perform(Channel.BULK)


def snapshots_of(disk: Disk) -> list[str]:
    return [file for file in disk.names() if is_snapshot_file(file) or is_temporary_file(file)]


@pytest.mark.parametrize("is_dropped", [False, True])
def test_one_that_is_given_up_at_its_end_leaves_no_file(is_dropped):
    """Its last job is done all the same, and gives the file its name."""
    disk = Disk()
    life = Life(disk, 1, 1, rare=False)
    finishing(life)
    if is_dropped:
        life.log.drop()
        disk.submit(life.wal.flush())
        disk.submit(life.log.remove())
    else:
        life.log.on_failed(next(iter(life.log._taking.jobs)), DiskFault.FULL, "no space")
        disk.submit(life.log.take_jobs())
    while life.perform(Channel.LOG) | life.perform(Channel.BULK):
        pass
    assert snapshots_of(disk) == [] and life.log.taken == 0


def test_a_large_value_stands_alone_in_its_chunk(monkeypatch):
    monkeypatch.setattr(save_log, "PIECES_BYTES_MAX", 500)
    disk = Disk()
    life = Life(disk, 1, 1, rare=False)
    for n in range(30):
        life.submit(b"k%02d" % n, b"v" * (400 if n % 7 else 3_000))
        life.rest()
    assert life.log.taken
    assert state(Life(disk, 2, 1).paxos) == state(life.paxos)


def test_what_the_group_was_is_dropped_with_its_files():
    disk = Disk()
    life = Life(disk, 1, 1, rare=False)
    for n in range(100):
        life.submit(b"k%d" % n, b"v" * 100)
        life.rest()
    lsn = life.log.drop()
    for _ in range(3):
        disk.submit(life.wal.flush())
        while life.perform(Channel.LOG) | life.perform(Channel.BULK):
            pass
    assert life.wal.synced_lsn >= lsn
    disk.submit(life.log.remove())
    while life.perform(Channel.BULK):
        pass
    assert not [file for file in disk.names() if is_snapshot_file(file) or is_temporary_file(file)]
    assert recover(disk, Tokens(), SEGMENT, 7, None).groups[GROUP].dropped


# -- damage


def test_an_unreadable_snapshot_is_a_doubt():
    """J4."""
    disk = Disk()
    life = Life(disk, 1, 1, rare=False)
    for n in range(100):
        life.submit(b"k%d" % n, b"v" * 100)
        life.rest()
    (file,) = [file for file in disk.names() if is_snapshot_file(file)]
    disk.flip(file, disk.size_bytes(file) // 2, 3)
    again = Life(disk, 2, 1)
    assert again.kept.doubtful and again.kept.records == [] and again.kept.newest is None
    assert any("unreadable snapshot" in note for note in again.recovery.notes)


def test_an_entry_of_something_else_is_a_doubt():
    disk = Disk()
    life = Life(disk, 1, 1, rare=False)
    life.submit(b"k", b"v")
    life.rest()
    index = life.log.last_index + 1
    life.wal.append(GroupRecord(GROUP, 1, 0, index, index, [Entry(1, b"\x07")], 1, index, 1))
    life.rest()
    again = Life(disk, 2, 1)
    assert again.kept.doubtful and values(again.paxos) == {b"k": b"v"}


@pytest.mark.parametrize("seed", range(3))
def test_a_hole_in_the_log_is_a_doubt_until_the_member_says_so_itself(seed):
    disk = Disk()
    life = Life(disk, 1, seed, rare=False)
    for n in range(3):
        life.submit(b"k%d" % n, b"v" * 20)
        life.rest()
    assert not life.log.taken
    start = 512 * (2 + seed) + Prng(seed).below(100)
    file = next(file for file in disk.names() if segment_number(file))
    disk.wipe(file, start, start + 8)
    disk.kill()
    again = Life(disk, 2, seed, rare=False)
    assert again.kept.doubtful and again.paxos.doubtful
    assert again.recovery.groups[GROUP].membership == REGISTERS, "its kind is said again"
    again.rest()
    disk.kill()
    once_more = Life(disk, 3, seed, rare=False)
    assert once_more.paxos.doubtful
    once_more.log.settle()
    once_more.rest()
