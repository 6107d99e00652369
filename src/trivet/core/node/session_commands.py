"""Commands that the node answers itself: the conversation, not the data."""

from collections.abc import Callable
from typing import Final

from trivet.core.access.user import DEFAULT
from trivet.core.access.verdict import Denial, Reason
from trivet.core.command import introspection
from trivet.core.command.table import ROWS
from trivet.core.group.face import Replica
from trivet.core.machine.entry import encode_calls
from trivet.core.node.acl_command import acl
from trivet.core.node.admin_command import ADMIN_NAMES, admin
from trivet.core.node.client_command import NAME_ERROR, client, is_client_name
from trivet.core.node.client_list import describe
from trivet.core.node.cluster_command import cluster
from trivet.core.node.config_command import config
from trivet.core.node.debug_command import debug
from trivet.core.node.front import Front
from trivet.core.node.gathering import Plan, watch_plan
from trivet.core.node.info import VERSION_OF_REDIS, info
from trivet.core.node.keyspace_command import keyspace
from trivet.core.node.latency_command import latency
from trivet.core.node.manners import MANNERS
from trivet.core.node.permission import on_behalf
from trivet.core.node.pubsub_commands import PUBSUB_HANDLERS, unsubscribe_from_everything
from trivet.core.node.router import CROSSSLOT, NOT_IN_REACH
from trivet.core.node.session import MULTI, SKIPPING, SUBSCRIBED, Session, Sort, Transaction, Waits
from trivet.core.node.slowlog_command import slowlog
from trivet.core.node.txn_command import txn
from trivet.core.node.vetting import Verdict
from trivet.core.wire.reply import OK, PONG, Error, Reply, Simple

Handler = Callable[[Front, Session, list[bytes]], bool]
"""Answers and gives True; False: wait until the session is idle, then come again."""

_INT_ERROR: Final = Error("ERR value is not an integer or out of range")
_SYNTAX_ERROR: Final = Error("ERR syntax error")
_WRONG_PASS: Final = Error("WRONGPASS invalid username-password pair or user is disabled.")


def parse_integer(text: bytes) -> int | None:
    """A decimal int64, or None."""
    digits = text[1:] if text[:1] == b"-" else text
    if not digits.isdigit() or len(digits) > 19 or (len(digits) > 1 and digits[:1] == b"0"):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def _ping(front: Front, session: Session, args: list[bytes]) -> bool:
    if len(args) > 2:
        session.answer_reply(Error("ERR wrong number of arguments for 'ping' command"))
    elif session.vet & SUBSCRIBED and session.protocol == 2:
        session.answer_reply([b"pong", args[1] if len(args) == 2 else b""])
    else:
        session.answer_reply(args[1] if len(args) == 2 else PONG)
    return True


def _echo(front: Front, session: Session, args: list[bytes]) -> bool:
    session.answer_reply(args[1])
    return True


def _quit(front: Front, session: Session, args: list[bytes]) -> bool:
    session.answer_reply(OK)
    front.close_after_replies(session)
    return True


def _select(front: Front, session: Session, args: list[bytes]) -> bool:
    number = front.database_named(args[1])
    if number is not None:
        front.select(session, number)
        session.answer_reply(OK)
        return True
    if not session.fresh:
        # Another node may have answered that there is such a keyspace (Rule C5).
        if session.idle:
            front.catch_up(session)
        return False
    named = parse_integer(args[1]) is None
    session.answer_reply(
        session.fresh_error or (_INT_ERROR if named else Error("ERR DB index is out of range"))
    )
    return True


def _reset(front: Front, session: Session, args: list[bytes]) -> bool:
    if not session.idle:
        return False
    if session.watching:
        _unwatch_quietly(front, session)
    end_transaction(session)
    unsubscribe_from_everything(front, session)
    front.select(session, 0)
    session.protocol = 2
    session.name = b""
    session.readonly = False
    session.knows_topology = False
    front.tracking.stop(session)
    if session.monitors:
        front.stop_monitoring(session)
    session.forget_wishes()
    session.vet &= ~SKIPPING
    front.guard.welcome(session)
    session.answer_reply(Simple("RESET"))
    return True


def log_in(front: Front, session: Session, user: bytes, password: bytes, command: bytes) -> Verdict:
    """Let the client be this user; or answer that it may not, and note that it tried (Rule A4)."""
    if front.guard.login(session, user, password):
        return Verdict.GO
    if not session.fresh:
        if session.idle:
            front.catch_up(session)
        return Verdict.PARK
    if session.fresh_error is not None:
        session.answer_reply(session.fresh_error)
        return Verdict.TAKEN
    context = "toplevel" if session.transaction is None else "multi"
    found = Denial(Reason.AUTH, command)
    front.guard.note(found, context, user, describe(front, session), front.now_ms)
    session.answer_reply(_WRONG_PASS)
    return Verdict.TAKEN


def _auth(front: Front, session: Session, args: list[bytes]) -> bool:
    if len(args) > 3:
        session.answer_reply(_SYNTAX_ERROR)
    elif len(args) == 2 and front.guard.default.nopass:
        session.answer_reply(
            Error(
                "ERR AUTH <password> called without any password configured for the default user. "
                "Are you sure your configuration is correct?"
            )
        )
    else:
        verdict = log_in(front, session, DEFAULT if len(args) == 2 else args[1], args[-1], b"auth")
        if verdict is Verdict.GO:
            session.answer_reply(OK)
        return verdict is not Verdict.PARK
    return True


def _hello(front: Front, session: Session, args: list[bytes]) -> bool:
    if not session.idle:
        return False
    protocol = session.protocol
    position = 1
    if len(args) > 1:
        number = parse_integer(args[1])
        if number is None:
            session.answer_reply(Error("ERR Protocol version is not an integer or out of range"))
            return True
        if number not in (2, 3):
            session.answer_reply(Error("NOPROTO unsupported protocol version"))
            return True
        protocol = number
        position = 2
    name: bytes | None = None
    login: tuple[bytes, bytes] | None = None
    while position < len(args):
        option = args[position].upper()
        left = len(args) - position - 1
        if option == b"AUTH" and left >= 2:
            login = (args[position + 1], args[position + 2])
            position += 3
        elif option == b"SETNAME" and left >= 1:
            name = args[position + 1]
            if not is_client_name(name):
                session.answer_reply(NAME_ERROR)
                return True
            position += 2
        else:
            session.answer_reply(
                Error(f"ERR Syntax error in HELLO option '{args[position][:128].decode('latin-1')}'")
            )
            return True
    if login is not None:
        verdict = log_in(front, session, *login, b"hello")
        if verdict is not Verdict.GO:
            return verdict is Verdict.TAKEN
    if not session.authenticated:
        session.answer_reply(
            Error(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH "
                "<user> <pass> option can be used to authenticate the client and select the RESP protocol "
                "version at the same time"
            )
        )
        return True
    if name is not None:
        session.name = name
    session.protocol = protocol
    facts: dict[bytes, Reply] = {
        b"server": b"redis",
        b"version": VERSION_OF_REDIS.encode(),
        b"proto": protocol,
        b"id": session.conn,
        b"mode": b"standalone",
        b"role": b"master",
        b"modules": [],
    }
    session.answer_reply(facts)
    return True


def _command(front: Front, session: Session, args: list[bytes]) -> bool:
    session.answer_reply(introspection.answer_command(args))
    return True


def _info(front: Front, session: Session, args: list[bytes]) -> bool:
    session.answer_reply(info(front, [arg.decode("latin-1").lower() for arg in args[1:]]))
    return True


def _role(front: Front, session: Session, args: list[bytes]) -> bool:
    session.answer_reply([b"master", front.group.raft.commit, []])
    return True


def _wait(front: Front, session: Session, args: list[bytes]) -> bool:
    return _wait_for(front, session, args, Sort.WAIT)


def _waitaof(front: Front, session: Session, args: list[bytes]) -> bool:
    local = parse_integer(args[1])
    if local is None or not 0 <= local <= 1:
        session.answer_reply(Error("ERR value is out of range, must be between 0 and 1"))
        return True
    return _wait_for(front, session, args[1:], Sort.WAITAOF)


def _wait_for(front: Front, session: Session, args: list[bytes], sort: Sort) -> bool:
    """What is answered is on this node's disk; it remains to wait for others."""
    replicas = parse_integer(args[1])
    timeout_ms = parse_integer(args[2])
    if replicas is None or timeout_ms is None:
        session.answer_reply(_INT_ERROR)
        return True
    if timeout_ms < 0:
        session.answer_reply(Error("ERR timeout is negative"))
        return True
    if not session.idle:
        return False
    held = front.held(session)
    if held >= replicas:
        session.answer_reply(held if sort is Sort.WAIT else [1, held])
    else:
        session.waits = Waits(replicas, front.now_ms + timeout_ms if timeout_ms else 0, sort)
        front.waiting[session.conn] = session
    return True


def _monitor(front: Front, session: Session, args: list[bytes]) -> bool:
    if not session.idle:
        return False
    session.answer_reply(OK)
    front.monitor(session)
    return True


def end_transaction(session: Session) -> None:
    """The session is not, or no longer, between ``MULTI`` and ``EXEC``."""
    session.transaction = None
    session.vet &= ~MULTI


def _multi(front: Front, session: Session, args: list[bytes]) -> bool:
    if session.transaction is not None:
        session.answer_reply(Error("ERR MULTI calls can not be nested"))
    else:
        session.transaction = Transaction(session.db)
        session.vet |= MULTI
        session.answer_reply(OK)
    return True


def _discard(front: Front, session: Session, args: list[bytes]) -> bool:
    if session.transaction is None:
        session.answer_reply(Error("ERR DISCARD without MULTI"))
        return True
    if session.watching:
        _unwatch_quietly(front, session)
    end_transaction(session)
    session.answer_reply(OK)
    return True


def _unwatch_quietly(front: Front, session: Session) -> None:
    """Take the watches back through the log, with nobody waiting for the reply."""
    front.unwatch(session)


def _exec(front: Front, session: Session, args: list[bytes]) -> bool:
    transaction = session.transaction
    if transaction is None:
        session.answer_reply(Error("ERR EXEC without MULTI"))
        return True
    if transaction.failed:
        if session.watching:
            _unwatch_quietly(front, session)
        end_transaction(session)
        session.answer_reply(Error("EXECABORT Transaction discarded because of previous errors."))
        return True
    if session.watching and not session.idle and any(n in front.leaderless for n in session.watching_in):
        return False  # what the client has seen where nobody leads goes along, so it must have been seen
    writes = session.watching or not transaction.only_reads
    group = _group_of(front, session, transaction)
    if group is NOT_IN_REACH and front.waits_for_map(session, args):
        return False
    if isinstance(group, Error) and group is not CROSSSLOT:
        if session.watching:
            _unwatch_quietly(front, session)
        end_transaction(session)
        session.answer_reply(group)
        return True
    watcher = b"%d" % session.conn if session.watching else b""
    call = on_behalf(session, [b"EXEC", encode_calls(transaction.calls), watcher])
    if isinstance(group, Error):
        assert front.transactor is not None
        if not front.transactor.take(session, call, [*session.watching_in]):
            return False
    else:
        run = front.run_for(session, writes, group)
        if run is None:
            return False
        run.add((session.db, call), transaction.size_bytes + 64)
        if writes:
            front.tracking.on_transaction(session, run, transaction.calls)
        session.calls_under_way += 1
    front.select(session, transaction.db)
    end_transaction(session)
    session.watching = False
    session.watching_in = {}
    return True


def _group_of(front: Front, session: Session, transaction: Transaction) -> Replica | Error:
    """Where a transaction runs; ``CROSSSLOT``: what it names, or its client watches, is in several groups."""
    router = front.router
    if not router.many and session.home is not None:
        return session.home
    found = router.of_calls(transaction.calls)
    if found is None:
        watched = [front.replicas[number] for number in session.watching_in if number in front.replicas]
        found = watched[0] if watched else session.home or router.of_keys(session.db, [])
    for number in [n for n in session.watching_in if n in front.leaderless]:
        if not front.leaderless[number].watched_by(session.conn):
            del session.watching_in[number]  # the look has gone elsewhere, or the group is no more
    watching_in = [*session.watching_in]
    if watching_in and not isinstance(found, Error) and watching_in != [found.settings.group]:
        here = front.leaderless.get(found.settings.group)
        found = CROSSSLOT if here is None else MANNERS[here.mode].several
    for number in session.watching_in if found is CROSSSLOT else []:
        if number in front.leaderless:
            return MANNERS[front.leaderless[number].mode].several
    return found


def _watch(front: Front, session: Session, args: list[bytes]) -> bool:
    if session.transaction is not None:
        session.answer_reply(Error("ERR WATCH inside MULTI is not allowed"))
        return True
    refusal = front.refuse_write()
    if refusal is not None:
        session.answer_reply(refusal)
        return True
    call = [b"WATCH", b"%d" % session.conn, *args[1:]]
    group = session.home or watch_plan(front.router, session.db, call)
    if group is NOT_IN_REACH and front.waits_for_map(session, args):
        return False
    if isinstance(group, Error):
        session.answer_reply(group)
        return True
    groups = [part for part, _ in group.parts] if isinstance(group, Plan) else [group]
    if isinstance(group, Plan):
        if not front.gather(session, True, group):
            return False
    elif not front.call_group(session, True, call, group):
        return False
    session.watching = True
    session.watching_in.update(dict.fromkeys([part.settings.group for part in groups]))
    return True


def _unwatch(front: Front, session: Session, args: list[bytes]) -> bool:
    if session.watching:
        _unwatch_quietly(front, session)
    session.answer_reply(OK)
    return True


def _readonly(front: Front, session: Session, args: list[bytes]) -> bool:
    session.readonly = True
    session.answer_reply(OK)
    return True


def _readwrite(front: Front, session: Session, args: list[bytes]) -> bool:
    session.readonly = False
    session.answer_reply(OK)
    return True


def _asking(front: Front, session: Session, args: list[bytes]) -> bool:
    session.knows_topology = True
    session.answer_reply(OK)
    return True


def _lolwut(front: Front, session: Session, args: list[bytes]) -> bool:
    session.answer_reply(b"Trivet: three legs stand firm on uneven ground.\nRedis ver. 7.0.15\n")
    return True


HANDLERS: Final[dict[bytes, Handler]] = {
    b"ACL": acl,
    b"PING": _ping,
    b"ECHO": _echo,
    b"QUIT": _quit,
    b"SELECT": _select,
    b"RESET": _reset,
    b"AUTH": _auth,
    b"HELLO": _hello,
    b"CLIENT": client,
    b"CLUSTER": cluster,
    b"KEYSPACE": keyspace,
    b"TXN": txn,
    b"COMMAND": _command,
    b"INFO": _info,
    b"CONFIG": config,
    b"ROLE": _role,
    b"WAIT": _wait,
    b"WAITAOF": _waitaof,
    b"SLOWLOG": slowlog,
    b"LATENCY": latency,
    b"DEBUG": debug,
    b"MONITOR": _monitor,
    **dict.fromkeys(ADMIN_NAMES, admin),
    b"MULTI": _multi,
    b"EXEC": _exec,
    b"DISCARD": _discard,
    b"WATCH": _watch,
    b"UNWATCH": _unwatch,
    b"READONLY": _readonly,
    b"READWRITE": _readwrite,
    b"ASKING": _asking,
    b"LOLWUT": _lolwut,
    **PUBSUB_HANDLERS,
}
assert all(name in ROWS for name in HANDLERS)
