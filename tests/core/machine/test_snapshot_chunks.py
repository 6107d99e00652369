"""The chunks of a snapshot on the disk: their bytes must not change without a new format."""

import msgspec

from trivet.core.machine.snapshot_chunks import Bucket, DatabaseState, Head, SessionState, WatchState


def test_head_and_buckets_survive() -> None:
    head = Head(
        1, 7, 1000, 5, [SessionState(1, 2, 3, [(3, b"x")])], [WatchState(1, 9, True, [(0, b"k", False)])],
        [DatabaseState(0, 4, 2)],
    )  # fmt: skip
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(head), type=Head) == head
    buckets = [Bucket(0, b"abc"), Bucket(3, b"")]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(buckets), type=list[Bucket]) == buckets


def test_the_bytes_are_these() -> None:
    assert msgspec.msgpack.encode(Bucket(3, b"ab")) == b"\x93\x02\x03\xc4\x02ab"
