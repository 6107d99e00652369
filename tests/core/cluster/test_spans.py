"""What is said of slots, piece by piece."""

import trivet.core.paxos.slots as room
from trivet.core.cluster.rows import GroupRow
from trivet.core.cluster.spans import (
    ARRIVING,
    SEALED,
    SERVED,
    adding,
    joined,
    ranges_in,
    saying,
    spans_of,
    without,
)


def row(ranges=(), spans=()) -> GroupRow:
    return GroupRow(5, 20, list(ranges), [1], [1], [], [1], spans=list(spans))


def test_the_words_are_those_of_the_room():
    assert (SERVED, SEALED, ARRIVING) == (room.SERVED, room.SEALED, room.ARRIVING)


def test_without_spans_the_ranges_are_served_since_ever():
    assert spans_of(row([(0, 9), (20, 29)])) == [(0, 9, 1, SERVED), (20, 29, 1, SERVED)]
    assert spans_of(row()) == []
    assert spans_of(row([(0, 9)], [(0, 9, 4, SEALED)])) == [(0, 9, 4, SEALED)]


def test_each_slot_stays_held_since_when_it_was():
    spans = [(0, 9, 1, SERVED), (10, 19, 4, SERVED), (20, 29, 1, SERVED)]
    assert saying(spans, [(5, 22)], SEALED) == [
        (0, 4, 1, SERVED), (5, 9, 1, SEALED), (10, 19, 4, SEALED), (20, 22, 1, SEALED), (23, 29, 1, SERVED),
    ]  # fmt: skip
    assert saying(saying(spans, [(5, 22)], SEALED), [(5, 22)], SERVED) == spans


def test_slots_come_and_go():
    spans = adding([(0, 9, 1, SERVED)], [(10, 12), (15, 15)], 3, ARRIVING)
    assert spans == [(0, 9, 1, SERVED), (10, 12, 3, ARRIVING), (15, 15, 3, ARRIVING)]
    assert adding(spans, [(10, 12), (15, 15)], 5, ARRIVING)[1:] == [
        (10, 12, 5, ARRIVING),
        (15, 15, 5, ARRIVING),
    ]
    assert without(spans, [(5, 11)]) == [(0, 4, 1, SERVED), (12, 12, 3, ARRIVING), (15, 15, 3, ARRIVING)]
    assert ranges_in(row([], spans), ARRIVING) == [(10, 12), (15, 15)]


def test_neighbours_that_are_alike_become_one():
    assert joined([(5, 9, 1, SERVED), (0, 4, 1, SERVED), (10, 12, 2, SERVED)]) == [
        (0, 9, 1, SERVED), (10, 12, 2, SERVED),
    ]  # fmt: skip
