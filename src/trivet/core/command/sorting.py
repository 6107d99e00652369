"""SORT and SORT_RO: the elements of a list, a set or a sorted set in another order.

An element is compared as a number, or as bytes (ALPHA); itself, or the value of another
key that a pattern with a ``*`` makes of it (BY), which may be a hash's field (``key->field``).
The answer is the elements, or what further patterns make of them (GET), or their
number when they are stored.

Redis compares by the locale of its process when it answers, up to a zero byte, and by all
bytes when it stores. Here the locale is C.
"""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX, WRONG_TYPE
from trivet.core.command.events import GENERIC, LIST
from trivet.core.command.table import Context, Flag, Owner, command
from trivet.core.values.database import Database
from trivet.core.values.hash_value import Hash
from trivet.core.values.list_value import List
from trivet.core.values.numbers import parse_float, parse_int
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.wire.reply import Error, Reply

_NOT_NUMBERS: Final = Error("ERR One or more scores can't be converted into double")
_SPACES: Final = b" \t\n\v\f\r"
_NORMAL_MIN: Final = 2.2250738585072014e-308
"""Below it a double has fewer digits; C reports a range error then, and SORT refuses the number."""


class _Options:
    """The arguments after the key, read."""

    __slots__ = ("alpha", "by", "count", "descending", "gets", "start", "store")

    def __init__(self) -> None:
        self.alpha = False
        self.by: _Pattern | None = None
        self.count = -1
        self.descending = False
        self.gets: list[_Pattern] = []
        self.start = 0
        self.store: bytes | None = None

    def window(self, size: int) -> tuple[int, int]:
        """Which of ``size`` elements are asked for: [start, stop)."""
        start = min(max(self.start, 0), size)
        return start, size if self.count < 0 else min(start + self.count, size)


_BY_DENIED: Final = Error("ERR BY option of SORT denied due to insufficient ACL permissions.")
_GET_DENIED: Final = Error("ERR GET option of SORT denied due to insufficient ACL permissions.")


class _Pattern:
    """Finds the value that belongs to an element. A pattern is text in C: it ends at a zero byte."""

    __slots__ = ("_after", "_before", "_field", "_is_self", "is_constant")

    def __init__(self, pattern: bytes) -> None:
        text = pattern.split(b"\0", 1)[0]
        self._is_self = text == b"#"
        star = text.find(b"*")
        self.is_constant = star < 0
        """There is no place for the element: nothing is ever found."""
        arrow = text.find(b"->", star + 1)
        has_field = not self.is_constant and 0 <= arrow < len(text) - 2
        self._before = pattern[:star]
        self._after = pattern[star + 1 : arrow] if has_field else pattern[star + 1 :]
        self._field = pattern[arrow + 2 :] if has_field else None

    def key(self, element: bytes) -> bytes | None:
        """The key at which the value of the element stands; None when none is looked at."""
        return None if self._is_self or self.is_constant else self._before + element + self._after

    def value(self, db: Database, element: bytes) -> bytes | None:
        """What the pattern makes of the element."""
        if self._is_self:
            return element
        if self.is_constant:
            return None
        found = db.get(self._before + element + self._after)
        if self._field is None:
            return found if isinstance(found, bytes) else None
        return found.get(self._field) if isinstance(found, Hash) else None


def _options(args: list[bytes], read_only: bool, every_key: bool) -> _Options | Error:
    """``every_key``: whether the caller may read keys that only the patterns name."""
    options = _Options()
    i = 2
    while i < len(args):
        option = args[i].upper()
        left = len(args) - i - 1
        if option in (b"ASC", b"DESC"):
            options.descending = option == b"DESC"
        elif option == b"ALPHA":
            options.alpha = True
        elif option == b"LIMIT" and left >= 2:
            start, count = parse_int(args[i + 1]), parse_int(args[i + 2])
            if start is None or count is None:
                return NOT_AN_INTEGER
            options.start, options.count = start, count
            i += 2
        elif option == b"STORE" and left >= 1 and not read_only:
            options.store = args[i + 1]
            i += 1
        elif option == b"BY" and left >= 1:
            if not every_key and b"*" in args[i + 1].split(b"\0", 1)[0]:
                return _BY_DENIED
            options.by = _Pattern(args[i + 1])
            i += 1
        elif option == b"GET" and left >= 1:
            if not every_key:
                return _GET_DENIED
            options.gets.append(_Pattern(args[i + 1]))
            i += 1
        else:
            return SYNTAX
        i += 1
    return options


def _sort(context: Context, args: list[bytes], read_only: bool) -> Reply:
    access = context.access
    options = _options(args, read_only, access is None or access.reads_every_key())
    if isinstance(options, Error):
        return options
    db = context.db
    value = db.get(args[1])
    if value is not None and not isinstance(value, (List, Set, SortedSet)):
        return WRONG_TYPE
    if value is not None and context.owner is not None:
        elsewhere = _elsewhere(context.owner, value, options)
        if elsewhere is not None:
            return elsewhere
    chosen = [] if value is None else _chosen(db, value, options)
    if isinstance(chosen, Error):
        return chosen
    results: list[bytes | None] = [*chosen]
    if options.gets:
        results = [pattern.value(db, element) for element in chosen for pattern in options.gets]
    if options.store is None:
        return [*results]
    if results:
        db.set(options.store, List([result or b"" for result in results]))
        if context.notifies:
            context.notify(LIST, b"sortstore", options.store)
    elif db.remove(options.store) and context.notifies:
        context.notify(GENERIC, b"del", options.store)
    return len(results)


def _elsewhere(owner: Owner, value: List | Set | SortedSet, options: _Options) -> Error | None:
    """Patterns make keys of the elements: in a group that has not all slots, each must be here."""
    patterns = [*options.gets, *([] if options.by is None else [options.by])]
    for element in _elements(value) if patterns else []:
        for pattern in patterns:
            key = pattern.key(element)
            if key is not None and (refusal := owner.refuses_key(key)) is not None:
                return refusal
    return None


def _chosen(db: Database, value: List | Set | SortedSet, options: _Options) -> list[bytes] | Error:
    """The elements asked for, in order."""
    start, stop = options.window(len(value))
    by, alpha = options.by, options.alpha
    if by is not None and by.is_constant:
        if not isinstance(value, Set):
            return _in_native_order(value, start, stop, options.descending)
        if options.store is None:
            return value.to_list()[start:stop]
        by, alpha = None, True
    elements = _elements(value)
    if alpha:
        ranked = _by_text(db, elements, by, options)
    else:
        weighed = _by_weight(db, elements, by, options.descending)
        if isinstance(weighed, Error):
            return weighed
        ranked = weighed
    return ranked[start:stop]


def _elements(value: List | Set | SortedSet) -> list[bytes]:
    if isinstance(value, List):
        return value.dump()
    if isinstance(value, Set):
        return value.to_list()
    return [member for _, member in value.all()]


def _in_native_order(value: List | SortedSet, start: int, stop: int, descending: bool) -> list[bytes]:
    """The elements of a window as they stand, or from the end; no others are looked at."""
    if descending:
        size = len(value)
        start, stop = size - stop, size - start
    if isinstance(value, List):
        window = value.between(start, stop)
    else:
        window = [member for _, member in value.between(start, stop)]
    if descending:
        window.reverse()
    return window


def _by_text(db: Database, elements: list[bytes], by: _Pattern | None, options: _Options) -> list[bytes]:
    """Elements without a text to compare come first."""
    whole = options.store is not None
    keyed: list[tuple[bool, bytes, bytes]] = []
    for element in elements:
        text = element if by is None else by.value(db, element)
        if text is None:
            keyed.append((False, b"", element))
        else:
            keyed.append((True, text if whole else text.split(b"\0", 1)[0], element))
    keyed.sort(key=_presence_and_text, reverse=options.descending)
    return [element for _, _, element in keyed]


def _presence_and_text(keyed: tuple[bool, bytes, bytes]) -> tuple[bool, bytes]:
    return keyed[0], keyed[1]


def _by_weight(
    db: Database, elements: list[bytes], by: _Pattern | None, descending: bool
) -> list[bytes] | Error:
    """Elements of equal weight stand in the order of their bytes; one without a weight weighs 0."""
    keyed: list[tuple[float, bytes]] = []
    for element in elements:
        text = element if by is None else by.value(db, element)
        weight = 0.0 if text is None else _weight(text)
        if weight is None:
            return _NOT_NUMBERS
        keyed.append((weight, element))
    keyed.sort(reverse=descending)
    return [element for _, element in keyed]


def _weight(text: bytes) -> float | None:
    """A number as C reads it: after spaces, up to a zero byte; nothing at all is 0."""
    text = text.split(b"\0", 1)[0]
    if not text:
        return 0.0
    weight = parse_float(text.lstrip(_SPACES))
    return None if weight is not None and 0.0 < abs(weight) < _NORMAL_MIN else weight


def _sort_keys(args: list[bytes]) -> list[int]:
    """The key to sort, and the last destination. Patterns name keys that only the content tells."""
    found = [1]
    i = 2
    while i < len(args):
        option = args[i].upper()
        if option == b"LIMIT":
            i += 2
        elif option in (b"GET", b"BY"):
            i += 1
        elif option == b"STORE" and i + 1 < len(args):
            found[1:] = [i + 1]
        i += 1
    return found


def _sort_ro_keys(args: list[bytes]) -> list[int]:
    """The key to sort."""
    return [1]


@command(
    "sort",
    arity=-2,
    flags=Flag.WRITE | Flag.DENYOOM,
    keys=(1, 1, 1),
    key_finder=_sort_keys,
    group="generic",
    summary="Sorts the elements of a list, a set or a sorted set; may store the result.",
    since="1.0.0",
    complexity="O(N*log(N)), N elements",
)
def sort(context: Context, args: list[bytes]) -> Reply:
    """SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE key]."""
    return _sort(context, args, read_only=False)


@command(
    "sort_ro",
    arity=-2,
    flags=Flag.READONLY,
    keys=(1, 1, 1),
    key_finder=_sort_ro_keys,
    group="generic",
    summary="Sorts the elements of a list, a set or a sorted set.",
    since="7.0.0",
    complexity="O(N*log(N)), N elements",
)
def sort_ro(context: Context, args: list[bytes]) -> Reply:
    """SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA]."""
    return _sort(context, args, read_only=True)
