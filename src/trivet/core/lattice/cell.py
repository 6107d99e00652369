"""One element of a key: what was assigned to it and not yet replaced, and what was added to it.

All types are made of this. A member of a set is a cell that is assigned nothing; a counter is one that is
only added to. What is seen of it: ``winner``, ``added_to``.

- Rule C1: concurrent assignments are all kept until somebody who has seen them assigns or removes; the one
  with the highest stamp is shown (of equal stamps, the higher actor's).
- Rule C2: an actor's additions are one entry: its newest dot, the dot with which the series began, and the
  total since. Of two entries the newer has all of the older.
- Rule C3: who removes or assigns had seen of each actor a part of its series: up to a dot, a total. That is
  its *base*, and no longer counts. Additions that it had not seen do. Of two bases the newer counts. An entry
  is never changed by a base: later entries of its series come with the whole total.
- Rule C4: an entry that its base covers is gone. Its actor, when it has seen that, begins a new series.
- Rule C5: a base of an entry that is gone stays until everybody has seen the removal, and until everything is
  here that the actor did before it had (``collect``): then no entry of that series can come any more. Only
  the actor itself can say so; of one that is no more, it stays.
"""

from typing import Final

from trivet.core.lattice.amounts import Amount, minus, plus
from trivet.core.lattice.clock import Clock, Dot

Assigned = tuple[int, bytes]
"""(stamp, payload)."""
Series = tuple[int, int, Amount]
"""(newest number, number with which it began, total)."""
Base = tuple[int, Amount, int, int]
"""(number up to which it was seen, total by then, dot of the removal: actor, number)."""
Plain = tuple[int, int, int, bytes]
"""A cell that is nothing but one assignment: (actor, number, stamp, payload)."""

CELL_BYTES: Final = 400
"""What a cell costs in memory beside its payloads, about."""
PLAIN_BYTES: Final = 150


class Cell:
    """Any other cell than a plain one."""

    __slots__ = ("adds", "assigns", "bases")

    def __init__(self) -> None:
        self.assigns: dict[Dot, Assigned] = {}
        self.adds: dict[int, Series] = {}
        self.bases: dict[int, Base] = {}

    @property
    def is_there(self) -> bool:
        """Whether the element is seen."""
        return bool(self.assigns or self.adds)

    def put_base(self, actor: int, base: Base) -> None:
        """Rule C3."""
        before = self.bases.get(actor)
        if before is None or base[0] > before[0] or (base[0] == before[0] and base[2:] > before[2:]):
            self.bases[actor] = base
            self.settle(actor)

    def put_series(self, actor: int, series: Series) -> None:
        """Rule C2."""
        before = self.adds.get(actor)
        if before is None or series[0] > before[0]:
            self.adds[actor] = series
            self.settle(actor)

    def settle(self, actor: int) -> None:
        """Rule C4."""
        series = self.adds.get(actor)
        base = self.bases.get(actor)
        if series is not None and base is not None and series[0] <= base[0]:
            del self.adds[actor]

    def copy(self) -> "Cell":
        """One of its own."""
        twin = Cell()
        twin.assigns = dict(self.assigns)
        twin.adds = dict(self.adds)
        twin.bases = dict(self.bases)
        return twin


AnyCell = Plain | Cell


def to_cell(cell: AnyCell | None) -> Cell:
    """The same, as a ``Cell``; None: an empty one."""
    if isinstance(cell, Cell):
        return cell
    made = Cell()
    if cell is not None:
        made.assigns[(cell[0], cell[1])] = (cell[2], cell[3])
    return made


def to_any(cell: Cell) -> AnyCell | None:
    """As it is kept: plain if it can be; None: nothing is left."""
    if cell.adds or cell.bases or len(cell.assigns) > 1:
        return cell
    for (actor, number), (stamp, payload) in cell.assigns.items():
        return (actor, number, stamp, payload)
    return None


def is_there(cell: AnyCell) -> bool:
    """Whether the element is seen."""
    return cell.is_there if isinstance(cell, Cell) else True


def winner(cell: AnyCell) -> Plain | None:
    """The assignment that is shown (Rule C1)."""
    if not isinstance(cell, Cell):
        return cell
    best: Plain | None = None
    for (actor, number), (stamp, payload) in cell.assigns.items():
        if best is None or (stamp, actor, number) > (best[2], best[0], best[1]):
            best = (actor, number, stamp, payload)
    return best


def payloads(cell: AnyCell) -> list[bytes]:
    """What is assigned, the highest stamp first: for types that join instead of choosing."""
    if not isinstance(cell, Cell):
        return [cell[3]]
    rows = sorted([(stamp, dot, payload) for dot, (stamp, payload) in cell.assigns.items()], reverse=True)
    return [payload for _, _, payload in rows]


def added_to(cell: AnyCell) -> Amount | None:
    """What counts of the additions (Rule C3); None: there are none."""
    if not isinstance(cell, Cell) or not cell.adds:
        return None
    total: Amount = 0
    for actor, (_, start, amount) in cell.adds.items():
        base = cell.bases.get(actor)
        total = plus(total, amount if base is None or base[0] < start else minus(amount, base[1]))
    return total


def dots_of(cell: AnyCell) -> list[Dot]:
    """Of what it holds."""
    if not isinstance(cell, Cell):
        return [(cell[0], cell[1])]
    dots = list(cell.assigns)
    dots.extend([(actor, series[0]) for actor, series in cell.adds.items()])
    dots.extend([(actor, base[0]) for actor, base in cell.bases.items()])
    dots.extend([(base[2], base[3]) for base in cell.bases.values()])
    return dots


def newest_stamp(cell: AnyCell) -> int:
    """The highest stamp of an assignment; 0: there is none."""
    best = winner(cell)
    return 0 if best is None else best[2]


def join_cells(mine: AnyCell | None, mine_clock: Clock, theirs: AnyCell | None, their_clock: Clock) -> Cell:
    """One cell of two: what one has and the other has seen and has not, was removed (see ``README``)."""
    left, right = to_cell(mine), to_cell(theirs)
    joined = Cell()
    for dot, assigned in left.assigns.items():
        if dot in right.assigns or not their_clock.has(dot[0], dot[1]):
            joined.assigns[dot] = assigned
    for dot, assigned in right.assigns.items():
        if dot in left.assigns or not mine_clock.has(dot[0], dot[1]):
            joined.assigns[dot] = assigned
    for actor, base in left.bases.items():
        if actor in right.bases or not their_clock.has(base[2], base[3]):  # Rule C6
            joined.put_base(actor, base)
    for actor, base in right.bases.items():
        if actor in left.bases or not mine_clock.has(base[2], base[3]):
            joined.put_base(actor, base)
    for actor, series in left.adds.items():
        if actor in right.adds or not their_clock.has(actor, series[0]):
            joined.put_series(actor, series)
    for actor, series in right.adds.items():
        if actor in left.adds or not mine_clock.has(actor, series[0]):
            joined.put_series(actor, series)
    return joined
