"""Calls that went to a group which does not hold their keys (any more): they are sent where they belong.

A group answers such a call with ``NotHere`` and has not run it. So it may be sent again, to
whoever holds the keys by this node's map; while that still names the same group (a range is
sealed and not yet handed over), the call waits for a newer map.

- Rule N1: a session with such calls sends nothing new until they are answered: its commands take effect in
  order, also across a move.
- Rule N2: a call that finds no home in time is withdrawn with a definite error: it never ran.
"""

from typing import Final

from trivet.core.base.ids import ConnectionId, Instant
from trivet.core.group.face import Replica
from trivet.core.group.run import Run
from trivet.core.machine.entry import Call
from trivet.core.machine.rights import AS
from trivet.core.node.blocking import BlockedClients
from trivet.core.node.gathering import Gathering, Plan, plan_of
from trivet.core.node.router import NOT_IN_REACH, Router
from trivet.core.node.session import Session
from trivet.core.wire.reply import Error, NotHere

RETRY_MS: Final = 20
"""Without a newer map a call is tried again after so long: the group may have found out earlier."""
MOVING: Final = Error(
    "TRYAGAIN the keys are on their way from one group to another, which takes too long; nothing was done"
)


class Again:
    """Waits for one call that was sent again."""

    __slots__ = ("position", "run", "since_ms", "sub")

    def __init__(self, run: Run, position: int, since_ms: Instant) -> None:
        self.run = run
        self.position = position
        self.since_ms = since_ms
        self.sub: Run | None = None

    def run_done(self) -> None:
        """The call is answered."""
        assert self.sub is not None and self.sub.replies is not None
        self.run.put_right(self.position, self.sub.replies[0])


class _Homeless:
    """A run with calls that are to be sent again."""

    __slots__ = ("calls", "epoch", "run", "since_ms", "tried_ms")

    def __init__(self, run: Run, epoch: int, now_ms: Instant) -> None:
        self.run = run
        self.epoch = epoch
        self.since_ms = _since(run, now_ms)
        self.tried_ms = now_ms
        self.calls: list[tuple[int, Call]] = []
        replies = run.replies
        assert replies is not None
        sent = run.sent or run.calls
        for position, reply in enumerate(replies):
            if type(reply) is NotHere:
                self.calls.append((position, sent[position]))


class Rerouting:
    """All of them, in the order in which they came back."""

    def __init__(self, router: Router, timeout_ms: int) -> None:
        self._router = router
        self._timeout_ms = timeout_ms
        self.homeless: list[_Homeless] = []
        self.count = 0
        """Calls sent again since the start."""
        self._moved: list[tuple[ConnectionId, Replica]] = []
        """Clients whose call may wait, and where it is now."""

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
        for conn, group in self._moved:
            blocked.moved(conn, group)
        self._moved.clear()
        return sent

    def look(self, epoch: int, now_ms: Instant) -> bool:
        """Send again what can be sent; whether anything was."""
        kept: list[_Homeless] = []
        sent = False
        for one in self.homeless:
            if now_ms - one.since_ms >= self._timeout_ms:
                for position, _ in one.calls:
                    one.run.put_right(position, MOVING)
                sent = True
            elif epoch > one.run.epoch or now_ms - one.tried_ms >= RETRY_MS:
                one.tried_ms = now_ms
                one.calls = [call for call in one.calls if not self._send(one, call, epoch, now_ms)]
                if one.calls:
                    kept.append(one)
                sent = True
            else:
                kept.append(one)
        self.homeless = kept
        return sent

    def _send(self, one: _Homeless, placed: tuple[int, Call], epoch: int, now_ms: Instant) -> bool:
        """Send a call again; False: this node does not know its group yet."""
        run = one.run
        position, call = placed
        again = Again(run, position, one.since_ms)
        found = plan_of(self._router, call[0], call[1])
        if found is NOT_IN_REACH:
            return False
        if isinstance(found, Error):
            run.put_right(position, found)
            return True
        self.count += 1
        if isinstance(found, Plan):
            gathering = Gathering(again, run.writes, found)
            again.sub = gathering
            send_parts(gathering, call[0], epoch, now_ms)
            return True
        words = call[1][3:] if call[1][0] == AS else call[1]
        if words[0] == b"BLOCK":
            self._moved.append((int(words[1]), found))
        again.sub = sub = Run(again, run.writes)
        sub.epoch = epoch
        sub.tracks = run.tracks
        sub.add(call, sum(map(len, call[1])) + 32)
        put(found, sub, now_ms)
        return True


def _since(run: Run, now_ms: Instant) -> Instant:
    """Since when its calls have no home: what was sent again may come back again (Rule N2)."""
    waiter = run.waiter
    while isinstance(waiter, Run):
        waiter = waiter.waiter
    return waiter.since_ms if isinstance(waiter, Again) else now_ms


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
        gathering.runs.append(part)
        part.add((db, args), sum(map(len, args)) + 32)
        put(group, part, now_ms)
