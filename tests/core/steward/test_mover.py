"""The mover: moves as conversations, and histories in which whoever carries them on is struck at every place."""

import msgspec
import pytest

from tests.core.machine.transaction_words import effects_of, finish, ident, lock
from tests.core.steward.histories import PLACES, SIDES, WAYS, play, push_some, strike
from tests.core.steward.steward_judge import verdict
from tests.core.steward.steward_world import DB, MANUAL, prepared
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.cluster.slots import slot_of


def test_conversation(replay):
    replay("mover")


def test_a_move_is_given_up(replay):
    replay("aborted")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("place", PLACES)
def test_whoever_carries_a_move_on_is_struck(place, side, way):
    assert strike(place, side, way) == []


@pytest.mark.parametrize("first", [pytest.param(1, marks=pytest.mark.soak), 11])
def test_histories(first):
    seen: dict[str, int] = {}
    for seed in range(first, first + 10):
        world = play(seed)
        assert verdict(world) == [], seed
        for what, count in world.sometimes.items():
            place = what.split(":")[0]
            seen[place] = seen.get(place, 0) + count
    assert [place for place in PLACES if not seen.get(place)] == []
    assert seen["sent on"] > 100


def test_no_data_is_moved_under_an_old_generation():
    """The fence (Rules R1, V7): whoever copied before cannot hand over what its successor copies."""
    world = prepared(1, 40)
    world.say("MOVE START 2 NEW 0-8191 large")
    world.until(lambda: world.place(world.newest().moves[1]) == "while copying")
    generation = world.newest().moves[1].generation
    assert world.say("MOVE BEGIN 1") == generation + 1
    assert "begun anew" in world.say(f"MOVE DONE 1 {generation}").text
    world.until(world.is_at_rest)
    world.heal()
    assert verdict(world) == []


@pytest.mark.parametrize("side", [2, 3])
def test_a_flush_begins_the_copy_anew(side):
    """Rule I1: nothing that was there before a flush of either group comes back."""
    world = prepared(1, 100)
    world.say("MOVE START 2 NEW 0-8191 large")
    world.until(lambda: world.place(world.newest().moves[1]) == "while copying")
    world.run(100)
    group = world.leader_of(side)
    world.ask(group, [b"FLUSHDB"])
    kept = [push for push in world.pushes if side == 3]
    world.pushes = kept
    push_some(world, Prng(1), 20, 100)
    world.until(world.is_at_rest)
    world.heal()
    assert verdict(world) == []
    assert world.newest().group_of(DB, 0) == 3


def test_keys_that_expire_on_their_way_are_counted():
    world = prepared(1, 60)
    for place in range(200):
        world.ask(world.leader_of(2), [b"SET", b"t%d" % place, b"x", b"PX", b"%d" % (10 + 15 * place)])
    world.say("MOVE START 2 NEW 0-8191 large")
    world.until(world.is_at_rest)
    world.run(4_000)
    world.heal()
    assert verdict(world) == []


def test_the_last_keys_are_copied_after_the_locks_have_gone():
    """Rule L14: what a transaction over groups does to a sealed key goes along."""
    world = prepared(1, 60)
    key = next(f"t{n}" for n in range(1000) if slot_of(b"t%d" % n) < 8192)
    transaction = ident(1, node=77)
    source = world.leader_of(2)
    world.ask(source, lock(transaction, key, home=9, db=DB)[1])
    world.say("MOVE START 2 NEW 0-8191 large")
    world.until(lambda: world.place(world.newest().moves[1]) == "between SEAL and READY")
    world.run(300)
    assert world.place(world.newest().moves[1]) == "between SEAL and READY"
    world.ask(source, finish(transaction, effects_of(f"SET {key} after", db=DB))[1])
    world.until(world.is_at_rest)
    world.heal()
    assert world.newest().group_of(DB, 0) == 3
    assert world.leader_of(3).machine.databases.open(DB).get(key.encode()) == b"after"


def test_a_key_that_no_call_can_carry_stops_the_move():
    limits = Limits(segment_bytes=64 * 1024, batches_in_flight_max=8, call_bytes_max=2_000)
    world = prepared(1, 20, limits=limits)
    key = next(b"large%d" % n for n in range(1000) if slot_of(b"large%d" % n) < 8192)
    for _ in range(5):
        world.ask(world.leader_of(2), [b"APPEND", key, b"x" * 900])
    world.say("MOVE START 2 NEW 0-8191 large")
    world.until(world.is_at_rest)
    world.heal()
    assert any("a key takes more than the 2000 bytes" in note for note in world.notes)
    assert world.newest().group_of(DB, 0) == 2
    assert verdict(world) == []


def test_copying_is_slow_while_clients_wait():
    """Rule R5."""
    took_ms = []
    for busy_bytes in (1 << 20, -1):
        world = prepared(1, 100, settings=msgspec.structs.replace(MANUAL, busy_bytes=busy_bytes))
        world.say("MOVE START 2 NEW 0-8191 large")
        took_ms.append(world.until(lambda w=world: w.place(w.newest().moves[1]) == "between SEAL and READY"))
    assert took_ms[1] > took_ms[0]
