"""What is wrong with a world at the end: slots, keys and pushes, against the map and what clients were told."""

from tests.core.steward.steward_world import DB, Push, World
from trivet.core.base.prng import Prng
from trivet.core.machine.ownership import OWNED


def verdict(world: World) -> list[str]:
    """What is wrong at the end, in sentences."""
    wrong: list[str] = []
    cluster = world.newest()
    held: dict[str, dict[int, list[str]]] = {}
    for row in cluster.groups.values():
        for host in world.hosts.values():
            replica = host.booted.groups.get(row.id)
            if row.id == 0 or replica is None or host.number not in row.members:
                continue
            machine = replica.machine
            machine.ownership.check_invariants()
            if machine.ownership.owned != row.ranges:
                wrong.append(f"group {row.id} owns {machine.ownership.owned}, the map says {row.ranges}")
            if machine.ownership.exports or machine.ownership.imports:
                wrong.append(f"group {row.id} at node {host.number}: a step is left hanging")
            if row.keyspace != DB:
                continue
            for key in list(machine.databases.open(DB).values):
                if machine.ownership.place(key) != OWNED:
                    wrong.append(f"{key!r} is held by group {row.id}, which does not own it")
                    continue
                name = key.decode()
                if name.startswith("k"):
                    call = (DB, [b"LRANGE", key, b"0", b"-1"])
                    (values,) = machine.read([call], 0, Prng(1), cluster.epoch)
                    here = [element.decode() for element in values]
                    before = held.setdefault(name, {}).setdefault(row.id, here)
                    if before != here:
                        wrong.append(f"{name}: replicas of group {row.id} differ")
    return wrong + _judge(world.pushes, held)


def _judge(pushes: list[Push], held: dict[str, dict[int, list[str]]]) -> list[str]:
    """Of pushes to lists, given what each group holds of them."""
    wrong: list[str] = []
    by_key: dict[str, list[Push]] = {}
    for push in pushes:
        by_key.setdefault(push.key, []).append(push)
    for key, of_key in by_key.items():
        copies = held.get(key, {})
        if len(copies) > 1:
            wrong.append(f"{key} is in groups {list(copies)}")
        values = next(iter(copies.values()), [])
        if len(set(values)) != len(values):
            wrong.append(f"{key}: something was pushed twice")
        done = []
        for push in of_key:
            place = values.index(push.value) + 1 if push.value in values else 0
            if push.outcome == "ok" and place != push.reply:
                wrong.append(f"{key}: {push.value} was answered {push.reply}, it is at {place}")
            if push.outcome == "not done" and place:
                wrong.append(f"{key}: {push.value} was not done, it is at {place}")
            if push.outcome == "ok":
                done.append(push)
        wrong += [
            f"{key}: {other.value} overtook {one.value}"
            for one in done
            for other in done
            if one.ended < other.began and one.reply > other.reply
        ]
    return wrong
