"""From requests to runs (stations 2 and 3 of a write): the hot path of every command.

Strategy: one loop over the requests of a read, one dictionary look-up per command, and the
commands of one client in one turn collected in one run.
"""

from typing import Final

import trivet.core.command.all_rows  # noqa: F401 (fills ROWS)
from trivet.core.command.lookup import unknown_command
from trivet.core.node.front import Front
from trivet.core.node.routes import ROUTES, Route
from trivet.core.node.session import Session, Transaction
from trivet.core.node.session_commands import HANDLERS
from trivet.core.wire.reply import QUEUED, Error

_IN_MULTI: Final = {b"EXEC": 1, b"DISCARD": 1, b"MULTI": 1, b"WATCH": 1, b"QUIT": 1, b"RESET": 1}
"""What runs at once even between MULTI and EXEC."""
_EMBEDDED: Final = {b"PING": 1, b"ECHO": 1, b"SELECT": 1}
"""What the node answers itself, but in its place among the replies of EXEC."""

NOAUTH: Final = Error("NOAUTH Authentication required.")


def take_requests(front: Front, session: Session, requests: list[list[bytes]], size_bytes: int) -> None:
    """Take the requests of one read of ``session``; ``size_bytes`` is what they measure together."""
    if session.parked or session.is_waiting():
        session.parked.extend(requests)
        return
    session.active_ms = front.now_ms
    limits = front.limits
    front.look_at_writes()
    may_be_too_large = size_bytes > limits.call_bytes_max
    routes = ROUTES
    position = 0
    for args in requests:
        position += 1
        if session.closing:
            return
        name = args[0]
        route = routes.get(name)
        if route is None:
            name = name.upper()
            route = routes.get(name)
            if route is None:
                _refuse(session, unknown_command(args) if session.authenticated else NOAUTH)
                continue
            args[0] = name
        count = len(args)
        if count != route.arity and (route.arity > 0 or count < -route.arity):
            _refuse(session, wrong_arity(name))
            continue
        if not session.authenticated and route.needs_auth:
            _refuse(session, NOAUTH)
            continue
        front.calls_total += 1
        session.last_command = route.shown
        if session.transaction is not None and name not in _IN_MULTI:
            _queue(front, session, session.transaction, route, args)
            continue
        if route.session:
            if not HANDLERS[name](front, session, args):
                break
            if session.is_waiting():
                session.parked.extend(requests[position:])
                return
            continue
        if may_be_too_large and _call_bytes(args) > limits.call_bytes_max:
            session.answer_reply(
                Error(f"ERR the command is larger than call_bytes_max ({limits.call_bytes_max})")
            )
            continue
        if route.writes and front.refuses_writes:
            refusal = front.refuse_write()
            if refusal is not None:
                session.answer_reply(refusal)
                continue
        if session.knows_topology:
            refusal = front.moved(session, args)
            if refusal is not None:
                session.answer_reply(refusal)
                continue
        run = front.run_for(session, route.writes)
        if run is None:
            break
        run.add((session.db, args), size_bytes)
        size_bytes = 0
        session.calls_under_way += 1
    else:
        return
    front.calls_total -= 1  # the one that has to wait is counted when it comes again
    session.parked.extend(requests[position - 1 :])


def _queue(front: Front, session: Session, transaction: Transaction, route: Route, args: list[bytes]) -> None:
    """Between ``MULTI`` and ``EXEC``: keep the command, or refuse it and fail the transaction."""
    refusal: Error | None = None
    size_bytes = _call_bytes(args)
    if route.refuses_multi or (route.session and route.name not in _EMBEDDED):
        refusal = Error("ERR Command not allowed inside a transaction")
    elif transaction.size_bytes + size_bytes > front.limits.multi_bytes_max:
        refusal = Error(
            f"ERR the transaction is larger than multi_bytes_max ({front.limits.multi_bytes_max})"
        )
    elif route.writes:
        refusal = front.refuse_write()
    if refusal is None and session.knows_topology and not route.session:
        refusal = front.moved(session, args)
    if refusal is not None:
        transaction.failed = True
        session.answer_reply(refusal)
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


def _refuse(session: Session, error: Error) -> None:
    if session.transaction is not None:
        session.transaction.failed = True
    session.answer_reply(error)


def _call_bytes(args: list[bytes]) -> int:
    return sum(map(len, args)) + 8 * len(args)


def wrong_arity(name: bytes) -> Error:
    """As Redis says it."""
    return Error(f"ERR wrong number of arguments for '{name.decode('latin-1').lower()}' command")
