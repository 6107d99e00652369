"""What the placement wants done: data, each with its reason, and the words for people and for the map."""

import msgspec

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.cluster.ranges import at_least, show
from trivet.core.cluster.rows import REASON_BYTES_MAX
from trivet.core.cluster.state import MapState


class Target(msgspec.Struct, frozen=True, tag=1):
    """A group shall have other voters."""

    group: GroupId
    nodes: list[NodeId]
    reason: str


class Lead(msgspec.Struct, frozen=True, tag=2):
    """Another member shall lead. The group's leader hands over; the map has no part in it."""

    group: GroupId
    node: NodeId
    reason: str


class Split(msgspec.Struct, frozen=True, tag=3):
    """The slots from ``at_slot`` on shall go to a new group on ``nodes``."""

    group: GroupId
    at_slot: int
    nodes: list[NodeId]
    reason: str


class Merge(msgspec.Struct, frozen=True, tag=4):
    """All slots of a group shall go to another."""

    group: GroupId
    into: GroupId
    reason: str


class Drop(msgspec.Struct, frozen=True, tag=5):
    """A group that owns nothing shall go."""

    group: GroupId
    reason: str


class Retire(msgspec.Struct, frozen=True, tag=6):
    """A node that was emptied shall leave."""

    node: NodeId
    reason: str


Action = Target | Lead | Split | Merge | Drop | Retire


def verb_of(state: MapState, action: Action) -> list[bytes]:
    """The ``MAP …`` that does it; empty for a ``Lead``, which no map does."""
    words: list[str]
    if isinstance(action, Target):
        words = ["GROUP", "TARGET", str(action.group), *[str(node) for node in action.nodes]]
    elif isinstance(action, Split):
        ranges = show(at_least(state.groups[action.group].ranges, action.at_slot))
        words = ["MOVE", "START", str(action.group), "NEW", ranges, _short(action.reason), "ON"]
        words += [str(node) for node in action.nodes]
    elif isinstance(action, Merge):
        ranges = show(state.groups[action.group].ranges)
        words = ["MOVE", "START", str(action.group), str(action.into), ranges, _short(action.reason)]
    elif isinstance(action, Drop):
        words = ["GROUP", "DROP", str(action.group)]
    elif isinstance(action, Retire):
        words = ["LEFT", str(action.node)]
    else:
        return []
    return [b"MAP", *[word.encode() for word in words]]


def explain(actions: list[Action]) -> str:
    """The plan as a text, one line each."""
    if not actions:
        return "Nothing to do: every group is where it shall be.\n"
    lines = [f"{place}. {_line(action)}: {action.reason}" for place, action in enumerate(actions, 1)]
    return "\n".join(lines) + "\n"


def _line(action: Action) -> str:
    if isinstance(action, Target):
        return f"group {action.group} gets the members {_listed(action.nodes)}"
    if isinstance(action, Lead):
        return f"node {action.node} leads group {action.group}"
    if isinstance(action, Split):
        return f"group {action.group} is split at slot {action.at_slot}, new group on {_listed(action.nodes)}"
    if isinstance(action, Merge):
        return f"group {action.group} is merged into group {action.into}"
    if isinstance(action, Drop):
        return f"group {action.group} is dropped"
    return f"node {action.node} leaves"


def _listed(nodes: list[NodeId]) -> str:
    return ", ".join(str(node) for node in nodes)


def _short(reason: str) -> str:
    return reason.encode()[:REASON_BYTES_MAX].decode("utf-8", "ignore")
