"""Changes of role: what each leaves behind, and the timer that goes with it."""

import pytest

from trivet.core.base.prng import Prng
from trivet.core.raft.config import RaftConfig
from trivet.core.raft.log import Log
from trivet.core.raft.membership import Membership, Memberships
from trivet.core.raft.messages import Entry, ReadIndexReply
from trivet.core.raft.ready import HardState
from trivet.core.raft.roles import (
    become_candidate,
    become_follower,
    become_leader,
    become_pre_candidate,
    draw_timeout,
)
from trivet.core.raft.state import Role, State


def make() -> State:
    config = RaftConfig(node=2, election_ticks=40, heartbeat_ticks=2, campaign_ticks=5)
    log = Log(0, 0, [Entry(1, b"a"), Entry(2, b"bb")])
    return State(config, Prng(1), HardState(2, 3, 1), log, Memberships(0, Membership((1, 2, 3)), []))


def lead() -> State:
    s = make()
    become_pre_candidate(s)
    become_candidate(s, False)
    become_leader(s)
    return s


def test_a_new_term_forgets_the_vote_an_old_one_does_not() -> None:
    s = make()
    become_follower(s, 2, 1)
    assert (s.vote, s.saves.dirty) == (3, False)
    become_follower(s, 5, 0)
    assert (s.term, s.vote, s.leader, s.saves.dirty) == (5, 0, 0, True)
    with pytest.raises(AssertionError):
        become_follower(s, 4, 0)


def test_asking_changes_nothing_that_lasts() -> None:
    s = make()
    become_pre_candidate(s)
    assert (s.role, s.term, s.vote, s.saves.dirty) == (Role.PRE_CANDIDATE, 2, 3, False)
    assert s.campaign is not None
    assert s.campaign.votes == {2: True}


def test_a_candidate_counts_its_own_vote_later() -> None:
    s = make()
    become_candidate(s, True)
    assert (s.role, s.term, s.vote, s.matched) == (Role.CANDIDATE, 3, 2, 1)
    assert s.campaign is not None
    assert s.campaign.votes == {}
    assert s.campaign.own_vote_save_id == s.saves.hard_id == 1


def test_only_a_candidate_becomes_leader() -> None:
    with pytest.raises(AssertionError):
        become_leader(make())
    s = lead()
    assert (s.role, s.leader, s.campaign) == (Role.LEADER, 2, None)
    assert s.leading is not None
    assert sorted(s.leading.progress) == [1, 3]
    assert s.leading.noop_index == 3
    assert s.uncommitted_bytes == 3
    with pytest.raises(AssertionError):
        become_pre_candidate(s)
    with pytest.raises(AssertionError):
        become_candidate(s, False)


def test_who_may_not_vote_may_not_campaign() -> None:
    s = make()
    s.suspect = True
    with pytest.raises(AssertionError):
        become_candidate(s, False)


def test_a_leader_that_steps_down_refuses_its_reads() -> None:
    s = lead()
    assert s.leading is not None
    s.leading.reads.open.extend([(0, 70), (3, 8)])
    s.saves.finished(s.saves.started(2))
    become_follower(s, s.term, 0)
    assert s.out.reads_dropped == [70]
    assert s.out.messages == [(3, ReadIndexReply(3, 8, 0, False))]
    assert s.leading is None


def test_reads_asked_of_one_leader_are_dropped_for_another() -> None:
    s = make()
    become_follower(s, 2, 1)
    s.follower_reads.add(5)
    become_follower(s, 2, 1)
    assert s.out.reads_dropped == []
    become_follower(s, 3, 3)
    assert s.out.reads_dropped == [5]


def test_patience() -> None:
    """With a leader [40, 80); without one from [5, 10), doubled by each vote in vain, up to the same."""
    s = make()
    for leader, failed, low in [
        (1, 0, 40),
        (1, 9, 40),
        (0, 0, 5),
        (0, 1, 10),
        (0, 2, 20),
        (0, 3, 40),
        (0, 99, 40),
    ]:
        s.leader, s.failed_rounds = leader, failed
        drawn = []
        for _ in range(400):
            draw_timeout(s)
            drawn.append(s.election_timeout)
        assert (min(drawn), max(drawn)) == (low, 2 * low - 1)
