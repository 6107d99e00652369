"""COMMAND and its subcommands: the table, told to clients.

Everything is read from the rows. Where redis-server 7.0 puts a command into a
category that neither its flags nor its group say, ``_EXTRA_CATEGORIES`` adds it.
"""

from typing import Final

from trivet.core.command.arguments import PATTERN_TOO_LONG, SYNTAX, unknown_subcommand
from trivet.core.command.lookup import keys_of, needs_subcommand
from trivet.core.command.table import ROWS, SUBROWS, Flag, Row
from trivet.core.values.glob import PATTERN_BYTES_MAX, Glob
from trivet.core.wire.reply import Error, Members, Reply, Simple

_GROUP_CATEGORIES: Final = {
    "string": "string",
    "hash": "hash",
    "list": "list",
    "set": "set",
    "sorted-set": "sortedset",
    "stream": "stream",
    "bitmap": "bitmap",
    "hyperloglog": "hyperloglog",
    "geo": "geo",
    "generic": "keyspace",
    "connection": "connection",
    "transactions": "transaction",
    "scripting": "scripting",
}
_EXTRA_CATEGORIES: Final = {
    "keys": ("dangerous",),
    "restore": ("dangerous",),
    "sort": ("set", "sortedset", "list", "dangerous"),
    "sort_ro": ("set", "sortedset", "list", "dangerous"),
    "dbsize": ("keyspace",),
    "flushdb": ("keyspace", "dangerous"),
    "flushall": ("keyspace", "dangerous"),
    "swapdb": ("keyspace", "dangerous"),
    "info": ("dangerous",),
    "role": ("admin", "dangerous"),
    "lastsave": ("admin", "dangerous"),
    "wait": ("connection",),
    "waitaof": ("connection",),
    "readonly": ("connection",),
    "readwrite": ("connection",),
    "asking": ("connection",),
    "command": ("connection",),
}
_NOT_IN_GROUP_CATEGORY: Final = (
    "wait", "waitaof", "client", "object", "sort", "sort_ro", "xgroup", "xinfo", "script", "function",
)  # fmt: skip

_INVALID_COMMAND: Final = Error("ERR Invalid command specified")
_INVALID_COUNT: Final = Error("ERR Invalid number of arguments specified for command")
_INVALID_ARGUMENTS: Final = Error("ERR Invalid arguments specified for command")
_NO_KEYS: Final = Error("ERR The command has no key arguments")
_HELP: Final = (
    "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "(no subcommand)",
    "    Arity, flags and key positions of all commands.",
    "COUNT",
    "    How many commands there are.",
    "DOCS [<command-name> ...]",
    "    What commands do, in words.",
    "GETKEYS <full-command>",
    "    The keys in a whole command.",
    "INFO [<command-name> ...]",
    "    Arity, flags and key positions of some commands.",
    "LIST [FILTERBY ACLCAT <category> | PATTERN <pattern> | MODULE <module>]",
    "    The names of the commands.",
    "HELP",
    "    This text.",
)


def answer_command(args: list[bytes]) -> Reply:
    """The reply to ``COMMAND ...``; arity is already checked."""
    if len(args) == 1:
        return [_describe(row) for row in ROWS.values()]
    subcommand = args[1].upper()
    if subcommand == b"COUNT":
        return len(ROWS)
    if subcommand == b"INFO":
        return _info(args[2:])
    if subcommand == b"DOCS":
        return _docs(args[2:])
    if subcommand == b"LIST":
        return _list(args[2:])
    if subcommand == b"GETKEYS":
        return _get_keys(args[2:])
    if subcommand == b"HELP":
        return [Simple(line) for line in _HELP]
    return unknown_subcommand(args[0], args[1])


def flag_names(row: Row) -> list[str]:
    """The flags as COMMAND INFO names them. A container has none: its subcommands do."""
    if needs_subcommand(row) and "|" not in row.name and row.name != "command":
        return []
    names = [flag.name.lower() for flag in Flag if flag.name is not None and flag in row.flags]
    if row.key_finder is not None and Flag.MOVABLEKEYS not in row.flags:
        names.append("movablekeys")
    return names


def categories(row: Row) -> list[str]:
    """The ACL categories, without the ``@``."""
    name = row.name.split("|")[0]
    flags = Flag(0) if row.name == name and not flag_names(row) else row.flags
    found: list[str] = []
    if Flag.WRITE in flags:
        found.append("write")
    if Flag.READONLY in flags and row.group != "scripting":
        found.append("read")
    if Flag.ADMIN in flags:
        found += ["admin", "dangerous"]
    if Flag.PUBSUB in flags:
        found.append("pubsub")
    if Flag.BLOCKING in flags:
        found.append("blocking")
    found.append("fast" if Flag.FAST in flags else "slow")
    group = _GROUP_CATEGORIES.get(row.group)
    if group is not None and row.name not in _NOT_IN_GROUP_CATEGORY:
        found.append(group)
    found += [extra for extra in _EXTRA_CATEGORIES.get(name, ()) if extra not in found]
    return found


def _describe(row: Row) -> Reply:
    """Name, arity, flags, first key, last key, step, categories, tips, key specifications, subcommands."""
    flags: list[Reply] = [Simple(name) for name in flag_names(row)]
    groups: list[Reply] = [Simple("@" + name) for name in categories(row)]
    subrows: list[Reply] = []
    if "|" not in row.name:
        subrows = [_describe(subrow) for subrow in SUBROWS.get(row.name.upper().encode(), {}).values()]
    return [
        row.name.encode(),
        row.arity,
        Members(flags),
        row.first_key,
        row.last_key,
        row.key_step,
        Members(groups),
        Members([]),
        Members(_key_specifications(row)),
        Members(subrows),
    ]


def _key_specifications(row: Row) -> list[Reply]:
    """Where the keys are, in the form of Redis 7: one range that starts at a fixed index, or unknown."""
    if row.first_key == 0:
        return []
    access: list[Reply] = [Simple("RW")] if Flag.WRITE in row.flags else [Simple("RO"), Simple("access")]
    last = row.last_key - row.first_key if row.last_key >= 0 else row.last_key
    found: dict[bytes, Reply] = {
        b"type": b"range",
        b"spec": {b"lastkey": last, b"keystep": row.key_step, b"limit": 0},
    }
    if row.key_finder is not None:
        found = {b"type": b"unknown", b"spec": {}}
    return [
        {
            b"flags": Members(access),
            b"begin_search": {b"type": b"index", b"spec": {b"index": row.first_key}},
            b"find_keys": found,
        }
    ]


def _row_named(name: bytes) -> Row | None:
    """The row of ``name`` or ``container|name``."""
    container, _, subcommand = name.upper().partition(b"|")
    if subcommand:
        return SUBROWS.get(container, {}).get(subcommand)
    return ROWS.get(container)


def _info(names: list[bytes]) -> Reply:
    if not names:
        return [_describe(row) for row in ROWS.values()]
    rows = [_row_named(name) for name in names]
    return [None if row is None else _describe(row) for row in rows]


def _docs(names: list[bytes]) -> Reply:
    rows = (
        list(ROWS.values()) if not names else [row for name in names if (row := _row_named(name)) is not None]
    )
    return {row.name.encode(): _document(row) for row in rows}


def _document(row: Row) -> Reply:
    document: dict[bytes, Reply] = {
        b"summary": row.summary.encode(),
        b"since": row.since.encode(),
        b"group": row.group.encode(),
        b"complexity": row.complexity.encode(),
    }
    if needs_subcommand(row) and "|" not in row.name:
        subrows = SUBROWS[row.name.upper().encode()].values()
        document[b"subcommands"] = {subrow.name.encode(): _document(subrow) for subrow in subrows}
    return document


def _list(args: list[bytes]) -> Reply:
    everything = list(ROWS.values())
    for subrows in SUBROWS.values():
        everything += subrows.values()
    if not args:
        return [row.name.encode() for row in everything if "|" not in row.name]
    if len(args) != 3 or args[0].upper() != b"FILTERBY":
        return SYNTAX
    kind = args[1].upper()
    if kind == b"MODULE":
        return []
    if kind == b"ACLCAT":
        category = args[2].decode("latin-1").lower()
        return [row.name.encode() for row in everything if category in categories(row)]
    if kind == b"PATTERN":
        if len(args[2]) > PATTERN_BYTES_MAX:
            return PATTERN_TOO_LONG
        matches = Glob(args[2].lower()).matches
        return [row.name.encode() for row in everything if matches(row.name.encode())]
    return SYNTAX


def _get_keys(request: list[bytes]) -> Reply:
    row = ROWS.get(request[0].upper())
    if row is not None and len(request) > 1 and needs_subcommand(row):
        row = SUBROWS[request[0].upper()].get(request[1].upper())
    if row is None:
        return _INVALID_COMMAND
    if (row.first_key == 0 and row.key_finder is None) or Flag.PUBSUB in row.flags:
        return _NO_KEYS  # sharded channels have the place of keys and are none
    if len(request) != row.arity and (row.arity > 0 or len(request) < -row.arity):
        return _INVALID_COUNT
    keys: list[Reply] = [*keys_of(row, request)]
    return keys or (_NO_KEYS if row.key_finder is None else _INVALID_ARGUMENTS)
