"""What one group knows of transactions over groups: intents, decisions, and what is over.

On the path: words of coordinators (``words``) -> who holds which lock, and what was decided. What a
decision does to the keys is the machine's business.

- Rule L1: an intent is a vote: yes, whatever is decided. Only the decision ends it (``DECIDE`` and
  ``RESOLVE`` in the home group, ``FINISH`` in the others): no clock, no other client, no lost node.
- Rule L5: the home group decides, and the first word counts. ``DECIDE`` commits what has an intent there; a
  ``RESOLVE`` or a ``FINISH`` that comes before it aborts.
- Rule L6: a committed transaction's effects on the other groups are kept at home as its *record* until
  all of them have applied theirs (``FORGET``). So whoever asks is told.
"""

from trivet.core.base.checksum import crc32
from trivet.core.base.ids import GroupId, Index, WallMs
from trivet.core.transaction.intents_state import (
    IntentsState,
    IntentState,
    LifeState,
    RecordState,
    ReservationState,
)
from trivet.core.transaction.lives import Life, Lives
from trivet.core.transaction.locks import BARRIER_MS, Intent, Locks, Reservation
from trivet.core.transaction.words import (
    GRANTED,
    STALE,
    DecideRequest,
    LockKey,
    LockRequest,
    TransactionId,
)


class Record:
    """A committed transaction that some groups may not have heard of yet."""

    __slots__ = ("effects", "since_ms")

    def __init__(self, since_ms: WallMs, effects: dict[GroupId, bytes]) -> None:
        self.since_ms = since_ms
        self.effects = effects
        """By group, the home excepted."""


class Intents:
    """All of it, part of the replicated state of a group."""

    def __init__(self) -> None:
        self.by_id: dict[TransactionId, Intent] = {}
        """Not decided, in the order of their first locks."""
        self.records: dict[TransactionId, Record] = {}
        self.locks = Locks()
        self.lives = Lives()

    @property
    def is_busy(self) -> bool:
        """Whether plain calls must be looked at: there are locks, or a barrier."""
        return bool(self.by_id) or self.locks.barrier_until_ms > 0

    # -- the words -------------------------------------------------------------------------------

    def lock(self, request: LockRequest, wanted: dict[LockKey, int], index: Index, now_ms: WallMs) -> int:
        """``LOCK``: ``GRANTED``, ``WAIT``, ``DIE`` or ``STALE``."""
        self.lives.hear(request.id, request.low)
        intent = self.by_id.get(request.id)
        if self.lives.is_over(request.id) or (intent is not None and intent.home != request.home):
            return STALE
        if intent is None:
            intent = Intent(request.id, request.home, request.stamp, now_ms, index)
        outcome = self.locks.ask(intent, wanted, self.by_id, now_ms)
        if outcome == GRANTED:
            self.by_id[intent.id] = intent
        return outcome

    def decide(self, request: DecideRequest, now_ms: WallMs) -> list[LockKey] | None:
        """``DECIDE``: keys that nobody locks now; None: it has no intent here (see ``has_committed``)."""
        self.lives.hear(request.id, request.low)
        intent = self.by_id.get(request.id)
        if intent is None or len(intent.keys) < request.keys:
            return None
        effects = {group: data for group, data in request.effects if group != intent.home}
        if effects:
            self.records[intent.id] = Record(now_ms, effects)
        return self._end(intent, True)

    def has_committed(self, transaction: TransactionId) -> bool:
        """Whether it is known here that this one was committed."""
        return transaction in self.records or self.lives.has_committed(transaction)

    def lacks(self, transaction: TransactionId, keys: int) -> bool:
        """Whether one that is committed elsewhere has not so many locks here, nor had, as far as is known."""
        intent = self.by_id.get(transaction)
        return self.lives.lacks(transaction) if intent is None else len(intent.keys) < keys

    def finish(self, transaction: TransactionId, commits: bool) -> list[LockKey]:
        """``FINISH``: keys that nobody locks any more. Of what has no intent here no more is heard."""
        intent = self.by_id.get(transaction)
        if intent is None:
            self.lives.end(transaction, commits)
            return []
        return self._end(intent, commits)

    def resolve(self, transaction: TransactionId, group: GroupId) -> tuple[bytes | None, list[LockKey]]:
        """``RESOLVE``: the effects on ``group``, or None: aborted, now if not before; and the keys freed."""
        record = self.records.get(transaction)
        if record is not None:
            return record.effects.get(group, b""), []
        if self.lives.has_committed(transaction):
            return b"", []
        return None, self.finish(transaction, False)

    def forget(self, transaction: TransactionId) -> None:
        """``FORGET``: every participant has applied it."""
        self.records.pop(transaction, None)

    def _end(self, intent: Intent, committed: bool) -> list[LockKey]:
        del self.by_id[intent.id]
        self.lives.end(intent.id, committed)
        return self.locks.release(intent)

    # -- calls about whole databases ---------------------------------------------------------------

    def met_by_whole_read(self, since: Index) -> bool:
        """Whether a read of a whole database, first refused at ``since``, must wait (Rule L10)."""
        return any(intent.is_exclusive and intent.index <= since for intent in self.by_id.values())

    def met_by_flush(self, now_ms: WallMs) -> bool:
        """Whether a flush must wait; the barrier is set for it, or lifted (Rule L11)."""
        self.locks.barrier_until_ms = now_ms + BARRIER_MS if self.by_id else 0
        return bool(self.by_id)

    def barrier_ends(self, now_ms: WallMs) -> bool:
        """Time has passed: whether a barrier was there and has gone."""
        if 0 < self.locks.barrier_until_ms <= now_ms:
            self.locks.barrier_until_ms = 0
            return True
        return False

    # -- the state -------------------------------------------------------------------------------

    def digest(self, crc: int, turn: int) -> int:
        """Fold it into a checksum (Rule M4): all but the keys of each intent, which come in turn."""
        facts: list[int] = [self.locks.count, len(self.locks.reserved), self.locks.barrier_until_ms]
        for intent in self.by_id.values():
            facts += [*intent.id, intent.home, *intent.stamp, intent.since_ms, intent.index, len(intent.keys)]
        for transaction, record in self.records.items():
            facts += [*transaction, record.since_ms, *map(crc32, record.effects.values())]
        for node, life in self.lives.by_node.items():
            facts += [node, life.incarnation, life.low, len(life.over)]
        crc = crc32(b",".join([b"%d" % fact for fact in facts]), crc)
        if self.by_id:
            intent = list(self.by_id.values())[turn % len(self.by_id)]
            for (db, key), mode in intent.keys.items():
                crc = crc32(b"%d,%d," % (db, mode) + key, crc)
        return crc

    def state(self) -> IntentsState:
        """As a snapshot holds it."""
        locks = self.locks
        return IntentsState(
            [
                IntentState(
                    intent.id, intent.home, intent.stamp, intent.since_ms, intent.index,
                    [(db, key, mode) for (db, key), mode in intent.keys.items()],
                )
                for intent in self.by_id.values()
            ],
            [
                RecordState(transaction, record.since_ms, list(record.effects.items()))
                for transaction, record in self.records.items()
            ],
            [
                LifeState(node, life.incarnation, life.low, list(life.over.items()))
                for node, life in self.lives.by_node.items()
            ],
            [
                ReservationState(db, key, held.stamp, held.mode, held.until_ms)
                for (db, key), held in locks.reserved.items()
            ],
            locks.barrier_until_ms,
            [
                (db, key, list(holders))
                for (db, key), holders in locks.held.items()
                if len(holders) > 1
            ],
        )  # fmt: skip

    def restore(self, state: IntentsState) -> None:
        """Become what ``state`` says, from nothing; ``ValueError`` for holders that there are not."""
        locks = self.locks
        for held in state.intents:
            intent = Intent(held.id, held.home, held.stamp, held.since_ms, held.index)
            locks.take(intent, {(db, key): mode for db, key, mode in held.keys})
            self.by_id[held.id] = intent
        for db, key, order in state.shared:
            if sorted(order) != sorted(locks.held.get((db, key), {})):
                raise ValueError("impossible holders of a lock")
            locks.held[(db, key)] = {transaction: self.by_id[transaction] for transaction in order}
        for record in state.records:
            self.records[record.id] = Record(record.since_ms, dict(record.effects))
        for known in state.lives:
            life = self.lives.by_node[known.node] = Life(known.incarnation)
            life.low = known.low
            life.over = dict(known.over)
        for one in state.reserved:
            locks.reserved[(one.database, one.key)] = Reservation(one.stamp, one.mode, one.until_ms)
        locks.barrier_until_ms = state.barrier_until_ms

    def check_invariants(self) -> None:
        """The lock table is what the intents hold (Rule L2). Looks at everything: for tests and the lab."""
        count = 0
        for key, holders in self.locks.held.items():
            count += len(holders)
            modes = [holder.keys[key] for holder in holders.values()]
            assert len(modes) == 1 or not any(modes), (key, modes)
            assert all(self.by_id[one] is holder for one, holder in holders.items()), key
        assert count == self.locks.count == sum([len(intent.keys) for intent in self.by_id.values()])
        for intent in self.by_id.values():
            assert intent.is_exclusive == any(intent.keys.values())
            assert intent.id not in self.records
