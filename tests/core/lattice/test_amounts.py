from fractions import Fraction

import pytest

from trivet.core.lattice.amounts import decode_amount, encode_amount, minus, plus


@pytest.mark.parametrize("amount", [0, 1, -7, 10**400, Fraction(1, 10), Fraction(-3, 1 << 1074)])
def test_there_and_back(amount):
    assert decode_amount(encode_amount(amount)) == amount


@pytest.mark.parametrize(
    "data", [b"", b"01", b"+1", b" 1", b"1/1", b"2/4", b"1/0", b"1/-2", b"x", b"1.5", b"9" * 5000]
)
def test_nonsense(data):
    with pytest.raises(ValueError):
        decode_amount(data)


def test_sums_are_exact_and_whole_when_they_can_be():
    tenth = Fraction(1, 10)
    total = 0
    for _ in range(10):
        total = plus(total, tenth)
    assert total == 1 and type(total) is int
    assert plus((1e300).__int__(), minus(1, 10**300)) == (1e300).__int__() + 1 - 10**300
    assert encode_amount(Fraction(4, 2)) == b"2"
