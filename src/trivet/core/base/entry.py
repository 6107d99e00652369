"""One entry of a replicated log: what Raft agrees on and the WAL stores.

Strategy: one class for memory, wire and disk, so that an entry is never rebuilt on the way.
"""

from typing import Annotated

import msgspec


class Entry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An entry; its index is its place in the log. ``payload`` is empty for a leader's no-op."""

    term: Annotated[int, msgspec.Meta(ge=0)]
    payload: bytes
