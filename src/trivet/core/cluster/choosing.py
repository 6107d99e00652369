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
    found: list[NodeId] = []
    while len(found) < count:
        best, best_crowd, best_load = 0, 0, 0
        for node in candidates:
            crowd = in_zone.get(zones.get(node, ""), 0)
            if best and crowd > best_crowd:
                continue
            its_load = load.get(node, 0)
            if best and crowd == best_crowd and (its_load, node) >= (best_load, best):
                continue
            if node not in kept and node not in found:
                best, best_crowd, best_load = node, crowd, its_load
        if not best:
            break
        zone = zones.get(best, "")
        in_zone[zone] = in_zone.get(zone, 0) + 1
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


class Founders:
    """Chooses the first members of new groups, one group after the other."""

    def __init__(self, state: MapState, replicas: int, among: list[NodeId]) -> None:
        """``among``: the nodes to choose from (those known to be alive); none: any that is up."""
        named = dict.fromkeys(among)
        self._replicas = replicas
        self._zones = zones_of(state)
        self._load = load_of(state)
        self._candidates = [
            node for node, row in state.members.items() if row.state == UP and (not named or node in named)
        ]

    def choose(self) -> list[NodeId]:
        """The members of the next group; none when no node is up."""
        chosen = choose(self._replicas, self._candidates, self._zones, self._load, [])
        for node in chosen:
            self._load[node] += 1
        return sorted(chosen)
