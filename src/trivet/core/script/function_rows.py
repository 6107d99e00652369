"""FUNCTION and its subcommands, FCALL and FCALL_RO: libraries of functions.

A library's text is the state; it is loaded anew for every call, so a library keeps nothing in its
variables from one call to the next (Rule S1).
"""

from typing import Final

from trivet.core.command.arguments import PATTERN_TOO_LONG
from trivet.core.command.table import Context, Flag, command
from trivet.core.script.bridge import ScriptRun, time_error
from trivet.core.script.bytecode import Refused
from trivet.core.script.dump import BadDump, dump, load
from trivet.core.script.eval_rows import RO_REFUSES, placed, script_keys, split_keys
from trivet.core.script.script_rows import NOT_BUSY, run_subcommand
from trivet.core.script.scripts import Function, Library, Scripts, scripts_of
from trivet.core.script.shebang import read_library
from trivet.core.values.glob import PATTERN_BYTES_MAX, Glob
from trivet.core.wire.reply import OK, Error, Members, Reply, Simple

_CHUNK: Final = b"@user_function"
_BAD_KEYS: Final = Error("ERR Bad number of keys provided")
_FULL: Final = Error("ERR there is no room for another library of functions")
_WRITES: Final = Flag.WRITE | Flag.DENYOOM | Flag.NOSCRIPT
_CALL: Final = Flag.NOSCRIPT | Flag.STALE | Flag.SKIP_MONITOR | Flag.NO_MANDATORY_KEYS | Flag.MOVABLEKEYS
_HELP: Final = (
    "FUNCTION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "LOAD [REPLACE] <function code>",
    "    Adds a library.",
    "DELETE <library name>",
    "    Removes a library.",
    "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
    "    The libraries and their functions.",
    "STATS",
    "    Counts libraries and functions; shows the function that runs long.",
    "KILL",
    "    Stops a function that runs long and has written nothing.",
    "FLUSH [ASYNC|SYNC]",
    "    Removes all libraries.",
    "DUMP",
    "    All libraries as one value.",
    "RESTORE <payload> [FLUSH|APPEND|REPLACE]",
    "    Adds the libraries of such a value.",
    "HELP",
    "    This text.",
)


def read(context: Context, source: bytes) -> Library | Error:
    """Load a library to see what it registers; nothing is kept."""
    head = read_library(source)
    if isinstance(head, Error):
        return head
    name, body = head
    bytecode = scripts_of(context).bytecode
    try:
        code = bytecode.of(body, _CHUNK)
    except Refused as refused:
        return Error(f"ERR Error compiling function: {refused}")
    run = ScriptRun(context, bytecode, True)
    try:
        registered = run.load(code).reply
    finally:
        run.close()
    if isinstance(registered, Error):
        return Error(f"ERR Error registering functions: {registered.text}")
    assert isinstance(registered, list)
    if not registered:
        return Error("ERR No functions registered")
    return Library(name, source, [_function(item) for item in registered])


def _function(item: Reply) -> Function:
    assert isinstance(item, list)
    name, description, flags = item
    assert isinstance(name, bytes)
    assert isinstance(flags, bytes)
    return Function(
        name, description if isinstance(description, bytes) else None, flags.split(b",") if flags else []
    )


def _taken(scripts: Scripts, library: Library) -> Error | None:
    """A function of the library that another one has."""
    for function in library.functions:
        owner = scripts.owner_of(function.name)
        if owner is not None and owner.name != library.name:
            return Error(f"ERR Function {function.name.decode('latin-1')} already exists")
    return None


@command(
    "function",
    arity=-2,
    flags=Flag(0),
    group="scripting",
    summary="Holds subcommands about functions.",
    since="7.0.0",
    complexity="By subcommand.",
    logged=True,
)
def function(context: Context, args: list[bytes]) -> Reply:
    """FUNCTION subcommand [argument ...]."""
    return run_subcommand(context, args)


@command(
    "function|load",
    arity=-3,
    flags=_WRITES,
    group="scripting",
    summary="Adds a library.",
    since="7.0.0",
    complexity="O(1) and the library's own loading",
)
def function_load(context: Context, args: list[bytes]) -> Reply:
    """FUNCTION LOAD [REPLACE] function-code."""
    replace = False
    for word in args[2:-1]:
        if word.upper() != b"REPLACE":
            return Error(f"ERR Unknown option given: {word.decode('utf-8', 'replace')}")
        replace = True
    scripts = scripts_of(context)
    head = read_library(args[-1])
    if isinstance(head, tuple) and not replace and head[0] in scripts.libraries:
        return Error(f"ERR Library '{head[0].decode('latin-1')}' already exists")
    library = read(context, args[-1])
    if isinstance(library, Error):
        return library
    clash = _taken(scripts, library)
    if clash is not None:
        return clash
    if not scripts.has_room_for(library):
        return _FULL
    scripts.put_library(library)
    return library.name


@command(
    "function|delete",
    arity=3,
    flags=Flag.WRITE | Flag.NOSCRIPT,
    group="scripting",
    summary="Removes a library.",
    since="7.0.0",
    complexity="O(1)",
)
def function_delete(context: Context, args: list[bytes]) -> Reply:
    """FUNCTION DELETE library-name."""
    return OK if scripts_of(context).remove_library(args[2]) else Error("ERR Library not found")


@command(
    "function|flush",
    arity=-2,
    flags=Flag.WRITE | Flag.NOSCRIPT,
    group="scripting",
    summary="Removes all libraries.",
    since="7.0.0",
    complexity="O(N), N functions",
)
def function_flush(context: Context, args: list[bytes]) -> Reply:
    """FUNCTION FLUSH [ASYNC | SYNC]."""
    if len(args) > 3 or (len(args) == 3 and args[2].upper() not in (b"ASYNC", b"SYNC")):
        return Error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
    scripts_of(context).forget_libraries()
    return OK


@command(
    "function|list",
    arity=-2,
    flags=Flag.NOSCRIPT,
    group="scripting",
    summary="Lists libraries and functions.",
    since="7.0.0",
    complexity="O(N), N functions",
)
def function_list(context: Context, args: list[bytes]) -> Reply:
    """FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]."""
    pattern: bytes | None = None
    with_code = False
    at = 2
    while at < len(args):
        word = args[at].upper()
        if word == b"WITHCODE" and not with_code:
            with_code = True
        elif word == b"LIBRARYNAME" and pattern is None:
            if at + 1 == len(args):
                return Error("ERR library name argument was not given")
            at += 1
            pattern = args[at]
        else:
            return Error(f"ERR Unknown argument {args[at].decode('utf-8', 'replace')}")
        at += 1
    if pattern is not None and len(pattern) > PATTERN_BYTES_MAX:
        return PATTERN_TOO_LONG
    glob = None if pattern is None else Glob(pattern.lower())
    return [
        _described(library, with_code)
        for library in scripts_of(context).libraries.values()
        if glob is None or glob.matches(library.name.lower())
    ]


def _described(library: Library, with_code: bool) -> Reply:
    functions: list[Reply] = []
    for item in library.functions:
        flags: list[Reply] = [Simple(flag.decode()) for flag in item.flags]
        functions.append({b"name": item.name, b"description": item.description, b"flags": Members(flags)})
    described: dict[bytes, Reply] = {
        b"library_name": library.name,
        b"engine": b"LUA",
        b"functions": functions,
    }
    if with_code:
        described[b"library_code"] = library.source
    return described


@command(
    "function|stats",
    arity=2,
    flags=Flag.NOSCRIPT | Flag.ALLOW_BUSY,
    group="scripting",
    summary="Counts libraries and functions.",
    since="7.0.0",
    complexity="O(N), N libraries",
)
def function_stats(context: Context, args: list[bytes]) -> Reply:
    """FUNCTION STATS."""
    libraries = scripts_of(context).libraries
    counts: dict[bytes, Reply] = {
        b"libraries_count": len(libraries),
        b"functions_count": sum(len(library.functions) for library in libraries.values()),
    }
    return {b"running_script": None, b"engines": {b"LUA": counts}}


@command(
    "function|kill",
    arity=2,
    flags=Flag.NOSCRIPT | Flag.ALLOW_BUSY,
    group="scripting",
    summary="Stops a function that runs long and has written nothing.",
    since="7.0.0",
    complexity="O(1)",
)
def function_kill(context: Context, args: list[bytes]) -> Reply:
    """FUNCTION KILL."""
    return NOT_BUSY


@command(
    "function|dump",
    arity=2,
    flags=Flag.NOSCRIPT,
    group="scripting",
    summary="Gives all libraries as one value.",
    since="7.0.0",
    complexity="O(N), N bytes",
)
def function_dump(context: Context, args: list[bytes]) -> Reply:
    """FUNCTION DUMP."""
    return dump([library.source for library in scripts_of(context).libraries.values()])


@command(
    "function|restore",
    arity=-3,
    flags=_WRITES,
    group="scripting",
    summary="Adds the libraries of a dumped value.",
    since="7.0.0",
    complexity="O(N), N functions",
)
def function_restore(context: Context, args: list[bytes]) -> Reply:
    """FUNCTION RESTORE payload [FLUSH | APPEND | REPLACE]."""
    policy = args[3].upper() if len(args) == 4 else b"APPEND"
    if len(args) > 4 or policy not in (b"FLUSH", b"APPEND", b"REPLACE"):
        return Error("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
    scripts = scripts_of(context)
    try:
        sources = load(args[2])
    except BadDump as bad:
        return Error(str(bad))
    trial = Scripts()
    if policy != b"FLUSH":
        for library in scripts.libraries.values():
            trial.put_library(library)
    for source in sources:
        read_one = read(context, source)
        if isinstance(read_one, Error):
            return read_one
        if policy != b"REPLACE" and read_one.name in trial.libraries:
            return Error(f"ERR Library {read_one.name.decode('latin-1')} already exists")
        trial.remove_library(read_one.name)
        clash = _taken(trial, read_one)
        if clash is not None:
            return clash
        if not trial.has_room_for(read_one):
            return _FULL
        trial.put_library(read_one)
    scripts.forget_libraries()
    for library in trial.libraries.values():
        scripts.put_library(library)
    return OK


@command(
    "function|help",
    arity=2,
    flags=Flag.LOADING | Flag.STALE,
    group="scripting",
    summary="Lists the subcommands.",
    since="7.0.0",
    complexity="O(1)",
)
def function_help(context: Context, args: list[bytes]) -> Reply:
    """FUNCTION HELP."""
    return [Simple(line) for line in _HELP]


def _fcall(context: Context, args: list[bytes], read_only: bool) -> Reply:
    scripts = scripts_of(context)
    name = args[1]
    library = scripts.owner_of(name)
    if library is None:
        return Error("ERR Function not found")
    split = split_keys(args, _BAD_KEYS)
    if isinstance(split, Error):
        return split
    no_writes = any(b"no-writes" in item.flags for item in library.functions if item.name == name)
    if read_only and not no_writes:
        return RO_REFUSES
    body = b"\n" + library.source.partition(b"\n")[2]
    if context.pauses is not None and not context.pauses.begin_script(args):
        return time_error(scripts.limits)
    run = ScriptRun(context, scripts.bytecode, read_only or no_writes)
    try:
        return placed(run.call_function(scripts.bytecode.of(body, _CHUNK), name, split[0], split[1]), name)
    finally:
        run.close()


@command(
    "fcall",
    arity=-3,
    flags=_CALL,
    group="scripting",
    key_finder=script_keys,
    summary="Calls a function of a library.",
    since="7.0.0",
    complexity="By the function.",
    logged=True,
)
def fcall(context: Context, args: list[bytes]) -> Reply:
    """FCALL function numkeys [key ...] [argument ...]."""
    return _fcall(context, args, False)


@command(
    "fcall_ro",
    arity=-3,
    flags=_CALL | Flag.READONLY,
    group="scripting",
    key_finder=script_keys,
    summary="Calls a function that only reads.",
    since="7.0.0",
    complexity="By the function.",
)
def fcall_ro(context: Context, args: list[bytes]) -> Reply:
    """FCALL_RO function numkeys [key ...] [argument ...]."""
    return _fcall(context, args, True)
