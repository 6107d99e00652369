"""What an entry of the log carries: the writes of one turn, from all nodes.

Strategy: a batch is encoded once, by the node whose clients sent it, and travels as
bytes from there on; the leader puts the batches of a turn into one entry without looking
inside. Only a replica that applies the entry decodes it.

Rule M1: time and chance of a write are those of its entry (``time_ms``, ``seed``), so
that every replica computes the same.
"""

from typing import Final

import msgspec

Call = tuple[int, list[bytes]]
"""(database, arguments); the first argument is the command's name in upper case."""


class Batch(msgspec.Struct, array_like=True, frozen=True):
    """Writes of one node's clients, in their order.

    ``(node, incarnation)`` is the node session, ``sequence`` rises by one per batch from 1.
    Replies of batches up to ``acknowledged`` are no longer needed by their node. ``epoch`` is that of the
    cluster map by which the node chose this group.
    """

    node: int
    incarnation: int
    sequence: int
    acknowledged: int
    calls: list[Call]
    epoch: int = 0


class BatchHead(msgspec.Struct, array_like=True, frozen=True):
    """The first fields of a batch: what a leader reads of it."""

    node: int
    incarnation: int
    sequence: int
    acknowledged: int = 0

    def may_follow(self, last: int) -> bool:
        """Whether it is the next after ``last``, or all between was answered (Rules S1, S5)."""
        number = self.sequence
        return number == last + 1 or (number > last and self.acknowledged == number - 1)


class EntryBody(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """The payload of a Raft entry. Without batches it is a *time entry*: it only moves time on.

    ``time_ms`` is Unix time in ms by the leader's clock; the machine makes it monotonic.
    """

    time_ms: int
    seed: int
    batches: list[msgspec.Raw]


class Verdict(msgspec.Struct, array_like=True, frozen=True, tag=2):
    """The payload of an entry that says how a paused script goes on (Rule V1); it changes nothing itself.

    It is about the ``number``-th pause, from 1, of the entry at ``index``. Of several the first counts.
    """

    index: int
    number: int
    word: int


VERDICT_BYTES_MAX: Final = 64

_encoder = msgspec.msgpack.Encoder()
_batch_decoder = msgspec.msgpack.Decoder(Batch)
_head_decoder = msgspec.msgpack.Decoder(BatchHead)
_body_decoder: msgspec.msgpack.Decoder[EntryBody | Verdict] = msgspec.msgpack.Decoder(EntryBody | Verdict)
_calls_decoder = msgspec.msgpack.Decoder(list[Call])


def encode_batch(batch: Batch) -> bytes:
    """The bytes of a batch."""
    return _encoder.encode(batch)


def decode_batch(data: bytes | msgspec.Raw) -> Batch:
    """The batch in ``data``; raises ``msgspec.DecodeError``."""
    return _batch_decoder.decode(data)


def decode_batch_head(data: bytes) -> BatchHead:
    """Who sent the batch and which one it is; raises ``msgspec.DecodeError``."""
    return _head_decoder.decode(data)


def encode_body(time_ms: int, seed: int, batches: list[bytes]) -> bytes:
    """The payload of an entry; the batches are copied as they are."""
    return _encoder.encode(EntryBody(time_ms, seed, [msgspec.Raw(b) for b in batches]))


def decode_body(payload: bytes) -> EntryBody | Verdict:
    """What ``payload`` says; raises ``msgspec.DecodeError``."""
    return _body_decoder.decode(payload)


def encode_calls(calls: list[Call]) -> bytes:
    """The commands of a transaction, as one argument of ``EXEC``."""
    return _encoder.encode(calls)


def decode_calls(data: bytes) -> list[Call]:
    """The commands of a transaction; raises ``msgspec.DecodeError``."""
    return _calls_decoder.decode(data)
