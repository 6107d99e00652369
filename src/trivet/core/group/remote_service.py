"""The member's side for nodes that are no members: their batches, their reads, their waiting clients.

- Rule F3: a batch of such a node is answered by whoever has been asked and applies it, and at once, by any
  member, when this member has applied it already: from the session (Rule S2). Who does not lead says so, and
  forwards nothing.
- Rule F4: long replies go in chunks, of which few bytes are on their way to a node at a time, so that they
  choke no link. Replies that are too large become errors, which say of a write that it took effect.
- Rule F6: the leader tells such nodes of their woken clients: when it happens, when it begins to lead, when
  a link comes up, and again every ``resend_ms`` until they are claimed.
"""

from collections import deque
from typing import Final, Protocol

import msgspec

from trivet.core.base.ids import NO_NODE, Instant, NodeId
from trivet.core.command.table import ROWS, Flag
from trivet.core.group.messages import (
    CLIENTS_MAX,
    BatchReplies,
    ForwardRead,
    GroupMessage,
    NotLeader,
    ReadReplies,
    Woken,
)
from trivet.core.group.reads import READ_TIMEOUT_ERROR, ReadQueue
from trivet.core.group.remote_tracks import RemoteTracks
from trivet.core.group.reply_parts import CHUNK_BYTES, chunks, encode_bounded
from trivet.core.group.run import Run
from trivet.core.group.settings import GroupSettings
from trivet.core.machine.entry import Call, decode_batch_head, decode_calls
from trivet.core.machine.keys_read import keys_read
from trivet.core.machine.machine import Applied, Machine
from trivet.core.machine.rights import inner_call, is_question
from trivet.core.machine.watches import Watcher
from trivet.core.raft.raft import Raft
from trivet.core.raft.state import Role
from trivet.core.values.databases import NUMBERS_MAX
from trivet.core.wire.reply import Error, Reply

READ_REPLY_TOO_LARGE: Final = Error(
    "OOM the reply is too large to come from another node (limit remote_reply_bytes_max): read less at a "
    "time, or through a node that holds the data; nothing was done"
)
WRITE_REPLY_TOO_LARGE: Final = Error(
    "TIMEOUT the command took effect, but its reply is too large to come from another node"
)
CHUNKS_BYTES_MAX: Final = 8 * 1024 * 1024
"""On their way to one node at a time."""


class Replica(Protocol):
    """What the service needs of its replica."""

    settings: GroupSettings
    raft: Raft
    machine: Machine
    reads: ReadQueue
    outgoing: list[tuple[NodeId, GroupMessage]]

    @property
    def now_ms(self) -> Instant:
        """The last tick."""
        ...

    @property
    def disk_full(self) -> bool:
        """Its log can't grow."""
        ...

    def is_member(self, node: NodeId) -> bool:
        """Whether ``node`` holds a replica of the group."""
        ...


class RemoteReader:
    """Waits for reads that this member runs for another node (Rules L3, F5)."""

    def __init__(self, service: "RemoteService", node: NodeId, message: ForwardRead) -> None:
        self.run = Run(self, False)
        self.run.tracks = message.tracks
        self.run.epoch = message.epoch
        self.node = node
        self.read_id = message.read_id
        self.incarnation = message.incarnation
        self._service = service

    def run_done(self) -> None:
        """Send the replies."""
        self._service.read_done(self)


class _Reading:
    """What one node has asked this member to read."""

    __slots__ = ("count", "size_bytes")

    def __init__(self) -> None:
        self.count = 0
        self.size_bytes = 0


class _Pipe:
    """Chunks on their way to one node."""

    __slots__ = ("queue", "queued_bytes", "since_ms", "untaken_bytes")

    def __init__(self) -> None:
        self.queue: deque[BatchReplies | ReadReplies] = deque()
        self.queued_bytes = 0
        self.untaken_bytes = 0
        self.since_ms: Instant = 0
        """When something last went on."""


class RemoteService:
    """Serves nodes that are no members, at one member."""

    def __init__(self, replica: Replica) -> None:
        limits = replica.settings.limits
        self._replica = replica
        self._reading: dict[NodeId, _Reading] = {}
        self.asked: dict[NodeId, tuple[int, int]] = {}
        """Whose batches were taken here and are not applied: the incarnation, and the last of them."""
        self.tracks = RemoteTracks(limits.remote_tracked_keys_max)
        self._pipes: dict[NodeId, _Pipe] = {}
        self._reply_bytes_max = limits.remote_reply_bytes_max
        self._told_ms: Instant = 0
        self.refused_reads = 0
        """Reads that were more than one node may have under way here."""

    # -- writes ---------------------------------------------------------------------------------

    def takes(self, sender: NodeId, batch: bytes) -> bool:
        """A batch that is to be answered, or the question who leads: whether it is to be proposed."""
        replica = self._replica
        raft = replica.raft
        if not batch:
            self._send(sender, NotLeader(raft.leader, raft.term))
            return False
        try:
            head = decode_batch_head(batch)
        except msgspec.DecodeError:
            return False
        if head.node != sender:
            return False
        session = replica.machine.sessions.by_node.get(sender)
        if (
            session is not None
            and session.incarnation == head.incarnation
            and head.sequence <= session.last_sequence
        ):
            self._answer(sender, head.incarnation, head.sequence, session.replies.get(head.sequence))
            return False
        if raft.role is not Role.LEADER:
            self._send(sender, NotLeader(raft.leader, raft.term))
            return False
        asked = self.asked.get(sender)
        if asked is None or asked < (head.incarnation, head.sequence):
            self.asked[sender] = (head.incarnation, head.sequence)
        return True

    def applied(self, applied: Applied) -> None:
        """A batch of another node was applied (Rule F3)."""
        incarnation, last = self.asked.get(applied.node, (0, 0))
        if incarnation == applied.incarnation and applied.sequence <= last:
            self._answer(applied.node, incarnation, applied.sequence, applied.replies)
            if applied.sequence == last:
                del self.asked[applied.node]

    def _answer(self, node: NodeId, incarnation: int, sequence: int, replies: list[Reply] | None) -> None:
        if replies is None:
            # Acknowledged: most likely a late duplicate, which nobody awaits.
            self._send(node, BatchReplies(sequence, incarnation, b""))
            return
        data = encode_bounded(replies, self._reply_bytes_max, WRITE_REPLY_TOO_LARGE)
        if len(data) <= CHUNK_BYTES:
            self._send(node, BatchReplies(sequence, incarnation, data))
        elif (pipe := self._pipe_for(node, len(data))) is not None:
            for offset, chunk in chunks(data):
                pipe.queue.append(BatchReplies(sequence, incarnation, chunk, offset, len(data)))
            self._pump(node, pipe)

    # -- reads ----------------------------------------------------------------------------------

    def read_for(self, sender: NodeId, message: ForwardRead, now_ms: Instant) -> None:
        """Reads of another node. What can't be served is left to a retry elsewhere."""
        replica = self._replica
        if replica.disk_full and replica.raft.role is not Role.LEADER:
            return  # this copy stays behind as well (Rule L3)
        size_bytes = sum([len(arg) for call in message.calls for arg in call[1]])
        limits = replica.settings.limits
        reading = self._reading.get(sender)
        if reading is not None and (
            reading.count >= 2 * limits.remote_reads_max
            or reading.size_bytes + size_bytes > 2 * limits.remote_read_bytes_max
        ):
            self.refused_reads += 1
            return
        if not message.calls or not all(may_be_read(call) for call in message.calls):
            return
        try:
            keys_read(message.calls)  # is done again where the node must not fail
        except Exception:
            return
        reader = RemoteReader(self, sender, message)
        for call in message.calls:
            reader.run.add(call, 0)
        reader.run.size_bytes = size_bytes
        if reading is None:
            reading = self._reading[sender] = _Reading()
        reading.count += 1
        reading.size_bytes += size_bytes
        if message.stale:
            replica.reads.stage_stale(reader.run)
        else:
            replica.reads.stage(reader.run, now_ms)

    def read_done(self, reader: RemoteReader) -> None:
        """The replies for another node's reads."""
        run = reader.run
        reading = self._reading.get(reader.node)
        if reading is not None:
            reading.count -= 1
            reading.size_bytes -= run.size_bytes
            if not reading.count:
                del self._reading[reader.node]
        replies = run.replies
        assert replies is not None
        if replies[0] is READ_TIMEOUT_ERROR:
            return  # it was asked again long ago
        data = encode_bounded(replies, self._reply_bytes_max, READ_REPLY_TOO_LARGE)
        if len(data) <= CHUNK_BYTES:
            self._send(reader.node, ReadReplies(reader.read_id, data, reader.incarnation))
        elif (pipe := self._pipe_for(reader.node, len(data))) is not None:
            for offset, chunk in chunks(data):
                reply = ReadReplies(reader.read_id, chunk, reader.incarnation, offset, len(data))
                pipe.queue.append(reply)
            self._pump(reader.node, pipe)

    # -- chunks ---------------------------------------------------------------------------------

    def _pipe_for(self, node: NodeId, size_bytes: int) -> _Pipe | None:
        """The way of so many bytes in chunks; None when too many wait already: they are asked for again."""
        pipe = self._pipes.get(node)
        if pipe is None:
            pipe = self._pipes[node] = _Pipe()
            pipe.since_ms = self._replica.now_ms
        if pipe.queue and pipe.queued_bytes + size_bytes > self._reply_bytes_max:
            return None
        pipe.queued_bytes += size_bytes
        return pipe

    def _pump(self, node: NodeId, pipe: _Pipe) -> None:
        while pipe.queue and pipe.untaken_bytes < CHUNKS_BYTES_MAX:
            message = pipe.queue.popleft()
            pipe.queued_bytes -= len(message.replies)
            pipe.untaken_bytes += len(message.replies)
            self._send(node, message)

    def taken(self, node: NodeId, size_bytes: int) -> None:
        """Chunks have come."""
        pipe = self._pipes.get(node)
        if pipe is not None:
            pipe.since_ms = self._replica.now_ms
            pipe.untaken_bytes = max(0, pipe.untaken_bytes - size_bytes)
            self._pump(node, pipe)
            if not pipe.untaken_bytes:
                del self._pipes[node]

    # -- leaders and links ------------------------------------------------------------------------

    def leader_changed(self) -> None:
        """Who waits for batches hears who leads now; clients that were served are told by the new leader."""
        raft = self._replica.raft
        if raft.role is Role.LEADER:
            self._tell_served(NO_NODE)
            return
        for node in self.asked:
            self._send(node, NotLeader(raft.leader, raft.term))

    def on_peer_up(self, peer: NodeId) -> None:
        """Our link to ``peer`` is up: what was said before may be lost."""
        self.tracks.back(peer)
        if self._replica.machine.waiting.by_client and self._replica.raft.role is Role.LEADER:
            self._tell_served(peer)

    def on_peer_lost(self, peer: NodeId) -> None:
        """The link to ``peer`` broke."""
        self.asked.pop(peer, None)
        self._pipes.pop(peer, None)
        self.tracks.lost(peer)

    @property
    def busy(self) -> bool:
        """Whether time matters: something is under way for other nodes."""
        return bool(self._reading or self._pipes)

    def tick(self, now_ms: Instant) -> None:
        """Rule F6: what was said of woken clients is said again."""
        replica = self._replica
        late_ms = now_ms - replica.settings.resend_ms
        for node in [node for node, pipe in self._pipes.items() if pipe.since_ms < late_ms]:
            del self._pipes[node]  # nothing is taken: what is missed is asked for again
        if not replica.machine.waiting.by_client or replica.raft.role is not Role.LEADER:
            return
        if now_ms - self._told_ms >= replica.settings.resend_ms:
            self._told_ms = now_ms
            self._tell_served(NO_NODE)

    # -- waiting clients --------------------------------------------------------------------------

    def woken(self, woken: list[Watcher]) -> None:
        """Clients, of any node, were served or forgotten by an entry."""
        replica = self._replica
        if replica.raft.role is not Role.LEADER:
            return
        by_node: dict[NodeId, list[int]] = {}
        for node, client in woken:
            by_node.setdefault(node, []).append(client)
        for node, clients in by_node.items():
            if node != replica.settings.node and not replica.is_member(node):
                for first in range(0, len(clients), CLIENTS_MAX):
                    self._send(node, Woken(clients[first : first + CLIENTS_MAX]))

    def _tell_served(self, to: NodeId) -> None:
        """Calls that were served and are not claimed: their nodes (or only ``to``) are told."""
        waiting = self._replica.machine.waiting.by_client
        if waiting:
            self.woken(
                [who for who, call in waiting.items() if call.served and (to == NO_NODE or who[0] == to)]
            )

    def _send(self, node: NodeId, message: GroupMessage) -> None:
        self._replica.outgoing.append((node, message))


def may_be_read(call: Call) -> bool:
    """Whether a call that another node sends as a read is one, down to what is in a transaction."""
    args = inner_call(call)
    if not args or not 0 <= call[0] < NUMBERS_MAX:
        return False
    if args[0] == b"EXEC":
        try:
            inner = decode_calls(args[1]) if len(args) > 1 else []
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return all(_is_read(one) if one[0] >= 0 else len(one[1]) > 1 for one in inner)
    # A question is one of the node's own, a part of a scan among them.
    return is_question(args) if args[0] not in ROWS else _is_read((call[0], args))


def _is_read(call: Call) -> bool:
    db_index, args = call
    row = ROWS.get(args[0]) if args and db_index < NUMBERS_MAX else None
    if row is None or row.run is None or row.flags & Flag.WRITE:
        return False
    return len(args) == row.arity or (row.arity < 0 and len(args) >= -row.arity)
