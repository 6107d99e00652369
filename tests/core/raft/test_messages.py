"""Messages as bytes: they come back equal, stay compact, and nonsense does not get in."""

from typing import get_args

import msgspec
import pytest

from trivet.core.raft.messages import (
    AppendEntries,
    AppendReply,
    Entry,
    Lineage,
    Message,
    PreVote,
    SnapshotChunk,
)

DECODER = msgspec.msgpack.Decoder(Message)


def test_every_message_comes_back_equal() -> None:
    values: dict[object, object] = {bool: True, bytes: b"abc", list[Entry]: [Entry(3, b"x"), Entry(4, b"")]}
    values[Lineage.__annotations__["generations"]] = [(0, 1), (2, 7)]
    for number, kind in enumerate(get_args(Message), start=1):
        arguments = [values.get(kind.__annotations__[name], 7) for name in kind.__struct_fields__]
        message = kind(*arguments)
        data = msgspec.msgpack.encode(message)
        assert DECODER.decode(data) == message
        assert msgspec.msgpack.decode(data)[0] == number, "tags are for ever"


def test_fields_left_out_by_an_older_node_have_defaults() -> None:
    assert DECODER.decode(msgspec.msgpack.encode([6, 2, True, 5])) == AppendReply(2, True, 5)
    assert DECODER.decode(msgspec.msgpack.encode([5, 2, 1, 1, 0, []])) == AppendEntries(2, 1, 1, 0, [])


def test_fields_appended_by_a_newer_node_are_ignored() -> None:
    assert DECODER.decode(msgspec.msgpack.encode([1, 2, 3, 4, "new"])) == PreVote(2, 3, 4)


@pytest.mark.parametrize(
    "body",
    [
        [99, 1],
        [1, -1, 0, 0],
        [1, 1.5, 0, 0],
        [5, 1, 0, 0, 0, [[-1, b""]]],
        [5, 1, 0, 0, 0, None],
        {},
        [],
        1,
        None,
    ],
)
def test_nonsense_is_refused(body: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        DECODER.decode(msgspec.msgpack.encode(body))


def test_a_chunk_does_not_grow_on_the_way() -> None:
    assert len(msgspec.msgpack.encode(SnapshotChunk(1, 2, 1, 0, b"x" * 1000, False))) < 1020
