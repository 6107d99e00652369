"""What a register holds, and the drafts that turn one content into the next.

On the path: promises bring a content, the proposer drafts its successor, accepts carry that. Besides the
value it has a version, which rises with every change and never falls, not even over a removal, and the
*done* entries: who changed it last, with which operation, and what was replied. They make a retry
harmless (Rules P8, P9). A content never changes; its checksum is made by whoever drafts it and
checked by everyone who receives or loads it (Rule P17).
"""

import struct
from typing import Final

import msgspec

from trivet.core.base.checksum import crc32
from trivet.core.paxos.ballot import Number
from trivet.core.paxos.operation import Operation

_HEAD: Final = struct.Struct("<QQBI")
_ENTRY: Final = struct.Struct("<QQQI")


class Done(msgspec.Struct, array_like=True, frozen=True):
    """The last operation of ``origin`` on this register made ``version`` and was answered ``reply``."""

    origin: Number
    seq: Number
    version: Number
    reply: bytes


class Content(msgspec.Struct, array_like=True, frozen=True):
    """``value`` None: a tombstone. ``forgotten``: entries up to this version may be missing in ``done``."""

    version: Number
    value: bytes | None
    done: tuple[Done, ...]
    forgotten: Number
    crc: Number

    @property
    def is_tombstone(self) -> bool:
        """Deleted, and not collected yet."""
        return self.value is None

    @property
    def size_bytes(self) -> int:
        """What it costs, about."""
        size = 64 if self.value is None else 64 + len(self.value)
        for entry in self.done:
            size += 64 + len(entry.reply)
        return size


def checksum(key: bytes, version: int, value: bytes | None, done: tuple[Done, ...], forgotten: int) -> int:
    """The crc32 of a content under its key."""
    crc = crc32(_HEAD.pack(version, forgotten, value is not None, len(done)), crc32(key))
    if value is not None:
        crc = crc32(value, crc)
    for entry in done:
        crc = crc32(_ENTRY.pack(entry.origin, entry.seq, entry.version, len(entry.reply)), crc)
        crc = crc32(entry.reply, crc)
    return crc


def seal(key: bytes, version: int, value: bytes | None, done: tuple[Done, ...], forgotten: int) -> Content:
    """A content with its checksum."""
    return Content(version, value, done, forgotten, checksum(key, version, value, done, forgotten))


def is_sound(key: bytes, content: Content) -> bool:
    """Whether it is what was sealed."""
    crc = checksum(key, content.version, content.value, content.done, content.forgotten)
    return crc == content.crc


class Draft:
    """The successor of a content while operations run upon it."""

    __slots__ = ("_before", "_origins_max", "changed", "done", "forgotten", "value", "version")

    def __init__(self, content: Content | None, version_floor: int, origins_max: int) -> None:
        """``content`` None: nobody has anything, and all that ever was is at most ``version_floor``."""
        self._origins_max = origins_max
        self._before = content
        self.changed = False
        if content is None:
            self.version = version_floor
            self.value: bytes | None = None
            self.done: list[Done] = []
            self.forgotten = version_floor
        else:
            self.version = content.version
            self.value = content.value
            self.done = list(content.done)
            self.forgotten = content.forgotten

    def last_of(self, origin: int) -> Done | None:
        """The last operation of ``origin``, if it is remembered."""
        for entry in self.done:
            if entry.origin == origin:
                return entry
        return None

    def change(
        self, value: bytes | None, operation: Operation, reply: bytes, settled: dict[int, int]
    ) -> None:
        """The next version, above what ``operation`` has as ``since``: so that forgetting it shows (Rule P9).

        ``settled``: seqs of an origin below this are over, and go first.
        """
        self.changed = True
        self.version = max(self.version, operation.since) + 1
        self.value = value
        origin = operation.origin
        done = self.done
        for position, entry in enumerate(done):
            if entry.origin == origin:
                # The origin began this one after that one was over: nobody asks for it any more. A delayed
                # copy of it finds a later seq.
                del done[position]
                break
        else:
            if len(done) >= self._origins_max:
                self._evict(settled)
        done.append(Done(origin, operation.seq, self.version, reply))

    def adopt(self, content: Content) -> None:
        """Become what another group had (Rule P22)."""
        if content == self._before:
            return
        self.changed = True
        self.version, self.value = content.version, content.value
        self.done, self.forgotten = list(content.done), content.forgotten

    def _evict(self, settled: dict[int, int]) -> None:
        """Forget one entry, and that something is forgotten.

        Also of a settled one a copy may be on its way.
        """
        victim = 0
        for position, entry in enumerate(self.done):
            if entry.seq < settled.get(entry.origin, 0):
                victim = position
                break
        gone = self.done.pop(victim)
        if gone.version > self.forgotten:
            self.forgotten = gone.version

    def sealed(self, key: bytes) -> Content:
        """What is to be accepted."""
        return seal(key, self.version, self.value, tuple(self.done), self.forgotten)
