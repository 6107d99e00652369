"""Calls that may wait (``BLPOP`` and its like), as a session takes them; ``blocking`` has them from then on.

On the path: instead of the run that other commands join.
"""

from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.machine.checking import names_of
from trivet.core.machine.waiting import BLOCK
from trivet.core.node.front import Front
from trivet.core.node.router import CROSSSLOT, NOT_IN_REACH
from trivet.core.node.session import Session
from trivet.core.wire.reply import Blocked, Error


def block(front: Front, session: Session, args: list[bytes], size_bytes: int) -> bool:
    """Take a call that may wait; False when it must be parked."""
    manners = front.router.manners_of(session.db)
    if manners is not None:
        session.answer_reply(manners.waits)
        return True
    limit = front.limits.waiting_call_bytes_max
    if sum(map(len, args)) > limit:
        session.answer_reply(Error(f"ERR a call that waits is larger than waiting_call_bytes_max ({limit})"))
        return True
    group = session.home or front.router.of_keys(session.db, names_of(args))
    if group is NOT_IN_REACH and front.waits_for_map(session, args):
        return False
    if group is CROSSSLOT:
        return _block_wide(front, session, args)
    if isinstance(group, Error):
        session.answer_reply(group)
        return True
    run = front.run_for(session, True, group)
    if run is None:
        return False
    run.add((session.db, front.blocked.begin(session.conn, session.db, args, group)), size_bytes)
    session.calls_under_way += 1
    session.blocking = True
    session.blocking_run = run
    return True


def _block_wide(front: Front, session: Session, args: list[bytes]) -> bool:
    """Its keys are in several groups."""
    assert front.transactor is not None
    if not session.idle or not front.may_go_on(session, True):
        return False
    trial = front.transactor.take_waiting(session, [BLOCK, b"%d" % session.conn, *args])
    if trial is not None:
        front.blocked.begin_wide(session.conn, session.db, args, trial)
        session.blocking = True
        session.blocking_run = trial
    return True


def look_at_blocking(front: Front, session: Session) -> None:
    """The call that may wait has its first answer."""
    (answer,) = session.blocking_answer
    session.blocking_answer = []
    if session.gone:
        return  # and with it the call
    if isinstance(answer, Blocked):
        front.blocked.waits(session.conn, answer, front.now_ms)
    else:
        session.blocking = False
        front.blocked.found(session.conn, answer is TIMEOUT_ERROR)
