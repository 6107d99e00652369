"""Who the members are: one set of voters, or two while they change (Rules P12, P13).

On the path: the owner hands in what the cluster map says; acceptors refuse other epochs, proposers count
answers. With the members goes which slots the group holds (Rule P20). Strategy: members are numbered once per
config, and who has answered is a bit mask, so that counting costs two bit counts.
"""

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.paxos.ballot import Number
from trivet.core.paxos.slots import Spans
from trivet.core.paxos.slots import problem as problem_of_spans
from trivet.core.quorum.majority import majority


class GroupConfig(msgspec.Struct, array_like=True, frozen=True):
    """The members as of ``epoch``. With ``incoming``, quorums of both sets are needed.

    ``since``: (node, epoch in which it last became a member), of those who are not founders. A node that
    left and came back is another member than before (Rule P15).

    ``version``: no register had a later one in slots that have come from elsewhere (Rule P24).
    """

    epoch: Number
    voters: tuple[NodeId, ...]
    incoming: tuple[NodeId, ...] = ()
    since: tuple[tuple[NodeId, Number], ...] = ()
    spans: Spans = None
    version: Number = 0

    def joined(self, node: NodeId) -> int:
        """Since when ``node`` has been a member; 0: it is none."""
        if node not in self.voters and node not in self.incoming:
            return 0
        for member, epoch in self.since:
            if member == node:
                return epoch
        return 1


def problem(config: GroupConfig) -> str:
    """What is wrong with ``config``, in words; "" when it is sound."""
    if config.epoch < 1:
        return "epochs are numbered from 1"
    if not config.voters:
        return "a group has voters"
    for nodes in (config.voters, config.incoming):
        if len(set(nodes)) != len(nodes) or (nodes and min(nodes) < 1):
            return "a voter stands twice in a set, or is no node"
    if len(config.voters) + len(config.incoming) > 32:
        return "too many voters"
    if any(not 1 <= epoch <= config.epoch for _, epoch in config.since):
        return "a member joined in an epoch to come"
    return problem_of_spans(config.spans, config.epoch)


class Quorums:
    """Counts answers of the members of one config."""

    __slots__ = ("_incoming", "_incoming_needed", "_voters", "_voters_needed", "bits", "everyone", "members")

    def __init__(self, config: GroupConfig) -> None:
        assert problem(config) == "", problem(config)
        self.members: tuple[NodeId, ...] = tuple(sorted({*config.voters, *config.incoming}))
        self.bits: dict[NodeId, int] = {node: 1 << i for i, node in enumerate(self.members)}
        self.everyone = (1 << len(self.members)) - 1
        self._voters = self._mask(config.voters)
        self._voters_needed = majority(len(config.voters))
        self._incoming = self._mask(config.incoming)
        self._incoming_needed = majority(len(config.incoming)) if config.incoming else 0

    def _mask(self, nodes: tuple[NodeId, ...]) -> int:
        mask = 0
        for node in nodes:
            mask |= self.bits[node]
        return mask

    def is_quorum(self, mask: int) -> bool:
        """Whether these members decide: a majority of every set."""
        if (mask & self._voters).bit_count() < self._voters_needed:
            return False
        return (mask & self._incoming).bit_count() >= self._incoming_needed

    def may_be_quorum(self, refused: int) -> bool:
        """Whether the others can still decide when these have refused."""
        return self.is_quorum(self.everyone & ~refused)

    def meets_all_of(self, node: NodeId, mask: int) -> bool:
        """Whether ``mask``, without ``node``, meets whatever else is in any quorum that ``node`` is in.

        A majority of the *other* members of every set: of n members a quorum has m = n // 2 + 1, so m - 1
        others, and a majority of n - 1 others has n - m + 1 (Rule P16).
        """
        own = self.bits.get(node, 0)
        mask &= ~own
        for members in (self._voters, self._incoming):
            others = members & ~own
            if members and others == 0 and members & own:
                return False  # it was alone: nobody else can know
            if others and (mask & others).bit_count() < majority(others.bit_count()):
                return False
        return True
