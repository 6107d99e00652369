"""Values of settings, as redis-server takes them (compared with it in the differential tests)."""

import pytest

from trivet.core.command.settings_kinds import (
    anything,
    buffer_limits,
    event_classes,
    integer,
    memory,
    memory_bytes,
    one_of,
    parse_buffer_limits,
    yes_no,
)

LIMITS = b"normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b"0", 0),
        (b"100mb", 100 << 20),
        (b"1k", 1000),
        (b"1KB", 1024),
        (b"3m", 3_000_000),
        (b"1gb", 1 << 30),
        (b"2g", 2_000_000_000),
        (b"7b", 7),
        (b"", None),
        (b"mb", None),
        (b"1.5gb", None),
        (b"10%", None),
        (b"-1", None),
        (b"1kbb", None),
        (b"9" * 21, None),
    ],
)
def test_memory_units(text, size):
    assert memory_bytes(text) == size


def test_numbers_have_bounds():
    check = integer(0, 10)
    assert check(b"7") == b"7"
    assert check(b"11") == "argument must be between 0 and 10 inclusive"
    assert check(b"x") == "argument couldn't be parsed into an integer"
    assert memory(1024, 4096)(b"1kb") == b"1024"
    assert memory(1024, 4096)(b"1") == "argument must be between 1024 and 4096 inclusive"
    assert memory(0, 1)(b"x") == "argument must be a memory value"


def test_words():
    assert (yes_no(b"YES"), yes_no(b"maybe")) == (b"yes", "argument must be 'yes' or 'no'")
    check = one_of("a", "b")
    assert check(b"A") == b"a"
    assert check(b"c") == "argument(s) must be one of the following: a, b"
    assert anything(b"what ever") == b"what ever"
    assert event_classes(b"KEA") == b"AKE"
    assert event_classes(b"Q") == "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."


def test_limits_of_unsent_replies():
    changed = buffer_limits(LIMITS, b"normal 1mb 2mb 10 pubsub 1 2 3")
    assert changed == b"normal 1048576 2097152 10 slave 268435456 67108864 60 pubsub 1 2 3"
    assert parse_buffer_limits(changed)[0] == (1 << 20, 2 << 20, 10)
    assert buffer_limits(LIMITS, b"replica 1 1 1").startswith(b"normal 0 0 0 slave 1 1 1 ")
    assert "class" in buffer_limits(LIMITS, b"nosuch 0 0 0")
    assert "Wrong number" in buffer_limits(LIMITS, b"normal 0 0")
    assert "soft_seconds" in buffer_limits(LIMITS, b"normal 0 0 x")
