"""What scripting remembers: texts of scripts by their SHA1, and libraries of functions. Replicated state.

Scripts that ``EVAL`` brought are a cache: the oldest go when there are too many (Rule S2). Those that
``SCRIPT LOAD`` brought, and libraries, are asked for by name later: they stay, and a full store refuses more.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

import msgspec

from trivet.core.base.checksum import crc32
from trivet.core.command.table import Context
from trivet.core.script.bytecode import Bytecode
from trivet.core.script.limits import ScriptLimits

SCRIPTS_MAX: Final = 10_000
SCRIPT_BYTES_MAX: Final = 16 * 1024 * 1024
LIBRARIES_MAX: Final = 1_000
LIBRARY_BYTES_MAX: Final = 16 * 1024 * 1024


class Function(msgspec.Struct, frozen=True, array_like=True):
    """One function of a library."""

    name: bytes
    description: bytes | None
    flags: list[bytes]


class Library(msgspec.Struct, frozen=True, array_like=True):
    """A library: its text, and what loading it has registered."""

    name: bytes
    source: bytes
    functions: list[Function]


class StoredScript(msgspec.Struct, frozen=True, array_like=True):
    """A text, and whether it stays: it was loaded, not only evaluated."""

    source: bytes
    stays: bool


class ScriptsState(msgspec.Struct, frozen=True, array_like=True):
    """All of it, for a snapshot."""

    scripts: list[StoredScript] = []
    libraries: list[Library] = []


_encoder = msgspec.msgpack.Encoder()


def sha1_of(source: bytes) -> bytes:
    """The name of a script: 40 hexadecimal digits."""
    return hashlib.sha1(source, usedforsecurity=False).hexdigest().encode()


class Scripts:
    """The scripts and libraries of one replica."""

    def __init__(self) -> None:
        self._scripts: dict[bytes, StoredScript] = {}
        self._script_bytes = 0
        self._passing: dict[bytes, None] = {}
        self.libraries: dict[bytes, Library] = {}
        self._library_bytes = 0
        self._owners: dict[bytes, Library] = {}
        self.bytecode = Bytecode()
        self.limits = ScriptLimits()
        """The machine's own, where there is one: it follows the settings."""
        self._digest = 0
        self._changed = False
        self._taught = b""
        self._taught_changed = False

    def script(self, sha: bytes) -> bytes | None:
        """The text of a script."""
        stored = self._scripts.get(sha)
        return None if stored is None else stored.source

    def remember(self, sha: bytes, source: bytes, stays: bool) -> bool:
        """Keep a script; False when there is no room for it."""
        known = self._scripts.get(sha)
        if known is not None:
            if stays and not known.stays:
                self._scripts[sha] = StoredScript(source, True)
                del self._passing[sha]
                self._changed = self._taught_changed = True
            return True
        while self._passing and not self._fits(source):
            oldest = next(iter(self._passing))
            del self._passing[oldest]
            self._script_bytes -= len(self._scripts.pop(oldest).source)
            self._changed = True
        if not self._fits(source):
            return False
        self._scripts[sha] = StoredScript(source, stays)
        self._script_bytes += len(source)
        if stays:
            self._taught_changed = True
        else:
            self._passing[sha] = None
        self._changed = True
        return True

    def remember_loaded(self, source: bytes) -> None:
        """As ``SCRIPT LOAD`` does; if there is room."""
        self.remember(sha1_of(source), source, True)

    def forget_script(self, sha: bytes) -> None:
        """One that was loaded; one that was only evaluated stays."""
        stored = self._scripts.get(sha)
        if stored is not None and stored.stays:
            del self._scripts[sha]
            self._script_bytes -= len(stored.source)
            self._changed = self._taught_changed = True

    def loaded(self) -> dict[bytes, bytes]:
        """The scripts that stay: name -> text."""
        return {sha: stored.source for sha, stored in self._scripts.items() if stored.stays}

    def _fits(self, source: bytes) -> bool:
        return len(self._scripts) < SCRIPTS_MAX and self._script_bytes + len(source) <= SCRIPT_BYTES_MAX

    def forget_scripts(self) -> None:
        """``SCRIPT FLUSH``."""
        self._scripts = {}
        self._passing = {}
        self._script_bytes = 0
        self._changed = self._taught_changed = True

    def owner_of(self, function: bytes) -> Library | None:
        """The library that has the function."""
        return self._owners.get(function)

    def has_room_for(self, library: Library) -> bool:
        """Whether the library may be added, its predecessor of the same name gone."""
        old = self.libraries.get(library.name)
        old_bytes = 0 if old is None else len(old.source)
        count = len(self.libraries) + (old is None)
        return (
            count <= LIBRARIES_MAX
            and self._library_bytes - old_bytes + len(library.source) <= LIBRARY_BYTES_MAX
        )

    def put_library(self, library: Library) -> None:
        """Add or replace a library."""
        self.remove_library(library.name)
        self.libraries[library.name] = library
        self._library_bytes += len(library.source)
        for function in library.functions:
            self._owners[function.name] = library
        self._changed = self._taught_changed = True

    def remove_library(self, name: bytes) -> bool:
        """Remove a library; whether there was one."""
        library = self.libraries.pop(name, None)
        if library is None:
            return False
        self._library_bytes -= len(library.source)
        for function in library.functions:
            del self._owners[function.name]
        self._changed = self._taught_changed = True
        return True

    def forget_libraries(self) -> None:
        """``FUNCTION FLUSH``."""
        for name in list(self.libraries):
            self.remove_library(name)

    def state(self) -> ScriptsState:
        """Everything, in its order."""
        return ScriptsState(list(self._scripts.values()), list(self.libraries.values()))

    def restore(self, state: ScriptsState) -> None:
        """Take what ``state`` gave elsewhere."""
        for stored in state.scripts:
            self.remember(sha1_of(stored.source), stored.source, stored.stays)
        for library in state.libraries:
            self.put_library(library)

    @property
    def digest(self) -> int:
        """A checksum of everything; 0 as long as there never was anything."""
        if self._changed:
            digest = 0
            for part in self._parts():
                digest = crc32(part, digest)
            self._digest = digest
            self._changed = False
        return self._digest

    @property
    def taught(self) -> bytes:
        """A checksum of what all groups are to know: libraries and scripts that stay, in whatever order."""
        if self._taught_changed:
            parts = [_encoder.encode(self.libraries[name]) for name in sorted(self.libraries)]
            parts += sorted(self.loaded())
            self._taught = sha1_of(_encoder.encode(parts)) if parts else b""
            self._taught_changed = False
        return self._taught

    def _parts(self) -> Iterator[bytes]:
        for sha, stored in self._scripts.items():
            yield sha + (b"+" if stored.stays else b"-")
        for library in self.libraries.values():
            yield _encoder.encode(library)


def scripts_of(context: Context) -> Scripts:
    """The scripts that belong to the context; a machine of its own has put them there."""
    scripts = context.scripts
    if not isinstance(scripts, Scripts):
        scripts = context.scripts = Scripts()
    return scripts
