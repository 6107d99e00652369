"""SCRIPT and its subcommands: the store of scripts."""

from typing import Final

from trivet.core.command.arguments import unknown_subcommand
from trivet.core.command.lookup import find_row
from trivet.core.command.table import SUBROWS, Context, Flag, command
from trivet.core.script.eval_rows import compiled
from trivet.core.script.scripts import scripts_of, sha1_of
from trivet.core.wire.reply import OK, Error, Reply, Simple

FULL: Final = Error("ERR the script cache is full of loaded scripts: SCRIPT FLUSH empties it")
NOT_BUSY: Final = Error("NOTBUSY No scripts in execution right now.")
_NO_DEBUGGER: Final = Error(
    "ERR there is no script debugger here: replicas run scripts when they apply the log"
)
_HELP: Final = (
    "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DEBUG NO",
    "    Accepted; there is no debugger to turn on.",
    "EXISTS <sha1> [<sha1> ...]",
    "    Whether the scripts are in the cache.",
    "FLUSH [ASYNC|SYNC]",
    "    Empties the cache.",
    "KILL",
    "    Stops a script that runs long and has written nothing.",
    "LOAD <script>",
    "    Puts a script into the cache without running it.",
    "HELP",
    "    This text.",
)


def run_subcommand(context: Context, args: list[bytes]) -> Reply:
    """Run the subcommand that a container's call names."""
    row = find_row(args)
    if isinstance(row, Error):
        return row
    if "|" not in row.name or row.run is None:
        return unknown_subcommand(args[0], args[1])
    return row.run(context, args)


@command(
    "script",
    arity=-2,
    flags=Flag(0),
    group="scripting",
    summary="Holds subcommands about scripts.",
    since="2.6.0",
    complexity="By subcommand.",
    logged=True,
)
def script(context: Context, args: list[bytes]) -> Reply:
    """SCRIPT subcommand [argument ...]."""
    assert b"SCRIPT" in SUBROWS
    return run_subcommand(context, args)


@command(
    "script|load",
    arity=3,
    flags=Flag.NOSCRIPT | Flag.STALE,
    group="scripting",
    summary="Puts a script into the cache.",
    since="2.6.0",
    complexity="O(N), N bytes",
)
def script_load(context: Context, args: list[bytes]) -> Reply:
    """SCRIPT LOAD script."""
    made = compiled(context, args[2])
    if isinstance(made, Error):
        return made
    sha = sha1_of(args[2])
    return sha if scripts_of(context).remember(sha, args[2], True) else FULL


@command(
    "script|exists",
    arity=-3,
    flags=Flag.NOSCRIPT,
    group="scripting",
    summary="Tells which scripts are in the cache.",
    since="2.6.0",
    complexity="O(N), N scripts",
)
def script_exists(context: Context, args: list[bytes]) -> Reply:
    """SCRIPT EXISTS sha1 [sha1 ...]."""
    scripts = scripts_of(context)
    return [int(scripts.script(sha.lower()) is not None) for sha in args[2:]]


@command(
    "script|flush",
    arity=-2,
    flags=Flag.NOSCRIPT,
    group="scripting",
    summary="Empties the cache of scripts.",
    since="2.6.0",
    complexity="O(1)",
)
def script_flush(context: Context, args: list[bytes]) -> Reply:
    """SCRIPT FLUSH [ASYNC | SYNC]."""
    if len(args) > 3 or (len(args) == 3 and args[2].upper() not in (b"ASYNC", b"SYNC")):
        return Error("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    scripts_of(context).forget_scripts()
    return OK


@command(
    "script|kill",
    arity=2,
    flags=Flag.NOSCRIPT | Flag.ALLOW_BUSY,
    group="scripting",
    summary="Stops a script that runs long and has written nothing.",
    since="2.6.0",
    complexity="O(1)",
)
def script_kill(context: Context, args: list[bytes]) -> Reply:
    """SCRIPT KILL."""
    return NOT_BUSY


@command(
    "script|debug",
    arity=3,
    flags=Flag.NOSCRIPT,
    group="scripting",
    summary="Would turn the debugger on; there is none.",
    since="3.2.0",
    complexity="O(1)",
)
def script_debug(context: Context, args: list[bytes]) -> Reply:
    """SCRIPT DEBUG YES | SYNC | NO."""
    mode = args[2].upper()
    if mode == b"NO":
        return OK
    return _NO_DEBUGGER if mode in (b"YES", b"SYNC") else Error("ERR Use SCRIPT DEBUG YES/SYNC/NO")


@command(
    "script|help",
    arity=2,
    flags=Flag.LOADING | Flag.STALE,
    group="scripting",
    summary="Lists the subcommands.",
    since="5.0.0",
    complexity="O(1)",
)
def script_help(context: Context, args: list[bytes]) -> Reply:
    """SCRIPT HELP."""
    return [Simple(line) for line in _HELP]
