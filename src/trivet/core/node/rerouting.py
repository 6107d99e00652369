"""Calls that a group has not run (``NotHere``): they are sent where they belong, or again.

- The group does not hold their keys (any more). Who holds them by this node's map gets the call; while that
  is still the same group (a range is sealed and not yet handed over), the call waits for a newer map.
- A transaction over groups holds their keys (``locked_at``). The call is sent again soon.
- It came to keys of other groups (``is_wider``). It runs as a transaction over groups.

- Rule N1: a session with such calls sends nothing new until they are answered: its commands take effect in
  order, also across a move.
- Rule N5: its refused calls are sent again in the order in which it sent them: each waits for the answers of
  those before it, or goes together with them, where what refuses one refuses the other (``_go_together``).
- Rule N2: a call that finds no home in time is withdrawn with a definite error: it never ran.
"""

from typing import Final

from trivet.core.base.ids import ConnectionId, GroupId, Instant
from trivet.core.group.face import Replica
from trivet.core.group.run import Run
from trivet.core.machine.checking import WHOLE, is_wary
from trivet.core.machine.entry import Call
from trivet.core.machine.lock_modes import locks_of
from trivet.core.machine.rights import AS
from trivet.core.machine.waiting import BLOCK
from trivet.core.node.blocking import BlockedClients
from trivet.core.node.gathering import Gathering, Plan, first_of, plan_of
from trivet.core.node.router import NOT_IN_REACH, Router
from trivet.core.node.session import Piece, Session
from trivet.core.node.wide import TOO_MANY, Transactor, Wide
from trivet.core.transaction.words import SINCE
from trivet.core.wire.reply import Error, NotHere

RETRY_MS: Final = 20
"""Without a newer map a call is tried again after so long: the group may have found out earlier."""
LOCKED_MS_MAX: Final = 16
"""What is locked is tried again after 1, 2, 4 … up to so many ms, where no replica here can tell."""
HELD_MS: Final = 100
"""Where one says that it still is, so late: that replica may be behind. Less than locks are reserved for."""
MOVING: Final = Error(
    "TRYAGAIN the keys are on their way from one group to another, which takes too long; nothing was done"
)
HELD_TOO_LONG: Final = Error(
    "TXNRETRY the keys are held by a transaction over groups, which takes too long; nothing was done"
)


WHOLE_READS: Final = {b"DBSIZE": 1, b"SCANPART": 1, b"SCAN": 1, b"KEYS": 1, b"RANDOMKEY": 1}
"""They say since when they wait: later transactions do not hold them up."""
NO_GROUP: Final = -1


class Again:
    """Waits for one call that was sent again."""

    __slots__ = ("part_of", "position", "run", "since_ms", "sub", "tries")

    def __init__(
        self, run: Run, position: int, since_ms: Instant, tries: int, part_of: Replica | None
    ) -> None:
        self.run = run
        self.position = position
        self.since_ms = since_ms
        self.sub: Run | None = None
        self.tries = tries
        """How often it was locked."""
        self.part_of = part_of
        """It is a part of a call to several groups, the one for this group."""

    def run_done(self) -> None:
        """The call is answered."""
        assert self.sub is not None and self.sub.replies is not None
        self.run.put_right(self.position, self.sub.replies[0])


Lost = tuple[int, Call, NotHere]
"""Its place in the run, the call, and why it was not run."""


class _Homeless:
    """A run with calls that are to be sent again."""

    __slots__ = ("calls", "came_ms", "epoch", "part_of", "run", "since_ms", "tried_ms", "tries")

    def __init__(self, run: Run, epoch: int, now_ms: Instant) -> None:
        self.run = run
        self.epoch = epoch
        self.came_ms = self.tried_ms = now_ms
        self.calls: list[Lost] = []
        replies = run.replies
        assert replies is not None
        sent = run.sent or run.calls
        for position, reply in enumerate(replies):
            if type(reply) is NotHere:
                self.calls.append((position, sent[position], reply))
        before = _sent_again(run)
        self.since_ms = now_ms if before is None else before.since_ms
        gathering = _part_and_whole(run)[1]
        if gathering is not None:
            # Its parts are new ones each time: it knows since when it is asked for.
            if not gathering.lost_ms:
                gathering.lost_ms = self.since_ms
            self.since_ms = gathering.lost_ms
        self.tries = 0 if before is None else before.tries
        self.part_of = run.waiter.part_of if isinstance(run.waiter, Again) else _part_of(run)


class Rerouting:
    """All of them, in the order in which they came back."""

    def __init__(self, router: Router, timeout_ms: int) -> None:
        self.transactor: Transactor | None = None
        self._router = router
        self._timeout_ms = timeout_ms
        self.homeless: list[_Homeless] = []
        self.count = 0
        """Calls sent again since the start."""
        self._moved: list[tuple[ConnectionId, Replica | None, Run | None]] = []
        """Clients whose call may wait, and where it is now: in a group, or tried in several."""

    def take(self, run: Run, epoch: int, now_ms: Instant) -> None:
        """A run has come back with calls that were not run."""
        waiter = run.waiter
        if isinstance(waiter, Session):
            waiter.reroute()
        self.homeless.append(_Homeless(run, epoch, now_ms))

    def go_on(self, blocked: BlockedClients, epoch: int, now_ms: Instant) -> bool:
        """As ``look``; calls of blocked clients among them."""
        for run in blocked.homeless:
            self.take(run, 0, now_ms)
        blocked.homeless.clear()
        sent = self.look(epoch, now_ms)
        for conn, group, trial in self._moved:
            blocked.moved(conn, group, trial)
        self._moved.clear()
        return sent

    def look(self, epoch: int, now_ms: Instant) -> bool:
        """Send again what can be sent; whether anything was."""
        kept: list[_Homeless] = []
        sent = False
        queues: dict[Session, _Queue] = {}
        for one in self.homeless:
            if now_ms - one.since_ms >= self._timeout_ms:
                for position, _, reply in one.calls:
                    one.run.put_right(position, HELD_TOO_LONG if reply.locked_at else MOVING)
                sent = True
                continue
            calls = one.calls
            one.calls = [
                call
                for call in calls
                if not (
                    self._is_due(one, call, epoch, now_ms)
                    and _is_next(queues, one, call)
                    and self._send(one, call, epoch, now_ms)
                )
            ]
            if now_ms - one.tried_ms >= RETRY_MS:
                one.tried_ms = now_ms
            sent = sent or len(one.calls) < len(calls)
            if one.calls:
                kept.append(one)
        self.homeless = kept
        return sent

    def _is_due(self, one: _Homeless, lost: Lost, epoch: int, now_ms: Instant) -> bool:
        """Whether it is time to send a call again."""
        _, call, reply = lost
        if reply.is_wider:
            return True
        if not reply.locked_at:
            return epoch > one.run.epoch or now_ms - one.tried_ms >= RETRY_MS
        transactor = self.transactor
        held = None if transactor is None else transactor.is_held(call, one.part_of, reply.locked_at)
        return held is False or now_ms - one.came_ms >= patience_ms(held, one.tries)

    def _send(self, one: _Homeless, lost: Lost, epoch: int, now_ms: Instant) -> bool:
        """Send a call again; False: this node does not know its group yet."""
        run = one.run
        position, call, reply = lost
        again = Again(run, position, one.since_ms, one.tries + (reply.locked_at > 0), one.part_of)
        inner = _inner(call)
        if reply.locked_at and inner[1][0] in WHOLE_READS:
            if call is inner:
                call = (call[0], [SINCE, b"%d" % reply.locked_at, *call[1]])
            if one.part_of is not None:
                self._send_to(one.part_of, again, call, epoch, now_ms)
                return True
        if not reply.locked_at or epoch != run.epoch:
            call = inner  # the index is one of another group's log
        part, gathering = _part_and_whole(run) if inner[1][0] in WHOLE else (run, None)
        if gathering is not None:
            # What another part of it has set off needs no second time: parts would double with each.
            return part not in gathering.runs or self._gather_again(gathering, call[0], epoch, now_ms)
        found = plan_of(self._router, *inner)
        if found is NOT_IN_REACH:
            return False
        if isinstance(found, Error):
            run.put_right(position, found)
            return True
        self.count += 1
        if isinstance(found, Wide) or reply.is_wider:
            again.sub = self._widen(again, call, found)
            if again.sub is None:
                run.put_right(position, TOO_MANY)
            return True
        if isinstance(found, Plan):
            gathering = Gathering(again, run.writes, found)
            again.sub = gathering
            self._note_watches(call, [group for group, _ in found.parts])
            send_parts(gathering, call[0], epoch, now_ms)
            return True
        self._note_watches(call, [found])
        words = call[1][3:] if call[1][0] == AS else call[1]
        if words[0] == BLOCK:
            self._moved.append((int(words[1]), found, None))
        self._send_to(found, again, call, epoch, now_ms)
        return True

    def _gather_again(self, gathering: Gathering, db: int, epoch: int, now_ms: Instant) -> bool:
        """A part about whole databases went by another map: all are asked anew, so each slot counts once."""
        found = plan_of(self._router, db, gathering.plan.args)
        if found is NOT_IN_REACH:
            return False
        self.count += 1
        if isinstance(found, Error):
            gathering.finish([found])
        elif not isinstance(found, Wide):
            args = gathering.plan.args
            gathering.plan = found if isinstance(found, Plan) else Plan(args, [(found, args)], first_of)
            gathering.runs = []
            send_parts(gathering, db, epoch, now_ms)
        return True

    def _send_to(self, group: Replica, again: Again, call: Call, epoch: int, now_ms: Instant) -> None:
        run = again.run
        again.sub = sub = Run(again, run.writes)
        sub.epoch = epoch
        sub.tracks = run.tracks
        sub.past = run.past
        sub.add(call, sum(map(len, call[1])) + 32)
        put(group, sub, now_ms)

    def _note_watches(self, call: Call, groups: list[Replica]) -> None:
        """The keys of a ``WATCH`` may have moved."""
        if call[1][0] == b"WATCH" and self.transactor is not None:
            for group in groups:
                self.transactor.watches_in(int(call[1][1]), group)

    def _widen(self, again: Again, call: Call, found: Plan | Replica | Wide) -> Run | None:
        """Run it as a transaction over groups.

        What its client watches is where the call came from: watches of keys that have moved are broken.
        """
        assert self.transactor is not None
        words = call[1][3:] if call[1][0] == AS else call[1]
        watcher = int(words[2]) if words[0] == b"EXEC" and words[2] else -1
        client = int(call[1][2]) if call[1][0] == AS else watcher
        if words[0] == BLOCK:
            client = int(words[1])
        watched: list[GroupId] = []
        if watcher >= 0 and not isinstance(found, Plan | Wide):
            watched = [found.settings.group]
        elif watcher >= 0:
            watched = [NO_GROUP]
        run = self.transactor.begin(again, call, client, watched)
        if words[0] == BLOCK:
            self._moved.append((client, None, run))
        return run


class _Queue:
    """The refused calls of a session that are not answered yet, in the order in which it sent them."""

    __slots__ = ("last", "next", "places")

    def __init__(self, session: Session) -> None:
        self.places: dict[tuple[Run, int], int] = {}
        self.next = 0
        """The first that has not been sent again in this look."""
        self.last: Lost | None = None
        """What was sent last."""
        for one in session.pending:
            if isinstance(one, bytes):
                continue
            run, start = (one.run, one.start) if isinstance(one, Piece) else (one, 0)
            if run.misrouted and run.replies is not None:
                for at in range(start, start + one.count):
                    if type(run.replies[at]) is NotHere:
                        self.places[run, at] = len(self.places)


def _is_next(queues: dict[Session, _Queue], one: _Homeless, lost: Lost) -> bool:
    """Rule N5, of a call that is due."""
    run, position = one.run, lost[0]
    session = run.waiter
    while isinstance(session, Again):
        run, position = session.run, session.position
        session = run.waiter
    if not isinstance(session, Session):
        return True
    queue = queues.get(session)
    if queue is None:
        queue = queues[session] = _Queue(session)
    place = queue.places.get((run, position))
    if place is None:
        return True  # nobody is there any more
    if place != queue.next or not (queue.last is None or _go_together(queue.last, lost)):
        return False
    queue.next += 1
    queue.last = lost
    return True


def _go_together(first: Lost, second: Lost) -> bool:
    """Whether what refuses the first, once more, refuses the second too."""
    if first[2].is_wider or second[2].is_wider:
        return False
    if not (first[2].locked_at or second[2].locked_at):
        return True  # both have moved
    call, other = _inner(first[1]), _inner(second[1])
    return not (is_wary(call[1]) or is_wary(other[1])) and locks_of(*call) == locks_of(*other) != {}


def patience_ms(held: bool | None, tries: int) -> int:
    """After how long to ask again for what was locked; ``held``: it still is, None: nobody can tell."""
    return HELD_MS if held else min(LOCKED_MS_MAX, 1 << min(tries, 8))


def _inner(call: Call) -> Call:
    """The call itself, without since when it waits."""
    return (call[0], call[1][2:]) if call[1][0] == SINCE else call


def _sent_again(run: Run) -> Again | None:
    """What was sent again may come back again (Rule N2)."""
    waiter = run.waiter
    while isinstance(waiter, Run):
        waiter = waiter.waiter
    return waiter if isinstance(waiter, Again) else None


def _part_and_whole(run: Run) -> tuple[Run, Gathering | None]:
    """The part of a call to several groups that was sent again as ``run``, and that call, if there is one."""
    part = run
    while isinstance(part.waiter, Again):
        part = part.waiter.run
    whole = part.waiter
    return part, whole if isinstance(whole, Gathering) else None


def _part_of(run: Run) -> Replica | None:
    """The group for which it is a part of a call to several."""
    gathering = run.waiter
    if isinstance(gathering, Gathering):
        for (group, _), part in zip(gathering.plan.parts, gathering.runs, strict=False):
            if part is run:
                return group
    return None


def put(group: Replica, run: Run, now_ms: Instant) -> None:
    """Hand a run to its group."""
    if run.writes:
        group.write(run, now_ms)
    else:
        group.read(run, now_ms)


def send_parts(gathering: Gathering, db: int, epoch: int, now_ms: Instant) -> None:
    """Hand the parts of a call to their groups."""
    for group, args in gathering.plan.parts:
        part = Run(gathering, gathering.writes)
        part.epoch = epoch
        part.opener = gathering.opener
        part.past = gathering.past
        gathering.runs.append(part)
        part.add((db, args), sum(map(len, args)) + 32)
        put(group, part, now_ms)
