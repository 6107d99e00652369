"""Sorted sets: unions, intersections and differences, given or stored.

Plain sets take part with the score 1. A weight times a score that is not a number
(infinity by zero) counts as 0, and so does a sum of opposite infinities, as in
redis-server 7.0. Inputs are aggregated from the smallest to the greatest, as there,
so that sums of fractions agree to the last bit.
"""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX, WRONG_TYPE
from trivet.core.command.collection_arguments import (
    LIMIT_NEGATIVE,
    first_counted_positions,
    not_negative,
    stored_counted_positions,
)
from trivet.core.command.events import SORTED_SET
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.numbers import parse_float, parse_int
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.wire.reply import Error, Pairs, Reply

_READ: Final = Flag.READONLY | Flag.MOVABLEKEYS
_STORE: Final = Flag.WRITE | Flag.DENYOOM | Flag.MOVABLEKEYS
_NOT_A_WEIGHT: Final = Error("ERR weight value is not a float")

_UNION: Final = 0
_INTERSECTION: Final = 1
_DIFFERENCE: Final = 2

_STORED: Final = (b"zunionstore", b"zinterstore", b"zdiffstore")
"""The keyspace events, by operation."""

_SUM: Final = 0
_MIN: Final = 1
_MAX: Final = 2
_AGGREGATES: Final[dict[bytes, int]] = {b"SUM": _SUM, b"MIN": _MIN, b"MAX": _MAX}

Source = SortedSet | Set | None


class Plan:
    """One computation: its inputs with their weights, and what to do with them."""

    __slots__ = ("aggregate", "limit", "operation", "scores", "sources", "weights")

    def __init__(self, operation: int, sources: list[Source]) -> None:
        self.operation = operation
        self.sources = sources
        self.weights = [1.0] * len(sources)
        self.aggregate = _SUM
        self.scores = False
        self.limit = 0

    def read(self, args: list[bytes], at: int, store: bool, count_only: bool) -> Error | None:
        """The options from ``args[at]`` on."""
        weighable = self.operation != _DIFFERENCE and not count_only
        number = len(self.sources)
        while at < len(args):
            name, left = args[at].upper(), len(args) - at
            if weighable and name == b"WEIGHTS" and left > number:
                for index in range(number):
                    weight = parse_float(args[at + 1 + index])
                    if weight is None:
                        return _NOT_A_WEIGHT
                    self.weights[index] = weight
                at += number + 1
            elif weighable and name == b"AGGREGATE" and left > 1:
                aggregate = _AGGREGATES.get(args[at + 1].upper())
                if aggregate is None:
                    return SYNTAX
                self.aggregate = aggregate
                at += 2
            elif name == b"WITHSCORES" and not store and not count_only:
                self.scores = True
                at += 1
            elif name == b"LIMIT" and count_only and left > 1:
                limit = not_negative(args[at + 1], LIMIT_NEGATIVE)
                if isinstance(limit, Error):
                    return limit
                self.limit = limit
                at += 2
            else:
                return SYNTAX
        return None

    def run(self) -> dict[bytes, float]:
        """The members of the result with their scores."""
        if self.operation == _DIFFERENCE:
            return self._difference()
        order = sorted(range(len(self.sources)), key=lambda i: _size(self.sources[i]))
        return self._union(order) if self.operation == _UNION else self._intersection(order)

    def _union(self, order: list[int]) -> dict[bytes, float]:
        result: dict[bytes, float] = {}
        for index in order:
            weight = self.weights[index]
            for member, score in _scores(self.sources[index]).items():
                weighted = _weighted(score, weight)
                held = result.get(member)
                result[member] = weighted if held is None else self._together(held, weighted)
        return result

    def _intersection(self, order: list[int]) -> dict[bytes, float]:
        result: dict[bytes, float] = {}
        first = order[0]
        for member, score in _scores(self.sources[first]).items():
            total = _weighted(score, self.weights[first])
            everywhere = True
            for index in order[1:]:
                other = _score(self.sources[index], member)
                if other is None:
                    everywhere = False
                    break
                total = self._together(total, other * self.weights[index])
            if everywhere:
                result[member] = total
                if len(result) == self.limit:
                    break
        return result

    def _difference(self) -> dict[bytes, float]:
        others = [source for source in self.sources[1:] if source is not None]
        return {
            member: score
            for member, score in _scores(self.sources[0]).items()
            if not any(member in other for other in others)
        }

    def _together(self, held: float, score: float) -> float:
        """The two aggregated; ``score`` may be NaN, ``held`` and the result not."""
        if self.aggregate == _SUM:
            total = held + score
            return total if total == total else 0.0
        if self.aggregate == _MIN:
            return score if score < held else held
        return score if score > held else held


def _weighted(score: float, weight: float) -> float:
    product = score * weight
    return product if product == product else 0.0


def _size(source: Source) -> int:
    return 0 if source is None else len(source)


def _score(source: Source, member: bytes) -> float | None:
    if isinstance(source, SortedSet):
        return source.get(member)
    return 1.0 if source is not None and member in source else None


def _scores(source: Source) -> dict[bytes, float]:
    """All members with their scores, in an order that is the same on every replica."""
    if source is None:
        return {}
    if isinstance(source, SortedSet):
        return {member: score for score, member in source.all()}
    return dict.fromkeys(source.members(), 1.0)


def _plan(
    context: Context,
    args: list[bytes],
    operation: int,
    at: int,
    count_only: bool = False,
) -> Plan | Error:
    """The plan whose number of keys stands at ``args[at]``."""
    number = parse_int(args[at])
    if number is None:
        return NOT_AN_INTEGER
    if number < 1:
        name = args[0].lower().decode("latin-1")
        return Error(f"ERR at least 1 input key is needed for '{name}' command")
    if number > len(args) - at - 1:
        return SYNTAX
    sources: list[Source] = []
    for key in args[at + 1 : at + 1 + number]:
        value = context.db.get(key)
        if value is not None and not isinstance(value, (SortedSet, Set)):
            return WRONG_TYPE
        sources.append(value)
    plan = Plan(operation, sources)
    fault = plan.read(args, at + 1 + number, at == 2, count_only)
    return plan if fault is None else fault


def _give(context: Context, args: list[bytes], operation: int) -> Reply:
    plan = _plan(context, args, operation, 1)
    if isinstance(plan, Error):
        return plan
    pairs = sorted((score, member) for member, score in plan.run().items())
    if plan.scores:
        return Pairs([(member, score) for score, member in pairs])
    return [member for _, member in pairs]


def _store(context: Context, args: list[bytes], operation: int) -> Reply:
    plan = _plan(context, args, operation, 2)
    if isinstance(plan, Error):
        return plan
    result = plan.run()
    context.stored(SORTED_SET, _STORED[operation], args[1], SortedSet.of(result), len(result))
    return len(result)


@command(
    "zunion",
    arity=-3,
    flags=_READ,
    group="sorted-set",
    summary="Gives the members that any of the sorted sets has.",
    since="6.2.0",
    complexity="O(N)+O(M*log(M)) for N members in, M out",
    key_finder=first_counted_positions,
)
def zunion(context: Context, args: list[bytes]) -> Reply:
    """ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]."""
    return _give(context, args, _UNION)


@command(
    "zinter",
    arity=-3,
    flags=_READ,
    group="sorted-set",
    summary="Gives the members that all sorted sets have.",
    since="6.2.0",
    complexity="O(N*K)+O(M*log(M)) for K sets, N members in the smallest, M out",
    key_finder=first_counted_positions,
)
def zinter(context: Context, args: list[bytes]) -> Reply:
    """ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]."""
    return _give(context, args, _INTERSECTION)


@command(
    "zdiff",
    arity=-3,
    flags=_READ,
    group="sorted-set",
    summary="Gives the members of the first sorted set that no other has.",
    since="6.2.0",
    complexity="O(N*K)+O(M*log(M)) for K sets, N members in the first, M out",
    key_finder=first_counted_positions,
)
def zdiff(context: Context, args: list[bytes]) -> Reply:
    """ZDIFF numkeys key [key ...] [WITHSCORES]."""
    return _give(context, args, _DIFFERENCE)


@command(
    "zunionstore",
    arity=-4,
    flags=_STORE,
    keys=(1, 1, 1),
    group="sorted-set",
    summary="Stores the members that any of the sorted sets has.",
    since="2.0.0",
    complexity="O(N)+O(M*log(M)) for N members in, M out",
    key_finder=stored_counted_positions,
)
def zunionstore(context: Context, args: list[bytes]) -> Reply:
    """ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX]."""
    return _store(context, args, _UNION)


@command(
    "zinterstore",
    arity=-4,
    flags=_STORE,
    keys=(1, 1, 1),
    group="sorted-set",
    summary="Stores the members that all sorted sets have.",
    since="2.0.0",
    complexity="O(N*K)+O(M*log(M)) for K sets, N members in the smallest, M out",
    key_finder=stored_counted_positions,
)
def zinterstore(context: Context, args: list[bytes]) -> Reply:
    """ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM|MIN|MAX]."""
    return _store(context, args, _INTERSECTION)


@command(
    "zdiffstore",
    arity=-4,
    flags=_STORE,
    keys=(1, 1, 1),
    group="sorted-set",
    summary="Stores the members of the first sorted set that no other has.",
    since="6.2.0",
    complexity="O(N*K)+O(M*log(M)) for K sets, N members in the first, M out",
    key_finder=stored_counted_positions,
)
def zdiffstore(context: Context, args: list[bytes]) -> Reply:
    """ZDIFFSTORE destination numkeys key [key ...]."""
    return _store(context, args, _DIFFERENCE)


@command(
    "zintercard",
    arity=-3,
    flags=_READ,
    group="sorted-set",
    summary="Tells how many members all sorted sets have.",
    since="7.0.0",
    complexity="O(N*K) for K sets, N members in the smallest",
    key_finder=first_counted_positions,
)
def zintercard(context: Context, args: list[bytes]) -> Reply:
    """ZINTERCARD numkeys key [key ...] [LIMIT limit]."""
    plan = _plan(context, args, _INTERSECTION, 1, True)
    return plan if isinstance(plan, Error) else len(plan.run())
