"""One run of one script: the functions through which Lua reaches the world, and the limits on it.

Strategy: a new Lua state for every run, so that nothing leaks and nothing depends on what ran here
before (Rules D4, S1). Lua gets four Python functions and no other object. They take and give strings,
numbers and booleans; a table crosses as text (``reply_text``).

Memory: a Lua error that jumps over Python's frames would ruin them. So before anything is handed to Lua
there must be room for it (``_has_room``), and while an exception travels through Lua there is no limit.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from trivet.core.base.pausable import ABANDONED, Wants
from trivet.core.command.introspection import answer_command
from trivet.core.command.lookup import find_row
from trivet.core.command.table import Context, Flag, Row
from trivet.core.script.bytecode import Bytecode, Refused
from trivet.core.script.limits import ScriptLimits
from trivet.core.script.lua_api import API
from trivet.core.script.lua_binary import BIT, STRUCT
from trivet.core.script.lua_json import JSON
from trivet.core.script.lua_msgpack import MSGPACK
from trivet.core.script.lua_patterns import PATTERNS
from trivet.core.script.lua_prelude import PRELUDE
from trivet.core.script.lua_state import MEMORY_ERROR, LuaFunction, new_state
from trivet.core.script.reply_text import from_text, to_text
from trivet.core.script.scripts import scripts_of
from trivet.core.script.shebang import known_flags
from trivet.core.values.databases import DATABASES_MAX
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import OK, PONG, Error, Reply

CALL_STEPS: Final = 400
"""What one ``redis.call`` costs; calls have a budget of their own, as large as that of instructions."""
FAILURE_STEPS: Final = 1_200
"""What it costs more when it fails: an exception has to travel."""
GARBAGE_KB_MAX: Final = 8192
"""So much more than twice what was alive is used before garbage is collected; less under a small limit."""
LOG_LINES_MAX: Final = 100
SLICE_STEPS: Final = 500_000
"""After so many instructions (about 5 ms) a script lets its node do other things, where it may pause."""

GO_ON, KILLED, LATE = 1, 2, 3
"""Verdicts about a script that has used up its instructions (Rule L5): as many again, or the end and why."""

_NOT_ALLOWED: Final = "ERR This Redis command is not allowed from script"
_READ_ONLY: Final = "ERR Write commands are not allowed from read-only scripts."
_NO_ARGUMENTS: Final = "ERR Please specify at least one argument for this redis lib call"
_BAD_ARGUMENTS: Final = "ERR Lua redis lib command arguments must be strings or integers"
_SLACK_BYTES: Final = 65_536

_SANDBOX: Final = PRELUDE + API
_LIBRARIES: Final = {
    b"cjson": JSON, b"cmsgpack": MSGPACK, b"struct": STRUCT, b"bit": BIT, b"patterns": PATTERNS,
}  # fmt: skip
_own = Bytecode(strips=True)

_OUT_OF_MEMORY: Final = "OOM command not allowed when used memory > 'maxmemory'."


def steps_error(limits: ScriptLimits) -> Error:
    """What a script is told that ran too long."""
    return Error(
        f"ERR script stopped: it ran longer than {limits.steps_max} instructions; "
        "what it has done so far stays"
    )


def memory_error(limits: ScriptLimits) -> Error:
    """What a script is told that used too much memory."""
    return Error(
        f"ERR script stopped: it used more than {limits.memory_bytes_max} bytes of memory; "
        "what it has done so far stays"
    )


_KILLED: Final = Error("ERR Script killed by user with SCRIPT KILL.")


def time_error(limits: ScriptLimits) -> Error:
    """What a script is told that ran for too long by the leader's clock."""
    return Error(
        f"ERR script stopped: it ran for longer than {limits.time_ms_max} ms (script-time-max); "
        "what it has done so far stays"
    )


class ScriptError(Exception):
    """Travels through Lua as its error; Lua then asks ``take`` what it means."""


class Outcome:
    """What a run came to: a reply, or an error and where it happened."""

    __slots__ = ("line", "reply", "source")

    def __init__(self, reply: Reply, source: bytes | None = None, line: int = 0) -> None:
        self.reply = reply
        self.source = source
        """The chunk in which an error happened, such as ``@user_script``; None when that is not known."""
        self.line = line


class ScriptRun:
    """One Lua state and what the script in it may do."""

    def __init__(self, context: Context, compiler: Bytecode, read_only: bool) -> None:
        self._context = context
        self._compiler = compiler
        self._read_only = read_only
        self._wrote = False
        """It has called something that writes: now it may also end what it does (memory short or not)."""
        self._resp3 = False
        self._cost = 0
        self._pauses = context.pauses
        self._verdict = GO_ON
        self._message: bytes | bool = True
        self.log: list[tuple[int, bytes]] = []
        limits = self._limits = scripts_of(context).limits
        self._cost_max = limits.steps_max
        self._slice = self._slice_end = min(SLICE_STEPS, limits.steps_max // 2)
        self._state = new_state(limits.memory_bytes_max)
        self._asked: dict[bytes, Callable[..., object]] = {
            b"seed": self._seed, b"compile": self._compile, b"library": _library, b"find": _find,
            b"sha1": _sha1, b"log": self._log, b"setresp": self._setresp, b"known": _known, b"flags": _flags,
            b"band": _band, b"bor": _bor, b"bxor": _bxor, b"more": self._more, b"slice": self._end_slice,
        }  # fmt: skip
        entries = self._state.execute(
            _own.of(_SANDBOX, b"@trivet"), self._call, self._pcall, self._take, self._ask, limits.steps_max,
            min(GARBAGE_KB_MAX, limits.memory_bytes_max >> 13), self._slice,
        )  # fmt: skip
        self._entries = entries

    # -- what Python asks of Lua ---------------------------------------------------------------

    def run(self, code: bytes, keys: list[bytes], arguments: list[bytes]) -> Outcome:
        """Run a script."""
        return self._enter(0, code, None, keys, arguments)

    def load(self, code: bytes) -> Outcome:
        """Run the text of a library at once; the reply lists its functions as [name, description, flags]."""
        self._pauses = None
        return self._enter(1, code, None, [], [])

    def call_function(self, code: bytes, name: bytes, keys: list[bytes], arguments: list[bytes]) -> Outcome:
        """Load a library and call a function of it."""
        return self._enter(2, code, name, keys, arguments)

    def _entry(self, number: int) -> LuaFunction:
        entries = self._entries
        assert isinstance(entries, tuple)
        entry: LuaFunction = entries[number]
        return entry

    def _enter(
        self, number: int, code: bytes, name: bytes | None, keys: list[bytes], arguments: list[bytes]
    ) -> Outcome:
        context = self._context
        db_index, may_block = context.db_index, context.may_block
        context.may_block = False
        state = self._state
        try:
            size = sum(map(len, keys)) + sum(map(len, arguments)) + 96 * (len(keys) + len(arguments))
            if size + len(code) > self._limits.memory_bytes_max // 2:
                return Outcome(memory_error(self._limits))
            given: list[object] = [code]
            if name is not None:
                given.append(name)
            if number != 1:
                given += [state.table_from(keys), state.table_from(arguments)]
            answer = self._entry(number)(*given)
        except MEMORY_ERROR:
            return Outcome(memory_error(self._limits))
        finally:
            context.may_block = may_block
            context.db_index = db_index
            context.db = context.databases.open(db_index)
        return self._outcome(answer if isinstance(answer, tuple) else (answer,))

    def _outcome(self, answer: tuple[object, ...]) -> Outcome:
        kind = answer[0]
        value = answer[1] if len(answer) > 1 else None
        if kind == 0 or not isinstance(value, bytes):
            return Outcome(None)
        if kind == 1:
            return Outcome(value)
        if kind == 2:
            return Outcome(int(value))
        if kind == 3:
            return Outcome(from_text(value))
        if kind == 4:
            source = answer[2] if len(answer) > 2 else None
            line = answer[3] if len(answer) > 3 else 0
            text = (
                value.split(b"\0", 1)[0].replace(b"\r", b" ").replace(b"\n", b" ").decode("utf-8", "replace")
            )
            if isinstance(source, bytes) and isinstance(line, int):
                return Outcome(Error(text), source, line)
            return Outcome(Error(text))
        if self._verdict == KILLED:
            return Outcome(_KILLED)
        if self._verdict != GO_ON:
            return Outcome(time_error(self._limits))
        return Outcome(steps_error(self._limits) if value == b"steps" else memory_error(self._limits))

    def close(self) -> None:
        """Let the Lua state go now: exceptions that it remembers hold frames, which hold this object."""
        self._entries = None  # type: ignore[assignment]
        self._state = None  # type: ignore[assignment]
        self._asked = {}

    # -- what Lua asks of Python ----------------------------------------------------------------

    def _call(self, *given: object) -> object:
        """``redis.call``: the value, or an exception that becomes Lua's error."""
        reply = self._execute(given)
        if isinstance(reply, Error):
            raise self._failure(reply.text)
        return self._handed(reply)

    def _pcall(self, *given: object) -> object:
        """``redis.pcall``: the value, an error as a table."""
        return self._handed(self._execute(given))

    def _take(self) -> object:
        """What the exception meant that has just come through Lua; True: the script is stopped."""
        message, self._message = self._message, True
        self._state.set_max_memory(self._limits.memory_bytes_max)
        return message

    def _ask(self, what: bytes, *given: object) -> object:
        answer = self._asked[what](*given)
        if isinstance(answer, bytes) and not self._has_room(len(answer)):
            raise self._stopped()
        return answer

    # -- commands -----------------------------------------------------------------------------------

    def _execute(self, given: tuple[object, ...]) -> Reply:
        self._cost += CALL_STEPS
        while self._cost > self._cost_max:
            more = self._more()
            if not more:
                raise self._stopped()
            self._cost_max += more
        if self._cost > self._slice_end:
            self._slice_end = self._cost + self._slice
            self._end_slice()
        if not given:
            return Error(_NO_ARGUMENTS)
        args: list[bytes] = []
        for value in given:
            if isinstance(value, bytes):
                args.append(value)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                args.append(b"%.17g" % value)
            else:
                return Error(_BAD_ARGUMENTS)
        row = find_row(args)
        if isinstance(row, Error):
            return _as_seen_by_scripts(row)
        if row.flags & Flag.NOSCRIPT:
            return Error(_NOT_ALLOWED)
        access = self._context.access
        if access is not None and (refusal := access.refuses_in_script(args)) is not None:
            return refusal
        if row.run is None:
            return self._session_command(row, args)
        owner = self._context.owner
        if owner is not None:
            elsewhere = owner.refuses_in_script(row, self._context.db_index, args)
            if elsewhere is not None:
                return elsewhere
        if self._read_only and row.flags & Flag.WRITE:
            return Error(_READ_ONLY)
        if row.flags & Flag.DENYOOM and self._context.refuses_growth and not self._wrote:
            return Error(_OUT_OF_MEMORY)
        if row.flags & Flag.WRITE:
            self._wrote = True
        return row.run(self._context, args)

    def _session_command(self, row: Row, args: list[bytes]) -> Reply:
        """Commands that a node answers by itself, as far as every replica can."""
        context = self._context
        if row.name == "ping":
            return PONG if len(args) == 1 else args[1]
        if row.name == "echo":
            return args[1]
        if row.name == "select":
            number = parse_int(args[1])
            if number is None:
                return Error("ERR value is not an integer or out of range")
            if not 0 <= number < DATABASES_MAX and number != context.db_index:
                return Error("ERR DB index is out of range")
            if context.owner is not None:
                elsewhere = context.owner.refuses_database(number)
                if elsewhere is not None:
                    return elsewhere
            context.db_index = number
            context.db = context.databases.open(number)
            return OK
        if row.name in ("publish", "spublish"):
            if not self._read_only:
                context.published.append((row.name == "spublish", args[1], args[2]))
            return 0
        if row.name.split("|")[0] == "command":
            return answer_command(args)
        return Error(_NOT_ALLOWED)

    def _handed(self, reply: Reply) -> object:
        """A reply as a Lua value: what is not a string or a number goes through ``decode``."""
        if isinstance(reply, bytes):
            self._cost += len(reply) >> 4
            if not self._has_room(len(reply)):
                raise self._stopped()
            return reply
        if isinstance(reply, int) and not isinstance(reply, bool):
            return reply
        text = to_text(reply, self._resp3)
        self._cost += len(text) >> 1
        if not self._has_room(len(text)):
            raise self._stopped()
        try:
            return self._entry(3)(text)
        except MEMORY_ERROR:
            raise self._stopped() from None
        except Exception:  # the hook has met the limit inside decode
            raise self._stopped() from None

    # -- limits -----------------------------------------------------------------------------------

    def _has_room(self, size: int) -> bool:
        """Whether Lua can take a string of ``size`` bytes, the growth of its tables of strings included."""
        used = self._state.get_memory_used()
        return used + (used * 3 >> 2) + size + _SLACK_BYTES < self._limits.memory_bytes_max

    def _failure(self, text: str) -> ScriptError:
        self._cost += FAILURE_STEPS
        self._message = text.encode("utf-8", "replace")
        self._state.set_max_memory(0)
        return ScriptError()

    def _more(self) -> int:
        """So many instructions more, or calls worth as much (Rule L5)."""
        pauses = self._pauses
        if pauses is None:
            return 0
        if self._verdict == GO_ON:
            pauses.has_written = self._wrote
            self._verdict = pauses.pause(Wants.VERDICT)
            pauses.is_late = self._verdict == LATE
        return self._limits.steps_max if self._verdict == GO_ON else 0

    def _end_slice(self) -> int:
        pauses = self._pauses
        if pauses is not None:
            pauses.has_written = self._wrote
            if pauses.pause(Wants.SLICE) == ABANDONED:
                self._verdict = ABANDONED
                raise self._stopped()
        return 0

    def _stopped(self) -> ScriptError:
        self._cost, self._pauses = self._cost_max + 1, None
        self._message = True
        self._state.set_max_memory(0)
        return ScriptError()

    # -- small questions ------------------------------------------------------------------------------

    def _seed(self, bound: object) -> int:
        assert isinstance(bound, int)
        return self._context.prng.below(bound)

    def _compile(self, source: object, name: object) -> object:
        assert isinstance(source, bytes)
        assert isinstance(name, bytes)
        try:
            return self._compiler.of(source, name)
        except Refused as refused:
            return str(refused).encode("utf-8", "replace")

    def _log(self, level: object, line: object) -> None:
        assert isinstance(level, int | float)
        assert isinstance(line, bytes)
        if len(self.log) < LOG_LINES_MAX:
            self.log.append((int(level), line[:1024]))

    def _setresp(self, version: object) -> None:
        self._resp3 = version == 3


def _as_seen_by_scripts(error: Error) -> Error:
    """What is wrong with a call, in the words that Redis keeps for scripts."""
    if error.text.startswith("ERR unknown"):
        return Error("ERR Unknown Redis command called from script")
    return Error("ERR Wrong number of args calling Redis command from script")


def _library(name: object) -> bytes:
    assert isinstance(name, bytes)
    return _own.of(_LIBRARIES[name], b"@trivet")


def _find(text: object, wanted: object, start: object) -> int:
    """``string.find`` without a pattern, in linear time; 0 when it is not there."""
    assert isinstance(text, bytes)
    assert isinstance(wanted, bytes)
    assert isinstance(start, int)
    return text.find(wanted, start - 1) + 1


def _sha1(data: object) -> bytes:
    assert isinstance(data, bytes)
    return hashlib.sha1(data, usedforsecurity=False).hexdigest().encode()


def _known(name: object) -> bool:
    assert isinstance(name, bytes)
    row = find_row([name])
    return not isinstance(row, Error) or not row.text.startswith("ERR unknown")


def _flags(text: object) -> bool:
    assert isinstance(text, bytes)
    return known_flags(text)


def _band(first: object, second: object) -> int:
    assert isinstance(first, int)
    assert isinstance(second, int)
    return first & second


def _bor(first: object, second: object) -> int:
    assert isinstance(first, int)
    assert isinstance(second, int)
    return first | second


def _bxor(first: object, second: object) -> int:
    assert isinstance(first, int)
    assert isinstance(second, int)
    return first ^ second
