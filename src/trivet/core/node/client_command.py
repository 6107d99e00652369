"""``CLIENT``: what a connection says about itself, and what is said about connections.

All of it is about this node: a client id, a pause or a list never leaves it.
"""

from typing import Final

from trivet.core.command.arguments import exact, unknown_subcommand, wrong_arity
from trivet.core.node.blocking import UNBLOCKED
from trivet.core.node.client_causal import causal
from trivet.core.node.client_list import describe, kill_clients, list_clients
from trivet.core.node.client_tracking import redirect_of, set_caching, set_tracking, tracking_info
from trivet.core.node.front import Front
from trivet.core.node.session import SKIPPING, Session
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import NULL_ARRAY, OK, Error, Reply, Simple

NAME_ERROR: Final = Error("ERR Client names cannot contain spaces, newlines or special characters.")
_SYNTAX: Final = Error("ERR syntax error")
_NOT_AN_INTEGER: Final = Error("ERR value is not an integer or out of range")
_PAUSE_MS_MAX: Final = 2**62
_HELP: Final = [
    "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CAUSAL (ON [<token>]|OFF|TOKEN)",
    "    This connection never sees less than it, or whose token it brings, has seen (mode eventual).",
    "CACHING (YES|NO)",
    "    Whether the next command's reads are tracked (modes OPTIN and OPTOUT).",
    "GETREDIR",
    "    The id of the client that is told in place of this one.",
    "GETNAME",
    "    The name of this connection.",
    "ID",
    "    The id of this connection, on this node.",
    "INFO",
    "    One line about this connection.",
    "KILL <ip:port>|[ID <id>] [ADDR <ip:port>] [LADDR <ip:port>] [TYPE <type>] [USER <name>] [MAXAGE <s>]"
    " [SKIPME (yes|no)]",
    "    Close connections of this node.",
    "LIST [TYPE <type>|ID <id> ...]",
    "    One line for each connection of this node.",
    "NO-EVICT (on|off)",
    "    Accepted; connections are not evicted here.",
    "NO-TOUCH (on|off)",
    "    Accepted; see OBJECT IDLETIME.",
    "PAUSE <ms> [WRITE|ALL]",
    "    This node holds its clients' commands, or their writes, for a while.",
    "REPLY (ON|OFF|SKIP)",
    "    Whether this connection is answered.",
    "SETINFO <LIB-NAME|LIB-VER> <value>",
    "    The client library's name or version.",
    "SETNAME <name>",
    "    Name this connection.",
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> ...] [OPTIN] [OPTOUT] [NOLOOP]",
    "    Tell this client when what it has read changes.",
    "TRACKINGINFO",
    "    How this connection tracks.",
    "UNBLOCK <id> [TIMEOUT|ERROR]",
    "    End the waiting call of a client of this node.",
    "UNPAUSE",
    "    End a pause.",
    "HELP",
    "    This text.",
]
_ARITY: Final[dict[bytes, int]] = {
    b"CACHING": 3, b"CAUSAL": -3, b"GETNAME": 2, b"GETREDIR": 2, b"HELP": 2, b"ID": 2, b"INFO": 2,
    b"KILL": -3, b"LIST": -2, b"NO-EVICT": 3, b"NO-TOUCH": 3, b"PAUSE": -3, b"REPLY": 3, b"SETINFO": 4,
    b"SETNAME": 3, b"TRACKING": -3, b"TRACKINGINFO": 2, b"UNBLOCK": -3, b"UNPAUSE": 2,
}  # fmt: skip
_ORDERLY: Final = (b"CAUSAL", b"REPLY", b"TRACKING")
"""What must not overtake replies that are under way."""


def is_client_name(name: bytes) -> bool:
    """Printable ASCII without spaces, as Redis asks."""
    return all(33 <= byte <= 126 for byte in name)


def client(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer any ``CLIENT`` command; False: when the session is idle."""
    action = args[1].upper()
    arity = _ARITY.get(action)
    if arity is None:
        session.answer_reply(unknown_subcommand(args[0], args[1]))
        return True
    name = f"client|{action.decode().lower()}"
    if len(args) != arity and (arity > 0 or len(args) < -arity):
        session.answer_reply(wrong_arity(name))
        return True
    if action in _ORDERLY and not session.idle:
        return False
    session.last_command = name
    if action == b"REPLY":
        _reply(session, args[2])
    else:
        session.answer_reply(_about_itself(front, session, action, args))
    return True


def _about_itself(front: Front, session: Session, action: bytes, args: list[bytes]) -> Reply:
    if action == b"ID":
        return session.conn
    if action == b"GETNAME":
        return session.name or None
    if action == b"SETNAME":
        return _set_name(session, args[2])
    if action == b"SETINFO":
        return _set_info(session, args[2], args[3])
    if action == b"INFO":
        return describe(front, session).encode("utf-8", "replace")
    if action in (b"NO-EVICT", b"NO-TOUCH"):
        return _switch(session, action, args[2])
    if action == b"TRACKING":
        return set_tracking(front, session, args[2:])
    if action == b"CAUSAL":
        return causal(front, session, args[2:])
    if action == b"CACHING":
        return set_caching(session, args[2])
    if action == b"TRACKINGINFO":
        return tracking_info(session)
    if action == b"GETREDIR":
        return redirect_of(session)
    return _about_others(front, session, action, args)


def _about_others(front: Front, session: Session, action: bytes, args: list[bytes]) -> Reply:
    if action == b"LIST":
        return list_clients(front, args[2:])
    if action == b"KILL":
        return kill_clients(front, session, args[2:])
    if action == b"PAUSE":
        return _pause(front, args)
    if action == b"UNPAUSE":
        front.let_go()
        return OK
    if action == b"UNBLOCK":
        return _unblock(front, args)
    return [Simple(line) for line in _HELP]


def _set_name(session: Session, name: bytes) -> Reply:
    if not is_client_name(name):
        return NAME_ERROR
    session.name = name
    return OK


def _set_info(session: Session, attribute: bytes, value: bytes) -> Reply:
    if not is_client_name(value):
        return Error(
            f"ERR {attribute[:32].decode('latin-1').lower()} cannot contain spaces, newlines or "
            "special characters."
        )
    option = attribute.upper()
    if option == b"LIB-NAME":
        session.library = value
    elif option == b"LIB-VER":
        session.library_version = value
    else:
        return Error(f"ERR Unrecognized option '{exact(attribute[:128])}'")
    return OK


def _switch(session: Session, action: bytes, word: bytes) -> Reply:
    state = word.lower()
    if state not in (b"on", b"off"):
        return _SYNTAX
    if action == b"NO-EVICT":
        session.no_evict = state == b"on"
    return OK


def _reply(session: Session, word: bytes) -> None:
    """``CLIENT REPLY``: answers only to ``ON``."""
    state = word.lower()
    if state == b"on":
        session.muted = session.skipped = False
        session.vet &= ~SKIPPING
        session.answer_reply(OK)
    elif state == b"off":
        session.muted = True
    elif state == b"skip":
        if not session.muted:
            session.muted = True
            session.skipped = False
            session.vet |= SKIPPING
    else:
        session.answer_reply(_SYNTAX)


def _pause(front: Front, args: list[bytes]) -> Reply:
    mode = args[3].lower() if len(args) > 3 else b"all"
    if len(args) > 4 or mode not in (b"write", b"all"):
        return Error("ERR CLIENT PAUSE mode must be WRITE or ALL")
    timeout_ms = parse_int(args[2])
    if timeout_ms is None or timeout_ms > _PAUSE_MS_MAX:
        return Error("ERR timeout is not an integer or out of range")
    if timeout_ms < 0:
        return Error("ERR timeout is negative")
    front.hold(front.now_ms + timeout_ms, mode == b"write")
    return OK


def _unblock(front: Front, args: list[bytes]) -> Reply:
    reason = args[3].lower() if len(args) > 3 else b"timeout"
    if len(args) > 4 or reason not in (b"timeout", b"error"):
        return Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    conn = parse_int(args[2])
    if conn is None:
        return _NOT_AN_INTEGER
    return int(front.blocked.unblock(conn, UNBLOCKED if reason == b"error" else NULL_ARRAY))
