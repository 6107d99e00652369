"""Clients in a call that waits (``BLPOP`` and its like): the node's side of ``machine/waiting``.

The call goes through the log as ``BLOCK``. Either it finds something, and its reply is a reply
like others; or it waits, and the session with it. From then on three things can end it:

- the machine served it: the node claims what is there (``CLAIM``) and gives it to the client;
- its time is over, or ``CLIENT UNBLOCK``: ``UNBLOCK`` ends the wait, or gets what was just served;
- the client is gone: ``RELEASE`` gives back what it may have been served.

When its keys go to another group (``NotHere``), it begins anew there. A call with keys of several groups is
begun as a transaction over them, and waits as ``awaiting`` has it.
All of it is the node's own business and wait for a majority as long as it takes; a client
whose time is over hears of it after ``command_timeout_ms`` at the latest.
"""

from enum import Enum
from heapq import heapify, heappop, heappush
from typing import Final

from trivet.core.base.ids import ConnectionId, Instant
from trivet.core.group.face import Replica
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.run import Nobody, Run, Waiter
from trivet.core.machine.waiting import ENDED, SERVED, WAITS
from trivet.core.node.awaiting import AwaitingClients
from trivet.core.node.router import Router
from trivet.core.wire.reply import NOT_HERE, NULL_ARRAY, Blocked, Error, NotHere, Reply

UNBLOCKED: Final = Error("UNBLOCKED client unblocked via CLIENT UNBLOCK")
_DEADLINES_SPARE: Final = 64


class Phase(Enum):
    """How far a waiting call is."""

    ASKED = 0
    """``BLOCK`` is under way."""
    WAITING = 1
    CLAIMING = 2
    ENDING = 3
    """``UNBLOCK`` is under way."""


class Blocking:
    """One client's call; it waits for the runs that the node sends for it."""

    __slots__ = (
        "args",
        "asked_ms",
        "conn",
        "db",
        "deadline_ms",
        "done",
        "gone",
        "group",
        "otherwise",
        "phase",
        "run",
        "trial",
        "woken",
    )

    def __init__(
        self, conn: ConnectionId, db: int, args: list[bytes], group: Replica | None, done: list["Blocking"]
    ) -> None:
        self.conn = conn
        self.group = group
        """Where it waits; None: in several groups."""
        self.trial: Run | None = None
        """Of a call with keys of several: its first trial."""
        self.gone = False
        """There is no such group any more."""
        self.db = db
        self.args = args
        self.done = done
        """Where calls stand whose run is answered, until the end of the turn."""
        self.phase = Phase.ASKED
        self.deadline_ms: Instant = 0
        """0: for ever."""
        self.asked_ms: Instant = 0
        """When its end was asked for."""
        self.otherwise: Reply = NULL_ARRAY
        """The reply when it ends without anything."""
        self.run: Run | None = None
        """What is under way for it."""
        self.woken = False
        """It was woken while something was under way: look again."""

    def run_done(self) -> None:
        """Its run is answered."""
        self.done.append(self)


class BlockedClients:
    """All waiting calls of this node's clients."""

    def __init__(self, timeout_ms: int, router: Router) -> None:
        self.by_client: dict[ConnectionId, Blocking] = {}
        self.awaiting = AwaitingClients(router)
        """Those of them that wait in several groups."""
        self.answers: list[tuple[ConnectionId, Reply]] = []
        """Calls that are over; the node takes them."""
        self.homeless: list[Run] = []
        """Calls that are to be made again where their keys are by now; the node takes them."""
        self._timeout_ms = timeout_ms
        self._now_ms: Instant = 0
        self._done: list[Blocking] = []
        self._nobody = Nobody()
        self._deadlines: list[tuple[Instant, ConnectionId]] = []
        """A heap; calls that are over by then are passed over."""
        self._ending: dict[ConnectionId, Blocking] = {}

    def begin(self, conn: ConnectionId, db: int, args: list[bytes], group: Replica) -> list[bytes]:
        """The client calls ``args``, whose keys are in ``group``: what goes into its run."""
        self.by_client[conn] = Blocking(conn, db, args, group, self._done)
        return [b"BLOCK", b"%d" % conn, *args]

    def begin_wide(self, conn: ConnectionId, db: int, args: list[bytes], trial: Run) -> None:
        """The client calls ``args``, whose keys are in several groups; ``trial`` is under way."""
        call = self.by_client[conn] = Blocking(conn, db, args, None, self._done)
        call.trial = trial

    def waits(self, conn: ConnectionId, reply: Blocked, now_ms: Instant) -> None:
        """``BLOCK`` found nothing: the call waits from now on."""
        call = self.by_client[conn]
        if call.gone:
            call.gone = False
            self._follow(call)
            return
        call.phase = Phase.WAITING
        call.args = reply.args
        if reply.timeout_ms and not call.deadline_ms:
            call.deadline_ms = now_ms + reply.timeout_ms
            self._remember(conn, call)
        if call.group is None:
            call.trial = None
            self.awaiting.begin(conn, call.db, call.args, now_ms)
        else:
            self._look_again(conn, call)

    def _remember(self, conn: ConnectionId, call: Blocking) -> None:
        """Note a deadline. Those of calls that were served long before are not kept for ever."""
        heappush(self._deadlines, (call.deadline_ms, conn))
        if len(self._deadlines) > 2 * len(self.by_client) + _DEADLINES_SPARE:
            self._deadlines = [
                (other.deadline_ms, number) for number, other in self.by_client.items() if other.deadline_ms
            ]
            heapify(self._deadlines)

    def found(self, conn: ConnectionId, failed: bool) -> None:
        """``BLOCK`` was answered at once. A failed one may yet wait or be served there: that is given up."""
        call = self.by_client.pop(conn)
        if failed:
            self._release(call)

    def gone(self, conn: ConnectionId) -> None:
        """The client is gone."""
        call = self.by_client.pop(conn, None)
        if call is not None:
            self._ending.pop(conn, None)
            self._release(call)

    def _release(self, call: Blocking) -> None:
        if call.group is not None:
            self._send(b"RELEASE", call.conn, self._nobody, call.group)
        elif call.conn in self.awaiting.by_client:
            self.awaiting.gone(call.conn)
        elif call.trial is not None and self.awaiting.transactor is not None:
            self.awaiting.transactor.withdraw(call.trial)

    def unblock(self, conn: ConnectionId, otherwise: Reply) -> bool:
        """End the wait, as if its time were over; False when the client does not wait."""
        call = self.by_client.get(conn)
        if call is None or call.phase is not Phase.WAITING:
            return False
        call.otherwise = otherwise
        self._end(call)
        return True

    def waiting_count(self) -> int:
        """How many calls wait at this moment."""
        return sum([call.phase is Phase.WAITING for call in self.by_client.values()])

    # -- what the group says ------------------------------------------------------------------

    def woken(self, conn: ConnectionId, group: Replica) -> None:
        """The machine of ``group`` served the call, or forgot it."""
        if self.awaiting.told(conn, group.settings.group):
            return
        call = self.by_client.get(conn)
        if call is None or call.group is not group:
            self._send(b"RELEASE", conn, self._nobody, group)
        elif call.phase is Phase.WAITING:
            call.phase = Phase.CLAIMING
            call.run = self._send(b"CLAIM", conn, call, group)
        else:
            call.woken = True

    def jumped(self, group: Replica) -> None:
        """The group's state was replaced by a snapshot: every call in it asks what became of it."""
        for conn, call in list(self.by_client.items()):
            if call.group is group:
                self.woken(conn, group)
        self.awaiting.lost(group.settings.group)

    def changed_face(self, before: Replica, after: Replica) -> None:
        """The group is reached in another way from now on: every call in it asks what became of it."""
        for call in self.by_client.values():
            if call.group is before:
                call.group = after
        self.jumped(after)

    def group_is_gone(self, group: Replica) -> None:
        """The group is no more. Who has no answer to its first call yet gets it with its run."""
        for conn, call in list(self.by_client.items()):
            if call.group is group:
                if call.phase is Phase.WAITING:
                    self._follow(call)
                elif call.phase is not Phase.ASKED or call.run is not None:
                    self._over(conn, TIMEOUT_ERROR)  # it may have been served, and nobody remembers
                else:
                    call.gone = True
        self.awaiting.lost(group.settings.group)

    def moved(self, conn: ConnectionId, group: Replica | None, trial: Run | None) -> None:
        """The call was sent to another group; or, its keys being in several by now, it is tried in all."""
        call = self.by_client.get(conn)
        if call is not None:
            call.group = group
            call.trial = trial
            call.gone = False

    def _follow(self, call: Blocking) -> None:
        """Its keys are elsewhere, and nothing was taken of them: it is made again there."""
        call.phase = Phase.ASKED
        call.woken = False
        call.run = Run(call, True)
        call.run.add((call.db, [b"BLOCK", b"%d" % call.conn, *call.args]), 64)
        call.run.finish_in_part([NOT_HERE])
        self.homeless.append(call.run)

    def tick(self, now_ms: Instant) -> None:
        """Calls whose time is over."""
        self._now_ms = now_ms
        self.awaiting.tick(now_ms)
        deadlines = self._deadlines
        while deadlines and deadlines[0][0] <= now_ms:
            deadline_ms, conn = heappop(deadlines)
            call = self.by_client.get(conn)
            if call is not None and call.deadline_ms == deadline_ms:
                if call.phase is Phase.WAITING:
                    self._end(call)
                elif call.phase is not Phase.ENDING:  # something is under way for it: look again
                    heappush(deadlines, (deadline_ms, conn))
                    break
        for conn, call in list(self._ending.items()):
            if now_ms - call.asked_ms >= self._timeout_ms:
                # No majority confirms it: the client hears that, and what comes for it is given back.
                self.gone(conn)
                self.answers.append((conn, TIMEOUT_ERROR))

    def _end(self, call: Blocking) -> None:
        call.phase = Phase.ENDING
        if call.group is None:
            self.awaiting.end(call.conn, call.otherwise)
            return
        call.asked_ms = self._now_ms
        call.run = self._send(b"UNBLOCK", call.conn, call, call.group)
        self._ending[call.conn] = call

    def _send(self, word: bytes, conn: ConnectionId, waiter: Waiter, group: Replica) -> Run:
        run = Run(waiter, True, patient=True)
        run.add((0, [word, b"%d" % conn]), 32)
        group.write(run, self._now_ms)
        return run

    def settle(self) -> bool:
        """At the end of a turn: look at what was answered; whether a call is over."""
        while self._done:
            call = self._done.pop(0)
            run = call.run
            if self.by_client.get(call.conn) is call and run is not None and run.replies is not None:
                call.run = None
                self._answered(call.conn, call, run.replies[0])
        self.awaiting.settle()
        answers, self.awaiting.answers = self.awaiting.answers, []
        for conn, reply in answers:
            self._over(conn, reply)
        return bool(self.answers)

    def _answered(self, conn: ConnectionId, call: Blocking, reply: Reply) -> None:
        """``CLAIM``, ``UNBLOCK`` or a repeated ``BLOCK`` has its reply."""
        if isinstance(reply, NotHere):
            self._follow(call)
            return
        if call.phase is Phase.ASKED:
            if isinstance(reply, Blocked):
                self.waits(conn, reply, self._now_ms)
            else:
                self._over(conn, reply)
            return
        if not isinstance(reply, list):
            self._over(conn, TIMEOUT_ERROR)  # applied, but nobody remembers the reply
        elif reply[0] == SERVED:
            self._over(conn, reply[1])
        elif call.phase is Phase.ENDING or reply[0] == ENDED:
            self._over(conn, call.otherwise)
        elif reply[0] == WAITS:
            call.phase = Phase.WAITING
            self._look_again(conn, call)
        else:
            # Forgotten there (Rule B4): ask again, from the beginning.
            call.phase = Phase.ASKED
            call.woken = False
            call.run = Run(call, True, patient=True)
            call.run.add((call.db, [b"BLOCK", b"%d" % conn, *call.args]), 64)
            assert call.group is not None
            call.group.write(call.run, self._now_ms)

    def _look_again(self, conn: ConnectionId, call: Blocking) -> None:
        if call.woken:
            call.woken = False
            assert call.group is not None
            self.woken(conn, call.group)

    def _over(self, conn: ConnectionId, reply: Reply) -> None:
        del self.by_client[conn]
        self._ending.pop(conn, None)
        self.answers.append((conn, reply))
