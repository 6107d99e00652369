"""Sorted sets that are waited for, where nobody may wait; and what is put back."""

from tests.core.command.dialogue import Replica, check
from trivet.core.command.table import ROWS
from trivet.core.wire.reply import Blocked


def test_what_is_there_is_given_at_once():
    check("""
        > ZADD z 1 a 2 b 3 c 4 d
        4
        > BZPOPMIN none z 0
        ["z" "a" 1.0]
        > BZPOPMAX z 0
        ["z" "d" 4.0]
        > BZMPOP 0 2 none z MAX COUNT 5
        ["z" [["c" 3.0] ["b" 2.0]]]
        > BZPOPMIN z 0
        nil*
        > BZMPOP 0 1 z MIN
        nil*
    """)


def test_errors():
    check("""
        > BZPOPMIN z x
        -ERR timeout is not a float or out of range
        > BZPOPMAX z -1
        -ERR timeout is negative
        > BZMPOP x 1 z MIN
        -ERR timeout is not a float or out of range
        > BZMPOP 0 0 z MIN
        -ERR numkeys should be greater than 0
        > BZMPOP 0 1 z UP
        -ERR syntax error
        > BZMPOP 0 3 z MIN
        -ERR syntax error
        > BZMPOP 0 1 z MIN COUNT x
        -ERR count should be greater than 0
        > SET s text
        +OK
        > BZPOPMIN s 0
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > BZMPOP 0 1 s MIN
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_it_waits_and_later_looks_at_one_key():
    replica = Replica()
    replica.context.may_block = True
    reply = replica.run("BZPOPMIN a b 0")
    assert reply == Blocked(0, [b"BZPOPMIN", b"a", b"b", b"0"])
    replica.run("ZADD a 1 x")
    replica.run("ZADD b 2 y")
    replica.context.only_key = b"b"
    assert replica.run_args([b"BZPOPMIN", b"a", b"b", b"0"]) == [b"b", b"y", 2.0]
    assert isinstance(replica.run_args([b"BZMPOP", b"0", b"2", b"a", b"b", b"MIN"]), Blocked)


def test_what_nobody_got_is_there_again():
    for line in ("BZPOPMIN z 0", "BZPOPMAX z 0", "BZMPOP 0 1 z MIN COUNT 2", "BZMPOP 0 1 z MAX COUNT 9"):
        replica = Replica()
        replica.run("ZADD z 1 a 2 b 3 c")
        args = line.encode().split()
        reply = replica.run_args(args)
        undo = ROWS[args[0]].give_back
        assert undo is not None
        undo(replica.context, args, reply)
        assert replica.run("ZRANGE z 0 -1") == [b"a", b"b", b"c"], line


def test_what_has_come_meanwhile_is_kept():
    replica = Replica()
    replica.run("ZADD z 1 a")
    reply = replica.run("BZPOPMIN z 0")
    replica.run("ZADD z 5 a")
    undo = ROWS[b"BZPOPMIN"].give_back
    assert undo is not None
    undo(replica.context, [b"BZPOPMIN", b"z", b"0"], reply)
    assert replica.run("ZSCORE z a") == 5.0
    replica.run("DEL z")
    replica.run("SET z text")
    undo(replica.context, [b"BZPOPMIN", b"z", b"0"], reply)
    assert replica.run("GET z") == b"text"
