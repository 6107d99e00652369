"""Random runs of the groups in ``register_world``: what clients do, and what fails meanwhile."""

from tests.core.group.register_clients import Client, Session
from tests.core.group.register_world import SKEW_MS, TIMEOUT_MS, World
from trivet.core.base.buggify import Buggify
from trivet.core.base.prng import Prng


class Faults:
    """A random run's mix."""

    def __init__(self, prng: Prng, theme: str) -> None:
        def pick(*choices: int) -> int:
            return choices[prng.below(len(choices))]

        self.drop = pick(0, 20, 100)
        self.late = pick(0, 30, 150)
        self.crash = pick(2, 6) if theme == "crashes" else pick(0, 0, 2)
        self.lose = pick(1, 2) if theme == "disks" else 0
        self.cut = pick(5, 15) if theme == "cuts" else pick(0, 0, 4)
        self.change = pick(3, 8) if theme == "members" else 0
        self.slow_disks = pick(4, 12) if theme == "crashes" else pick(1, 1, 4)
        self.expiring = theme == "expiry" or pick(0, 0, 1) == 1
        self.deleting = pick(5, 30)
        self.reading = 50 if theme == "expiry" else 25
        self.power = 5 if theme == "crashes" else 0


THEMES = ("cuts", "crashes", "members", "expiry", "disks")


def play(
    seed: int, theme: str = "", steps: int = 700, buggify: Buggify | None = None, clients: int = 5
) -> World:
    """One random run; ``judge`` it."""
    prng = Prng(seed * 104_729 + 11)
    theme = theme or THEMES[seed % len(THEMES)]
    faults = Faults(prng, theme)
    nodes = 5 if theme in ("members", "disks") or prng.below(2) else 4
    skew_ms = SKEW_MS if theme == "expiry" else 10
    world = World(
        seed, 3, nodes, skew_ms, buggify, tombstone_ticks=1 + prng.below(5), collect_ticks=20,
        origins_max=(1, 2, 8)[prng.below(3)], bare_max=(1, 100)[prng.below(2)],
    )  # fmt: skip
    world.drop, world.late, world.slow_disks = faults.drop, faults.late, faults.slow_disks
    world.clients = [Client(world, n, 1 + prng.below(nodes)) for n in range(clients)]
    keys = [b"c1", b"r1", b"r2"][: 1 + prng.below(3)]
    for _ in range(steps):
        world.step()
        for client in world.clients:
            idle = client.operation is None and client.run is None
            if idle and client.node not in world.down and prng.below(12) == 0:
                operate(world, client, prng, faults, keys)
        trouble(world, prng, faults)
        if prng.below(20) == 0:
            world.spread(1 + prng.below(nodes))
        if prng.below(40) == 0:
            world.check()
    for client in world.clients:
        client.steps = []
    world.heal()
    world.run_for(TIMEOUT_MS + 800)
    world.settle()
    world.finals(keys)
    world.run_for(200)
    world.walks(keys)
    world.check()
    for host in world.hosts.values():
        assert host.live.pending_bytes == 0 and not host.live.has_writes
    return world


def operate(world: World, client: Client, prng: Prng, faults: Faults, keys: list[bytes]) -> None:
    """A client does something."""
    key = keys[prng.below(len(keys))]
    world.written += 1
    value = b"%d" % world.written
    if prng.below(100) < faults.reading:
        client.begin((b"GET", key))
        return
    choice = prng.below(100)
    if choice < faults.deleting:
        client.begin((b"DEL", key))
    elif key[:1] == b"c":
        client.begin((b"INCR", key))
    elif choice < 55:
        client.begin((b"APPEND", key, b"." + value))
    elif choice < 70:
        client.compare_and_set(key, value)
    elif choice < 90 and faults.expiring:
        client.begin((b"SET", key, value, b"PX", b"%d" % (20 + prng.below(200))))
    else:
        client.begin((b"SET", key, value))


def trouble(world: World, prng: Prng, faults: Faults) -> None:
    """Things fail."""
    number = 1 + prng.below(len(world.hosts))
    is_up = world.hosts[number].group is not None
    if is_up and prng.below(1000) < faults.crash:
        world.crash(number)
    elif prng.below(1000) < faults.power:
        for other in world.hosts:
            if world.hosts[other].group is not None:
                world.crash(other)
    elif is_up and prng.below(1000) < faults.lose and may_lose(world):
        world.crash(number, loses_disk=True)
    elif prng.below(1000) < faults.cut:
        other = 1 + prng.below(len(world.hosts))
        if prng.below(2) == 0:
            world.isolate(number, 50 + prng.below(1000))
        elif other != number:
            world.cut(number, other, 50 + prng.below(400))
    elif prng.below(1000) < faults.change:
        change(world, prng)
    if world.config.incoming and prng.below(4) == 0:
        world.steward()


def may_lose(world: World) -> bool:
    """At most one of the members may have forgotten at a time."""
    return not any(host.doubting for host in world.hosts.values())


def change(world: World, prng: Prng) -> None:
    config = world.config
    if config.incoming:
        return
    outside = [number for number in world.hosts if number not in config.voters]
    if outside:
        voters = list(config.voters)
        voters[prng.below(len(voters))] = outside[prng.below(len(outside))]
        world.map(config.voters, tuple(voters))


def play_pipelines(seed: int) -> list[list[int]]:
    """Sessions that pipeline reads of a counter, which others raise; what each has seen."""
    prng = Prng(seed * 31 + 7)
    world = World(seed, 3, 4)
    world.drop = world.late = (0, 30, 100)[prng.below(3)]
    world.clients = [Client(world, n, 1 + prng.below(4)) for n in range(4)]
    sessions = [Session(world, 1 + prng.below(4), b"c") for _ in range(4)]
    for _ in range(300):
        world.step()
        for client in world.clients:
            if client.operation is None and client.run is None and prng.below(3) == 0:
                client.begin((b"INCR", b"c"))
        for session in sessions:
            if prng.below(2) == 0:
                session.read()
        if prng.below(60) == 0:
            one = 1 + prng.below(4)
            world.cut(one, 1 + one % 4, 50 + prng.below(100))
    world.heal()
    world.run_for(TIMEOUT_MS + 800)
    assert all(run.replies is not None for session in sessions for run in session.runs)
    return [session.seen() for session in sessions]
