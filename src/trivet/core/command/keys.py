"""Keys of any type: existence, renaming, copying, walking. Their expiry is in ``keys_expiry``."""

from typing import Final

from trivet.core.command.arguments import (
    INVALID_CURSOR,
    NO_SUCH_KEY,
    NOT_AN_INTEGER,
    PATTERN_TOO_LONG,
    SYNTAX,
)
from trivet.core.command.events import GENERIC
from trivet.core.command.table import Context, Flag, command
from trivet.core.values.database import Database
from trivet.core.values.databases import DATABASES_MAX
from trivet.core.values.glob import PATTERN_BYTES_MAX, Glob
from trivet.core.values.hash_value import Hash
from trivet.core.values.list_value import List
from trivet.core.values.numbers import parse_cursor, parse_int
from trivet.core.values.set_value import Set
from trivet.core.values.stream import Stream
from trivet.core.values.types import Value
from trivet.core.wire.reply import OK, Error, Reply, Simple

_READ: Final = Flag.READONLY
_WRITE: Final = Flag.WRITE
_FAST: Final = Flag.FAST
_ONE: Final = (1, 1, 1)
_ALL: Final = (1, -1, 1)
_INT32_MAX: Final = 2**31 - 1

_SAME_OBJECT: Final = Error("ERR source and destination objects are the same")
_NO_SUCH_DATABASE: Final = Error("ERR DB index is out of range")
_NOT_AN_INT32: Final = Error(
    f"ERR value is out of range, value must between {-_INT32_MAX - 1} and {_INT32_MAX}"
)


def type_name(value: Value) -> str:
    """The name that TYPE gives."""
    if isinstance(value, bytes):
        return "string"
    if isinstance(value, Hash):
        return "hash"
    if isinstance(value, List):
        return "list"
    if isinstance(value, Set):
        return "set"
    if isinstance(value, Stream):
        return "stream"
    return "zset"


def copy_of(value: Value) -> Value:
    """A value that shares nothing mutable with the old one."""
    return value if isinstance(value, bytes) else value.copy()


# Existence


@command(
    "del",
    arity=-2,
    flags=_WRITE,
    keys=_ALL,
    group="generic",
    summary="Removes keys.",
    since="1.0.0",
    complexity="O(N), N keys",
)
def delete(context: Context, args: list[bytes]) -> Reply:
    """DEL key [key ...]."""
    remove = context.db.remove
    if context.notifies:
        return _delete_and_tell(context, args[1:])
    if len(args) == 2:
        return 1 if remove(args[1]) else 0
    return sum(1 for key in args[1:] if remove(key))


def _delete_and_tell(context: Context, keys: list[bytes]) -> int:
    removed = 0
    for key in keys:
        if context.db.remove(key):
            context.notify(GENERIC, b"del", key)
            removed += 1
    return removed


@command(
    "unlink",
    arity=-2,
    flags=_WRITE | _FAST,
    keys=_ALL,
    group="generic",
    summary="Removes keys, as DEL does.",
    since="4.0.0",
    complexity="O(N), N keys",
)
def unlink(context: Context, args: list[bytes]) -> Reply:
    """UNLINK key [key ...]."""
    return delete(context, args)


@command(
    "exists",
    arity=-2,
    flags=_READ | _FAST,
    keys=_ALL,
    group="generic",
    summary="Counts the keys that are there; a key named twice counts twice.",
    since="1.0.0",
    complexity="O(N), N keys",
)
def exists(context: Context, args: list[bytes]) -> Reply:
    """EXISTS key [key ...]."""
    there = context.db.exists
    return sum(1 for key in args[1:] if there(key))


@command(
    "touch",
    arity=-2,
    flags=_READ | _FAST,
    keys=_ALL,
    group="generic",
    summary="Counts the keys that are there; they count as used.",
    since="3.2.1",
    complexity="O(N), N keys",
)
def touch(context: Context, args: list[bytes]) -> Reply:
    """TOUCH key [key ...]."""
    return exists(context, args)


@command(
    "type",
    arity=2,
    flags=_READ | _FAST,
    keys=_ONE,
    group="generic",
    summary="Names the type of the value at a key.",
    since="1.0.0",
    complexity="O(1)",
)
def type_(context: Context, args: list[bytes]) -> Reply:
    """TYPE key."""
    value = context.db.get(args[1])
    return Simple("none" if value is None else type_name(value))


# Moving and copying


def _place(database: Database, key: bytes, value: Value, deadline_ms: int) -> None:
    """Put a value with its deadline (-1: none) at ``key``; whatever was there goes first, it is a new key."""
    database.remove(key)
    database.set(key, value)
    database.adopt(key, value)
    if deadline_ms != -1:
        database.expire_at(key, deadline_ms)


def _rename(context: Context, args: list[bytes], only_missing: bool) -> bool | Error:
    """Whether the key was renamed."""
    db, source, target = context.db, args[1], args[2]
    value = db.get(source)
    if value is None:
        return NO_SUCH_KEY
    if source == target:
        return not only_missing
    if only_missing and db.exists(target):
        return False
    deadline_ms = db.deadline_ms(source)
    db.remove(source)
    _place(db, target, value, deadline_ms)
    if context.notifies:
        context.notify(GENERIC, b"rename_from", source)
        context.notify(GENERIC, b"rename_to", target)
    return True


@command(
    "rename",
    arity=3,
    flags=_WRITE,
    keys=(1, 2, 1),
    group="generic",
    summary="Renames a key, whatever has the new name.",
    since="1.0.0",
    complexity="O(1)",
)
def rename(context: Context, args: list[bytes]) -> Reply:
    """RENAME key newkey."""
    renamed = _rename(context, args, only_missing=False)
    return renamed if isinstance(renamed, Error) else OK


@command(
    "renamenx",
    arity=3,
    flags=_WRITE | _FAST,
    keys=(1, 2, 1),
    group="generic",
    summary="Renames a key if nothing has the new name.",
    since="1.0.0",
    complexity="O(1)",
)
def renamenx(context: Context, args: list[bytes]) -> Reply:
    """RENAMENX key newkey."""
    renamed = _rename(context, args, only_missing=True)
    return renamed if isinstance(renamed, Error) else int(renamed)


def _database_index(data: bytes) -> int | Error:
    """The number of a database, from an argument."""
    index = parse_int(data)
    if index is None:
        return NOT_AN_INTEGER
    if not -_INT32_MAX - 1 <= index <= _INT32_MAX:
        return _NOT_AN_INT32
    return index if 0 <= index < DATABASES_MAX else _NO_SUCH_DATABASE


@command(
    "copy",
    arity=-3,
    flags=_WRITE | Flag.DENYOOM,
    keys=(1, 2, 1),
    group="generic",
    summary="Copies a value to another key, also of another database.",
    since="6.2.0",
    complexity="O(N), N elements",
)
def copy(context: Context, args: list[bytes]) -> Reply:
    """COPY source destination [DB index] [REPLACE]."""
    index, replace, i = context.db_index, False, 3
    while i < len(args):
        option = args[i].upper()
        if option == b"REPLACE":
            replace = True
        elif option == b"DB" and i + 1 < len(args):
            chosen = _database_index(args[i + 1])
            if isinstance(chosen, Error):
                return chosen
            index = chosen
            i += 1
        else:
            return SYNTAX
        i += 1
    source, target = args[1], args[2]
    if index == context.db_index and source == target:
        return _SAME_OBJECT
    value = context.db.get(source)
    if value is None:
        return 0
    database = context.databases.open(index)
    if not replace and database.exists(target):
        return 0
    _place(database, target, copy_of(value), context.db.deadline_ms(source))
    if context.notifies:
        context.notify(GENERIC, b"copy_to", target, index)
    return 1


@command(
    "move",
    arity=3,
    flags=_WRITE | _FAST,
    keys=_ONE,
    group="generic",
    summary="Moves a key to another database.",
    since="1.0.0",
    complexity="O(1)",
)
def move(context: Context, args: list[bytes]) -> Reply:
    """MOVE key db."""
    index = _database_index(args[2])
    if isinstance(index, Error):
        return index
    if index == context.db_index:
        return _SAME_OBJECT
    db, key = context.db, args[1]
    value = db.get(key)
    database = context.databases.open(index)
    if value is None or database.exists(key):
        return 0
    deadline_ms = db.deadline_ms(key)
    db.remove(key)
    _place(database, key, value, deadline_ms)
    if context.notifies:
        context.notify(GENERIC, b"move_from", key)
        context.notify(GENERIC, b"move_to", key, index)
    return 1


# Walking


@command(
    "keys",
    arity=2,
    flags=_READ,
    group="generic",
    summary="Gives all keys that match a pattern.",
    since="1.0.0",
    complexity="O(N), N keys held",
)
def keys(context: Context, args: list[bytes]) -> Reply:
    """KEYS pattern."""
    if len(args[1]) > PATTERN_BYTES_MAX:
        return PATTERN_TOO_LONG
    matches = Glob(args[1]).matches
    present = context.db.keys()
    return [key for key in present if matches(key)]


@command(
    "randomkey",
    arity=1,
    flags=_READ,
    group="generic",
    summary="Gives some key.",
    since="1.0.0",
    complexity="O(1)",
)
def randomkey(context: Context, args: list[bytes]) -> Reply:
    """RANDOMKEY."""
    return context.db.random_key(context.prng)


class ScanOptions:
    """The options of SCAN and its relatives, read."""

    __slots__ = ("count", "glob", "type_name")

    def __init__(self) -> None:
        self.count = 10
        self.glob: Glob | None = None
        self.type_name = ""


def scan_options(args: list[bytes], start: int, with_type: bool) -> ScanOptions | Error:
    """Read MATCH, COUNT and, for SCAN itself, TYPE from ``args[start:]``."""
    options = ScanOptions()
    pattern: bytes | None = None
    for i in range(start, len(args), 2):
        option = args[i].upper()
        if i + 1 == len(args):
            return SYNTAX
        if option == b"COUNT":
            count = parse_int(args[i + 1])
            if count is None:
                return NOT_AN_INTEGER
            if count < 1:
                return SYNTAX
            options.count = count
        elif option == b"MATCH":
            pattern = args[i + 1]
        elif option == b"TYPE" and with_type:
            options.type_name = args[i + 1].decode("latin-1").lower()
        else:
            return SYNTAX
    if pattern is not None:
        if len(pattern) > PATTERN_BYTES_MAX:
            return PATTERN_TOO_LONG
        options.glob = Glob(pattern)
    return options


@command(
    "scan",
    arity=-2,
    flags=_READ,
    group="generic",
    summary="Walks over the keys, some per call.",
    since="2.8.0",
    complexity="O(1) per call, O(N) for a whole walk over N keys",
)
def scan(context: Context, args: list[bytes]) -> Reply:
    """SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]."""
    cursor = parse_cursor(args[1])
    if cursor is None:
        return INVALID_CURSOR
    options = scan_options(args, 2, with_type=True)
    if isinstance(options, Error):
        return options
    db, glob = context.db, options.glob
    following, found = db.scan(cursor, options.count)
    if glob is not None:
        found = [key for key in found if glob.matches(key)]
    if options.type_name:
        found = [key for key in found if _has_type(db, key, options.type_name)]
    replies: list[Reply] = [*found]
    return [b"%d" % following, replies]


def _has_type(db: Database, key: bytes, name: str) -> bool:
    value = db.get(key)
    return value is not None and type_name(value) == name
