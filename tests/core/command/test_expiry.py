import pytest

from tests.core.command.dialogue import Replica
from trivet.core.command.arguments import NOT_AN_INTEGER, SYNTAX
from trivet.core.command.events import ALL, KEYSPACE
from trivet.core.command.expiry import NO_EXPIRY, deadline, expiry_options, invalid_expire, set_deadline
from trivet.core.command.table import Context
from trivet.core.values.databases import Databases
from trivet.core.wire.reply import Error


def read(text: str, name: str = "set", now_ms: int = 1000) -> int | Error:
    options = expiry_options(text.encode().split(), 0, name)
    return options if isinstance(options, Error) else options.deadline_ms(now_ms, name)


def test_units():
    assert read("") == NO_EXPIRY
    assert read("EX 5") == 6000
    assert read("px 5") == 1005
    assert read("EXAT 5") == 5000
    assert read("PXAT 5") == 5
    assert read("EX 5 ex 6") == 7000


@pytest.mark.parametrize(
    "text", ["EX", "EX 5 PX 5", "EX 5 KEEPTTL", "KEEPTTL EX 5", "NX XX", "XX NX", "PERSIST", "NOSUCH"]
)
def test_contradictions_in_set(text: str):
    assert read(text) == SYNTAX


@pytest.mark.parametrize("text", ["NX", "XX", "GET", "KEEPTTL", "PERSIST EX 5", "EX 5 PERSIST"])
def test_contradictions_in_getex(text: str):
    assert read(text, "getex") == SYNTAX


def test_flags():
    options = expiry_options([b"get", b"nx", b"keepttl"], 0, "set")
    assert not isinstance(options, Error)
    assert (options.get, options.only_missing, options.only_present, options.keep) == (
        True,
        True,
        False,
        True,
    )


@pytest.mark.parametrize(
    "text",
    [
        "EX 0",
        "EX -1",
        "PX 0",
        "EXAT 0",
        "EX 9223372036854775807",
        "EX 9223372036854775",
        "PX 9223372036854775807",
    ],
)
def test_times_out_of_range(text: str):
    assert read(text) == invalid_expire("set")


def test_times_that_are_no_numbers():
    assert read("EX x") == NOT_AN_INTEGER
    assert read("EX 9223372036854775808") == NOT_AN_INTEGER


def test_deadlines_may_be_long_past_but_not_too_far_ahead():
    assert deadline(-(2**63), False, 1000, "pexpire") == -(2**63) + 1000
    assert deadline(-9223372036854775, True, 0, "expire") == -9223372036854775000
    assert deadline(-9223372036854776, True, 0, "expire") == invalid_expire("expire")
    assert deadline(2**63 - 1001, False, 1000, "pexpire") == 2**63 - 1
    assert deadline(2**63 - 1000, False, 1000, "pexpire") == invalid_expire("pexpire")


def test_a_deadline_that_has_passed_removes_the_key():
    context = Context(Databases())
    context.now_ms = 1000
    for key, deadline_ms in ((b"past", 1000), (b"future", 1001)):
        context.db.set(key, b"")
        set_deadline(context, key, deadline_ms)
    assert sorted(context.db.values) == [b"future"]
    assert context.db.deadline_ms(b"future") == 1001


def test_a_value_set_too_late_has_lived_and_one_that_gets_a_past_deadline_is_deleted():
    replica = Replica()
    replica.context.notifies = KEYSPACE | ALL
    replica.run("SET a 1 EXAT 1")
    replica.run("SET a 1 EXAT 2000")
    replica.run("EXPIREAT a 1")
    assert [name for _, _, name, _ in replica.context.events] == [
        b"set", b"expire", b"expired", b"set", b"expire", b"del",
    ]  # fmt: skip
