"""Replies on their way between nodes: in one piece when they fit into a frame, else in several.

A part says which of the replies it begins with; parts may come twice and in any order.
"""

import msgspec

from trivet.core.machine.plain_reply import decode_replies, encode_replies
from trivet.core.wire.reply import Error, Reply


def split_replies(replies: list[Reply], bytes_max: int, too_large: Error) -> list[tuple[int, bytes]]:
    """Parts of at most ``bytes_max``, each with the place of its first reply.

    A single reply that is larger becomes ``too_large``.
    """
    parts: list[tuple[int, bytes]] = []
    _split(replies, 0, len(replies), bytes_max, too_large, parts)
    return parts


def _split(
    replies: list[Reply], first: int, end: int, bytes_max: int, too_large: Error,
    parts: list[tuple[int, bytes]],
) -> None:  # fmt: skip
    data = encode_replies(replies[first:end])
    if len(data) <= bytes_max or end - first <= 1:
        parts.append((first, data if len(data) <= bytes_max else encode_replies([too_large])))
        return
    middle = (first + end) // 2
    _split(replies, first, middle, bytes_max, too_large, parts)
    _split(replies, middle, end, bytes_max, too_large, parts)


class ReplyParts:
    """The replies of one batch as far as they have come."""

    __slots__ = ("_known", "_missing", "forgotten", "replies")

    def __init__(self, count: int) -> None:
        self.replies: list[Reply] = [None] * count
        self._known = bytearray(count)
        self._missing = count
        self.forgotten = False
        """The batch was applied, and nobody knows its replies."""

    @property
    def whole(self) -> bool:
        """Whether all are here."""
        return self._missing == 0

    def add(self, first: int, data: bytes) -> bool:
        """One part; whether it made the replies whole. What does not fit is passed over."""
        try:
            replies = decode_replies(data)
        except (ValueError, msgspec.DecodeError, RecursionError):
            return False
        if first + len(replies) > len(self.replies) or self._missing == 0:
            return False
        for place, reply in enumerate(replies, first):
            if not self._known[place]:
                self._known[place] = 1
                self._missing -= 1
                self.replies[place] = reply
        return self._missing == 0

    def forget(self) -> None:
        """Nobody knows them any more."""
        if self._missing:
            self.forgotten = True
            self._missing = 0
