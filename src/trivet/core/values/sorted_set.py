"""A sorted set: members with scores, in the order of (score, member).

Strategy: a ``Keyed`` finds a member's score; beside it stand the pairs in order, as a
plain list with bisection while there are at most ``LIST_MAX`` of them (shifting a
short array is the cheapest there is) and as a ``SortedList`` from then on. The order
is a function of the content alone, so a snapshot needs only the pairs and the shape.
Members of equal score stand in the order of their bytes. A score is never NaN: that
would break the order, so ``put`` asserts it and the commands refuse it before. Nor is
it -0.0, which equals 0.0 and would make the state depend on which came first.

Ranges are half-open pairs of ranks, found in O(log n).
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from math import inf, nextafter
from typing import Final, Protocol, cast, final

from sortedcontainers import SortedList

from trivet.core.base.prng import Prng
from trivet.core.values.keyed import Keyed, shuffled_prefix

LIST_MAX: Final = 10_000
"""Members above which the order is kept in a ``SortedList``."""

Scored = tuple[float, bytes]
"""A member as it stands in the order: its score first."""


class _Order(Protocol):
    """What is used of ``SortedList``, which has no types of its own."""

    def add(self, value: Scored) -> None: ...

    def remove(self, value: Scored) -> None: ...

    def bisect_left(self, value: Scored) -> int: ...

    def islice(self, start: int, stop: int) -> Iterator[Scored]: ...

    def __getitem__(self, index: int) -> Scored: ...

    def __delitem__(self, index: int | slice) -> None: ...

    def __len__(self) -> int: ...


@final
class SortedSet:
    """Members to scores, and their order."""

    __slots__ = ("_list", "_scores", "_tree")

    def __init__(self, shape: int = 0) -> None:
        self._scores: Keyed[float] = Keyed(shape)
        self._list: list[Scored] = []
        self._tree: _Order | None = None

    @property
    def shape(self) -> int:
        """That of the table of scores; see ``Keyed.shape``."""
        return self._scores.shape

    def __len__(self) -> int:
        return len(self._scores)

    def __contains__(self, member: bytes) -> bool:
        return member in self._scores

    def get(self, member: bytes) -> float | None:
        """The score of ``member``, or None."""
        return self._scores.get(member)

    def items(self) -> Iterable[tuple[bytes, float]]:
        """All members with their scores, in no order that may decide anything."""
        return self._scores.items()

    @staticmethod
    def of(scores: dict[bytes, float]) -> "SortedSet":
        """A new sorted set with these members and scores."""
        made = SortedSet()
        made._fill_sorted(sorted((score + 0.0, member) for member, score in scores.items()))
        return made

    def put(self, member: bytes, score: float) -> bool:
        """Give ``member`` the score; True when it is new."""
        assert score == score, "a score is never NaN"
        score += 0.0
        scores = self._scores
        old = scores.get(member)
        if old is not None:
            if old != score:
                self._delete((old, member))
                scores.put(member, score)
                self._insert((score, member))
            return False
        scores.put(member, score)
        self._insert((score, member))
        return True

    def pop(self, member: bytes) -> float | None:
        """Remove a member and give its score, or None when it is missing."""
        score = self._scores.pop(member)
        if score is not None:
            self._delete((score, member))
        return score

    def rank(self, member: bytes) -> int:
        """How many stand before ``member``; -1 when it is missing."""
        score = self.get(member)
        return -1 if score is None else self._lower_bound((score, member))

    def at(self, rank: int) -> Scored:
        """The pair at ``rank``, which is in range."""
        return self._list[rank] if self._tree is None else self._tree[rank]

    def between(self, start: int, stop: int) -> list[Scored]:
        """The pairs at ranks [start, stop), which is within the set."""
        if self._tree is None:
            return self._list[start:stop]
        return list(self._tree.islice(start, stop))

    def all(self) -> list[Scored]:
        """All pairs in order."""
        return self.between(0, len(self))

    def remove_between(self, start: int, stop: int) -> list[Scored]:
        """Remove and give the pairs at ranks [start, stop), which is within the set."""
        removed = self.between(start, stop)
        if self._tree is None:
            del self._list[start:stop]
        else:
            del self._tree[start:stop]
        for _, member in removed:
            self._scores.pop(member)
        return removed

    def score_rank(self, score: float, above: bool) -> int:
        """The rank of the first pair with at least that score, or with a greater one (``above``)."""
        if above:
            if score == inf:
                return len(self)
            score = nextafter(score, inf)
        return self._lower_bound((score, b""))

    def member_rank(self, member: bytes, above: bool) -> int:
        """The rank of the first pair whose member is at least, or greater than (``above``), ``member``.

        Meaningful when all scores are equal; otherwise some rank, the same on every replica.
        """
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            other = self.at(middle)[1]
            if other < member or (above and other == member):
                low = middle + 1
            else:
                high = middle
        return low

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """As ``Keyed.scan``, but the members of one answer in an order that only content decides."""
        cursor, found = self._scores.scan(cursor, count)
        found.sort()
        return cursor, found

    def random_key(self, prng: Prng) -> bytes:
        """One member, each equally likely: by rank, so the same whatever the representation."""
        return self.at(prng.below(len(self)))[1]

    def draw(self, prng: Prng, count: int) -> list[bytes]:
        """``count`` members, each drawn from all."""
        size = len(self)
        return [self.at(prng.below(size))[1] for _ in range(count)]

    def sample(self, prng: Prng, count: int) -> list[bytes]:
        """``count`` different members by chance, or all of them when there are fewer."""
        size = len(self)
        if count >= size:
            return [member for _, member in self.all()]
        if count * 4 > size:
            return shuffled_prefix([member for _, member in self.all()], prng, count)
        chosen: dict[bytes, bool] = {}
        while len(chosen) < count:
            chosen[self.random_key(prng)] = True
        return list(chosen)

    def copy(self) -> "SortedSet":
        """A sorted set of its own that behaves identically."""
        twin = SortedSet(self.shape)
        twin._fill_sorted(self.all())
        return twin

    def dump(self) -> tuple[int, list[Scored]]:
        """``(shape, [(score, member), ...])`` in order: all that ``load`` needs."""
        return self.shape, self.all()

    @staticmethod
    def load(shape: int, pairs: Iterable[Scored]) -> "SortedSet":
        """The sorted set that ``dump`` described; the pairs are in order."""
        loaded = SortedSet(shape)
        loaded._fill_sorted(list(pairs))
        return loaded

    def check_invariants(self) -> None:
        """The order holds exactly the members with their scores, strictly rising."""
        self._scores.check_invariants()
        pairs = self.all()
        assert len(pairs) == len(self)
        assert all(pairs[i] < pairs[i + 1] for i in range(len(pairs) - 1))
        assert all(self.get(member) == score for score, member in pairs)

    def _fill_sorted(self, pairs: list[Scored]) -> None:
        for score, member in pairs:
            self._scores.put(member, score)
        if len(pairs) > LIST_MAX:
            self._tree = cast(_Order, SortedList(pairs))
        else:
            self._list = pairs

    def _lower_bound(self, pair: Scored) -> int:
        return bisect_left(self._list, pair) if self._tree is None else self._tree.bisect_left(pair)

    def _insert(self, pair: Scored) -> None:
        if self._tree is not None:
            self._tree.add(pair)
            return
        insort(self._list, pair)
        if len(self._list) > LIST_MAX:
            self._tree = cast(_Order, SortedList(self._list))
            self._list = []

    def _delete(self, pair: Scored) -> None:
        if self._tree is not None:
            self._tree.remove(pair)  # by its value: its rank would have to be counted
        else:
            del self._list[bisect_left(self._list, pair)]
