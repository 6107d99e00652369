"""Updates that have come and can't be taken yet: something that they build upon is not here.

- Rule N2: an update waits for what it builds upon, in bounded room. What finds no room is dropped: it is in
  nobody's eyes seen here, so it will be asked for. Nothing is dropped that could be taken at once, however
  large: what waits may wait for it. Room is made where most waits, and from its end: one actor whose updates
  can't be taken does not keep out those of others, nor the one that it waits for itself.
"""

from typing import Final

from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import Delta

DELTA_BYTES: Final = 200
CHANGE_BYTES: Final = 40


def size_of(delta: Delta) -> int:
    """What an update takes, about, in memory."""
    total = DELTA_BYTES + len(delta.key) + 20 * len(delta.after)
    for change in delta.changes:
        total += CHANGE_BYTES + len(change.name)
        if change.removed:
            total += 20 * len(change.removed)
        if change.bases:
            total += 40 * len(change.bases)
        if change.payload is not None:
            total += len(change.payload)
    return total


class Waiting:
    """See the module."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes = 0
        self.dropped = 0
        """How many found no room, ever."""
        self._bytes_max = bytes_max
        self._by_actor: dict[int, dict[int, Delta]] = {}
        self._bytes_of: dict[int, int] = {}
        """By actor."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, delta: Delta) -> None:
        """One that has come."""
        numbers = self._by_actor.setdefault(delta.actor, {})
        if delta.number in numbers:
            return
        numbers[delta.number] = delta
        size = size_of(delta)
        self.bytes += size
        self._count += 1
        self._bytes_of[delta.actor] = self._bytes_of.get(delta.actor, 0) + size

    def trim(self) -> None:
        """What could be taken of what has come is taken: of the rest, drop what finds no room (Rule N2)."""
        while self.bytes > self._bytes_max:
            most = max(self._bytes_of, key=self._bytes_of.__getitem__)
            numbers = self._by_actor[most]
            enough = self._bytes_of[most] // 2
            for number in sorted(numbers, reverse=True):
                delta = numbers[number]
                enough -= size_of(delta)
                self.remove(delta)
                self.dropped += 1
                if self.bytes <= self._bytes_max or enough <= 0:
                    break

    @property
    def actors(self) -> list[int]:
        """Of whom something waits."""
        return list(self._by_actor)

    def next_of(self, actor: int, number: int) -> Delta | None:
        """This update, if it is here; it stays."""
        numbers = self._by_actor.get(actor)
        return None if numbers is None else numbers.get(number)

    def remove(self, delta: Delta) -> None:
        """It was taken."""
        numbers = self._by_actor[delta.actor]
        del numbers[delta.number]
        size = size_of(delta)
        self.bytes -= size
        self._count -= 1
        self._bytes_of[delta.actor] -= size
        if not numbers:
            del self._by_actor[delta.actor]
            del self._bytes_of[delta.actor]

    def forget(self, seen: Clock) -> None:
        """These were seen in another way: by an exchange."""
        for actor, numbers in list(self._by_actor.items()):
            base = seen.base(actor)
            for number in [number for number in numbers if number <= base]:
                self.remove(numbers[number])

    def clear(self) -> None:
        """This node is no member any more."""
        self._by_actor = {}
        self._bytes_of = {}
        self._count = 0
        self.bytes = 0
