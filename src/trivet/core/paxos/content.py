"""What a register holds, and the drafts that turn one content into the next.

On the path: promises bring a content, the proposer drafts its successor, accepts carry that. Besides the
value it has a version, which rises with every change and never falls, not even over a removal, and the
*done* entries: who changed it last, with which operation, and what was replied. They make a retry
harmless (Rules P8, P9).

Strategy: whoever drafts a content *seals* it: makes bytes of it, with a checksum over the key and all of them
behind it. From there on these bytes are what travels, is kept and goes to the disk, on every node; only a
proposer that runs something upon it reads them (``Draft``). So they are made once and checked by one pass by
everyone who receives or loads them (Rule P17).
"""

import struct
from collections.abc import Sequence
from typing import Final
from zlib import crc32

import msgspec

from trivet.core.paxos.ballot import Number
from trivet.core.paxos.operation import Operation

_HEAD: Final = struct.Struct("<I")
"""The length of the value, and one; 0: there is none."""
VALUE_AT: Final = _HEAD.size
"""Here the value begins, if there is one."""
NO_VALUE: Final = _HEAD.pack(0)
"""So a tombstone begins."""
_CRC_BYTES: Final = 4
_SEALED_BYTES_MIN: Final = VALUE_AT + 4 + _CRC_BYTES
_RESIDUE: Final = 0x2144DF1C
"""The crc32 of whatever has its own crc32, little-endian, at its end."""
_OVERHEAD_BYTES: Final = 64

Sealed = bytes
"""``head | value | (version, forgotten, done entries) in msgpack | crc32``.

The crc goes over the key as well, which comes first.
"""


class Done(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The last operation of ``origin`` on this register made ``version`` and was answered ``reply``."""

    origin: Number
    seq: Number
    version: Number
    reply: bytes


Tail = tuple[Number, Number, list[Done]]
"""Version; up to which version entries may be missing; the last operation of each origin, oldest first."""

_encode = msgspec.msgpack.Encoder().encode
_decode_tail = msgspec.msgpack.Decoder(Tail).decode


def seal(key: bytes, version: int, value: bytes | None, done: Sequence[Done], forgotten: int) -> Sealed:
    """A content, as bytes with their checksum.

    ``value`` None: a tombstone. ``forgotten``: entries up to this version may be missing in ``done``.
    """
    tail = _encode((version, forgotten, done))
    body = _HEAD.pack(0) + tail if value is None else _HEAD.pack(len(value) + 1) + value + tail
    return body + crc32(body, crc32(key)).to_bytes(_CRC_BYTES, "little")


def is_sound(key: bytes, sealed: Sealed) -> bool:
    """Whether it is what was sealed under this key."""
    return crc32(sealed, crc32(key)) == _RESIDUE and len(sealed) >= _SEALED_BYTES_MIN


NONE_DAMAGED: Final[Sequence[int]] = ()


def unsound(keys: Sequence[bytes], contents: Sequence[Sealed]) -> Sequence[int]:
    """The positions of those that are not what was sealed under their key: of nearly all there are none."""
    crcs = list(map(crc32, contents, map(crc32, keys)))
    if crcs.count(_RESIDUE) == len(contents) and min(map(len, contents), default=0) >= _SEALED_BYTES_MIN:
        return NONE_DAMAGED
    pairs = zip(keys, contents, strict=True)
    return [position for position, (key, sealed) in enumerate(pairs) if not is_sound(key, sealed)]


def is_tombstone(sealed: Sealed) -> bool:
    """Deleted, and not collected yet."""
    return sealed.startswith(NO_VALUE)


def size_bytes(sealed: Sealed) -> int:
    """What it costs, about."""
    return _OVERHEAD_BYTES + len(sealed)


def value_start(sealed: Sealed, count: int) -> bytes | None:
    """The first ``count`` bytes of the value, and what follows it where it is shorter; None: no value."""
    return None if is_tombstone(sealed) else sealed[VALUE_AT : VALUE_AT + count]


def value_of(sealed: Sealed) -> bytes | None:
    """The value; None: a tombstone."""
    (count,) = _HEAD.unpack_from(sealed)
    return sealed[VALUE_AT : VALUE_AT + count - 1] if count else None


def tail_of(sealed: Sealed) -> Tail:
    """All but the value."""
    return parts_of(sealed)[1]


def parts_of(sealed: Sealed) -> tuple[bytes | None, Tail]:
    """The value, or None, and the rest."""
    (count,) = _HEAD.unpack_from(sealed)
    if not count:
        return None, _decode_tail(sealed[VALUE_AT:-_CRC_BYTES])
    end = VALUE_AT + count - 1
    return sealed[VALUE_AT:end], _decode_tail(sealed[end:-_CRC_BYTES])


class Content:
    """A look at what is sealed, at once at all of it: for who wants to know, seldom."""

    __slots__ = ("crc", "done", "forgotten", "value", "version")

    def __init__(self, sealed: Sealed) -> None:
        self.value, (self.version, self.forgotten, self.done) = parts_of(sealed)
        self.crc = int.from_bytes(sealed[-_CRC_BYTES:], "little")


class Draft:
    """The successor of a content while operations run upon it."""

    __slots__ = ("_before", "_origins_max", "changed", "done", "forgotten", "value", "version")

    def __init__(self, before: Sealed | None, version_floor: int, origins_max: int) -> None:
        """``before`` None: nobody has anything, and all that ever was is at most ``version_floor``."""
        self._origins_max = origins_max
        self._before = before
        self.changed = False
        if before is None:
            self.version = version_floor
            self.value: bytes | None = None
            self.done: list[Done] = []
            self.forgotten = version_floor
        else:
            self.value, (self.version, self.forgotten, self.done) = parts_of(before)

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

    def adopt(self, content: Sealed) -> None:
        """Become what another group had (Rule P22)."""
        if content == self._before:
            return
        self.changed = True
        self.value, (self.version, self.forgotten, self.done) = parts_of(content)

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

    def sealed(self, key: bytes) -> Sealed:
        """What is to be accepted."""
        return seal(key, self.version, self.value, self.done, self.forgotten)
