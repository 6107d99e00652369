"""HyperLogLog: how many different elements there were, from 16,384 registers of 6 bits.

The value is a string in the form that redis-server keeps it in, byte for byte: clients
read it with ``GET`` and write it with ``SET``, so nothing in it is trusted.

A header of 16 bytes: ``HYLL``, the encoding (0 dense, 1 sparse), 3 bytes of nothing, and
the cardinality as of the last count, little-endian; its highest bit says that it is out
of date. Then dense: the registers, 6 bits each, lowest bits first. Or sparse: runs of
equal registers, as one of

| bits | name | what |
|---|---|---|
| ``00nnnnnn`` | ZERO | n + 1 registers of 0 |
| ``01nnnnnn nnnnnnnn`` | XZERO | n + 1 registers of 0 |
| ``1vvvvvnn`` | VAL | n + 1 registers of v + 1 |

Strategy: dense registers are handled 4,096 at a time, in *planes*: first every fourth
register from the first one on, then from the second on, and so on, one byte each. Three
bytes hold four registers, so planes come from slices and translations, and the greater
of two is found for all registers at once in one large integer. The estimate follows Ertl,
*New cardinality estimation algorithms for HyperLogLog sketches* (2017), algorithm 6.
No slice starts behind its end: compiled by mypyc, that is an error and not empty.
"""

import math
from functools import lru_cache
from struct import iter_unpack
from typing import Final

from trivet.core.values.hyperloglog_sparse import (
    EMPTY,
    ENCODING_AT,
    HEADER_BYTES,
    REGISTERS,
    SPARSE,
    STALE,
    STALE_AT,
    VALUE_MAX,
    Sparse,
    expanded,
    histogram_of_runs,
)
from trivet.core.values.numbers import INT64_MIN, UINT64_MAX

DENSE: Final = 0
DENSE_BYTES: Final = HEADER_BYTES + REGISTERS * 6 // 8
_PLANE: Final = REGISTERS // 4
_INDEX_BITS: Final = 14
_RANK_MAX: Final = 64 - _INDEX_BITS + 1
_SEED: Final = 0xADC83B19
_MULTIPLIER: Final = 0xC6A4A7935BD1E995
_ALPHA: Final = 0.721347520444481703680
_COUNTED_MAX: Final = 64
"""So many values with their cardinality are remembered, because no read may write it into the value."""

_LOW_6: Final = bytes(byte & 63 for byte in range(256))
_LOW_4_UP_2: Final = bytes((byte & 15) << 2 for byte in range(256))
_LOW_4_UP_4: Final = bytes((byte & 15) << 4 for byte in range(256))
_LOW_2_UP_4: Final = bytes((byte & 3) << 4 for byte in range(256))
_LOW_2_UP_6: Final = bytes((byte & 3) << 6 for byte in range(256))
_UP_2: Final = bytes((byte << 2) & 255 for byte in range(256))
_DOWN_2: Final = bytes(byte >> 2 for byte in range(256))
_DOWN_4: Final = bytes(byte >> 4 for byte in range(256))
_DOWN_6: Final = bytes(byte >> 6 for byte in range(256))
_HIGH_BITS: Final = int.from_bytes(b"\x80" * REGISTERS, "little")

Planes = bytes
"""All registers, one byte each, every fourth together."""


def is_one(data: bytes) -> bool:
    """Whether the header is one of a HyperLogLog, and the length that of a dense one if it says so."""
    if len(data) < HEADER_BYTES or data[:4] != b"HYLL":
        return False
    return data[ENCODING_AT] == SPARSE or (data[ENCODING_AT] == DENSE and len(data) == DENSE_BYTES)


def is_dense(data: bytes) -> bool:
    """Whether a HyperLogLog is in the dense form."""
    return data[ENCODING_AT] == DENSE


# Adding


def hash64(data: bytes) -> int:
    """MurmurHash64A with the seed that redis-server uses."""
    size = len(data)
    mask, multiplier = UINT64_MAX, _MULTIPLIER
    state = _SEED ^ (size * multiplier & mask)
    whole = size & ~7
    if whole:
        for (word,) in iter_unpack("<Q", data if whole == size else data[:whole]):
            word = word * multiplier & mask
            state = (state ^ ((word ^ word >> 47) * multiplier & mask)) * multiplier & mask
    if size & 7:
        state = (state ^ int.from_bytes(data[whole:], "little")) * multiplier & mask
    state = (state ^ state >> 47) * multiplier & mask
    return state ^ state >> 47


def register_of(element: bytes) -> tuple[int, int]:
    """The register of an element, and the value, 1 to 51, that it must have at least."""
    state = hash64(element)
    rest = state >> _INDEX_BITS | 1 << (_RANK_MAX - 1)
    return state & (REGISTERS - 1), (rest & -rest).bit_length()


def with_elements(data: bytes, elements: list[bytes]) -> bytes | None:
    """``data`` with elements added: the same object when none made a difference; None: corrupt."""
    wanted = [register_of(element) for element in elements]
    if is_dense(data):
        return _raise_dense(data, wanted)
    sparse = Sparse(data)
    for position, (index, value) in enumerate(wanted):
        if value > VALUE_MAX or not sparse.put(index, value):
            if sparse.corrupt:
                return None
            dense = to_dense(sparse.result())
            return None if dense is None else _raise_dense(dense, wanted[position:])
    return sparse.result() if sparse.changed else data


def _raise_dense(data: bytes, wanted: list[tuple[int, int]]) -> bytes:
    """Registers raised to at least these values."""
    raised: bytearray | None = None
    for index, value in wanted:
        at = HEADER_BYTES + (index * 6 >> 3)
        shift = index * 6 & 7
        now = data if raised is None else raised
        pair = now[at] | (now[at + 1] << 8 if at + 1 < DENSE_BYTES else 0)
        if pair >> shift & 63 >= value:
            continue
        if raised is None:
            raised = bytearray(data)
            raised[STALE_AT] |= STALE
        pair = pair & ~(63 << shift) | value << shift
        raised[at] = pair & 255
        if at + 1 < DENSE_BYTES:
            raised[at + 1] = pair >> 8
    return data if raised is None else bytes(raised)


# Forms


def to_dense(data: bytes) -> bytes | None:
    """The dense form of a sparse HyperLogLog; the remembered cardinality stays. None: corrupt."""
    planes = planes_of(data)
    return None if planes is None else _dense(data[:HEADER_BYTES], planes)


def planes_of(data: bytes) -> Planes | None:
    """The registers of a HyperLogLog in either form; None: corrupt."""
    if not is_dense(data):
        registers = expanded(data)
        return None if registers is None else b"".join([registers[start::4] for start in range(4)])
    first, second, third = data[HEADER_BYTES::3], data[HEADER_BYTES + 1 :: 3], data[HEADER_BYTES + 2 :: 3]
    return b"".join(
        (
            first.translate(_LOW_6),
            _either(first.translate(_DOWN_6), second.translate(_LOW_4_UP_2)),
            _either(second.translate(_DOWN_4), third.translate(_LOW_2_UP_4)),
            third.translate(_DOWN_2),
        )
    )


def registers_of(planes: Planes) -> bytes:
    """The registers in their order, one byte each."""
    registers = bytearray(REGISTERS)
    for start in range(4):
        registers[start::4] = planes[start * _PLANE : (start + 1) * _PLANE]
    return bytes(registers)


def _dense(header: bytes, planes: Planes) -> bytes:
    """A dense HyperLogLog with these registers and, but for the encoding, this header."""
    one, two, three, four = (planes[start : start + _PLANE] for start in range(0, REGISTERS, _PLANE))
    packed = bytearray(DENSE_BYTES)
    packed[:HEADER_BYTES] = header
    packed[ENCODING_AT] = DENSE
    packed[HEADER_BYTES::3] = _either(one, two.translate(_LOW_2_UP_6))
    packed[HEADER_BYTES + 1 :: 3] = _either(two.translate(_DOWN_2), three.translate(_LOW_4_UP_4))
    packed[HEADER_BYTES + 2 :: 3] = _either(three.translate(_DOWN_4), four.translate(_UP_2))
    return bytes(packed)


def _either(one: bytes, other: bytes) -> bytes:
    """Bitwise or of two strings of one length."""
    joined = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return joined.to_bytes(len(one), "little")


# Merging and counting


def greatest(sources: list[bytes]) -> Planes | None:
    """The greatest value of every register over all sources; None: one of them is corrupt."""
    total = 0
    for source in sources:
        planes = planes_of(source)
        if planes is None:
            return None
        other = int.from_bytes(planes, "little")
        # A byte keeps its high bit in the difference where ``total`` is at least ``other``.
        at_least = ((total | _HIGH_BITS) - other) & _HIGH_BITS
        total = other ^ (total ^ other) & (at_least - (at_least >> 7))
    return total.to_bytes(REGISTERS, "little")


def merged(destination: bytes, sources: list[bytes]) -> bytes | None:
    """``destination`` with the registers of all sources taken in; dense if one of them is. None: corrupt."""
    inputs = [destination, *sources]
    planes = greatest(inputs)
    if planes is None:
        return None
    result: bytes | None = None
    if not any(map(is_dense, inputs)):
        sparse = Sparse(destination)
        if sparse.raise_all(registers_of(planes)):
            result = sparse.result()
    if result is None:
        result = _dense(destination[:HEADER_BYTES], planes)
    return _stale(result)


def new(is_read: bool = False) -> bytes:
    """A HyperLogLog without elements; what is kept says that its cardinality is out of date."""
    return EMPTY if is_read else _stale(EMPTY)


def _stale(data: bytes) -> bytes:
    """``data``, whose remembered cardinality is out of date."""
    return b"".join((data[:STALE_AT], bytes((data[STALE_AT] | STALE,)), data[STALE_AT + 1 :]))


def cardinality(data: bytes) -> int | None:
    """About how many different elements there were; None: corrupt. What the value itself remembers counts."""
    if not data[STALE_AT] & STALE:
        return int.from_bytes(data[8:HEADER_BYTES], "little")
    return _counted(data)


@lru_cache(maxsize=_COUNTED_MAX)
def _counted(data: bytes) -> int | None:
    if not is_dense(data):
        histogram = histogram_of_runs(data)
        return None if histogram is None else estimate(histogram)
    planes = planes_of(data)
    assert planes is not None
    return cardinality_of_planes(planes)


def cardinality_of_planes(planes: Planes) -> int:
    """About how many different elements these registers have seen."""
    histogram = [0] * 64
    left = REGISTERS
    for value in range(64):
        histogram[value] = planes.count(value)
        left -= histogram[value]
        if not left:
            break
    return estimate(histogram)


def estimate(histogram: list[int]) -> int:
    """The cardinality from how many registers have each value, 0 to 63."""
    size = float(REGISTERS)
    z = size * _tau((size - histogram[_RANK_MAX]) / size)
    for value in range(_RANK_MAX - 1, 0, -1):
        z += histogram[value]
        z *= 0.5
    z += size * _sigma(histogram[0] / size)
    if z == 0.0:
        return INT64_MIN  # no elements do that: what redis-server makes of infinity
    return math.floor(_ALPHA * size * size / z + 0.5)


def _sigma(x: float) -> float:
    if x == 1.0:
        return math.inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x *= x
        before = z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1.0 - x, -1.0
    while z != before:
        x = math.sqrt(x)
        before = z
        y *= 0.5
        z -= (1.0 - x) * (1.0 - x) * y
    return z / 3.0
