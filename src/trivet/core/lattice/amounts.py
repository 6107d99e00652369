"""Amounts that additions add up to: exact, so that the order of additions makes no difference.

Whole numbers are ``int``; others, which come of floating point and decimal numbers, are fractions.
"""

from fractions import Fraction
from typing import Final

Amount = int | Fraction

AMOUNT_BYTES_MAX: Final = 4096
"""Of an amount from outside. A sum of doubles takes no more than 1,400."""


def encode_amount(amount: Amount) -> bytes:
    """As bytes; the same amount is the same bytes."""
    if isinstance(amount, int):
        return b"%d" % amount
    if amount.denominator == 1:
        return b"%d" % amount.numerator
    return b"%d/%d" % (amount.numerator, amount.denominator)


def decode_amount(data: bytes) -> Amount:
    """What ``encode_amount`` gave; raises ``ValueError`` at anything else."""
    if len(data) > AMOUNT_BYTES_MAX:
        raise ValueError("an amount of too many digits")
    top, slash, bottom = data.partition(b"/")
    if not slash:
        amount: Amount = int(top)
    else:
        denominator = int(bottom)
        if denominator < 2:
            raise ValueError("not an amount")
        amount = Fraction(int(top), denominator)
    if encode_amount(amount) != data:
        raise ValueError("not an amount as it is written")
    return amount


def plus(one: Amount, other: Amount) -> Amount:
    """Their sum; whole when it is."""
    total = one + other
    if isinstance(total, Fraction) and total.denominator == 1:
        return total.numerator
    return total


def minus(one: Amount, other: Amount) -> Amount:
    """What is left."""
    return plus(one, -other)
