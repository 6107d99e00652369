"""Timeouts, and when a command waits at all."""

import pytest

from trivet.core.command.table import Context
from trivet.core.command.waiting import keys_to_look_at, may_wait, timeout_ms, timeout_seconds, wait_or
from trivet.core.values.databases import Databases
from trivet.core.wire.reply import NULL_ARRAY, Blocked, Error


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        (b"0", 0),
        (b"1", 1000),
        (b"0.1", 100),
        (b"0.0001", 1),
        (b"1e3", 1_000_000),
        (b"9000000000000000", 9_000_000_000_000_000_000),
    ],
)
def test_seconds(text, ms):
    assert timeout_seconds(text) == ms


@pytest.mark.parametrize("text", [b"x", b"", b"nan", b"1 ", b"1e3x"])
def test_what_is_no_timeout(text):
    assert timeout_seconds(text) == Error("ERR timeout is not a float or out of range")


@pytest.mark.parametrize("text", [b"-1", b"-0.1", b"inf", b"1e30", b"1e300"])
def test_what_is_negative_or_as_good_as(text):
    assert timeout_seconds(text) == Error("ERR timeout is negative")


def test_milliseconds():
    assert timeout_ms(b"0") == 0 and timeout_ms(b"250") == 250
    assert timeout_ms(b"-1") == Error("ERR timeout is negative")
    for text in (b"", b"x", b"1.5", b"9" * 30, b"-"):
        assert timeout_ms(text) == Error("ERR timeout is not an integer or out of range")


def test_only_where_it_may():
    context = Context(Databases())
    assert wait_or(context, 5, [b"BLPOP"], NULL_ARRAY) is NULL_ARRAY
    context.may_block = True
    assert wait_or(context, 5, [b"BLPOP"], NULL_ARRAY) == Blocked(5, [b"BLPOP"])


def test_a_call_that_is_tried_again_looks_at_the_key_that_changed():
    context = Context(Databases())
    assert list(keys_to_look_at(context, [b"a", b"b"])) == [b"a", b"b"]
    context.only_key = b"b"
    assert list(keys_to_look_at(context, [b"a", b"b"])) == [b"b"]


@pytest.mark.parametrize(
    ("line", "waits"),
    [
        ("BLPOP a 0", True), ("XREAD COUNT 1 STREAMS block 0", False), ("XREAD block 5 STREAMS s $", True),
        ("XREADGROUP GROUP g c STREAMS s >", False), ("XREADGROUP GROUP g c BLOCK 0 STREAMS s >", True),
        ("XREAD x", False),
    ],
)  # fmt: skip
def test_who_waits(line, waits):
    assert may_wait(line.encode().split()) is waits
