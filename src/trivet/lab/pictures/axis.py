"""An elastic time axis: it gives room where something is to be read, and skips where nothing happens.

A message takes 200 µs and an election waits for a second: on an even axis one of them
cannot be seen. Strategy: the order of moments is kept, and roughly their distance; but a moment moves
down until the texts that it claims have room, and a long silence becomes a *break* of fixed
height. Texts compete for *slots* (a gap between two lanes, a lane, a client's column): within a
slot they never overlap.
"""

import bisect

import msgspec

BREAK_PX = 38
"""The height of a break, in pixels."""
STEP_PX = 3
FLIGHT_PX = 22
"""Roughly the height of an ordinary message's flight."""


class Claim(msgspec.Struct):
    """Room for a text in some slots: ``height`` pixels, from ``top`` (relative to the moment) down."""

    at_us: int
    slots: list[str]
    top: float
    height: float
    wide: bool = False
    """Takes the whole width: nothing else lies beside it."""
    y: float = 0.0
    """Where its top came to lie."""


class Break(msgspec.Struct):
    """A silence that was skipped."""

    begin_us: int
    end_us: int
    y: float
    """The middle of the break, in pixels."""


class Axis:
    """From virtual time to pixels, monotonic."""

    def __init__(self, flight_us: int, silence_us: int, top_px: float) -> None:
        """``flight_us``: an ordinary message's time; ``silence_us``: a longer silence becomes a break."""
        self.breaks: list[Break] = []
        self._flight_us = max(1, flight_us)
        self._silence_us = silence_us
        self._times: list[int] = []
        self._ys: list[float] = []
        self._bottoms: dict[str, float] = {}
        self._lowest = top_px
        self._floor = top_px - 100
        """Nothing more can lie above this: the end of the last text that took the whole width."""
        self._top = top_px

    def lay(self, moments: list[int], claims: list[Claim]) -> None:
        """Give every moment its place; the claims' ``y`` are filled in. Call once."""
        by_time: dict[int, list[Claim]] = {moment: [] for moment in moments}
        for claim in claims:
            by_time.setdefault(claim.at_us, []).append(claim)
        y, before = self._top, None
        for at_us in sorted(by_time):
            here = sorted(by_time[at_us], key=lambda claim: claim.wide)
            if before is not None:
                y = self._next(y, before, at_us)
            y = max([y, *(self._room(claim) for claim in here if not claim.wide)])
            self._times.append(at_us)
            self._ys.append(y)
            self._lowest = max(self._lowest, y)
            for claim in here:
                self._settle(claim, y)
                y = max(y, claim.y + claim.height) if claim.wide else y
            before = at_us

    def _next(self, y: float, before_us: int, at_us: int) -> float:
        silence_us = at_us - before_us
        if silence_us >= self._silence_us:
            y = max(y, self._lowest) + BREAK_PX
            self.breaks.append(Break(before_us, at_us, y - BREAK_PX / 2))
            return y
        share: float = min(1.5, silence_us / self._flight_us) ** 0.6
        return y + STEP_PX + FLIGHT_PX * share

    def _room(self, claim: Claim) -> float:
        """The least y of the moment at which the claim has its room."""
        return self._used(claim) - claim.top

    def _used(self, claim: Claim) -> float:
        """How far down the claim's slots are taken."""
        return max(self._floor, *(self._bottoms.get(slot, self._floor) for slot in claim.slots))

    def _settle(self, claim: Claim, y: float) -> None:
        """Claims of one moment for one slot are stacked."""
        if claim.wide:
            claim.y = max(y, self._lowest) + max(0.0, claim.top)
            self._lowest = self._floor = claim.y + claim.height
            return
        claim.y = max(y + claim.top, self._used(claim))
        for slot in claim.slots:
            self._bottoms[slot] = claim.y + claim.height
        self._lowest = max(self._lowest, claim.y + claim.height)

    def bottom(self) -> float:
        """Below everything that was laid."""
        return self._lowest

    def y(self, at_us: int) -> float:
        """Where a moment lies; between two laid moments in proportion."""
        place = bisect.bisect_left(self._times, at_us)
        if place == len(self._times):
            return self._ys[-1] if self._ys else self._top
        if self._times[place] == at_us or place == 0:
            return self._ys[place]
        (t0, t1), (y0, y1) = self._times[place - 1 : place + 1], self._ys[place - 1 : place + 1]
        return y0 + (y1 - y0) * (at_us - t0) / (t1 - t0)

    def places(self) -> list[tuple[int, float]]:
        """All moments with their places, in order."""
        return list(zip(self._times, self._ys, strict=True))
