import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.core.values.list_value import List

ITEMS = st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=60)


@given(ITEMS, st.data())
def test_a_part_is_that_of_a_plain_list(items, data):
    start = data.draw(st.integers(0, len(items)))
    stop = data.draw(st.integers(start, len(items)))
    value = List(items)
    assert value.between(start, stop) == items[start:stop]
    value.keep(start, stop)
    assert value.dump() == items[start:stop]


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0, 5),
        (10, 400),
        (2500, 2505),
        (2400, 2600),
        (4000, 4999),
        (0, 5000),
        (7, 7),
    ],
)
def test_parts_of_a_long_list(start, stop):
    items = [b"%d" % number for number in range(5000)]
    value = List(items)
    assert value.between(start, stop) == items[start:stop]
    assert value.dump() == items
    value.keep(start, stop)
    assert value.dump() == items[start:stop]


@given(ITEMS, st.integers(0, 5), st.booleans())
def test_removal_is_that_of_a_plain_list(items, count, backwards):
    value = List(items)
    removed = value.remove(b"a", count, backwards)
    wanted = items.count(b"a") if count == 0 else min(count, items.count(b"a"))
    assert removed == wanted
    left = items[::-1] if backwards else items[:]
    for _ in range(wanted):
        left.remove(b"a")
    assert value.dump() == (left[::-1] if backwards else left)


@given(ITEMS, st.integers(0, 3), st.integers(0, 3), st.integers(0, 20), st.booleans())
def test_positions_are_those_of_a_plain_list(items, skip, count, look_max, backwards):
    order = list(enumerate(items))
    if backwards:
        order.reverse()
    found = [at for at, item in order[: look_max or None] if item == b"a"][skip:]
    assert List(items).positions(b"a", skip, count, look_max, backwards) == found[: count or None]


def test_both_ends():
    value = List()
    value.push(b"b", False)
    value.push(b"a", True)
    value.push_all([b"c", b"d"], False)
    value.push_all([b"1", b"2"], True)
    assert value.dump() == [b"2", b"1", b"a", b"b", b"c", b"d"]
    assert (value.take(True), value.take(False)) == (b"2", b"d")
    assert value.take_many(2, True) == [b"1", b"a"]
    assert value.take_many(9, False) == [b"c", b"b"]
    assert len(value) == 0


def test_the_middle():
    value = List([b"a", b"c"])
    value.insert(1, b"b")
    value.insert(3, b"d")
    value.put_at(0, b"A")
    assert value.dump() == [b"A", b"b", b"c", b"d"]
    assert value.at(2) == b"c"
    assert value.find(b"c") == 2
    assert value.find(b"x") == -1
    assert value.remove(b"x", 0, False) == 0


def test_a_copy_is_apart():
    value = List.load([b"a"])
    twin = value.copy()
    twin.push(b"b", True)
    assert value.dump() == [b"a"]


def test_remove_at():
    items = List([b"a", b"b", b"c"])
    items.remove_at(1)
    assert items.dump() == [b"a", b"c"]
