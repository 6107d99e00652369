"""Databases that go to groups of their own, or nowhere: ``WITHHOLD``, ``GIVEN``, ``LIFT`` in a group's log.

| | |
|---|---|
| ``WITHHOLD database token [FORCE]`` | nobody sees or changes it any more; [``FULL``, keys]: it has some |
| ``GIVEN database token epoch`` | the map of that epoch gives it to another keyspace; only older maps count |
| ``LIFT database token`` | the claim is over, and the database is this keyspace's: everything is as before |

A *token* is the map's epoch at which somebody claimed the database (see ``cluster/change_claims``); none is
given twice. All of them may be said twice, and late.

- Rule D1: a database is withheld only while it is empty here, as of that entry; with ``FORCE`` however it is.
- Rule D2: a call about a database that the group does not hold is not run (``NotHere``); a script or a
  transaction that comes to one gets an error from that call.
- Rule D3: at that entry its watches are broken, who follows reads forgets them, and calls that wait there are
  sent after it (in a keyspace that is dropped they stay, and end with it). What a waiting call was served and
  has not claimed counts as a key.
- Rule D5: it is not withheld while a transaction over groups holds keys of it; nor, of a keyspace that goes
  altogether, while the group remembers a decision that others have not heard: it would go with the group.
- Rule D4: of two claims the one with the higher token stands. A word about another token than the one that
  stands changes nothing.
"""

from typing import Final

from trivet.core.cluster.rows import DATABASE_MAX
from trivet.core.command.table import Context
from trivet.core.machine.importing import BAD_CALL
from trivet.core.machine.ownership import Withheld
from trivet.core.machine.slot_ranges import parse_number
from trivet.core.machine.state import State
from trivet.core.wire.reply import OK, Error, Reply

FULL: Final = b"full"
OLD_CLAIM: Final = Error("ERR this claim is over")
_WAITS: Final = Error("TRYAGAIN this group is not founded yet, or slots of it are being moved")
_LOCKED: Final = Error("TRYAGAIN a transaction over groups is not over in this database")


def withhold(state: State, context: Context, args: list[bytes]) -> Reply:
    """``WITHHOLD database token [FORCE]``."""
    ownership = state.ownership
    db, token = parse_number(args[1]), parse_number(args[2])
    if db > DATABASE_MAX:
        return BAD_CALL
    known = ownership.withheld.get(db)
    if known is not None and known.token >= token:
        return OK if known.token == token else OLD_CLAIM
    if ownership.is_awaited or ownership.imports or ownership.exports:
        return _WAITS
    if any(locked == db for locked, _ in state.intents.locks.held) or (
        ownership.keyspace == db and db and state.intents.records
    ):
        return _LOCKED
    database = state.databases.open(db)
    if len(args) < 4:
        keys = len(database) + state.waiting.unclaimed_in(db)
        if keys:
            return [FULL, keys]
    if not ownership.keyspace:
        state.waiting.leave_database(context, db)
    for watched in list(state.watches.keys):
        if watched[0] == db:
            state.watches.touched(watched)
    if state.follower is not None:
        state.follower.before_flush(database)
    ownership.withheld[db] = Withheld(token)
    _settle(state)
    return OK


def given(state: State, context: Context, args: list[bytes]) -> Reply:
    """``GIVEN database token epoch``."""
    ownership = state.ownership
    known = ownership.withheld.get(parse_number(args[1]))
    epoch = parse_number(args[3])
    if known is None or known.token != parse_number(args[2]):
        return OLD_CLAIM
    if not known.epoch:
        known.epoch = epoch
        ownership.epoch = max(ownership.epoch, epoch)
        _settle(state)
    return OK


def lift(state: State, context: Context, args: list[bytes]) -> Reply:
    """``LIFT database token``."""
    db = parse_number(args[1])
    known = state.ownership.withheld.get(db)
    if known is not None and known.token == parse_number(args[2]):
        del state.ownership.withheld[db]
        _settle(state)
    return OK


def _settle(state: State) -> None:
    state.ownership.settle()
    state.owns_otherwise()
