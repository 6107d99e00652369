"""Slots: the 16,384 shares into which Redis Cluster clients divide the keys.

A key's slot is CRC16 (XMODEM) of the key, or of the part between the first ``{`` and the
next ``}`` when that part is not empty, so that keys with equal tags share a slot.
"""

from binascii import crc_hqx
from typing import Final

SLOTS: Final = 16384


def slot_of(key: bytes) -> int:
    """The slot of ``key``, in [0, 16384)."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key, 0) % SLOTS
