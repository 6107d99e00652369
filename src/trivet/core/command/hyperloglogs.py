"""HyperLogLogs: about how many different elements there were, in at most 12 KiB.

The values are strings (``values.hyperloglog``), so a client may have written anything
there: the header is checked by every command, the rest where it is read. ``PFCOUNT``
changes nothing here, where redis-server notes the count in the value.
"""

from typing import Final

from trivet.core.command.arguments import printable, string_to_read
from trivet.core.command.events import STRING
from trivet.core.command.table import Context, Flag, command
from trivet.core.values import hyperloglog
from trivet.core.values.hyperloglog import is_dense, is_one, merged, with_elements
from trivet.core.values.hyperloglog_sparse import runs_as_text
from trivet.core.wire.reply import OK, Error, Reply, Simple

_GROW: Final = Flag.WRITE | Flag.DENYOOM
_NOT_ONE: Final = Error("WRONGTYPE Key is not a valid HyperLogLog string value.")
_CORRUPT: Final = Error("INVALIDOBJ Corrupted HLL object detected")
_NO_KEY: Final = Error("ERR The specified key does not exist")
_NOT_SPARSE: Final = Error("ERR HLL encoding is not sparse")
_SELF_TEST: Final = Error("ERR the registers of a HyperLogLog do not come back as they were set")
_SELF_TEST_ELEMENTS: Final = 1000


def _to_read(context: Context, key: bytes) -> bytes | Error | None:
    """The HyperLogLog at ``key``, None when missing, an error when something else is there."""
    value = string_to_read(context, key)
    return _NOT_ONE if isinstance(value, bytes) and not is_one(value) else value


def _all_to_read(context: Context, keys: list[bytes]) -> list[bytes] | Error:
    """Those of the HyperLogLogs that exist."""
    found: list[bytes] = []
    for key in keys:
        value = _to_read(context, key)
        if isinstance(value, Error):
            return value if hyperloglog.greatest(found) is not None else _CORRUPT  # the first fault decides
        if value is not None:
            found.append(value)
    return found


@command(
    "pfadd",
    arity=-2,
    flags=_GROW | Flag.FAST,
    keys=(1, 1, 1),
    group="hyperloglog",
    summary="Adds elements to a HyperLogLog and tells whether that changed it.",
    since="2.8.9",
    complexity="O(1) per element",
)
def pfadd(context: Context, args: list[bytes]) -> Reply:
    """PFADD key [element ...]."""
    value = _to_read(context, args[1])
    if isinstance(value, Error):
        return value
    old = hyperloglog.new() if value is None else value
    new = with_elements(old, args[2:])
    if new is None:
        return _CORRUPT
    if new is value:
        return 0
    context.db.replace(args[1], new)
    if context.notifies:
        context.notify(STRING, b"pfadd", args[1])
    return 1


@command(
    "pfcount",
    arity=-2,
    flags=Flag.READONLY,
    keys=(1, -1, 1),
    group="hyperloglog",
    summary="Estimates how many different elements HyperLogLogs together have seen.",
    since="2.8.9",
    complexity="O(N), N keys",
)
def pfcount(context: Context, args: list[bytes]) -> Reply:
    """PFCOUNT key [key ...]."""
    if len(args) == 2:
        value = _to_read(context, args[1])
        if value is None or isinstance(value, Error):
            return 0 if value is None else value
        count = hyperloglog.cardinality(value)
        return _CORRUPT if count is None else count
    found = _all_to_read(context, args[1:])
    if isinstance(found, Error):
        return found
    planes = hyperloglog.greatest(found)
    return _CORRUPT if planes is None else hyperloglog.cardinality_of_planes(planes)


@command(
    "pfmerge",
    arity=-2,
    flags=_GROW,
    keys=(1, -1, 1),
    group="hyperloglog",
    summary="Merges HyperLogLogs into one.",
    since="2.8.9",
    complexity="O(N), N keys",
)
def pfmerge(context: Context, args: list[bytes]) -> Reply:
    """PFMERGE destination [source ...]: what is at the destination takes part."""
    found = _all_to_read(context, args[1:])
    if isinstance(found, Error):
        return found
    destination = context.db.get(args[1])
    if isinstance(destination, bytes):
        result = merged(destination, found[1:])
    else:
        result = merged(hyperloglog.new(), found)
    if result is None:
        return _CORRUPT
    if result != destination:
        context.db.replace(args[1], result)
    if context.notifies:
        context.notify(STRING, b"pfadd", args[1])
    return OK


# For those who test


@command(
    "pfdebug",
    arity=3,
    flags=_GROW | Flag.ADMIN,
    keys=(2, 2, 1),
    group="hyperloglog",
    summary="Shows the inside of a HyperLogLog.",
    since="2.8.9",
    complexity="O(N), N bytes",
)
def pfdebug(context: Context, args: list[bytes]) -> Reply:
    """PFDEBUG GETREG | DECODE | ENCODING | TODENSE key."""
    value = _to_read(context, args[2])
    if value is None:
        return _NO_KEY
    if isinstance(value, Error):
        return value
    subcommand = args[1].upper()
    if subcommand == b"ENCODING":
        return Simple("dense" if is_dense(value) else "sparse")
    if subcommand == b"DECODE":
        return _NOT_SPARSE if is_dense(value) else runs_as_text(value)
    if subcommand not in (b"GETREG", b"TODENSE"):
        return Error(f"ERR Unknown PFDEBUG subcommand '{printable(args[1])}'")
    converted = not is_dense(value)
    if converted:
        dense = hyperloglog.to_dense(value)
        if dense is None:
            return _CORRUPT
        context.db.replace(args[2], dense)
        value = dense
    if subcommand == b"TODENSE":
        return 1 if converted else 0
    planes = hyperloglog.planes_of(value)
    assert planes is not None
    return list(hyperloglog.registers_of(planes))


@command(
    "pfselftest",
    arity=1,
    flags=Flag.ADMIN,
    group="hyperloglog",
    summary="Checks that both forms of a HyperLogLog agree.",
    since="2.8.9",
    complexity="O(1)",
)
def pfselftest(context: Context, args: list[bytes]) -> Reply:
    """PFSELFTEST: the same elements in the sparse and in the dense form."""
    elements = [b"ele:%d" % number for number in range(_SELF_TEST_ELEMENTS)]
    sparse = with_elements(hyperloglog.new(), elements)
    empty = hyperloglog.to_dense(hyperloglog.new())
    assert sparse is not None
    assert empty is not None
    dense = with_elements(empty, elements)
    return OK if dense is not None and hyperloglog.to_dense(sparse) == dense else _SELF_TEST
