"""What a replica knows of one key: its cells, by element.

A key that is nothing but a string, assigned once, is the cell itself: there are the most of them.
"""

from typing import Annotated, Final, Union

import msgspec

from trivet.core.lattice.amounts import decode_amount, encode_amount
from trivet.core.lattice.cell import (
    CELL_BYTES,
    PLAIN_BYTES,
    AnyCell,
    Cell,
    Plain,
    newest_stamp,
    to_any,
    to_cell,
)
from trivet.core.lattice.clock import Number
from trivet.core.lattice.delta import BESIDE, STRING, problem_of_name

Place = tuple[int, bytes]
"""(kind, name) of an element."""

STRING_PLACE: Final[Place] = (STRING, b"")
CELLS_MAX: Final = 100_000_000

_Row = tuple[
    Annotated[int, msgspec.Meta(ge=1, le=8)],
    bytes,
    list[tuple[Number, Number, Number, bytes]],
    list[tuple[Number, Number, Number, bytes]],
    list[tuple[Number, Number, bytes, Number, Number]],
]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[_Row])


class KeyState:
    """Any other key than a plain string."""

    __slots__ = ("cells", "counts")

    def __init__(self) -> None:
        self.cells: dict[Place, AnyCell] = {}
        self.counts: dict[int, int] = {}
        """By kind: cells that are seen."""

    def put(self, place: Place, cell: AnyCell | None) -> None:
        """The cell is that from now on; None: there is none."""
        before = self.cells.get(place)
        was = before is not None and (not isinstance(before, Cell) or before.is_there)
        now = cell is not None and (not isinstance(cell, Cell) or cell.is_there)
        if was is not now:
            kind = place[0]
            count = self.counts.get(kind, 0) + (1 if now else -1)
            if count:
                self.counts[kind] = count
            else:
                del self.counts[kind]
        if cell is None:
            self.cells.pop(place, None)
        else:
            self.cells[place] = cell


AnyState = Union[Plain, KeyState]  # noqa: UP007


def cells_of(state: AnyState | None) -> dict[Place, AnyCell]:
    """Its cells; not to be changed."""
    if state is None:
        return {}
    return state.cells if isinstance(state, KeyState) else {STRING_PLACE: state}


def cell_of(state: AnyState | None, place: Place) -> AnyCell | None:
    """One of them."""
    if isinstance(state, KeyState):
        return state.cells.get(place)
    return state if place == STRING_PLACE else None


def main_count(state: AnyState | None) -> int:
    """Elements that make the key: none, and it is not there."""
    if state is None:
        return 0
    if not isinstance(state, KeyState):
        return 1
    return sum([count for kind, count in state.counts.items() if kind < BESIDE])


def shown_kind(state: AnyState | None) -> int:
    """Which kind of elements the key shows; 0: it is not there.

    Where kinds have met (a set here, a hash there), it is that of the highest stamp.
    """
    if state is None:
        return 0
    if not isinstance(state, KeyState):
        return STRING
    kinds = [kind for kind in state.counts if kind < BESIDE]
    if len(kinds) < 2:
        return kinds[0] if kinds else 0
    best = (-1, 0)
    for (kind, _), cell in state.cells.items():
        if kind < BESIDE and (not isinstance(cell, Cell) or cell.is_there):
            best = max(best, (newest_stamp(cell), kind))
    return best[1]


def shows_only(state: AnyState | None, kind: int) -> bool:
    """Whether the key shows elements of this kind, and has no others."""
    if not isinstance(state, KeyState):
        return state is not None and kind == STRING
    return kind in state.counts and not any(one < BESIDE and one != kind for one in state.counts)


def bytes_of(place: Place, cell: AnyCell) -> int:
    """What a cell costs in memory, about."""
    if not isinstance(cell, Cell):
        return PLAIN_BYTES + len(place[1]) + len(cell[3])
    total = CELL_BYTES + len(place[1])
    for _, payload in cell.assigns.values():
        total += PLAIN_BYTES + len(payload)
    return total + PLAIN_BYTES * (len(cell.adds) + len(cell.bases))


def encode_state(state: AnyState) -> bytes:
    """As bytes; the same state is the same bytes."""
    rows: list[_Row] = []
    for (kind, name), any_cell in sorted(cells_of(state).items(), key=_place_of):
        cell = to_cell(any_cell)
        rows.append(
            (
                kind,
                name,
                sorted([(*dot, *assigned) for dot, assigned in cell.assigns.items()]),
                sorted([(actor, n, start, encode_amount(t)) for actor, (n, start, t) in cell.adds.items()]),
                sorted([(actor, n, encode_amount(t), a, m) for actor, (n, t, a, m) in cell.bases.items()]),
            )
        )
    return _encoder.encode(rows)


def _place_of(item: tuple[Place, AnyCell]) -> Place:
    return item[0]


def decode_state(data: bytes) -> dict[Place, AnyCell]:
    """The cells of what ``encode_state`` gave; raises ``ValueError`` at anything else."""
    try:
        rows = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    cells: dict[Place, AnyCell] = {}
    before: Place = (0, b"")
    for kind, name, assigns, adds, bases in rows:
        place = (kind, name)
        if place <= before:
            raise ValueError("the elements of a key do not rise")
        before = place
        if problem := problem_of_name(kind, name):
            raise ValueError(problem)
        cell = Cell()
        for actor, number, stamp, payload in assigns:
            cell.assigns[(actor, number)] = (stamp, payload)
        for actor, number, start, amount in adds:
            if start > number:
                raise ValueError("additions that begin after themselves")
            cell.adds[actor] = (number, start, decode_amount(amount))
        for actor, number, amount, by_actor, by_number in bases:
            cell.bases[actor] = (number, decode_amount(amount), by_actor, by_number)
            cell.settle(actor)
        kept = to_any(cell)
        if kept is None:
            raise ValueError("an element that holds nothing")
        cells[place] = kept
    return cells


def top_stamp(data: bytes) -> int:
    """The highest stamp in what ``encode_state`` gave (Rule L8); raises ``ValueError`` at anything else."""
    try:
        rows = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    return max([one[2] for row in rows for one in row[2]], default=0)
