"""Numbers as Redis reads and writes them.

Integers are strict: no sign but a minus, no leading zero, no space, 64 bits.
Floats follow C's ``strtod`` grammar (hexadecimal and ``inf`` included).

``INCRBYFLOAT`` and its relatives compute in ``long double``. To give the same
digits, and the same on every platform, that type is imitated here in integer
arithmetic: a value is ``mantissa * 2**exponent`` with a mantissa of up to 64 bits,
every result rounded to nearest even, as on x86-64.
"""

import re
from math import inf, isinf
from typing import Final

INT64_MAX: Final = 0x7FFFFFFFFFFFFFFF
INT64_MIN: Final = -0x8000000000000000
UINT64_MAX: Final = 0xFFFFFFFFFFFFFFFF

LongDouble = tuple[int, int]
"""(mantissa, exponent): mantissa * 2**exponent, the mantissa signed, below 2**64."""

_LONG_DOUBLE_CHARS_MAX: Final = 5 * 1024
_MANTISSA_BITS: Final = 64
_EXPONENT_MIN: Final = -16445
"""Of the last bit of the smallest long double."""
_TOP_MAX: Final = 16384
"""Bits before the binary point of the largest long double."""
_INFINITE_EXPONENT: Final = 1 << 20
_DECIMALS: Final = 17
_CHUNK_DIGITS: Final = 4000
"""Python refuses to convert more digits at a time (4,300, unless configured)."""

_DECIMAL: Final = re.compile(rb"([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?")
_HEXADECIMAL: Final = re.compile(
    rb"([+-]?)0[xX](?:([0-9a-fA-F]+)(?:\.([0-9a-fA-F]*))?|\.([0-9a-fA-F]+))(?:[pP]([+-]?\d+))?"
)
_INFINITE: Final = re.compile(rb"([+-]?)inf(?:inity)?", re.IGNORECASE)


def parse_int(data: bytes) -> int | None:
    """The 64-bit integer that ``data`` is the one canonical spelling of, or None."""
    size = len(data)
    if size == 0 or size > 20:
        return None
    digits = data[1:] if data[0] == 0x2D else data
    if not digits.isdigit():
        return None
    if digits[0] == 0x30:
        return 0 if size == 1 else None
    value = int(data)
    if size >= 19 and not INT64_MIN <= value <= INT64_MAX:
        return None
    return value


def parse_cursor(data: bytes) -> int | None:
    """A scan cursor as C's ``strtoul`` reads it: a sign is allowed, and nothing at all is 0."""
    data = data.split(b"\0", 1)[0]
    if not data:
        return 0
    digits = data[1:] if data[0] in b"+-" else data
    if not digits.isdigit() or len(digits.lstrip(b"0")) > 20:
        return None
    value = int(digits.lstrip(b"0") or b"0")
    if value > UINT64_MAX:
        return None
    return -value & UINT64_MAX if data[0] == 0x2D else value


def parse_float(data: bytes) -> float | None:
    """A double in C's grammar. NaN, overflow and underflow to zero give None."""
    match = _DECIMAL.fullmatch(data)
    if match is not None:
        value = float(data)
        if isinf(value):
            return None
        if value == 0.0 and (match[2] or b"").strip(b"0") + (match[3] or match[4] or b"").strip(b"0") != b"":
            return None
        return value
    if (infinite := _infinity(data)) != 0:
        return inf * infinite
    hexadecimal = _HEXADECIMAL.fullmatch(data)
    if hexadecimal is None:
        return None
    return _parse_hexadecimal_double(data, hexadecimal)


def format_double(value: float) -> bytes:
    """17 significant digits at most, as C's ``%.17g``."""
    return b"%.17g" % value


def parse_long_double(data: bytes) -> LongDouble | None:
    """A long double in C's grammar; infinities are values, NaN and what does not fit are None."""
    if not data or len(data) >= _LONG_DOUBLE_CHARS_MAX:
        return None
    if (infinite := _infinity(data)) != 0:
        return infinite, _INFINITE_EXPONENT
    match = _DECIMAL.fullmatch(data)
    base, shift_base, fraction_step = 10, 10, 1
    if match is None:
        match = _HEXADECIMAL.fullmatch(data)
        base, shift_base, fraction_step = 16, 2, 4
        if match is None:
            return None
    fraction: bytes = match[3] or match[4] or b""
    digits = ((match[2] or b"") + fraction).lstrip(b"0")
    if not digits:
        return 0, 0
    sign = -1 if match[1] == b"-" else 1
    power = _parse_exponent(match[5]) - len(fraction) * fraction_step
    if abs(power) > 4 * _LONG_DOUBLE_CHARS_MAX + 2 * _TOP_MAX:
        return None
    number = _int_of_digits(digits) if base == 10 else int(digits, 16)
    if power >= 0:
        rounded = _round(number * shift_base**power, 1)
    else:
        rounded = _round(number, shift_base**-power)
    if rounded is None or rounded[0] == 0:
        return None
    return sign * rounded[0], rounded[1]


def add_long_doubles(one: LongDouble, other: LongDouble) -> LongDouble | None:
    """The rounded sum; None when it is not a finite number."""
    if one[1] == _INFINITE_EXPONENT or other[1] == _INFINITE_EXPONENT:
        return None
    exponent = min(one[1], other[1])
    total = (one[0] << (one[1] - exponent)) + (other[0] << (other[1] - exponent))
    if total == 0:
        return 0, 0
    scale = abs(exponent)
    rounded = _round(abs(total), 1 << scale) if exponent < 0 else _round(abs(total) << scale, 1)
    if rounded is None:
        return None
    return (-rounded[0] if total < 0 else rounded[0]), rounded[1]


def format_long_double(value: LongDouble) -> bytes:
    """17 decimals, trailing zeros cut, as Redis prints the result of ``INCRBYFLOAT``."""
    mantissa, exponent = abs(value[0]), value[1]
    scaled = mantissa * 10**_DECIMALS
    if exponent >= 0:
        scaled <<= exponent
    else:
        scaled = _divide_half_even(scaled, 1 << -exponent)
    text = _digits_of_int(scaled).rjust(_DECIMALS + 1, "0")
    text = f"{text[:-_DECIMALS]}.{text[-_DECIMALS:]}".rstrip("0").rstrip(".")
    if value[0] < 0 and text != "0":
        text = "-" + text
    return text.encode()


def _infinity(data: bytes) -> int:
    """1 or -1 for an infinity, else 0."""
    match = _INFINITE.fullmatch(data)
    if match is None:
        return 0
    return -1 if match[1] == b"-" else 1


def _parse_hexadecimal_double(data: bytes, match: re.Match[bytes]) -> float | None:
    digits: bytes = (match[2] or b"") + (match[3] or match[4] or b"")
    if not digits.strip(b"0"):
        return -0.0 if match[1] == b"-" else 0.0
    if abs(_parse_exponent(match[5])) > 1 << 30:
        return None
    try:
        value = float.fromhex(data.decode())
    except OverflowError:
        return None
    return None if value == 0.0 else value


def _parse_exponent(digits: bytes | None) -> int:
    """The exponent, cut to what is certainly out of range when it is absurd."""
    if digits is None:
        return 0
    absolute = digits.lstrip(b"+-").lstrip(b"0") or b"0"
    value = int(absolute) if len(absolute) <= 10 else 1 << 40
    return -value if digits[0] == 0x2D else value


def _round(numerator: int, denominator: int) -> LongDouble | None:
    """The long double nearest to a positive fraction; None when it is too large."""
    exponent = max(numerator.bit_length() - denominator.bit_length() - _MANTISSA_BITS, _EXPONENT_MIN)
    while True:
        if exponent >= 0:
            mantissa = _divide_half_even(numerator, denominator << exponent)
        else:
            mantissa = _divide_half_even(numerator << -exponent, denominator)
        if mantissa.bit_length() <= _MANTISSA_BITS:
            break
        exponent += 1
    if mantissa.bit_length() + exponent > _TOP_MAX:
        return None
    return mantissa, exponent


def _divide_half_even(numerator: int, denominator: int) -> int:
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


def _int_of_digits(digits: bytes) -> int:
    value = 0
    for start in range(0, len(digits), _CHUNK_DIGITS):
        chunk = digits[start : start + _CHUNK_DIGITS]
        value = value * 10 ** len(chunk) + int(chunk)
    return value


def _digits_of_int(value: int) -> str:
    text = ""
    chunk = 10**_CHUNK_DIGITS
    while value >= chunk:
        value, low = divmod(value, chunk)
        text = str(low).rjust(_CHUNK_DIGITS, "0") + text
    return str(value) + text
