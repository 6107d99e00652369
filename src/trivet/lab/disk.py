"""One machine's disk under virtual time: what is written, what is synced, what a crash takes.

The image holds what a process would read (the page cache). Beside it stands one undo
record per write that no completed sync covers. A power cut takes the undo records back,
newest first, and then lets chance keep some of those writes: wholly, or torn at sectors.
A killed process loses only what it had not yet handed over, and its unsynced writes
stay unsynced: a later power cut may still take them.
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
from trivet.lab.options import RunOptions
from trivet.lab.sim import Simulation

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
            return self._write(operation)
        if isinstance(operation, Sync):
            return self._sync(channel, operation.file)
        if isinstance(operation, Prepare):
            if self.full:
                return Outcome.FULL
            made = self._files[operation.file] = _File()
            made.image = bytearray(operation.size_bytes)
            made.named = True
        elif isinstance(operation, Rename):
            moved = self._files.pop(operation.file)
            moved.named = True
            self._files[operation.to] = moved
        elif isinstance(operation, Remove):
            self._files.pop(operation.file, None)
        else:
            assert isinstance(operation, Read)
            reads.append(self.read(operation.file, operation.offset, operation.size_bytes))
        return Outcome.DONE

    def _write(self, operation: Write) -> Outcome:
        end = operation.offset + len(operation.data)
        held = self._files.get(operation.file)
        if self.full and (held is None or end > len(held.image)):
            return Outcome.FULL
        if held is None:
            held = self._files[operation.file] = _File()
        before = bytes(held.image[operation.offset : end])
        held.undo.append(_Undo(operation.offset, before, operation.data))
        _put(held.image, operation.offset, operation.data)
        return Outcome.DONE

    def _sync(self, channel: Channel, name: str) -> Outcome:
        if self.sync_failures_due > 0 and channel is Channel.LOG:
            self.sync_failures_due -= 1
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
        self._report = None
        for channel in (Channel.LOG, Channel.BULK):
            self._lanes[channel].clear()
            self._busy[channel] = False
        if power_cut or (self.broken and self._prng.chance(0.5)):
            for name in sorted(self._files):
                self._lose(name)
        self.broken = False
        self.sync_failures_due = 0

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
        """Let a write survive after all: wholly, or only some of its sectors."""
        if self._prng.chance(0.5):
            _put(held.image, record.offset, record.data)
            return
        start, end = record.offset, record.offset + len(record.data)
        while start < end:
            stop = min(end, (start // SECTOR_BYTES + 1) * SECTOR_BYTES)
            if self._prng.chance(0.5):
                _put(held.image, start, record.data[start - record.offset : stop - record.offset])
            start = stop

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
