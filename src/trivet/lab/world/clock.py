"""The clocks of one simulated machine: a monotonic one that drifts, a wall clock that also jumps."""

from trivet.lab.world.sim import Simulation

WALL_START_MS = 1_700_000_000_000
"""Unix time, in ms, at the start of every run."""

MILLION = 1_000_000


class NodeClock:
    """``drift_ppm`` makes both clocks run fast (or slow, when negative)."""

    def __init__(self, simulation: Simulation, drift_ppm: int, wall_offset_ms: int) -> None:
        self._simulation = simulation
        self._rate = MILLION + drift_ppm
        self._mono_offset_us = 0
        self._since_us = 0
        """When the present rate began, and what this clock had counted by then."""
        self._counted_us = 0
        self.wall_offset_ms = wall_offset_ms

    def reboot(self, mono_offset_us: int) -> None:
        """A restarted process may find any monotonic time."""
        self._mono_offset_us = mono_offset_us

    def set_rate(self, drift_ppm: int) -> None:
        """From now on both clocks run so much fast, or slow; neither jumps."""
        self._counted_us = self._own_us()
        self._since_us = self._simulation.now_us
        self._rate = MILLION + drift_ppm

    def _own_us(self) -> int:
        return self._counted_us + (self._simulation.now_us - self._since_us) * self._rate // MILLION

    def mono_ms(self) -> int:
        """Monotonic time in ms."""
        return (self._mono_offset_us + self._own_us()) // 1000

    def wall_ms(self) -> int:
        """Unix time in ms, as this machine believes."""
        return WALL_START_MS + self.wall_offset_ms + self._own_us() // 1000

    def real_us(self, own_ms: int) -> int:
        """How much virtual time passes while this clock counts ``own_ms``."""
        return own_ms * 1000 * MILLION // self._rate
