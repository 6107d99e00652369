"""A disk in memory for the tests of this room: two lanes, and every way in which a stop loses writes.

Stricter than a real one: at a power cut each sector of each write that was not synced survives or not,
independently of all others.
"""

from collections import deque

from trivet.core.base.disk import (
    Channel,
    DiskFault,
    DiskJob,
    Prepare,
    Read,
    Remove,
    Rename,
    Sync,
    Write,
)
from trivet.core.base.prng import Prng

SECTOR = 512


class Disk:
    """Performs jobs one operation at a time, when told to."""

    def __init__(self):
        self.files: dict[str, bytearray] = {}
        self.durable: dict[str, bytearray] = {}
        self.pending: dict[str, list[tuple[int, bytes]]] = {}
        self.lanes = {Channel.LOG: deque(), Channel.BULK: deque()}
        self.step = {Channel.LOG: 0, Channel.BULK: 0}
        self.full = False
        self.sync_fails = False
        self.performed = []

    # -- storage

    def names(self):
        return sorted(self.files)

    def size_bytes(self, file):
        return len(self.files[file])

    def read(self, file, offset, size_bytes):
        return bytes(self.files[file][offset : offset + size_bytes])

    # -- jobs

    def submit(self, jobs: list[DiskJob]):
        for job in jobs:
            self.lanes[job.channel].append(job)

    def perform(self, channel):
        """Perform one operation; (token, fault, reads) of a job that ended with it, or None."""
        lane = self.lanes[channel]
        if not lane:
            return None
        job = lane[0]
        fault = self._perform(job.operations[self.step[channel]])
        self.step[channel] += 1
        if fault is None and self.step[channel] < len(job.operations):
            return None
        self.step[channel] = 0
        lane.popleft()
        return job.token, fault

    def _perform(self, operation):
        self.performed.append(operation)
        match operation:
            case Write(file, offset, data):
                image = self.files.setdefault(file, bytearray())
                self.durable.setdefault(file, bytearray())
                if self.full and offset + len(data) > len(image):
                    return DiskFault.FULL
                _put(image, offset, data)
                self.pending.setdefault(file, []).append((offset, data))
            case Sync(file):
                self.pending.pop(file, None)
                if self.sync_fails:
                    # As kernels do: the pages count as clean now, and are not on the disk.
                    self.sync_fails = False
                    return DiskFault.FAILED
                self.durable[file] = bytearray(self.files[file])
            case Prepare(file, size_bytes):
                if self.full:
                    self.put(file, bytes(size_bytes // 3))
                    return DiskFault.FULL
                self.put(file, bytes(size_bytes))
            case Rename(file, to):
                for held in (self.files, self.durable, self.pending):
                    held.pop(to, None)
                    if file in held:
                        held[to] = held.pop(file)
            case Remove(file):
                for held in (self.files, self.durable, self.pending):
                    held.pop(file, None)
            case Read():
                raise AssertionError("reads are not simulated here")
        return None

    def put(self, file, data):
        """A whole durable file."""
        self.files[file] = bytearray(data)
        self.durable[file] = bytearray(data)
        self.pending.pop(file, None)

    # -- faults

    def kill(self):
        """The process is gone; the page cache is not."""
        for channel in self.lanes:
            self.lanes[channel].clear()
            self.step[channel] = 0

    def cut_power(self, prng: Prng):
        """The page cache is gone, but for the sectors that had reached the disk."""
        self.kill()
        for file in sorted(self.pending):
            image = self.durable[file]
            for offset, data in self.pending[file]:
                for start in range(offset - offset % SECTOR, offset + len(data), SECTOR):
                    if prng.chance(0.5):
                        first, last = max(start, offset), min(start + SECTOR, offset + len(data))
                        _put(image, first, data[first - offset : last - offset])
        self.pending.clear()
        self.files = {file: bytearray(image) for file, image in self.durable.items()}

    def flip(self, file, offset, bit):
        self.files[file][offset] ^= 1 << bit
        self.durable[file][offset] ^= 1 << bit

    def wipe(self, file, start, end):
        for image in (self.files[file], self.durable[file]):
            image[start:end] = bytes(end - start)


def _put(image, offset, data):
    if offset > len(image):
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(data)] = data


def run(disk, wal, jobs=None):
    """Perform everything that is due until nothing is."""
    for _ in range(1000):
        disk.submit(wal.flush() if jobs is None else jobs)
        jobs = None
        ended = [end for end in (disk.perform(Channel.BULK), disk.perform(Channel.LOG)) if end]
        for token, fault in ended:
            if fault is None:
                assert wal.on_done(token)
            else:
                assert wal.on_failed(token, fault)
        if not ended and not any(disk.lanes.values()):
            return
    raise AssertionError("the disk never comes to rest")
