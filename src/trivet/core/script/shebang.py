"""The first line of a script or a library: ``#!lua name=… flags=…``."""

from typing import Final

from trivet.core.command.arguments import printable
from trivet.core.wire.reply import Error

FLAGS: Final = (b"no-writes", b"allow-oom", b"allow-stale", b"no-cluster", b"allow-cross-slot-keys")


class Script:
    """A script without its first line, and what that line said."""

    __slots__ = ("body", "has_shebang", "no_writes")

    def __init__(self, body: bytes, has_shebang: bool, no_writes: bool) -> None:
        self.body = body
        """The line stays as an empty one, so that lines keep their numbers."""
        self.has_shebang = has_shebang
        self.no_writes = no_writes


def known_flags(text: bytes) -> bool:
    """Whether a comma-separated list names flags only."""
    return not text or all(flag in FLAGS for flag in text.split(b","))


def read_script(source: bytes) -> Script | Error:
    """What ``EVAL`` and ``SCRIPT LOAD`` accept."""
    if source[:2] != b"#!":
        return Script(source, False, False)
    line, newline, body = source.partition(b"\n")
    if not newline:
        return Error("ERR Invalid script shebang")
    words = line.split()
    if words[0] != b"#!lua":
        return Error(f"ERR Unexpected engine in script shebang: {printable(words[0])}")
    flags: list[bytes] = []
    for word in words[1:]:
        if not word.startswith(b"flags="):
            return Error(f"ERR Unknown lua shebang option: {printable(word)}")
        for flag in word[6:].split(b","):
            if not flag:
                continue
            if flag not in FLAGS:
                return Error(f"ERR Unexpected flag in script shebang: {printable(flag)}")
            flags.append(flag)
    return Script(b"\n" + body, True, b"no-writes" in flags)


def read_library(source: bytes) -> tuple[bytes, bytes] | Error:
    """The name and the body of a library."""
    if source[:2] != b"#!":
        return Error("ERR Missing library metadata")
    line, newline, body = source.partition(b"\n")
    if not newline:
        return Error("ERR Invalid library metadata")
    words = line.split()
    engine = words[0][2:]
    name: bytes | None = None
    for word in words[1:]:
        if not word.startswith(b"name="):
            return Error(f"ERR Invalid metadata value given: {printable(word)}")
        if name is not None:
            return Error("ERR Invalid metadata value, name argument was given multiple times")
        name = word[5:]
    if name is None:
        return Error("ERR Library name was not given")
    if not is_name(name):
        return Error(
            "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one"
            " character long"
        )
    if engine.lower() != b"lua":
        return Error(f"ERR Engine '{printable(engine)}' not found")
    return name, b"\n" + body


def is_name(name: bytes) -> bool:
    """Letters, digits and underscores, at least one."""
    return bool(name) and name.isascii() and name.replace(b"_", b"a").isalnum()
