"""The disk: jobs on real files, their order, their failures, and the directory's lock."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
from trivet.runtime import disk
from trivet.runtime.disk import DirectoryStorage, DiskThread


class Lane:
    """A disk thread whose reports can be waited for."""

    def __init__(self, storage: DirectoryStorage, channel: Channel) -> None:
        self.reports: list[tuple[int, object, str]] = []
        self._news = threading.Semaphore(0)
        self._tokens = 0
        self._channel = channel
        self.thread = DiskThread(storage, channel, self._call, self._done, self._failed)

    @staticmethod
    def _call(callback: Callable[..., object], *facts: object) -> None:
        callback(*facts)

    def _done(self, token: int, reads: list[bytes]) -> None:
        self.reports.append((token, reads, ""))
        self._news.release()

    def _failed(self, token: int, fault: DiskFault, text: str) -> None:
        self.reports.append((token, fault, text))
        self._news.release()

    def do(self, *operations: DiskOperation) -> tuple[object, str]:
        """Perform one job; gives what it read, or its fault, and the text."""
        self.take(*operations, at_once=False)
        while not self.reports or self.reports[-1][0] != self._tokens:
            assert self._news.acquire(timeout=10)
        _, outcome, text = self.reports[-1]
        return outcome, text

    def take(self, *operations: DiskOperation, at_once: bool) -> bool:
        """Hand one job over; whether it has been performed and reported."""
        self._tokens += 1
        return self.thread.take(DiskJob(self._tokens, self._channel, list(operations)), at_once=at_once)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[DirectoryStorage]:
    opened = DirectoryStorage(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def lane(storage: DirectoryStorage) -> Iterator[Lane]:
    made = Lane(storage, Channel.LOG)
    yield made
    made.thread.stop(10)


@pytest.fixture
def other(storage: DirectoryStorage) -> Iterator[Lane]:
    made = Lane(storage, Channel.BULK)
    yield made
    made.thread.stop(10)


def test_write_sync_read(storage: DirectoryStorage, lane: Lane) -> None:
    assert lane.do(Write("a", 0, b"hello"), Write("a", 5, b" you"), Sync("a"), Read("a", 1, 100)) == (
        [b"ello you"],
        "",
    )
    assert storage.names() == ["a"]
    assert storage.size_bytes("a") == 9
    assert storage.read("a", 6, 2) == b"yo"
    assert lane.do(Write("a", 100, b"x"), Read("a", 9, 3)) == ([b"\0\0\0"], "")


def test_jobs_are_done_in_order(lane: Lane, storage: DirectoryStorage) -> None:
    for number in range(200):
        lane.thread.take(
            DiskJob(1000 + number, Channel.LOG, [Write("a", 0, b"%04d" % number)]), at_once=False
        )
    assert lane.do(Read("a", 0, 4)) == ([b"0199"], "")
    assert [token for token, _, _ in lane.reports[:200]] == list(range(1000, 1200))


def test_prepare_writes_zeros(storage: DirectoryStorage, lane: Lane) -> None:
    size = 3 * 1024 * 1024 + 17
    assert lane.do(Write("a", 0, b"old"), Prepare("a", size)) == ([], "")
    assert storage.read("a", 0, size + 1) == bytes(size)
    assert (storage.path / "a").stat().st_blocks * 512 >= size


def test_rename_and_remove(storage: DirectoryStorage, lane: Lane) -> None:
    lane.do(Write("a", 0, b"one"), Write("b", 0, b"two"), Sync("b"))
    assert lane.do(Rename("b", "a"), Read("a", 0, 9)) == ([b"two"], "")
    assert storage.names() == ["a"]
    assert lane.do(Remove("a"), Remove("a"), Remove("never")) == ([], "")
    assert storage.names() == []


def test_a_name_that_stands_for_another_file(lane: Lane, other: Lane) -> None:
    """One channel keeps a file open that the other removes, replaces or makes anew."""
    lane.do(Write("a", 0, b"old"), Sync("a"))
    other.do(Remove("a"))
    lane.do(Write("a", 0, b"new"))
    assert other.do(Read("a", 0, 9)) == ([b"new"], "")
    other.do(Write("b", 0, b"better"), Rename("b", "a"))
    assert lane.do(Write("a", 0, b"B"), Read("a", 0, 9)) == ([b"Better"], "")
    other.do(Prepare("a", 2))
    assert lane.do(Read("a", 0, 9)) == ([b"\0\0"], "")


def test_more_files_than_are_kept_open(lane: Lane) -> None:
    for number in range(40):
        lane.do(Write(f"f{number}", 0, b"%d" % number))
    for number in range(40):
        assert lane.do(Read(f"f{number}", 0, 9)) == ([b"%d" % number], "")


def test_a_new_name_is_durable_after_the_first_sync(
    storage: DirectoryStorage, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    lane.do(Write("a", 0, b"x"), Sync("a"))
    assert synced == [storage.directory_fd]
    lane.do(Write("a", 0, b"y"), Sync("a"))
    assert synced == [storage.directory_fd]


def test_failures_end_the_job(lane: Lane, storage: DirectoryStorage) -> None:
    outcome, text = lane.do(Read("missing", 0, 1), Write("a", 0, b"x"))
    assert outcome == DiskFault.FAILED
    assert text == "read missing: No such file or directory"
    assert storage.names() == []
    assert lane.do(Sync("missing"))[0] == DiskFault.FAILED
    assert lane.do(Write("a", 0, b"x")) == ([], "")


@pytest.mark.parametrize(
    ("number", "fault"),
    [(errno.ENOSPC, DiskFault.FULL), (errno.EDQUOT, DiskFault.FULL), (errno.EIO, DiskFault.FAILED)],
)
def test_a_prepare_that_fails_leaves_nothing(
    lane: Lane, storage: DirectoryStorage, monkeypatch: pytest.MonkeyPatch, number: int, fault: DiskFault
) -> None:
    def fail(fd: int, offset: int, data: bytes) -> None:
        if offset:
            raise OSError(number, os.strerror(number))
        os.pwrite(fd, data, offset)

    monkeypatch.setattr(disk, "_write", fail)
    assert lane.do(Prepare("a", 3 * 1024 * 1024)) == (fault, f"prepare a: {os.strerror(number)}")
    assert storage.names() == []


def test_a_failed_sync_is_reported(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    assert lane.do(Write("a", 0, b"x"), Sync("a")) == (DiskFault.FAILED, "sync a: Input/output error")


def test_short_writes_go_on(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: whole(fd, bytes(data[:3]), offset))
    assert lane.do(Write("a", 2, b"0123456789"), Read("a", 0, 99)) == ([b"\0\x000123456789"], "")


def test_the_directory_is_private_and_locked(tmp_path: Path) -> None:
    storage = DirectoryStorage(tmp_path / "deep" / "data")
    assert storage.path.stat().st_mode & 0o777 == 0o700
    with pytest.raises(StartError, match="in use by another process"):
        DirectoryStorage(tmp_path / "deep" / "data")
    assert storage.names() == []
    storage.close()
    DirectoryStorage(tmp_path / "deep" / "data").close()


def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot use the data directory"):
        DirectoryStorage(tmp_path / "file" / "data")


def test_a_short_job_at_once(lane: Lane) -> None:
    assert lane.take(Write("a", 0, b"x"), Sync("a"), at_once=True)
    assert lane.reports == [(1, [], "")]


def test_a_long_job_goes_to_the_thread(lane: Lane) -> None:
    assert not lane.take(Prepare("a", 4096), at_once=True)
    assert lane.do(Read("a", 0, 2)) == ([b"\0\0"], "")
    assert [token for token, _, _ in lane.reports] == [1, 2]


def test_nothing_overtakes_what_is_under_way(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    fdatasync = os.fdatasync
    monkeypatch.setattr(disk.os, "fdatasync", lambda fd: go_on.wait(10) and fdatasync(fd))
    lane.take(Write("a", 0, b"x"), Sync("a"), at_once=False)
    assert not lane.take(Write("a", 1, b"y"), Sync("a"), at_once=True)
    assert lane.reports == []
    go_on.set()
    assert lane.do(Read("a", 0, 9)) == ([b"xy"], "")
    assert [token for token, _, _ in lane.reports] == [1, 2, 3]


def test_a_slow_disk_gets_its_jobs_through_the_thread(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0

    def slow_sync(fd: int) -> None:
        nonlocal now_s
        now_s += 2 * disk.QUICK_MAX_S

    monkeypatch.setattr(disk.time, "monotonic", lambda: now_s)
    monkeypatch.setattr(disk.os, "fdatasync", slow_sync)
    assert lane.take(Write("a", 0, b"x"), Sync("a"), at_once=True)
    assert not lane.take(Write("a", 0, b"x"), Sync("a"), at_once=True)
    lane.do(Read("a", 0, 1))
    now_s += disk.WARY_FOR_S
    assert lane.take(Write("a", 0, b"x"), Sync("a"), at_once=True)


def test_a_failure_at_once(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_sync(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk.os, "fdatasync", broken_sync)
    assert lane.take(Write("a", 0, b"x"), Sync("a"), at_once=True)
    assert lane.reports == [(1, DiskFault.FAILED, "sync a: Input/output error")]
