"""What was set aside, as commands that people can read."""

from tests.core.machine.replicas import Replica, call
from tests.core.machine.transaction_words import decide, effects_of, finish, ident, lock, resolve
from trivet.core.group.aside_calls import plain_calls
from trivet.core.machine.entry import encode_calls

GROUP = 2
T1 = ident(1)


def test_plain_commands_stand_as_they_are():
    calls = [(3, [b"SET", b"k", b"v"]), (4, [b"INCR", b"n"])]
    assert plain_calls(GROUP, calls) == calls


def test_what_stands_before_a_command_is_left_out():
    calls = [
        (3, [b"AS", b"ann", b"9", b"SET", b"k", b"v"]),
        (3, [b"SINCE", b"7", b"DEL", b"k"]),
        (3, [b"BLOCK", b"9", b"BLPOP", b"l", b"0"]),
    ]
    plain = [(3, [b"SET", b"k", b"v"]), (3, [b"DEL", b"k"]), (3, [b"BLPOP", b"l", b"0"])]
    assert plain_calls(GROUP, calls) == plain


def test_a_transaction_stands_as_its_commands():
    inside = [(3, [b"SET", b"k", b"v"]), (-1, [b"ERR no"]), (4, [b"DEL", b"x"])]
    words = [b"EXEC", encode_calls(inside), b"9"]
    assert plain_calls(GROUP, [(0, words)]) == [inside[0], inside[2]]
    assert plain_calls(GROUP, [(0, [b"AS", b"ann", b"9", *words])]) == [inside[0], inside[2]]


def test_a_transaction_over_groups_stands_as_what_it_left():
    effects = effects_of(
        "SET a 1 PXAT 1700000000000", "SET b 2", "RPUSH l x y", touched=("a", "b", "l", "no"), db=3
    )
    told = plain_calls(GROUP, [finish(T1, effects)])
    assert told[:3] == [
        (3, [b"DEL", b"no"]), (3, [b"SET", b"a", b"1", b"PXAT", b"1700000000000"]), (3, [b"SET", b"b", b"2"]),
    ]  # fmt: skip
    (restore,) = told[3:]
    again = Replica()
    again.one((0, restore[1]))
    assert again.one(call("LRANGE l 0 -1")) == [b"x", b"y"]
    assert plain_calls(GROUP, [decide(T1, (1, b""), (GROUP, effects))]) == told
    assert plain_calls(3, [decide(T1, (1, b""), (GROUP, effects))]) == []


def test_who_locks_what_has_changed_nothing():
    assert plain_calls(GROUP, [lock(T1, "a"), finish(T1), resolve(T1, 3), finish(T1, b"")]) == []


def test_what_can_not_be_read_stands_as_it_is():
    calls = [(0, [b"TXN", b"FINISH", b"\xc1"]), (0, [b"EXEC", b"\xc1"]), (0, [b"TXN"])]
    assert plain_calls(GROUP, calls) == calls
