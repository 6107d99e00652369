"""All kinds of groups have the one face that a node uses."""

import inspect

import pytest

from tests.core.group import register_world
from tests.core.group.pure import only_pure
from tests.core.group.remote_world import World
from trivet.core.group.face import Replica

NAMES = [name for name in [*vars(Replica), *Replica.__annotations__] if not name.startswith("_")]


@pytest.mark.parametrize("number", [1, 8], ids=["RaftGroup", "RemoteGroup"])
def test_everything_in_the_face_is_there(number):
    group = World(1).hosts[number].group
    assert group is not None
    for name in NAMES:
        assert hasattr(group, name), name
        wanted = vars(Replica).get(name)
        if inspect.isfunction(wanted):
            assert inspect.signature(getattr(type(group), name)) == inspect.signature(wanted), name


@only_pure
def test_a_group_of_registers_has_it_too():
    group = register_world.World(1).hosts[1].live
    for name in NAMES:
        assert hasattr(group, name), name
        wanted = vars(Replica).get(name)
        if inspect.isfunction(wanted) and name != "on_message":
            assert inspect.signature(getattr(type(group), name)) == inspect.signature(wanted), name
