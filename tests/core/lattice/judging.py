"""What is wrong with a lattice, by worlds of many seeds and by scenes; nothing is, unless a bug is planted."""

from collections.abc import Callable

from tests.core.lattice.histories import KEYS, Replica, World, image, joined, shown
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import ITEM, MEMBER, STRING, Delta
from trivet.core.lattice.positions import between
from trivet.core.lattice.writer import Writer


def add(replica: Replica, amount: int, key: bytes = b"a") -> Delta:
    return made(replica, key, lambda writer: writer.add(STRING, b"", amount))


def put(replica: Replica, name: bytes, key: bytes = b"a") -> Delta:
    return made(replica, key, lambda writer: writer.assign(MEMBER, name, b""))


def take(replica: Replica, key: bytes = b"a") -> Delta:
    return made(replica, key, lambda writer: writer.remove_all())


def made(replica: Replica, key: bytes, what: Callable[[Writer], None]) -> Delta:
    writer = Writer(replica.lattice, replica.actor, 1, key)
    what(writer)
    delta = writer.finish()
    assert delta is not None
    replica.lattice.apply(delta)
    return delta


def collect(replica: Replica, all_of_them: list[Replica], told: dict[int, Clock]) -> None:
    """What ``replica`` may forget, by what all have told."""
    stable, everything = replica.lattice.clock.copy(), replica.lattice.clock.copy()
    for clock in told.values():
        stable = stable.meet(clock)
        everything.join(clock)
    replica.lattice.collect(stable, everything, [one.actor for one in all_of_them])


def world_converges(seed: int) -> str:
    """Rows K1, K2."""
    world = World(seed)
    world.run(40)
    one, two, three = [replica.lattice for replica in world.replicas]
    states = joined(joined(one, two), three)
    if image(states) != image(joined(three, joined(two, one))):
        return "joins differ by order"
    world.deliver_all()
    if any(image(replica.lattice) != image(states) for replica in world.replicas):
        return "updates and states come to different ends"
    return "" if shown(states) == world.expected(frozenset(world.by_dot)) else "the end is wrong"


def world_is_exact(seed: int) -> str:
    """Rows K3, K4, K6: at every moment; memories go meanwhile, by what was told a while ago."""
    world = World(seed, parts=False)
    told = {replica.actor: Clock() for replica in world.replicas}
    for step in range(40):
        world.run(1)
        for replica in world.replicas:
            if world.prng.chance(0.3):
                told[replica.actor] = replica.lattice.clock.copy()
            if world.prng.chance(0.3):
                collect(replica, world.replicas, told)
            if shown(replica.lattice) != world.expected(world.seen_by(replica)):
                return f"step {step}: not what was seen"
    world.deliver_all()
    told = {replica.actor: replica.lattice.clock.copy() for replica in world.replicas}
    for replica in world.replicas:
        collect(replica, world.replicas, told)
        for key in KEYS:
            if replica.lattice.state(key) is not None and not any(
                k == key for k, _ in shown(replica.lattice)
            ):
                return "something is held of a key that is not there"
    return ""


def scene_equal_key_in_an_exchange() -> str:
    """Rule L10: B has put and removed; A finds the key equal, then hears of the putting alone."""
    a, b = Replica(1), Replica(2)
    putting = put(b, b"x")
    take(b)
    clock = b.lattice.clock.copy()
    watch = a.lattice.watch(clock)
    if a.lattice.tree.of(b"a") != b.lattice.tree.of(b"a"):
        return "both hold nothing, and differ"
    a.hear(putting)
    if a.lattice.know(clock, watch):
        return "the removal is claimed and will never be taken"
    return ""


def scene_two_forget_at_different_times() -> str:
    """Rule L11, row K6."""
    a, b = Replica(1), Replica(2)
    b.hear(add(a, 5))
    a.hear(take(b))
    told = {1: a.lattice.clock.copy(), 2: b.lattice.clock.copy()}
    for replica, other in ((a, b), (b, a)):
        collect(replica, [a, b], told)
        replica.hear_states(other, KEYS)
        if replica.lattice.bases_count or len(replica.lattice):
            return "what was forgotten came back"
    return ""


def scene_actor_that_is_no_more() -> str:
    """Rule C5: an addition of a lost life is still under way when everybody has seen the removal."""
    a, b, c = Replica(1), Replica(2), Replica(3)
    first = add(a, 5)
    late = add(a, 2)
    b.hear(first)
    removal = take(b)
    c.hear(first)
    c.hear(removal)
    told = {2: b.lattice.clock.copy(), 3: c.lattice.clock.copy()}
    collect(b, [b, c], told)
    b.hear(late)
    return "" if shown(b.lattice) == {(b"a", (STRING, b"")): (None, 2)} else "what was removed counts again"


def scene_old_copy() -> str:
    """Row K4: who has lost all since a removal, which nobody remembers any more, brings nothing back."""
    a, b, c = Replica(1), Replica(2), Replica(3)
    b.hear(add(a, 5))
    b.hear(put(a, b"x"))
    c.hear_all(b)
    removal = take(b)
    a.hear(removal)
    told = {1: a.lattice.clock.copy(), 2: b.lattice.clock.copy()}
    for replica in (a, b):
        collect(replica, [a, b], told)
    if len(a.lattice) or len(b.lattice):
        return "a removed key is remembered"
    a.hear_all(c)
    if shown(a.lattice):
        return "an old copy brings back what was removed"
    c.hear_all(a)
    return "an old copy keeps what was removed" if shown(c.lattice) else ""


def scene_series_begins_anew() -> str:
    """Rule L12, row K3: C has not heard of the removal, and then of both."""
    a, b, c = Replica(1), Replica(2), Replica(3)
    first = add(a, 5)
    b.hear(first)
    removal = take(b)
    a.hear(removal)
    second = add(a, 3)
    c.hear(first)
    c.hear(second)
    if shown(c.lattice) != {(b"a", (STRING, b"")): (None, 5)}:
        return "more is missing than was removed"
    c.hear(removal)
    return "" if shown(c.lattice) == {(b"a", (STRING, b"")): (None, 3)} else "the sum is wrong"


def scene_addition_under_way() -> str:
    """Rule C5: A added before it heard of the removal, and C has not heard of that, as it knows."""
    a, b, c = Replica(1), Replica(2), Replica(3)
    first = add(a, 5)
    b.hear(first)
    removal = take(b)
    late = add(a, 2)
    a.hear(removal)
    c.hear(first)
    c.hear(removal)
    told = {replica.actor: replica.lattice.clock.copy() for replica in (a, b, c)}
    collect(c, [a, b, c], told)
    c.hear(late)
    return "" if shown(c.lattice) == {(b"a", (STRING, b"")): (None, 2)} else "what was removed counts again"


def scene_places() -> str:
    """Two put an item into the same gap: two places, both inside."""
    left, right = between(None, None, (1, 1), 2)
    for at in range(40):
        (one,) = between(left, right, (1, at + 2))
        (two,) = between(left, right, (2, at + 2))
        if one == two or not left < one < right or not left < two < right:
            return "places are not unique, or not between"
        left, right = (min(one, two), right) if at % 2 else (left, max(one, two))
    a, b = Replica(1), Replica(2)
    mine = made(a, b"a", lambda writer: writer.assign(ITEM, between(None, None, (1, 1))[0], b"x"))
    b_item = made(b, b"a", lambda writer: writer.assign(ITEM, between(None, None, (2, 1))[0], b"y"))
    b.hear(mine)
    a.hear(b_item)
    return "" if len(shown(a.lattice)) == 2 and image(a.lattice) == image(b.lattice) else "an item is lost"


SCENES = (
    scene_equal_key_in_an_exchange,
    scene_two_forget_at_different_times,
    scene_actor_that_is_no_more,
    scene_old_copy,
    scene_series_begins_anew,
    scene_addition_under_way,
    scene_places,
)


def complaint(seeds: int) -> str:
    """The first that anybody has."""
    for scene in SCENES:
        if said := scene():
            return f"{scene.__name__}: {said}"
    for seed in range(1, seeds + 1):
        for world in (world_converges, world_is_exact):
            try:
                said = world(seed)
            except (AssertionError, KeyError, ValueError) as error:
                said = f"{type(error).__name__} {error}"
            if said:
                return f"seed {seed}, {world.__name__}: {said}"
    return ""
