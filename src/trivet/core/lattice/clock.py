"""Which updates a replica has seen: a dotted version vector.

A *dot* names one update: who made it (an actor), and its number among all that this actor has made, from 1 on
without gaps. A clock is a set of dots: of each actor all up to a base, and ranges beyond it.

- Rule L1: a clock never forgets a dot.
- Rule L2: the same set is the same bytes (``encode``), whatever the order in which it came about.
"""

from typing import Annotated, Final

import msgspec

Dot = tuple[int, int]
"""(actor, its number)."""

ACTORS_MAX: Final = 10_000
"""Actors that a clock from outside may have."""
RANGES_MAX: Final = 100_000
"""Ranges beyond the bases, of all actors together, that it may have."""

Number = Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
Base = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[tuple[Number, Base, list[tuple[Number, Number]]]])


class Clock:
    """A set of dots."""

    __slots__ = ("_bases", "_beyond")

    def __init__(self) -> None:
        self._bases: dict[int, int] = {}
        self._beyond: dict[int, list[tuple[int, int]]] = {}
        """Ranges (first, last), rising, that do not touch each other or the base."""

    def has(self, actor: int, number: int) -> bool:
        """Whether the dot is in it."""
        if number <= self._bases.get(actor, 0):
            return True
        ranges = self._beyond.get(actor)
        return ranges is not None and any(first <= number <= last for first, last in ranges)

    def base(self, actor: int) -> int:
        """All dots of ``actor`` up to this one are in it."""
        return self._bases.get(actor, 0)

    def top(self, actor: int) -> int:
        """The last dot of ``actor`` that is in it; 0: none."""
        ranges = self._beyond.get(actor)
        return ranges[-1][1] if ranges else self._bases.get(actor, 0)

    @property
    def actors(self) -> list[int]:
        """Those of whom it has dots, rising."""
        return sorted({**dict.fromkeys(self._bases), **dict.fromkeys(self._beyond)})

    def add(self, actor: int, number: int) -> None:
        """One more dot."""
        base = self._bases.get(actor, 0)
        if number == base + 1 and actor not in self._beyond:
            self._bases[actor] = number
        elif number > base:
            self.add_range(actor, number, number)

    def add_range(self, actor: int, first: int, last: int) -> None:
        """All dots from ``first`` to ``last``."""
        base = self._bases.get(actor, 0)
        if last <= base or last < first:
            return
        merged: list[tuple[int, int]] = []
        for one_first, one_last in self._beyond.get(actor, ()):
            if one_last < first - 1 or one_first > last + 1:
                merged.append((one_first, one_last))
            else:
                first, last = min(first, one_first), max(last, one_last)
        merged.append((first, last))
        merged.sort()
        while merged and merged[0][0] <= base + 1:
            base = max(base, merged[0][1])
            del merged[0]
        if base:
            self._bases[actor] = base
        if merged:
            self._beyond[actor] = merged
        else:
            self._beyond.pop(actor, None)

    def join(self, other: "Clock") -> None:
        """All dots of ``other`` too."""
        for actor, base in other._bases.items():
            if base > self._bases.get(actor, 0):
                self.add_range(actor, 1, base)
        for actor, ranges in other._beyond.items():
            for first, last in ranges:
                self.add_range(actor, first, last)

    def covers(self, other: "Clock") -> bool:
        """Whether it has every dot of ``other``."""
        for actor, base in other._bases.items():
            if base > self._bases.get(actor, 0):
                return False
        return not other._beyond or not self.missing_from(other)

    def missing_from(self, other: "Clock") -> list[tuple[int, int, int]]:
        """The dots of ``other`` that are not in it: (actor, first, last), rising."""
        missing: list[tuple[int, int, int]] = []
        for actor in other.actors:
            base = self._bases.get(actor, 0)
            own = self._beyond.get(actor, [])
            theirs = list(other._beyond.get(actor, ()))
            if other._bases.get(actor, 0):
                theirs.insert(0, (1, other._bases[actor]))
            for first, last in theirs:
                low = max(first, base + 1)
                for one_first, one_last in own:
                    if one_last < low:
                        continue
                    if one_first > last:
                        break
                    if low < one_first:
                        missing.append((actor, low, one_first - 1))
                    low = one_last + 1
                if low <= last:
                    missing.append((actor, low, last))
        return missing

    def meet(self, other: "Clock") -> "Clock":
        """The dots that are in both."""
        both = Clock()
        for actor in self.actors:
            base = min(self._bases.get(actor, 0), other._bases.get(actor, 0))
            if base:
                both._bases[actor] = base
            if actor in self._beyond or actor in other._beyond:
                for first, last in self._ranges(actor):
                    for other_first, other_last in other._ranges(actor):
                        both.add_range(actor, max(first, other_first), min(last, other_last))
        return both

    def _ranges(self, actor: int) -> list[tuple[int, int]]:
        ranges = list(self._beyond.get(actor, ()))
        base = self._bases.get(actor, 0)
        return [(1, base), *ranges] if base else ranges

    def copy(self) -> "Clock":
        """One of its own."""
        twin = Clock()
        twin._bases = dict(self._bases)
        twin._beyond = {actor: list(ranges) for actor, ranges in self._beyond.items()}
        return twin

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clock) and (self._bases, self._beyond) == (other._bases, other._beyond)

    def __hash__(self) -> int:
        raise TypeError("a clock changes")

    def encode(self) -> bytes:
        """As bytes (Rule L2)."""
        return _encoder.encode(
            [(actor, self._bases.get(actor, 0), self._beyond.get(actor, [])) for actor in self.actors]
        )

    def __repr__(self) -> str:
        parts = []
        for actor in self.actors:
            ranges = "".join([f",{first}-{last}" for first, last in self._beyond.get(actor, ())])
            parts.append(f"{actor}:{self._bases.get(actor, 0)}{ranges}")
        return f"Clock({' '.join(parts)})"


def decode_clock(data: bytes) -> Clock:
    """What ``encode`` gave; raises ``ValueError`` when it is nonsense or too much."""
    try:
        rows = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    if len(rows) > ACTORS_MAX or sum([len(ranges) for _, _, ranges in rows]) > RANGES_MAX:
        raise ValueError("a clock of too many parts")
    clock = Clock()
    actor_before = 0
    for actor, base, ranges in rows:
        if actor <= actor_before or not (base or ranges):
            raise ValueError("the actors of a clock do not rise")
        actor_before = actor
        at = base
        for first, last in ranges:
            if first <= at + 1 or last < first:
                raise ValueError("the ranges of a clock do not rise")
            at = last
        if base:
            clock._bases[actor] = base
        if ranges:
            clock._beyond[actor] = ranges
    return clock
