"""Makes updates: what is done to one key, upon what is seen there, as a delta.

- Rule L7: what an update replaces is what its maker has seen, and nothing else: assignments by their dots,
  additions up to a base.
- Rule L9: what stands beside a value (its deadline) goes with it, and none is left for the next value.
- Rule L12: a series of additions that begins anew names the removal which ended the one before, so it is
  taken nowhere before that: it would stand in the place of what is not yet removed there.
"""

from trivet.core.lattice.amounts import Amount, encode_amount, plus
from trivet.core.lattice.cell import AnyCell, Cell, is_there
from trivet.core.lattice.delta import BESIDE, Change, Delta
from trivet.core.lattice.key_state import KeyState, Place, cell_of, cells_of, main_count
from trivet.core.lattice.lattice import Lattice


class Writer:
    """One update of ``key``, as the next dot of ``actor``. Each element can be named once."""

    __slots__ = ("_actor", "_changes", "_key", "_main", "_number", "_stamp", "_state")

    def __init__(self, lattice: Lattice, actor: int, stamp: int, key: bytes) -> None:
        self._actor = actor
        self._number = lattice.clock.base(actor) + 1
        self._stamp = stamp
        self._key = key
        self._state = lattice.state(key)
        self._changes: dict[Place, Change] = {}
        self._main = main_count(self._state)
        """Elements that make the key, after what was done until now."""

    @property
    def dot(self) -> tuple[int, int]:
        """Of the update."""
        return (self._actor, self._number)

    def assign(self, kind: int, name: bytes, payload: bytes) -> None:
        """The element is ``payload``; what was added to it is in that."""
        place = (kind, name)
        cell = cell_of(self._state, place)
        removed, bases = _seen(cell)
        self._changes[place] = Change(kind, name, removed, bases, payload)
        if kind < BESIDE and (cell is None or not is_there(cell)):
            self._main += 1

    def add(self, kind: int, name: bytes, amount: Amount) -> None:
        """So much is added to the element."""
        place = (kind, name)
        cell = cell_of(self._state, place)
        series = cell.adds.get(self._actor) if isinstance(cell, Cell) else None
        start = self._number if series is None else series[1]
        total = amount if series is None else plus(series[2], amount)
        base = cell.bases.get(self._actor) if series is None and isinstance(cell, Cell) else None
        after = None if base is None else (base[2], base[3])  # Rule L12
        self._changes[place] = Change(kind, name, added=(start, encode_amount(total)), after=after)
        if kind < BESIDE and (cell is None or not is_there(cell)):
            self._main += 1

    def remove(self, kind: int, name: bytes) -> None:
        """The element goes, as far as it is seen."""
        place = (kind, name)
        cell = cell_of(self._state, place)
        if cell is None or not is_there(cell):
            return
        removed, bases = _seen(cell)
        self._changes[place] = Change(kind, name, removed, bases)
        if kind < BESIDE:
            self._main -= 1

    def remove_all(self) -> None:
        """Everything goes that is seen and not named yet."""
        for place, cell in cells_of(self._state).items():
            if place not in self._changes and is_there(cell):
                self.remove(place[0], place[1])

    def remove_others(self, kind: int) -> None:
        """Elements of other kinds go, but for what stands beside the value."""
        for place, cell in cells_of(self._state).items():
            if place[0] != kind and place[0] < BESIDE and place not in self._changes and is_there(cell):
                self.remove(place[0], place[1])

    def finish(self) -> Delta | None:
        """The update, to be applied before the next one of this actor is made; None: there is none."""
        state = self._state
        if isinstance(state, KeyState) and not (self._main and main_count(state)):
            for place, cell in list(state.cells.items()):
                if place[0] >= BESIDE and place not in self._changes and is_there(cell):
                    self.remove(place[0], place[1])  # Rule L9
        if not self._changes:
            return None
        changes = list(self._changes.values())
        if len(changes) > 1:
            changes.sort(key=_place_of)
        return Delta(self._actor, self._number, self._stamp, self._key, changes)


def _place_of(change: Change) -> Place:
    return (change.kind, change.name)


def _seen(cell: AnyCell | None) -> tuple[list[tuple[int, int]], list[tuple[int, int, bytes]]]:
    """What is replaced by whoever sees the cell (Rule L7)."""
    if cell is None:
        return [], []
    if not isinstance(cell, Cell):
        return [(cell[0], cell[1])], []
    removed = sorted(cell.assigns)
    bases = [(actor, number, encode_amount(total)) for actor, (number, _, total) in sorted(cell.adds.items())]
    return removed, bases
