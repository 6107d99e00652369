"""Kept promises: used once, bounded in number and bytes."""

from trivet.core.paxos.content import seal
from trivet.core.paxos.promises import KeptPromises

CONTENT = seal(b"k", 1, b"x" * 1000, (), 0)


def test_a_promise_is_used_once() -> None:
    kept = KeptPromises(10, 1 << 20)
    kept.keep(b"k", 5, CONTENT)
    found = kept.take(b"k")
    assert found is not None
    assert (found.counter, found.content) == (5, CONTENT)
    assert kept.take(b"k") is None
    assert kept.bytes_in_memory == 0


def test_the_oldest_go_first() -> None:
    kept = KeptPromises(2, 1 << 20)
    for key in (b"a", b"b", b"a", b"c"):
        kept.keep(key, 1, CONTENT)
    assert len(kept) == 2
    assert kept.take(b"b") is None
    assert kept.take(b"a") is not None


def test_bytes_are_bounded() -> None:
    kept = KeptPromises(100, 3000)
    for number in range(10):
        kept.keep(b"%d" % number, 1, CONTENT)
        assert kept.bytes_in_memory <= 3000
    assert len(kept) == 2
    kept.keep(b"big", 1, seal(b"k", 1, b"x" * 5000, (), 0))
    assert (len(kept), kept.bytes_in_memory) == (0, 0)
    kept.keep(b"k", 1, CONTENT)
    kept.clear()
    assert (len(kept), kept.bytes_in_memory) == (0, 0)


def test_what_may_have_been_removed_is_known_by_the_floor() -> None:
    """Rule P11: above the floor nothing was removed, nor was what has a later version than all that was."""
    kept = KeptPromises(10, 1 << 20)
    kept.keep(b"k", 5, CONTENT)
    found = kept.take(b"k")
    assert found is not None
    assert found.may_be_there((4, 9), 7)
    assert found.may_be_there((5, 9), 0)
    assert not found.may_be_there((5, 9), 1)
