"""Permission: what the user of a session may do, asked for each of its commands (see ``guard``)."""

from enum import Enum
from typing import Final

from trivet.core.access.verdict import refusal
from trivet.core.command.lookup import find_row
from trivet.core.node.client_list import describe
from trivet.core.node.front import Front
from trivet.core.node.routes import Route
from trivet.core.node.session import MULTI, USER, Session
from trivet.core.wire.reply import Error


class Permission(Enum):
    """The answer, when it is no refusal."""

    GIVEN = 0
    UNSURE = 1
    """To be asked again when the session is idle: nobody is refused by old knowledge (Rule A4)."""


_HOLDS_CALLS: Final = {
    b"EXEC": 1, b"EVAL": 1, b"EVALSHA": 1, b"EVAL_RO": 1, b"EVALSHA_RO": 1, b"FCALL": 1, b"FCALL_RO": 1,
    b"SORT": 1, b"SORT_RO": 1,
}  # fmt: skip
"""What has other calls in it, or reads keys that its arguments do not name."""


def permission(front: Front, session: Session, route: Route, args: list[bytes]) -> Permission | Error:
    """Whether the session's user may do this. A refusal is noted in ACL LOG."""
    row = find_row(args)
    if isinstance(row, Error):
        # A subcommand that there is not, or with the wrong number of arguments: never on to its handler.
        return row
    found = front.guard.denial(session, row, args)
    if found is None:
        return Permission.GIVEN
    if not session.fresh:
        if session.idle:
            front.catch_up(session)
        return Permission.UNSURE
    context = "toplevel" if session.transaction is None else "multi"
    session.last_command = row.name
    front.guard.note(found, context, session.user, describe(front, session), front.now_ms)
    error = refusal(found)
    if route.name == b"EXEC" and session.transaction is not None:
        abort_transaction(front, session)
        error = Error("EXECABORT Transaction discarded because of: " + error.text)
    return error


def abort_transaction(front: Front, session: Session) -> None:
    """The session is not between ``MULTI`` and ``EXEC`` any more, and watches nothing."""
    session.transaction = None
    session.vet &= ~MULTI
    if session.watching:
        front.unwatch(session)


def on_behalf(session: Session, args: list[bytes]) -> list[bytes]:
    """The call as it goes to the machine: one with calls in it takes along whose rights bound them."""
    if session.vet & USER and args[0] in _HOLDS_CALLS:
        return [b"AS", session.user, b"%d" % session.conn, *args]
    return args
