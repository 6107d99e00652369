"""Chance as an argument: a small seeded generator in integer arithmetic.

SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
OOPSLA 2014). The same seed gives the same numbers on every platform and build.
Not for secrets.
"""

from collections.abc import MutableSequence
from typing import TypeVar

T = TypeVar("T")

_MASK = 0xFFFFFFFFFFFFFFFF
_GAMMA = 0x9E3779B97F4A7C15


class Prng:
    """A stream of pseudo-random integers that a seed determines."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def u64(self) -> int:
        """The next integer in [0, 2**64)."""
        self._state = (self._state + _GAMMA) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, bound: int) -> int:
        """An integer in [0, bound); ``bound`` >= 1. Bias is below 2**-32 for bounds below 2**32."""
        assert bound >= 1
        return self.u64() % bound

    def between(self, low: int, high: int) -> int:
        """An integer in [low, high], both ends included."""
        assert low <= high
        return low + self.below(high - low + 1)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.u64() < probability * 18446744073709551616.0

    def fork(self) -> "Prng":
        """A generator of its own, determined by this one's state."""
        return Prng(self.u64())

    def shuffle(self, items: MutableSequence[T]) -> None:
        """Shuffle in place (Fisher-Yates)."""
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
