"""EVAL and EVALSHA, and their read-only forms.

The plain forms go through the log and run on every replica; the read-only ones run at the node as reads,
so they leave no script in the cache.
"""

from typing import Final

from trivet.core.command.arguments import NOT_AN_INTEGER
from trivet.core.command.table import Context, Flag, command
from trivet.core.script.bridge import Outcome, ScriptRun, time_error
from trivet.core.script.bytecode import Refused
from trivet.core.script.scripts import scripts_of, sha1_of
from trivet.core.script.shebang import Script, read_script
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import Error, Reply

NO_SCRIPT: Final = Error("NOSCRIPT No matching script. Please use EVAL.")
RO_REFUSES: Final = Error("ERR Can not execute a script with write flag using *_ro command.")
NEGATIVE_KEYS: Final = Error("ERR Number of keys can't be negative")
TOO_MANY_KEYS: Final = Error("ERR Number of keys can't be greater than number of args")
_CHUNK: Final = b"@user_script"
_FLAGS: Final = Flag.NOSCRIPT | Flag.STALE | Flag.SKIP_MONITOR | Flag.NO_MANDATORY_KEYS | Flag.MOVABLEKEYS


def split_keys(args: list[bytes], not_a_number: Error) -> tuple[list[bytes], list[bytes]] | Error:
    """Keys and other arguments behind the number of keys, which is ``args[2]``."""
    count = parse_int(args[2])
    if count is None:
        return not_a_number
    if count > len(args) - 3:
        return TOO_MANY_KEYS
    if count < 0:
        return NEGATIVE_KEYS
    return args[3 : 3 + count], args[3 + count :]


def script_keys(args: list[bytes]) -> list[int]:
    """Positions of the keys."""
    count = parse_int(args[2])
    if count is None or not 0 <= count <= len(args) - 3:
        return []
    return list(range(3, 3 + count))


def placed(outcome: Outcome, name: bytes) -> Reply:
    """The reply; an error says in which script and line it happened, as Redis writes it."""
    reply = outcome.reply
    if isinstance(reply, Error) and outcome.source is not None:
        source = outcome.source.decode("utf-8", "replace")
        return Error(f"{reply.text} script: {name.decode('latin-1')}, on {source}:{outcome.line}.")
    return reply


def compiled(context: Context, source: bytes) -> tuple[Script, bytes] | Error:
    """A script and its bytecode, or why there is none."""
    script = read_script(source)
    if isinstance(script, Error):
        return script
    try:
        return script, scripts_of(context).bytecode.of(script.body, _CHUNK)
    except Refused as refused:
        return Error(f"ERR Error compiling script (new function): {refused}")


def _run(context: Context, source: bytes, sha: bytes, args: list[bytes], read_only: bool) -> Reply:
    split = split_keys(args, NOT_AN_INTEGER)
    if isinstance(split, Error):
        return split
    made = compiled(context, source)
    if isinstance(made, Error):
        return made
    script, code = made
    if not read_only:
        scripts_of(context).remember(sha, source, False)
    elif script.has_shebang and not script.no_writes:
        return RO_REFUSES
    if context.pauses is not None and not context.pauses.begin_script(None):
        return time_error(scripts_of(context).limits)
    run = ScriptRun(context, scripts_of(context).bytecode, read_only or script.no_writes)
    try:
        return placed(run.run(code, split[0], split[1]), sha)
    finally:
        run.close()


def _run_sha(context: Context, args: list[bytes], read_only: bool) -> Reply:
    split = split_keys(args, NOT_AN_INTEGER)
    if isinstance(split, Error):
        return split
    sha = args[1].lower()
    source = scripts_of(context).script(sha)
    if source is None:
        return NO_SCRIPT
    return _run(context, source, sha, args, read_only)


@command(
    "eval",
    arity=-3,
    flags=_FLAGS,
    group="scripting",
    key_finder=script_keys,
    summary="Runs a script.",
    since="2.6.0",
    complexity="By the script.",
    logged=True,
)
def eval_(context: Context, args: list[bytes]) -> Reply:
    """EVAL script numkeys [key ...] [argument ...]."""
    return _run(context, args[1], sha1_of(args[1]), args, False)


@command(
    "eval_ro",
    arity=-3,
    flags=_FLAGS | Flag.READONLY,
    group="scripting",
    key_finder=script_keys,
    summary="Runs a script that only reads.",
    since="7.0.0",
    complexity="By the script.",
)
def eval_ro(context: Context, args: list[bytes]) -> Reply:
    """EVAL_RO script numkeys [key ...] [argument ...]."""
    return _run(context, args[1], sha1_of(args[1]), args, True)


@command(
    "evalsha",
    arity=-3,
    flags=_FLAGS,
    group="scripting",
    key_finder=script_keys,
    summary="Runs a script that is already known, by its SHA1.",
    since="2.6.0",
    complexity="By the script.",
    logged=True,
)
def evalsha(context: Context, args: list[bytes]) -> Reply:
    """EVALSHA sha1 numkeys [key ...] [argument ...]."""
    return _run_sha(context, args, False)


@command(
    "evalsha_ro",
    arity=-3,
    flags=_FLAGS | Flag.READONLY,
    group="scripting",
    key_finder=script_keys,
    summary="Runs a script that only reads and is already known, by its SHA1.",
    since="7.0.0",
    complexity="By the script.",
)
def evalsha_ro(context: Context, args: list[bytes]) -> Reply:
    """EVALSHA_RO sha1 numkeys [key ...] [argument ...]."""
    return _run_sha(context, args, True)
