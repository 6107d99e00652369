"""What a judge may see of a node: a few numbers, cheap enough to ask after every input."""

import msgspec

from trivet.core.base.ids import Index, NodeId, Term
from trivet.core.group.raft_group import RaftGroup
from trivet.core.values.codec import state_digest


class Observation(msgspec.Struct, frozen=True):
    """One node at one moment."""

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


def observe(group: RaftGroup) -> Observation:
    """The present moment of ``group``."""
    raft = group.raft
    return Observation(
        raft.term, raft.role.name.lower(), raft.leader, raft.commit, group.machine.applied_index,
        raft.last_index, raft.first_index, raft.matches(), raft.missing_to > 0,
    )  # fmt: skip


def digest_of_state(group: RaftGroup) -> tuple[Index, bytes]:
    """(applied index, digest of all data): equal indexes, equal digests. Walks over all data."""
    return group.machine.applied_index, state_digest(group.machine.databases)
