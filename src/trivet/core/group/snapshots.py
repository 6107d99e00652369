"""The snapshots of one replica: taking them, giving them to peers, receiving one.

- Rule T1: one snapshot is taken at a time, a slice per turn, with few chunks on their way to
  the disk; clients wait for a slice, never for a snapshot.
- Rule T2: a snapshot counts once its file is whole under its final name; then a record in the
  log says so, and only when that is synced are older files removed.
- Rule T3: a peer gets the bytes of a finished file, one chunk at a time, from the offset that
  it names; so a broken transfer goes on where it stopped. Only a leader gives: who gets a chunk
  believes that its sender leads the present term.
- Rule T4: a received snapshot is loaded beside the present state and replaces it at once,
  when its file is durable; a bad one is thrown away whole.
- Rule T5: what is given is verified on its way. A file that has become corrupt is given no
  further; a new snapshot takes its place, even at the same index.
- Rule T7: a snapshot goes with the membership that counts at its index, neither an earlier nor a later
  one: in its record, and in every chunk that a peer gets.
- Rule T8: a group that keeps the oldest segment of a log much longer than its share takes a snapshot, so
  that what is idle does not keep what others wrote for ever.
- Rule T9: a snapshot of a primary counts, and its log forgets, only what some backup has.
"""

from collections import deque
from typing import Final

from trivet.core.base.buggify import CHUNK_AGAIN, SLICE_LATE, SNAPSHOT_EARLY, Buggify
from trivet.core.base.disk import DiskFault, DiskJob
from trivet.core.base.errors import CorruptionError
from trivet.core.base.ids import GroupId, Index, Instant, NodeId, Term
from trivet.core.base.limits import Limits
from trivet.core.base.tokens import Tokens
from trivet.core.group.messages import GroupMessage
from trivet.core.group.read_back import BackReader
from trivet.core.group.set_aside import SetAside, is_backed_up
from trivet.core.group.snapshot_due import is_in_the_way, is_log_long, takes_long_to_repeat
from trivet.core.machine.machine import Machine
from trivet.core.machine.snapshot import SnapshotLoad, SnapshotWalk
from trivet.core.raft.membership import encode_membership
from trivet.core.raft.messages import Message, SnapshotChunk, SnapshotReply
from trivet.core.raft.raft import Raft
from trivet.core.raft.state import Role
from trivet.core.wal.record import SnapshotRecord
from trivet.core.wal.snapshot_file import (
    SnapshotReceiver,
    SnapshotVerifier,
    SnapshotWriter,
    read_job,
    remove_job,
)
from trivet.core.wal.wal import Wal

JOBS_MAX: Final = 4
"""Chunks on their way to the disk (Rule T1)."""
RETRY_MS: Final = 1_000
"""A chunk without an answer is read and sent again after so long."""
FAILURE_PAUSE_MS: Final = 5_000
"""After a failure (a full disk, say) no new snapshot is begun for so long."""


class SnapshotFile:
    """A finished file."""

    __slots__ = ("file", "index", "membership", "size_bytes", "term")

    def __init__(self, file: str, index: Index, term: Term, size_bytes: int, membership: bytes) -> None:
        self.membership = membership
        """Who takes part at ``index``, encoded (Rule T7)."""
        self.file = file
        self.index = index
        self.term = term
        self.size_bytes = size_bytes


class _Taking:
    """The snapshot being taken."""

    def __init__(self, walk: SnapshotWalk, writer: SnapshotWriter, term: Term, membership: bytes) -> None:
        self.membership = membership
        self.walk = walk
        self.writer = writer
        self.term = term
        self.jobs: dict[int, None] = {}
        self.finishing = 0
        """The token of the last job; 0 while chunks still come."""


class _Giving:
    """The transfer to one peer."""

    def __init__(self, source: SnapshotFile, now_ms: Instant) -> None:
        self.source = source
        self.offset = 0
        self.asked_ms = now_ms
        self.token = 0
        """Of the read under way; 0: a chunk is with the peer."""
        self._verifier = SnapshotVerifier()
        self._verified_bytes = 0

    def problem(self, data: bytes) -> str:
        """What the bytes at ``offset`` say against the file (Rule T5); a piece is looked at once.

        A transfer that goes on in the middle is not looked at: should it fail at the peer, the next begins
        at the start.
        """
        verifier = self._verifier
        if self.offset == self._verified_bytes:
            self._verified_bytes += len(data)
            verifier.feed(data)
        return verifier.error if data else "the file ends too early"


class _Receiving:
    """The snapshot that a leader sends."""

    def __init__(
        self, sender: NodeId, chunk: SnapshotChunk, receiver: SnapshotReceiver, load: SnapshotLoad
    ) -> None:
        self.sender = sender
        self.index = chunk.index
        self.snapshot_term = chunk.snapshot_term
        self.membership = chunk.membership
        self.receiver = receiver
        self.load = load
        self.token = 0
        self.finishing = False


class Snapshots:
    """All three directions."""

    def __init__(
        self, group: GroupId, raft: Raft, wal: Wal, tokens: Tokens, limits: Limits,
        newest: SnapshotFile | None, buggify: Buggify | None = None,
    ) -> None:  # fmt: skip
        self._buggify = buggify
        self.outgoing: list[tuple[NodeId, Message]] = []
        self.notes: list[str] = []
        self.wants_turn = False
        self.taken = 0
        self.received = 0
        self._group = group
        self._raft = raft
        self._wal = wal
        self._tokens = tokens
        self._limits = limits
        self._newest = newest
        self._newest_is_bad = False
        """The newest file has become corrupt (Rule T5)."""
        self._taking: _Taking | None = None
        self._giving: dict[NodeId, _Giving] = {}
        self._wanted: dict[NodeId, None] = {}
        self._back = BackReader(group, raft, wal, tokens)
        self._receiving: _Receiving | None = None
        self._installed: Machine | None = None
        self._obsolete: list[SnapshotFile] = []
        self._records: deque[tuple[int, SnapshotFile]] = deque()
        self.jobs: list[DiskJob] = []
        """The disk jobs of this turn; the node takes them."""
        self._ticked = True
        """There was a tick since the last turn."""
        self._now_ms: Instant = 0
        self._paused_until_ms: Instant = 0
        self.aside: SetAside | None = None
        """What the present primary does not have, on its way into a file."""
        self._held_back: SnapshotFile | None = None
        """Whole, and does not count yet (Rule T9)."""

    @property
    def building(self) -> bool:
        """A snapshot is being taken."""
        return self._taking is not None

    @property
    def busy(self) -> bool:
        """Whether one is taken, given or received, or is to be."""
        return bool(
            self._taking or self._giving or self._receiving or self._wanted
            or self._records or self._held_back or self._installed or self._paused_until_ms
        ) or is_in_the_way(self._wal, self._group, self._limits, self._size_bytes())  # fmt: skip

    @property
    def stuck(self) -> bool:
        """A peer waits for a snapshot, and the last one could not be taken (Rule T6)."""
        return bool(self._wanted) and self._now_ms < self._paused_until_ms

    @property
    def index(self) -> Index:
        """The index of the newest finished snapshot; 0: none."""
        return self._newest.index if self._newest is not None else 0

    def take_jobs(self) -> list[DiskJob]:
        """The disk jobs of this turn."""
        jobs = self.jobs
        self.jobs = []
        return jobs

    def speak(self, outgoing: list[tuple[NodeId, GroupMessage]], notes: list[str]) -> None:
        """Hand over what this turn has for peers and for people."""
        outgoing.extend(self.outgoing)
        notes.extend(self.notes)
        self.outgoing = []
        self.notes = []

    # -- taking ------------------------------------------------------------------------------

    def turn(self, now_ms: Instant, machine: Machine) -> Machine | None:
        """One slice of work; the new machine when a received snapshot is to take over."""
        self._now_ms = now_ms
        if now_ms >= self._paused_until_ms:
            self._paused_until_ms = 0
        if self._raft.fork:
            self._look_at_fork()
            return None
        if self._held_back is not None and self._backed_up(self._held_back.index):
            held, self._held_back = self._held_back, None
            self._finished(held, False)
        if self._taking is None and not self._paused_until_ms and self._is_due(machine):
            self._begin(machine)
        if self._wanted and not (machine.is_whole or self._newest_is_bad or self._paused_until_ms):
            self.jobs += self._back.begin(self._newest_at()[0])  # (Rule T10)
        self._ticked = False
        self.wants_turn = False
        if self._taking is not None and not self._taking.finishing and len(self._taking.jobs) < JOBS_MAX:
            self._slice(self._taking)
        self._trim(machine)
        installed, self._installed = self._installed, None
        return installed

    def _backed_up(self, index: Index) -> bool:
        return is_backed_up(self._raft, self._wal, self._group, self._limits, index)

    def _look_at_fork(self) -> None:
        """What the present primary does not have is set aside (``set_aside``)."""
        if self.aside is None and self._now_ms >= self._paused_until_ms:
            if self._taking is not None:
                self._give_up_taking(self._taking)
            self.aside = SetAside(self._group, self._raft, self._raft.node, self._tokens)
            self.jobs.append(self.aside.job)

    def _is_due(self, machine: Machine) -> bool:
        whole = machine.is_whole and machine.applied_index >= self.index
        if not whole or self._records or self._held_back is not None:
            # The last one may be finished, but for its record in the log: it comes first (Rule T2).
            return False
        if self._newest_is_bad or machine.applied_index == self.index:
            return self._newest_is_bad
        if self._wanted or takes_long_to_repeat(machine):
            return True
        if self._buggify is not None and self._buggify.rare(SNAPSHOT_EARLY):
            return True
        size_bytes = self._size_bytes()
        if is_log_long(self._wal, self._group, self._limits, size_bytes):
            return True
        return self._ticked and is_in_the_way(self._wal, self._group, self._limits, size_bytes)

    def _size_bytes(self) -> int:
        """Of the newest snapshot."""
        return self._newest.size_bytes if self._newest is not None else 0

    def _begin(self, machine: Machine) -> None:
        term = self._raft.term_at(machine.applied_index)
        if term < 0:
            return
        machine.verdicts_met = 0
        walk = SnapshotWalk(machine, self._limits.snapshot_chunk_bytes)
        writer = SnapshotWriter(self._tokens, self._group, machine.applied_index, term)
        # Not the newest membership: that may never be committed (M5).
        membership = encode_membership(self._raft.membership_at(machine.applied_index))
        self._taking = _Taking(walk, writer, term, membership)

    def _slice(self, taking: _Taking) -> None:
        if self._buggify is not None and self._buggify.rare(SLICE_LATE):
            self.wants_turn = True
            return
        chunk = taking.walk.next_chunk()
        if chunk is None:
            job = taking.writer.finish()
            taking.finishing = job.token
        else:
            job = taking.writer.add(chunk)
            self.wants_turn = True
        taking.jobs[job.token] = None
        self.jobs.append(job)

    def _taken(self, taking: _Taking) -> None:
        self._taking = None
        self.taken += 1
        writer = taking.writer
        file = SnapshotFile(writer.file, taking.walk.index, taking.term, writer.size_bytes, taking.membership)
        if self._backed_up(file.index):
            self._finished(file, False)
        else:
            self._held_back = file

    def _finished(self, file: SnapshotFile, reset: bool) -> None:
        """Rule T2."""
        record = SnapshotRecord(self._group, file.index, file.term, file.file, reset, file.membership)
        self._records.append((self._wal.append(record), file))

    @property
    def waits_for_log(self) -> bool:
        """Whether a record is on its way to the disk."""
        return bool(self._records)

    def on_synced(self) -> bool:
        """The log is synced up to ``wal.synced_lsn``; whether a snapshot counts now, which may bring jobs."""
        done = False
        while self._records and self._records[0][0] <= self._wal.synced_lsn:
            _, file = self._records.popleft()
            done = True
            if self._newest is not None:
                self._obsolete.append(self._newest)
            self._newest = file
            self._newest_is_bad = False
            self._remove_obsolete()
            self._want_again()
        return done

    def _remove_obsolete(self) -> None:
        in_use = {giving.source.file: None for giving in self._giving.values()}
        keep: list[SnapshotFile] = []
        for old in self._obsolete:
            if old.file in in_use:
                keep.append(old)
            elif self._newest is None or old.file != self._newest.file:
                self.jobs.append(remove_job(self._tokens, old.file))
        self._obsolete = keep

    def _trim(self, machine: Machine) -> None:
        """Forget old entries in memory: a follower that still needs one gets a snapshot."""
        if self._raft.bytes_in_memory > self._limits.log_memory_bytes and machine.is_whole:
            middle = (self._raft.first_index + machine.applied_index) // 2
            if self._backed_up(middle):
                self._raft.compact(middle)

    def _newest_at(self) -> tuple[Index, Term]:
        return (0, 0) if self._newest is None else (self._newest.index, self._newest.term)

    # -- giving ------------------------------------------------------------------------------

    def _want_again(self) -> None:
        for peer in list(self._wanted):
            self.wanted(peer)

    def wanted(self, peer: NodeId) -> None:
        """``peer`` needs entries that are forgotten here."""
        newest = self._newest
        if newest is None or self._newest_is_bad or newest.index + 1 < self._raft.first_index:
            self._wanted[peer] = None
            return
        self._wanted.pop(peer, None)
        if peer not in self._giving:
            self._giving[peer] = _Giving(newest, self._now_ms)
            self._read_on(self._giving[peer])

    def _read_on(self, giving: _Giving) -> None:
        job = read_job(self._tokens, giving.source.file, giving.offset, self._limits.snapshot_chunk_bytes)
        giving.token = job.token
        giving.asked_ms = self._now_ms
        self.jobs.append(job)

    def _give(self, peer: NodeId, giving: _Giving, data: bytes) -> None:
        giving.token = 0
        if self._raft.role is not Role.LEADER:
            return  # Rule T3: it stepped down in this very turn
        source = giving.source
        problem = giving.problem(data)
        if problem:
            self._spoiled(source, problem)
            return
        last = giving.offset + len(data) >= source.size_bytes
        chunk = SnapshotChunk(
            self._raft.term, source.index, source.term, giving.offset, data, last, source.membership
        )
        self.outgoing.append((peer, chunk))
        if self._buggify is not None and self._buggify.rare(CHUNK_AGAIN):
            self.outgoing.append((peer, chunk))

    def _spoiled(self, source: SnapshotFile, problem: str) -> None:
        """Rule T5."""
        self.notes.append(
            f"the snapshot {source.file} is corrupt on this disk ({problem}): a new one is taken"
        )
        self._newest_is_bad = self._newest_is_bad or self._newest is source
        for peer in [peer for peer, giving in self._giving.items() if giving.source is source]:
            self._stop_giving(peer, False)

    def on_reply(self, peer: NodeId, reply: SnapshotReply) -> None:
        """The peer says from where to go on, that it is done, or that it wants none of it."""
        giving = self._giving.get(peer)
        if giving is None or giving.source.index != reply.index:
            return
        if not reply.ok or reply.offset >= giving.source.size_bytes:
            self._stop_giving(peer, reply.ok)
        elif not giving.token and reply.offset != giving.offset:
            giving.offset = reply.offset
            self._read_on(giving)

    def _stop_giving(self, peer: NodeId, ok: bool) -> None:
        giving = self._giving.pop(peer)
        self._raft.snapshot_finished(peer, giving.source.index, ok)
        self._remove_obsolete()

    def peer_lost(self, peer: NodeId) -> None:
        """The link broke: the transfer starts again when the peer asks again; it names the offset."""
        self._wanted.pop(peer, None)
        if peer in self._giving:
            self._stop_giving(peer, False)

    def members_changed(self) -> None:
        """Another membership counts: who left gets nothing more."""
        peers = self._raft.peers
        for peer in [peer for peer in self._giving if peer not in peers]:
            self._stop_giving(peer, False)
        for peer in [peer for peer in self._wanted if peer not in peers]:
            del self._wanted[peer]

    def remove(self) -> list[DiskJob]:
        """The replica was dropped, and the log's word of it is synced: no file of it is needed any more."""
        if self._taking is not None:
            self._give_up_taking(self._taking)
        if self._receiving is not None:
            self.jobs.append(self._receiving.receiver.abort())
            self._receiving = None
        self._giving.clear()
        self._wanted.clear()
        if self._held_back is not None:
            self._obsolete.append(self._held_back)
            self._held_back = None
        files = [old.file for old in self._obsolete] + [file.file for _, file in self._records]
        if self._newest is not None:
            files.append(self._newest.file)
        self.jobs.extend([remove_job(self._tokens, file) for file in files])
        self._obsolete, self._newest = [], None
        self._records.clear()
        return self.take_jobs()

    def leader_lost(self) -> None:
        """This node no longer leads: it gives nothing."""
        self._wanted.clear()
        self._giving.clear()
        self._remove_obsolete()

    def tick(self, now_ms: Instant) -> None:
        """Chunks without an answer are sent again."""
        self._now_ms = now_ms
        self._ticked = True
        for giving in self._giving.values():
            if not giving.token and now_ms - giving.asked_ms >= RETRY_MS:
                self._read_on(giving)

    # -- receiving ---------------------------------------------------------------------------

    def on_chunk(self, sender: NodeId, chunk: SnapshotChunk) -> None:
        """A chunk that Raft has accepted as coming from the leader."""
        receiving = self._receiving
        if receiving is None or (receiving.index, receiving.snapshot_term) != (
            chunk.index,
            chunk.snapshot_term,
        ):
            if receiving is not None and receiving.finishing:
                return
            receiving = self._begin_receiving(sender, chunk)
        receiving.sender = sender
        if receiving.token or receiving.finishing:
            return
        if chunk.offset != receiving.receiver.offset:
            self._reply(receiving, True)
            return
        if not chunk.data:
            return
        job = receiving.receiver.add(chunk.data)
        receiving.token = job.token
        self.jobs.append(job)
        try:
            for piece in receiving.receiver.chunks:
                receiving.load.feed(piece)
        except CorruptionError as error:
            self._throw_away(receiving, str(error))
            return
        if receiving.receiver.error:
            self._throw_away(receiving, receiving.receiver.error)

    def _begin_receiving(self, sender: NodeId, chunk: SnapshotChunk) -> _Receiving:
        if self._receiving is not None:
            self.jobs.append(self._receiving.receiver.abort())
        receiver = SnapshotReceiver(self._tokens, self._group, chunk.index, chunk.snapshot_term)
        load = SnapshotLoad(Machine(self._limits.expire_per_entry_max))
        self._receiving = _Receiving(sender, chunk, receiver, load)
        return self._receiving

    def _throw_away(self, receiving: _Receiving, why: str) -> None:
        self.notes.append(f"threw away a snapshot that node {receiving.sender} sent: {why}")
        self.jobs.append(receiving.receiver.abort())
        self._receiving = None
        reply = SnapshotReply(self._raft.term, receiving.index, 0, False)
        self.outgoing.append((receiving.sender, reply))

    def _reply(self, receiving: _Receiving, ok: bool) -> None:
        reply = SnapshotReply(self._raft.term, receiving.index, receiving.receiver.offset, ok)
        self.outgoing.append((receiving.sender, reply))

    def _received(self, receiving: _Receiving) -> None:
        """Rule T4: the file is durable."""
        self._receiving = None
        if receiving.index <= self._raft.commit:
            if not self._is_in_use(receiving.receiver.file):
                self.jobs.append(remove_job(self._tokens, receiving.receiver.file))
            self._reply(receiving, True)
            return
        self.received += 1
        if self._taking is not None:
            self._give_up_taking(self._taking)
        receiver = receiving.receiver
        index, term = receiving.index, receiving.snapshot_term
        reset = self._raft.restore(index, term, receiving.membership)
        # From a leader of an older version it came without one: what this member goes by holds.
        membership = encode_membership(self._raft.membership_at(index))
        self._finished(SnapshotFile(receiver.file, index, term, receiver.offset, membership), reset)
        self._installed = receiving.load.machine
        self._reply(receiving, True)

    def _is_in_use(self, file: str) -> bool:
        """Whether an earlier one of this name counts, or is about to: it was the same snapshot."""
        known = [*self._obsolete, *[one for _, one in self._records]]
        if self._held_back is not None:
            known.append(self._held_back)
        if self._newest is not None:
            known.append(self._newest)
        return any(one.file == file for one in known)

    def _give_up_taking(self, taking: _Taking) -> None:
        taking.walk.close()
        self.jobs.append(taking.writer.abort())
        self._taking = None

    # -- reports of the disk -------------------------------------------------------------------

    def on_done(self, token: int, reads: list[bytes]) -> None:
        """A disk job is done that is none of the log's."""
        taking = self._taking
        if self.aside is not None and token == self.aside.token:
            self.aside.done = True
            return
        if token == self._back.token:
            if self._back.done(reads, *self._newest_at()):
                self._want_again()
            else:
                self.notes.append("forgotten entries cannot be read back: the log is damaged")
                self._paused_until_ms = self._now_ms + FAILURE_PAUSE_MS
            return
        if taking is not None and token in taking.jobs:
            del taking.jobs[token]
            if token == taking.finishing:
                self._taken(taking)
            return
        receiving = self._receiving
        if receiving is not None and token == receiving.token:
            receiving.token = 0
            if receiving.finishing:
                self._received(receiving)
            elif receiving.receiver.done:
                receiving.finishing = True
                job = receiving.receiver.finish()
                receiving.token = job.token
                self.jobs.append(job)
            else:
                self._reply(receiving, True)
            return
        for peer, giving in self._giving.items():
            if token == giving.token:
                self._give(peer, giving, reads[0])
                return

    def on_failed(self, token: int, fault: DiskFault, text: str) -> None:
        """A disk job failed: what it belonged to is given up; the log itself is not concerned."""
        why = text or fault.name.lower()
        if self.aside is not None and token == self.aside.token:
            self.notes.append(f"{self.aside.file} could not be written, the replica waits: {why}")
            self._paused_until_ms = self._now_ms + FAILURE_PAUSE_MS
            self.aside = None
            return
        if token == self._back.token:
            self._back.failed()
            self._paused_until_ms = self._now_ms + FAILURE_PAUSE_MS
            return
        taking = self._taking
        if taking is not None and token in taking.jobs:
            self.notes.append(f"a snapshot was given up, the log stays longer instead: {why}")
            self._paused_until_ms = self._now_ms + FAILURE_PAUSE_MS
            self._give_up_taking(taking)
            return
        receiving = self._receiving
        if receiving is not None and token == receiving.token:
            self._throw_away(receiving, why)
            return
        for peer, giving in list(self._giving.items()):
            if token == giving.token:
                self.notes.append(f"the snapshot {giving.source.file} could not be read: {why}")
                self._stop_giving(peer, False)
