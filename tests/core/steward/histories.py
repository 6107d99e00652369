"""Histories: members change and slots move while clients push, and whoever carries it on is struck.

``strike`` strikes one of them at one place of one move; ``play`` lets chance decide, of everything, all the time.
"""

from tests.core.steward.steward_judge import verdict
from tests.core.steward.steward_world import DB, FAULTS, World, prepared
from trivet.core.base.prng import Prng

PLACES = (
    "before BEGIN", "while copying", "between SEAL and READY", "between READY and DONE",
    "between DONE and TAKEN", "between TAKEN and DISOWN", "while purging",
)  # fmt: skip
SIDES = ("source", "target", "map")
WAYS = ("killed", "cut off", "deposed")


def push_some(world: World, prng: Prng, count: int, keys: int) -> None:
    """Clients of any nodes push to any keys, while time passes."""
    for _ in range(count):
        number = 1 + prng.below(len(world.hosts))
        cluster = world.map_of(number)
        if cluster is not None and cluster.keyspace_of(DB) is not None:
            world.push(number, f"k{prng.below(keys)}")
        world.run(prng.between(0, 25))


def strike(place: str, side: str, way: str) -> list[str]:
    """A move is struck at one place, once; what is wrong at the end."""
    seed = 1 + PLACES.index(place) * 100 + SIDES.index(side) * 10 + WAYS.index(way)
    world = prepared(seed, 80)
    prng = Prng(seed)
    world.word("MOVE START 2 NEW 0-8191 large ON 3 4 5")

    def is_there() -> bool:
        moves = list(world.newest().moves.values())
        return bool(moves) and world.place(moves[0]) == place

    world.until(is_there)
    move = next(iter(world.newest().moves.values()))
    leader = world.leader_of((move.source, move.target_group, 0)[SIDES.index(side)])
    if leader is not None:
        number = leader.settings.node
        if way == "killed":
            world.crash(number, 2_000)
        elif way == "cut off":
            world.isolate(number, 2_000)
        else:
            world.depose(number)
    push_some(world, prng, 60, 80)
    world.heal()
    assert world.newest().group_of(DB, 0) == 3
    return verdict(world)


def play(seed: int) -> World:
    """Three rounds of changes under faults; then everything heals."""
    world = prepared(seed, faults=FAULTS)
    world.nemesis.stalk = 0.2
    prng = Prng(seed)
    for _ in range(3):
        rows = [row for row in world.newest().groups.values() if row.keyspace == DB]
        row = rows[prng.below(len(rows))]
        others = [number for number in world.hosts if number not in row.members]
        if others and prng.chance(0.6):
            members = list(row.members)
            members[prng.below(len(members))] = others[prng.below(len(others))]
            world.word(f"GROUP TARGET {row.id} {' '.join(map(str, sorted(members)))}")
        source = rows[prng.below(len(rows))]
        if source.ranges and prng.chance(0.8):
            low, high = source.ranges[0]
            targets = [str(one.id) for one in rows if one is not source]
            target = targets[prng.below(len(targets))] if targets and prng.chance(0.5) else "NEW"
            world.word(f"MOVE START {source.id} {target} {low}-{(low + high) // 2} because")
        push_some(world, prng, 120, 150)
    world.heal()
    return world
