"""The sparse form of a HyperLogLog: runs of equal registers (see ``hyperloglog``).

How runs are split, joined and when the form is given up are part of the format here:
the bytes must be those that redis-server would have after the same additions. It joins
neighbours only among a few runs around a change, and only towards the right.

Strategy: a run is found by adding up the lengths of the runs before it. Stretches of
one-byte runs are summed as a whole, then halved; only XZEROs are walked one by one,
and there are at most 252 of them.
"""

from typing import Final

REGISTERS: Final = 16384
HEADER_BYTES: Final = 16
ENCODING_AT: Final = 4
STALE_AT: Final = 15
STALE: Final = 0x80
SPARSE: Final = 1
EMPTY: Final = b"HYLL\x01" + bytes(11) + b"\x7f\xff"
VALUE_MAX: Final = 32
"""The greatest value that a run can have."""
SPARSE_BYTES_MAX: Final = 3000
"""redis-server's ``hll-sparse-max-bytes``, header included."""

_XZERO: Final = 0x40
_VAL: Final = 0x80
_ZERO_MAX: Final = 64
_VAL_MAX: Final = 4
_JOIN_STEPS: Final = 5
_STRETCH_MIN: Final = 24
"""One-byte runs in a row from which on they are summed instead of walked."""


def _span(byte: int) -> int:
    return (byte & 3) + 1 if byte >= _VAL else 0 if byte >= _XZERO else byte + 1


_SPANS: Final = bytes(_span(byte) for byte in range(256))
"""How many registers a one-byte run has; 0 marks the first byte of an XZERO."""
_ZEROS: Final = bytes(byte + 1 if byte < _XZERO else 0 for byte in range(256))
_XZERO_MARK: Final = b"\0"


def _zero(length: int) -> bytes:
    """The run of so many zeros."""
    if length <= _ZERO_MAX:
        return bytes((length - 1,))
    return bytes((_XZERO | length - 1 >> 8, (length - 1) & 255))


def _val(value: int, length: int) -> int:
    return _VAL | value - 1 << 2 | length - 1


class Sparse:
    """A sparse HyperLogLog, being changed. ``corrupt`` says that a run was asked for that is not there."""

    __slots__ = ("_before", "_data", "_first", "_span", "changed", "corrupt")

    def __init__(self, data: bytes) -> None:
        self._data = bytearray(data)
        self.changed = False
        self.corrupt = False
        self._before = -1
        """Of the run found last: where the one before it is, or -1; its first register; its length."""
        self._first = 0
        self._span = 0

    def result(self) -> bytes:
        """The HyperLogLog as it is now."""
        if self.changed:
            self._data[STALE_AT] |= STALE
        return bytes(self._data)

    def put(self, index: int, value: int) -> bool:
        """Raise a register to at least ``value``, at most ``VALUE_MAX``. False: corrupt, or no room."""
        at = self._find(index)
        if at < 0:
            self.corrupt = True
            return False
        return self._put(at, index, value)

    def raise_all(self, registers: bytes) -> bool:
        """``put`` for all registers that are not 0, in their order; False: no room, or a value too great."""
        if max(registers) > VALUE_MAX:
            return False
        data, starts, firsts = (
            self._data,
            [],
            [],
        )  # of the runs before ``at``: a change leaves all but the last
        at, first = HEADER_BYTES, 0
        for index, value in enumerate(registers):
            if not value:
                continue
            while True:
                span, size = self._run_at(at)
                if index < first + span:
                    break
                starts.append(at)
                firsts.append(first)
                at += size
                first += span
            if data[at] >= _VAL and (data[at] >> 2 & 31) + 1 >= value:
                continue
            self._before = starts[-1] if starts else -1
            self._first, self._span = first, span
            if not self._put(at, index, value):
                return False
            if starts:
                at, first = starts.pop(), firsts.pop()
        return True

    def _run_at(self, at: int) -> tuple[int, int]:
        """How many registers the run has, and how many bytes."""
        byte = self._data[at]
        span = _SPANS[byte]
        if span:
            return span, 1
        return ((byte & 63) << 8 | self._data[at + 1]) + 1, 2

    def _find(self, index: int) -> int:
        """Where the run with register ``index`` is; -1 when there is none."""
        data = self._data
        spans = data.translate(_SPANS)
        end = len(data)
        at, first, before = HEADER_BYTES, 0, -1
        stretch_end = 0
        while at < end:
            span, size = spans[at], 1
            if not span:
                if at + 1 == end:
                    return -1
                span, size = ((data[at] & 63) << 8 | data[at + 1]) + 1, 2
            elif at >= stretch_end:
                stretch_end = spans.find(_XZERO_MARK, at)
                if stretch_end < 0:
                    stretch_end = end
                if stretch_end - at >= _STRETCH_MIN:
                    start = at
                    at, first = _skip(spans, at, stretch_end, first, index)
                    before = at - 1 if at > start else before
                    continue
            if index < first + span:
                self._before, self._first, self._span = before, first, span
                return at
            before = at
            at += size
            first += span
        return -1

    def _put(self, at: int, index: int, value: int) -> bool:
        """Raise register ``index`` in the run at ``at``, described by the fields; False: no room."""
        data, first, span = self._data, self._first, self._span
        byte = data[at]
        held = (byte >> 2 & 31) + 1 if byte >= _VAL else 0
        if held >= value:
            return True
        if span == 1 and _SPANS[byte]:
            data[at] = _val(value, 1)
        else:
            runs = bytearray()
            if index > first:
                runs += bytes((_val(held, index - first),)) if held else _zero(index - first)
            runs.append(_val(value, 1))
            behind = first + span - 1 - index
            if behind:
                runs += bytes((_val(held, behind),)) if held else _zero(behind)
            size = 1 if _SPANS[byte] else 2
            if len(runs) > size and len(data) + len(runs) - size > SPARSE_BYTES_MAX:
                return False
            data[at : at + size] = runs
        self.changed = True
        self._join(at if self._before < 0 else self._before)
        return True

    def _join(self, at: int) -> None:
        """Join equal values among a few runs from ``at`` on."""
        data = self._data
        for _ in range(_JOIN_STEPS):
            if at >= len(data):
                return
            byte = data[at]
            if byte >= _VAL and at + 1 < len(data):
                other = data[at + 1]
                length = (byte & 3) + (other & 3) + 2
                if other >= _VAL and byte >> 2 == other >> 2 and length <= _VAL_MAX:
                    data[at] = byte & ~3 | length - 1
                    del data[at + 1]
                    continue
            at += 1 if _SPANS[byte] else 2


def _skip(spans: bytearray, at: int, end: int, first: int, index: int) -> tuple[int, int]:
    """Over one-byte runs from ``at`` to ``end``, up to near ``index``: the place and its first register."""
    total = sum(spans[at:end])
    if first + total <= index:
        return end, first + total
    while end - at >= _STRETCH_MIN:
        middle = (at + end) // 2
        total = sum(spans[at:middle])
        if first + total <= index:
            at, first = middle, first + total
        else:
            end = middle
    while first + spans[at] <= index:
        first += spans[at]
        at += 1
    return at, first


def expanded(data: bytes) -> bytes | None:
    """The registers, one byte each; None unless the runs have exactly as many as there are."""
    pieces: list[bytes] = []
    at, end, total = HEADER_BYTES, len(data), 0
    while at < end and total <= REGISTERS:
        byte = data[at]
        span, value = _SPANS[byte], 0
        if byte >= _VAL:
            value = (byte >> 2 & 31) + 1
        elif not span:
            at += 1
            if at == end:
                return None
            span = ((byte & 63) << 8 | data[at]) + 1
        at += 1
        total += span
        pieces.append(bytes((value,)) * span)
    return b"".join(pieces) if total == REGISTERS and at == end else None


def histogram_of_runs(data: bytes) -> list[int] | None:
    """How many registers have each value, 0 to 63; None unless there are as many as there should be."""
    spans = data.translate(_SPANS)
    end = len(data)
    at, zeros = HEADER_BYTES, 0
    pieces: list[bytes] = []
    while at < end:
        mark = spans.find(_XZERO_MARK, at)
        stop = mark if mark >= 0 else end
        pieces.append(data[at:stop])
        if mark >= 0:
            if mark + 1 == end:
                return None
            zeros += ((data[mark] & 63) << 8 | data[mark + 1]) + 1
            if zeros > REGISTERS:
                return None
        at = stop + 2
    ones = b"".join(pieces)
    histogram = [0] * 64
    histogram[0] = zeros + sum(ones.translate(_ZEROS))
    for byte in range(_VAL, 256):
        histogram[(byte >> 2 & 31) + 1] += ones.count(byte) * _SPANS[byte]
    return histogram if sum(histogram) == REGISTERS else None


def runs_as_text(data: bytes) -> bytes:
    """The runs as PFDEBUG DECODE prints them: ``z:length``, ``Z:length`` (XZERO), ``v:value,length``."""
    words: list[bytes] = []
    at, end = HEADER_BYTES, len(data)
    while at < end:
        byte = data[at]
        if byte >= _VAL:
            words.append(b"v:%d,%d" % ((byte >> 2 & 31) + 1, (byte & 3) + 1))
        elif byte < _XZERO:
            words.append(b"z:%d" % (byte + 1))
        else:
            at += 1
            words.append(b"Z:%d" % (((byte & 63) << 8 | (data[at] if at < end else 0)) + 1))
        at += 1
    return b" ".join(words)
