"""The whole member: conversations across roles, and long random runs with every fault.
The random runs are in ``runs.py``.
"""

from collections.abc import Callable
from types import ModuleType
from typing import get_args

import pytest

from trivet.core.base.prng import Prng
from trivet.core.raft.config import RaftConfig
from trivet.core.raft.membership import Membership
from trivet.core.raft.messages import Entry, Heartbeat, HeartbeatReply, Message
from trivet.core.raft.raft import HANDLERS, Raft
from trivet.core.raft.ready import HardState
from trivet.core.raft.state import Role

THREE = Membership((1, 2, 3))


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_random_runs(runs: ModuleType, harness: ModuleType, first: int) -> None:
    terms = commits = reads = snapshots = 0
    for seed in range(first, first + 20):
        one = runs.run(harness, seed)
        terms += len(one.group.leaders)
        commits += one.group.commit_max
        reads += one.group.reads_done
        snapshots += one.group.snapshots
    # The runs must reach what they are there for.
    assert terms > 60
    assert commits > 600
    assert reads > 200
    assert snapshots > 0


def test_equal_seeds_give_equal_runs(runs: ModuleType, harness: ModuleType) -> None:
    trails: list[list[str]] = []
    for _ in range(2):
        one = runs.Run(harness, 11, 5)
        for _ in range(2000):
            one.step()
        trails.append(one.group.events)
    assert trails[0] == trails[1]
    assert len(trails[0]) > 100


def test_every_message_has_a_handler() -> None:
    assert sorted(kind.__name__ for kind in HANDLERS) == sorted(kind.__name__ for kind in get_args(Message))


def member(missing_to: int = 0) -> Raft:
    config = RaftConfig(node=1, election_ticks=10, heartbeat_ticks=2, campaign_ticks=4)
    entries = [Entry(1, b""), Entry(2, b"a"), Entry(2, b"b")]
    return Raft(config, Prng(1), HardState(3, 2, 7), 5, 1, entries, THREE, missing_to)


def test_it_wakes_up_with_what_the_disk_remembers() -> None:
    raft = member()
    assert (raft.role, raft.term, raft.vote, raft.leader) == (Role.FOLLOWER, 3, 2, 0)
    assert (raft.first_index, raft.last_index, raft.commit, raft.handed) == (6, 8, 7, 5)
    assert [raft.term_at(i) for i in (4, 5, 6, 7, 8, 9)] == [-1, 1, 1, 2, 2, -1]
    assert (raft.entry(5), raft.entry(8), raft.entry(9)) == (None, Entry(2, b"b"), None)
    ready = raft.ready()
    assert ready is not None
    assert ready.save is None
    assert (ready.committed_first, [e.payload for e in ready.committed]) == (6, [b"", b"a"])
    assert raft.ready() is None
    raft.check_invariants()


def test_a_commit_index_beyond_a_log_that_lost_its_end_is_not_believed() -> None:
    raft = Raft(RaftConfig(node=1), Prng(1), HardState(3, 0, 9), 5, 1, [Entry(1, b"")], THREE, missing_to=9)
    assert (raft.commit, raft.missing_to) == (6, 9)
    raft.check_invariants()


def test_nothing_missing_is_nothing_to_repair() -> None:
    assert member(missing_to=8).missing_to == 0


def test_committed_entries_come_in_portions() -> None:
    config = RaftConfig(node=1, committed_bytes_max=3)
    entries = [Entry(1, b"xx") for _ in range(4)]
    raft = Raft(config, Prng(1), HardState(1, 1, 4), 0, 0, entries, Membership((1,)))
    portions = []
    while ready := raft.ready():
        portions.append((ready.committed_first, len(ready.committed), ready.more))
    assert portions == [(1, 1, True), (2, 1, True), (3, 1, True), (4, 1, False)]


def test_only_what_is_handed_out_is_forgotten() -> None:
    raft = member()
    raft.compact(8)
    assert raft.first_index == 6
    raft.ready()
    raft.compact(8)
    assert (raft.first_index, raft.term_at(7), raft.term_at(8)) == (8, 2, 2)
    assert 0 < raft.bytes_in_memory < 200


def test_inputs_that_only_a_leader_needs_are_harmless_elsewhere() -> None:
    raft = member()
    raft.ready()
    assert raft.propose(b"x") == 0
    assert not raft.transfer(2)
    assert raft.successor() == 0
    assert raft.match(2) == 0
    assert not raft.transferring
    raft.peer_lost(2)
    raft.peer_up(2)
    raft.want_commit(2)
    raft.snapshot_finished(2, 5, True)
    raft.step(1, Heartbeat(9, 0))
    raft.step(7, HeartbeatReply(9, 0))
    assert raft.ready() is None


def test_a_wrong_configuration_is_refused() -> None:
    with pytest.raises(AssertionError):
        Raft(RaftConfig(node=0), Prng(1), HardState(), 0, 0, [], THREE)


@pytest.mark.parametrize("name", ["snapshot_keeps_tail"])
def test_conversations(replay: Callable[[str], None], name: str) -> None:
    replay(f"raft/{name}")
