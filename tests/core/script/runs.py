"""What the tests of this room share: scripts run straight, without rows, machine or node."""

from trivet.core.base.prng import Prng
from trivet.core.command.table import Context
from trivet.core.script import rows
from trivet.core.script.bridge import Outcome, ScriptRun
from trivet.core.script.bytecode import Bytecode, Refused
from trivet.core.values.databases import Databases
from trivet.core.wire.reply import Error, Reply

assert rows.FAMILIES
COMPILER = Bytecode()


def context() -> Context:
    made = Context(Databases())
    made.now_ms = 1_000_000
    made.prng = Prng(7)
    return made


def outcome(
    source: str | bytes, *arguments: bytes, on: Context | None = None, read_only: bool = False
) -> Outcome:
    text = source.encode("latin-1") if isinstance(source, str) else source
    try:
        code = COMPILER.of(text, b"@user_script")
    except Refused as refused:
        return Outcome(Error(f"refused: {refused}"))
    run = ScriptRun(on or context(), COMPILER, read_only)
    try:
        return run.run(code, [], list(arguments))
    finally:
        run.close()


def lua(source: str | bytes, *arguments: bytes, on: Context | None = None) -> Reply:
    """The reply of a script."""
    return outcome(source, *arguments, on=on).reply


def fails(source: str | bytes) -> str:
    """The text of the error that a script ends with."""
    reply = lua(source)
    assert isinstance(reply, Error), reply
    return reply.text
