"""Moves between groups of mode ``paxos``: what ``BEGIN``, ``SEAL``, ``DONE``, ``ABORT`` say of their slots.

::

    START ──BEGIN──> copy ──SEAL──> seal ──DONE──> (forgotten)
                      ^ └──BEGIN─────┘ └──ABORT──> (forgotten)

There is no log in which a group could seal or take over: each step is an epoch of the members of the groups
that it concerns (Rules P20 to P26 of ``core/paxos``), so an answer in that epoch says that the step was
taken. Nothing is left to be said after the hand-over: who hears of it drops what it has lost.
"""

from typing import Final

from trivet.core.cluster.ranges import difference, union
from trivet.core.cluster.rows import COPY, RANGES_MAX, SEAL, GroupRow, MoveRow
from trivet.core.cluster.spans import (
    ARRIVING,
    SEALED,
    SERVED,
    SPANS_MAX,
    Span,
    adding,
    saying,
    spans_of,
    without,
)
from trivet.core.cluster.state import MapState
from trivet.core.wire.reply import OK, Error, Reply

ABORT_IT: Final = "abort move"
"""In what is said of a move that will never be handed over."""


def changing(source: GroupRow, target: GroupRow | None) -> Error | None:
    """Rule V8: while slots move the members stay, and the other way round."""
    for row in (source, target):
        if row is not None and row.incoming:
            return Error(f"TRYAGAIN the members of group {row.id} are changing")
    return None


def begin(state: MapState, row: MoveRow) -> Reply:
    """Somebody carries from the beginning: the generation. The slots arrive anew; a seal is lifted."""
    source, target = state.groups[row.source], state.groups[row.target_group]
    since = target.membership + 2
    arriving = adding(spans_of(target), row.ranges, since, ARRIVING)
    if max(len(arriving), len(spans_of(source)) + 2 * len(row.ranges)) > SPANS_MAX:
        return Error(f"ERR a group has at most {SPANS_MAX} spans of slots: {ABORT_IT} {row.id}")
    if _has_too_many(source, target, row):
        return Error(f"ERR a group owns at most {RANGES_MAX} ranges: {ABORT_IT} {row.id}")
    state.advance()
    row.generation += 1
    if row.phase == SEAL:
        row.phase = COPY
        _hold(source, saying(spans_of(source), row.ranges, SERVED))
    _hold(target, arriving)
    return row.generation


def seal(state: MapState, row: MoveRow, generation: int) -> Reply:
    """From this epoch of the source on nothing is chosen in these slots."""
    if generation != row.generation or not generation:
        return Error(f"ERR move {row.id} has begun anew: generation {row.generation}")
    if row.phase == SEAL:
        return OK
    state.advance()
    row.phase = SEAL
    source = state.groups[row.source]
    _hold(source, saying(spans_of(source), row.ranges, SEALED))
    return OK


def abort(state: MapState, row: MoveRow) -> Reply:
    """The source serves them as before; what the target was brought is nobody's."""
    state.advance()
    source, target = state.groups[row.source], state.groups[row.target_group]
    if row.phase == SEAL:
        _hold(source, saying(spans_of(source), row.ranges, SERVED))
    if row.generation:
        _hold(target, without(spans_of(target), row.ranges))
    del state.moves[row.id]
    return OK


def done(state: MapState, row: MoveRow, generation: int, version: int) -> Reply:
    """The hand-over: its epoch. ``version``: no register of these slots had a later one."""
    if generation != row.generation or not generation:
        return Error(f"ERR move {row.id} has begun anew: generation {row.generation}")
    if row.phase != SEAL:
        return Error(f"ERR the slots of move {row.id} are not sealed")
    source, target = state.groups[row.source], state.groups[row.target_group]
    if _has_too_many(source, target, row):
        return Error(f"ERR a group owns at most {RANGES_MAX} ranges: {ABORT_IT} {row.id}")
    left, got = difference(source.ranges, row.ranges), union(target.ranges, row.ranges)
    epoch = state.advance()
    _hold(source, without(spans_of(source), row.ranges))
    _hold(target, saying(spans_of(target), row.ranges, SERVED))
    target.floor_version = max(target.floor_version, version)
    source.ranges, target.ranges = left, got
    source.epoch = target.epoch = epoch
    del state.moves[row.id]
    state.settle_slots(source.keyspace)
    return epoch


def _has_too_many(source: GroupRow, target: GroupRow, row: MoveRow) -> bool:
    left, got = difference(source.ranges, row.ranges), union(target.ranges, row.ranges)
    return len(left) > RANGES_MAX or len(got) > RANGES_MAX


def _hold(row: GroupRow, spans: list[Span]) -> None:
    """Rule V9: whatever is said of a group's slots is said with an epoch of its members."""
    row.membership += 1
    row.spans = spans
