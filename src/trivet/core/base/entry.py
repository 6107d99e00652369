"""One entry of a replicated log: what Raft agrees on and the WAL stores.

Strategy: one class for memory, wire and disk, so that an entry is never rebuilt on the way.
"""

from typing import Annotated, Final

import msgspec

DATA: Final = 0
"""``payload`` is for the machine; empty: a leader's no-op."""
MEMBERSHIP: Final = 1
"""``payload`` is a membership (``raft/membership.py``): it counts from when it is in the log."""


class Entry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An entry; its index is its place in the log. ``kind``: ``DATA`` or ``MEMBERSHIP``."""

    term: Annotated[int, msgspec.Meta(ge=0)]
    payload: bytes
    kind: Annotated[int, msgspec.Meta(ge=0)] = DATA
