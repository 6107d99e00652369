"""The log in memory, against a plain list."""

import pytest

from trivet.core.base.prng import Prng
from trivet.core.raft.log import ENTRY_OVERHEAD_BYTES, Log
from trivet.core.raft.messages import Entry


def make(terms: list[int], snapshot_index: int = 0, snapshot_term: int = 0) -> Log:
    return Log(snapshot_index, snapshot_term, [Entry(term, b"x" * term) for term in terms])


def test_terms_and_ends() -> None:
    log = make([1, 1, 3], 10, 1)
    assert (log.first_index, log.last_index, log.last_term) == (11, 13, 3)
    assert [log.term_at(i) for i in range(9, 15)] == [-1, 1, 1, 1, 3, -1]
    empty = make([], 10, 4)
    assert (empty.first_index, empty.last_index, empty.last_term, empty.term_at(10)) == (11, 10, 4, 4)


def test_append_truncate_compact_restart() -> None:
    log = make([1, 1, 2, 2, 3])
    log.append(Entry(4, b"yyyy"))
    assert (log.last_index, log.last_term, log.entry(6).payload) == (6, 4, b"yyyy")
    log.truncate(5)
    assert (log.last_index, log.last_term) == (4, 2)
    log.compact(3)
    assert (log.first_index, log.snapshot_term, log.term_at(3), log.term_at(2)) == (4, 2, 2, -1)
    log.compact(2)
    assert log.first_index == 4, "compacting again changes nothing"
    assert log.memory_bytes == ENTRY_OVERHEAD_BYTES + 2
    log.truncate(4)
    assert (log.last_index, log.last_term, log.memory_bytes) == (3, 2, 0)
    log.restart(20, 9)
    assert (log.first_index, log.last_index, log.last_term, log.memory_bytes) == (21, 20, 9, 0)
    with pytest.raises(AssertionError):
        log.truncate(20)
    with pytest.raises(AssertionError):
        log.compact(21)


def test_a_portion_has_at_least_one_entry_and_stops_before_it_is_too_large() -> None:
    log = make([5, 5, 5, 5])
    assert len(log.upto(1, 4, 1)) == 1
    assert len(log.upto(1, 4, 10)) == 2
    assert len(log.upto(1, 4, 14)) == 2
    assert len(log.upto(2, 3, 1000)) == 2
    assert log.upto(4, 4, 0) == [Entry(5, b"x" * 5)]


def test_stepping_back_over_terms_against_its_definition() -> None:
    prng = Prng(3)
    for _ in range(200):
        terms = sorted(1 + prng.below(5) for _ in range(prng.below(12)))
        log = make(terms, 7, 1)
        for index in range(5, 22):
            for term in range(7):
                end = min(index, log.last_index)
                if end <= 7:
                    assert log.last_not_above(index, term) == end
                    continue
                fitting = [i for i in range(8, end + 1) if log.term_at(i) <= term]
                assert log.last_not_above(index, term) == (max(fitting) if fitting else 7)
