"""Exchanges: which keys are found to differ, in which steps, and what is given."""

import pytest

from trivet.core.gossip.exchange import PLACES_AT_ONCE, Give, Pull, compare_of, keys_of
from trivet.core.gossip.messages import Compare, Differ, Keys, OfGossip, States
from trivet.core.lattice.clock import decode_clock
from trivet.core.lattice.lattice import Lattice
from trivet.core.lattice.tree import leaf_of
from trivet.core.lattice.writer import Writer


def put(lattice: Lattice, actor: int, key: bytes, value: bytes = b"v") -> None:
    writer = Writer(lattice, actor, 1, key)
    writer.assign(1, b"", value)
    delta = writer.finish()
    assert delta is not None
    lattice.apply(delta)


def clear(lattice: Lattice, actor: int, key: bytes) -> None:
    writer = Writer(lattice, actor, 1, key)
    writer.remove_all()
    delta = writer.finish()
    assert delta is not None
    lattice.apply(delta)


def copy_of(lattice: Lattice, keys: list[bytes]) -> Lattice:
    twin = Lattice()
    for key in keys:
        twin.join(key, lattice.encoded(key), lattice.clock.copy())
    twin.know(lattice.clock.copy())
    return twin


def exchange(giver: Lattice, taker: Lattice, bytes_max: int = 1 << 20) -> tuple[list[OfGossip], list[bytes]]:
    """A whole one: what the giver said, and whose states came."""
    give = Give(7, giver.clock.copy())
    said: list[OfGossip] = []
    keys: list[bytes] = []
    answers: list[OfGossip] = [compare_of(taker, 7, 0, [0])]
    for _ in range(10_000):
        for answer in answers:
            if isinstance(answer, Compare):
                give.on_compare(giver, answer)
            elif isinstance(answer, Keys):
                give.on_keys(giver, answer)
        answers = []
        out: list[OfGossip] = []
        over = give.go_on(giver, bytes_max, bytes_max, out)
        said.extend(out)
        for message in out:
            if isinstance(message, Differ) and message.level < 4:
                answers.append(compare_of(taker, 7, message.level, message.places))
            elif isinstance(message, Differ):
                answers.extend(keys_of(taker, 7, message.places, 1_000))
            elif isinstance(message, States):
                keys.extend([key for key, _ in message.rows])
                for key, state in message.rows:
                    taker.join(key, state, decode_clock(message.clock))
        if over:
            taker.know(give.clock)
            return said, keys
    raise AssertionError("it does not end")


KEYS = [b"key:%d" % number for number in range(300)]


def test_equal_ones_say_so_at_once() -> None:
    giver = Lattice()
    for key in KEYS:
        put(giver, 1, key)
    said, keys = exchange(giver, copy_of(giver, KEYS))
    assert [type(message) for message in said] == [States]
    assert keys == []


@pytest.mark.parametrize("count", [1, 2, 300])
def test_what_differs_is_given_and_no_more(count: int) -> None:
    giver = Lattice()
    for key in KEYS:
        put(giver, 1, key)
    taker = copy_of(giver, KEYS)
    for key in KEYS[:count]:
        put(giver, 1, key, b"new")
    said, keys = exchange(giver, taker)
    assert sorted(keys) == sorted(KEYS[:count])
    assert [message.level for message in said if isinstance(message, Differ)] == [1, 2, 3, 4]
    assert taker.tree.root == giver.tree.root
    assert taker.clock == giver.clock


def test_what_is_removed_goes_and_what_the_taker_added_stays() -> None:
    giver = Lattice()
    put(giver, 1, b"gone")
    put(giver, 1, b"stays")
    taker = copy_of(giver, [b"gone", b"stays"])
    clear(giver, 1, b"gone")
    put(taker, 2, b"own")
    _, keys = exchange(giver, taker)
    assert sorted(keys) == [b"gone", b"own"]
    assert taker.state(b"gone") is None
    assert taker.state(b"own") is not None
    assert taker.state(b"stays") is not None


def test_keys_of_one_leaf() -> None:
    """Two keys of one leaf: only the one that differs is given."""
    first = next(k for k in (b"a%d" % n for n in range(1_000_000)) if leaf_of(k) == leaf_of(b"first"))
    giver = Lattice()
    put(giver, 1, b"first")
    put(giver, 1, first)
    taker = copy_of(giver, [b"first", first])
    put(giver, 1, b"first", b"new")
    assert exchange(giver, taker)[1] == [b"first"]


def test_it_is_paced() -> None:
    giver, taker = Lattice(), Lattice()
    for key in KEYS:
        put(giver, 1, key, b"v" * 100)
    said, keys = exchange(giver, taker, 2_000)
    assert sorted(keys) == sorted(KEYS)
    states = [message for message in said if isinstance(message, States)]
    assert [message.serial for message in states] == list(range(1, len(states) + 1))
    assert [message.done for message in states] == [False] * (len(states) - 1) + [True]
    for message in states:
        assert sum([len(key) + len(state) for key, state in message.rows]) <= 2_000


def test_what_was_not_asked_for_is_passed_over() -> None:
    giver = Lattice()
    put(giver, 1, b"k")
    give = Give(7, giver.clock.copy())
    out: list[OfGossip] = []
    give.on_compare(giver, Compare(7, 2, [(3, [])]))
    give.on_keys(giver, Keys(7, [(leaf_of(b"k"), [])]))
    assert not give.go_on(giver, 1 << 20, 1 << 20, out)
    assert out == []
    give.on_compare(giver, Compare(7, 0, [(0, [])]))
    give.on_compare(giver, Compare(7, 0, [(0, [])]))
    give.go_on(giver, 1 << 20, 1 << 20, out)
    assert len(out) == 1


def test_it_counts_how_long_nothing_happens() -> None:
    giver = Lattice()
    put(giver, 1, b"k")
    give = Give(7, giver.clock.copy())
    for _ in range(5):
        give.go_on(giver, 1, 1, [])
    assert give.idle_ticks == 5
    give.on_compare(giver, Compare(7, 0, [(0, [])]))
    assert give.idle_ticks == 0


def test_a_pull_is_done_when_all_have_come() -> None:
    pull = Pull(7, 2)
    assert not pull.is_done
    pull.serials[2] = None
    pull.last = 2
    assert not pull.is_done
    pull.serials[1] = None
    assert pull.is_done


def test_places_outside_the_tree_are_passed_over() -> None:
    lattice = Lattice()
    assert compare_of(lattice, 1, 1, [15, 16, 1 << 40]).rows == [(15, [])]
    assert keys_of(lattice, 1, [65_536], 100) == []
    assert PLACES_AT_ONCE >= 16
