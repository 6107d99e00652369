"""The bytes of a stream in a snapshot are a format: they stay."""

import msgspec

from trivet.core.values.stream_state import GroupState, NodeState, PendingState, StreamState

STATE = StreamState(
    (1 << 63, 2),
    (0, 1),
    3,
    [NodeState(4, [b"f"], [5], [6], [3], b"\x91\xc4\x00")],
    [GroupState(b"g", (5, 6), -1, [(b"c", 7)], [PendingState(5, 6, 0, 8, 9)])],
)


def test_a_state_survives() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(STATE), type=StreamState) == STATE


def test_the_format() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(STATE)) == [
        [1 << 63, 2],
        [0, 1],
        3,
        [[4, [b"f"], [5], [6], [3], b"\x91\xc4\x00"]],
        [[b"g", [5, 6], -1, [[b"c", 7]], [[5, 6, 0, 8, 9]]]],
    ]
