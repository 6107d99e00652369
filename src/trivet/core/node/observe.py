"""What a judge may see of a node: a few numbers, cheap enough to ask after every input."""

from typing import NamedTuple

import msgspec

from trivet.core.base.checksum import crc32
from trivet.core.base.ids import NO_NODE, GroupId, Index, NodeId, Term
from trivet.core.group.eventual_group import EventualGroup
from trivet.core.group.face import Replica
from trivet.core.group.leaderless import LeaderlessReplica
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.group.raft_group import RaftGroup
from trivet.core.node.effects import INFO, WARNING
from trivet.core.paxos.ballot import Ballot
from trivet.core.paxos.content import Content
from trivet.core.paxos.slots import Spans
from trivet.core.raft.membership import NOBODY, Membership
from trivet.core.values.codec import database_digest, state_digest


class Observation(msgspec.Struct, frozen=True):
    """One replica at one moment."""

    term: Term
    role: str
    leader: NodeId
    commit: Index
    applied: Index
    last_index: Index
    first_index: Index
    matches: tuple[tuple[NodeId, Index], ...] = ()
    """A leader's belief: (peer, up to where it holds the leader's entries)."""
    incomplete: bool = False
    """Its log may lack entries that it acknowledged, and it knows."""
    last_term: Term = 0
    membership_index: Index = 0
    """The entry that brought its membership, or the snapshot with which it came."""
    membership: Membership = NOBODY
    """What it goes by: the newest in its log."""
    suspect: bool = False
    """It may have given votes that it does not know of."""
    losses: tuple[tuple[NodeId, int, Index], ...] = ()
    """What a leader was told: (peer, how often it lost something, up to where it counted before the last)."""


def observe(group: RaftGroup) -> Observation:
    """The present moment of ``group``."""
    raft = group.raft
    return Observation(
        raft.term, raft.role.name.lower(), raft.leader, raft.commit, group.machine.applied_index,
        raft.last_index, raft.first_index, raft.matches(), raft.missing_to > 0,
        raft.last_term, raft.membership_index, raft.membership, raft.suspect,
        raft.losses(),
    )  # fmt: skip


def check(
    groups: list[Replica], busy: dict[Replica, None], leaderless: dict[GroupId, LeaderlessReplica],
    rests: bool,
) -> None:  # fmt: skip
    """Assert what must always hold of each of some replicas.

    ``busy``: those that are still to be collected from; ``rests``: who has nothing to do is asked here.
    """
    for group in groups:
        assert not group.outgoing or group in busy, "messages that nobody collects"
        if rests:
            group.check_rest()
        if isinstance(group, RaftGroup):
            group.raft.check_invariants()
            if group.machine.intents.by_id:
                group.machine.intents.check_invariants()
        elif group.settings.group in leaderless:
            leaderless[group.settings.group].check_invariants()


class RegistersSeen(msgspec.Struct, frozen=True):
    """One node's part in a group of registers at one moment."""

    epoch: int
    """By which it proposes; 0: it knows no members."""
    joined: int
    """Since when it has been a member; 0: it is none."""
    doubtful: bool
    members: tuple[NodeId, ...]
    incoming: tuple[NodeId, ...]
    keys: int
    """Registers that are held here, those deleted and not collected yet among them."""
    bytes: int
    floor_version: int
    quiet: bool
    under_way: int
    epoch_kept: int
    """Of its acceptor: below it nothing is answered."""
    floor: Ballot
    """Promised for every key that is not held here."""
    saves: int
    """So many saves were handed to the log, in all lives."""
    saved: int
    """So many of them are durable."""
    spans: tuple[tuple[int, int, int, int], ...] | None
    """What its acceptor holds: (first slot, last slot, since which epoch, state); None: all, since ever."""


def observe_registers(group: PaxosGroup) -> RegistersSeen:
    """The present moment of ``group``."""
    paxos, config = group.paxos, group.config
    members = ((), ()) if config is None else (config.voters, config.incoming)
    return RegistersSeen(
        paxos.epoch, paxos.acceptor.joined, paxos.doubtful, *members, group.keys, group.size_bytes,
        paxos.acceptor.floor_version, paxos.quiet, paxos.underway, paxos.acceptor.epoch, paxos.acceptor.floor,
        group.log.last_index, group.log.saved_index, _spans(paxos.acceptor.spans),
    )  # fmt: skip


def _spans(spans: Spans) -> tuple[tuple[int, int, int, int], ...] | None:
    if spans is None:
        return None
    return tuple([(span.first, span.last, span.since, span.state) for span in spans])


class RegisterHeld(NamedTuple):
    """One register as an acceptor holds it."""

    promised: Ballot
    accepted: Ballot
    crc: int
    """Of what it holds; 0: nothing."""
    version: int
    is_tombstone: bool
    is_hearsay: bool


def registers_held(group: PaxosGroup) -> dict[bytes, RegisterHeld]:
    """All registers of ``group`` that are held here, by place."""
    found: dict[bytes, RegisterHeld] = {}
    for place, one in group.paxos.acceptor.registers.after(None):
        content = None if one.content is None else Content(one.content)
        crc, version = (0, 0) if content is None else (content.crc, content.version)
        found[place] = RegisterHeld(one.promised, one.accepted, crc, version, one.is_tombstone, one.hearsay)
    return found


class CopySeen(msgspec.Struct, frozen=True):
    """What one node holds of a group of mode ``eventual``."""

    epoch: int
    is_caught_up: bool
    doubtful: bool
    digests: dict[bytes, int]
    """Of each key."""
    clock: bytes
    shown: bytes
    """A digest of what clients are shown."""


def copies_held(groups: dict[GroupId, LeaderlessReplica]) -> dict[GroupId, CopySeen]:
    """All groups of mode ``eventual`` that this node knows. Walks over all data."""
    return {number: _copy(group) for number, group in groups.items() if isinstance(group, EventualGroup)}


def _copy(group: EventualGroup) -> CopySeen:
    lattice = group.executor.lattice
    digests = {key: lattice.tree.of(key) for key in lattice.held()}
    return CopySeen(
        group.epoch, group.standing().is_caught_up, group.doubtful, digests, lattice.clock.encode(),
        database_digest(group.executor.view),
    )  # fmt: skip


def entry_of(group: RaftGroup | None, index: Index) -> tuple[Term, int] | None:
    """(term, crc32 of the kind and payload) of a log entry in memory; None when it is not."""
    entry = None if group is None else group.raft.entry_at(index)
    return None if entry is None else (entry.term, crc32(entry.payload, entry.kind))


def digest_of_state(group: RaftGroup) -> tuple[Index, bytes]:
    """(applied index, digest of all data): equal indexes, equal digests. Walks over all data."""
    return group.machine.applied_index, state_digest(group.machine.databases)


def facts(group: RaftGroup, connections: int, calls: int) -> dict[str, int | str]:
    """A few numbers for a view of a node by its first group."""
    raft = group.raft
    return {
        "role": raft.role.name.lower(),
        "term": raft.term,
        "leader": raft.leader,
        "commit": raft.commit,
        "applied": group.machine.applied_index,
        "last": raft.last_index,
        "keys": group.machine.databases.key_count(),
        "connections": connections,
        "calls": calls,
    }


class Leaders:
    """Who led each group when people were last told."""

    def __init__(self) -> None:
        self.seen: dict[GroupId, tuple[NodeId, Term]] = {}
        """``led_by`` of each group, the very object: as long as it is the same there is no news."""

    def news(self, group: RaftGroup) -> list[tuple[int, str]]:
        """Lines for the log: another leader than before, and what the group has to say."""
        number, led_by = group.settings.group, group.led_by
        news: list[tuple[int, str]] = []
        if led_by != self.seen.get(number, (NO_NODE, 0)):
            who = "nobody" if led_by[0] == NO_NODE else f"node {led_by[0]}"
            news.append((INFO, f"group {number}, term {led_by[1]}: {who} leads"))
        self.seen[number] = led_by
        news.extend([(WARNING, note) for note in group.notes])
        group.notes = []
        return news
