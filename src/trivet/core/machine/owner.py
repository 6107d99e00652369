"""Answers for keys that a call did not name beforehand: those of scripts, and of the patterns of ``SORT``.

Such a call runs before anybody knows which keys it comes to. When it comes to one that it must not touch
here, it goes no further, and ``met`` says what its node shall do; the machine then undoes it (Rule L15).
"""

from typing import Final

from trivet.core.base.ids import NO_NODE
from trivet.core.command.lookup import keys_of, other_databases
from trivet.core.command.table import Context, Row
from trivet.core.machine.checking import OTHER_KEYSPACE, WHOLE
from trivet.core.machine.locked import Looker
from trivet.core.machine.ownership import OWNED, SEALED, Ownership
from trivet.core.wire.reply import NOT_HERE, Error, NotHere

STOPPED: Final = Error("TRYAGAIN this call came to keys that are not here: it is undone, and runs elsewhere")
"""What the rest of the call sees of it; no client does."""
WIDER: Final = NotHere(is_wider=True)
CLAIMED: Final = Error("TRYAGAIN this database is being given groups of its own, or dropped")
IN_PARTS: Final = Error(
    "CROSSSLOT the database is in several groups: a script can come to its keys, and not ask for all of it "
    "(DBSIZE, KEYS, ...); say that outside of it"
)


class Owns:
    """An ``Owner``, for the calls of one context."""

    __slots__ = ("_context", "_looker", "_ownership", "met")

    def __init__(self, ownership: Ownership, looker: Looker, context: Context) -> None:
        self._ownership = ownership
        self._looker = looker
        self._context = context
        self.met: NotHere | None = None
        """Of the present call."""

    def take(self) -> NotHere | None:
        """What the call that has just run met; the next one begins with nothing."""
        met, self.met = self.met, None
        return met

    def refuses_database(self, db: int) -> Error | None:
        """See ``Owner``."""
        ownership = self._ownership
        if ownership.holds(db):
            return None
        known = ownership.withheld.get(db)
        return OTHER_KEYSPACE if known is None or known.epoch else CLAIMED

    def refuses_in_script(self, row: Row, db: int, args: list[bytes]) -> Error | None:
        """See ``Owner``."""
        ownership = self._ownership
        name = row.name.upper().encode()
        if ownership.bars:
            for number in (db, *other_databases([name, *args[1:]])):
                if (refusal := self.refuses_database(number)) is not None:
                    return refusal
        if self.met is None:
            self.met = self._meets(row, name, db, args)
        if self.met is None and ownership.is_partial and name in WHOLE:
            return IN_PARTS
        return None if self.met is None else STOPPED

    def refuses_key(self, key: bytes) -> Error | None:
        """See ``Owner``."""
        if self.met is None:
            self.met = self._place(key)
        if self.met is None and self._looker.reads_locked((self._context.db_index, key)):
            self.met = NotHere(self._looker.since)
        return None if self.met is None else STOPPED

    def _meets(self, row: Row, name: bytes, db: int, args: list[bytes]) -> NotHere | None:
        ownership = self._ownership
        if name in WHOLE:
            if ownership.is_in_the_way():
                return NOT_HERE
        elif ownership.is_partial:
            for key in keys_of(row, args):
                elsewhere = self._place(key)
                if elsewhere is not None:
                    return elsewhere
        if ownership.is_locked and self._looker.meets(NO_NODE, db, [name, *args[1:]]):
            return NotHere(self._looker.since)
        return None

    def _place(self, key: bytes) -> NotHere | None:
        place = self._ownership.place(key)
        if place == OWNED:
            return None
        return NOT_HERE if place == SEALED else WIDER
