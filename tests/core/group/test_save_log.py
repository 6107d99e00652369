"""The log of a group without a log of commands: saves, snapshots and what is found again, of any records."""

import msgspec
import pytest

from tests.core.wal.faulty_disk import Disk
from trivet.core.base.disk import Channel, DiskFault
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.base.tokens import Tokens
from trivet.core.group.save_log import TERM, Found, SaveLog
from trivet.core.wal.record import BootRecord, FoundRecord
from trivet.core.wal.recovery import recover
from trivet.core.wal.snapshot_file import is_snapshot_file, is_temporary_file

GROUP = 5
KIND = b"things"
SEGMENT = 8 * 1024
LIMITS = Limits(segment_bytes=SEGMENT, snapshot_log_bytes=2_000, snapshot_chunk_bytes=100)
_decoder = msgspec.msgpack.Decoder(list[tuple[str, int]])


class Things:
    """A ``Source``: names and numbers."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}

    def walk(self, cursor: bytes | None) -> tuple[list[bytes], bytes | None]:
        names = sorted(name for name in self.held if cursor is None or name.encode() > cursor)[:3]
        pieces = [msgspec.msgpack.encode((name, self.held[name])) for name in names]
        return pieces, names[-1].encode() if names else None


class Life:
    def __init__(self, disk: Disk, number: int) -> None:
        self.disk = disk
        tokens = Tokens()
        recovery = recover(disk, tokens, SEGMENT, 7, None)
        self.wal = recovery.wal
        self.wal.append(BootRecord("c", 1, number))
        self.found: Found[tuple[str, int]] = Found()
        group = recovery.groups.get(GROUP)
        if group is None:
            self.wal.append(FoundRecord(GROUP, KIND))
        else:
            assert group.membership == KIND
            self.found.read(group, disk, recovery, _decoder.decode, KIND)
        self.notes = recovery.notes
        found = self.found
        self.log = SaveLog(KIND, GROUP, self.wal, tokens, LIMITS, found.last_index, found.newest)
        self.things = Things()
        self.things.held.update(found.records)
        self.save_id = 0
        self.durable = 0
        self.now_ms = 0

    def put(self, name: str, number: int) -> None:
        self.things.held[name] = number
        self.save_id += 1
        self.log.append(self.save_id, msgspec.msgpack.encode([(name, number)]))

    def turn(self) -> None:
        self.now_ms += 20
        self.log.slice(self.things, self.now_ms)
        self.disk.submit(self.wal.flush())
        self.disk.submit(self.log.take_jobs())

    def perform(self, channel: Channel) -> bool:
        if not self.disk.lanes[channel]:
            return False
        end = self.disk.perform(channel)
        if end is not None:
            token, fault = end
            if fault is None and self.wal.on_done(token):
                self.durable = max(self.durable, self.log.on_synced())
            elif fault is None:
                self.log.on_done(token, [])
            elif not self.wal.on_failed(token, fault, "it failed"):
                self.log.on_failed(token, fault, "it failed")
        return True

    def rest(self) -> None:
        for _ in range(200):
            self.turn()
            busy = False
            while self.perform(Channel.LOG) | self.perform(Channel.BULK):
                busy = True
            if not (busy or self.log.waits_for_log or self.log.wants_turn):
                return
        raise AssertionError("it does not come to rest")


def filled(disk: Disk, count: int = 60) -> Life:
    life = Life(disk, 1)
    for number in range(count):
        life.put(f"n{number % 20}", number)
        life.rest()
    return life


def test_saves_are_found_again_in_their_order():
    """J1."""
    disk = Disk()
    life = Life(disk, 1)
    life.put("a", 1)
    life.put("a", 2)
    life.rest()
    assert (life.durable, life.log.last_index, life.log.saved_index) == (2, 2, 2)
    again = Life(disk, 2)
    assert again.found.records == [("a", 1), ("a", 2)] and not again.found.doubtful
    again.put("b", 3)
    again.rest()
    assert again.log.last_index == 3, "the index goes on over lives"


def test_a_snapshot_takes_the_place_of_what_was_saved_before():
    """J2, J3, J5."""
    disk = Disk()
    life = filled(disk)
    assert life.log.taken
    again = Life(disk, 2)
    assert again.found.newest is not None and again.found.newest.term == TERM
    assert again.things.held == life.things.held
    assert len([file for file in disk.names() if is_snapshot_file(file)]) == 1, "the older one is removed"


def test_a_snapshot_that_fails_is_taken_again_later():
    disk = Disk()
    life = Life(disk, 1)
    for number in range(200):
        life.put(f"n{number}", number)
    life.turn()
    while life.perform(Channel.LOG):
        pass
    life.turn()
    assert life.log.busy
    for token in list(life.log._taking.jobs):
        life.log.on_failed(token, DiskFault.FULL, "no space")
    assert "could not be written" in life.log.notes[0]
    life.rest()
    assert not life.log.taken
    life.now_ms += 10_000
    life.rest()
    assert life.log.taken
    assert not [file for file in disk.names() if is_temporary_file(file)]


def test_what_can_not_be_read_is_doubt():
    """J4."""
    disk = Disk()
    life = Life(disk, 1)
    life.put("a", 1)
    life.save_id += 1
    life.log.append(life.save_id, b"\xc1 nonsense")
    life.rest()
    again = Life(disk, 2)
    assert again.found.doubtful and again.found.records == [("a", 1)]
    assert any("none of things" in note for note in again.notes)


def test_a_group_that_is_dropped_leaves_no_file():
    disk = Disk()
    life = filled(disk)
    life.log.drop()
    life.disk.submit(life.wal.flush())
    while life.perform(Channel.LOG):
        pass
    life.disk.submit(life.log.remove())
    while life.perform(Channel.BULK):
        pass
    assert not [file for file in disk.names() if is_snapshot_file(file) or is_temporary_file(file)]


@pytest.mark.parametrize("steps", range(0, 60, 7))
def test_whatever_was_durable_is_there_after_a_crash(steps):
    disk = Disk()
    life = Life(disk, 1)
    done = 0
    for number in range(60):
        life.put(f"n{number % 20}", number)
        life.turn()
        for _ in range(3):
            done += life.perform(Channel.LOG) + life.perform(Channel.BULK)
            if done > steps:
                break
    durable = life.durable
    disk.cut_power(Prng(steps))
    again = Life(disk, 2)
    wanted = {f"n{number % 20}": number for number in range(durable)}
    for name, number in wanted.items():
        assert again.things.held[name] >= number
