"""Some updates as bytes, from when they are made until everybody has them: in logs, in messages, in hints.

Updates are put into bytes once, by whoever makes them. The same bytes go to the log, to the other members, to
their logs, and are kept for those who are away: so an update costs its members one decoding each, and what is
kept is no burden to the collector of garbage.
"""

from typing import Final

import msgspec

from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import Delta, decode_deltas, encode_deltas

BUNDLE: Final = 256
"""Updates in one, at most."""
BUNDLE_BYTES: Final = 1 << 16
"""Bytes in one, about; a larger update is alone."""

_ARRAY16: Final = 0xDC
_ARRAY32: Final = 0xDD


class Bundle:
    """Updates that were taken one after the other: of each actor some without a gap."""

    __slots__ = ("_pieces", "bytes", "count", "has_gap", "spans")

    def __init__(self, data: bytes, deltas: list[Delta]) -> None:
        """``data``: ``deltas`` as ``encode_deltas`` writes them."""
        self._pieces = [_body_of(data)]
        self.bytes = len(data)
        self.count = len(deltas)
        self.has_gap = False
        """Some number is left out: it is no bundle; ``bundles_of`` makes several."""
        self.spans: dict[int, tuple[int, int]] = {}
        """By actor: the first and the last of its numbers in it."""
        if len(deltas) == 1:
            self.spans[deltas[0].actor] = (deltas[0].number, deltas[0].number)
            return
        first_of: dict[int, int] = {}
        last_of: dict[int, int] = {}
        for delta in deltas:
            actor = delta.actor
            if actor not in first_of:
                first_of[actor] = delta.number
            elif last_of[actor] + 1 != delta.number:
                self.has_gap = True
            last_of[actor] = delta.number
        for actor, first in first_of.items():
            self.spans[actor] = (first, last_of[actor])

    @property
    def data(self) -> bytes:
        """All of them, as ``decode_deltas`` reads them."""
        return _head_of(self.count) + b"".join(self._pieces)

    def deltas(self) -> list[Delta]:
        """The updates themselves."""
        return decode_deltas(self.data)

    def join(self, more: "Bundle", bytes_max: int = BUNDLE_BYTES) -> bool:
        """Those of ``more``, too, behind these; False: they are too many, or do not follow upon these."""
        if self.count + more.count > BUNDLE or self.bytes + more.bytes > bytes_max:
            return False
        spans = self.spans
        for actor, (first, _) in more.spans.items():
            if actor in spans and spans[actor][1] + 1 != first:
                return False
        for actor, (first, last) in more.spans.items():
            spans[actor] = (spans[actor][0] if actor in spans else first, last)
        self._pieces.extend(more._pieces)
        self.bytes += more.bytes
        self.count += more.count
        return True

    def copy(self) -> "Bundle":
        """One of its own, to be joined."""
        twin = Bundle(b"\x90", [])
        twin._pieces = list(self._pieces)
        twin.bytes, twin.count, twin.spans = self.bytes, self.count, dict(self.spans)
        return twin

    def is_in(self, clock: Clock) -> bool:
        """Whether the clock has all of them, and all that came before them."""
        return all(clock.base(actor) >= span[1] for actor, span in self.spans.items())


def bundles_of(deltas: list[Delta]) -> list[Bundle]:
    """The updates in order, in as few as may be."""
    bundles: list[Bundle] = []
    for first in range(0, len(deltas), BUNDLE):
        _bundle(deltas[first : first + BUNDLE], bundles)
    return bundles


def _bundle(deltas: list[Delta], bundles: list[Bundle]) -> None:
    data = encode_deltas(deltas)
    half = len(deltas) // 2
    if half and len(data) > BUNDLE_BYTES:
        _bundle(deltas[:half], bundles)
        _bundle(deltas[half:], bundles)
        return
    bundle = Bundle(data, deltas)
    if bundle.has_gap:
        bundles.extend([Bundle(encode_deltas(run), run) for run in _runs(deltas)])
    else:
        bundles.append(bundle)


def _runs(deltas: list[Delta]) -> list[list[Delta]]:
    """The same, each without a gap."""
    runs: list[list[Delta]] = []
    last_of: dict[int, int] = {}
    for delta in deltas:
        if not runs or last_of.get(delta.actor, delta.number - 1) + 1 != delta.number:
            runs.append([])
            last_of = {}
        runs[-1].append(delta)
        last_of[delta.actor] = delta.number
    return runs


def count_of(data: bytes | msgspec.Raw) -> int:
    """How many updates these bytes say that they are; 0: they are nothing of the kind."""
    head = bytes(memoryview(data)[:5])
    tag = head[0] if head else 0
    if tag & 0xF0 == 0x90:
        return tag & 0x0F
    if tag == _ARRAY16:
        return int.from_bytes(head[1:3], "big")
    return int.from_bytes(head[1:5], "big") if tag == _ARRAY32 else 0


def _head_of(count: int) -> bytes:
    if count < 16:
        return bytes((0x90 | count,))
    if count < 1 << 16:
        return bytes((_ARRAY16,)) + count.to_bytes(2, "big")
    return bytes((_ARRAY32,)) + count.to_bytes(4, "big")


def _body_of(data: bytes) -> bytes:
    tag = data[0]
    if tag == _ARRAY16:
        return data[3:]
    return data[5:] if tag == _ARRAY32 else data[1:]
