"""The time that a leader writes into its group's log.

On the path: wall clock -> ``LogTime.at`` -> entries and time entries.

- Rule L6: it is the leader's clock. Where the log has a later time already, since another leader's clock was
  ahead, or this one went back, the log's time goes on from there at half speed until the clock has caught
  up: what ends by that time (deadlines, reservations) ends at most twice as late, and never early. What a
  leader has counted so and not written yet its successor does not know: it begins where the log is.
"""

from trivet.core.base.ids import Instant, WallMs
from trivet.core.values.deadlines import NEVER


class LogTime:
    """Of one replica that leads."""

    __slots__ = ("_base_ms", "_now_ms", "_since_ms", "_told_ms", "_wall_ms")

    def __init__(self) -> None:
        self._since_ms: Instant = 0
        self._base_ms: WallMs = 0
        """The log's time at ``_since_ms``; 0: the clock is not behind it."""
        self._told_ms: WallMs = 0
        self._now_ms: Instant = 0
        self._wall_ms: WallMs = 0

    def at(self, now_ms: Instant, wall_ms: WallMs, log_ms: WallMs) -> WallMs:
        """What to write now, where the machine is at ``log_ms`` (Rule L6)."""
        self._now_ms, self._wall_ms = now_ms, wall_ms
        if wall_ms >= max(log_ms, self._told_ms if self._base_ms else 0):
            self._base_ms = 0
            return wall_ms
        if not self._base_ms or log_ms > self._told_ms:
            self._since_ms, self._base_ms = now_ms, log_ms
        self._told_ms = self._base_ms + (now_ms - self._since_ms) // 2
        return self._told_ms

    def when(self, deadline_ms: WallMs) -> WallMs:
        """What the clock will show when the log's time may be ``deadline_ms``; never later than that."""
        if not self._base_ms or deadline_ms == NEVER:
            return deadline_ms
        return min(deadline_ms, self._wall_ms + max(0, 2 * (deadline_ms - self._told_ms)))

    def reset(self) -> None:
        """The replica does not lead any more: others say what time it is."""
        self._base_ms = 0
