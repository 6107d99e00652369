"""From the text of a script to the bytecode that runs: compiled apart, checked, remembered.

Why apart: what a script's own Lua state uses must not depend on whether this replica has compiled the
script before (Rule D4). Why checked: Lua 5.1 does not make room for the fixed parameters of a function
that also takes ``...`` (CVE-2014-5461); a function with more than a few of them is refused.
Bytecode from a client never comes in: text that begins with its mark is refused.
"""

import struct
from typing import Final

from trivet.core.script.lua_state import MEMORY_ERROR, new_state

SOURCE_BYTES_MAX: Final = 8 * 1024 * 1024
COMPILE_MEMORY_BYTES: Final = 256 * 1024 * 1024
VARARG_PARAMETERS_MAX: Final = 5
"""Lua keeps five slots to spare."""
CACHE_BYTES_MAX: Final = 16 * 1024 * 1024
_MARK: Final = b"\x1b"
_HEADER_BYTES: Final = 12
_DEPTH_MAX: Final = 250
_TAIL_CALL: Final = 29
"""The opcode before it is that of a plain call, with the same operands."""

_COMPILER: Final = rb"""
collectgarbage("stop")
local loadstring, dump = loadstring, string.dump
return function(source, name)
  local f, problem = loadstring(source, name)
  if not f then return problem end
  return dump(f)
end
"""


class Refused(Exception):
    """The text is no script; the message says why, as Lua would."""


class Bytecode:
    """A compiler with a memory of what it has compiled. Nothing visible depends on that memory."""

    def __init__(self, strips: bool = False) -> None:
        self._strips = strips
        self._known: dict[tuple[bytes, bytes], bytes] = {}
        self._bytes = 0

    def of(self, source: bytes, name: bytes) -> bytes:
        """The bytecode of ``source``; raises ``Refused``."""
        key = (source, name)
        code = self._known.get(key)
        if code is None:
            code = compile_source(source, name)
            if self._strips:
                code = strip(code)
            self._bytes += len(code) + len(source) + len(name)
            if self._bytes > CACHE_BYTES_MAX:
                self._known.clear()
                self._bytes = len(code) + len(source) + len(name)
            self._known[key] = code
        return code


def compile_source(source: bytes, name: bytes) -> bytes:
    """Compile in a Lua state of its own."""
    if source[:1] == _MARK:
        raise Refused("bytecode is not accepted, only text")
    if len(source) > SOURCE_BYTES_MAX:
        raise Refused(f"a script has at most {SOURCE_BYTES_MAX} bytes")
    state = new_state(COMPILE_MEMORY_BYTES)
    try:
        made = state.execute(_COMPILER)(source, name)
    except MEMORY_ERROR as error:
        raise Refused("not enough memory to compile the script") from error
    assert isinstance(made, bytes)
    if made[:1] != _MARK:
        raise Refused(made.decode("utf-8", "replace"))
    return _Reader(made).checked()


def strip(code: bytes) -> bytes:
    """Bytecode without what only messages need."""
    return _Reader(code).stripped()


class _Reader:
    """Walks through the functions of a dump of Lua 5.1 (64 bit, little-endian)."""

    def __init__(self, code: bytes) -> None:
        self._code = bytearray(code)
        self._at = _HEADER_BYTES
        self._kept: list[bytes] = [code[:_HEADER_BYTES]]

    def checked(self) -> bytes:
        """The same functions without tail calls; refuses what Lua itself would run into the ground."""
        self._function(0)
        return bytes(self._code)

    def stripped(self) -> bytes:
        """The same functions without lines and names of variables: it loads faster."""
        self._function(0)
        return b"".join(self._kept)

    def _instructions(self) -> None:
        """A tail call becomes a plain one: the frame stays, and an error in our libraries has its line."""
        count = self._int()
        for at in range(self._at, self._at + 4 * count, 4):
            if self._code[at] & 63 == _TAIL_CALL:
                self._code[at] -= 1
        self._at += 4 * count

    def _int(self) -> int:
        value: int = struct.unpack_from("<i", self._code, self._at)[0]
        self._at += 4
        return value

    def _string(self) -> None:
        length: int = struct.unpack_from("<Q", self._code, self._at)[0]
        self._at += 8 + length

    def _skip_words(self) -> None:
        count = self._int()
        self._at += 4 * count

    def _function(self, depth: int) -> None:
        if depth > _DEPTH_MAX:
            raise Refused("chunk has too many syntax levels")
        start = self._at
        self._string()
        line = self._int()
        self._int()
        parameters, is_vararg = self._code[self._at + 1], self._code[self._at + 2]
        self._at += 4
        if is_vararg and parameters > VARARG_PARAMETERS_MAX:
            raise Refused(
                f"function at line {line} takes '...' and more than {VARARG_PARAMETERS_MAX} other parameters"
            )
        self._instructions()
        for _ in range(self._int()):
            self._constant()
        functions = self._int()
        self._kept.append(bytes(self._code[start : self._at]))
        for _ in range(functions):
            self._function(depth + 1)
        self._debug()
        self._kept.append(bytes(12))

    def _debug(self) -> None:
        self._skip_words()
        for _ in range(self._int()):
            self._string()
            self._at += 8
        for _ in range(self._int()):
            self._string()

    def _constant(self) -> None:
        kind = self._code[self._at]
        self._at += 1
        if kind == 1:
            self._at += 1
        elif kind == 3:
            self._at += 8
        elif kind == 4:
            self._string()
