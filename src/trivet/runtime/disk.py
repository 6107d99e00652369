"""The real disk: a locked directory, and one thread per channel that performs the core's jobs.

Strategy: a thread sleeps on its queue, performs a job's operations in order with plain
positional system calls (which release the interpreter), and reports through the loop. A node
that has nothing else to do performs a short job of a quick disk itself, without the thread. A file
whose name is new is made durable, name included, by the first sync of it. Any error ends the
job; what it means is the core's affair.
"""

import contextlib
import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

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
from trivet.core.base.errors import StartError
from trivet.runtime.birth import BIRTH_FILE

LOCK_FILE = "lock"
_OURS = (LOCK_FILE, BIRTH_FILE)
_OPEN_FILES_MAX = 16
_ZEROS = bytes(1024 * 1024)
QUICK_MAX_S = 0.002
"""A job performed in the loop that took longer makes the node wary of this disk..."""
WARY_FOR_S = 1.0
"""...for so long: jobs go to the thread."""
_QUICK = (Write, Sync)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_TOO_MANY = (errno.EMFILE, errno.ENFILE)
_RESERVE = 16
"""Files kept open for nothing: given up when connections have taken all others in a burst."""

OnDone = Callable[[int, list[bytes]], object]
OnFailed = Callable[[int, DiskFault, str], object]


class DirectoryStorage:
    """A node's data directory (``core.base.disk.Storage``), held by this process alone while it is open."""

    def __init__(self, path: Path) -> None:
        """Make the directory if need be, and lock it. Raises ``StartError``."""
        self.path = path
        self.renewed: dict[str, int] = {}
        """How often a name came to stand for another file: tells a channel that its open file is stale."""
        self.unsynced_names: dict[str, None] = {}
        """Names that a power cut might still take away."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            self.directory_fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._lock_fd = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(f"cannot use the data directory {path}: {error.strerror}") from error
        self._reserve: list[int] = []
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartError(
                f"the data directory {path} is in use by another process: stop that one first"
            ) from error
        self._fill_reserve()

    def close(self) -> None:
        """Give the directory back."""
        self._give_up_reserve(len(self._reserve))
        os.close(self._lock_fd)
        os.close(self.directory_fd)

    def names(self) -> list[str]:
        """All file names, sorted."""
        return sorted(
            entry.name for entry in os.scandir(self.path) if entry.is_file() and entry.name not in _OURS
        )

    def size_bytes(self, file: str) -> int:
        """The size of ``file``."""
        return (self.path / file).stat().st_size

    def read(self, file: str, offset: int, size_bytes: int) -> bytes:
        """Up to ``size_bytes`` bytes of ``file`` from ``offset``."""
        fd = self.open(file, os.O_RDONLY)
        try:
            return _read(fd, offset, size_bytes)
        finally:
            os.close(fd)

    def open(self, file: str, flags: int) -> int:
        """A file descriptor for ``file``, at the cost of the reserve if there is no other way."""
        while True:
            try:
                fd = os.open(file, flags | os.O_CLOEXEC, 0o600, dir_fd=self.directory_fd)
            except OSError as error:
                # A connection that is just being taken may be quicker than we are: then one more is given up.
                if error.errno in _TOO_MANY and self._give_up_reserve(1):
                    continue
                raise
            self._fill_reserve()
            return fd

    def _fill_reserve(self) -> None:
        with contextlib.suppress(OSError):
            while len(self._reserve) < _RESERVE:
                self._reserve.append(os.dup(self.directory_fd))

    def _give_up_reserve(self, count: int) -> bool:
        """Close some of it; False when there was none left. Both disk threads come here."""
        for _ in range(count):
            try:
                fd = self._reserve.pop()
            except IndexError:
                return False
            os.close(fd)
        return True

    def sync_names(self) -> None:
        """Make every change of names so far durable."""
        names = list(self.unsynced_names)
        os.fsync(self.directory_fd)
        for name in names:
            self.unsynced_names.pop(name, None)


class DiskThread:
    """One channel: jobs in order, reported in order, in the loop."""

    def __init__(
        self,
        storage: DirectoryStorage,
        channel: Channel,
        in_loop: Callable[..., object],
        on_done: OnDone,
        on_failed: OnFailed,
    ) -> None:
        """``in_loop(callback, *facts)`` has the loop call back; the reports come that way."""
        self._storage = storage
        self._in_loop = in_loop
        self._on_done = on_done
        self._on_failed = on_failed
        self._jobs: SimpleQueue[DiskJob | None] = SimpleQueue()
        self._open: dict[str, tuple[int, int]] = {}
        self._under_way = 0
        """Jobs taken and not yet reported; counted in the loop alone."""
        self._wary_until_s = 0.0
        # A daemon: a disk that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"disk-{channel.name.lower()}", daemon=True)
        self._thread.start()

    def take(self, job: DiskJob, *, at_once: bool) -> bool:
        """Perform ``job`` after those before it: in the thread, or ``at_once`` when that should be quick.

        A hand-over to a thread and back costs about as much as half a sync. A node with nothing else
        to do saves it, as long as no job has lately taken longer than ``QUICK_MAX_S``. Returns whether
        the job has been performed and reported.
        """
        calm = at_once and not self._under_way and all(type(each) in _QUICK for each in job.operations)
        begun_s = time.monotonic() if calm else 0.0
        self._under_way += 1
        if not calm or begun_s < self._wary_until_s:
            self._jobs.put(job)
            return False
        report, *facts = self._outcome(job)
        ended_s = time.monotonic()
        if ended_s - begun_s > QUICK_MAX_S:
            self._wary_until_s = ended_s + WARY_FOR_S
        self._report(report, *facts)
        return True

    def stop(self, timeout_s: float) -> None:
        """End after the jobs under way; do not wait longer than ``timeout_s``."""
        self._jobs.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._in_loop(self._report, *self._outcome(job))
        for fd, _ in self._open.values():
            os.close(fd)

    def _report(self, report: Callable[..., object], *facts: object) -> None:
        self._under_way -= 1
        report(*facts)

    def _outcome(self, job: DiskJob) -> tuple[Callable[..., object], *tuple[object, ...]]:
        """Perform ``job``: the report to make, and its facts."""
        reads: list[bytes] = []
        removed = False
        try:
            for operation in job.operations:
                self._perform(operation, reads)
                removed = removed or type(operation) is Remove
            if removed:
                self._storage.sync_names()
        except OSError as error:
            fault = DiskFault.FULL if error.errno in _FULL else DiskFault.FAILED
            return self._on_failed, job.token, fault, f"{_said(operation)}: {error.strerror}"
        return self._on_done, job.token, reads

    def _perform(self, operation: DiskOperation, reads: list[bytes]) -> None:
        match operation:
            case Write(file, offset, data):
                _write(self._fd(file, create=True), offset, data)
            case Sync(file):
                os.fdatasync(self._fd(file, create=False))
                if file in self._storage.unsynced_names:
                    self._storage.sync_names()
            case Prepare(file, size_bytes):
                self._prepare(file, size_bytes)
            case Rename(file, to):
                self._forget(file)
                self._forget(to)
                os.replace(
                    file, to, src_dir_fd=self._storage.directory_fd, dst_dir_fd=self._storage.directory_fd
                )
                self._storage.sync_names()
            case Remove(file):
                self._remove(file)
            case Read(file, offset, size_bytes):
                reads.append(_read(self._fd(file, create=False), offset, size_bytes))

    def _prepare(self, file: str, size_bytes: int) -> None:
        """Write real zeros: blocks that are merely reserved would make every later sync slower."""
        self._remove(file)
        self._storage.unsynced_names[file] = None
        fd = self._storage.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        try:
            for offset in range(0, size_bytes, len(_ZEROS)):
                _write(fd, offset, _ZEROS[: size_bytes - offset])
            os.fsync(fd)
            self._storage.sync_names()
        except OSError:
            with contextlib.suppress(OSError):
                self._remove(file)
            raise
        finally:
            os.close(fd)

    def _remove(self, file: str) -> None:
        self._forget(file)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(file, dir_fd=self._storage.directory_fd)

    def _forget(self, file: str) -> None:
        """The name is about to stand for another file, or for none; here and in the other channel."""
        self._storage.renewed[file] = self._storage.renewed.get(file, 0) + 1

    def _fd(self, file: str, *, create: bool) -> int:
        """The file's descriptor, kept open: a log writes the same file again and again."""
        generation = self._storage.renewed.get(file, 0)
        known = self._open.pop(file, None)
        if known is not None and known[1] != generation:
            os.close(known[0])
            known = None
        if known is None:
            known = self._open_file(file, create), generation
            if len(self._open) >= _OPEN_FILES_MAX:
                oldest, _ = self._open.pop(next(iter(self._open)))
                os.close(oldest)
        self._open[file] = known
        return known[0]

    def _open_file(self, file: str, create: bool) -> int:
        try:
            return self._storage.open(file, os.O_RDWR)
        except FileNotFoundError:
            if not create:
                raise
            self._storage.unsynced_names[file] = None
            return self._storage.open(file, os.O_RDWR | os.O_CREAT)


def _write(fd: int, offset: int, data: bytes) -> None:
    done = os.pwrite(fd, data, offset)
    while done < len(data):
        done += os.pwrite(fd, memoryview(data)[done:], offset + done)


def _read(fd: int, offset: int, size_bytes: int) -> bytes:
    pieces = []
    while size_bytes > 0 and (piece := os.pread(fd, size_bytes, offset)):
        pieces.append(piece)
        offset += len(piece)
        size_bytes -= len(piece)
    return b"".join(pieces)


def _said(operation: DiskOperation) -> str:
    return f"{type(operation).__name__.lower()} {operation.file}"
