"""Updates that have come and can't be taken yet: something that they build upon is not here.

- Rule N2: an update waits for what it builds upon, in bounded room. What finds no room is dropped: it is in
  nobody's eyes seen here, so it will be asked for.
"""

from trivet.core.gossip.retained import size_of
from trivet.core.lattice.delta import Delta


class Waiting:
    """See the module."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes = 0
        self.dropped = 0
        """How many found no room, ever."""
        self._bytes_max = bytes_max
        self._by_actor: dict[int, dict[int, Delta]] = {}

    def __len__(self) -> int:
        return sum([len(numbers) for numbers in self._by_actor.values()])

    def put(self, delta: Delta) -> None:
        """One that has come."""
        numbers = self._by_actor.setdefault(delta.actor, {})
        if delta.number in numbers:
            return
        size = size_of(delta)
        if self.bytes and self.bytes + size > self._bytes_max:
            self.dropped += 1
            if not numbers:
                del self._by_actor[delta.actor]
            return
        numbers[delta.number] = delta
        self.bytes += size

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
        if not numbers:
            del self._by_actor[delta.actor]
        self.bytes -= size_of(delta)

    def forget_below(self, actor: int, base: int) -> None:
        """All up to ``base`` were seen in another way."""
        numbers = self._by_actor.get(actor)
        if numbers is None:
            return
        for number in [number for number in numbers if number <= base]:
            self.remove(numbers[number])

    def clear(self) -> None:
        """This node is no member any more."""
        self._by_actor = {}
        self.bytes = 0
