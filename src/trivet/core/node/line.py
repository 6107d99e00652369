"""Who of this node's transactions asks for locks, and who lets others go before it.

On the path: before each attempt of a transaction over groups. To ask for a lock that somebody older holds or
waits for is in vain (wait-die): it costs words in the logs of all groups, and holds others up meanwhile. So
whoever has such a one in its way waits here until that one is seen to be gone: the replicas of this node
tell, and the transactions that ask from here are known. What replicas know may be old, so it decides when to
ask, never what is so, and after a time it is asked all the same.

- Rule Z5: nobody waits here for anybody younger, and the oldest is looked at first. So of many that wait for
  one key one begins when it is free, and none is overtaken for ever.
"""

from trivet.core.cluster.slots import slot_of
from trivet.core.node.attempts import NO_LINE, Attempt, Transacting
from trivet.core.node.front import Front
from trivet.core.transaction.coordinator import Phase
from trivet.core.transaction.locks import LOCKS_MAX, Locks
from trivet.core.transaction.words import BLIND, KEYS_MAX, SHARED, LockKey, Stamp


class Line:
    """Those that ask, and what was seen of locks in this look."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._asking: dict[LockKey, Attempt] = {}
        """The last attempt from here that has asked for the key."""
        self._barred: dict[tuple[LockKey, bool], None] = {}
        """Keys at which somebody older than one of those that were looked at is in the way, shared or not."""

    def look_anew(self) -> None:
        """Something may have changed. Whoever waits is to be looked at in the order of age."""
        self._barred.clear()

    def keeps(self, wide: Transacting) -> bool | None:
        """Whether somebody older is in its way; None: nobody here can tell."""
        if wide.latest_ms == NO_LINE:
            return None
        known = wide.barred_by
        if known is not None and (known in self._barred or self._is_barred(known, wide.stamp)):
            return True
        wide.barred_by = None
        is_known = True
        for key, mode in wide.wanted.items():
            place = (key, mode == SHARED)
            found = place in self._barred or self._is_barred(place, wide.stamp)
            if found:
                wide.barred_by = place
                return True
            is_known = is_known and found is False
        return False if is_known else None

    def bars(self, stamp: Stamp, wanted: list[tuple[int, bytes, int]]) -> bool:
        """Whether somebody older than ``stamp`` is seen to have one of the keys (database, key, mode)."""
        for db, key, mode in wanted:
            locks = self._locks((db, key))
            if locks is not None and locks.bars((db, key), mode, stamp):
                return True
        return False

    def asks(self, attempt: Attempt) -> None:
        """It begins: younger ones give way to it until its locks are seen."""
        for key in attempt.locks:
            self._asking[key] = attempt

    def leaves(self, attempt: Attempt) -> None:
        """It is over everywhere."""
        for key in attempt.locks:
            if self._asking.get(key) is attempt:
                del self._asking[key]

    def _is_barred(self, place: tuple[LockKey, bool], stamp: Stamp) -> bool | None:
        key, is_shared = place
        asking = self._asking.get(key)
        if (
            asking is not None
            and asking.coordinator.phase is Phase.LOCKING
            and asking.wide.stamp < stamp
            and not (is_shared and asking.locks[key][1] == SHARED)
        ):
            self._barred[place] = None
            return True
        locks = self._locks(key)
        if locks is None:
            return None
        if locks.barrier_until_ms or locks.bars(key, SHARED if is_shared else BLIND, stamp):
            self._barred[place] = None
            return True
        return False

    def _locks(self, key: LockKey) -> Locks | None:
        """Those of its group, if a replica is here; one that has too many refuses for that alone."""
        front = self._front
        replica = front.groups.get(front.cluster.group_of(key[0], slot_of(key[1])))
        locks = None if replica is None else replica.machine.intents.locks
        return None if locks is None or locks.count + KEYS_MAX > LOCKS_MAX else locks
