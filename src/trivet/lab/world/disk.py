"""One machine's disk under virtual time: what is written, what is synced, what a crash takes.

The image holds what a process would read (the page cache). Beside it stands one undo
record per write that no completed sync covers. A power cut takes the undo records back,
newest first, and then lets chance keep some of those writes: wholly, or torn at sectors.
A killed process loses only what it had not yet handed over, and its unsynced writes
stay unsynced: a later power cut may still take them.

Faults that others switch on: slow, stalled, hanging until released, full (a write that grows a file, a
preparation or a rename fails, perhaps half done), failing syncs, a misdirected write, a flipped bit.
"""

from collections import deque
from collections.abc import Callable
from enum import IntEnum

from trivet.core.base.disk import (
    Channel,
    DiskFault,
    DiskJob,
    DiskOperation,
    Prepare,
    Read,
    Remove,
    Rename,
    Sync,
    Write,
)
from trivet.core.base.prng import Prng
from trivet.lab.world.options import RunOptions
from trivet.lab.world.sim import Simulation

SECTOR_BYTES = 512


class _Undo:
    """How to take one unsynced write back, and how to do it again."""

    def __init__(self, offset: int, before: bytes, data: bytes) -> None:
        self.offset = offset
        self.before = bytearray(before)
        self.data = data
        self.stuck = False
        """A sync of it failed: no later sync brings it to the disk, though it is still read as if it were."""


class _File:
    def __init__(self) -> None:
        self.image = bytearray()
        self.undo: list[_Undo] = []
        self.named = False
        """Whether the name itself is durable."""


class Outcome(IntEnum):
    """How an operation went."""

    DONE = 0
    FULL = 1
    FAILED = 2


Report = Callable[[int, list[bytes], DiskFault | None], None]
"""``(token, reads, fault)``; fault None: all done."""


class SimulatedDisk:
    """Files, two lanes of jobs, faults. Implements the storage that a node boots from."""

    def __init__(self, simulation: Simulation, prng: Prng, options: RunOptions) -> None:
        self._simulation = simulation
        self._prng = prng
        self._options = options
        self._files: dict[str, _File] = {}
        self._lanes: dict[Channel, deque[DiskJob]] = {Channel.LOG: deque(), Channel.BULK: deque()}
        self._busy: dict[Channel, bool] = {Channel.LOG: False, Channel.BULK: False}
        self._life = 0
        self._report: Report | None = None
        self.full = False
        self.refused = 0
        """Operations that failed for want of space."""
        self.hanging = False
        """Nothing completes until ``release``; what is asked for meanwhile waits."""
        self._hung: list[Callable[[], None]] = []
        self.misdirect_due = False
        """The next write of the log lands at another place of its file, and the disk does not notice."""
        self.misdirected = 0
        self.bulk_failures_due = 0
        """So many of the next syncs of the bulk lane fail."""
        self.slow_factor = 1
        self.stalled_until_us = 0
        self.sync_failures_due = 0
        """So many of the next syncs of the log lane fail."""
        self.broken = False
        """A sync failed in this life: what was not synced may vanish with it, or seem to be there."""
        self.synced_jobs = 0

    # -- the storage of a booting node

    def names(self) -> list[str]:
        """All file names, sorted."""
        return sorted(self._files)

    def size_bytes(self, file: str) -> int:
        """The size of ``file``."""
        return len(self._files[file].image)

    def read(self, file: str, offset: int, size_bytes: int) -> bytes:
        """Up to ``size_bytes`` bytes of ``file`` from ``offset``."""
        return bytes(self._files[file].image[offset : offset + size_bytes])

    def wipe(self) -> None:
        """An empty disk is put in its place; nobody uses it now."""
        self._files.clear()
        self.mend()

    # -- jobs

    def attach(self, report: Report) -> None:
        """A process starts on this disk; ``report`` hears of its jobs."""
        self._report = report

    def submit(self, job: DiskJob) -> None:
        """Queue ``job`` on its lane."""
        self._lanes[job.channel].append(job)
        self._pump(job.channel)

    def _pump(self, channel: Channel) -> None:
        if self._busy[channel] or not self._lanes[channel]:
            return
        self._busy[channel] = True
        self._begin(channel, self._lanes[channel].popleft(), 0, [], self._life)

    def _begin(self, channel: Channel, job: DiskJob, step: int, reads: list[bytes], life: int) -> None:
        """Start operation ``step`` of ``job``, or report the job when there is none left."""
        if step == len(job.operations):
            self._finish(channel, job, reads, None)
            return
        operation = job.operations[step]

        def end() -> None:
            if life != self._life:
                return
            if self.hanging:
                self._hung.append(end)
                return
            outcome = self._perform(channel, operation, reads)
            if outcome is Outcome.DONE:
                self._begin(channel, job, step + 1, reads, life)
            else:
                self._finish(channel, job, reads, DiskFault(int(outcome)))

        start_us = max(self._simulation.now_us, self.stalled_until_us)
        self._simulation.at(start_us + self._latency_us(operation), end)

    def _finish(self, channel: Channel, job: DiskJob, reads: list[bytes], fault: DiskFault | None) -> None:
        self._busy[channel] = False
        if self._report is not None:
            self._report(job.token, reads, fault)
        self._pump(channel)

    def _latency_us(self, operation: DiskOperation) -> int:
        options = self._options
        if isinstance(operation, Sync | Prepare | Rename):
            return self._prng.between(options.sync_us_min, options.sync_us_max) * self.slow_factor
        return self._prng.between(1, options.write_us_max) * self.slow_factor

    def _perform(self, channel: Channel, operation: DiskOperation, reads: list[bytes]) -> Outcome:
        if isinstance(operation, Write):
            return self._write(channel, operation)
        if isinstance(operation, Sync):
            return self._sync(channel, operation.file)
        if isinstance(operation, Prepare):
            made = self._files[operation.file] = _File()
            made.named = True
            if self.full:
                # As far as the space went: half a file may stay behind.
                made.image = bytearray(self._prng.below(operation.size_bytes + 1))
                return self._refuse()
            made.image = bytearray(operation.size_bytes)
        elif isinstance(operation, Rename):
            if self.full and self._prng.chance(0.5):
                return self._refuse()
            moved = self._files.pop(operation.file)
            moved.named = True
            self._files[operation.to] = moved
        elif isinstance(operation, Remove):
            self._files.pop(operation.file, None)
        else:
            assert isinstance(operation, Read)
            reads.append(self.read(operation.file, operation.offset, operation.size_bytes))
        return Outcome.DONE

    def _write(self, channel: Channel, operation: Write) -> Outcome:
        end = operation.offset + len(operation.data)
        held = self._files.get(operation.file)
        grows = held is None or end > len(held.image)
        if held is None:
            held = self._files[operation.file] = _File()
        data = operation.data
        if self.full and grows:
            data = data[: self._prng.below(len(data) + 1)]  # a short write
        elif self.misdirect_due and channel is Channel.LOG and self._misdirect(held, operation.offset, data):
            return Outcome.DONE
        before = bytes(held.image[operation.offset : operation.offset + len(data)])
        held.undo.append(_Undo(operation.offset, before, data))
        _put(held.image, operation.offset, data)
        return self._refuse() if self.full and grows else Outcome.DONE

    def _refuse(self) -> Outcome:
        self.refused += 1
        return Outcome.FULL

    def _misdirect(self, held: _File, offset: int, data: bytes) -> bool:
        """Put ``data`` at a wrong sector, durable at once; False when there is no other place for it."""
        places = (len(held.image) - len(data)) // SECTOR_BYTES
        if held.undo or places < 1:
            return False
        self.misdirect_due = False
        self.misdirected += 1
        place = self._prng.below(places)
        _put(held.image, (place + (place >= offset // SECTOR_BYTES)) * SECTOR_BYTES, data)
        return True

    def _fails(self, channel: Channel) -> bool:
        if channel is Channel.LOG and self.sync_failures_due > 0:
            self.sync_failures_due -= 1
            return True
        if channel is Channel.BULK and self.bulk_failures_due > 0:
            self.bulk_failures_due -= 1
            return True
        return False

    def _sync(self, channel: Channel, name: str) -> Outcome:
        if self._fails(channel):
            for record in self._files[name].undo:
                record.stuck = True
            self.broken = True
            return Outcome.FAILED
        held = self._files[name]
        stuck = [record for record in held.undo if record.stuck]
        for record in held.undo:
            if not record.stuck:
                for other in stuck:
                    _settle(other, record, held.image)
        held.undo = stuck
        held.named = True
        self.synced_jobs += 1
        return Outcome.DONE

    # -- faults

    def crash(self, power_cut: bool) -> None:
        """The process is gone; with ``power_cut``, so is the page cache."""
        self._life += 1
        self._hung = []
        self._report = None
        for channel in (Channel.LOG, Channel.BULK):
            self._lanes[channel].clear()
            self._busy[channel] = False
        if power_cut or (self.broken and self._prng.chance(0.5)):
            for name in sorted(self._files):
                self._lose(name)
        self.broken = False
        self.misdirect_due = False
        self.sync_failures_due = self.bulk_failures_due = 0

    def hang(self) -> None:
        """From now on nothing completes, in this life of the process or the next, until ``release``."""
        self.hanging = True

    def release(self) -> None:
        """What hangs completes now, and what comes later as ever."""
        self.hanging = False
        hung, self._hung = self._hung, []
        for end in hung:
            self._simulation.after(self._prng.between(1, self._options.sync_us_max), end)

    def mend(self) -> None:
        """No fault any more; what is lost stays lost."""
        self.full = False
        self.slow_factor = 1
        self.stalled_until_us = 0
        self.sync_failures_due = self.bulk_failures_due = 0
        self.misdirect_due = False
        self.release()

    def _lose(self, name: str) -> None:
        held = self._files[name]
        undone = held.undo
        held.undo = []
        for record in reversed(undone):
            held.image[record.offset : record.offset + len(record.data)] = record.before
        if not held.named and self._prng.chance(self._options.power_loss_rate):
            del self._files[name]
            return
        for record in undone:
            if not record.stuck and not self._prng.chance(self._options.power_loss_rate):
                self._keep(held, record)

    def _keep(self, held: _File, record: _Undo) -> None:
        """Let a write survive after all: wholly, or only some of its pieces, sectors at the largest."""
        if self._prng.chance(0.25):
            _put(held.image, record.offset, record.data)
            return
        unit_bytes = self._options.tear_bytes
        start, end = record.offset, record.offset + len(record.data)
        while start < end:
            stop = min(end, (start // unit_bytes + 1) * unit_bytes)
            if self._prng.chance(0.5):
                _put(held.image, start, record.data[start - record.offset : stop - record.offset])
            start = stop

    def unsynced(self) -> bool:
        """Whether a power cut now could take something."""
        return any(held.undo for held in self._files.values())

    def flip_bit(self, file: str, offset: int, bit: int) -> None:
        """Bit rot under a machine that is down."""
        self._files[file].image[offset] ^= 1 << bit

    def fingerprint(self) -> list[tuple[str, int]]:
        """File names and sizes, for views and traces."""
        return [(name, len(self._files[name].image)) for name in sorted(self._files)]


def _settle(stuck: _Undo, synced: _Undo, image: bytearray) -> None:
    """Where a later synced write covers a stuck one, there is nothing to take back any more."""
    start = max(stuck.offset, synced.offset) - stuck.offset
    end = min(stuck.offset + len(stuck.data), synced.offset + len(synced.data)) - stuck.offset
    if start < end:
        stuck.before.extend(bytes(max(0, end - len(stuck.before))))
        stuck.before[start:end] = image[stuck.offset + start : stuck.offset + end]


def _put(image: bytearray, offset: int, data: bytes) -> None:
    if offset > len(image):
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(data)] = data
