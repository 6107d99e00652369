"""Snapshots without a fork: the state at one index, walked in slices between turns.

Strategy: the walk visits the buckets of every database in their order. A bucket in which a
key is about to change before the walk has come to it becomes a draft: a copy of its
references, of which that key alone is encoded at once; the walk writes drafts first. A bucket
about to split or merge is written on the spot. So the chunks together are the state at the
index where the walk began, and a change costs a client one copied dict and one encoded value.

- Rule N1: nothing visible may depend on when a snapshot was taken: a walk never delays a
  split or a merge, it writes the buckets concerned beforehand.
- Rule N2: a restored replica behaves as the one that wrote the snapshot, for ever: the
  number of buckets and the order within each are restored exactly.
"""

from typing import Final

import msgspec

from trivet.core.base.errors import CorruptionError
from trivet.core.base.ids import NodeId
from trivet.core.cluster.map import decode
from trivet.core.machine.buckets import bucket_items
from trivet.core.machine.machine import Machine
from trivet.core.machine.plain_reply import decode_replies, encode_replies
from trivet.core.machine.sessions import NodeSession
from trivet.core.machine.snapshot_chunks import (
    Bucket,
    DatabaseState,
    Head,
    PutOffState,
    SessionState,
    WaitState,
    WatchState,
)
from trivet.core.machine.waiting import WaitingCall
from trivet.core.values.codec import decode_items, encode_item, encode_items, join_items
from trivet.core.values.database import Database
from trivet.core.values.databases import NUMBERS_MAX
from trivet.core.values.deadlines import Deadlines
from trivet.core.values.table import Table
from trivet.core.values.types import Value

FORMAT: Final = 6
_FORMATS_READ: Final = (2, 3, 4, 5, 6)
"""A head of format 2 ends earlier: its group has all slots. One of format 3 knows nothing of databases, one
of 4 nothing of transactions over groups, one of 5 nothing of fencing numbers."""
BUCKETS_MAX: Final = 1 << 24
"""Of one database: beyond every memory, but what a bad number may cost is bounded."""


_encoder = msgspec.msgpack.Encoder()
_head_decoder = msgspec.msgpack.Decoder(Head)
_buckets_decoder = msgspec.msgpack.Decoder(list[Bucket])


_UNTOUCHED: Final = 0
_DRAFTED: Final = 1
_WRITTEN: Final = 2


class _Draft:
    """A bucket as it was: values by reference, and as bytes where a change was about to come."""

    __slots__ = ("encoded", "values")

    def __init__(self, values: dict[bytes, Value]) -> None:
        self.values = values
        self.encoded: dict[bytes, msgspec.Raw] = {}


class _TableWalk:
    """The walk through one database, whose tables stay the same objects even if it is flushed."""

    def __init__(self, walk: "SnapshotWalk", database: Database) -> None:
        self._walk = walk
        self.index = database.index
        self.table: Table[Value] = database.values
        self.deadlines: Deadlines = database.deadlines
        self.drafts: dict[int, _Draft] = {}
        self.states = bytearray(self.table.bucket_count)
        self.position = 0
        self.table.walk = self

    def before_change(self, key: bytes) -> None:
        """The value or the deadline of ``key`` is about to change, or to move to another key."""
        bucket = self.table.bucket_of(key)
        if bucket >= len(self.states) or self.states[bucket] == _WRITTEN:
            return
        draft = self.drafts.get(bucket)
        if draft is None:
            self.states[bucket] = _DRAFTED
            draft = self.drafts[bucket] = _Draft(self.table.bucket(bucket).copy())
        value = draft.values.get(key)
        if value is not None and key not in draft.encoded:
            draft.encoded[key] = self._encode(key, value)

    def before_reshape(self, bucket: int) -> None:
        """``bucket`` is about to split or merge (Rule N1)."""
        if bucket < len(self.states) and self.states[bucket] != _WRITTEN:
            self.write(bucket)

    def write(self, bucket: int) -> None:
        """Write ``bucket`` as it was when the walk began."""
        self.states[bucket] = _WRITTEN
        draft = self.drafts.pop(bucket, None)
        if draft is None:
            items = bucket_items(self.table, self.deadlines, bucket)
            if items:
                self._walk.emit(Bucket(self.index, encode_items(items)))
        elif draft.values:
            encoded = draft.encoded
            raws = [encoded.get(key) or self._encode(key, value) for key, value in draft.values.items()]
            self._walk.emit(Bucket(self.index, join_items(raws)))

    def _encode(self, key: bytes, value: Value) -> msgspec.Raw:
        deadline_ms = self.deadlines.get(key)
        return encode_item(key, value, -1 if deadline_ms is None else deadline_ms)

    def advance(self) -> bool:
        """Write one bucket more; False at the end."""
        if self.drafts:
            self.write(next(iter(self.drafts)))
            return True
        if self.position == len(self.states):
            return False
        if self.position < self.table.bucket_count:
            self.before_reshape(self.position)
        self.position += 1
        return True


class SnapshotWalk:
    """One walk over the state of a machine, as of its applied index at the start."""

    def __init__(self, machine: Machine, chunk_bytes: int) -> None:
        assert machine.snapshot_hook is None
        self.index = machine.applied_index
        self._machine = machine
        self._chunk_bytes = chunk_bytes
        self._buckets: list[Bucket] = []
        self._bytes = 0
        self._head: bytes = _encoder.encode(_head_of(machine))
        self._walks = [_TableWalk(self, database) for _, database in machine.databases.items()]
        machine.snapshot_hook = self
        machine.hooks_changed()

    def before_change(self, database: Database, key: bytes) -> None:
        """The hook: ``key`` is about to change."""
        table = database.values
        for walk in self._walks:
            if walk.table is table:
                walk.before_change(key)

    def before_flush(self, database: Database) -> None:
        """The hook: nothing to do, the walk holds the old tables."""

    def emit(self, bucket: Bucket) -> None:
        """One bucket, as it was at the start."""
        self._buckets.append(bucket)
        self._bytes += len(bucket.items)

    def next_chunk(self) -> bytes | None:
        """The next chunk, after about ``chunk_bytes`` of work; None at the end."""
        if self._head:
            head, self._head = self._head, b""
            return head
        while self._bytes < self._chunk_bytes and self._advance():
            pass
        if not self._buckets:
            self.close()
            return None
        chunk: bytes = _encoder.encode(self._buckets)
        self._buckets = []
        self._bytes = 0
        return chunk

    def _advance(self) -> bool:
        return any(walk.advance() for walk in self._walks)

    def close(self) -> None:
        """Stop: at the end, or when the snapshot is given up."""
        for walk in self._walks:
            walk.table.walk = None
        if self._machine.snapshot_hook is self:
            self._machine.snapshot_hook = None
            self._machine.hooks_changed()


def lives_in(head: bytes) -> dict[NodeId, int]:
    """By node, the incarnation of its session, of a snapshot's first chunk; raises ``CorruptionError``."""
    try:
        return {state.node: state.incarnation for state in _head_decoder.decode(head).sessions}
    except (msgspec.DecodeError, RecursionError) as error:
        raise CorruptionError(f"the head of the snapshot does not decode: {error}") from error


class SnapshotLoad:
    """Chunks, in their order, into a new machine."""

    def __init__(self, machine: Machine) -> None:
        assert machine.applied_index == 0
        self.machine = machine
        self._begun = False

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk; raises ``CorruptionError`` when it is not one."""
        try:
            if self._begun:
                for bucket in _buckets_decoder.decode(chunk):
                    self._load_bucket(bucket)
            else:
                self._load_head(_head_decoder.decode(chunk))
                self._begun = True
        except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
            raise CorruptionError(f"a chunk of the snapshot does not decode: {error}") from error

    def _load_head(self, head: Head) -> None:
        if head.format not in _FORMATS_READ:
            raise CorruptionError(f"the snapshot has format {head.format}, this version reads {FORMAT}")
        machine = self.machine
        machine.applied_index = head.applied_index
        machine.now_ms = head.now_ms
        machine.digest = head.digest
        machine.shared_index = head.shared_index
        machine.databases.set_now(head.now_ms)
        for state in head.sessions:
            session = NodeSession(state.incarnation)
            session.last_sequence = state.last_sequence
            session.replies = {number: decode_replies(data) for number, data in state.replies}
            machine.sessions.by_node[state.node] = session
        machine.sessions.gone = dict.fromkeys(head.gone)
        for watch in head.watches:
            watcher = (watch.node, watch.client)
            for db_index, key, existed in watch.keys:
                machine.watches.watch(watcher, (db_index, key), existed)
            if watch.dirty:
                machine.watches.dirty[watcher] = None
        for wait in head.waits:
            _check_database(wait.database)
            waiting = WaitingCall(wait.database, wait.args, wait.keys)
            if wait.reply is not None:
                waiting.served = True
                (waiting.reply,) = decode_replies(wait.reply)
            machine.waiting.put((wait.node, wait.client), waiting)
        for name, value in head.settings:
            machine.settings.put(name, value)
        machine.users.restore(head.users)
        machine.scripts.restore(head.scripts)
        for shape in head.databases:
            if not 1 <= shape.bucket_count <= BUCKETS_MAX:
                raise ValueError(f"a database of {shape.bucket_count} buckets")
            _check_database(shape.index)
            database = machine.databases.open(shape.index)
            database.values = Table(shape.bucket_count)
            database.expired_count = shape.expired_count
            database.foreign_count = shape.foreign_count
        machine.ownership.restore(head.ownership)
        machine.intents.restore(head.intents)
        machine.fences.last = head.fence
        for held in head.put_off:
            _check_database(held.database)
            call = WaitingCall(held.database, held.args, held.keys)
            call.served = True
            (call.reply,) = decode_replies(held.reply)
            machine.waiting.put_off.append(call)
        machine.locks_otherwise()
        machine.owns_otherwise()
        if head.cluster:
            machine.cluster = decode(head.cluster)
        machine.keep_account()

    def _load_bucket(self, bucket: Bucket) -> None:
        _check_database(bucket.database)
        database = self.machine.databases.open(bucket.database)
        if self.machine.memory is not None:
            self.machine.memory.begin_anew()
        for key, value, deadline_ms in decode_items(bucket.items):
            database.values.put(key, value)
            database.adopt(key, value)
            if deadline_ms >= 0:
                database.deadlines.put(key, deadline_ms)


def _check_database(index: int) -> None:
    if not 0 <= index < NUMBERS_MAX:
        raise ValueError(f"a database {index}")


def _head_of(machine: Machine) -> Head:
    sessions = [
        SessionState(
            node,
            session.incarnation,
            session.last_sequence,
            [(number, encode_replies(replies)) for number, replies in session.replies.items()],
        )
        for node, session in machine.sessions.by_node.items()
    ]
    watches = [
        WatchState(
            watcher[0],
            watcher[1],
            watcher in machine.watches.dirty,
            [(db_index, key, existed) for (db_index, key), existed in keys.items()],
        )
        for watcher, keys in machine.watches.watchers.items()
    ]
    databases = [
        DatabaseState(index, database.values.bucket_count, database.expired_count, database.foreign_count)
        for index, database in machine.databases.items()
    ]
    waits = [
        WaitState(
            client[0],
            client[1],
            waiting.db_index,
            waiting.args,
            waiting.keys,
            encode_replies([waiting.reply]) if waiting.served else None,
        )
        for client, waiting in machine.waiting.by_client.items()
    ]
    return Head(
        FORMAT,
        machine.applied_index,
        machine.now_ms,
        machine.digest,
        sessions,
        watches,
        databases,
        waits,
        list(machine.settings.values.items()),
        machine.users.state(),
        machine.scripts.state(),
        machine.ownership.state(),
        b"" if machine.cluster is None else machine.cluster.encode(),
        machine.shared_index,
        list(machine.sessions.gone),
        machine.intents.state(),
        [
            PutOffState(call.db_index, call.args, call.keys, encode_replies([call.reply]))
            for call in machine.waiting.put_off
        ],
        machine.fences.last,
    )
