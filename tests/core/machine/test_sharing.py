"""What the system group decides for all, and each group's copy of it (Rules C1, C2)."""

import pytest

from tests.core.machine.replicas import Replica, follow
from trivet.core.machine.checking import NOT_FOUNDED
from trivet.core.machine.machine import Machine
from trivet.core.machine.settings import OVER
from trivet.core.machine.sharing import SHARED, copy_call, take_copy
from trivet.core.machine.snapshot import SnapshotLoad, SnapshotWalk
from trivet.core.wire.reply import OK

LIBRARY = "#!lua name=lib\\nredis.register_function('f', function() return 7 end)"


def test_users_settings_and_functions_are_copied():
    system, data = Replica(), Replica()
    system.run("SETTING slowlog-max-len 7", "USERS SET ann '' on >pw +get ~*", f'FUNCTION LOAD "{LIBRARY}"')
    data.machine.await_founding()
    assert data.one((0, copy_call(system.machine, True))) == OK
    data.run("FOUND 0-16383 1")
    assert data.machine.settings.get(b"slowlog-max-len") == b"7"
    assert data.machine.users.state() == system.machine.users.state()
    assert data.machine.shared_index == system.machine.shared_index == 1
    assert data.one("FCALL f 0") == 7


def test_a_group_that_is_founded_takes_no_functions_from_a_copy():
    """C3: it may be older than what the group was taught by itself."""
    system, data = Replica(), Replica()
    system.run("SETTING slowlog-max-len 7")
    old = copy_call(system.machine, True)
    data.run(f'FUNCTION LOAD "{LIBRARY}"')
    assert data.one((0, old)) == OK
    assert data.machine.settings.get(b"slowlog-max-len") == b"7"
    assert data.one("FCALL f 0") == 7


def test_a_group_that_is_not_founded_learns_nothing():
    data = Replica()
    data.machine.await_founding()
    assert data.one(f'FUNCTION LOAD "{LIBRARY}"') == NOT_FOUNDED
    data.run("FOUND 0-16383 1")
    assert data.one(f'FUNCTION LOAD "{LIBRARY}"') == b"lib"


def test_without_functions_those_of_the_group_stay():
    system, data = Replica(), Replica()
    data.run(f'FUNCTION LOAD "{LIBRARY}"')
    system.run("SETTING slowlog-max-len 7")
    data.run((0, copy_call(system.machine, False)))
    assert data.one("FCALL f 0") == 7


def test_a_copy_that_comes_twice_or_late_changes_nothing():
    """C1."""
    system, data = Replica(), Replica()
    system.run("SETTING slowlog-max-len 7")
    old = copy_call(system.machine, True)
    system.run("SETTING slowlog-max-len 8")
    new = copy_call(system.machine, True)
    data.run((0, new))
    version = data.machine.settings.version
    assert data.run((0, new), (0, old)) == [OK, OK]
    assert data.machine.settings.get(b"slowlog-max-len") == b"8"
    assert data.machine.settings.version == version
    assert data.machine.shared_index == 2


def test_a_setting_that_is_the_default_again_is_so_in_the_copy():
    system, data = Replica(), Replica()
    system.run("SETTING maxmemory 1000000")
    data.run((0, copy_call(system.machine, True)))
    assert data.machine.memory is not None
    system.run("SETTING maxmemory 0")
    data.run((0, copy_call(system.machine, True)))
    assert data.machine.settings.maxmemory_bytes == 0


def test_what_the_group_has_found_about_its_memory_stays():
    """C2."""
    system, data = Replica(), Replica()
    system.run("SETTING maxmemory 1000000")
    data.run((0, copy_call(system.machine, True)), "EVICT 1")
    assert data.machine.settings.refuses_growth
    system.run("SETTING slowlog-max-len 8")
    assert data.one((0, copy_call(system.machine, True))) == OK
    assert data.machine.settings.refuses_growth
    assert OVER not in dict(copied_settings(system))


def copied_settings(system: Replica) -> list[tuple[bytes, bytes]]:
    other = Machine(100)
    take_copy(other, copy_call(system.machine, False))
    return list(other.settings.values.items())


def test_a_group_s_own_word_about_memory_does_not_travel():
    system = Replica()
    system.run("SETTING maxmemory 1000000", "EVICT 1")
    assert OVER in system.machine.settings.values
    assert OVER not in dict(copied_settings(system))


def test_a_system_group_that_has_decided_nothing_still_has_a_copy_to_give():
    """Functions are loaded into all groups alike; one that comes later needs them from somewhere."""
    system, data = Replica(), Replica()
    system.run(f'FUNCTION LOAD "{LIBRARY}"')
    assert system.machine.shared_index == 0
    data.machine.await_founding()
    data.run((0, copy_call(system.machine, True)), "FOUND 0-16383 1")
    assert data.one("FCALL f 0") == 7
    assert data.machine.shared_index == 1


@pytest.mark.parametrize("packed", [b"", b"\xc1", b"\x90", b"\x93\x01\x01\x90"])
def test_what_is_no_copy_changes_nothing(packed):
    data = Replica()
    before = data.machine.settings.version
    data.run((0, [SHARED, packed]))
    assert (data.machine.shared_index, data.machine.settings.version) == (0, before)
    with pytest.raises(ValueError):
        take_copy(data.machine, [SHARED, packed])


def test_replicas_are_equal_and_a_snapshot_remembers_how_far_it_was():
    system, data = Replica(), Replica()
    system.run("SETTING slowlog-max-len 7", "USERS SET ann '' on nopass +@all ~*")
    data.run((0, copy_call(system.machine, True)), "SET k 1")
    other = Machine(100)
    follow(data.log, other)
    assert other.shared_index == data.machine.shared_index
    third = Machine(100)
    load = SnapshotLoad(third)
    walk = SnapshotWalk(data.machine, 1000)
    while (chunk := walk.next_chunk()) is not None:
        load.feed(chunk)
    assert third.shared_index == data.machine.shared_index
    assert third.users.state() == other.users.state() == system.machine.users.state()
