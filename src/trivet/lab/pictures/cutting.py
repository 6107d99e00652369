"""Picks what a drawing shows of a recording: a window of time, without the routine.

Strategy: a picture at page width bears some dozens of messages. A short run is shown whole; of a
long one what led to the first complaint, or else to the first sentence, or else what happened
around the first fault.
"""

import bisect

import msgspec

from trivet.lab.history import FOREVER_US
from trivet.lab.recording import Fate, Message, Recording, Saying, State

MESSAGES_MAX = 56
"""A drawing without a window shows about so many messages."""
SHARE_BEFORE = 0.75
"""The share of them that comes before the moment that the drawing is about."""
MARGIN_US = 500
STORYTELLERS = ("", "story", "narrator", "note")
"""Sayings by these are sentences; all others are complaints."""


class Cut(msgspec.Struct):
    """The part of a recording that is drawn."""

    part: Recording
    begin_us: int
    end_us: int
    folded_us: list[int]
    """When the messages that are folded away were sent, in order."""


def is_complaint(saying: Saying) -> bool:
    """Whether a judge speaks, not a storyteller."""
    return saying.who.lower() not in STORYTELLERS


def last_us(recording: Recording, message: Message) -> int:
    """When a message ends, as far as the recording knows."""
    return recording.ended_us if message.fate is Fate.UNDER_WAY else max(message.sent_us, message.arrived_us)


def _anchor_us(recording: Recording) -> int | None:
    sayings = sorted(recording.sayings, key=lambda s: (not is_complaint(s), s.at_us))
    if sayings:
        return sayings[0].at_us
    faults = [point.at_us for point in recording.points if point.kind in ("crash", "pause", "disk", "fatal")]
    faults += [wall.begun_us for wall in recording.walls]
    return min(faults, default=None)


def choose_window(
    recording: Recording, fold_routine: bool, messages_max: int = MESSAGES_MAX
) -> tuple[int, int]:
    """The window, in µs, that a drawing shows when nobody says which."""
    shown = [m for m in recording.messages if not (fold_routine and m.routine)]
    if len(shown) <= messages_max:
        return 0, recording.ended_us
    times = [message.sent_us for message in shown]
    anchor_us = _anchor_us(recording)
    if anchor_us is None:
        return 0, times[messages_max]
    here = bisect.bisect_right(times, anchor_us)
    first = max(0, min(here - int(messages_max * SHARE_BEFORE), len(times) - messages_max))
    last = min(len(times) - 1, first + messages_max)
    begin_us = max(0, min(times[first], anchor_us) - MARGIN_US)
    return begin_us, min(recording.ended_us, max(times[last], anchor_us) + MARGIN_US)


def cut(recording: Recording, window_us: tuple[int, int], fold_routine: bool) -> Cut:
    """What of ``recording`` meets the window; states that hold at its beginning begin there."""
    begin_us, end_us = window_us

    def within(at_us: int) -> bool:
        return begin_us <= at_us <= end_us

    def meets(from_us: int, to_us: int) -> bool:
        return from_us <= end_us and to_us >= begin_us

    met = [m for m in recording.messages if meets(m.sent_us, last_us(recording, m))]
    folded = [m for m in met if fold_routine and m.routine]
    part = msgspec.structs.replace(
        recording,
        messages=[m for m in met if not (fold_routine and m.routine)],
        states=_states(recording, begin_us, end_us),
        points=[p for p in recording.points if within(p.at_us)],
        walls=[w for w in recording.walls if meets(w.begun_us, w.ended_us) and w.begun_us != end_us],
        operations=[o for o in recording.operations if meets(o.invoke_us, min(o.return_us, FOREVER_US))],
        sayings=sorted((s for s in recording.sayings if within(s.at_us)), key=lambda s: s.at_us),
    )
    return Cut(part, begin_us, end_us, [m.sent_us for m in folded])


def _states(recording: Recording, begin_us: int, end_us: int) -> list[State]:
    current: dict[int, State] = {}
    kept: list[State] = []
    for state in sorted(recording.states, key=lambda s: s.at_us):
        if state.at_us <= begin_us:
            current[state.lane] = state
        elif state.at_us <= end_us:
            kept.append(state)
    return [msgspec.structs.replace(s, at_us=begin_us) for s in current.values()] + kept
