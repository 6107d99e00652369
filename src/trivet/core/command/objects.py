"""OBJECT: what a value looks like inside, as far as it means anything here.

Encodings are named as Redis would choose them for the same content, because
clients print them; they do not describe our containers.
"""

from typing import Final

from trivet.core.command.arguments import unknown_subcommand, wrong_arity
from trivet.core.command.table import SUBROWS, Context, Flag, command
from trivet.core.values.hash_value import Hash
from trivet.core.values.list_value import List
from trivet.core.values.numbers import parse_int
from trivet.core.values.set_value import Set
from trivet.core.values.stream import Stream
from trivet.core.values.types import Value
from trivet.core.wire.reply import Error, Reply, Simple

_KEY: Final = (2, 2, 1)
_SMALL_ELEMENTS_MAX: Final = 128
_SMALL_HASH_FIELDS_MAX: Final = 512
_SMALL_BYTES_MAX: Final = 64
_INTEGER_SET_MAX: Final = 512
_EMBEDDED_BYTES_MAX: Final = 44
_SHARED: Final = 2**31 - 1
"""What Redis answers for the references to a small integer (0 to 9,999): all keys share one object."""

_NO_FREQUENCIES: Final = Error(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when"
    " switching between policies at runtime LRU and LFU data will take some time to adjust."
)
_NO_TIMES: Final = Error(
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching"
    " between policies at runtime LRU and LFU data will take some time to adjust."
)
_HELP: Final = (
    "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ENCODING <key>",
    "    How Redis would hold the value of <key>.",
    "FREQ <key>",
    "    How often this node saw it used, on a logarithmic scale; kept with maxmemory and an LFU policy.",
    "IDLETIME <key>",
    "    Seconds since this node saw it used; kept with maxmemory and an LRU policy, else 0.",
    "REFCOUNT <key>",
    "    1, but for small integers, of which Redis has one object for all.",
    "HELP",
    "    This text.",
)


def _object_keys(args: list[bytes]) -> list[int]:
    """The container's keys are its subcommand's."""
    row = SUBROWS[b"OBJECT"].get(args[1].upper())
    return [row.first_key] if row is not None and row.first_key and len(args) == row.arity else []


@command(
    "object",
    arity=-2,
    flags=Flag.READONLY,
    group="generic",
    key_finder=_object_keys,
    summary="Holds subcommands about the insides of values.",
    since="2.2.3",
    complexity="By subcommand.",
)
def object_(context: Context, args: list[bytes]) -> Reply:
    """OBJECT subcommand [argument ...]."""
    row = SUBROWS[b"OBJECT"].get(args[1].upper())
    if row is None or row.run is None:
        return unknown_subcommand(args[0], args[1])
    if len(args) != row.arity:
        return wrong_arity(row.name)
    return row.run(context, args)


@command(
    "object|encoding",
    arity=3,
    flags=Flag.READONLY,
    keys=_KEY,
    group="generic",
    summary="Names how Redis would hold the value.",
    since="2.2.3",
    complexity="O(1)",
)
def encoding(context: Context, args: list[bytes]) -> Reply:
    """OBJECT ENCODING key."""
    value = context.db.get(args[2])
    return None if value is None else encoding_of(value)


@command(
    "object|refcount",
    arity=3,
    flags=Flag.READONLY,
    keys=_KEY,
    group="generic",
    summary="Tells how many references Redis would have to the value.",
    since="2.2.3",
    complexity="O(1)",
)
def refcount(context: Context, args: list[bytes]) -> Reply:
    """OBJECT REFCOUNT key."""
    value = context.db.get(args[2])
    if isinstance(value, bytes) and len(value) <= 4 and parse_int(value) is not None and value[0] != 0x2D:
        return _SHARED
    return None if value is None else 1


@command(
    "object|idletime",
    arity=3,
    flags=Flag.READONLY,
    keys=_KEY,
    group="generic",
    summary="Tells how long the value was not used, if a policy asks for it.",
    since="2.2.3",
    complexity="O(1)",
)
def idletime(context: Context, args: list[bytes]) -> Reply:
    """OBJECT IDLETIME key."""
    if not context.db.exists(args[2]):
        return None
    uses = context.uses
    if uses is None:
        return 0
    idle_s = uses.idle_s(context.db, args[2], context.now_ms)
    if idle_s is None:
        return 0 if uses.frequency(context.db, args[2], context.now_ms) is None else _NO_TIMES
    return idle_s


@command(
    "object|freq",
    arity=3,
    flags=Flag.READONLY,
    keys=_KEY,
    group="generic",
    summary="Tells how often the value is used, if a policy asks for it.",
    since="4.0.0",
    complexity="O(1)",
)
def freq(context: Context, args: list[bytes]) -> Reply:
    """OBJECT FREQ key."""
    if not context.db.exists(args[2]):
        return None
    count = None if context.uses is None else context.uses.frequency(context.db, args[2], context.now_ms)
    return _NO_FREQUENCIES if count is None else count


@command(
    "object|help",
    arity=2,
    flags=Flag.LOADING | Flag.STALE,
    group="generic",
    summary="Lists the subcommands.",
    since="6.2.0",
    complexity="O(1)",
)
def help_(context: Context, args: list[bytes]) -> Reply:
    """OBJECT HELP."""
    return [Simple(line) for line in _HELP]


def encoding_of(value: Value) -> bytes:
    """The encoding that redis-server 7.0 would choose for such a value, built anew."""
    if isinstance(value, bytes):
        if parse_int(value) is not None:
            return b"int"
        return b"embstr" if len(value) <= _EMBEDDED_BYTES_MAX else b"raw"
    if isinstance(value, List):
        return b"quicklist"
    if isinstance(value, Hash):
        small = len(value) <= _SMALL_HASH_FIELDS_MAX and all(
            len(field) <= _SMALL_BYTES_MAX and len(content) <= _SMALL_BYTES_MAX
            for field, content in value.items()
        )
        return b"listpack" if small else b"hashtable"
    if isinstance(value, Set):
        integers = len(value) <= _INTEGER_SET_MAX and all(parse_int(member) is not None for member in value)
        return b"intset" if integers else b"hashtable"
    if isinstance(value, Stream):
        return b"stream"
    small = len(value) <= _SMALL_ELEMENTS_MAX and all(
        len(member) <= _SMALL_BYTES_MAX for member, _ in value.items()
    )
    return b"listpack" if small else b"skiplist"
