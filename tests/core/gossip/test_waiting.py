"""Updates that can't be taken yet, in bounded room."""

from trivet.core.gossip.waiting import Waiting, size_of
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import FIELD, STRING, Change, Delta


def delta(actor: int, number: int, payload: bytes = b"v") -> Delta:
    return Delta(actor, number, 1, b"k", [Change(STRING, b"", payload=payload)])


SIZE = size_of(delta(1, 1))


def test_found_by_number() -> None:
    waiting = Waiting(10_000)
    waiting.put(delta(7, 5))
    waiting.put(delta(7, 5, b"another"))
    assert len(waiting) == 1
    assert waiting.actors == [7]
    assert waiting.next_of(7, 5) == delta(7, 5)
    assert waiting.next_of(7, 4) is None
    assert waiting.next_of(8, 5) is None
    waiting.remove(delta(7, 5))
    assert (len(waiting), waiting.bytes, waiting.actors) == (0, 0, [])


def test_room_is_made_where_most_waits_and_from_its_end() -> None:
    waiting = Waiting(5 * SIZE)
    for number in (2, 3, 4, 9, 6, 5):
        waiting.put(delta(7, number))
    waiting.put(delta(8, 2))
    waiting.trim()
    assert [number for number in range(12) if waiting.next_of(7, number)] == [2, 3, 4, 5]
    assert waiting.next_of(8, 2) is not None
    assert waiting.dropped == 2
    assert waiting.bytes == 5 * SIZE


def test_what_is_larger_than_the_room_goes_only_when_it_is_looked_at() -> None:
    waiting = Waiting(SIZE)
    waiting.put(delta(7, 2, b"x" * 1_000))
    assert len(waiting) == 1
    waiting.trim()
    assert len(waiting) == 0


def test_what_was_seen_in_another_way_goes() -> None:
    waiting = Waiting(10_000)
    for number in (2, 3, 5):
        waiting.put(delta(7, number))
    seen = Clock()
    seen.add_range(7, 1, 3)
    seen.add_range(8, 1, 3)
    waiting.forget(seen)
    assert waiting.next_of(7, 5) is not None
    assert len(waiting) == 1
    waiting.clear()
    assert (len(waiting), waiting.bytes) == (0, 0)


def test_sizes_grow_with_what_is_in_it() -> None:
    small = Delta(1, 1, 1, b"k", [Change(FIELD, b"f")])
    large = Delta(1, 1, 1, b"k", [Change(FIELD, b"f", [(1, 1)], [(2, 1, b"5")], b"v" * 100)])
    assert size_of(large) >= size_of(small) + 100 + 20 + 40
