"""Commands that need a closer look than the hot path of ``dispatch`` has.

Most commands of most clients need none: ``session.vet`` and ``front.vet`` are 0, and that is all
that the hot path asks. Each bit is a reason, and has a check here; the checks run in
redis-server's order, and the first that takes the command or sends it back decides.
"""

from enum import Enum
from typing import Final

from trivet.core.access.verdict import refusal
from trivet.core.command.lookup import find_row
from trivet.core.node.client_command import describe
from trivet.core.node.front import Front
from trivet.core.node.routes import Route
from trivet.core.node.session import HELD, LOGIN, MULTI, USER, Session, Transaction
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
_HOLDS_CALLS: Final = {
    b"EXEC": 1, b"EVAL": 1, b"EVALSHA": 1, b"EVAL_RO": 1, b"EVALSHA_RO": 1, b"FCALL": 1, b"FCALL_RO": 1,
    b"SORT": 1, b"SORT_RO": 1,
}  # fmt: skip
"""What has other calls in it, or reads keys that its arguments do not name."""
_EMBEDDED: Final = {b"PING": 1, b"ECHO": 1, b"SELECT": 1}
"""What the node answers itself, but in its place among the replies of EXEC."""


def vet(front: Front, session: Session, route: Route, args: list[bytes]) -> Verdict:
    """Look at a command whose name and arity are right."""
    reasons = session.vet | front.vet
    if reasons & HELD:
        if not session.idle:
            return Verdict.PARK
        session.vet &= ~HELD
    if reasons & LOGIN and route.needs_auth:
        refuse(session, NOAUTH)
        return Verdict.TAKEN
    if reasons & USER:
        verdict = _look_at_rights(front, session, route, args)
        if verdict is not Verdict.GO:
            return verdict
    if reasons & MULTI and route.name not in _IN_MULTI:
        transaction = session.transaction
        assert transaction is not None
        front.calls_total += 1
        session.last_command = route.shown
        _queue(front, session, transaction, route, args)
        return Verdict.TAKEN
    return Verdict.GO


def _look_at_rights(front: Front, session: Session, route: Route, args: list[bytes]) -> Verdict:
    """Whether the session's user may do this. It is refused only by what all nodes know (Rule A4)."""
    row = find_row(args)
    if isinstance(row, Error):
        # A subcommand that there is not, or with the wrong number of arguments: never on to its handler.
        refuse(session, row)
        return Verdict.TAKEN
    found = front.guard.denial(session, row, args)
    if found is None:
        return Verdict.GO
    if not session.fresh:
        if session.idle:
            front.catch_up(session)
        return Verdict.PARK
    context = "toplevel" if session.transaction is None else "multi"
    session.last_command = row.name
    client = describe(session, front.now_ms)
    front.guard.note(found, context, session.user, client, front.now_ms)
    error = refusal(found)
    if route.name == b"EXEC" and session.transaction is not None:
        abort_transaction(front, session)
        error = Error("EXECABORT Transaction discarded because of: " + error.text)
    refuse(session, error)
    return Verdict.TAKEN


def abort_transaction(front: Front, session: Session) -> None:
    """The session is not between ``MULTI`` and ``EXEC`` any more, and watches nothing."""
    session.transaction = None
    session.vet &= ~MULTI
    if session.watching:
        session.watching = False
        front.unwatch(session.conn)


def on_behalf(session: Session, args: list[bytes]) -> list[bytes]:
    """The call as it goes to the machine: one with calls in it takes along whose rights bound them."""
    if session.vet & USER and args[0] in _HOLDS_CALLS:
        return [b"AS", session.user, b"%d" % session.conn, *args]
    return args


def _queue(front: Front, session: Session, transaction: Transaction, route: Route, args: list[bytes]) -> None:
    """Between ``MULTI`` and ``EXEC``: keep the command, or refuse it and fail the transaction."""
    refused: Error | None = None
    size_bytes = call_bytes(args)
    if route.refuses_multi or (route.session and route.name not in _EMBEDDED):
        refused = Error("ERR Command not allowed inside a transaction")
    elif transaction.size_bytes + size_bytes > front.limits.multi_bytes_max:
        refused = Error(
            f"ERR the transaction is larger than multi_bytes_max ({front.limits.multi_bytes_max})"
        )
    elif route.writes:
        refused = front.refuse_write()
    if refused is None and session.knows_topology and not route.session:
        refused = front.moved(session, args)
    if refused is not None:
        transaction.failed = True
        session.answer_reply(refused)
        return
    transaction.size_bytes += size_bytes
    if route.session:
        _queue_embedded(transaction, route.name, args)
    else:
        transaction.calls.append((transaction.db, args))
        transaction.only_reads = transaction.only_reads and not route.writes
    session.answer_reply(QUEUED)


def _queue_embedded(transaction: Transaction, name: bytes, args: list[bytes]) -> None:
    """Commands that the node answers itself travel as their reply (database -1)."""
    if name == b"SELECT":
        if args[1].isdigit() and len(args[1]) <= 2 and int(args[1]) < 16:
            transaction.db = int(args[1])
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
