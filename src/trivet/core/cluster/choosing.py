"""Which nodes a group shall stand on: different zones first, then those with the least to do.

Pure and without chance: the map chooses founders with it, the placement chooses replacements.
"""

from trivet.core.base.ids import NodeId
from trivet.core.cluster.rows import SYSTEM_VOTERS_MAX, UP
from trivet.core.cluster.state import MapState


def choose(
    count: int,
    candidates: list[NodeId],
    zones: dict[NodeId, str],
    load: dict[NodeId, int],
    kept: list[NodeId],
) -> list[NodeId]:
    """Up to ``count`` more nodes of ``candidates`` beside those ``kept``; fewer when there are no more.

    Each is of the zone that has the fewest so far, then has the least ``load``, then the lowest id.
    """
    in_zone: dict[str, int] = {}
    for node in kept:
        zone = zones.get(node, "")
        in_zone[zone] = in_zone.get(zone, 0) + 1
    left = [node for node in candidates if node not in kept]
    found: list[NodeId] = []
    while left and len(found) < count:
        best = min((in_zone.get(zones.get(node, ""), 0), load.get(node, 0), node) for node in left)[2]
        zone = zones.get(best, "")
        in_zone[zone] = in_zone.get(zone, 0) + 1
        left.remove(best)
        found.append(best)
    return found


def system_voters(nodes: int) -> int:
    """How many voters the system group has in a cluster of so many nodes: an odd number, but for two."""
    if nodes >= SYSTEM_VOTERS_MAX:
        return SYSTEM_VOTERS_MAX
    return 3 if nodes >= 3 else max(1, nodes)


def zones_of(state: MapState) -> dict[NodeId, str]:
    """The zone of each node that has not left."""
    return {node: row.zone for node, row in state.members.items()}


def load_of(state: MapState) -> dict[NodeId, int]:
    """In how many groups each node is or shall be a voter; the system group does not count."""
    load = dict.fromkeys(state.members, 0)
    for row in state.groups.values():
        for node in row.target:
            if row.id and node in load:
                load[node] += 1
    return load


def founders(state: MapState, replicas: int, among: list[NodeId], load: dict[NodeId, int]) -> list[NodeId]:
    """The first members of a new group; ``load`` is brought up to date.

    ``among``: the nodes to choose from (those known to be alive); none: any that is up.
    """
    up = [node for node, row in state.members.items() if row.state == UP]
    chosen = choose(replicas, [n for n in up if not among or n in among], zones_of(state), load, [])
    for node in chosen:
        load[node] = load.get(node, 0) + 1
    return sorted(chosen)
