"""What the system group decides reaches every group before the client that asked for it is answered."""

import pytest

from tests.core.node.bench import Bench
from tests.core.node.test_residents import SECOND, change_members, holders, leader_of, with_keyspace
from trivet.core.base.ids import SYSTEM_GROUP
from trivet.core.machine.sharing import copy_call
from trivet.core.node.sharing import Change, Sharing
from trivet.core.values.sizes import BASE_BYTES

LIBRARY = "'#!lua name=lib\\nredis.register_function(\"f\", function() return 7 end)'"


def shared_indexes(bench: Bench) -> set[int]:
    return {
        replica.machine.shared_index
        for server in bench.servers.values()
        if server.node is not None
        for replica in server.node.groups.values()
    }


def test_a_setting_is_in_force_in_all_groups_before_the_answer():
    bench = with_keyspace(3)
    for number in (1, 2, 3):
        assert bench.say(f"c{number}@{number}", f"CONFIG SET slowlog-max-len {number}") == ["+OK"]
        for group in bench.node(number).groups.values():
            assert group.machine.settings.get(b"slowlog-max-len") == b"%d" % number
    bench.wait(200)
    assert len(shared_indexes(bench)) == 1
    for server in bench.servers.values():
        for group in server.node.groups.values():
            assert group.machine.settings.get(b"slowlog-max-len") == b"3"


def test_users_are_known_in_all_groups_before_the_answer():
    """The next command of the same client is judged by them, whatever group it goes to."""
    bench = with_keyspace(3)
    bench.talk(
        """
        a@1> ACL SETUSER ann on >pw ~* +@all | ACL SETUSER bob on >pw ~* +@read +select
        +OK
        +OK
        a> AUTH ann pw | SELECT 3 | SET k 1 | SELECT 0 | SET k 1
        +OK
        +OK
        +OK
        +OK
        +OK
        a> AUTH bob pw | EVAL 'return redis.call("SET", "k", 2)' 1 k
        +OK
        -NOPERM this user has no permissions to run the 'eval' command
        b@2> ACL SETUSER bob +eval
        +OK
        b> AUTH bob pw | SELECT 3 | GET k
        +OK
        +OK
        "1"
        """
    )
    assert bench.say("b", 'EVAL \'return redis.call("SET", "k", 2)\' 1 k')[0].startswith(
        "-ERR The user executing the script can't run this command or subcommand"
    )


def test_a_node_whose_groups_others_lead_waits_for_them_too():
    bench = with_keyspace(3)
    other = next(number for number in (1, 2, 3) if number != leader_of(bench, SECOND))
    assert bench.say(f"c@{other}", "CONFIG SET slowlog-max-len 9") == ["+OK"]
    assert bench.node(other).groups[SECOND].machine.settings.get(b"slowlog-max-len") == b"9"


def test_a_group_that_stands_still_keeps_the_answer_only_for_so_long():
    bench = with_keyspace(3, command_timeout_ms=2_000)
    for number in (1, 2, 3):
        bench.node(number).groups[SECOND].on_message = lambda sender, message: None  # type: ignore[method-assign]
    assert bench.say("c@1", "CONFIG SET slowlog-max-len 9") == []
    assert bench.say("d@1", "GET k") == ["nil"], "nobody else waits"
    took_ms = bench.until(lambda: bench.events != [])
    assert bench.events == [("c", "+OK")]
    assert 1_900 <= took_ms <= 2_200


def test_copies_that_come_twice_or_late_change_nothing():
    """C1: it does not matter who brings a copy, or how often."""
    bench = with_keyspace(3)
    system = bench.node(1).system.machine
    bench.say("c@1", "CONFIG SET slowlog-max-len 5")
    old = copy_call(system, True)
    bench.say("c@1", "CONFIG SET slowlog-max-len 6")
    new = copy_call(system, True)
    bench.wait(200)
    leader = bench.node(leader_of(bench, SECOND))
    before = leader.groups[SECOND].machine.settings.version
    for call in (old, new, old):
        change = Change(_Nobody(), Sharing({}, {}, 0), call, bench.mono_ms)
        leader.groups[SECOND].write(change.sub, bench.mono_ms)
    bench.servers[leader.config.node].dirty = True
    bench.settle()
    bench.wait(200)
    for number in (1, 2, 3):
        assert bench.node(number).groups[SECOND].machine.settings.get(b"slowlog-max-len") == b"6"
    assert leader.groups[SECOND].machine.settings.version == before


class _Nobody:
    def run_done(self) -> None:
        pass


def test_a_new_leader_brings_what_the_old_one_has_not():
    bench = with_keyspace(3)
    old = leader_of(bench, SECOND)
    group = bench.node(old).groups[SECOND]
    group.write = lambda run, now_ms: None  # type: ignore[method-assign]
    other = next(number for number in (1, 2, 3) if number != old)
    assert bench.say(f"c@{other}", "CONFIG SET slowlog-max-len 9") == []
    bench.crash(old)
    bench.until(lambda: ("c", "+OK") in bench.events)
    for number in holders(bench, SECOND):
        assert bench.node(number).groups[SECOND].machine.settings.get(b"slowlog-max-len") == b"9"


@pytest.mark.parametrize("setting_first", [False, True])
def test_a_new_group_gets_users_settings_and_functions(setting_first):
    bench = Bench(3)
    bench.found()
    if setting_first:
        assert bench.say("a@1", "CONFIG SET slowlog-max-len 9 | ACL SETUSER ann on >pw ~* +@all") == [
            "+OK",
            "+OK",
        ]
    assert bench.say("a@2", f"FUNCTION LOAD {LIBRARY}") == ['"lib"']
    (sha,) = bench.say("a", "SCRIPT LOAD 'return 8'")
    bench.change_map(1, "KEYSPACE CREATE 3")
    bench.until(lambda: leader_of(bench, SECOND) != 0)
    bench.wait(200)
    assert bench.say("b@3", f"SELECT 3 | FCALL f 0 | EVALSHA {sha} 0") == ["+OK", "7", "8"]
    if setting_first:
        for number in (1, 2, 3):
            machine = bench.node(number).groups[SECOND].machine
            assert machine.settings.get(b"slowlog-max-len") == b"9"
            assert b"ann" in machine.users.names()


def test_functions_that_are_changed_later_are_changed_in_all_groups():
    bench = with_keyspace(3)
    assert bench.say("a@2", f"FUNCTION LOAD {LIBRARY}") == ['"lib"']
    assert bench.say("a", "FCALL f 0 | SELECT 3 | FCALL f 0") == ["7", "+OK", "7"]
    assert bench.say("a", "FUNCTION DELETE lib | FCALL f 0 | SELECT 0 | FCALL f 0") == [
        "+OK", "-ERR Function not found", "+OK", "-ERR Function not found"
    ]  # fmt: skip
    bench.wait(200)
    for number in (1, 2, 3):
        assert not bench.node(number).system.machine.scripts.libraries


def test_a_replica_that_comes_has_what_its_group_has():
    bench = with_keyspace(5)
    inside = holders(bench, SECOND)
    bench.say("a@1", "CONFIG SET slowlog-max-len 9")
    new = next(number for number in bench.servers if number not in inside)
    leaves = next(number for number in inside if number != leader_of(bench, SECOND))
    change_members(bench, SECOND, tuple(sorted(n for n in (*inside, new) if n != leaves)))
    assert bench.node(new).groups[SECOND].machine.settings.get(b"slowlog-max-len") == b"9"


def test_the_copies_survive_a_restart():
    bench = with_keyspace(3)
    bench.say("a@1", "CONFIG SET slowlog-max-len 9")
    for number in (1, 2, 3):
        bench.crash(number)
    for number in (1, 2, 3):
        bench.start(number)
    bench.elect(1)
    bench.until(lambda: leader_of(bench, SECOND) != 0 and leader_of(bench, SYSTEM_GROUP) != 0)
    bench.wait(200)
    for number in (1, 2, 3):
        for group in bench.node(number).groups.values():
            assert group.machine.settings.get(b"slowlog-max-len") == b"9"


def test_maxmemory_is_that_of_the_node():
    bench = with_keyspace(3)
    assert (
        bench.answer("a@1", f"CONFIG SET maxmemory {BASE_BYTES + 100_000} maxmemory-policy allkeys-random")
        == "+OK"
    )
    bench.say("b@1", "SELECT 3")
    for number in range(60):
        bench.answer("a", f"SET k{number} {'v' * 1000}")
        bench.answer("b", f"SET k{number} {'v' * 1000}")
    bench.wait(1_000)
    for number in (1, 2, 3):
        sizes = [
            group.machine.memory.total - BASE_BYTES for n, group in bench.node(number).groups.items() if n
        ]
        assert len(sizes) == 2
        assert sum(sizes) <= 100_000
        assert min(sizes) > 30_000, "both have given"
    assert bench.answer("a", "CONFIG SET maxmemory 0") == "+OK"
    bench.wait(100)
    assert all(not group.machine.beside_bytes for group in bench.node(1).groups.values())
