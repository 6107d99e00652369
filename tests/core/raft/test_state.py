"""What a member holds: commit, trust, comparison of logs, and the three ways out."""

import pytest

from trivet.core.base.prng import Prng
from trivet.core.raft.config import RaftConfig
from trivet.core.raft.log import Log
from trivet.core.raft.membership import Membership, Memberships
from trivet.core.raft.messages import Entry, Heartbeat, HeartbeatReply
from trivet.core.raft.ready import HardState
from trivet.core.raft.state import State


def make(commit: int = 0) -> State:
    log = Log(0, 0, [Entry(1, b"a"), Entry(2, b"b"), Entry(2, b"c")])
    memberships = Memberships(0, Membership((1, 2, 3)), [])
    return State(RaftConfig(node=2), Prng(1), HardState(2, 0, commit), log, memberships)


def test_the_commit_index_only_rises_and_not_beyond_the_log() -> None:
    s = make(1)
    assert s.commit_to(2)
    assert not s.commit_to(1)
    assert (s.commit, s.matched) == (2, 2)
    with pytest.raises(AssertionError):
        s.commit_to(4)


@pytest.mark.parametrize(
    ("last_term", "last_index", "good"),
    [(2, 3, True), (2, 4, True), (3, 1, True), (2, 2, False), (1, 9, False)],
)
def test_which_log_is_as_good(last_term: int, last_index: int, good: bool) -> None:
    assert make().is_not_ahead_of(last_term, last_index) is good


def test_who_forgot_something_may_not_vote() -> None:
    s = make()
    assert s.may_vote()
    s.missing_to = 9
    assert not s.may_vote()
    s.missing_to, s.suspect = 0, True
    assert not s.may_vote()


def test_messages_wait_for_what_they_depend_on() -> None:
    s = make()
    s.send_after_save(1, Heartbeat(1, 0))
    s.send_after_vote(1, Heartbeat(2, 0))
    assert len(s.out.messages) == 2, "nothing is unsaved"
    s.append(Entry(2, b"d"))
    s.send_after_vote(1, HeartbeatReply(3, 0))
    assert len(s.out.messages) == 3, "the vote is durable, only an entry is not"
    s.send_after_save(1, HeartbeatReply(4, 0))
    s.saves.hard_changed()
    s.send_after_vote(1, HeartbeatReply(5, 0))
    s.send(1, HeartbeatReply(6, 0))
    assert [m.term for _, m in s.out.messages] == [1, 2, 3, 6]
    s.saves.finished(s.saves.started(4))
    s.saves.release(s.out.messages)
    assert [m.term for _, m in s.out.messages] == [1, 2, 3, 6, 4, 5]


def test_peers_are_everyone_else() -> None:
    s = make()
    assert s.peers == (1, 3)
    assert not s.knows_leader()
    s.leader = 1
    assert s.knows_leader()
    s.leader_lost = True
    assert not s.knows_leader()
