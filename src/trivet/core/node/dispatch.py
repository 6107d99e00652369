"""From requests to runs (stations 2 and 3 of a write): the hot path of every command.

Strategy: one loop over the requests of a read, one dictionary look-up per command, and the
commands of one client in one turn collected in one run.
"""

import trivet.core.script.rows  # noqa: F401 (fills ROWS)
from trivet.core.command.lookup import unknown_command
from trivet.core.command.waiting import may_wait
from trivet.core.group.long_scripts import is_about_running
from trivet.core.group.run import Run
from trivet.core.node.front import Front
from trivet.core.node.gathering import Plan, plan_of
from trivet.core.node.permission import on_behalf
from trivet.core.node.pubsub_commands import may_follow
from trivet.core.node.router import EMPTIES, NOT_IN_REACH
from trivet.core.node.routes import ROUTES, Route
from trivet.core.node.session import LOGIN, NEVER_ROUTED, Session
from trivet.core.node.session_commands import HANDLERS
from trivet.core.node.teaching import is_taught, teach
from trivet.core.node.vetting import NOAUTH, Verdict, call_bytes, refuse, vet
from trivet.core.node.waits import block
from trivet.core.node.wide import Wide
from trivet.core.wire.reply import Error


def take_requests(front: Front, session: Session, requests: list[list[bytes]], size_bytes: int) -> None:
    """Take the requests of one read of ``session``; ``size_bytes`` is what they measure together."""
    if session.parked or session.blocking or session.waits is not None:
        session.parked.extend(requests)
        return
    session.active_ms = front.now_ms
    front.look_at_writes()
    calls_max = front.limits.pipeline_calls_max
    may_be_too_large = size_bytes > front.limits.call_bytes_max
    routes, counts = ROUTES, front.stats.calls
    run: Run | None = None  # what the last command joined, unless something was answered since
    position = 0
    for args in requests:
        position += 1
        if session.closing:
            return
        name = args[0]
        route = routes.get(name)
        if route is None and (route := routes.get(name.upper())) is not None:
            args[0] = name = route.name
        count = len(args)
        if route is None or (count != route.arity and (route.arity > 0 or count < -route.arity)):
            run = None
            refuse(session, _mistake(session, route, args))
            continue
        if session.vet or front.vet:
            run = None
            verdict = vet(front, session, route, args)
            if verdict is Verdict.PARK:
                session.parked.extend(requests[position - 1 :])
                return
            if verdict is Verdict.TAKEN:
                continue
        counts[route.number] += 1
        session.last_command = route.shown
        if route.session:
            run = None
            if not HANDLERS[name](front, session, args):
                break
            if session.is_waiting() and not may_follow(front, session, requests, position):
                session.parked.extend(requests[position:])
                return
            continue
        if front.refuses_writes or session.knows_topology or may_be_too_large:
            run = None
            if (refusal := _refusal(front, session, route, args)) is not None:
                session.answer_reply(refusal)
                continue
        if route.is_wide or route.blocks or session.home is None:
            taken = _take_otherwise(front, session, route, args, size_bytes)
            if taken is not None:
                run = None
                if not taken:
                    break
                size_bytes = 0
                if not session.is_waiting():
                    continue
                session.parked.extend(requests[position:])
                return
        if run is None or run.writes is not route.writes or session.calls_under_way >= calls_max:
            run = front.run_for(session, route.writes)
            if run is None:
                break
        run.add((session.db, on_behalf(session, args) if session.vet else args), size_bytes)
        size_bytes = 0
        session.calls_under_way += 1
    else:
        return
    counts[route.number] -= 1  # the one that has to wait is counted when it comes again
    session.parked.extend(requests[position - 1 :])


def _take_otherwise(
    front: Front, session: Session, route: Route, args: list[bytes], size_bytes: int
) -> bool | None:
    """Take a command that may wait, or whose group is not simply the session's; False: park it.

    None: it is as any other after all.
    """
    if route.is_taught and is_taught(args):
        return teach(front, session, args)
    if route.is_taught and is_about_running(args):
        # Not through the log: it stands behind the script.
        return _spread(front, session, False, args, size_bytes)
    if route.is_wide and front.router.many:
        return spread(front, session, route, args, size_bytes)
    if route.blocks and may_wait(args):
        return block(front, session, args, size_bytes)
    return spread(front, session, route, args, size_bytes) if session.home is None else None


def spread(front: Front, session: Session, route: Route, args: list[bytes], size_bytes: int) -> bool:
    """Take a command whose database is in several groups, or that concerns several; False: park it."""
    if args[0] not in EMPTIES or not front.router.empties_leaderless(session.db, args[0]):
        return _spread(front, session, route.writes, args, size_bytes)
    if not session.idle:
        return False
    taken = _spread(front, session, route.writes, args, size_bytes)
    session.routed_epoch = NEVER_ROUTED  # it goes from key to key: what follows must wait (Rule C1)
    return taken


def _spread(front: Front, session: Session, writes: bool, args: list[bytes], size_bytes: int) -> bool:
    call = on_behalf(session, args) if session.vet else args
    found = plan_of(front.router, session.db, call)
    if found is NOT_IN_REACH and front.waits_for_map(session, args):
        return False
    if isinstance(found, Error):
        session.answer_reply(found)
        return True
    if isinstance(found, Plan):
        return front.gather(session, writes, found)
    if isinstance(found, Wide):
        assert front.transactor is not None
        return front.transactor.take(session, call, [])
    run = front.piece_for(session, writes, found)
    if run is None:
        return False
    run.add((session.db, call), size_bytes)
    session.calls_under_way += 1
    return True


def _mistake(session: Session, route: Route | None, args: list[bytes]) -> Error:
    """There is no such command (``route``), or not with so many arguments."""
    if route is not None:
        return wrong_arity(route.name)
    return NOAUTH if session.vet & LOGIN else unknown_command(args)


def _refusal(front: Front, session: Session, route: Route, args: list[bytes]) -> Error | None:
    """Why a data command can't be taken here and now, or None."""
    limits = front.limits
    if call_bytes(args) > limits.call_bytes_max:
        return Error(f"ERR the command is larger than call_bytes_max ({limits.call_bytes_max})")
    refusal = front.refuse_write() if route.writes and front.refuses_writes else None
    if refusal is None and session.knows_topology:
        refusal = front.moved(session, args, route.writes)
    return refusal


def wrong_arity(name: bytes) -> Error:
    """As Redis says it."""
    return Error(f"ERR wrong number of arguments for '{name.decode('latin-1').lower()}' command")
