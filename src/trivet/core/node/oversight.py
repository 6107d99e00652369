"""Between a node and its steward, which keeps the groups as the map wants them (``core/steward``).

Commands ask through ``Steward``, a few questions; ``Oversight`` answers them, and carries what the steward says.
"""

from typing import Protocol

from trivet.core.base.ids import GroupId, Instant, NodeId
from trivet.core.base.prng import Prng
from trivet.core.cluster.actions import Action
from trivet.core.cluster.facts import Facts
from trivet.core.group.face import Replica
from trivet.core.group.raft_group import RaftGroup
from trivet.core.node.config import NodeConfig
from trivet.core.node.peers import NODE_GROUP, encode_message
from trivet.core.steward import steward


class Steward(Protocol):
    """The keeper of this node's groups, as its clients may ask it."""

    def facts(self) -> Facts | None:
        """What is known of all nodes and groups; None: only the leader of the system group knows."""
        ...

    def plan(self) -> list[Action] | None:
        """What would be done now; None: only the leader of the system group plans."""
        ...

    def told(self) -> list[str]:
        """The plan in words, as the leader of the system group last told it."""
        ...

    def lead(self, group: GroupId, node: NodeId) -> bool:
        """Let ``node`` lead a group that another node leads; False: that can't be asked from here."""
        ...

    def progress(self, move: int) -> tuple[int, int] | None:
        """Of a move that this node carries out: keys sent, and keys that are left; None: another does."""
        ...


class Oversight:
    """The node's steward, in the node's words."""

    def __init__(
        self,
        config: NodeConfig,
        replicas: dict[GroupId, Replica],
        groups: dict[GroupId, RaftGroup],
        prng: Prng,
    ) -> None:
        self.steward = steward.Steward(config.node, replicas, groups, config.limits, prng, config.steward)

    def facts(self) -> Facts | None:
        """See ``Steward``."""
        return self.steward.facts()

    def plan(self) -> list[Action] | None:
        """See ``Steward``."""
        return self.steward.actions()

    def told(self) -> list[str]:
        """See ``Steward``."""
        return self.steward.plan

    def lead(self, group: GroupId, node: NodeId) -> bool:
        """See ``Steward``."""
        return self.steward.lead(group, node) == ""

    def progress(self, move: int) -> tuple[int, int] | None:
        """See ``Steward``."""
        mover = self.steward.movers.get(move)
        return None if mover is None else (mover.sent_bytes, max(0, mover.lag))

    def turn(self, now_ms: Instant) -> bool:
        """Go on with what was answered; whether something may have been said in a group."""
        if not self.steward.stirred:
            return False
        self.steward.turn(now_ms)
        return True

    def collect(self, sends: list[tuple[NodeId, bytes]], up: dict[NodeId, None]) -> None:
        """What the steward says to others."""
        outgoing, self.steward.outgoing = self.steward.outgoing, []
        for peer, message in outgoing:
            if peer in up:
                sends.append((peer, encode_message(NODE_GROUP, message)))
