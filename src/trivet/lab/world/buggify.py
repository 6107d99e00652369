"""Seeded buggify: which of the core's points act in this run, how often, and how often they did.

Each point draws from generators of its own, one per node, so that a new point changes nothing for the
others. In the liveness phase nothing is rare any more.
"""

from trivet.core.base.buggify import HANDS_OVER, IMPATIENT, POINTS, SNAPSHOT_EARLY
from trivet.core.base.checksum import crc32
from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng

ACTIVE_RATE = 0.3
"""How many of the points act in a run that has any."""
RATE_MAX = 0.3
DISTURBING: dict[str, float] = {HANDS_OVER: 0.02, IMPATIENT: 0.02, SNAPSHOT_EARLY: 0.05}
"""The highest rates of points at which the core is asked at every turn or tick, and which cost much."""


class Points:
    """The rates of one run, and the counts of all its nodes."""

    def __init__(self, seed: int, rate: float) -> None:
        self.counts: dict[str, int] = {}
        self.calm = False
        self._seed = seed
        self.rates: dict[str, float] = {}
        for point in POINTS:
            prng = self._prng(point, 0)
            if prng.chance(ACTIVE_RATE):
                most = DISTURBING.get(point, RATE_MAX)
                self.rates[point] = rate * most * (1 + prng.below(1000)) / 1000

    def _prng(self, point: str, node: NodeId) -> Prng:
        return Prng(self._seed * 0x9E3779B97F4A7C15 + crc32(point.encode()) * 1009 + node)

    def of(self, node: NodeId) -> "NodePoints":
        """What ``node`` is handed, for all its lives."""
        return NodePoints(self, {point: self._prng(point, node) for point in POINTS})


class NodePoints:
    """One node's view; what the core knows as ``Buggify``."""

    def __init__(self, points: Points, chances: dict[str, Prng]) -> None:
        self._points = points
        for prng in chances.values():
            prng.u64()  # the first told whether the point acts at all
        self._chances = chances

    def rare(self, point: str) -> bool:
        """Whether it is to happen at ``point``, this time."""
        points = self._points
        rate = points.rates.get(point)
        if rate is None or points.calm or not self._chances[point].chance(rate):
            return False
        points.counts[point] = points.counts.get(point, 0) + 1
        return True
