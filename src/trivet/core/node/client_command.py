"""``CLIENT``: what a connection says about itself, and what is said about connections."""

from typing import Final

from trivet.core.base.ids import Instant
from trivet.core.node.front import Front
from trivet.core.node.session import Session
from trivet.core.wire.reply import OK, Error, Reply, Simple

NAME_ERROR: Final = Error("ERR Client names cannot contain spaces, newlines or special characters.")
_HELP: Final = [
    "CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "GETNAME",
    "    The name of this connection.",
    "ID",
    "    The id of this connection.",
    "INFO",
    "    One line about this connection.",
    "KILL <ip:port>|[ID <id>] [ADDR <ip:port>] [SKIPME (yes|no)]",
    "    Close connections of this front.",
    "LIST [ID <id> ...]",
    "    One line for each connection of this front.",
    "NO-EVICT (on|off)",
    "    Accepted; nothing is evicted here.",
    "SETINFO <LIB-NAME|LIB-VER> <value>",
    "    The client library's name or version.",
    "SETNAME <name>",
    "    Name this connection.",
    "HELP",
    "    This text.",
]


def is_client_name(name: bytes) -> bool:
    """Printable ASCII without spaces, as Redis asks."""
    return all(33 <= byte <= 126 for byte in name)


def client(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer any ``CLIENT`` command."""
    action = args[1].upper()
    count = len(args)
    reply: Reply
    if action == b"ID" and count == 2:
        reply = session.conn
    elif action == b"GETNAME" and count == 2:
        reply = session.name or None
    elif action == b"SETNAME" and count == 3:
        reply = _set_name(session, args[2])
    elif action == b"SETINFO" and count == 4:
        reply = _set_info(session, args[2], args[3])
    elif action == b"INFO" and count == 2:
        reply = describe(session, front.now_ms).encode("latin-1")
    elif action == b"LIST":
        reply = _list(front, args[2:])
    elif action == b"KILL" and count >= 3:
        reply = _kill(front, session, args[2:])
    elif action == b"NO-EVICT" and count == 3:
        reply = OK if args[2].lower() in (b"on", b"off") else Error("ERR syntax error")
    elif action == b"HELP" and count == 2:
        reply = [Simple(line) for line in _HELP]
    else:
        name = args[1][:128].decode("latin-1")
        reply = Error(f"ERR unknown subcommand or wrong number of arguments for '{name}'. Try CLIENT HELP.")
    session.answer_reply(reply)
    return True


def describe(session: Session, now_ms: Instant) -> str:
    """One line about a connection, with the fields that Redis users look for."""
    flags = "x" if session.transaction is not None else "N"
    queued = len(session.transaction.calls) if session.transaction is not None else -1
    return (
        f"id={session.conn} addr={session.address} laddr= fd=-1 name={session.name.decode('latin-1')} "
        f"age={(now_ms - session.created_ms) // 1000} idle={(now_ms - session.active_ms) // 1000} "
        f"flags={flags} "
        f"db={session.db} sub=0 psub=0 ssub=0 multi={queued} qbuf={session.parser.buffered_bytes()} "
        f"qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem={session.backlog_bytes} "
        f"tot-mem={session.backlog_bytes} events=r cmd={session.last_command or 'NULL'} "
        f"user={session.user.decode('latin-1')} redir=-1 "
        f"resp={session.protocol} lib-name={session.library.decode('latin-1')} "
        f"lib-ver={session.library_version.decode('latin-1')}\n"
    )


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
        return Error(f"ERR Unrecognized option '{attribute[:128].decode('latin-1')}'")
    return OK


def _list(front: Front, options: list[bytes]) -> Reply:
    sessions = list(front.sessions.values())
    if options and options[0].upper() == b"ID" and len(options) > 1:
        if not all(option.isdigit() and len(option) < 19 for option in options[1:]):
            return Error("ERR Invalid client ID")
        wanted = {int(option): True for option in options[1:]}
        sessions = [session for session in sessions if session.conn in wanted]
    elif options and options[0].upper() == b"TYPE" and len(options) == 2:
        kind = options[1].lower()
        if kind not in (b"normal", b"master", b"replica", b"slave", b"pubsub"):
            return Error(f"ERR Unknown client type '{options[1][:128].decode('latin-1')}'")
        sessions = sessions if kind == b"normal" else []
    elif options:
        return Error("ERR syntax error")
    return "".join([describe(session, front.now_ms) for session in sessions]).encode("latin-1")


def _kill(front: Front, session: Session, options: list[bytes]) -> Reply:
    """The old form names one address and answers OK; the new form filters and answers a count."""
    if len(options) == 1:
        for other in list(front.sessions.values()):
            if other.address.encode("latin-1") == options[0]:
                front.close_after_replies(other)
                return OK
        return Error("ERR No such client")
    if len(options) % 2:
        return Error("ERR syntax error")
    skip_me = True
    victims = list(front.sessions.values())
    for option, value in zip(options[::2], options[1::2], strict=True):
        word = option.upper()
        if word == b"ID":
            if not value.isdigit() or len(value) > 18:
                return Error("ERR client-id should be greater than 0")
            victims = [victim for victim in victims if victim.conn == int(value)]
        elif word == b"ADDR":
            victims = [victim for victim in victims if victim.address.encode("latin-1") == value]
        elif word == b"LADDR":
            victims = []
        elif word == b"USER":
            if front.guard.user_named(value) is None:
                return Error(f"ERR No such user '{value[:128].decode('latin-1')}'")
            victims = [victim for victim in victims if victim.user == value]
        elif word == b"TYPE":
            victims = victims if value.lower() == b"normal" else []
        elif word == b"SKIPME" and value.lower() in (b"yes", b"no"):
            skip_me = value.lower() == b"yes"
        else:
            return Error("ERR syntax error")
    killed = 0
    for victim in victims:
        if victim is session and skip_me:
            continue
        killed += 1
        if victim is session:
            front.close_after_replies(victim)
        else:
            front.kill(victim)
    return killed
