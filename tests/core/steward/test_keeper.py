"""The keeper: what members groups get, as a conversation; and one step at a time."""

import pytest

from tests.core.cluster.conversation import founders
from trivet.core.cluster.map import genesis
from trivet.core.cluster.rows import GroupRow
from trivet.core.raft.membership import Membership
from trivet.core.steward.keeper import next_step


def test_conversation(replay):
    replay("keeper")


def shown(step: Membership | None) -> str:
    return "-" if step is None else f"{list(step.voters)} / {list(step.learners)}"


@pytest.mark.parametrize(
    ("target", "voters", "learners", "caught_up", "step"),
    [
        ([1, 2, 3], (1, 2, 3), (), [1, 2, 3], "-"),
        ([1, 2, 4], (1, 2, 3), (), [1, 2, 3], "[1, 2, 3] / [4]"),
        ([1, 2, 4], (1, 2, 3), (4,), [1, 2, 3], "-"),
        ([1, 2, 4], (1, 2, 3), (4,), [1, 2, 3, 4], "[1, 2, 4] / []"),
        ([1, 2], (1, 2, 3), (), [1, 2], "[1, 2] / []"),
        ([1, 2, 3, 4], (1, 2, 3), (4,), [1, 2, 3, 4], "[1, 2, 3, 4] / []"),
        ([1, 2, 3], (1, 2, 3), (4,), [1, 2, 3, 4], "[1, 2, 3] / []"),
        ([1, 2, 5], (1, 2, 3), (4,), [1, 2, 3, 4], "[1, 2, 3] / [5]"),
        ([1, 4, 5], (1, 2, 3), (4, 5), [1, 4], "-"),
    ],
)
def test_steps_of_a_group(target, voters, learners, caught_up, step):
    cluster = genesis("ab12", founders(5))
    row = GroupRow(7, 0, [], [1, 2, 3], list(voters), list(learners), target)
    assert shown(next_step(cluster, row, Membership(voters, (), learners), caught_up)) == step


def test_steps_of_the_system_group():
    cluster = genesis("ab12", founders(5))
    row = cluster.groups[0]
    row.target = [1, 2, 3]
    assert shown(next_step(cluster, row, Membership((1, 2, 3), (), ()), [])) == "[1, 2, 3] / [4, 5]"
    row.target = [1, 2, 4]
    now = Membership((1, 2, 3), (), (4, 5))
    assert shown(next_step(cluster, row, now, [1, 2, 3, 4])) == "[1, 2, 4] / [3, 5]"
    assert shown(next_step(cluster, row, now, [1, 2, 3])) == "-"
