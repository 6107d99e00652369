"""What the placement looks at beside the map: who is alive, how large and busy groups are; and its aims."""

import msgspec

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.base.limits import MIB


class GroupFacts(msgspec.Struct, kw_only=True):
    """What a group's leader last said about it. Sizes and rates come smoothed."""

    keys: int = 0
    bytes: int = 0
    ops: int = 0
    """Commands per second."""
    leader: NodeId = 0
    """0: none is known."""
    caught_up: list[NodeId] = []
    """Members that have nearly all of the log: fit to lead."""
    middle: int = 0
    """The slot that begins the upper half of its load, if it was measured; else 0."""
    is_spent: bool = False
    """Its own log says that it owns nothing and has nothing left to do."""
    doubtful: list[NodeId] = []
    """Mode ``paxos``: members that count for no quorum until the others have told them all registers."""
    copies: dict[NodeId, tuple[bool, int]] = {}
    """Mode ``eventual``: (what the others had is here, updates that no other member that stays is known to
    have), as each member said that goes by the map's members."""


class Facts(msgspec.Struct, kw_only=True):
    """What is known of the cluster at this moment."""

    dead_ms: dict[NodeId, int] = {}
    """The nodes that nobody hears, and for how long; all others are alive."""
    unreachable_ms: dict[NodeId, int] = {}
    """Those that only others hear, and for how long they are not heard here (Rule P13)."""
    awaited: list[NodeId] = []
    """Those that have joined and were not heard here since: they get nothing yet (Rule P15)."""
    hear_few: list[NodeId] = []
    """Those that hear few of the others: they get nothing to lead (Rule P14)."""
    leader: NodeId = 0
    """Who does not hear them: the leader of the system group; 0: another node, to whom that means nothing."""
    groups: dict[GroupId, GroupFacts] = {}
    """Those that are heard of. Of others nothing is split or merged."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the placement aims at."""

    grace_ms: int = 300_000
    """How long a node may be dead before its replicas are made anew elsewhere."""
    moves_max: int = 4
    """Groups that get other members, or slots that are on their way, at a time."""
    leads_max: int = 8
    """Leaders that are asked to hand over, in one plan."""
    split_bytes: int = 512 * MIB
    split_ops: int = 20_000
    """A group above either is split."""
    merge_bytes: int = 64 * MIB
    merge_ops: int = 1_000
    """A group below both is merged into another, if both together stay below half of what splits one."""
