"""The payload of DUMP and RESTORE: a value, the version of the format (2 bytes), a checksum (8).

``is_intact`` and ``restore`` are two steps because their failures are different replies.
"""

from typing import Final

from trivet.core.values.hash_value import MortalHash
from trivet.core.values.rdb.crc64 import crc64
from trivet.core.values.rdb.reader import read_value
from trivet.core.values.rdb.source import Source
from trivet.core.values.rdb.writer import has_deadlines, write_value
from trivet.core.values.types import Value

VERSION_WRITTEN: Final = 10
"""That of redis-server 7.0: older servers refuse it, all later ones load it."""
VERSION_OF_DEADLINES: Final = 12
"""That of redis-server 7.4, the first with deadlines of a hash's fields: for such hashes only."""
VERSION_MAX: Final = 12
"""The newest version whose values we know."""

_FOOTER_BYTES: Final = 10
_CHECKSUM_BYTES: Final = 8


def dump(value: Value) -> bytes:
    """The payload of a value."""
    is_mortal = isinstance(value, MortalHash) and has_deadlines(value)
    return seal(write_value(value), VERSION_OF_DEADLINES if is_mortal else VERSION_WRITTEN)


def seal(body: bytes, version: int) -> bytes:
    """A payload with its footer."""
    versioned = body + version.to_bytes(2, "little")
    return versioned + crc64(versioned).to_bytes(_CHECKSUM_BYTES, "little")


def is_intact(payload: bytes) -> bool:
    """Whether the footer has a version that we know, and the right checksum."""
    if len(payload) < _FOOTER_BYTES:
        return False
    version = int.from_bytes(payload[-_FOOTER_BYTES:-_CHECKSUM_BYTES], "little")
    if version > VERSION_MAX:
        return False
    return crc64(payload[:-_CHECKSUM_BYTES]).to_bytes(_CHECKSUM_BYTES, "little") == payload[-_CHECKSUM_BYTES:]


def restore(payload: bytes) -> Value:
    """The value of an intact payload. Raises ``ValueError``; what follows the value is ignored.

    The clock of a hash whose fields have deadlines stands still until a database adopts it.
    """
    return read_value(Source(payload[:-_FOOTER_BYTES]))
