"""Verdicts; what redis-server says of the same is compared in ``tests/differential/test_acl.py``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.access.people import row_of, user, words
from trivet.core.access.commands import COMMANDS
from trivet.core.access.verdict import (
    Denial,
    Reason,
    denial,
    dry_refusal,
    may_listen,
    reads_every_key,
    refusal,
    refusal_in_exec,
    refusal_in_script,
)
from trivet.core.command.lookup import keys_of
from trivet.core.command.table import ROWS, SUBROWS, Flag


def verdict(rules: str, call: str) -> str:
    args = words(call)
    found = denial(user(rules), row_of(args), args)
    return "yes" if found is None else f"{found.reason.name.lower()} {found.object.decode()}"


def test_commands():
    assert verdict("~* +get", "GET a") == "yes"
    assert verdict("~* +get", "set a 1") == "command set"
    assert verdict("+config|get", "CONFIG GET a") == "yes"
    assert verdict("+config|get", "CONFIG SET a b") == "command config|set"
    assert verdict("+config -config|set", "CONFIG SET a b") == "command config|set"


def test_first_arguments():
    assert verdict("+select|1", "SELECT 1") == "yes"
    assert verdict("+select|1", "SELECT 0") == "command select"
    assert verdict("~* +get|Ab", "GET aB") == "yes"
    assert verdict("+ping|a", "PING") == "command ping"


def test_what_everybody_may_do():
    for call in ("AUTH a", "HELLO", "QUIT", "RESET"):
        assert verdict("-@all", call) == "yes"


@pytest.mark.parametrize(
    ("rules", "call", "wanted"),
    [
        ("~a* +@all", "GET abc", "yes"),
        ("~a* +@all", "GET b", "key b"),
        ("%R~a +@all", "GET a", "yes"),
        ("%R~a +@all", "SET a 1", "key a"),
        ("%W~a +@all", "GET a", "key a"),
        ("%W~a +@all", "SET a 1", "yes"),
        ("%W~a +@all", "SET a 1 EX 5 get", "key a"),
        ("%W~a +@all", "EXISTS a", "yes"),
        ("%W~a +@all", "EXISTS b", "key b"),
        ("%W~d %R~s +@all", "SUNIONSTORE d s s", "yes"),
        ("%W~d %R~s +@all", "SUNIONSTORE s d", "key s"),
        ("%W~d %R~s +@all", "COPY s d", "yes"),
        ("%W~d %R~s +@all", "RENAME s d", "key s"),
        ("~a +@all", "MSET a 1 b 2 c 3", "key b"),
        ("~a +@all", "ZUNION 2 a b", "key b"),
        ("~a +@all", "ZUNION 9 a b", "yes"),
        ("~a +@all", "OBJECT ENCODING b", "key b"),
        ("+@all", "GET a", "key a"),
        ("+@all", "PING", "yes"),
    ],
)
def test_keys(rules, call, wanted):
    assert verdict(rules, call) == wanted


def test_a_call_is_allowed_by_one_selector_alone():
    rules = "+get ~a (+set ~b)"
    assert verdict(rules, "GET a") == "yes"
    assert verdict(rules, "SET b 1") == "yes"
    assert verdict(rules, "GET b") == "key b"
    assert verdict(rules, "DEL b") == "command del"


def test_of_several_refusals_the_one_that_came_furthest():
    assert verdict("+@all ~a (+@all ~a ~b)", "MGET a b c") == "key c"
    assert verdict("-@all (+@all ~a)", "MGET a b c") == "key b"


def test_listening():
    ann = user("&a* &b")
    assert may_listen(ann, [b"abc", b"b"], [])
    assert not may_listen(ann, [b"abc", b"c"], [])
    assert may_listen(ann, [], [b"a*"])
    assert not may_listen(ann, [], [b"ab*"]), "a pattern to the letter"
    assert may_listen(user("&*"), [b"x"], [b"*"])
    assert may_listen(user("~* &* +@all"), [b"x"], [])
    assert may_listen(user("&a (&b)"), [b"a", b"b"], []), "each by some selector"
    assert may_listen(user(""), [], [])


def test_reading_every_key():
    assert reads_every_key(user("~*"))
    assert reads_every_key(user("%R~*"))
    assert reads_every_key(user("(allkeys)"))
    assert not reads_every_key(user("%W~* ~a*"))


def test_in_words():
    command, key = Denial(Reason.COMMAND, b"get"), Denial(Reason.KEY, b"k")
    channel = Denial(Reason.CHANNEL, b"c")
    assert refusal(command).text == "NOPERM this user has no permissions to run the 'get' command"
    assert refusal(key).text == (
        "NOPERM this user has no permissions to access one of the keys used as arguments"
    )
    assert refusal(channel).text == (
        "NOPERM this user has no permissions to access one of the channels used as arguments"
    )
    assert refusal_in_exec(key).text.endswith("following reason: no permission to touch the specified keys")
    assert refusal_in_script(command).text == (
        "ERR The user executing the script can't run this command or subcommand"
    )
    assert dry_refusal(command) == b"This user has no permissions to run the 'get' command"
    assert dry_refusal(key) == b"This user has no permissions to access the 'k' key"
    assert dry_refusal(channel) == b"This user has no permissions to access the 'c' channel"


ROWS_OF_ALL = [*ROWS.values(), *(row for rows in SUBROWS.values() for row in rows.values())]
WORDS = [
    b"",
    b"a",
    b"b",
    b"1",
    b"2",
    b"-1",
    b"999999999999999999999",
    b"GET",
    b"STORE",
    b"STREAMS",
    b"\xff",
    b"SET",
]


@given(
    st.sampled_from(ROWS_OF_ALL), st.lists(st.sampled_from(WORDS), min_size=8, max_size=12), st.integers(0, 6)
)
def test_no_call_does_harm(row, arguments, extra):
    """Whatever the arguments of a right number: a verdict, and each key that routing sees is looked at."""
    names = row.name.upper().encode().split(b"|")
    count = row.arity if row.arity > 0 else -row.arity + extra
    args = (names + arguments)[:count]
    if len(args) < count:
        return
    assert denial(user("~* &* +@all"), row, args) is None
    assert denial(user("-@all"), row, args) is not None or Flag.NO_AUTH in row.flags
    keys = keys_of(row, args)
    found = denial(user("+@all &*"), row, args)
    if keys and COMMANDS[row.name].keys:
        assert found is not None and found.object in keys
    else:
        assert found is None
