"""How much a group of data holds: estimated from samples, a few buckets a second.

On the path: nowhere; what comes out only decides whether a group is split or merged, and where.
"""

from collections import deque
from typing import Final

from trivet.core.cluster.slots import slot_of
from trivet.core.machine.machine import Machine
from trivet.core.machine.ownership import OWNED, SEALED
from trivet.core.values.sizes import item_bytes
from trivet.core.values.table import SPACE

BUCKETS: Final = 8
"""Looked at by one ``look``."""
SAMPLES_MAX: Final = 1_024
MIDDLE_SAMPLES_MIN: Final = 64
"""With fewer nobody knows where the middle is."""


class Census:
    """The samples of one group."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=SAMPLES_MAX)
        """(slot, bytes) of the keys that were looked at last."""
        self._bytes = 0
        self._index = 0
        self._point = 0

    def look(self, machine: Machine) -> None:
        """Look at some buckets more."""
        left = BUCKETS
        for index, database in machine.databases.items():
            if index < self._index or not len(database.values):
                continue
            if index > self._index:
                self._index, self._point = index, 0
            while self._point < SPACE:
                if not left:
                    return
                left -= 1
                bucket, self._point = database.values.range_at(self._point)
                for key, value in database.values.bucket(bucket).items():
                    slot = slot_of(key)
                    if machine.ownership.place(key) in (OWNED, SEALED):
                        self._add(slot, item_bytes(key, value, False))
        self._index = self._point = 0

    def _add(self, slot: int, size_bytes: int) -> None:
        if len(self._samples) == SAMPLES_MAX:
            self._bytes -= self._samples[0][1]
        self._samples.append((slot, size_bytes))
        self._bytes += size_bytes

    def bytes_of(self, keys: int) -> int:
        """What so many keys take, about."""
        return keys * self._bytes // len(self._samples) if self._samples else 0

    def middle(self) -> int:
        """The slot that begins the upper half of what is held; 0: not known."""
        if len(self._samples) < MIDDLE_SAMPLES_MIN:
            return 0
        left = self._bytes // 2
        for slot, size_bytes in sorted(self._samples):
            left -= size_bytes
            if left < 0:
                return slot
        return 0


def keys_of(machine: Machine) -> int:
    """The keys that the group owns."""
    return sum([len(database) for database in machine.databases.opened()])


def is_spent(machine: Machine) -> bool:
    """Whether the group owns nothing, and knows of no transaction that anybody may ask it about (Rule L6)."""
    return not machine.ownership.owned and not machine.intents.by_id and not machine.intents.records
