"""A set of members. See ``keyed`` for its representation and its order.

The order matters: ``SPOP`` chooses by it, so it must be the same on every replica.
That is why the members are a dict's keys and never a ``set`` (rule V1).
"""

from collections.abc import Iterable
from typing import final

from trivet.core.base.prng import Prng
from trivet.core.values.keyed import Keyed


@final
class Set(Keyed[bool]):
    """Different members in a reproducible order."""

    __slots__ = ()

    @staticmethod
    def of(members: Iterable[bytes]) -> "Set":
        """A new set with these members."""
        made = Set()
        for member in members:
            made.put(member, True)
        return made

    def members(self) -> Iterable[bytes]:
        """All members in order. The set must not change meanwhile."""
        return self.keys()

    def add(self, member: bytes) -> bool:
        """Add; True when it is new."""
        return self.put(member, True)

    def discard(self, member: bytes) -> bool:
        """Remove; True when it was there."""
        return self.pop(member) is not None

    def take(self, prng: Prng, count: int) -> list[bytes]:
        """Remove and give ``count`` members by chance, or all of them when there are fewer."""
        taken = self.sample(prng, count)
        for member in taken:
            self.pop(member)
        return taken

    def copy(self) -> "Set":
        """A set of its own that behaves identically."""
        twin = Set(self.shape)
        twin.fill_from(self)
        return twin

    def dump(self) -> tuple[int, list[bytes]]:
        """``(shape, members)``: all that ``load`` needs."""
        return self.shape, self.to_list()

    @staticmethod
    def load(shape: int, members: list[bytes]) -> "Set":
        """The set that ``dump`` described."""
        loaded = Set(shape)
        for member in members:
            loaded.put(member, True)
        return loaded
