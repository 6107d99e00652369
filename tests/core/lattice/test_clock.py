import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.core.lattice import clock as clocks
from trivet.core.lattice.clock import Clock, decode_clock

dots = st.sets(st.tuples(st.integers(1, 3), st.integers(1, 12)))


def of(some) -> Clock:
    made = Clock()
    for actor, number in some:
        made.add(actor, number)
    return made


def dots_in(clock: Clock) -> set:
    return {(actor, n) for actor in clock.actors for n in range(1, 20) if clock.has(actor, n)}


@settings(deadline=None, derandomize=True, database=None)
@given(dots, dots)
def test_it_is_a_set_of_dots(one, other):
    left, right = of(one), of(other)
    assert dots_in(left) == one
    both = left.copy()
    both.join(right)
    assert dots_in(both) == one | other
    assert dots_in(left.meet(right)) == one & other
    assert left.covers(right) is (one >= other)
    missing = {(actor, n) for actor, first, last in left.missing_from(right) for n in range(first, last + 1)}
    assert missing == other - one
    assert (left == right) is (one == other)
    again = decode_clock(both.encode())
    assert again == both == of(sorted(one | other, reverse=True))
    assert again.encode() == both.encode()
    for actor in both.actors:
        assert both.top(actor) == max(n for a, n in one | other if a == actor)


def test_base_and_ranges():
    clock = of([(1, 1), (1, 2), (1, 5), (1, 6)])
    assert (clock.base(1), clock.top(1), repr(clock)) == (2, 6, "Clock(1:2,5-6)")
    clock.add_range(1, 3, 4)
    assert (clock.base(1), repr(clock)) == (6, "Clock(1:6)")
    assert clock.base(2) == clock.top(2) == 0
    with pytest.raises(TypeError):
        hash(clock)


@pytest.mark.parametrize(
    "rows",
    [
        [(1, 0, [])],
        [(2, 1, []), (1, 1, [])],
        [(1, 1, []), (1, 2, [])],
        [(1, 3, [(4, 5)])],
        [(1, 3, [(9, 8)])],
        [(1, 3, [(6, 7), (8, 9)])],
        [(0, 3, [])],
        [(1, -3, [])],
        [(1, (1 << 64) - 1, [])],
        "text",
    ],
)
def test_nonsense(rows):
    with pytest.raises(ValueError):
        decode_clock(msgspec.msgpack.encode(rows))


def test_too_much(monkeypatch):
    monkeypatch.setattr(clocks, "ACTORS_MAX", 2)
    with pytest.raises(ValueError, match="too many parts"):
        decode_clock(of([(1, 1), (2, 1), (3, 1)]).encode())
