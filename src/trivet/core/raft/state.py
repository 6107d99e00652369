"""Everything that one member of a group holds between two inputs.

On the path: leader, follower and election work on it; nobody outside the room sees
it. What belongs to a role is in ``leading`` or ``campaign`` and thrown away with the
role. Messages leave through ``send`` and its two slower sisters, which wait for the
disk (README rule 3).
"""

from enum import IntEnum

from trivet.core.base.buggify import Buggify
from trivet.core.base.entry import MEMBERSHIP
from trivet.core.base.ids import Index, NodeId, Term
from trivet.core.base.prng import Prng
from trivet.core.quorum.electorate import Electorate
from trivet.core.raft.config import RaftConfig
from trivet.core.raft.log import Log
from trivet.core.raft.membership import Memberships, decode_membership
from trivet.core.raft.messages import AppendEntries, Entry, Message
from trivet.core.raft.progress import Progress
from trivet.core.raft.reads import FollowerReads, LeaderReads
from trivet.core.raft.ready import HardState, Ready
from trivet.core.raft.saves import SaveQueue
from trivet.core.raft.terms import generation_of


class Role(IntEnum):
    """What a member is. The values are shown to people in lower case."""

    FOLLOWER = 0
    PRE_CANDIDATE = 1
    CANDIDATE = 2
    LEADER = 3


NEVER: Index = 1 << 62
"""An index that no log reaches."""

UNKNOWN_TERM: Term = 1 << 63
"""``trusted_term`` of a member that has forgotten its term: no leader's is later."""


class LeaderState:
    """What only a leader has."""

    __slots__ = (
        "aside_elapsed", "departing_ticks", "heartbeat_due", "heartbeat_elapsed", "idle_ticks",
        "noop_index", "progress", "quorum_elapsed", "reads", "shared", "stirred", "transfer_elapsed",
        "transfer_to", "voting",
    )  # fmt: skip

    def __init__(
        self, peers: tuple[NodeId, ...], other_voters: tuple[NodeId, ...], next_index: Index, rounds_max: int
    ) -> None:
        self.progress: dict[NodeId, Progress] = {}
        self.voting: list[Progress] = []
        """Of the peers that count for a quorum."""
        self.noop_index = next_index
        """Reads wait until this entry, the first of the leader's term, is committed (§6.4)."""
        self.reads = LeaderReads(rounds_max)
        self.stirred = True
        """Something may be there to send."""
        self.shared: AppendEntries | None = None
        """During one flush: followers at the same place get the same message object."""
        self.heartbeat_due = False
        self.heartbeat_elapsed = 0
        self.idle_ticks = 0
        self.quorum_elapsed = 0
        self.transfer_to: NodeId = 0
        self.transfer_elapsed = 0
        self.aside_elapsed = 0
        """Ticks since the leader last tried to step aside."""
        self.departing_ticks = 0
        """Not 0: it has led the group into a membership without itself, and is to go (§4.2.2)."""
        self.follow_members(peers, other_voters, next_index)

    def follow_members(
        self, peers: tuple[NodeId, ...], other_voters: tuple[NodeId, ...], next_index: Index
    ) -> None:
        """Another membership: of those who stay everything is kept, of the new nothing is known."""
        held = self.progress
        self.progress = {peer: held.get(peer) or Progress(peer, next_index) for peer in peers}
        self.voting = [self.progress[peer] for peer in other_voters]


class CampaignState:
    """What only a pre-candidate or a candidate has."""

    __slots__ = ("own_vote_save_id", "transfer", "votes")

    def __init__(self, transfer: bool) -> None:
        self.votes: dict[NodeId, bool] = {}
        self.transfer = transfer
        self.own_vote_save_id = 0
        """A candidate counts its own vote when this save is durable."""


class State:
    """One member's memory. Invariants: ``check`` in invariants.py."""

    __slots__ = (
        "accepted_term", "buggify", "campaign", "cleared_generation", "commit", "config", "digest",
        "digest_seen", "election_elapsed", "election_timeout", "electorate", "failed_rounds",
        "follower_reads", "fork", "full", "gave_way", "handed", "is_voter", "known", "leader", "leader_lost",
        "leading", "log", "matched", "membership", "memberships", "missing_to", "no_snapshots", "node",
        "other_voters", "out", "peers", "prng", "quiet", "recall_seq", "recall_term", "role", "saves",
        "suspect", "term", "trusted_term", "uncommitted_bytes", "unsettled_from", "vote",
    )  # fmt: skip

    def __init__(
        self, config: RaftConfig, prng: Prng, hard: HardState, log: Log, memberships: Memberships,
        buggify: Buggify | None = None,
    ) -> None:  # fmt: skip
        self.config = config
        self.buggify = buggify
        self.node: NodeId = config.node
        self.memberships = memberships
        self.prng = prng
        self.out = Ready()
        self.log = log
        self.saves = SaveQueue(log.last_index, config.held_messages_max)

        self.role = Role.FOLLOWER
        self.term: Term = hard.term
        self.vote: NodeId = hard.vote
        self.leader: NodeId = 0
        self.commit: Index = max(min(hard.commit, log.last_index), log.snapshot_index)
        self.handed: Index = log.snapshot_index
        """Committed entries have been handed out up to here."""
        self.matched: Index = self.commit
        """Equal to the log of this term's leader up to here: found equal, or committed."""
        self.accepted_term: Term = 0
        """The last term in which entries were accepted from a leader, in this life."""
        self.uncommitted_bytes = 0
        """A leader's payload that is not handed out yet."""
        self.leading: LeaderState | None = None
        self.campaign: CampaignState | None = None
        self.follower_reads = FollowerReads(prng.u64() >> 16, config.read_rounds_max)

        self.election_elapsed = 0
        self.election_timeout = 0
        self.failed_rounds = 0
        """Votes asked for or given since a leader was known: the more, the longer the waits."""
        self.gave_way = False
        """Waited for somebody else's attempt since the last one of its own, or since a leader was known."""
        self.leader_lost = False
        """The connection to the leader broke and nothing has come from it since."""

        self.missing_to: Index = 0
        """Acknowledged entries up to here may be missing: no vote, no campaign until repaired."""
        self.trusted_term: Term = 0
        """A leader of a later term than this one has every entry that this member acknowledged."""
        self.recall_term: Term = 0
        self.recall_seq = 0
        """Under which number it asks, in which term, how much may be missing (README rule 10)."""
        self.suspect = False
        """A vote may have been forgotten: no vote, no campaign until a leader is known."""
        self.full = False
        self.no_snapshots = False
        self.quiet = False
        """Nothing happens: clocks stand still until something does (rule 20)."""
        self.digest: tuple[Index, bytes] = (0, b"")
        self.digest_seen: Index = 0
        self.cleared_generation = 0
        """This log is a part of that of the primary of this generation, as that one has said."""
        self.fork: Index = 0
        """Not 0: from here on this log is not in that of the present primary (README rule 21)."""
        self.adopt()
        self.out.members_changed = False

    def adopt(self) -> None:
        """The newest membership in the log is another one than before: it counts from now on (§4.1)."""
        newest = self.memberships.latest
        self.membership = newest
        self.electorate = Electorate(newest.voters, newest.outgoing)
        self.is_voter = newest.is_voter(self.node)
        self.peers: tuple[NodeId, ...] = tuple([n for n in newest.members() if n != self.node])
        self.known = frozenset(self.peers)
        self.other_voters: tuple[NodeId, ...] = tuple([n for n in self.electorate.members if n != self.node])
        self.unsettled_from: Index = self.memberships.index
        """A leader that commits this index goes on with the change (rule 16); ``NEVER``: there is none."""
        self.out.members_changed = True
        if self.leading is not None:
            self.leading.follow_members(self.peers, self.other_voters, self.log.last_index + 1)

    def send(self, to: NodeId, message: Message) -> None:
        """Send what depends on nothing unsaved."""
        self.out.messages.append((to, message))

    def send_after_vote(self, to: NodeId, message: Message) -> None:
        """Send once the present term and vote are durable."""
        if self.saves.hard_id > self.saves.saved_id:
            self.saves.hold(self.saves.hard_id, to, message)
        else:
            self.out.messages.append((to, message))

    def send_after_save(self, to: NodeId, message: Message) -> None:
        """Send once everything decided so far is durable."""
        latest = self.saves.latest()
        if latest > self.saves.saved_id:
            self.saves.hold(latest, to, message)
        else:
            self.out.messages.append((to, message))

    def append(self, entry: Entry) -> None:
        """Put one entry at the end of the log; the next save takes it."""
        self.log.append(entry)
        self.saves.dirty = True

    def append_membership(self, entry: Entry) -> bool:
        """The same for an entry that is not data. False: it is not sound, and was left out."""
        membership = decode_membership(entry.payload) if entry.kind == MEMBERSHIP else None
        if membership is None or not membership.voters:
            return False
        self.append(entry)
        self.memberships.add(self.log.last_index, membership)
        self.adopt()
        return True

    def truncate(self, index: Index) -> None:
        """Forget ``index`` and what follows: another leader's log has something else there."""
        self.saves.overwritten(index)
        self.log.truncate(index)
        if self.memberships.truncate(index):
            self.adopt()

    def compact(self, index: Index) -> None:
        """Forget everything up to ``index``; a snapshot holds it."""
        self.log.compact(index)
        self.memberships.compact(self.log.snapshot_index)

    def commit_to(self, index: Index) -> bool:
        """Raise the commit index; it never falls. True if it rose."""
        if index <= self.commit:
            return False
        assert index <= self.log.last_index, "an entry that is not here cannot be committed"
        self.commit = index
        if self.matched < index:
            # What is committed is in the log of every leader there can be.
            self.matched = index
        return True

    def knows_leader(self) -> bool:
        """A leader is known, and nothing says that it is gone."""
        return self.leader != 0 and not self.leader_lost

    def may_vote(self) -> bool:
        """Nothing that this member promised may be forgotten (README rule 10)."""
        return self.missing_to == 0 and not self.suspect

    def may_lead(self) -> bool:
        """It votes; or it did so until a change that may not be committed yet (rule 17)."""
        if self.membership.lineage and generation_of(self.log.last_term) != generation_of(self.term):
            return False  # another was named (rule 21)
        if self.is_voter:
            return True
        memberships = self.memberships
        return memberships.index > self.commit and memberships.before_latest().is_voter(self.node)

    def is_changing(self) -> bool:
        """The newest membership is not committed, or it is a joint one."""
        return self.memberships.index > self.commit or bool(self.membership.outgoing)

    def is_not_ahead_of(self, last_term: Term, last_index: Index) -> bool:
        """A log that ends at (last_index, last_term) is at least as good as this one (§3.6.1)."""
        log = self.log
        return last_term > log.last_term or (last_term == log.last_term and last_index >= log.last_index)
