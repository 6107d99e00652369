"""What clients see of cells: values as commands know them, and back.

- Rule V1: a value is a function of the cells alone, so all who hold the same show the same. What the
  commands keep beside (how many entries a stream ever had) follows from what is there.
"""

import re
import struct
from fractions import Fraction
from typing import Final

import msgspec

from trivet.core.lattice.amounts import Amount, plus
from trivet.core.lattice.cell import AnyCell, added_to, is_there, payloads, winner
from trivet.core.lattice.delta import ENTRY, FIELD, ITEM, LAST_ID, MEMBER, SCORE, STRING
from trivet.core.lattice.key_state import AnyState, cells_of, shown_kind
from trivet.core.values import hyperloglog
from trivet.core.values.bits import OR, joined
from trivet.core.values.hash_value import Hash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stream import Stream
from trivet.core.values.types import Value

PLAIN: Final = b"\x00"
PROBABLE: Final = b"\x01"
BITS: Final = b"\x02"

_NUMBER: Final = re.compile(rb"-?[0-9]+(\.[0-9]+)?")
_DOUBLE: Final = struct.Struct(">d")
_DIGITS: Final = 17
"""After the point, as ``INCRBYFLOAT`` has them."""
_SCALE: Final = 10**_DIGITS
NUMBER_BYTES_MAX: Final = 400
"""Text that is longer is no number to add to."""

_encoder = msgspec.msgpack.Encoder()
_fields = msgspec.msgpack.Decoder(list[bytes])


def kind_of(value: Value | None) -> int:
    """The kind of its elements; 0: there is no value."""
    if value is None:
        return 0
    if isinstance(value, bytes):
        return STRING
    if isinstance(value, Hash):
        return FIELD
    if isinstance(value, Set):
        return MEMBER
    if isinstance(value, SortedSet):
        return SCORE
    return ITEM if isinstance(value, List) else ENTRY


# -- numbers ------------------------------------------------------------------------------------


def amount_of_text(text: bytes) -> Amount | None:
    """The number that ``text`` is, exactly; None: it is none."""
    if len(text) > NUMBER_BYTES_MAX or _NUMBER.fullmatch(text) is None:
        return None
    if b"." not in text:
        return int(text)
    fraction = Fraction(text.decode())
    return fraction.numerator if fraction.denominator == 1 else fraction


def text_of_amount(amount: Amount) -> bytes:
    """As ``INCR`` or ``INCRBYFLOAT`` write it."""
    if isinstance(amount, int):
        return b"%d" % amount
    scaled = round(amount * _SCALE)
    sign = b"-" if scaled < 0 else b""
    whole, part = divmod(abs(scaled), _SCALE)
    digits = (b"%017d" % part).rstrip(b"0")
    return sign + b"%d" % whole + (b"." + digits if digits else b"")


def shown_text(base: bytes | None, added: Amount | None) -> bytes | None:
    """Text, and what was added to it if it is a number."""
    if added is None:
        return base
    number = 0 if base is None else amount_of_text(base)
    return base if number is None else text_of_amount(plus(number, added))


def score_bytes(score: float) -> bytes:
    """A score as a payload."""
    return _DOUBLE.pack(score)


def shown_score(cell: AnyCell) -> float:
    """Of a member of a sorted set."""
    best = winner(cell)
    base: float = 0.0 if best is None else double_of(best[3])
    added = added_to(cell)
    if added is None or base in (float("inf"), float("-inf")):
        return base
    try:
        return float(Fraction(base) + added)
    except OverflowError:
        return float("inf") if added > 0 else float("-inf")


def double_of(payload: bytes) -> float:
    """The score that a payload is."""
    if len(payload) != 8:
        return 0.0
    score: float = _DOUBLE.unpack(payload)[0]
    return 0.0 if score != score else score


# -- elements -----------------------------------------------------------------------------------


def shown_string(cell: AnyCell) -> bytes:
    """Of a string."""
    found = payloads(cell)
    base: bytes | None = None
    if found:
        base = found[0][1:]
        tag = found[0][:1]
        if len(found) > 1 and tag != PLAIN and all(one[:1] == tag for one in found):
            values = [one[1:] for one in found]
            if tag == BITS:
                base = joined(OR, values)
            else:
                base = hyperloglog.merged(values[0], values) or base
    text = shown_text(base, added_to(cell))
    return b"" if text is None else text


def shown_field(cell: AnyCell) -> bytes:
    """Of a field of a hash."""
    best = winner(cell)
    text = shown_text(None if best is None else best[3], added_to(cell))
    return b"" if text is None else text


def entry_payload(flat: list[bytes]) -> bytes:
    """Fields and values of an entry as a payload."""
    return _encoder.encode(flat)


def entry_of(payload: bytes) -> list[bytes]:
    """Fields and values of an entry."""
    try:
        flat = _fields.decode(payload)
    except msgspec.DecodeError:
        return [b"?", b"?"]
    return flat if flat and len(flat) % 2 == 0 else [b"?", b"?"]


def entry_name(entry_id: int) -> bytes:
    """The name of an entry's element."""
    return entry_id.to_bytes(16, "big")


def shown_deadline(cell: AnyCell | None) -> int:
    """When the key expires, Unix ms; -1: never."""
    best = None if cell is None else winner(cell)
    if best is None or not best[3].isdigit() or len(best[3]) > 18:
        return -1
    return int(best[3])


def shown_last_id(cell: AnyCell | None) -> int:
    """The highest id that anybody gave."""
    found = [] if cell is None else payloads(cell)
    return max([int.from_bytes(one[:16], "big") for one in found], default=0)


# -- values -------------------------------------------------------------------------------------


def shown_value(state: AnyState | None) -> tuple[Value | None, list[bytes]]:
    """The value that a key shows, and of a list the places of its items in order."""
    kind = shown_kind(state)
    if not kind:
        return None, []
    cells = cells_of(state)
    if kind == STRING:
        return shown_string(cells[(STRING, b"")]), []
    names = sorted([name for (one, name), cell in cells.items() if one == kind and is_there(cell)])
    if kind == MEMBER:
        return Set.of(names), []
    if kind == FIELD:
        fields = Hash()
        for name in names:
            fields.put(name, shown_field(cells[(FIELD, name)]))
        return fields, []
    if kind == SCORE:
        scores = SortedSet()
        for name in names:
            scores.put(name, shown_score(cells[(SCORE, name)]))
        return scores, []
    if kind == ITEM:
        items = []
        for name in names:
            best = winner(cells[(ITEM, name)])
            items.append(b"" if best is None else best[3])
        return List(items), names
    return _shown_stream(cells, names), []


def _shown_stream(cells: dict[tuple[int, bytes], AnyCell], names: list[bytes]) -> Stream:
    stream = Stream()
    for name in names:
        best = winner(cells[(ENTRY, name)])
        entry_id = int.from_bytes(name, "big")
        if best is not None and len(name) == 16 and entry_id > stream.last_id:
            stream.append(entry_id, entry_of(best[3]))
    settle_stream(stream, shown_last_id(cells.get((LAST_ID, b""))))
    return stream


def settle_stream(stream: Stream, last_id: int) -> None:
    """What is kept beside the entries (Rule V1)."""
    stream.last_id = max(stream.top_id, last_id)
    stream.entries_added = len(stream)
    stream.max_deleted_id = 0
