"""What the chunks of a snapshot carry (see ``snapshot``)."""

import msgspec

from trivet.core.access.users import UsersState
from trivet.core.machine.ownership_state import OwnershipState
from trivet.core.script.scripts import ScriptsState
from trivet.core.transaction.intents_state import IntentsState


class SessionState(msgspec.Struct, array_like=True, frozen=True):
    """One node session."""

    node: int
    incarnation: int
    last_sequence: int
    replies: list[tuple[int, bytes]]


class WatchState(msgspec.Struct, array_like=True, frozen=True):
    """One watcher: its keys as (database, key, existed)."""

    node: int
    client: int
    dirty: bool
    keys: list[tuple[int, bytes, bool]]


class WaitState(msgspec.Struct, array_like=True, frozen=True):
    """One waiting call; ``reply``: what it was served, as ``encode_replies`` writes it, else nothing."""

    node: int
    client: int
    database: int
    args: list[bytes]
    keys: list[bytes]
    reply: bytes | None


class PutOffState(msgspec.Struct, array_like=True, frozen=True):
    """A call that was served; what it got goes back when a lock goes."""

    database: int
    args: list[bytes]
    keys: list[bytes]
    reply: bytes


class DatabaseState(msgspec.Struct, array_like=True, frozen=True):
    """The shape of one database."""

    index: int
    bucket_count: int
    expired_count: int
    foreign_count: int = 0


class Head(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """The first chunk: everything but the keys."""

    format: int
    applied_index: int
    now_ms: int
    digest: int
    sessions: list[SessionState]
    watches: list[WatchState]
    databases: list[DatabaseState]
    waits: list[WaitState] = []
    settings: list[tuple[bytes, bytes]] = []
    users: UsersState = UsersState()
    scripts: ScriptsState = ScriptsState()
    ownership: OwnershipState = OwnershipState()
    cluster: bytes = b""
    """The cluster map, in the system group."""
    shared_index: int = 0
    gone: list[int] = []
    """Nodes that have left the cluster for ever."""
    intents: IntentsState = IntentsState()
    put_off: list[PutOffState] = []
    fence: int = 0
    """The last number that ``FENCE`` gave."""


class Bucket(msgspec.Struct, array_like=True, frozen=True, tag=2):
    """The keys of one bucket, in their order."""

    database: int
    items: bytes
