"""Errands: until they are answered, whoever leads; and who may act."""

from tests.core.steward.steward_world import DB, World, prepared
from trivet.core.steward.desk import LOOK_MS, REFUSED, Looked


def desk_of(world: World, number: int):
    return world.hosts[number].steward.desk


def test_an_errand_is_answered():
    world = prepared(1, 0)
    desk = desk_of(world, 5)
    errand = desk.say(2, b"FOUND", b"", 1)
    assert errand is not None
    assert not errand.done
    world.until(lambda: errand.done)
    assert errand.word.text == "OK"
    assert errand.text == ""
    assert errand.run.epoch == world.newest().epoch


def test_an_errand_that_is_refused():
    world = prepared(1, 0)
    errand = desk_of(world, 1).say(0, b"MAP", b"MOVE", b"END", 77)
    world.until(lambda: errand.done)
    assert errand.word == REFUSED
    assert errand.text == "ERR no such move: 77"


def test_the_first_word_of_a_list_counts():
    world = prepared(1, 0)
    errand = desk_of(world, 1).say(2, b"IMPORT", b"END", 77, 1)
    world.until(lambda: errand.done)
    assert errand.word == b"again"


def test_an_errand_outlasts_a_leader():
    world = prepared(1, 0)
    world.lead(2, 2)
    desk = desk_of(world, 4)
    world.crash(2, 500)
    errand = desk.say(2, b"PURGE", 0, b"0")
    world.until(lambda: errand.done)
    assert errand.word == b"0"


def test_nobody_is_asked_about_a_group_that_is_not_known():
    world = prepared(1, 0)
    assert desk_of(world, 1).say(9, b"FOUND", b"", 1) is None


def test_the_errands_of_a_group_that_is_dropped_are_answered():
    world = prepared(1, 0)
    world.isolate(1, 3_000)
    world.isolate(2, 3_000)
    errand = desk_of(world, 5).say(2, b"FOUND", b"", 1)
    world.word(f"KEYSPACE DROP {DB} FORCE", 5)
    world.until(lambda: errand.done)
    assert errand.word == REFUSED


def test_only_a_leader_that_has_applied_an_entry_of_its_term_acts():
    """Rule S2."""
    world = prepared(1, 10)
    world.lead(2, 3)
    desk = desk_of(world, 3)
    assert desk.led(2) is world.hosts[3].booted.groups[2]
    assert desk_of(world, 1).led(2) is None
    assert desk.led(9) is None
    machine = world.hosts[3].booted.groups[2].machine
    applied, machine.applied_index = machine.applied_index, 1
    assert desk.led(2) is None
    machine.applied_index = applied


def test_notes_are_bounded():
    desk = desk_of(prepared(1, 0), 1)
    for number in range(2_000):
        desk.note(f"note {number}")
    assert len(desk.notes) == 1_000


def test_quiet_groups_deserve_a_look_after_a_change_and_now_and_then():
    world = prepared(1, 0)
    desk = desk_of(world, 1)
    looked = Looked()
    everything = list(desk.groups.items())
    assert desk.worth_a_look(desk.map, looked) == everything
    awake = [(number, group) for number, group in everything if not group.raft.quiet]
    assert desk.worth_a_look(desk.map, looked) == awake != everything
    desk.now_ms += LOOK_MS
    assert desk.worth_a_look(desk.map, looked) == everything
    desk.map.epoch += 1
    assert desk.worth_a_look(desk.map, looked) == everything
    assert desk.worth_a_look(desk.map, looked) == awake
