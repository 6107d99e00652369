"""Groups that nobody leads have what their node needs beside the face of all groups."""

import inspect

import pytest

from tests.core.group import register_world
from tests.core.group.pure import only_pure
from trivet.core.cluster.rows import PAXOS, GroupRow
from trivet.core.group.eventual_group import EventualGroup
from trivet.core.group.eventual_log import EventualLog
from trivet.core.group.leaderless import LeaderlessLog, LeaderlessReplica
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.group.register_log import RegisterLog


def names(face: type) -> list[str]:
    return [name for name in [*vars(face), *face.__annotations__] if not name.startswith("_")]


@only_pure
def test_everything_in_the_face_is_there():
    group = register_world.World(1).hosts[1].live
    for name in names(LeaderlessReplica):
        assert hasattr(group, name), name


@pytest.mark.parametrize(
    ("face", "made"),
    [
        (LeaderlessReplica, PaxosGroup),
        (LeaderlessReplica, EventualGroup),
        (LeaderlessLog, RegisterLog),
        (LeaderlessLog, EventualLog),
    ],
    ids=["registers", "copies", "log of registers", "log of copies"],
)
def test_its_methods_take_what_the_node_gives(face, made):
    for name in names(face):
        wanted = vars(face).get(name)
        if inspect.isfunction(wanted):
            assert inspect.signature(getattr(made, name)) == inspect.signature(wanted), name


@only_pure
def test_it_follows_the_map_and_says_what_it_is():
    group = register_world.World(1).hosts[1].live
    row = GroupRow(group.settings.group, 7, [(0, 16383)], [1, 2, 3], [1, 2, 3], [], [1, 2, 3], membership=8)
    group.follow(row)
    row.members, row.membership = [4, 5, 6], 7
    group.follow(row)
    assert group.mode == PAXOS and [node for node in range(9) if group.is_member(node)] == [1, 2, 3]
    assert group.describe().startswith("mode=paxos,epoch=9,members=1/2/3,incoming=,keys=0,bytes=")
    assert (group.keys, group.deadline_count, group.doubtful) == (0, 0, False)
    group.check_invariants()
