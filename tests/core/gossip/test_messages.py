"""The words between members: bytes and back; what does not fit is refused."""

import msgspec
import pytest
from msgspec import Raw

from trivet.core.gossip.messages import (
    Compare,
    Differ,
    GossipMessage,
    Keys,
    Seen,
    States,
    Updates,
    Want,
    digest_bytes,
    updates_of,
)
from trivet.core.lattice.delta import STRING, Change, Delta, encode_deltas

DECODER = msgspec.msgpack.Decoder(GossipMessage)
encode = msgspec.msgpack.encode
DIGEST = digest_bytes(7)
DELTA = Delta(1, 2, 3, b"k", [Change(STRING, b"", [(1, 1)], [(2, 2, b"5")], b"v")])

MESSAGES = [
    Updates(Raw(encode_deltas([DELTA])), True),
    Seen(b"clock", True, DIGEST, 3, 9),
    Want([(1, 2, 3)]),
    Compare(1, 3, [(0, [(1, DIGEST)])]),
    Differ(1, 4, [3], b"clock"),
    Keys(1, [(3, [(b"k", DIGEST)])]),
    States(1, 2, b"clock", [(b"k", b"state")], True),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_bytes_and_back(message: GossipMessage) -> None:
    assert DECODER.decode(encode(message)) == message


def test_every_message_is_here() -> None:
    assert {type(message) for message in MESSAGES} == set(GossipMessage.__args__)


@pytest.mark.parametrize(
    "message",
    [
        Seen(b"", False, b"short", 0),
        Want([(-1, 0, 0)]),
        Compare(1, 4, []),
        Compare(1, 0, [(0, [(1, b"")])]),
        Differ(1, 0, [], b""),
        Differ(1, 5, [], b""),
        Want([(1, 1, 1)] * 10_001),
    ],
)
def test_what_does_not_fit_is_refused(message: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        DECODER.decode(encode(message))


def test_updates_are_read_when_it_is_their_turn() -> None:
    message = DECODER.decode(encode(updates_of([DELTA, DELTA])))
    assert isinstance(message, Updates) and message.deltas == [DELTA, DELTA]
    for nonsense in ([Delta(1, 0, 1, b"k", DELTA.changes)], [Delta(1, 1, 1, b"k", [])], [7], b"x"):
        message = DECODER.decode(encode([120, nonsense, False]))
        with pytest.raises(ValueError, match=r".+"):
            assert isinstance(message, Updates) and message.deltas


def test_seen_is_small() -> None:
    assert len(encode(Seen(b"x" * 60, False, DIGEST, 0, 1 << 50))) < 100
