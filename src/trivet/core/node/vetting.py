"""Commands that need a closer look than the hot path of ``dispatch`` has.

Most commands of most clients need none: ``session.vet`` and ``front.vet`` are 0, and that is all
that the hot path asks. Each bit is a reason, and has a check here; the checks run in
redis-server's order, and the first that takes the command or sends it back decides.
"""

from enum import Enum
from typing import Final

from trivet.core.command.lookup import find_row
from trivet.core.machine.specials import OUT_OF_MEMORY
from trivet.core.node.front import Front
from trivet.core.node.permission import Permission, permission
from trivet.core.node.routes import Route
from trivet.core.node.session import (
    CHOOSING,
    HELD,
    LOGIN,
    MONITORED,
    MULTI,
    PAUSED,
    REROUTED,
    SKIPPING,
    SUBSCRIBED,
    USER,
    Session,
    Transaction,
)
from trivet.core.node.teaching import IN_TRANSACTION, is_taught
from trivet.core.node.tracking import choose
from trivet.core.wire.reply import QUEUED, Error


class Verdict(Enum):
    """What becomes of a command that was looked at."""

    GO = 0
    """It goes on as any other."""
    TAKEN = 1
    """It is answered, queued or refused."""
    PARK = 2
    """It comes again when the session is idle."""


NOAUTH: Final = Error("NOAUTH Authentication required.")
_IN_MULTI: Final = {b"EXEC": 1, b"DISCARD": 1, b"MULTI": 1, b"WATCH": 1, b"QUIT": 1, b"RESET": 1}
"""What runs at once even between MULTI and EXEC."""
_WHILE_SUBSCRIBED: Final = {
    b"SUBSCRIBE": 1, b"UNSUBSCRIBE": 1, b"PSUBSCRIBE": 1, b"PUNSUBSCRIBE": 1, b"SSUBSCRIBE": 1,
    b"SUNSUBSCRIBE": 1, b"PING": 1, b"QUIT": 1, b"RESET": 1,
}  # fmt: skip
"""What a client may do in RESP2 while it listens to something."""
_EMBEDDED: Final = {b"PING": 1, b"ECHO": 1, b"SELECT": 1}
"""What the node answers itself, but in its place among the replies of EXEC."""

_QUEUED_BYTES: Final = 120
"""What a queued command takes in memory besides its bytes; short ones are mostly this."""
_QUEUED_ARGUMENT_BYTES: Final = 40


def vet(front: Front, session: Session, route: Route, args: list[bytes]) -> Verdict:
    """Look at a command whose name and arity are right."""
    reasons = session.vet | front.vet
    if reasons & (HELD | REROUTED):
        if not session.idle:
            return Verdict.PARK
        session.vet &= ~(HELD | REROUTED)
    if reasons & LOGIN and route.needs_auth:
        refuse(session, NOAUTH)
        return Verdict.TAKEN
    if reasons & USER:
        found = permission(front, session, route, args)
        if found is Permission.UNSURE:
            return Verdict.PARK
        if isinstance(found, Error):
            refuse(session, found)
            return Verdict.TAKEN
    if reasons & SUBSCRIBED and session.protocol == 2 and route.name not in _WHILE_SUBSCRIBED:
        refuse(session, _only_listens(args))
        return Verdict.TAKEN
    if reasons & SKIPPING and not _skip(session):
        return Verdict.PARK
    if reasons & PAUSED and front.pause_of_all.holds(session, route):
        return Verdict.PARK
    if reasons & CHOOSING:
        choose(session, route.name)
    if reasons & MONITORED and session.shown is not args:
        session.shown = args
        front.monitors.show(front.wall_ms, session, route, args)
    if reasons & MULTI and route.name not in _IN_MULTI:
        transaction = session.transaction
        assert transaction is not None
        front.stats.calls[route.number] += 1
        session.last_command = route.shown
        _queue(front, session, transaction, route, args)
        return Verdict.TAKEN
    return Verdict.GO


def _only_listens(args: list[bytes]) -> Error:
    row = find_row(args)
    name = args[0].decode("latin-1").lower() if isinstance(row, Error) else row.name
    return Error(
        f"ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
        "allowed in this context"
    )


def _skip(session: Session) -> bool:
    """``CLIENT REPLY SKIP``: the next command passes muted; the one after it waits for that one's end."""
    if not session.skipped:
        session.skipped = True
        return True
    if not session.idle:
        return False
    session.muted = session.skipped = False
    session.vet &= ~SKIPPING
    return True


def _queue(front: Front, session: Session, transaction: Transaction, route: Route, args: list[bytes]) -> None:
    """Between ``MULTI`` and ``EXEC``: keep the command, or refuse it and fail the transaction."""
    refusal: Error | None = None
    size_bytes = call_bytes(args) + _QUEUED_BYTES + _QUEUED_ARGUMENT_BYTES * len(args)
    if route.refuses_multi or (route.session and not route.in_log and route.name not in _EMBEDDED):
        refusal = Error("ERR Command not allowed inside a transaction")
    elif route.is_taught and is_taught(args):
        refusal = IN_TRANSACTION
    elif transaction.size_bytes + size_bytes > front.limits.multi_bytes_max:
        refusal = Error(
            f"ERR the transaction is larger than multi_bytes_max ({front.limits.multi_bytes_max})"
        )
    elif route.writes or route.in_log:
        refusal = front.refuse_write()
    if refusal is None and any(group.machine.settings.refuses_growth for group in front.groups.values()):
        # As in Redis: what is queued takes memory, too.
        refusal = OUT_OF_MEMORY
    if refusal is None and session.knows_topology and not route.session:
        refusal = front.moved(session, args, route.writes)
    if refusal is not None:
        transaction.failed = True
        session.answer_reply(refusal)
        return
    transaction.size_bytes += size_bytes
    if route.session and not route.in_log:
        _queue_embedded(front, transaction, route.name, args)
    else:
        transaction.calls.append((transaction.db, args))
        transaction.only_reads = transaction.only_reads and not (route.writes or route.in_log)
    session.answer_reply(QUEUED)


def _queue_embedded(front: Front, transaction: Transaction, name: bytes, args: list[bytes]) -> None:
    """Commands that the node answers itself travel as their reply (database -1)."""
    if name == b"SELECT":
        number = front.database_named(args[1])
        if number is not None:
            transaction.db = number
            transaction.calls.append((-1, [b"+", b"OK"]))
        else:
            transaction.calls.append((-1, [b"-", b"ERR DB index is out of range"]))
    elif name == b"ECHO":
        transaction.calls.append((-1, [b"$", args[1]]))
    else:
        transaction.calls.append((-1, [b"$", args[1]] if len(args) > 1 else [b"+", b"PONG"]))


def refuse(session: Session, error: Error) -> None:
    """Answer with an error; a transaction that is being queued will fail."""
    if session.transaction is not None:
        session.transaction.failed = True
    session.answer_reply(error)


def call_bytes(args: list[bytes]) -> int:
    """About what a command measures in memory and in the log."""
    return sum(map(len, args)) + 8 * len(args)
