"""The map's verb about groups of mode ``primary``: ``PRIMARY group generation node``.

Such a group has one voter, so nobody in it can replace it. The map does: it counts the generations (Rule G9).
"""

from typing import Final

from trivet.core.base.ids import NodeId
from trivet.core.cluster import fields
from trivet.core.cluster.change_groups import find
from trivet.core.cluster.rows import GENERATION_MAX, SYSTEM_GROUP
from trivet.core.cluster.state import MapState
from trivet.core.wire.reply import OK, Error, Reply

_OTHERS: Final = "ERR group {} elects who leads it"


def primary(state: MapState, args: list[bytes]) -> Reply:
    """``PRIMARY group generation node``: ``generation`` is the one by which it is said; the next begins."""
    if len(args) != 4:
        return fields.SYNTAX
    row, node = find(state, args[1]), fields.identity(args[3])
    generation = fields.number(args[2], 0, GENERATION_MAX - 1)
    if isinstance(row, Error):
        return row
    if isinstance(generation, Error):
        return generation
    if isinstance(node, Error):
        return node
    if not state.is_of_primary(row):
        return Error(_OTHERS.format(row.id))
    if generation != row.generation:
        return Error(f"ERR group {row.id} is in generation {row.generation}")
    if node not in row.members or node not in state.members:
        return Error(f"ERR node {node} has no replica of group {row.id}")
    state.advance()
    row.generation, row.primary = generation + 1, node
    return OK


def first_primary(state: MapState, nodes: list[NodeId]) -> NodeId:
    """Of the founders the one that is the primary of the fewest groups."""
    count = dict.fromkeys(nodes, 0)
    for row in state.groups.values():
        if row.id != SYSTEM_GROUP and row.primary in count:
            count[row.primary] += 1
    return min(nodes, key=lambda node: (count[node], node))
