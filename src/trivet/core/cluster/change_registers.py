"""The map's verbs about the members of groups of mode ``paxos``: ``REGISTERS BEGIN``, ``END``, ``BACK``.

Such a group has no log of its own that could decide it. The map does, in two steps, between which a quorum
of the old and one of the new members are needed (Rules P12 to P14 of ``core/paxos``)::

    members ──BEGIN──> members and incoming ──END──> the incoming are the members
                                └──BACK──> members
"""

from trivet.core.cluster import fields
from trivet.core.cluster.change_groups import find
from trivet.core.cluster.rows import EVENTUAL, PAXOS, SYSTEM_GROUP, GroupRow
from trivet.core.cluster.state import MapState
from trivet.core.wire.reply import OK, Error, Reply


def registers(state: MapState, args: list[bytes]) -> Reply:
    """``REGISTERS BEGIN|END|BACK group epoch``; ``epoch`` is that of the members it goes by (Rule G7)."""
    if len(args) != 4:
        return fields.SYNTAX
    action = args[1].upper()
    row, epoch = find(state, args[2]), fields.identity(args[3])
    if isinstance(row, Error):
        return row
    if isinstance(epoch, Error):
        return epoch
    if state.mode_of(row) == EVENTUAL:
        return Error(f"ERR group {row.id} is not of mode {PAXOS}")
    if not state.is_of_registers(row):
        return Error(f"ERR group {row.id} decides who its members are by its own log")
    if epoch != row.membership + 1:
        return Error(f"ERR the members of group {row.id} are those of epoch {row.membership + 1}")
    if action == b"BEGIN":
        return _begin(state, row)
    if action == b"END":
        return _end(state, row)
    return _back(state, row) if action == b"BACK" else fields.SYNTAX


def _begin(state: MapState, row: GroupRow) -> Reply:
    """From now on a quorum of the members and one of those that shall be."""
    if row.incoming:
        return Error(f"ERR the members of group {row.id} are changing already")
    moves = state.moves_of(row.id)
    if moves:
        return Error(f"TRYAGAIN group {row.id} has move {moves[0].id}: its members stay until that is over")
    target = sorted(row.target)
    if target == row.members:
        return Error(f"ERR group {row.id} has the members that it shall have")
    _count(state, row)
    row.incoming = target
    row.since += [(node, row.membership + 1) for node in target if node not in row.members]
    row.since.sort()
    return OK


def _end(state: MapState, row: GroupRow) -> Reply:
    """Every register is with quorums of both, says who has looked."""
    if not row.incoming:
        return Error(f"ERR the members of group {row.id} are not changing")
    _count(state, row)
    row.members, row.incoming = row.incoming, []
    _forget(row)
    return OK


def _back(state: MapState, row: GroupRow) -> Reply:
    """The old members are a quorum of all that was decided meanwhile."""
    if not row.incoming:
        return Error(f"ERR the members of group {row.id} are not changing")
    _count(state, row)
    row.incoming = []
    _forget(row)
    return OK


def _count(state: MapState, row: GroupRow) -> None:
    assert row.id != SYSTEM_GROUP
    state.advance()
    row.membership += 1


def _forget(row: GroupRow) -> None:
    """Who has gone comes back as another member, if at all."""
    row.since = [(node, epoch) for node, epoch in row.since if node in row.members]
