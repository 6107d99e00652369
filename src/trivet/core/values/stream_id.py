"""Ids of stream entries: two unsigned 64-bit numbers, milliseconds and a sequence, as one integer.

``ms << 64 | sequence`` orders as the pair does, compares at the speed of an integer and
is one object. Texts are ``ms-sequence``.
"""

from typing import Final

UINT64_MAX: Final = 0xFFFFFFFFFFFFFFFF
ID_MAX: Final = (1 << 128) - 1
_HALF_BITS: Final = 64


def id_of(ms: int, sequence: int) -> int:
    """The id of two numbers in [0, 2**64)."""
    return ms << _HALF_BITS | sequence


def checked_id(pair: tuple[int, int]) -> int:
    """The id of two numbers read from outside. Raises ``ValueError`` when they are no id's."""
    ms, sequence = pair
    if not (0 <= ms <= UINT64_MAX and 0 <= sequence <= UINT64_MAX):
        raise ValueError("not an id of a stream")
    return ms << _HALF_BITS | sequence


def pair_of(entry_id: int) -> tuple[int, int]:
    """Both halves."""
    return entry_id >> _HALF_BITS, entry_id & UINT64_MAX


def ms_of(entry_id: int) -> int:
    """The first half."""
    return entry_id >> _HALF_BITS


def sequence_of(entry_id: int) -> int:
    """The second half."""
    return entry_id & UINT64_MAX


def format_id(entry_id: int) -> bytes:
    """The id as clients read it."""
    return b"%d-%d" % (entry_id >> _HALF_BITS, entry_id & UINT64_MAX)


def next_id(last_id: int, now_ms: int) -> int:
    """The id that ``*`` stands for: of now, but greater than ``last_id``, which is not the last of all."""
    assert last_id < ID_MAX
    return now_ms << _HALF_BITS if now_ms > last_id >> _HALF_BITS else last_id + 1
