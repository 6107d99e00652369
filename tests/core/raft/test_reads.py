"""The read index, as conversations and as arithmetic."""

from collections.abc import Callable

import pytest

from trivet.core.raft.reads import FollowerReads, LeaderReads


@pytest.mark.parametrize("name", ["leader", "new_leader", "deposed_leader", "follower", "rounds"])
def test_reads(replay: Callable[[str], None], name: str) -> None:
    replay(f"reads/{name}")


def test_a_round_is_confirmed_by_its_own_number_or_a_later_one() -> None:
    reads = LeaderReads(4)
    for commit in (10, 11, 12):
        reads.open.append((0, commit))
        assert reads.start_round(commit)
    assert not reads.start_round(12), "nothing is open"
    assert reads.confirmed(0) == []
    assert [(r.seq, r.index) for r in reads.confirmed(2)] == [(1, 10), (2, 11)]
    reads.open.append((2, 5))
    assert reads.drain() == [(0, 12), (2, 5)]
    assert (reads.rounds_count, reads.waiting_count, reads.open) == (0, 0, [])


def test_a_round_waits_while_enough_are_under_way() -> None:
    reads = LeaderReads(1)
    reads.open.append((0, 1))
    assert reads.start_round(5)
    reads.open.append((0, 2))
    assert not reads.start_round(6)
    assert reads.confirmed(1)[0].asked == [(0, 1)]
    assert reads.start_round(6)


def test_a_request_is_answered_once_and_given_up_after_a_while() -> None:
    reads = FollowerReads(100, 2)
    reads.add(1)
    first = reads.start_request()
    assert first == 101
    assert reads.start_request() == 0, "nothing is open"
    reads.add(2)
    second = reads.start_request()
    reads.add(3)
    assert reads.start_request() == 0, "two are under way"
    assert reads.count == 3
    assert reads.answered(first) == [1]
    assert reads.answered(first) == []
    assert [reads.tick(2) for _ in range(3)] == [[], [], [2]]
    assert reads.answered(second) == []
    assert reads.drain() == [3]
    assert reads.count == 0


def test_reads_wait_while_enough_is_asked() -> None:
    reads = FollowerReads(100, 1)
    assert not reads.may_ask
    reads.add(7)
    assert reads.may_ask
    seq = reads.start_request()
    reads.add(8)
    assert not reads.may_ask and not reads.start_request()
    assert reads.answered(seq) == [7]
    assert reads.may_ask
