"""Configs: who is a member since when, and which members decide."""

from itertools import combinations

import pytest

from trivet.core.paxos.config import GroupConfig, Quorums, problem


def mask(quorums: Quorums, nodes: tuple[int, ...]) -> int:
    return sum(quorums.bits[node] for node in nodes)


def test_a_majority_decides() -> None:
    quorums = Quorums(GroupConfig(1, (1, 2, 3)))
    assert quorums.is_quorum(mask(quorums, (1, 3)))
    assert not quorums.is_quorum(mask(quorums, (2,)))
    assert quorums.may_be_quorum(mask(quorums, (2,)))
    assert not quorums.may_be_quorum(mask(quorums, (2, 3)))


def test_with_incoming_voters_both_sets_decide() -> None:
    quorums = Quorums(GroupConfig(2, (1, 2, 3), (3, 4, 5)))
    assert quorums.members == (1, 2, 3, 4, 5)
    assert not quorums.is_quorum(mask(quorums, (1, 2, 3)))
    assert not quorums.is_quorum(mask(quorums, (3, 4, 5)))
    assert quorums.is_quorum(mask(quorums, (2, 3, 4)))
    assert not quorums.may_be_quorum(mask(quorums, (4, 5)))


@pytest.mark.parametrize(
    ("voters", "incoming"),
    [((1, 2, 3), ()), ((1, 2, 3, 4), ()), ((1, 2, 3, 4, 5), ()), ((1, 2), ()), ((1, 2, 3), (2, 3, 4)), ((1, 2, 3), (3, 4, 5))],
)  # fmt: skip
def test_whoever_is_walked_through_meets_every_quorum_of_the_lost_one(
    voters: tuple[int, ...], incoming: tuple[int, ...]
) -> None:
    quorums = Quorums(GroupConfig(2, voters, incoming))
    nodes = quorums.members
    subsets = [c for n in range(1, len(nodes) + 1) for c in combinations(nodes, n)]
    for lost in nodes:
        for walked in subsets:
            if lost in walked or not quorums.meets_all_of(lost, mask(quorums, walked)):
                continue
            for quorum in subsets:
                if lost in quorum and quorums.is_quorum(mask(quorums, quorum)):
                    assert set(walked) & set(quorum)
        others = tuple(n for n in nodes if n != lost)
        assert quorums.meets_all_of(lost, mask(quorums, others)), "all others are enough"


def test_who_was_alone_is_not_brought_back_by_anybody() -> None:
    quorums = Quorums(GroupConfig(1, (1,)))
    assert not quorums.meets_all_of(1, 0)


def test_since_when_a_node_is_a_member() -> None:
    config = GroupConfig(5, (1, 2, 3), (2, 3, 4), ((4, 5), (2, 3)))
    assert [config.joined(node) for node in (1, 2, 3, 4, 9)] == [1, 3, 1, 5, 0]


@pytest.mark.parametrize(
    "config",
    [
        GroupConfig(0, (1,)), GroupConfig(1, ()), GroupConfig(1, (1, 1)), GroupConfig(1, (0,)),
        GroupConfig(1, tuple(range(1, 40))), GroupConfig(1, (1,), (), ((1, 2),)),
    ],
)  # fmt: skip
def test_what_is_not_sound_is_named(config: GroupConfig) -> None:
    assert problem(config)
    with pytest.raises(AssertionError):
        Quorums(config)


def test_what_is_sound() -> None:
    assert problem(GroupConfig(3, (1, 2, 3), (2, 3, 4), ((4, 3),))) == ""
