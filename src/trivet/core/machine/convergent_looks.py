"""What a call changed: its keys as they were before, compared with what they are after.

A look is taken when the database tells that a key is about to change, so calls that change nothing cost
nothing. Where the call names the elements that it is about, or its reply tells them, only those are looked
at.
"""

from typing import Final

from trivet.core.machine.convergent_rows import NAMED, POPS, PUSHES, RANGES, TOLD, WITHOUT
from trivet.core.machine.convergent_values import kind_of, score_bytes
from trivet.core.values.database import Database
from trivet.core.values.hash_value import Hash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stream import Stream
from trivet.core.values.types import Value

Element = bytes | float | bool
"""Of a hash, a sorted set, a set."""
Elements = dict[bytes, Element]

ALL: Final = 0
NAMES: Final = 1
REPLY: Final = 2
LEFT: Final = 3
RIGHT: Final = 4
TRIM: Final = 5
REMOVE: Final = 6
AT: Final = 7
INSERT: Final = 8
"""What is looked at: see ``Look.way``."""


class Look:
    """A key before a call."""

    __slots__ = (
        "deadline_ms",
        "elements",
        "entries",
        "kind",
        "last_id",
        "length",
        "names",
        "positions",
        "text",
        "way",
    )

    def __init__(self, value: Value | None, deadline_ms: int, args: list[bytes], told: list[bytes]) -> None:
        """``told``: elements that the call is about to remove."""
        self.kind = kind_of(value)
        self.deadline_ms = -1 if value is None else deadline_ms
        self.text = b""
        """Of a string."""
        self.length = 0
        """Of a list."""
        self.positions: list[int] = []
        """Of a list: the items that the call is about, if they are not at an end."""
        self.elements: Elements = {}
        """Of a set, a hash, a sorted set: what was looked at."""
        self.names: list[bytes] = []
        """What was looked at, if the call names it."""
        self.entries: dict[int, None] = {}
        """Of a stream: the ids that the call may remove."""
        self.last_id = 0
        self.way = ALL
        name = args[0]
        if isinstance(value, bytes):
            self.text = value
        elif isinstance(value, List):
            self.length = len(value)
            self.way, self.positions = _list_way(value, args)
        elif isinstance(value, Stream):
            self.last_id = value.last_id
            self.entries = dict.fromkeys(_at_risk(value, args))
        elif name in NAMED or name in RANGES:
            self.way = NAMES
            self.names = list(dict.fromkeys(NAMED[name](args) if name in NAMED else told))
            for one in self.names:
                found = value_of(value, one)
                if found is not None:
                    self.elements[one] = found
        elif name in WITHOUT:
            self.way = NAMES
        elif name in TOLD and value is not None:
            self.way = REPLY
        elif value is not None:
            self.elements = all_of(value)


def _list_way(value: List, args: list[bytes]) -> tuple[int, list[int]]:
    """Which items of a list a call is about. Arguments that are nonsense: the call changes nothing."""
    name = args[0]
    if name in PUSHES:
        return LEFT if PUSHES[name] else RIGHT, []
    if name in POPS:
        return LEFT if POPS[name] else RIGHT, []
    if name == b"LMPOP":
        at = 2 + (_whole(args[1]) or 0)
        return LEFT if at < len(args) and args[at].upper() == b"LEFT" else RIGHT, []
    size = len(value)
    if name == b"LTRIM":
        start = _whole(args[2]) or 0
        return TRIM, [min(max(start + size, 0) if start < 0 else start, size)]
    if name == b"LSET":
        index = _whole(args[2])
        if index is not None and -size <= index < size:
            return AT, [index % size]
    elif name == b"LREM":
        count = _whole(args[2])
        if count is not None:
            return REMOVE, value.positions(args[3], 0, abs(count), 0, count < 0)
    elif name == b"LINSERT":
        pivot = value.find(args[3])
        return INSERT, [pivot if args[2].upper() == b"BEFORE" else pivot + 1]
    return NAMES, []


def _at_risk(value: Stream, args: list[bytes]) -> list[int]:
    """The entries of a stream that a call may remove."""
    name = args[0]
    if name == b"XDEL":
        ids = [_id_of(word) for word in args[2:]]
        return [one for one in ids if one in value]
    if name not in (b"XADD", b"XTRIM"):
        return []
    for at in range(2, min(len(args) - 1, 4)):
        word = args[at].upper()
        if word in (b"MAXLEN", b"MINID"):
            limit = args[at + 2] if args[at + 1] in (b"~", b"=") and at + 2 < len(args) else args[at + 1]
            if word == b"MINID":
                return [one[0] for one in value.between(0, _id_of(limit) - 1)]
            surplus = len(value) + (1 if name == b"XADD" else 0) - (_whole(limit) or 0)
            return [one[0] for one in value.between(0, value.last_id, surplus)] if surplus > 0 else []
    return []


def _whole(word: bytes) -> int | None:
    """A number as commands take it; None: it is none."""
    digits = word[1:] if word[:1] == b"-" else word
    return int(word) if digits.isdigit() and len(digits) < 20 else None


def _id_of(word: bytes) -> int:
    """An id as commands take it; 0: it is none."""
    ms, _, sequence = word.partition(b"-")
    return ((_whole(ms) or 0) << 64) + (_whole(sequence) or 0)


def value_of(value: Value | None, name: bytes) -> Element | None:
    """One element; None: it is not there."""
    if isinstance(value, Hash):
        return value.get(name)
    if isinstance(value, SortedSet):
        return value.get(name)
    if isinstance(value, Set):
        return True if name in value else None
    return None


def all_of(value: Value) -> Elements:
    """All elements of a set, a hash, a sorted set."""
    if isinstance(value, Hash):
        return dict(value.items())
    if isinstance(value, SortedSet):
        return dict(value.items())
    if isinstance(value, Set):
        return dict.fromkeys(value.members(), True)
    return {}


class Looks:
    """A change hook: the looks of one call."""

    __slots__ = ("args", "found", "told", "watches")

    def __init__(self) -> None:
        self.args: list[bytes] = []
        self.told: list[bytes] = []
        self.found: dict[bytes, Look] = {}
        self.watches = False
        """Whether a call runs: else what changes follows from the lattice."""

    def begin(self, args: list[bytes], told: list[bytes]) -> None:
        """A call is about to run; ``told``: elements that it will remove, if that is known."""
        self.args = args
        self.told = told
        self.found = {}
        self.watches = True

    def before_change(self, database: Database, key: bytes) -> None:
        """As ``ChangeHook``."""
        if self.watches and key not in self.found:
            self.found[key] = Look(database.get(key), database.deadline_ms(key), self.args, self.told)

    def before_flush(self, database: Database) -> None:
        """As ``ChangeHook``: no call does that here."""


def elements_after(look: Look, value: Value) -> Elements:
    """The elements of a set, a hash, a sorted set after the call, as far as the look goes."""
    if look.way == REPLY:
        return {}
    if look.way != NAMES:
        return all_of(value)
    after: Elements = {}
    for name in look.names:
        found = value_of(value, name)
        if found is not None:
            after[name] = found
    return after


def payload_of(element: Element) -> bytes:
    """What is assigned to the element of a hash, a sorted set, a set."""
    if isinstance(element, bytes):
        return element
    return b"" if isinstance(element, bool) else score_bytes(element)
