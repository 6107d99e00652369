"""What stewards say to each other, from node to node. Whatever is lost is said again, or does not matter."""

from typing import Annotated, Final

import msgspec

from trivet.core.base.ids import GroupId, NodeId, Term
from trivet.core.cluster.rows import GROUPS_MAX, MOVES_MAX

SENTENCES_MAX: Final = 200
_MEMBERS_MAX: Final = 16

_Sentence = Annotated[str, msgspec.Meta(max_length=1024)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class OfSteward(msgspec.Struct, array_like=True, frozen=True):
    """A message between stewards."""


class GroupReport(msgspec.Struct, array_like=True, frozen=True):
    """One replica; with ``term`` 0 it follows, and only ``ops`` is said.

    Members of groups without a leader say a number in place of the term: the highest that is heard counts.
    """

    group: GroupId
    ops: _Count
    """Calls per second at this replica, smoothed."""
    term: Annotated[Term, msgspec.Meta(ge=0, le=2**62)] = 0
    keys: _Count = 0
    bytes: _Count = 0
    caught_up: Annotated[list[NodeId], msgspec.Meta(max_length=_MEMBERS_MAX)] = []
    """Members that have nearly all of the log."""
    middle: Annotated[int, msgspec.Meta(ge=0, lt=16384)] = 0
    """The slot that begins the upper half of its data; 0: not measured."""
    is_spent: bool = False
    """It owns nothing, and nobody will ask it about a transaction over groups: it may be dropped."""
    is_doubtful: bool = False
    """Mode ``paxos``: what it promised may be lost: it answers nobody until it has been told anew."""
    epoch: _Count = 0
    """Mode ``eventual``: by the members of which epoch it goes; the rest is said as such a member."""
    is_caught_up: bool = False
    """It has what the other members had when it came."""
    kept: _Count = 0
    """Updates that it has, and no other member that stays is known to have."""


class MoveReport(msgspec.Struct, array_like=True, frozen=True):
    """How far a move is, from a group that the sender leads: keys given, and about how many are left."""

    move: _Count
    sent: _Count
    left: _Count


class NodeReport(OfSteward, array_like=True, tag=112, frozen=True):
    """To the leader of the system group, once in a while: the sender lives, and this is what it has."""

    groups: Annotated[list[GroupReport], msgspec.Meta(max_length=GROUPS_MAX)]
    moves: Annotated[list[MoveReport], msgspec.Meta(max_length=MOVES_MAX)] = []
    hears_few: bool = False
    """Of the other nodes that live (Rule K14): it shall lead nothing more."""


class PlanTold(OfSteward, array_like=True, tag=113, frozen=True):
    """From the leader of the system group: what would be done now, and why; and how far all moves are."""

    sentences: Annotated[list[_Sentence], msgspec.Meta(max_length=SENTENCES_MAX)]
    moves: Annotated[list[MoveReport], msgspec.Meta(max_length=MOVES_MAX)] = []


class LeadWish(OfSteward, array_like=True, tag=114, frozen=True):
    """To the leader of a group: ``node`` shall lead it."""

    group: GroupId
    node: NodeId


class HowFar(OfSteward, array_like=True, tag=118, frozen=True):
    """The leader of the system group asks a member of a group of mode ``primary`` that nobody leads."""

    group: GroupId
    number: _Count
    """Of the question."""


class SoFar(OfSteward, array_like=True, tag=119, frozen=True):
    """The answer: where the log ends here, and whether this node leads, in which generation."""

    group: GroupId
    number: _Count
    log_generation: _Count
    last_index: _Count
    leads: bool
    generation: _Count
    last_term: _Count = 0
    """Of the entry at ``last_index``: of logs of one generation a later one is the newer, however short."""


StewardMessage = NodeReport | PlanTold | LeadWish | HowFar | SoFar
