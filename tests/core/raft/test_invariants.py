"""The invariants speak when a member is in an impossible state."""

from collections.abc import Callable

import pytest

from trivet.core.base.prng import Prng
from trivet.core.raft.config import RaftConfig
from trivet.core.raft.invariants import check
from trivet.core.raft.log import Log
from trivet.core.raft.membership import Membership, Memberships
from trivet.core.raft.messages import Entry
from trivet.core.raft.progress import Mode
from trivet.core.raft.ready import HardState
from trivet.core.raft.roles import become_candidate, become_leader
from trivet.core.raft.state import Role, State


def leader() -> State:
    log = Log(0, 0, [Entry(1, b"a"), Entry(2, b"b")])
    s = State(RaftConfig(node=2), Prng(1), HardState(2, 3, 1), log, Memberships(0, Membership((1, 2, 3)), []))
    become_candidate(s, False)
    become_leader(s)
    s.append(Entry(s.term, b""))
    return s


def test_a_sound_member_passes() -> None:
    check(leader())


def set_next(s: State, value: int) -> None:
    assert s.leading is not None
    s.leading.progress[1].next = value


def overfill(s: State) -> None:
    assert s.leading is not None
    progress = s.leading.progress[1]
    progress.mode = Mode.REPLICATE
    for _ in range(65):
        progress.sent(2, 1)


BROKEN: list[Callable[[State], None]] = [
    lambda s: setattr(s, "commit", 9),
    lambda s: setattr(s, "handed", 2),
    lambda s: setattr(s, "matched", 9),
    lambda s: setattr(s, "term", 1),
    lambda s: setattr(s, "vote", 3),
    lambda s: setattr(s, "leader", 1),
    lambda s: setattr(s, "leading", None),
    lambda s: setattr(s, "role", Role.FOLLOWER),
    lambda s: setattr(s, "missing_to", 9),
    lambda s: setattr(s.saves, "stable", 3),
    lambda s: setattr(s.saves, "hard_id", 7),
    lambda s: s.append(Entry(1, b"falls")),
    lambda s: set_next(s, 0),
    lambda s: set_next(s, 5),
    overfill,
    lambda s: setattr(s, "is_voter", False),
    lambda s: setattr(s, "membership", Membership((1, 2))),
    lambda s: s.memberships.add(2, Membership((1, 2))),
    lambda s: s.memberships.add(9, s.membership),
]


@pytest.mark.parametrize("breaking", BROKEN)
def test_an_impossible_state_is_noticed(breaking: Callable[[State], None]) -> None:
    s = leader()
    breaking(s)
    with pytest.raises(AssertionError):
        check(s)
