"""One member of a Raft group: inputs in, effects out.

On the path: the group proposes the turn's batch and passes messages in; ``ready()``
gives what has to leave, be saved, be applied. It is what Ongaro's dissertation
"Consensus: Bridging Theory and Practice" describes; "§" means its sections. This file
settles terms, hands each message to its one handler, and collects the outcome of a turn.
"""

from collections.abc import Callable
from typing import cast

from trivet.core.base.buggify import HAND_OUT_ONE, HANDS_OVER, IMPATIENT, Buggify
from trivet.core.base.ids import Index, NodeId, Term
from trivet.core.base.prng import Prng
from trivet.core.raft import change, election, follower, generations, leader, quiet
from trivet.core.raft.config import RaftConfig, problem
from trivet.core.raft.invariants import check
from trivet.core.raft.log import Log
from trivet.core.raft.membership import Membership, Memberships
from trivet.core.raft.messages import (
    AppendEntries,
    AppendReply,
    Entry,
    Heartbeat,
    HeartbeatReply,
    Lineage,
    LineageRequest,
    Message,
    PreVote,
    PreVoteReply,
    ReadIndexReply,
    ReadIndexRequest,
    RequestVote,
    RequestVoteReply,
    SnapshotChunk,
    SnapshotReply,
    TimeoutNow,
)
from trivet.core.raft.ready import HardState, Ready, Save
from trivet.core.raft.roles import become_follower, draw_timeout
from trivet.core.raft.state import UNKNOWN_TERM, Role, State
from trivet.core.raft.terms import first_term, generation_of, stamp_of

Handler = Callable[[State, NodeId, Message], None]

HANDLERS: dict[type, Handler] = {
    PreVote: cast(Handler, election.on_pre_vote),
    PreVoteReply: cast(Handler, election.on_pre_vote_reply),
    RequestVote: cast(Handler, election.on_request_vote),
    RequestVoteReply: cast(Handler, election.on_request_vote_reply),
    TimeoutNow: cast(Handler, election.on_timeout_now),
    AppendEntries: cast(Handler, follower.on_append_entries),
    Heartbeat: cast(Handler, follower.on_heartbeat),
    SnapshotChunk: cast(Handler, follower.on_snapshot_chunk),
    ReadIndexReply: cast(Handler, follower.on_read_index_reply),
    AppendReply: cast(Handler, leader.on_append_reply),
    HeartbeatReply: cast(Handler, leader.on_heartbeat_reply),
    SnapshotReply: cast(Handler, leader.on_snapshot_reply),
    ReadIndexRequest: cast(Handler, leader.on_read_index_request),
    LineageRequest: cast(Handler, generations.on_lineage_request),
    Lineage: cast(Handler, generations.on_lineage),
}
"""One handler per message. In a role that a message does not concern its handler ignores it."""


class Raft:
    """One member. Inputs: the methods; outcome: ``ready()``, once per turn."""

    __slots__ = ("_s", "refusal")

    def __init__(
        self, config: RaftConfig, prng: Prng, hard: HardState, snapshot_index: Index, snapshot_term: Term,
        entries: list[Entry], membership: Membership, missing_to: Index = 0, suspect: bool = False,
        buggify: Buggify | None = None,
    ) -> None:  # fmt: skip
        """Wake up with what the disk remembers: hard state, and the log after a snapshot.

        ``membership``: at the snapshot; without one, that with which the group was founded, or ``NOBODY``
        for a fresh replica that waits to be told. What the entries say goes on from there.
        ``missing_to``: entries up to here had been acknowledged, but ``entries`` ends before.
        ``suspect``: a vote may have been given that ``hard`` does not tell of.
        """
        assert problem(config) == "", problem(config)
        memberships = Memberships(snapshot_index, membership, entries)
        s = State(config, prng, hard, Log(snapshot_index, snapshot_term, entries), memberships, buggify)
        s.missing_to = missing_to if missing_to > s.log.last_index else 0
        s.suspect = suspect
        # With a forgotten term nothing tells which leaders began after the loss.
        s.trusted_term = UNKNOWN_TERM if suspect else hard.term
        self._s = s
        self.refusal = ""
        draw_timeout(s)
        if s.electorate.members == (config.node,):
            s.election_timeout = 1

    # --- what it is -------------------------------------------------------------------

    @property
    def node(self) -> NodeId:
        """Whose member it is."""
        return self._s.node

    @property
    def role(self) -> Role:
        """What it is at present."""
        return self._s.role

    @property
    def term(self) -> Term:
        """The latest term it knows."""
        return self._s.term

    @property
    def vote(self) -> NodeId:
        """Whom it votes for in this term; 0: nobody yet."""
        return self._s.vote

    @property
    def membership(self) -> Membership:
        """The newest in the log, committed or not: it counts."""
        return self._s.membership

    @property
    def membership_index(self) -> Index:
        """The entry that brought ``membership``; the snapshot's index, or lower, if it came with that."""
        return self._s.memberships.index

    @property
    def changing(self) -> bool:
        """The newest membership is not committed yet, or is a joint one on its way to another."""
        return self._s.is_changing()

    @property
    def peers(self) -> tuple[NodeId, ...]:
        """The other members."""
        return self._s.peers

    def membership_at(self, index: Index) -> Membership:
        """What counts for a log that ends at ``index``, which is not forgotten."""
        return self._s.memberships.at(index)

    def is_caught_up(self, peer: NodeId) -> bool:
        """As leader: whether ``peer`` is near enough to the end of the log to become a voter."""
        s = self._s
        return s.leading is not None and change.is_caught_up(s, s.leading, peer)

    @property
    def leader(self) -> NodeId:
        """The leader of this term; 0: unknown."""
        return self._s.leader

    @property
    def commit(self) -> Index:
        """Committed up to here."""
        return self._s.commit

    @property
    def handed(self) -> Index:
        """Committed entries were handed out, or are in the snapshot, up to here."""
        return self._s.handed

    @property
    def first_index(self) -> Index:
        """The first entry in memory."""
        return self._s.log.first_index

    @property
    def last_index(self) -> Index:
        """The last entry of the log."""
        return self._s.log.last_index

    @property
    def last_term(self) -> Term:
        """The term of the last entry."""
        return self._s.log.last_term

    @property
    def bytes_in_memory(self) -> int:
        """What the log in memory costs, about."""
        return self._s.log.memory_bytes

    @property
    def missing_to(self) -> Index:
        """Not 0: it does not vote until it is repaired up to here."""
        return self._s.missing_to

    @property
    def suspect(self) -> bool:
        """It does not vote until it has found a leader."""
        return self._s.suspect

    @property
    def transferring(self) -> bool:
        """A leader that takes no proposals, because it is handing over."""
        return self._s.leading is not None and self._s.leading.transfer_to != 0

    @property
    def full(self) -> bool:
        """The disk has no room: no entries are taken, and it does not lead."""
        return self._s.full

    @full.setter
    def full(self, full: bool) -> None:
        if full != self._s.full:
            self.wake()
        self._s.full = full

    @property
    def no_room(self) -> bool:
        """As leader: most disks are full, so nothing more would be committed."""
        s = self._s
        return s.leading is not None and leader.has_no_room(s, s.leading)

    @property
    def no_snapshots(self) -> bool:
        """A follower waits for a snapshot, and none can be taken here: it does not stay leader."""
        return self._s.no_snapshots

    @no_snapshots.setter
    def no_snapshots(self, no_snapshots: bool) -> None:
        self._s.no_snapshots = no_snapshots

    @property
    def digest(self) -> tuple[Index, bytes]:
        """(index, digest) of this node's machine: a leader's appends carry it."""
        return self._s.digest

    @digest.setter
    def digest(self, digest: tuple[Index, bytes]) -> None:
        self._s.digest = digest

    @property
    def quiet(self) -> bool:
        """Nothing happens, and ``tick`` is not needed until there is another input."""
        return self._s.quiet and self._s.handed == self._s.commit

    def term_at(self, index: Index) -> Term:
        """The term of an entry; -1 if it is not known here."""
        return self._s.log.term_at(index)

    def entry_at(self, index: Index) -> Entry | None:
        """The entry at ``index``; None if it is not in memory."""
        log = self._s.log
        return log.entry(index) if log.first_index <= index <= log.last_index else None

    def entry(self, index: Index) -> Entry | None:
        """The entry at ``index``; None if it is not in memory."""
        log = self._s.log
        return log.entry(index) if log.first_index <= index <= log.last_index else None

    def vouched(self, index: Index) -> int:
        """Of a group with one voter, at a backup: 1 if ``index`` is durable here; of others it can't tell."""
        s = self._s
        return int(bool(s.membership.lineage) and s.saves.stable >= index)

    def match(self, peer: NodeId) -> Index:
        """How far a leader knows ``peer`` to be durable and equal; 0 from anyone else."""
        leading = self._s.leading
        progress = leading.progress.get(peer) if leading is not None else None
        return progress.match if progress is not None else 0

    def is_silent(self, peer: NodeId) -> bool:
        """As leader: whether ``peer`` has not been heard of for an election time-out or more."""
        leading = self._s.leading
        progress = leading.progress.get(peer) if leading is not None else None
        return progress is not None and progress.silent

    def matches(self) -> tuple[tuple[NodeId, Index], ...]:
        """``match`` of every peer, of a leader; nothing of anyone else."""
        leading = self._s.leading
        if leading is None:
            return ()
        return tuple([(progress.peer, progress.match) for progress in leading.progress.values()])

    def losses(self) -> tuple[tuple[NodeId, int, Index], ...]:
        """Of a leader: (peer, how often it said that it lost something, up to where it counted before)."""
        leading = self._s.leading
        if leading is None:
            return ()
        lost = [progress for progress in leading.progress.values() if progress.losses]
        return tuple([(progress.peer, progress.losses, progress.lost_from) for progress in lost])

    # --- inputs -----------------------------------------------------------------------

    def tick(self) -> None:
        """One tick passed. A quiet member needs none."""
        s = self._s
        if s.quiet:
            return
        s.saves.tick()
        s.out.reads_dropped.extend(s.follower_reads.tick(s.config.read_patience_ticks))
        leading = s.leading
        if leading is not None:
            leader.tick(s, leading)  # after which it may lead no more
            if s.buggify is not None and s.role is Role.LEADER and s.buggify.rare(HANDS_OVER):
                self.transfer(self.successor())
            return
        s.election_elapsed += 1
        impatient = s.buggify is not None and s.buggify.rare(IMPATIENT)
        if s.election_elapsed >= s.election_timeout or impatient:
            election.on_timeout(s)

    def step(self, sender: NodeId, message: Message) -> None:
        """A message arrived. Terms first: after this no handler sees a message of another term."""
        s = self._s
        if sender not in s.known and not _hears_stranger(s, sender, message):
            return
        if s.quiet and not quiet.is_echo(s, message):
            quiet.wake(s)
        term = message.term
        kind = type(message)
        if term > s.term:
            if not _takes_over(s, sender, message):
                return
        elif term < s.term and kind is not PreVote:
            _answer_stale(s, sender, message)
            return
        if s.term >= _GENERATION_1 and kind in _LEADERS_SAY and not generations.is_in_line(s, sender):
            return
        HANDLERS[kind](s, sender, message)

    def wake(self) -> None:
        """The owner wants the clocks to run: it is not sure of the leader's node, or has work."""
        if self._s.quiet:
            quiet.wake(self._s)

    def propose(self, payload: bytes) -> Index:
        """Append one entry: its index. 0: not the leader, handing over, full, or too much under way."""
        if self._s.quiet:
            quiet.wake(self._s)
        return leader.propose(self._s, payload)

    def propose_membership(self, voters: tuple[NodeId, ...], learners: tuple[NodeId, ...]) -> Index:
        """Begin a change into ``voters`` and ``learners``: the index of its first entry.

        0: it is not begun, and ``refusal`` says why. A new voter has to be a learner that has caught up.
        """
        self.wake()
        s = self._s
        to = change.wanted(s, voters, learners)
        self.refusal = change.refusal(s, to)
        return 0 if self.refusal else change.propose(s, to)

    def request_read(self, read_id: int) -> None:
        """Ask for an index at which a read is linearizable; ``read_id`` comes back in a ready."""
        s = self._s
        if s.quiet:
            quiet.wake(s)
        if s.leading is not None:
            leader.read(s, s.leading, read_id)
        else:
            follower.read(s, read_id)

    def saved(self, save_id: int) -> None:
        """Every save up to ``save_id`` is durable: what waited for it may go, and counts."""
        s = self._s
        stable = s.saves.stable
        s.saves.finished(save_id)
        s.saves.release(s.out.messages)
        if s.leading is not None:
            if s.membership.lineage and s.saves.stable > stable:
                s.leading.stirred = True  # rule 22
            if s.saves.stable > s.commit:
                leader.count_commit(s, s.leading)
        elif s.role is Role.CANDIDATE:
            election.own_vote_saved(s)

    def transfer(self, to: NodeId) -> bool:
        """Hand leadership to ``to``; False if this member does not lead or ``to`` is no peer."""
        self.wake()
        s = self._s
        return s.leading is not None and leader.transfer(s, s.leading, to)

    def successor(self) -> NodeId:
        """The peer that would take over best; 0 if there is none, or this member does not lead."""
        s = self._s
        return leader.successor(s, s.leading) if s.leading is not None else 0

    # --- generations (README rule 21) ---------------------------------------------------

    @property
    def generation(self) -> int:
        """Of its term: the latest of which it knows."""
        return generation_of(self._s.term)

    @property
    def log_generation(self) -> int:
        """Of its last entry."""
        return generation_of(self._s.log.last_term)

    @property
    def fork(self) -> Index:
        """Not 0: from this entry on its log is not in that of the present primary: to be set aside."""
        return self._s.fork

    @property
    def stamp(self) -> int:
        """Of its newest membership: the generation of its log, and the index."""
        return stamp_of(self.log_generation, self.membership_index)

    def take_over(self, generation: int, others: tuple[NodeId, ...]) -> bool:
        """It was named the primary of ``generation``; False: that is over, or it can't now."""
        return generations.take_over(self._s, generation, others)

    def depose(self, generation: int) -> bool:
        """Another was named the primary of ``generation``: True if it did not know."""
        return generations.depose(self._s, generation)

    def hand_to(self, node: NodeId) -> bool:
        """Have ``node`` lead, without loss; of a group with generations it becomes the voter."""
        membership = self._s.membership
        if not membership.lineage:
            return self.transfer(node)
        others = tuple([one for one in membership.members() if one != node])
        return self.propose_membership((node,), others) != 0

    def peer_lost(self, peer: NodeId) -> None:
        """The connection to ``peer`` broke: its process may be gone."""
        s = self._s
        if s.leading is not None or peer == s.leader:
            self.wake()
        if s.leading is not None:
            progress = s.leading.progress.get(peer)
            if progress is not None:
                leader.peer_lost(s.leading, progress)
        elif peer == s.leader and not s.leader_lost:
            # Only a little patience: the pre-vote finds out whether the others lost it too.
            s.leader_lost = True
            s.election_elapsed = 0
            s.election_timeout = s.prng.between(1, s.config.lost_ticks_max)
            s.out.reads_dropped.extend(s.follower_reads.drain())

    def peer_up(self, peer: NodeId) -> None:
        """A connection to ``peer`` is there; what was sent before may be lost."""
        leading = self._s.leading
        progress = leading.progress.get(peer) if leading is not None else None
        if leading is not None and progress is not None:
            self.wake()
            leader.peer_up(leading, progress)

    def want_commit(self, peer: NodeId) -> None:
        """Tell ``peer`` at once when what is proposed by now gets committed."""
        s = self._s
        progress = s.leading.progress.get(peer) if s.leading is not None else None
        if s.leading is not None and progress is not None:
            leader.want_commit(s, s.leading, progress)

    def compact(self, to_index: Index) -> None:
        """Forget entries up to ``to_index``, as far as they are handed out and in a save."""
        s = self._s
        s.compact(min(to_index, s.handed, s.saves.unsaved_from - 1))

    def read_back(self, term: Term, entries: list[Entry]) -> None:
        """Entries that ``compact`` forgot are here again; ``term`` is that of the one before them."""
        s = self._s
        s.log.extend_back(term, entries)
        if s.leading is not None:
            leader.log_reaches_back(s, s.leading)

    def restore(self, index: Index, term: Term, membership: bytes) -> bool:
        """The leader's snapshot (index, term) is durable and installed.

        True: the log before it is discarded wholly. The record of the snapshot goes into
        the WAL before the save of the next ready, which releases the acknowledgement.
        ``membership``: that of the chunks.
        """
        return follower.restore(self._s, index, term, membership)

    def snapshot_finished(self, peer: NodeId, index: Index, ok: bool) -> None:
        """Streaming the snapshot of ``index`` to ``peer`` ended."""
        leading = self._s.leading
        progress = leading.progress.get(peer) if leading is not None else None
        if leading is not None and progress is not None:
            leader.snapshot_finished(leading, progress, index, ok)

    def check_invariants(self) -> None:
        """Assert what must be true after every input."""
        check(self._s)

    @property
    def has_news(self) -> bool:
        """Whether ``ready`` would give something."""
        s = self._s
        if s.saves.dirty or s.handed < s.commit or not s.out.is_empty():
            return True
        if s.buggify is not None:
            return False  # what is to be sent may be late there: FLUSH_LATE
        if s.leading is not None:
            return s.leading.stirred
        return s.follower_reads.may_ask and s.knows_leader()

    # --- outcome ----------------------------------------------------------------------

    def ready(self) -> Ready | None:
        """What this turn's inputs lead to; None if nothing does."""
        s = self._s
        if s.leading is not None:
            if s.leading.stirred:
                leader.flush(s, s.leading)
        elif s.follower_reads.open:
            follower.flush(s)
        out = s.out
        if s.saves.dirty:
            out.save = _save(s)
        if s.handed < s.commit:
            _hand_out(s, out)
        if out.is_empty():
            return None
        s.out = Ready()
        return out


_GENERATION_1 = first_term(1)
_LEADERS_SAY = frozenset({AppendEntries, Heartbeat, SnapshotChunk})
_STRANGERS_SAY = frozenset({AppendEntries, Heartbeat, SnapshotChunk, PreVote, RequestVote, Lineage})
"""A leader or a candidate may have been chosen by a membership that this member has not heard of (§4.1)."""


def _hears_stranger(s: State, sender: NodeId, message: Message) -> bool:
    """Whether a message counts though its sender is not in the membership (rule 18). Answers never do."""
    if sender == s.node or sender < 1:
        return False
    kind = type(message)
    if kind in _STRANGERS_SAY:
        return True
    if sender == s.leader:
        return kind is ReadIndexReply or kind is TimeoutNow
    if kind is ReadIndexRequest and message.term <= s.term:
        _refuse_read(s, sender, cast(ReadIndexRequest, message))
    return False


def _refuse_read(s: State, sender: NodeId, message: ReadIndexRequest) -> None:
    s.send_after_vote(sender, ReadIndexReply(s.term, message.seq, 0, False))


def _takes_over(s: State, sender: NodeId, message: Message) -> bool:
    """A later term: follow it, unless the message only asks, or comes from one who cannot win.

    False: the message is ignored.
    """
    if isinstance(message, PreVote):
        return True
    if isinstance(message, PreVoteReply) and message.granted:
        return True
    if isinstance(message, RequestVote) and not message.transfer and election.sticks_to_leader(s):
        return False
    leads = isinstance(message, (AppendEntries, Heartbeat, SnapshotChunk))
    become_follower(s, message.term, sender if leads else 0)
    return True


def _answer_stale(s: State, sender: NodeId, message: Message) -> None:
    """An earlier term: tell a deposed leader, or a candidate, of the present one; ignore the rest."""
    if isinstance(message, (AppendEntries, Heartbeat, SnapshotChunk)):
        s.send_after_vote(sender, AppendReply(s.term, False, 0))
    elif isinstance(message, RequestVote):
        s.send_after_vote(sender, RequestVoteReply(s.term, False))
    elif isinstance(message, ReadIndexRequest):
        _refuse_read(s, sender, message)


def _save(s: State) -> Save:
    """Take everything that is not in a save yet."""
    log = s.log
    first_index = s.saves.unsaved_from
    last_index = log.last_index
    entries: list[Entry] = []
    prev_term = 0
    if first_index <= last_index:
        entries = log.upto(first_index, last_index, 1 << 62)
        prev_term = log.term_at(first_index - 1)
    else:
        first_index = 0
    save_id = s.saves.started(last_index)
    return Save(save_id, s.term, s.vote, s.commit, first_index, entries, prev_term, last_index, log.last_term)


def _hand_out(s: State, out: Ready) -> None:
    """Committed entries, in order, each once."""
    first_index = s.handed + 1
    bytes_max = s.config.committed_bytes_max
    if s.buggify is not None and s.buggify.rare(HAND_OUT_ONE):
        bytes_max = 0
    entries = s.log.upto(first_index, s.commit, bytes_max)
    out.committed = entries
    out.committed_first = first_index
    s.handed += len(entries)
    out.more = s.handed < s.commit
    if s.leading is not None:
        for entry in entries:
            s.uncommitted_bytes -= len(entry.payload)
