"""``MEMORY``: about how much keys take. See ``values/sizes`` for how that is estimated."""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX, unknown_subcommand, wrong_arity
from trivet.core.command.table import SUBROWS, Context, Flag, command
from trivet.core.values.numbers import parse_int
from trivet.core.values.sizes import BASE_BYTES, item_bytes, sampled_bytes
from trivet.core.wire.reply import OK, Reply, Simple, Verbatim

_SAMPLES: Final = 5
_SAMPLES_MAX: Final = 1 << 20
_HELP: Final = (
    "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DOCTOR",
    "    In words, how the memory is used.",
    "MALLOC-STATS",
    "    Nothing: the interpreter's allocator keeps no such figures.",
    "PURGE",
    "    Accepted, without effect.",
    "STATS",
    "    In figures, how the memory is used.",
    "USAGE <key> [SAMPLES <count>]",
    "    The bytes of a key and its value. Of a collection so many elements stand for all (0: all are looked"
    " at).",
    "HELP",
    "    This text.",
)


def _memory_keys(args: list[bytes]) -> list[int]:
    return [2] if args[1].upper() == b"USAGE" and len(args) > 2 else []


@command(
    "memory",
    arity=-2,
    flags=Flag(0),
    group="server",
    key_finder=_memory_keys,
    summary="Holds subcommands about memory.",
    since="4.0.0",
    complexity="By subcommand.",
)
def memory(context: Context, args: list[bytes]) -> Reply:
    """MEMORY subcommand [argument ...]."""
    row = SUBROWS[b"MEMORY"].get(args[1].upper())
    if row is None or row.run is None:
        return unknown_subcommand(args[0], args[1])
    if len(args) != row.arity and (row.arity > 0 or len(args) < -row.arity):
        return wrong_arity(row.name)
    return row.run(context, args)


@command(
    "memory|usage",
    arity=-3,
    flags=Flag.READONLY,
    keys=(2, 2, 1),
    group="server",
    summary="Estimates the memory of a key.",
    since="4.0.0",
    complexity="O(N), N samples",
)
def usage(context: Context, args: list[bytes]) -> Reply:
    """MEMORY USAGE key [SAMPLES count]."""
    samples = _SAMPLES
    at = 3
    while at < len(args):
        if args[at].upper() != b"SAMPLES" or at + 1 == len(args):
            return SYNTAX
        count = parse_int(args[at + 1])
        if count is None:
            return NOT_AN_INTEGER
        if count < 0:
            return SYNTAX
        samples = 0 if count == 0 else min(count, _SAMPLES_MAX)
        at += 2
    value = context.db.get(args[2])
    if value is None:
        return None
    return item_bytes(args[2], value, context.db.deadline_ms(args[2]) >= 0, samples)


@command(
    "memory|stats",
    arity=2,
    flags=Flag(0),
    group="server",
    summary="Tells figures about memory.",
    since="4.0.0",
    complexity="O(1)",
)
def stats(context: Context, args: list[bytes]) -> Reply:
    """MEMORY STATS."""
    total = sampled_bytes(context.databases)
    keys = context.databases.key_count()
    dataset = total - BASE_BYTES
    figures: dict[bytes, Reply] = {
        b"peak.allocated": total,
        b"total.allocated": total,
        b"startup.allocated": BASE_BYTES,
        b"replication.backlog": 0,
        b"clients.slaves": 0,
        b"clients.normal": 0,
        b"cluster.links": 0,
        b"aof.buffer": 0,
        b"lua.caches": 0,
        b"functions.caches": 0,
        b"overhead.total": BASE_BYTES,
        b"keys.count": keys,
        b"keys.bytes-per-key": dataset // keys if keys else 0,
        b"dataset.bytes": dataset,
        b"dataset.percentage": 100.0 * dataset / total,
        b"peak.percentage": 100.0,
        b"fragmentation": 1.0,
        b"fragmentation.bytes": 0,
    }
    return figures


@command(
    "memory|doctor",
    arity=2,
    flags=Flag(0),
    group="server",
    summary="Tells about memory in words.",
    since="4.0.0",
    complexity="O(1)",
)
def doctor(context: Context, args: list[bytes]) -> Reply:
    """MEMORY DOCTOR."""
    keys = context.databases.key_count()
    total = sampled_bytes(context.databases)
    text = f"{keys} keys take about {total} bytes, the base of {BASE_BYTES} included. Nothing is wrong.\n"
    return Verbatim("txt", text.encode())


@command(
    "memory|malloc-stats",
    arity=2,
    flags=Flag(0),
    group="server",
    summary="Would tell the allocator's figures.",
    since="4.0.0",
    complexity="O(1)",
)
def malloc_stats(context: Context, args: list[bytes]) -> Reply:
    """MEMORY MALLOC-STATS."""
    return Verbatim("txt", b"Stats not supported for the current allocator")


@command(
    "memory|purge",
    arity=2,
    flags=Flag(0),
    group="server",
    summary="Would ask the allocator to give memory back.",
    since="4.0.0",
    complexity="O(1)",
)
def purge(context: Context, args: list[bytes]) -> Reply:
    """MEMORY PURGE."""
    return OK


@command(
    "memory|help",
    arity=2,
    flags=Flag.LOADING | Flag.STALE,
    group="server",
    summary="Lists the subcommands.",
    since="4.0.0",
    complexity="O(1)",
)
def help_(context: Context, args: list[bytes]) -> Reply:
    """MEMORY HELP."""
    return [Simple(line) for line in _HELP]
