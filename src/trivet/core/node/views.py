"""What is seen of a node from outside: a few numbers for people, and what the lab's judges compare."""

from trivet.core.base.ids import GroupId
from trivet.core.cluster.map import FIRST_GROUP
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.group.raft_group import RaftGroup
from trivet.core.node.front import Front
from trivet.core.node.observe import (
    Observation,
    RegistersSeen,
    digest_of_state,
    entry_of,
    facts,
    observe,
    observe_registers,
)


class Views:
    """The part of a node that only tells."""

    groups: dict[GroupId, RaftGroup]
    front: Front

    @property
    def group(self) -> RaftGroup:
        """The group in which every cluster begins; without a replica of it here the system group."""
        return self.front.group

    def facts(self) -> dict[str, int | str]:
        """A few numbers for a view."""
        return facts(self.group, len(self.front.sessions), self.front.stats.calls_total())

    def group_numbers(self) -> list[GroupId]:
        """The groups of which this node has a replica."""
        return list(self.groups)

    def observe(self, group: GroupId = FIRST_GROUP) -> Observation:
        """What the lab's judges compare."""
        return observe(self.groups[group])

    def state_digest(self) -> tuple[int, bytes]:
        """(applied index, digest of all data)."""
        return digest_of_state(self.group)

    def log_entry(self, index: int, group: GroupId = FIRST_GROUP) -> tuple[int, int] | None:
        """(term, crc32 of the kind and payload) of a log entry held in memory, else None."""
        return entry_of(self.groups.get(group), index)

    def register_numbers(self) -> list[GroupId]:
        """The groups of mode ``paxos``."""
        return [n for n, group in self.front.leaderless.items() if isinstance(group, PaxosGroup)]

    def registers(self, group: GroupId) -> RegistersSeen:
        """What the lab's judges compare of one of them."""
        found = self.front.leaderless[group]
        assert isinstance(found, PaxosGroup)
        return observe_registers(found)
