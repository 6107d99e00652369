"""Sine, cosine and arc sine with the same bits on every machine.

C's are not: their last bit depends on the library and on the processor. What a replica
computes for an entry must not, so writes take these, and reads C's, which are faster.

Strategy: fixed point in large integers, Taylor's series, one correctly rounded division
at the end. About 5 to 20 µs each.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

_BITS: Final = 112
_ONE: Final = 1 << _BITS
_TINY: Final = 1e-9
"""Below it sine and arc sine round to their argument."""


class Trigonometry(NamedTuple):
    """The functions of one kind. Angles are radians; ``asin`` takes values from 0 to 1."""

    sin: Callable[[float], float]
    cos: Callable[[float], float]
    asin: Callable[[float], float]


def _arc_tangent_of_inverse(number: int) -> int:
    """atan(1 / number), fixed."""
    power, total, odd = _ONE // number, 0, 1
    while power:
        total += power // odd if odd & 2 == 0 else -(power // odd)
        power //= number * number
        odd += 2
    return total


_PI: Final = 16 * _arc_tangent_of_inverse(5) - 4 * _arc_tangent_of_inverse(239)


def sin(x: float) -> float:
    """The sine. Of angles beyond some thousand turns only the machine-independence can be relied on."""
    return x if abs(x) < _TINY else _sin(_fixed(x)) / _ONE


def cos(x: float) -> float:
    """The cosine; see ``sin``."""
    return _cos(_fixed(x)) / _ONE


def asin(x: float) -> float:
    """The arc sine of a value from 0 to 1."""
    if x < _TINY:
        return x
    fixed = _fixed(x)
    if x <= 0.7:
        return _asin(fixed) / _ONE
    return (_PI // 2 - 2 * _asin(math.isqrt((_ONE - fixed) << (_BITS - 1)))) / _ONE


def _fixed(x: float) -> int:
    numerator, denominator = x.as_integer_ratio()
    return (numerator << _BITS) >> (denominator.bit_length() - 1)


def _reduced(angle: int) -> int:
    """The same angle between -pi and pi."""
    return angle if -_PI <= angle <= _PI else (angle + _PI) % (2 * _PI) - _PI


def _sin(angle: int) -> int:
    angle = _reduced(angle)
    return _series(angle, angle, 1)


def _cos(angle: int) -> int:
    return _series(_reduced(angle), _ONE, 0)


def _series(angle: int, term: int, power: int) -> int:
    """Taylor's series from ``term``, which has that power of the angle."""
    square = angle * angle >> _BITS
    total = 0
    while term not in (0, -1):
        total += term
        term = -(term * square >> _BITS) // ((power + 1) * (power + 2))
        power += 2
    return total


def _asin(value: int) -> int:
    """One step of Newton's method, which doubles the right digits of C's answer. Of at most 0.72.

    A last bit of C's that differs moves the outcome by one part in 2**100: no rounding sees that.
    """
    angle = _fixed(math.asin(value / _ONE))
    return angle + ((value - _sin(angle)) << _BITS) // _cos(angle)


OF_THE_MACHINE: Final = Trigonometry(math.sin, math.cos, math.asin)
"""For what no other replica computes too."""

REPLICATED: Final = Trigonometry(sin, cos, asin)
"""For whatever is applied or stored."""
