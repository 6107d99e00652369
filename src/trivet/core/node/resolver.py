"""The resolver: transactions over groups whose coordinator says no more are brought to their end.

On the path: nowhere. Each node looks after the groups that it leads: what stands there undecided for long
is asked for at its home, which tells or aborts; what is decided and not finished everywhere is finished.

- Rule R1: how long something stands there is measured by this node's own clock since it first saw it as
  leader. The time in the log is others'.
- Rule R2: it says only what any coordinator might have said. So it harms nothing if the coordinator is alive.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.run import Run
from trivet.core.machine.transactions import IS_LOST
from trivet.core.node.front import Front
from trivet.core.node.router import NO_DATABASE
from trivet.core.raft.state import Role
from trivet.core.transaction.locks import Intent
from trivet.core.transaction.words import (
    ABORT,
    COMMIT,
    FINISH,
    FORGET,
    RESOLVE,
    TXN,
    FinishRequest,
    ForgetRequest,
    ResolveRequest,
    TransactionId,
    pack,
)
from trivet.core.wire.reply import OK, Reply

PATIENCE_MS: Final = 1_000
DEAD_MS: Final = 200
"""The same when the coordinator is not heard, or has begun another life."""
LOOK_MS: Final = 100
UNDER_WAY_MAX: Final = 256

Place = tuple[GroupId, TransactionId]


class Errand:
    """One transaction in one group that this node brings to its end: one word at a time."""

    __slots__ = ("_done", "group", "id", "left", "run")

    def __init__(self, group: GroupId, transaction: TransactionId, done: list["Errand"]) -> None:
        self.group = group
        self.id = transaction
        self.run: Run | None = None
        self.left: list[tuple[GroupId, bytes]] = []
        """Of a record: whom it is to be finished at, with the effects."""
        self._done = done

    def run_done(self) -> None:
        """The word is answered."""
        self._done.append(self)


class Resolver:
    """What this node brings to an end for others."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self.seen: dict[Place, Instant] = {}
        """What stands undecided, or not finished, in the groups led here, and since when that was seen."""
        self._look_ms: Instant = 0
        self._under_way: dict[Place, Errand] = {}
        self._done: list[Errand] = []
        self.count = 0
        """Intents and records ended from here."""
        self.told: dict[bytes, int] = {ABORT: 0, COMMIT: 0}
        """How often the homes of intents said so."""
        self.lost = 0
        """Parts of committed transactions that were not done, since their locks were lost."""

    def tick(self, now_ms: Instant) -> None:
        """Once per tick."""
        front = self._front
        done, self._done[:] = list(self._done), []
        for errand in done:
            self._answered(errand)
        if now_ms < self._look_ms:
            return
        self._look_ms = now_ms + LOOK_MS
        seen: dict[Place, Instant] = {}
        for number, group in front.groups.items():
            intents = group.machine.intents
            if number == SYSTEM_GROUP or not (intents.by_id or intents.records):
                continue
            if group.raft.role is not Role.LEADER:
                continue
            for transaction in [*intents.by_id, *intents.records]:
                place = (number, transaction)
                since_ms = seen[place] = self.seen.get(place, now_ms)
                patience_ms = DEAD_MS if self._is_dead(group, transaction) else PATIENCE_MS
                if now_ms - since_ms >= patience_ms and place not in self._under_way:
                    self._begin(group, place, intents.by_id.get(transaction))
        self.seen = seen

    def _is_dead(self, group: RaftGroup, transaction: TransactionId) -> bool:
        session = group.machine.sessions.by_node.get(transaction.node)
        if session is not None and session.incarnation > transaction.incarnation:
            return True
        return not self._front.alive(transaction.node)

    def _begin(self, group: RaftGroup, place: Place, intent: Intent | None) -> None:
        if len(self._under_way) >= UNDER_WAY_MAX:
            return
        errand = self._under_way[place] = Errand(*place, self._done)
        if intent is None:
            record = group.machine.intents.records[errand.id]
            errand.left = list(record.effects.items())
            self._finish_next(errand)
        else:
            self._say(errand, intent.home, RESOLVE, pack(ResolveRequest(errand.id, errand.group)))

    def _finish_next(self, errand: Errand) -> None:
        """Of a record: the next group, or when all have confirmed the record itself."""
        if errand.left:
            group, effects = errand.left[0]
            self._say(errand, group, FINISH, pack(FinishRequest(errand.id, True, effects)))
        else:
            self._say(errand, errand.group, FORGET, pack(ForgetRequest(errand.id)))

    def _say(self, errand: Errand, group: GroupId, verb: bytes, packed: bytes) -> None:
        front = self._front
        errand.run = run = Run(errand, True, patient=True)
        run.opener = verb.decode()
        run.epoch = front.map_epoch
        run.add((0, [TXN, verb, packed]), len(packed) + 32)
        replica = front.replicas.get(group)
        if replica is not None:
            replica.write(run, front.now_ms)
        elif front.cluster.is_dropped(group):
            run.fail(NO_DATABASE, whoever=True)
        else:
            self._over(errand)  # this node does not know that group yet: later again

    def _over(self, errand: Errand) -> None:
        errand.run = None
        self._under_way.pop((errand.group, errand.id), None)

    def _answered(self, errand: Errand) -> None:
        run = errand.run
        if run is None or run.replies is None:
            return
        reply, verb = run.replies[0], run.opener.encode()
        is_gone = reply is NO_DATABASE
        self.lost += reply == IS_LOST
        if verb == RESOLVE:
            self._resolved(errand, [ABORT] if is_gone else reply)
        elif not (is_gone or reply in (OK, IS_LOST)):
            self._over(errand)
        elif verb == FINISH and errand.left:
            errand.left.pop(0)
            self._finish_next(errand)
        else:
            self.count += 1
            self._over(errand)

    def _resolved(self, errand: Errand, reply: Reply) -> None:
        """The home has told, or is gone: none is dropped before what it decided is finished everywhere."""
        if isinstance(reply, list) and reply == [ABORT]:
            self.told[ABORT] += 1
            self._say(errand, errand.group, FINISH, pack(FinishRequest(errand.id, False)))
        elif isinstance(reply, list) and len(reply) == 2 and reply[0] == COMMIT:
            effects = reply[1]
            assert isinstance(effects, bytes)
            self.told[COMMIT] += 1
            self._say(errand, errand.group, FINISH, pack(FinishRequest(errand.id, True, effects)))
        else:
            self._over(errand)
