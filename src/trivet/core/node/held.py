"""What this node's own replicas know of locks: whether a call that met some has to wait still.

On the path: only of calls and attempts that wait. Each time that such a one asks its group is a word in the
group's log; a replica here tells for nothing. One that is behind tells what was, so it decides when to ask,
never what is so.
"""

from trivet.core.base.ids import GroupId, Index
from trivet.core.cluster.slots import slot_of
from trivet.core.group.face import Replica
from trivet.core.machine.checking import is_wary
from trivet.core.machine.entry import Call
from trivet.core.machine.lock_modes import locks_of
from trivet.core.node.front import Front
from trivet.core.node.rerouting import WHOLE_READS
from trivet.core.transaction.words import SHARED, SINCE, LockKey


class Held:
    """Answers True, False, or None: no replica here can tell."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def call(self, call: Call, group: Replica | None, locked_at: Index) -> bool | None:
        """Whether transactions hold keys of a call that was refused as of that index of the log.

        ``group``: it was sent there, as a part of a call to several.
        """
        if group is not None:
            return self._part(call, group.settings.group, locked_at)
        if is_wary(call[1]):
            return None  # the lock may be on a key that it does not name
        cluster = self._front.cluster
        return _any(
            [
                self._key(cluster.group_of(key[0], slot_of(key[1])), key, mode, locked_at)
                for key, mode in locks_of(*call).items()
            ]
        )

    def keys(self, group: GroupId, wanted: list[tuple[int, bytes, int]]) -> bool | None:
        """The same of keys (database, key, mode) of a group, as of its last answer."""
        return _any([self._key(group, (db, key), mode, 0) for db, key, mode in wanted])

    def _part(self, call: Call, group: GroupId, locked_at: Index) -> bool | None:
        replica = self._front.groups.get(group)
        if replica is None or replica.machine.applied_index < locked_at:
            return None
        intents, args = replica.machine.intents, call[1]
        if args[0] != SINCE and args[0] not in WHOLE_READS:
            return bool(intents.by_id)
        return intents.met_by_whole_read(int(args[1]) if args[0] == SINCE else locked_at)

    def _key(self, group: GroupId, key: LockKey, mode: int, locked_at: Index) -> bool | None:
        replica = self._front.groups.get(group)
        if replica is None or replica.machine.applied_index < locked_at:
            return None
        locks = replica.machine.intents.locks
        if locks.barrier_until_ms:
            return True
        return locks.met_by_read(key) if mode == SHARED else locks.met_by_write(key)


def _any(known: list[bool | None]) -> bool | None:
    if True in known:
        return True
    return None if not known or None in known else False
