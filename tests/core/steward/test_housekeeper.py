"""The housekeeper: what it says is right however often and late it is said (Rules H1 to H6)."""

from tests.core.steward.steward_judge import verdict
from tests.core.steward.steward_world import DB, prepared
from trivet.core.machine.ownership import FOREIGN, OWNED
from trivet.core.wire.reply import Error


def test_claims(replay):
    replay("claims")


def test_a_group_that_is_not_founded_takes_nothing():
    """Rule H1: its keys are NotHere, and clients' calls wait."""
    world = prepared(1, 0)
    world.isolate(4, 1)
    world.say("KEYSPACE CREATE 30 REPLICAS 1 SHARDS 2")
    assert [row.id for row in world.newest().groups.values()] == [0, 1, 2, 3, 4]
    world.until(world.is_at_rest)
    world.run(500)
    owned = [world.leader_of(number).machine.ownership.owned for number in (3, 4)]
    assert owned == [[(0, 8191)], [(8192, 16383)]]
    world.heal()
    assert verdict(world) == []


def test_a_seal_of_a_move_that_is_over_is_lifted():
    """Rule H3: a word that comes late, of a mover that was replaced."""
    world = prepared(1, 20)
    world.say("MOVE START 2 NEW 0-99 large")
    world.say("MOVE ABORT 1")
    world.until(world.is_at_rest)
    group = world.leader_of(2)
    world.ask(group, [b"SEAL", b"1", b"0-99"])
    world.until(lambda: group.machine.ownership.are_all([(0, 99)], OWNED))
    world.heal()
    assert verdict(world) == []


def test_an_import_of_a_move_that_is_over_is_thrown_away():
    """Rule H2."""
    world = prepared(1, 20)
    world.say("MOVE START 2 NEW 0-99 large")
    world.say("MOVE ABORT 1")
    world.until(world.is_at_rest)
    group = world.leader_of(3)
    world.ask(group, [b"IMPORT", b"BEGIN", b"1", b"0-99", b"1"])
    world.until(lambda: not group.machine.ownership.imports)
    assert group.machine.ownership.are_all([(0, 99)], FOREIGN)


def test_garbage_goes_in_slices():
    """Rule H4."""
    world = prepared(1, 0)
    for place in range(600):
        world.push(1, f"k{place}")
    world.until(lambda: all(push.outcome for push in world.pushes))
    world.say("MOVE START 2 NEW 0-16382 large")
    world.until(lambda: world.place(world.newest().moves[1]) == "while purging")
    source = world.leader_of(2).machine
    assert source.databases.open(DB).foreign_count > 0
    world.until(world.is_at_rest)
    assert source.databases.open(DB).foreign_count == 0
    world.heal()
    assert verdict(world) == []


def test_a_database_that_was_withheld_too_late_comes_back():
    """Rule H5: a word of a leader that was replaced arrives when the claim is over."""
    world = prepared(1, 0)
    (_, token) = world.say("KEYSPACE CREATE 5 REPLICAS 1")
    world.until(world.is_at_rest)
    (_, later) = world.say("KEYSPACE DROP 5")
    world.until(world.is_at_rest)
    group = world.leader_of(1)
    for old in (token, later):
        world.ask(group, [b"WITHHOLD", b"5", b"%d" % old])
        world.until(lambda: not group.machine.ownership.withheld)
    world.heal()
    assert verdict(world) == []


def test_keys_keep_a_database_where_it_is():
    world = prepared(1, 3)
    (_, token) = world.say(f"KEYSPACE DROP {DB}")
    world.until(world.is_at_rest)
    assert world.newest().settled[token].startswith("ERR the keyspace holds 3 keys")
    world.heal()
    assert verdict(world) == []


def test_a_node_that_has_left_is_forgotten_by_all_groups():
    """Rule H6."""
    world = prepared(1, 0)
    for number in world.hosts:
        world.push(number, f"k{number}")
    world.until(lambda: all(push.outcome for push in world.pushes))
    new = world.join()
    world.until(lambda: world.map_of(new) is not None and world.is_at_rest())
    world.push(new, "k")
    world.until(lambda: all(push.outcome for push in world.pushes))
    groups = (0, 2)
    world.until(lambda: new in world.leader_of(2).machine.sessions.by_node)
    world.say(f"DRAIN {new}")
    world.until(lambda: not isinstance(world.say(f"LEFT {new}"), Error))
    world.until(lambda: all(new not in world.leader_of(g).machine.sessions.by_node for g in groups))
    assert new in world.leader_of(2).machine.sessions.gone
