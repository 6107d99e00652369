"""Clients in calls that wait for keys of several groups: the node's side of ``AWAIT`` (``machine/waiting``).

Such a call takes nothing where it waits. It is tried as a transaction over groups. When that finds nothing,
the client waits in each of the groups to be told of a change of its keys there, and the call is tried again,
then and whenever the client is told.

- Rule Q1: a trial that finds nothing counts only if the client has waited in all groups since before it
  (what a node says to a group is applied in order). Else it begins to wait where it does not, and the call is
  tried once more. So no change is missed.
- Rule Q2: only the transaction takes something. A trial that is not decided yet when the client goes away is
  given up; one that is has taken what it took, as any command whose client is gone.
- Rule Q3: when time is over, or the client is to wait no longer, a trial under way still has its say.
- Rule Q4: what keeps a trial from its locks ends no wait: it is tried again. Who can't know whether a
  trial took something says so (``TIMEOUT``), and waits no longer.
"""

from enum import Enum
from typing import Final

from trivet.core.base.ids import ConnectionId, GroupId, Instant
from trivet.core.cluster.slots import slot_of
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.run import Nobody, Run
from trivet.core.machine.waiting import AWAIT, RETRY, keys_awaited, when_told
from trivet.core.node.router import NOT_IN_REACH, Router
from trivet.core.node.wide import Transactor
from trivet.core.wire.reply import NULL_ARRAY, OK, Blocked, Error, Reply

AGAIN_MS: Final = 20
"""Without a newer map the groups are looked for again after so long."""
LATER_MS: Final = 100
"""A trial that got no locks is made again after so long."""
_NOT_TRIED: Final = ("TXNRETRY", "CLUSTERDOWN", "TRYAGAIN")
"""Errors that say that nothing was done, and that it may be done later."""


class Standing(Enum):
    """Whether a client waits in one group."""

    ASKED = 0
    """``AWAIT`` is under way."""
    WAITS = 1
    GONE = 2
    """It was told, or can't wait there."""


class Place:
    """One group in which a call waits; itself it waits for the answer to its ``AWAIT``."""

    __slots__ = ("call", "group", "keys", "run", "standing", "was_told")

    def __init__(self, call: "Awaiting", group: GroupId, keys: list[bytes]) -> None:
        self.call = call
        self.group = group
        self.keys = keys
        self.standing = Standing.GONE
        self.was_told = False
        """While ``AWAIT`` is under way: perhaps of what came after it."""
        self.run: Run | None = None

    def run_done(self) -> None:
        """``AWAIT`` is answered."""
        self.call.clients.placed.append(self)


class Awaiting:
    """One client's call; it waits for its trials."""

    __slots__ = (
        "args", "clients", "conn", "db", "has_tried", "is_ending", "not_before_ms", "otherwise", "places",
        "trial",
    )  # fmt: skip

    def __init__(self, clients: "AwaitingClients", conn: ConnectionId, db: int, args: list[bytes]) -> None:
        self.clients = clients
        self.conn = conn
        self.db = db
        self.args = args
        self.places: dict[GroupId, Place] = {}
        self.trial: Run | None = None
        """The one under way."""
        self.has_tried = False
        """Since it waits."""
        self.is_ending = False
        """It waits no longer."""
        self.otherwise: Reply = NULL_ARRAY
        """The reply when it ends without anything."""
        self.not_before_ms: Instant = 0

    def run_done(self) -> None:
        """The trial has its reply."""
        self.clients.tried.append(self)


class AwaitingClients:
    """All such calls of this node's clients."""

    def __init__(self, router: Router) -> None:
        self.transactor: Transactor | None = None
        self.by_client: dict[ConnectionId, Awaiting] = {}
        self.answers: list[tuple[ConnectionId, Reply]] = []
        """Calls that are over; whoever asks takes them."""
        self.placed: list[Place] = []
        """Their ``AWAIT`` is answered."""
        self.tried: list[Awaiting] = []
        self._router = router
        self._later: dict[ConnectionId, Awaiting] = {}
        """Those that go on when time has passed, or the map is another."""
        self._now_ms: Instant = 0
        self._epoch = -1
        """Of the map when they were looked at last."""
        self._nobody = Nobody()

    # -- what the client does -------------------------------------------------------------------

    def begin(self, conn: ConnectionId, db: int, args: list[bytes], now_ms: Instant) -> None:
        """The call has found nothing: it waits from now on. ``args``: as it is to be tried again."""
        self._now_ms = now_ms
        call = self.by_client[conn] = Awaiting(self, conn, db, args)
        self._look(call)

    def end(self, conn: ConnectionId, otherwise: Reply) -> None:
        """It is to wait no longer (Rule Q3)."""
        call = self.by_client[conn]
        if not call.is_ending:
            call.is_ending = True
            call.otherwise = otherwise
            self._look(call)

    def gone(self, conn: ConnectionId) -> None:
        """The client is gone (Rule Q2)."""
        call = self.by_client.pop(conn)
        if call.trial is not None and self.transactor is not None:
            self.transactor.withdraw(call.trial)
        self._leave(call)

    # -- what groups say --------------------------------------------------------------------------

    def told(self, conn: ConnectionId, group: GroupId) -> bool:
        """Keys in ``group`` have changed, or it has forgotten the call; False: it does not wait there."""
        call = self.by_client.get(conn)
        place = None if call is None else call.places.get(group)
        if call is None or place is None:
            return False
        if place.standing is Standing.ASKED:
            place.was_told = True
        else:
            place.standing = Standing.GONE
            self._look(call)
        return True

    def lost(self, group: GroupId) -> None:
        """Of nobody is it known whether it waits in ``group``."""
        for conn, call in list(self.by_client.items()):
            if group in call.places:
                self.told(conn, group)

    def tick(self, now_ms: Instant) -> None:
        """Time has passed."""
        self._now_ms = now_ms
        if self._later:
            later, self._later = self._later, {}
            for call in later.values():
                self._look(call)

    def settle(self) -> None:
        """At the end of a turn: look at what was answered."""
        placed, self.placed = self.placed, []
        for place in placed:
            self._take_place(place)
        tried, self.tried = self.tried, []
        for call in tried:
            self._take_trial(call)
        if self._later and self._epoch != self._router.cluster.epoch:
            later, self._later = self._later, {}
            for call in later.values():
                call.not_before_ms = 0
                self._look(call)
        self._epoch = self._router.cluster.epoch

    def _take_place(self, place: Place) -> None:
        call, run = place.call, place.run
        if self.by_client.get(call.conn) is not call or call.places.get(place.group) is not place:
            return
        assert run is not None and run.replies is not None
        if run.replies[0] != OK:
            place.standing = Standing.GONE
            call.not_before_ms = self._now_ms + AGAIN_MS
        else:
            place.standing = Standing.GONE if place.was_told else Standing.WAITS
        self._look(call)

    def _take_trial(self, call: Awaiting) -> None:
        trial, call.trial = call.trial, None
        if self.by_client.get(call.conn) is not call or trial is None or trial.replies is None:
            return
        reply = trial.replies[0]
        if isinstance(reply, Error) and reply.text.startswith(_NOT_TRIED):
            call.has_tried = False  # Rule Q4
            call.not_before_ms = self._now_ms + LATER_MS
        elif not isinstance(reply, Blocked):
            self._over(call, reply)
            return
        for place in call.places.values():
            place.was_told = True  # it counts only where ``AWAIT`` is answered by now
        self._look(call)

    # -- going on -----------------------------------------------------------------------------------

    def _look(self, call: Awaiting) -> None:
        """Go on with the call as far as it can (Rule Q1)."""
        if call.trial is not None:
            return
        if call.is_ending:
            self._over(call, call.otherwise)
            return
        standings = [place.standing for place in call.places.values()]
        if Standing.ASKED in standings:
            return
        if call.has_tried and Standing.GONE not in standings:
            return
        if self._now_ms < call.not_before_ms:
            self._later[call.conn] = call
            return
        self._try(call)

    def _try(self, call: Awaiting) -> None:
        """Wait in all groups, and try it."""
        wanted = self._wanted(call)
        if wanted is NOT_IN_REACH:
            call.not_before_ms = self._now_ms + AGAIN_MS
            self._later[call.conn] = call
            return
        if isinstance(wanted, Error):
            self._over(call, wanted)
            return
        for group in [group for group in call.places if group not in wanted]:
            self._release(call.places.pop(group))
        for group, keys in wanted.items():
            place = call.places.get(group)
            if place is None or place.standing is not Standing.WAITS or place.keys != keys:
                self._await(call, group, keys)
        assert self.transactor is not None
        again = [RETRY, b"%d" % call.conn, *call.args]
        call.trial = self.transactor.begin(call, (call.db, again), call.conn, [])
        call.has_tried = call.trial is not None
        if call.trial is None:
            call.not_before_ms = self._now_ms + LATER_MS
            self._later[call.conn] = call

    def _wanted(self, call: Awaiting) -> dict[GroupId, list[bytes]] | Error:
        """In which groups it has to wait, and for which keys."""
        wanted: dict[GroupId, list[bytes]] = {}
        for key in keys_awaited(call.args):
            group = self._router.of_slot(call.db, slot_of(key))
            if isinstance(group, Error):
                return group
            wanted.setdefault(group.settings.group, []).append(key)
        return wanted

    def _await(self, call: Awaiting, group: GroupId, keys: list[bytes]) -> None:
        place = call.places[group] = Place(call, group, keys)
        place.standing = Standing.ASKED
        words = [AWAIT, b"%d" % call.conn, when_told(call.args), *keys]
        place.run = run = Run(place, True, patient=True)
        run.epoch = self._router.cluster.epoch
        run.add((call.db, words), sum(map(len, words)) + 32)
        self._send(group, run)

    def _release(self, place: Place) -> None:
        run = Run(self._nobody, True, patient=True)
        run.add((0, [b"RELEASE", b"%d" % place.call.conn]), 32)
        self._send(place.group, run)

    def _send(self, group: GroupId, run: Run) -> None:
        replica = self._router.replica(group)
        if replica is None:
            run.fail(TIMEOUT_ERROR, whoever=True)
        else:
            replica.write(run, self._now_ms)

    def _leave(self, call: Awaiting) -> None:
        self._later.pop(call.conn, None)
        for place in call.places.values():
            self._release(place)
        call.places = {}

    def _over(self, call: Awaiting, reply: Reply) -> None:
        del self.by_client[call.conn]
        self._leave(call)
        self.answers.append((call.conn, reply))
