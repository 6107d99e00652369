"""Virtual time: a heap of things that will happen, and nothing that waits.

Everything in the lab happens inside an action of this loop. Two actions of one
instant run in the order in which they were asked for, so a run depends on
nothing but its seed.
"""

from collections.abc import Callable
from heapq import heappop, heappush

Action = Callable[[], None]


class Simulation:
    """The event loop. Time is in microseconds since the start of the run."""

    def __init__(self) -> None:
        self.now_us = 0
        self.events = 0
        self._heap: list[tuple[int, int, Action]] = []
        self._sequence = 0

    def at(self, time_us: int, action: Action) -> None:
        """Let ``action`` happen at ``time_us``, or now when that is past."""
        self._sequence += 1
        now_us = self.now_us
        heappush(self._heap, (time_us if time_us > now_us else now_us, self._sequence, action))

    def after(self, delay_us: int, action: Action) -> None:
        """Let ``action`` happen ``delay_us`` from now."""
        self._sequence += 1
        heappush(self._heap, (self.now_us + delay_us, self._sequence, action))

    def step(self) -> bool:
        """Let the next action happen; False when there is none."""
        if not self._heap:
            return False
        self.now_us, _, action = heappop(self._heap)
        self.events += 1
        action()
        return True

    def run_until(self, time_us: int, done: Callable[[], bool] | None = None) -> bool:
        """Run to ``time_us``, or until ``done()``; True when done said so."""
        heap = self._heap
        while heap and heap[0][0] <= time_us:
            self.now_us, _, action = heappop(heap)
            self.events += 1
            action()
            if done is not None and done():
                return True
        self.now_us = max(self.now_us, time_us)
        return False
