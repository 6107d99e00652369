"""The map's verbs about the members of groups of mode ``eventual``: ``COPIES BEGIN`` and ``END``.

Such a group has no log that could decide it, and needs no quorum: any member serves alone. So who comes is a
member at once, and who goes stays one until what only it has is with the others::

    members ──BEGIN──> members and those that come ──END──> those that shall be the members
"""

from trivet.core.cluster import fields
from trivet.core.cluster.change_groups import find
from trivet.core.cluster.rows import COPIES_MAX, EVENTUAL, GroupRow
from trivet.core.cluster.state import MapState
from trivet.core.wire.reply import OK, Error, Reply


def copies(state: MapState, args: list[bytes]) -> Reply:
    """``COPIES BEGIN|END group epoch``; ``epoch`` is that of the members it goes by (Rule G8)."""
    if len(args) != 4:
        return fields.SYNTAX
    action = args[1].upper()
    row, epoch = find(state, args[2]), fields.identity(args[3])
    if isinstance(row, Error):
        return row
    if isinstance(epoch, Error):
        return epoch
    if state.mode_of(row) != EVENTUAL:
        return Error(f"ERR group {row.id} is not of mode {EVENTUAL}")
    if epoch != row.membership + 1:
        return Error(f"ERR the members of group {row.id} are those of epoch {row.membership + 1}")
    if action == b"BEGIN":
        return _begin(state, row)
    return _end(state, row) if action == b"END" else fields.SYNTAX


def _begin(state: MapState, row: GroupRow) -> Reply:
    """Who comes is there; who goes takes nothing more of its own clients, and hands over what it has."""
    target = sorted(row.target)
    if target == (row.incoming or row.members):
        return Error(f"ERR group {row.id} has the members that it shall have")
    members = sorted({*row.members, *target})
    if len(members) > COPIES_MAX + 1:
        return Error(f"ERR group {row.id} has too many members")
    _count(state, row)
    row.since += [(node, row.membership + 1) for node in target if node not in row.members]
    row.since.sort()
    row.before = row.before or row.members
    row.members, row.incoming = members, target
    return OK


def _end(state: MapState, row: GroupRow) -> Reply:
    """Who has come has what the others have, and they what those had that go, says who has asked them."""
    if not row.incoming:
        return Error(f"ERR the members of group {row.id} are not changing")
    _count(state, row)
    row.members, row.incoming, row.before = row.incoming, [], []
    row.since = [(node, epoch) for node, epoch in row.since if node in row.members]
    return OK


def _count(state: MapState, row: GroupRow) -> None:
    state.advance()
    row.membership += 1
