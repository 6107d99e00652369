"""``DEBUG``: the few subcommands that libraries' tests use and that harm nobody else.

``DEBUG SLEEP`` holds the calling client only: a node never sleeps. Everything that would stop
or corrupt a node is refused.
"""

from typing import Final

from trivet.core.command.arguments import exact
from trivet.core.command.objects import encoding_of
from trivet.core.node.front import Front
from trivet.core.node.session import Session, Sort, Waits
from trivet.core.values.numbers import parse_float
from trivet.core.values.sizes import value_bytes
from trivet.core.wire.reply import OK, Error, Reply, Simple

SLEEP_MAX_S: Final = 3600.0
_NEVER: Final = 1 << 30
_ACCEPTED: Final = (b"SET-ACTIVE-EXPIRE", b"SET-DISABLE-DENY-SCRIPTS", b"QUICKLIST-PACKED-THRESHOLD")
"""Switches of Redis' own insides: nothing to switch here."""
_HELP: Final = (
    "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "OBJECT <key>",
    "    What this node's copy of the value looks like.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Accepted, without effect: keys expire through the log.",
    "SLEEP <seconds>",
    "    Answers after that time. Nobody else waits.",
    "HELP",
    "    This text.",
)


def debug(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer any ``DEBUG`` command; False: when the session is idle."""
    if not session.idle:
        return False
    action = args[1].upper()
    if action == b"SLEEP" and len(args) == 3:
        _sleep(front, session, args[2])
    elif action == b"OBJECT" and len(args) >= 3:
        session.answer_reply(_object(front, session, args[2]))
    elif action in _ACCEPTED and len(args) == 3:
        session.answer_reply(OK)
    elif action == b"HELP" and len(args) == 2:
        session.answer_reply([Simple(line) for line in _HELP])
    else:
        session.answer_reply(
            Error(f"ERR DEBUG {exact(args[1][:128])} is not served, or has other arguments. Try DEBUG HELP.")
        )
    return True


def _sleep(front: Front, session: Session, text: bytes) -> None:
    seconds = parse_float(text)
    if seconds is None or not 0 <= seconds <= SLEEP_MAX_S:
        session.answer_reply(Error("ERR value is not a valid float"))
        return
    session.waits = Waits(_NEVER, front.now_ms + max(1, round(seconds * 1000)), Sort.SLEEP)
    front.waiting[session.conn] = session


def _object(front: Front, session: Session, key: bytes) -> Reply:
    value = front.group.machine.databases.open(session.db).get(key)
    if value is None:
        return Error("ERR no such key")
    return Simple(
        f"Value at:0x0 refcount:1 encoding:{encoding_of(value).decode()} "
        f"serializedlength:{value_bytes(value)} lru:0 lru_seconds_idle:0"
    )
