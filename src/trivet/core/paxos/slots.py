"""Which slots a group holds by one config, since when, and what it does with each (Rules P20 to P22).

On the path: a proposer asks before it begins with a key. The room does not know what a slot is: its owner
says in which one a register lies (``SlotOf``). Strategy: the config says it in spans; a table of one byte per
slot answers.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from trivet.core.paxos.ballot import Number

SLOTS: Final = 16384

ABSENT: Final = 0
SERVED: Final = 1
SEALED: Final = 2
"""On their way to another group: what was accepted is shown, and nothing is promised or accepted any more."""
ARRIVING: Final = 3
"""On their way from another group: nothing but contents of that one is accepted."""

SlotOf = Callable[[bytes], int]
"""The slot of a register, in [0, SLOTS)."""

Range = tuple[int, int]
"""First and last slot."""


class Span(msgspec.Struct, array_like=True, frozen=True):
    """Slots ``first`` to ``last``, held since epoch ``since`` without a break."""

    first: Number
    last: Number
    since: Number
    state: Number


Spans = tuple[Span, ...] | None
"""In order, apart from each other; None: all slots are served, since ever."""
_EVERYTHING: Final = (Span(0, SLOTS - 1, 1, SERVED),)


def problem(spans: Spans, epoch: int) -> str:
    """What is wrong with the spans of a config of ``epoch``, in words; "" when they are sound."""
    before = -1
    for span in spans or ():
        if not before < span.first <= span.last < SLOTS:
            return "spans of slots stand in order, apart from each other"
        if not 1 <= span.since <= epoch or span.state not in (SERVED, SEALED, ARRIVING):
            return "slots are held since an epoch that was, in some state"
        before = span.last
    return ""


def outdated(before: Spans, after: Spans) -> list[Range]:
    """The slots of ``before`` that ``after`` has not, or has anew (Rule P21), in order."""
    old = _EVERYTHING if before is None else before
    new = _EVERYTHING if after is None else after
    found: list[Range] = []
    for span in old:
        first = span.first
        for kept in new:
            if kept.last < first or kept.first > span.last or kept.since != span.since:
                continue
            if kept.first > first:
                found.append((first, kept.first - 1))
            first = kept.last + 1
        if first <= span.last:
            found.append((first, span.last))
    return found


class Holding:
    """The table of one config."""

    __slots__ = ("_slot_of", "_spans", "_states", "seals", "whole")

    def __init__(self, spans: Spans, slot_of: SlotOf) -> None:
        self._slot_of = slot_of
        self._spans = _EVERYTHING if spans is None else spans
        self._states = bytearray(SLOTS)
        self.whole = spans is None
        """All slots are served: nothing need be asked."""
        self.seals = False
        """Some slots are sealed."""
        for span in self._spans:
            self._states[span.first : span.last + 1] = bytes([span.state]) * (span.last + 1 - span.first)
            self.seals = self.seals or span.state == SEALED

    def state(self, key: bytes) -> int:
        """What is done with the register ``key``."""
        return self._states[self._slot_of(key)]

    def arrives(self, key: bytes, since: int) -> bool:
        """Whether the register ``key`` arrives, and does so since that epoch: no other carrier has begun."""
        slot = self._slot_of(key)
        for span in self._spans:
            if span.first <= slot <= span.last:
                return span.state == ARRIVING and span.since == since
        return False

    def serves(self, key: bytes) -> bool:
        """Whether operations on the register ``key`` are run here."""
        return self.whole or self._states[self._slot_of(key)] == SERVED


def one_slot(key: bytes) -> int:
    """For a group that is never split."""
    return 0
