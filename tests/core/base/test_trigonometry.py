import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.core.base.trigonometry import OF_THE_MACHINE, REPLICATED, asin, cos, sin


@settings(max_examples=200, deadline=None)
@given(st.floats(-7, 7))
def test_sine_and_cosine_are_within_a_rounding_of_the_machines(x):
    assert abs(sin(x) - math.sin(x)) <= math.ulp(math.sin(x))
    assert abs(cos(x) - math.cos(x)) <= math.ulp(math.cos(x))


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1))
def test_the_arc_sine_is_within_a_rounding_of_the_machines(x):
    assert abs(asin(x) - math.asin(x)) <= math.ulp(math.asin(x))


def test_known_values():
    assert sin(0.0) == 0.0
    assert cos(0.0) == 1.0
    assert asin(1.0) == math.pi / 2
    assert sin(math.pi / 6) == pytest.approx(0.5, rel=1e-16)
    assert sin(1.0).hex() == "0x1.aed548f090ceep-1"
    assert cos(1.0).hex() == "0x1.14a280fb5068cp-1"
    assert asin(0.5).hex() == "0x1.0c152382d7366p-1"
    assert sin(5e-324) == 5e-324
    assert asin(5e-324) == 5e-324


@pytest.mark.parametrize("x", [1e9, 1e300, -1e300, 1.7976931348623157e308])
def test_an_absurd_angle_has_some_sine_at_once(x):
    assert -1 <= sin(x) <= 1
    assert -1 <= cos(x) <= 1


def test_both_kinds():
    for function, other in zip(OF_THE_MACHINE, REPLICATED, strict=True):
        assert function(0.5) == pytest.approx(other(0.5), rel=1e-15)
