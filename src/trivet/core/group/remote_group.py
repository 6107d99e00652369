"""A group of which this node is no member: its clients are served through members.

The same face as ``RaftGroup`` (see ``face``). Writes become numbered batches (``outbox``) for the member that
leads, which answers each when it has applied it; reads become questions (``remote_reads``) for the
leader too, or for another member while the leader can't be reached.

- Rule F1: batches are numbered as a member's are, and the session in the machine applies each once, whoever
  proposes it and how often it is sent. So a node has one outbox for a group in one life, and hands
  it over when it gets a replica, or loses the one it had.
- Rule F2: a batch leaves only for a member that is believed to lead, so what never left ends with a
  *definite* error. A belief is (leader, term), and gives way to one of a later term only; whoever is believed
  and says no is believed no more. While nobody is, or nothing moves, one member after the other is asked.
- Rule F8: whatever link to a member breaks or comes up: calls that wait ask what became of them.
"""

from typing import Final

from trivet.core.base.ids import NO_NODE, ConnectionId, Instant, NodeId, Term, WallMs
from trivet.core.command.table import Event
from trivet.core.group.agenda import Agenda
from trivet.core.group.changes import Follower
from trivet.core.group.messages import (
    BatchReplies,
    Follow,
    Forward,
    ForwardRead,
    GroupMessage,
    Invalidate,
    NotLeader,
    ReadReplies,
    Taken,
    Woken,
)
from trivet.core.group.outbox import Outbox, Parcel
from trivet.core.group.remote_reads import RemoteReads
from trivet.core.group.reply_parts import ReplyParts
from trivet.core.group.run import Run, Waiter, finish_runs
from trivet.core.group.settings import GroupSettings
from trivet.core.machine.rights import Denied

WHO_LEADS: Final = Forward(b"", True)


class RemoteGroup:
    """One group, seen from a node without a replica of it."""

    def __init__(
        self, settings: GroupSettings, agenda: Agenda, members: tuple[NodeId, ...],
        leader_hint: NodeId = NO_NODE, outbox: Outbox | None = None,
    ) -> None:  # fmt: skip
        """``outbox``: of the replica that this node had until now (Rule F1)."""
        limits = settings.limits
        self.settings = settings
        self._agenda = agenda
        self.outgoing: list[tuple[NodeId, GroupMessage]] = []
        self.failure = ""
        self.notes: list[str] = []
        self.wants_turn = False
        self.stirred = False
        self.asleep = True
        self.woken: list[ConnectionId] = []
        self.jumped = False
        self.events: list[Event] = []
        self.published: list[tuple[bool, bytes, bytes]] = []
        self.denied: list[Denied] = []
        self.outbox = outbox or Outbox(
            settings.node, settings.incarnation, limits.batches_in_flight_max, limits.batch_bytes_max
        )
        self.reads = RemoteReads(
            limits.remote_reads_max, limits.remote_read_bytes_max, limits.batch_bytes_max,
            limits.remote_reply_bytes_max,
        )  # fmt: skip
        self.has_primary = False
        """What is answered is on one node (mode ``primary``), not on a majority."""
        self._members = members
        self._up: dict[NodeId, None] = {}
        self._leader: NodeId = leader_hint
        self._term: Term = 0
        """Of the leader that is believed, or was last."""
        self._no_since: dict[NodeId, Term] = {}
        """Members that said that they do not lead: in which term (Rule F2)."""
        self._turn_of = 0
        """Whose turn it is to be asked."""
        self._may_ask = True
        """Once per tick, so that answers that lead nowhere make no storm."""
        self._doubts = False
        """Nothing moves: the leader may be none any more."""
        self._resend = outbox is not None
        self._progress_ms: Instant = 0
        self._parts: dict[int, ReplyParts] = {}
        """Replies of batches under way that are not whole, or whose predecessor has none yet."""
        self._follower: Follower | None = None
        self._tracked_at: dict[NodeId, None] = {}
        """Members that remember what was read there."""
        self._all_from: NodeId = NO_NODE
        """The member that is to tell of every change."""
        self._all_confirmed = False
        self._all_asked_ms: Instant = 0
        self.stir()

    def stir(self) -> None:
        """Something happens: the group is to have a turn (Rules A1, A2)."""
        if not self.stirred:
            self._agenda.stir(self)

    # -- what the front of the node uses -----------------------------------------------------

    def write(self, run: Run, now_ms: Instant) -> None:
        """Take writes of a client; its calls may be added until the turn ends."""
        self.stir()
        self.outbox.stage(run, now_ms)

    def read(self, run: Run, now_ms: Instant) -> None:
        """Take linearizable reads of a client; its calls may be added until the turn ends."""
        self.stir()
        self.reads.stage(run, now_ms)

    def read_stale(self, run: Run) -> None:
        """Take reads that are content with some member's present state."""
        self.stir()
        self.reads.stage(run, self._agenda.now_ms, stale=True)

    def follow_changes(self, follower: Follower | None) -> None:
        """As ``face``."""
        self.stir()
        self._follower = follower
        if follower is None:
            told = (
                self._tracked_at if self._all_from == NO_NODE else {**self._tracked_at, self._all_from: None}
            )
            for member in told:
                self.outgoing.append((member, Follow(False)))
            self._tracked_at = {}
            self._all_from = NO_NODE

    def who_changes(self) -> Waiter | None:
        """Nobody here knows whose changes are told (see ``face``)."""
        return None

    def replicas_of_last_write(self) -> int:
        """What was answered is on a majority; one of it stands for the one that took the write."""
        return 0 if self.has_primary else len(self._members) // 2

    @property
    def misrouted(self) -> list[Run]:
        """Runs that came to the wrong group; the node takes them."""
        return self.outbox.misrouted

    @property
    def has_writes(self) -> bool:
        """Writes of this node's clients have no replies yet."""
        return self.outbox.has_writes

    @property
    def pending_bytes(self) -> int:
        """Writes of this node's clients that are not applied yet."""
        return self.outbox.pending_bytes

    @property
    def disk_full(self) -> bool:
        """It is not this node's disk that counts."""
        return False

    @property
    def leader(self) -> NodeId:
        """Who is believed to lead; 0: nobody."""
        return self._leader

    def is_member(self, node: NodeId) -> bool:
        """Whether ``node`` is among the members that the owner has told of."""
        return node in self._members

    def set_members(self, members: tuple[NodeId, ...], leader_hint: NodeId = NO_NODE) -> None:
        """Who the voters are now. The hint counts while nobody is believed."""
        self.stir()
        gone = [member for member in self._members if member not in members]
        self._members = members
        if self._leader in gone:
            self._leader = NO_NODE
        if self._leader == NO_NODE and leader_hint != NO_NODE and leader_hint not in self._no_since:
            self._believe(leader_hint, self._term)
        for member in gone:
            self._no_since.pop(member, None)
            self.reads.lost(member)
            self._changes_missed_at(member)
        self._may_ask = True

    def hand_over(self) -> tuple[Outbox, list[Run]]:
        """This node holds a replica from now on: batches and reads that go on there (Rule F1)."""
        return self.outbox, self.reads.drain()

    def sent(self) -> None:
        """What is ``outgoing`` has been taken."""
        self.outgoing = []

    # -- inputs ------------------------------------------------------------------------------

    def on_peer_up(self, peer: NodeId) -> None:
        """Our link to ``peer`` is up, and empty."""
        self.stir()
        self._up[peer] = None
        self._may_ask = True
        if peer == self._leader:
            self._resend = True
        if self._matters(peer):
            self.jumped = True

    def on_peer_lost(self, peer: NodeId) -> None:
        """The link to ``peer`` broke: what was on its way there or back may be lost."""
        self.stir()
        self._up.pop(peer, None)
        self._may_ask = True
        self.reads.lost(peer)
        self._changes_missed_at(peer)
        if self._matters(peer):
            self.jumped = True

    def _matters(self, peer: NodeId) -> bool:
        return peer in self._members or peer == self._leader

    def on_message(self, sender: NodeId, message: GroupMessage) -> None:
        """A message of a member."""
        self.stir()
        if isinstance(message, (BatchReplies, ReadReplies)) and message.total:
            self.outgoing.append((sender, Taken(len(message.replies))))
        if isinstance(message, BatchReplies):
            self._on_batch_replies(message)
        elif isinstance(message, ReadReplies):
            self._on_read_replies(message)
        elif isinstance(message, NotLeader):
            self._on_not_leader(sender, message)
        elif isinstance(message, Woken):
            self.woken.extend(message.clients)
        elif isinstance(message, Invalidate):
            self._on_invalidate(sender, message)
        elif isinstance(message, Forward) and message.answer:
            # The sender takes this node for a member.
            self.outgoing.append((sender, NotLeader(NO_NODE, 0)))

    def on_tick(self, now_ms: Instant) -> None:
        """One tick of the driver's clock."""
        settings = self.settings
        self._agenda.now_ms = now_ms
        self._may_ask = True
        busy = self._has_work() or self.reads.busy or self._doubts or self._follower is not None
        if not (self.stirred or busy):
            self.asleep = True
            return
        self.stir()
        oldest_ms = now_ms - settings.command_timeout_ms
        self.outbox.expire(oldest_ms)
        self.reads.expire(oldest_ms)
        if self.reads.retry(now_ms - settings.resend_ms):
            self._doubts = True
        if self.outbox.under_way and now_ms - self._progress_ms >= settings.resend_ms:
            self._resend = True
            self._doubts = True
        if not self._all_confirmed and now_ms - self._all_asked_ms >= settings.resend_ms:
            self._all_from = NO_NODE

    # -- the turn ------------------------------------------------------------------------------

    def turn(self, now_ms: Instant, wall_ms: WallMs) -> None:
        """Carry out what this turn's inputs ask for."""
        self.stirred = False
        self.outbox.close_turn()
        self.reads.close_turn()
        leader = self._leader if self._leader in self._up else NO_NODE
        if not self.outbox.under_way:
            self._progress_ms = now_ms
        if leader != NO_NODE:
            self._send_batches(leader, now_ms)
        if self._follower is not None and self._follower.hears_all() and self._all_from == NO_NODE:
            self._ask_for_all(now_ms)
        if self.reads.may_ask():
            self._send_reads(now_ms)
        if self._may_ask and (self._doubts or (leader == NO_NODE and self._has_work())):
            self._may_ask = False
            self._doubts = False
            member = self._next_member()
            if member != NO_NODE:
                self.outgoing.append((member, WHO_LEADS))

    def _has_work(self) -> bool:
        return bool(self.outbox.under_way or self.reads.waiting) or self.outbox.has_staged()

    def _next_member(self) -> NodeId:
        """The next member whose link is up; 0: there is none."""
        for _ in range(len(self._members)):
            self._turn_of += 1
            member = self._members[self._turn_of % len(self._members)]
            if member in self._up:
                return member
        return NO_NODE

    def _send_batches(self, leader: NodeId, now_ms: Instant) -> None:
        """Rule O2, and what is new."""
        parcels: list[Parcel] = []
        if self._resend:
            self._resend = False
            self._progress_ms = now_ms
            parcels = [parcel for parcel in self.outbox.again() if not self._is_answered(parcel)]
        if self.outbox.has_staged():
            parcels = parcels + self.outbox.pack()
        for parcel in parcels:
            self.outgoing.append((leader, Forward(parcel.data, True)))

    def _is_answered(self, parcel: Parcel) -> bool:
        parts = self._parts.get(parcel.sequence)
        return parts is not None and parts.whole

    def _send_reads(self, now_ms: Instant) -> None:
        """To the leader, which needs nobody else's word; to any member while it can't be reached."""
        member = self._leader
        if member not in self._up or self._doubts:
            member = self._next_member()
        if member == NO_NODE:
            return
        while self.reads.may_ask():
            read_id, question = self.reads.ask(member, now_ms)
            if question.tracks and self._follower is not None:
                # Before and after: a change may be told before the reply has come.
                self._tracked_at[member] = None
                for run in question.runs:
                    self._follower.on_read(run)
            calls, incarnation = question.calls(), self.settings.incarnation
            asked = ForwardRead(
                read_id, calls, incarnation, question.stale, question.tracks, question.epoch()
            )
            self.outgoing.append((member, asked))

    # -- what members say ------------------------------------------------------------------------

    def _on_batch_replies(self, message: BatchReplies) -> None:
        under_way = self.outbox.under_way
        if message.incarnation != self.settings.incarnation or not under_way:
            return
        place = message.sequence - under_way[0].sequence  # they are numbered without gaps
        if not 0 <= place < len(under_way):
            return
        parts = self._parts.get(message.sequence)
        if parts is None:
            count = sum([run.count for run in under_way[place].runs])
            parts = ReplyParts(count, self.settings.limits.remote_reply_bytes_max)
            self._parts[message.sequence] = parts
        if message.replies:
            parts.add(message.offset, message.total, message.replies)
        else:
            parts.forget()
        self._progress_ms = self._agenda.now_ms
        while under_way:
            sequence = under_way[0].sequence
            parts = self._parts.get(sequence)
            if parts is None or not parts.whole:
                break
            del self._parts[sequence]
            if parts.forgotten:
                self.outbox.skipped_to(sequence)
            else:
                self.outbox.applied(sequence, parts.replies, True)

    def _on_read_replies(self, message: ReadReplies) -> None:
        if message.incarnation != self.settings.incarnation:
            return
        question = self.reads.answered(message, self._agenda.now_ms)
        if question is None or question.parts is None:
            return
        if question.tracks and self._follower is not None:
            for run in question.runs:
                self._follower.on_read(run)
        finish_runs(question.runs, question.parts.replies, self.outbox.misrouted)

    def _on_not_leader(self, sender: NodeId, message: NotLeader) -> None:
        """Rule F2."""
        claimed, term = message.leader, message.term
        if sender != claimed:
            self._no_since[sender] = max(term, self._no_since.get(sender, 0))
            if sender == self._leader and (term >= self._term or term == 0):
                self._leader = NO_NODE
        elif term >= self._term:
            self._no_since.pop(sender, None)
        if claimed == NO_NODE or self._no_since.get(claimed, -1) >= term:
            return
        if term > self._term or (term == self._term and self._leader == NO_NODE):
            self._believe(claimed, term)

    def _believe(self, leader: NodeId, term: Term) -> None:
        self._leader = leader
        self._term = term
        self._resend = True

    # -- who follows changes -----------------------------------------------------------------------

    def _ask_for_all(self, now_ms: Instant) -> None:
        member = self._leader if self._leader in self._up else self._next_member()
        if member != NO_NODE:
            self._all_from = member
            self._all_confirmed = False
            self._all_asked_ms = now_ms
            self.outgoing.append((member, Follow(True)))

    def _on_invalidate(self, sender: NodeId, message: Invalidate) -> None:
        if self._follower is None:
            return
        if message.everything:
            if sender == self._all_from:
                self._all_confirmed = True
            self._follower.jumped()
        for key in message.keys:
            self._follower.changed_elsewhere(key)

    def _changes_missed_at(self, member: NodeId) -> None:
        """What ``member`` would have told of changes may be lost (Rule F7)."""
        if self._tracked_at.pop(member, 0) is None or member == self._all_from:
            if member == self._all_from:
                self._all_from = NO_NODE
            if self._follower is not None:
                self._follower.jumped()

    def check_rest(self) -> None:
        """Assert that a group that is not on the agenda has nothing to do (Rules A1, A2)."""
        if not self.stirred:
            assert not (self._leader in self._up and self.outbox.can_pack())
        if self.asleep:
            assert not self.stirred and not self._has_work() and not self.reads.busy and not self._doubts
            assert self._may_ask, "the next turn could ask nobody"
