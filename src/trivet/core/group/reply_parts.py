"""Replies on their way between nodes: in one message when they are short, else in chunks.

Chunks may come twice and in any order. All have the same size but the last, so what comes of two members
for the same batch is made of the same pieces.
"""

from typing import Final

import msgspec

from trivet.core.machine.plain_reply import decode_replies, encode_replies
from trivet.core.wire.reply import Error, Reply

CHUNK_BYTES: Final = 256 * 1024
"""Part of the format."""


def encode_bounded(replies: list[Reply], bytes_max: int, too_large: Error) -> bytes:
    """The replies as bytes; when these are too many, the largest replies give way to ``too_large``."""
    data = encode_replies(replies)
    if len(data) <= bytes_max:
        return data
    sizes = [len(encode_replies([reply])) for reply in replies]
    kept = list(replies)
    total_bytes = len(data)
    for place in sorted(range(len(kept)), key=lambda place: -sizes[place]):
        kept[place] = too_large
        total_bytes -= sizes[place]
        if total_bytes <= bytes_max // 2:
            break
    return encode_replies(kept)


def chunks(data: bytes) -> list[tuple[int, bytes]]:
    """The pieces of ``data``, each with where it begins."""
    return [(offset, data[offset : offset + CHUNK_BYTES]) for offset in range(0, len(data), CHUNK_BYTES)]


class ReplyParts:
    """The replies of one batch as far as they have come."""

    __slots__ = ("_bytes_max", "_chunks", "_count", "_total", "forgotten", "replies", "whole")

    def __init__(self, count: int, bytes_max: int) -> None:
        self._count = count
        self._bytes_max = bytes_max
        self._total = 0
        self._chunks: dict[int, bytes] = {}
        self.replies: list[Reply] = []
        self.whole = False
        self.forgotten = False
        """The batch was applied, and nobody knows its replies."""

    def add(self, offset: int, total: int, data: bytes) -> bool:
        """One chunk, or all (``total`` is 0); whether this makes them whole. What does not fit is ignored."""
        if self.whole:
            return False
        if total == 0:
            return self._decode(data)
        if total > self._bytes_max or offset % CHUNK_BYTES or len(data) != min(CHUNK_BYTES, total - offset):
            return False
        if total != self._total:
            self._chunks = {}
            self._total = total
        self._chunks[offset] = data
        if len(self._chunks) * CHUNK_BYTES < total:
            return False
        parts = [self._chunks[place] for place in range(0, total, CHUNK_BYTES)]
        self._chunks = {}
        return self._decode(b"".join(parts))

    def _decode(self, data: bytes) -> bool:
        try:
            replies = decode_replies(data)
        except (ValueError, msgspec.DecodeError, RecursionError):
            return False
        if len(replies) != self._count:
            return False
        self.replies = replies
        self.whole = True
        return True

    def forget(self) -> None:
        """Nobody knows them any more."""
        if not self.whole:
            self.forgotten = True
            self.whole = True
