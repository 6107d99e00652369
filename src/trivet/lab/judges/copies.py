"""The judge of copies: in the end all members of a group hold the same, and nobody else anything.

Where it stands: it looks at what nodes hold, at the end of a run, of each group of mode ``eventual``.
"""

# ruff: noqa: D102 (the small protocols say what their names say)

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class CopyLike(Protocol):
    """One node's part in such a group."""

    @property
    def epoch(self) -> int: ...
    @property
    def is_caught_up(self) -> bool: ...
    @property
    def doubtful(self) -> bool: ...
    @property
    def digests(self) -> Mapping[bytes, int]:
        """Of each key that is held here."""
        ...

    @property
    def clock(self) -> bytes:
        """Which updates were seen here: equal bytes when they are the same."""
        ...

    @property
    def shown(self) -> bytes:
        """A digest of what clients are shown."""
        ...


class Wanted(NamedTuple):
    """What the newest map says of such a group."""

    epoch: int
    members: Sequence[int]
    is_changing: bool


def unlike(wanted: Mapping[int, Wanted], copies: Mapping[tuple[int, int], CopyLike]) -> str:
    """What is not as it must be in the end; nothing: all is well. ``copies``: by (node, group)."""
    for group, what in wanted.items():
        if what.is_changing:
            return f"group {group}: its members are still changing"
        held = {node: copies[node, group] for node in what.members if (node, group) in copies}
        problem = _unlike(group, what, held) or _stray(group, what, copies)
        if problem:
            return problem
    for node, group in copies:
        if group not in wanted:
            return f"group {group} at node {node}: it is no more"
    return ""


def _unlike(group: int, wanted: Wanted, held: Mapping[int, CopyLike]) -> str:
    for node in wanted.members:
        if node not in held:
            return f"group {group}: member {node} has no copy"
    for node, copy in held.items():
        who = f"group {group} at node {node}"
        if copy.epoch != wanted.epoch:
            return f"{who}: it goes by the members of epoch {copy.epoch}, not {wanted.epoch}"
        if copy.doubtful or not copy.is_caught_up:
            return f"{who}: it has not caught up"
    nodes = list(held)
    for node in nodes[1:]:
        problem = difference(held[nodes[0]], held[node])
        if problem:
            return f"group {group} at nodes {nodes[0]} and {node}: {problem}"
    return ""


def difference(one: CopyLike, other: CopyLike) -> str:
    """What two copies do not have in common."""
    if one.digests != other.digests:
        keys = sorted(dict.fromkeys([*one.digests, *other.digests]))
        differ = [key for key in keys if one.digests.get(key) != other.digests.get(key)]
        return f"{len(differ)} keys differ, {differ[0]!r} first"
    if one.clock != other.clock:
        return "they have seen different updates"
    return "" if one.shown == other.shown else "they hold the same and show something else"


def _stray(group: int, wanted: Wanted, copies: Mapping[tuple[int, int], CopyLike]) -> str:
    for (node, number), copy in copies.items():
        if number == group and node not in wanted.members and copy.digests:
            return f"group {group} at node {node}: it is no member, and holds {len(copy.digests)} keys"
    return ""
