"""What a call changed: its keys as they were before, compared with what they are after.

A look is taken when the database tells that a key is about to change, so calls that change nothing cost
nothing. Where the call names the elements that it is about, or its reply tells them, only those are looked
at.
"""

from typing import Final

from trivet.core.machine.convergent_rows import NAMED, POPS, PUSHES, TOLD, WITHOUT
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


class Look:
    """A key before a call."""

    __slots__ = (
        "deadline_ms",
        "elements",
        "entries",
        "items",
        "kind",
        "last_id",
        "length",
        "names",
        "text",
        "way",
    )

    def __init__(self, value: Value | None, deadline_ms: int, args: list[bytes]) -> None:
        self.kind = kind_of(value)
        self.deadline_ms = deadline_ms
        self.text = b""
        """Of a string."""
        self.length = 0
        """Of a list."""
        self.items: list[bytes] = []
        """Of a list, if all of it was looked at."""
        self.elements: Elements = {}
        """Of a set, a hash, a sorted set: what was looked at."""
        self.names: list[bytes] = []
        """What was looked at, if the call names it."""
        self.entries: dict[int, None] = {}
        """Of a stream: the ids."""
        self.last_id = 0
        self.way = ALL
        name = args[0]
        if value is None:
            self.deadline_ms = -1
        if isinstance(value, bytes):
            self.text = value
        elif name in WITHOUT:
            self.way = NAMES
        elif isinstance(value, List):
            self._list(value, name)
        elif isinstance(value, Stream):
            self.last_id = value.last_id
            if name != b"XADD" or (len(args) > 5 and _may_trim(args)):
                self.entries = {one[0]: None for one in value.between(0, value.last_id)}
            else:
                self.way = NAMES
        elif name in NAMED:
            self.way = NAMES
            self.names = list(dict.fromkeys(NAMED[name](args)))
            for one in self.names:
                found = value_of(value, one)
                if found is not None:
                    self.elements[one] = found
        elif name in TOLD and value is not None:
            self.way = REPLY
        elif value is not None:
            self.elements = all_of(value)

    def _list(self, value: List, name: bytes) -> None:
        self.length = len(value)
        if name in PUSHES:
            self.way = LEFT if PUSHES[name] else RIGHT
        elif name in POPS:
            self.way = LEFT if POPS[name] else RIGHT
        else:
            self.items = value.between(0, len(value))


def _may_trim(args: list[bytes]) -> bool:
    return any(word.upper() in (b"MAXLEN", b"MINID") for word in args[2:4])


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

    __slots__ = ("args", "flushed", "found", "watches")

    def __init__(self) -> None:
        self.args: list[bytes] = []
        self.found: dict[bytes, Look] = {}
        self.flushed = False
        self.watches = False
        """Whether a call runs: else what changes follows from the lattice."""

    def begin(self, args: list[bytes]) -> None:
        """A call is about to run."""
        self.args = args
        self.found = {}
        self.watches = True

    def before_change(self, database: Database, key: bytes) -> None:
        """As ``ChangeHook``."""
        if self.watches and key not in self.found:
            self.found[key] = Look(database.get(key), database.deadline_ms(key), self.args)

    def before_flush(self, database: Database) -> None:
        """As ``ChangeHook``: not by commands."""
        self.flushed = True


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
