"""What a call did to one key of the view, as an update of the lattice.

- Rule V3: what ``INCR`` and its relatives change adds up: the update is the difference. What vanishes is
  removed, as far as it was seen. Everything else is assigned.
- Rule V7: amounts are told against the exact sum that is held, not against its rounded text, so the sum is
  again exactly what the command has shown.
- Rule V8: who writes to a key where kinds have met (a set here, a hash there) settles it: what was hidden
  goes.
- Rule V9: taking a deadline away is a value of it like any other: of concurrent ones the last counts.
"""

from fractions import Fraction
from math import copysign, isfinite
from typing import Final

from trivet.core.lattice.amounts import Amount, minus, plus
from trivet.core.lattice.cell import AnyCell, added_to, is_there, winner
from trivet.core.lattice.delta import BESIDE, DEADLINE, ENTRY, FIELD, ITEM, LAST_ID, SCORE, STRING
from trivet.core.lattice.key_state import STRING_PLACE, cell_of, cells_of, shows_only
from trivet.core.lattice.lattice import Lattice
from trivet.core.lattice.positions import between
from trivet.core.lattice.writer import Writer
from trivet.core.machine.convergent_lists import ListPlaces, Places
from trivet.core.machine.convergent_looks import (
    AT,
    INSERT,
    LEFT,
    REMOVE,
    REPLY,
    RIGHT,
    TRIM,
    Look,
    all_of,
    elements_after,
    payload_of,
)
from trivet.core.machine.convergent_rows import BITS, KEEPS, PROBABLE, TOLD, adds, assigns_again
from trivet.core.machine.convergent_values import BITS as BITS_TAG
from trivet.core.machine.convergent_values import (
    PLAIN,
    amount_of_text,
    double_of,
    entry_name,
    entry_payload,
    kind_of,
    settle_stream,
    text_of_amount,
)
from trivet.core.machine.convergent_values import PROBABLE as PROBABLE_TAG
from trivet.core.values.list_value import List
from trivet.core.values.stream import Stream
from trivet.core.values.types import Value
from trivet.core.wire.reply import Reply

NO_DEADLINE: Final = b""


class Updates:
    """Tells the writer of an update what a call did."""

    __slots__ = ("_lattice", "_places")

    def __init__(self, lattice: Lattice, places: Places) -> None:
        self._lattice = lattice
        self._places = places

    def tell(
        self, writer: Writer, key: bytes, look: Look, value: Value | None, args: list[bytes], reply: Reply
    ) -> None:
        """All but the deadline. ``value``: what the key is after the call."""
        kind = kind_of(value)
        if value is None:
            writer.remove_all()
        elif look.kind and (kind != look.kind or args[0] == b"RESTORE"):
            self._everything(writer, value, key, args)
            return
        elif isinstance(value, bytes):
            self._string(writer, key, look, value, args)
        elif isinstance(value, List):
            self._list(writer, key, look, value, args)
        elif isinstance(value, Stream):
            tell_stream(writer, look, value)
        else:
            self._elements(writer, key, look, value, args, reply)
        state = self._lattice.state(key)
        if value is not None and state is not None and not shows_only(state, kind):
            for place, cell in cells_of(state).items():  # Rule V8
                if place[0] < BESIDE and place[0] != kind and is_there(cell):
                    writer.remove(place[0], place[1])

    def _string(self, writer: Writer, key: bytes, look: Look, text: bytes, args: list[bytes]) -> None:
        name = args[0]
        if adds(args):
            amount = _text_amount(cell_of(self._lattice.state(key), STRING_PLACE), text, 1)
            if amount is not None:
                writer.add(STRING, b"", amount)
                return
        elif name in KEEPS and look.kind and text == look.text:
            return
        tag = BITS_TAG if name in BITS else PROBABLE_TAG if name in PROBABLE else PLAIN
        writer.assign(STRING, b"", tag + text)

    def _elements(
        self, writer: Writer, key: bytes, look: Look, value: Value, args: list[bytes], reply: Reply
    ) -> None:
        """Of a set, a hash, a sorted set."""
        kind = kind_of(value)
        if look.way == REPLY:
            for name in TOLD[args[0]](reply):
                writer.remove(kind, name)
            return
        adding, again = adds(args), assigns_again(args)
        before, after = look.elements, elements_after(look, value)
        for name, new in after.items():
            old = before.get(name)
            if old == new and not again:
                continue
            if adding:
                cell = cell_of(self._lattice.state(key), (kind, name))
                amount: Amount | None = None
                if kind == FIELD and isinstance(new, bytes):
                    amount = _text_amount(cell, new, 0)
                elif kind == SCORE and isinstance(new, float):
                    amount = _score_amount(cell, new)
                if amount is not None:
                    writer.add(kind, name, amount)
                    continue
            writer.assign(kind, name, payload_of(new))
        for name in before:
            if name not in after:
                writer.remove(kind, name)

    def _everything(self, writer: Writer, value: Value, key: bytes, args: list[bytes]) -> None:
        """Another value than before: nothing of that is left."""
        if isinstance(value, bytes):
            writer.assign(STRING, b"", PLAIN + value)
        elif isinstance(value, List):
            self._places.put(key, [])
            self._push(writer, self._places.of(key, self._lattice), value, len(value), False)
        elif isinstance(value, Stream):
            tell_stream(writer, Look(None, -1, args, []), value)
        else:
            kind = kind_of(value)
            for name, one in all_of(value).items():
                writer.assign(kind, name, payload_of(one))
        writer.remove_all()

    # -- lists ---------------------------------------------------------------------------------------

    def _list(self, writer: Writer, key: bytes, look: Look, value: List, args: list[bytes]) -> None:
        grown = len(value) - look.length
        way = look.way
        if not look.kind or (way in (LEFT, RIGHT) and grown > 0):
            self._push(writer, self._places.of(key, self._lattice), value, grown, way == LEFT)
        elif way in (LEFT, RIGHT):
            self._pop(writer, key, -grown, way == LEFT)
        elif way == TRIM and grown < 0:
            start = look.positions[0]
            self._pop(writer, key, start, True)
            self._pop(writer, key, -grown - start, False)
        elif way == REMOVE and grown < 0:
            for name in self._places.of(key, self._lattice).take_at(look.positions):
                writer.remove(ITEM, name)
        elif way == AT and look.positions:
            at = look.positions[0]
            writer.assign(ITEM, self._places.of(key, self._lattice).at(at), value.at(at))
        elif way == INSERT and grown > 0:
            at = look.positions[0]
            places = self._places.of(key, self._lattice)
            left = places.at(at - 1) if at else None
            right = places.at(at) if at < len(places) else None
            (name,) = between(left, right, writer.dot)
            places.insert(at, name)
            writer.assign(ITEM, name, value.at(at))

    def _push(self, writer: Writer, places: ListPlaces, value: List, grown: int, at_left: bool) -> None:
        if not grown:
            return
        ends = (None, places.first()) if at_left else (places.last(), None)
        names = between(ends[0], ends[1], writer.dot, grown)
        size = len(value)
        items = value.between(0, grown) if at_left else value.between(size - grown, size)
        for name, item in zip(names, items, strict=True):
            writer.assign(ITEM, name, item)
        places.push(names, at_left)

    def _pop(self, writer: Writer, key: bytes, count: int, at_left: bool) -> None:
        if count:
            for name in self._places.of(key, self._lattice).pop(count, at_left):
                writer.remove(ITEM, name)


def tell_stream(writer: Writer, look: Look, value: Stream) -> None:
    """Entries that are new, those that are gone, the last id."""
    for entry_id, flat in value.between(look.last_id + 1, value.last_id):
        writer.assign(ENTRY, entry_name(entry_id), entry_payload(flat))
    for entry_id in look.entries:
        if entry_id not in value:
            writer.remove(ENTRY, entry_name(entry_id))
    if value.last_id > look.last_id:
        writer.assign(LAST_ID, b"", entry_name(value.last_id))
    settle_stream(value, value.last_id)


def tell_deadline(writer: Writer, before_ms: int, after_ms: int, again: bool) -> None:
    """``again``: it counts as written also if it was just so."""
    if before_ms != after_ms or (again and after_ms != -1):
        writer.assign(DEADLINE, b"", NO_DEADLINE if after_ms == -1 else b"%d" % after_ms)


def _text_amount(cell: AnyCell | None, text: bytes, skip: int) -> Amount | None:
    """What is to be added so that ``text`` is shown (Rule V7); None: it is no sum. ``skip``: of a payload."""
    new = amount_of_text(text)
    if new is None or text_of_amount(new) != text:
        return None
    best = None if cell is None or not is_there(cell) else winner(cell)
    held: Amount | None = 0
    if best is not None:
        if skip and best[3][:skip] != PLAIN:
            return None
        held = amount_of_text(best[3][skip:])
    added = None if cell is None else added_to(cell)
    if held is None:
        return None
    return minus(new, held if added is None else plus(held, added))


def _score_amount(cell: AnyCell | None, score: float) -> Amount | None:
    """The same for a score."""
    best = None if cell is None else winner(cell)
    held = 0.0 if best is None else double_of(best[3])
    if not isfinite(score) or not isfinite(held) or (score == 0.0 and copysign(1.0, score) < 0.0):
        return None
    added = None if cell is None else added_to(cell)
    amount = minus(Fraction(score), Fraction(held))
    return amount if added is None else minus(amount, added)
