"""The disk of a node on a bench: files in memory, jobs that wait or fail as a test has it, and power cuts."""

from collections import deque

from trivet.core.base.disk import Channel, DiskFault, DiskJob, Prepare, Read, Remove, Rename, Sync, Write
from trivet.core.cluster.map import FIRST_GROUP


class Disk:
    """Files in memory, and two lanes of jobs."""

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.durable: dict[str, bytes] = {}
        self.lanes: dict[Channel, deque[DiskJob]] = {channel: deque() for channel in Channel}
        self.held: dict[Channel, bool] = {}
        self.full = False
        self.fails: type | None = None
        """The kind of operation that fails next."""

    def names(self) -> list[str]:
        return sorted(self.files)

    def size_bytes(self, file: str) -> int:
        return len(self.files[file])

    def read(self, file: str, offset: int, size_bytes: int) -> bytes:
        return bytes(self.files[file][offset : offset + size_bytes])

    def next_report(self) -> tuple[int, list[bytes], DiskFault | None] | None:
        """Do one job that is due: (token, reads, what went wrong)."""
        for channel, lane in self.lanes.items():
            if lane and not self.held.get(channel):
                job = lane.popleft()
                reads: list[bytes] = []
                for operation in job.operations:
                    fault = self._do(operation, reads)
                    if fault is not None:
                        return job.token, [], fault
                return job.token, reads, None
        return None

    def _do(self, operation, reads: list[bytes]) -> DiskFault | None:
        if self.fails is type(operation):
            self.fails = None
            return DiskFault.FAILED
        if isinstance(operation, Write):
            image = self.files.get(operation.file, bytearray())
            end = operation.offset + len(operation.data)
            if self.full and end > len(image):
                return DiskFault.FULL
            self.files[operation.file] = image
            if len(image) < end:
                image.extend(bytes(end - len(image)))
            image[operation.offset : end] = operation.data
        elif isinstance(operation, Sync):
            self.durable[operation.file] = bytes(self.files[operation.file])
        elif isinstance(operation, Prepare):
            if self.full:
                return DiskFault.FULL
            self.files[operation.file] = bytearray(operation.size_bytes)
            self.durable[operation.file] = bytes(operation.size_bytes)
        elif isinstance(operation, Rename):
            self.files[operation.to] = self.files.pop(operation.file)
            self.durable[operation.to] = self.durable.pop(operation.file)
        elif isinstance(operation, Remove):
            self.files.pop(operation.file, None)
            self.durable.pop(operation.file, None)
        else:
            assert isinstance(operation, Read)
            reads.append(self.read(operation.file, operation.offset, operation.size_bytes))
        return None

    def stop(self, power: bool) -> None:
        """The process is gone; with ``power`` also what was not synced."""
        for lane in self.lanes.values():
            lane.clear()
        self.held = {}
        if power:
            self.files = {file: bytearray(data) for file, data in self.durable.items()}


def is_of_the_data(file: str) -> bool:
    """Whether a file is a snapshot, finished or not, of the first group of data; the system group has its own."""
    return file.startswith(f"snap-{FIRST_GROUP}-")
