"""Rows, as far as the hot path of dispatch needs them: one look-up gives everything."""

from typing import Final

import msgspec

import trivet.core.script.rows  # noqa: F401 (fills ROWS)
from trivet.core.command.table import ROWS, Flag, Place
from trivet.core.machine.checking import EVERYWHERE
from trivet.core.node.router import BETWEEN_DATABASES, EMPTIES, TAUGHT


class Route(msgspec.Struct, frozen=True):
    """A row, as far as the hot path needs it."""

    name: bytes
    shown: str
    arity: int
    session: bool
    writes: bool
    refuses_multi: bool
    needs_auth: bool
    in_log: bool
    """The node answers it, but not inside a transaction: there it runs in the machine, and writes."""
    blocks: bool
    """It may wait; ``may_wait`` tells of a call."""
    is_wide: bool
    """It may concern groups beside that of its database, when there are several; or go from key to key."""
    is_taught: bool
    """It may concern the system group."""
    number: int
    """Its place in the statistics."""


def _route(number: int, name: bytes) -> Route:
    row = ROWS[name]
    return Route(
        name=name,
        shown=row.name,
        arity=row.arity,
        session=row.place is Place.SESSION,
        writes=bool(row.flags & Flag.WRITE) or row.logged,
        refuses_multi=bool(row.flags & Flag.NO_MULTI),
        needs_auth=not row.flags & Flag.NO_AUTH,
        in_log=row.place is Place.SESSION and row.run is not None,
        blocks=bool(row.flags & Flag.BLOCKING) and row.place is Place.DATA,
        is_wide=name in EVERYWHERE or name in BETWEEN_DATABASES or name in EMPTIES,
        is_taught=name in TAUGHT,
        number=number,
    )


ROUTES: Final[dict[bytes, Route]] = {name: _route(number, name) for number, name in enumerate(ROWS)}
