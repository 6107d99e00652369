"""``CLIENT LIST``, ``INFO`` and ``KILL``: which connections there are, and an end to some of them."""

from typing import Final

from trivet.core.command.arguments import exact
from trivet.core.node.front import Front
from trivet.core.node.session import SUBSCRIBED, Session
from trivet.core.wire.reply import OK, Error, Reply

_SYNTAX: Final = Error("ERR syntax error")
_TYPES: Final = (b"normal", b"master", b"replica", b"slave", b"pubsub")


def describe(front: Front, session: Session) -> str:
    """One line about a connection, with the fields of Redis 7.0, and the library's as 7.2 shows it."""
    now_ms = front.now_ms
    transaction = session.transaction
    queued = len(transaction.calls) if transaction is not None else -1
    queued_bytes = transaction.size_bytes if transaction is not None else 0
    buffered = session.parser.buffered_bytes()
    tracked = session.tracked
    sub, psub, ssub = session.subscriptions
    return (
        f"id={session.conn} addr={session.address} laddr={session.local_address} fd=-1 "
        f"name={session.name.decode('latin-1')} age={(now_ms - session.created_ms) // 1000} "
        f"idle={(now_ms - session.active_ms) // 1000} flags={flags_of(front, session)} "
        f"db={session.db} sub={sub} psub={psub} ssub={ssub} multi={queued} qbuf={buffered} qbuf-free=0 "
        f"argv-mem=0 multi-mem={queued_bytes} rbs=0 rbp=0 obl=0 oll=0 omem={session.backlog_bytes} "
        f"tot-mem={buffered + queued_bytes + session.backlog_bytes} events=r "
        f"cmd={session.last_command or 'NULL'} user={session.user.decode('utf-8', 'replace')} "
        f"redir={tracked.redirect if tracked is not None else -1} resp={session.protocol} "
        f"lib-name={session.library.decode('latin-1')} lib-ver={session.library_version.decode('latin-1')}\n"
    )


def flags_of(front: Front, session: Session) -> str:
    """Letters for what the connection is doing, as Redis has them."""
    tracked = session.tracked
    letters = (
        ("O", session.monitors),
        ("P", bool(session.vet & SUBSCRIBED)),
        ("x", session.transaction is not None),
        ("b", session.is_waiting()),
        ("t", tracked is not None),
        ("R", tracked is not None and tracked.broken),
        ("B", tracked is not None and tracked.everything),
        ("c", session.closing),
        ("r", session.readonly),
        ("e", session.no_evict),
    )
    return "".join([letter for letter, holds in letters if holds]) or "N"


def list_clients(front: Front, options: list[bytes]) -> Reply:
    """``CLIENT LIST [TYPE type] [ID id …]``."""
    sessions = list(front.sessions.values())
    word = options[0].upper() if options else b""
    if word == b"ID" and len(options) > 1:
        wanted: dict[int, None] = {}
        for option in options[1:]:
            if not option.isdigit() or len(option) > 18 or int(option) < 1:
                return Error("ERR Invalid client ID")
            wanted[int(option)] = None
        sessions = [front.sessions[conn] for conn in wanted if conn in front.sessions]
    elif word == b"TYPE" and len(options) == 2:
        kind = options[1].lower()
        if kind not in _TYPES:
            return Error(f"ERR Unknown client type '{exact(options[1][:128])}'")
        sessions = [session for session in sessions if is_of_type(session, kind)]
    elif options:
        return _SYNTAX
    return "".join([describe(front, session) for session in sessions]).encode("utf-8", "replace")


def is_of_type(session: Session, kind: bytes) -> bool:
    """Clients that listen are of type ``pubsub``, all others ``normal``."""
    return kind == (b"pubsub" if session.vet & SUBSCRIBED else b"normal")


class Filters:
    """Whom ``CLIENT KILL`` means; all that are given must fit."""

    def __init__(self) -> None:
        self.conn = 0
        self.address: bytes | None = None
        self.local_address: bytes | None = None
        self.user: bytes | None = None
        self.kind: bytes | None = None
        self.age_s = 0
        self.skip_me = True

    def fits(self, front: Front, session: Session) -> bool:
        """Whether the client is meant."""
        return (
            self.conn in (0, session.conn)
            and self.address in (None, session.address.encode("latin-1"))
            and self.local_address in (None, session.local_address.encode("latin-1"))
            and self.user in (None, session.user)
            and (self.kind is None or is_of_type(session, self.kind))
            and (not self.age_s or front.now_ms - session.created_ms >= self.age_s * 1000)
        )


def kill_clients(front: Front, session: Session, options: list[bytes]) -> Reply:
    """The old form names one address and answers OK; the new form filters and answers a count."""
    if len(options) == 1:
        for other in list(front.sessions.values()):
            if other.address.encode("latin-1") == options[0]:
                front.close_after_replies(other)
                return OK
        return Error("ERR No such client")
    filters = _read_filters(front, options)
    if isinstance(filters, Error):
        return filters
    victims = [other for other in front.sessions.values() if filters.fits(front, other)]
    killed = 0
    for victim in victims:
        if victim is session and filters.skip_me:
            continue
        killed += 1
        _end(front, session, victim)
    return killed


def _end(front: Front, session: Session, victim: Session) -> None:
    """Others are cut off at once; whoever kills itself hears so first."""
    if victim is session:
        front.close_after_replies(victim)
    else:
        front.kill(victim)


def _read_filters(front: Front, options: list[bytes]) -> Filters | Error:
    if len(options) % 2:
        return _SYNTAX
    filters = Filters()
    for option, value in zip(options[::2], options[1::2], strict=True):
        error = _read_filter(front, filters, option.upper(), value)
        if error is not None:
            return error
    return filters


def _read_filter(front: Front, filters: Filters, word: bytes, value: bytes) -> Error | None:
    if word == b"ID":
        if not value.isdigit() or len(value) > 18 or int(value) < 1:
            return Error("ERR client-id should be greater than 0")
        filters.conn = int(value)
    elif word == b"MAXAGE":
        if not value.isdigit() or len(value) > 18 or int(value) < 1:
            return Error("ERR maxage is not an integer or out of range")
        filters.age_s = int(value)
    elif word == b"TYPE":
        filters.kind = value.lower()
        if filters.kind not in _TYPES:
            return Error(f"ERR Unknown client type '{exact(value[:128])}'")
    elif word == b"ADDR":
        filters.address = value
    elif word == b"LADDR":
        filters.local_address = value
    elif word == b"USER":
        if front.guard.user_named(value) is None:
            return Error(f"ERR No such user '{exact(value[:128])}'")
        filters.user = value
    elif word == b"SKIPME" and value.lower() in (b"yes", b"no"):
        filters.skip_me = value.lower() == b"yes"
    else:
        return _SYNTAX
    return None
