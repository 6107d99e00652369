"""All keys of one replica of a group, and which updates it has seen.

Sources: Shapiro, Preguiça, Baquero, Zawirski: "Conflict-free Replicated Data Types" (2011); Almeida, Shoker,
Baquero: "Delta State Replicated Data Types" (2018); Gonçalves, Almeida, Baquero, Fonte: "DottedDB" (2017),
from which it is that one clock stands for all keys, so what is deleted leaves nothing behind.

- Rule L3: a dot belongs to one key, and all that its update does to it is taken at once.
- Rule L4: an update is taken when all that its actor did before, and all that it replaces or takes back, is
  known (``awaits``). So a dot in a cell is always in the clock, a total is never ahead of what makes it up,
  and what was removed before it came can't come after.
- Rule L5: an update whose dot is in the clock changes nothing any more.
- Rule L6: two states of a key become one by the clocks of both: what one of them holds and the other has seen
  and does not hold was removed. The replica's own clock gains nothing by it: of other keys it has seen
  nothing. Of this key it has seen all that the other had: that clock is kept with the key (``context``) until
  the replica's own has all of it, so what the state had, or had replaced, changes nothing when it comes.
- Rule L10: all of another's clock may be claimed (``know``) when all keys have been compared with its, and
  no update of that clock has come in between for a key of which no state was joined: the key may have been
  found equal, so that what removes this update is in that clock, and would never be taken.
- Rule L13: what else its maker had seen, and names (``after``), is known too before an update is taken.
- Rule L11: a base is over for good. One that comes back with the state of a replica that has yet to forget it
  is forgotten at once: two that collect at different times would else give it to each other for ever.
"""

from typing import Final

from trivet.core.lattice.amounts import decode_amount
from trivet.core.lattice.cell import PLAIN_BYTES, AnyCell, Cell, Plain, dots_of, join_cells, to_any, to_cell
from trivet.core.lattice.clock import Clock, Dot
from trivet.core.lattice.delta import STRING, Change, Delta
from trivet.core.lattice.key_state import (
    STRING_PLACE,
    AnyState,
    KeyState,
    Place,
    bytes_of,
    cells_of,
    decode_state,
    encode_state,
)
from trivet.core.lattice.tree import DigestTree

KEY_BYTES: Final = 300
"""What a key costs in memory beside its cells, about."""


class Watch:
    """Over one exchange with another replica, whose clock was ``clock`` when it began (Rule L10)."""

    __slots__ = ("clock", "is_spoiled")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.is_spoiled = False


class Lattice:
    """What a replica holds."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.tree = DigestTree()
        self.bytes_in_memory = 0
        self._keys: dict[bytes, AnyState] = {}
        self._with_bases: dict[tuple[bytes, Place], None] = {}
        """Cells with bases, some of which may go one day (Rule C5)."""
        self._ahead: dict[bytes, Clock] = {}
        """Of keys whose states were joined: what has been seen of them beyond ``clock`` (Rule L6)."""
        self._watches: list[Watch] = []
        self._stable = Clock()
        self._told = Clock()
        self._living: dict[int, None] = {}
        """What the last ``collect`` went by (Rule L11)."""

    def __len__(self) -> int:
        """Keys of which something is held; not all of them need be there for clients."""
        return len(self._keys)

    @property
    def bases_count(self) -> int:
        """Elements that hold a memory of additions which no longer count."""
        return len(self._with_bases)

    def state(self, key: bytes) -> AnyState | None:
        """What is held of a key; not to be changed."""
        return self._keys.get(key)

    def held(self) -> list[bytes]:
        """Keys of which something is held."""
        return list(self._keys)

    def context(self, key: bytes) -> Clock:
        """What has been seen of ``key``, to go with its state (``encoded``); not to be changed."""
        ahead = self._ahead.get(key)
        return self.clock if ahead is None else _union(self.clock, ahead)

    def ahead(self) -> list[tuple[bytes, Clock]]:
        """Keys of which more has been seen than of others, and what."""
        return list(self._ahead.items())

    @property
    def has_ahead(self) -> bool:
        """Whether there are keys of which more may have been seen than ``clock`` has."""
        return bool(self._ahead)

    def is_ahead(self, key: bytes) -> bool:
        """Whether more has been seen of ``key`` than ``clock`` has."""
        ahead = self._ahead.get(key)
        return ahead is not None and not self.clock.covers(ahead)

    def is_any_ahead(self) -> bool:
        """Whether that is so of some key; mostly the newest one tells."""
        covers = self.clock.covers
        for ahead in reversed(self._ahead.values()):
            if not covers(ahead):
                return True
        self._ahead = {}
        return False

    def watch(self, clock: Clock) -> Watch:
        """An exchange begins with a replica that has seen ``clock``; ends with ``know`` or ``give_up``."""
        watch = Watch(clock)
        self._watches.append(watch)
        return watch

    def give_up(self, watch: Watch) -> None:
        """The exchange is over, and nothing is known by it."""
        self._watches = [one for one in self._watches if one is not watch]

    def know(self, clock: Clock, watch: Watch | None = None) -> bool:
        """All that ``clock`` has is here, of all keys: a whole exchange is done, which ``watch`` was over.

        False: it is not known, since it was spoiled (Rule L10); what differs is to be looked for again.
        """
        if watch is not None:
            self.give_up(watch)
            if watch.is_spoiled:
                return False
        self.clock.join(clock)
        self.settle()
        return True

    def settle(self) -> None:
        """Forget what was noted for single keys and holds for all by now."""
        if self._ahead:
            covers = self.clock.covers
            self._ahead = {key: clock for key, clock in self._ahead.items() if not covers(clock)}

    def note(self, key: bytes, clock: Clock) -> None:
        """Of ``key`` all that ``clock`` has is here."""
        ahead = self._ahead.get(key)
        self._ahead[key] = clock if ahead is None else _union(ahead, clock)

    # -- updates -----------------------------------------------------------------------------------

    def awaits(self, delta: Delta) -> bool:
        """Whether something that it builds upon, or comes after, is not known yet (Rules L4, L13)."""
        if delta.number > self.clock.base(delta.actor) + 1:
            return True
        for actor, number in delta.after:
            if number > self.clock.base(actor):
                return True  # of all keys, not of this one only (Rule L13)
        clock = self.clock if not self._ahead else self.context(delta.key)
        for change in delta.changes:
            for actor, number in change.removed:
                if not clock.has(actor, number):
                    return True
            for actor, number, _ in change.bases:
                if not clock.has(actor, number):
                    return True
            if change.after is not None and not clock.has(change.after[0], change.after[1]):
                return True
        return False

    def apply(self, delta: Delta) -> list[Place]:
        """Take an update that awaits nothing and has no problem; the elements that changed."""
        clock = self.clock
        if clock.has(delta.actor, delta.number):
            return []  # Rule L5
        clock.add(delta.actor, delta.number)
        key, changes = delta.key, delta.changes
        if self._watches:
            self._spoil(key, delta.actor, delta.number)
        if self._ahead and key in self._ahead and self._ahead[key].has(delta.actor, delta.number):
            return []  # Rule L6
        state = self._keys.get(key)
        if len(changes) == 1 and not isinstance(state, KeyState):
            change = changes[0]
            payload = change.payload
            is_plain = change.kind == STRING and payload is not None and not (change.bases or change.name)
            if is_plain and (state is None or (state[0], state[1]) in change.removed):
                assert payload is not None
                self._put_plain(key, state, (delta.actor, delta.number, delta.stamp, payload))
                return [STRING_PLACE]
        held = self._open(key, state)
        for change in changes:
            place = (change.kind, change.name)
            before = held.cells.get(place)
            self._put(key, held, place, before, _changed(before, change, delta))
        self._close(key, held)
        return [(change.kind, change.name) for change in changes]

    def assign(self, delta: Delta) -> Plain | None:
        """Take an update that is but a string, assigned to a key that holds what it replaces, and no more.

        None: it is another one, and nothing has changed; it is still to be looked at (``awaits``, ``apply``).
        What is taken has no problem. It awaits nothing if it is its actor's next, which is not asked here.
        """
        changes = delta.changes
        change = changes[0]
        payload = change.payload
        if payload is None or change.kind != STRING or len(changes) != 1 or self._ahead or self._watches:
            return None
        if change.name or change.bases or change.added is not None or change.after is not None or delta.after:
            return None
        key, removed = delta.key, change.removed
        state = self._keys.get(key)
        if state is None:
            if removed:
                return None
        elif isinstance(state, KeyState) or len(removed) != 1 or removed[0] != (state[0], state[1]):
            return None
        plain = (delta.actor, delta.number, delta.stamp, payload)
        self.clock.add(plain[0], plain[1])
        self._put_plain(key, state, plain)
        return plain

    def _spoil(self, key: bytes, actor: int, number: int) -> None:
        """An update comes in alone, or with a state (Rule L10)."""
        ahead = self._ahead.get(key)
        for watch in self._watches:
            if watch.clock.has(actor, number) and (ahead is None or not ahead.covers(watch.clock)):
                watch.is_spoiled = True

    def _put_plain(self, key: bytes, before: Plain | None, plain: Plain) -> None:
        if before is None:
            self.bytes_in_memory += KEY_BYTES + len(key) + PLAIN_BYTES + len(plain[3])
        else:
            self.bytes_in_memory += len(plain[3]) - len(before[3])
        self.tree.put_plain(key, plain)
        self._keys[key] = plain

    def _open(self, key: bytes, state: AnyState | None) -> KeyState:
        """To be changed by ``_put``, and then closed."""
        if isinstance(state, KeyState):
            return state
        held = KeyState()
        if state is None:
            self.bytes_in_memory += KEY_BYTES + len(key)
        else:
            held.put(STRING_PLACE, state)
        return held

    def _put(
        self, key: bytes, held: KeyState, place: Place, before: AnyCell | None, after: AnyCell | None
    ) -> None:
        if before is not None:
            self.bytes_in_memory -= bytes_of(place, before)
        if after is not None:
            self.bytes_in_memory += bytes_of(place, after)
        self.tree.note(key, place, before, after)
        held.put(place, after)
        if isinstance(after, Cell) and after.bases:
            self._with_bases[(key, place)] = None
        elif self._with_bases:
            self._with_bases.pop((key, place), None)

    def _close(self, key: bytes, held: KeyState) -> None:
        cells = held.cells
        if not cells:
            self.bytes_in_memory -= KEY_BYTES + len(key)
            self._keys.pop(key, None)
            return
        if len(cells) == 1:
            cell = cells.get(STRING_PLACE)
            if cell is not None and not isinstance(cell, Cell):
                self._keys[key] = cell
                return
        self._keys[key] = held

    # -- states --------------------------------------------------------------------------------------

    def encoded(self, key: bytes) -> bytes:
        """What is held of a key, for others; of a key of which nothing is held, too."""
        state = self._keys.get(key)
        return encode_state(KeyState() if state is None else state)

    def join(self, key: bytes, data: bytes, their_clock: Clock) -> list[Place]:
        """Another replica holds ``data`` of the key, and has seen ``their_clock`` (Rule L6).

        The elements that changed. Raises ``ValueError`` when ``data`` is nonsense, or holds what that clock
        has not seen; then nothing has changed.
        """
        theirs = decode_state(data)
        dots = [dot for cell in theirs.values() for dot in dots_of(cell)]
        if not _has_all(their_clock, dots):
            raise ValueError("a state that holds what its replica has not seen")
        state = self._keys.get(key)
        context = self.context(key)
        if len(theirs) < 2 and not isinstance(state, KeyState):
            plain = theirs.get(STRING_PLACE)
            if len(theirs) == (0 if plain is None else 1) and not isinstance(plain, Cell):
                joined = _join_plain(state, context, plain, their_clock)
                if joined is state:
                    return self._joined(key, [], dots, context, their_clock)
                if joined is not None:
                    self._put_plain(key, state, joined)
                    return self._joined(key, [STRING_PLACE], dots, context, their_clock)
        mine = cells_of(state)
        changed: list[Place] = []
        outcome: list[tuple[Place, AnyCell | None, AnyCell | None]] = []
        for place in dict.fromkeys([*mine, *theirs]):
            before = mine.get(place)
            after = to_any(self._forget(join_cells(before, context, theirs.get(place), their_clock)))
            if not _is_same(before, after):
                changed.append(place)
                outcome.append((place, before, after))
        if outcome:
            held = self._open(key, state)
            for place, before, after in outcome:
                self._put(key, held, place, before, after)
            self._close(key, held)
        return self._joined(key, changed, dots, context, their_clock)

    def _joined(
        self, key: bytes, changed: list[Place], dots: list[Dot], context: Clock, their_clock: Clock
    ) -> list[Place]:
        """A state with these dots was joined when ``context`` had been seen of the key."""
        if not self.clock.covers(their_clock):
            self.note(key, their_clock)
        if self._watches:
            for actor, number in dots:
                if not context.has(actor, number):
                    self._spoil(key, actor, number)
        return changed

    def restore(self, key: bytes, data: bytes) -> None:
        """What this replica itself held of the key once (``encoded``); raises ``ValueError``."""
        cells = decode_state(data)
        state = self._keys.get(key)
        held = self._open(key, state)
        for place, before in list(held.cells.items()):
            if place not in cells:
                self._put(key, held, place, before, None)
        for place, cell in cells.items():
            self._put(key, held, place, held.cells.get(place), cell)
        self._close(key, held)

    # -- memories --------------------------------------------------------------------------------------

    def collect(self, stable: Clock, told: Clock, living: list[int]) -> int:
        """Forget bases that nobody needs any more (Rule C5); how many.

        ``stable``: what every member has seen, as it has said. ``told``: all that any of them has seen, as it
        has said. ``living``: the actors that members are now. Of another (a life that a node has lost, a
        member that left) nobody can say that nothing is on its way, so its bases stay.
        """
        self._stable, self._told, self._living = stable, told, dict.fromkeys(living)
        gone = 0
        for key, place in list(self._with_bases):
            state = self._keys[key]
            assert isinstance(state, KeyState)
            cell = state.cells[place]
            assert isinstance(cell, Cell)
            kept = self._forget(cell)
            if kept is not cell:
                gone += len(cell.bases) - len(kept.bases)
                self._put(key, state, place, cell, to_any(kept))
                self._close(key, state)
        return gone

    def _forget(self, cell: Cell) -> Cell:
        """The cell without the bases that are over; itself, if none is."""
        kept = cell
        for actor in list(cell.bases):
            if self._is_over(cell, actor):
                kept = cell.copy() if kept is cell else kept
                del kept.bases[actor]
        return kept

    def _is_over(self, cell: Cell, actor: int) -> bool:
        number, _, by_actor, by_number = cell.bases[actor]
        series = cell.adds.get(actor)
        if actor not in self._living or (series is not None and series[1] <= number):
            return False
        return self._stable.has(by_actor, by_number) and self.clock.base(actor) >= self._told.top(actor)


def _has_all(clock: Clock, dots: list[Dot]) -> bool:
    return all(clock.has(actor, number) for actor, number in dots)


def _union(one: Clock, other: Clock) -> Clock:
    both = one.copy()
    both.join(other)
    return both


def _changed(before: AnyCell | None, change: Change, delta: Delta) -> AnyCell | None:
    """What becomes of a cell."""
    if before is not None and not isinstance(before, Cell):
        if change.added is None and not change.bases and (before[0], before[1]) in change.removed:
            payload = change.payload
            return None if payload is None else (delta.actor, delta.number, delta.stamp, payload)
    elif before is None and change.added is None and not change.bases:
        payload = change.payload
        return None if payload is None else (delta.actor, delta.number, delta.stamp, payload)
    cell = to_cell(before)
    if cell is before:
        cell = cell.copy()
    for dot in change.removed:
        cell.assigns.pop(dot, None)
    for actor, number, total in change.bases:
        cell.put_base(actor, (number, decode_amount(total), delta.actor, delta.number))
    if change.payload is not None:
        cell.assigns[(delta.actor, delta.number)] = (delta.stamp, change.payload)
    if change.added is not None:
        start, amount = change.added
        cell.put_series(delta.actor, (delta.number, start, decode_amount(amount)))
    return to_any(cell)


def _join_plain(
    mine: Plain | None, mine_clock: Clock, theirs: Plain | None, their_clock: Clock
) -> Plain | None:
    """``join_cells`` where the outcome is one string, or what it was; None: the outcome is not so easy."""
    if theirs is None:
        return None if mine is not None and their_clock.has(mine[0], mine[1]) else mine
    if mine is None:
        return None if mine_clock.has(theirs[0], theirs[1]) else theirs
    if (mine[0], mine[1]) == (theirs[0], theirs[1]):
        return mine
    is_seen, sees = their_clock.has(mine[0], mine[1]), mine_clock.has(theirs[0], theirs[1])
    if is_seen is sees:
        return None
    return theirs if is_seen else mine


def _is_same(one: AnyCell | None, other: AnyCell | None) -> bool:
    if isinstance(one, Cell) and isinstance(other, Cell):
        return one.assigns == other.assigns and one.adds == other.adds and one.bases == other.bases
    return one is other or (not isinstance(one, Cell) and not isinstance(other, Cell) and one == other)
