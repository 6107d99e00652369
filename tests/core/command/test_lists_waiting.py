"""Lists that are waited for, where nobody may wait; and what is put back."""

from tests.core.command.dialogue import Replica, check
from trivet.core.command.table import ROWS
from trivet.core.wire.reply import Blocked


def test_what_is_there_is_given_at_once():
    check("""
        > RPUSH q 1 2 3 4 5 6
        6
        > BLPOP none q 0
        ["q" "1"]
        > BRPOP q none 0
        ["q" "6"]
        > BLMPOP 0 2 none q LEFT COUNT 2
        ["q" ["2" "3"]]
        > BLMOVE q d LEFT RIGHT 0
        "4"
        > BRPOPLPUSH q d 0
        "5"
        > LRANGE d 0 -1
        ["5" "4"]
        > EXISTS q
        0
    """)


def test_nothing_is_there_and_nobody_may_wait():
    check("""
        > BLPOP q 0
        nil*
        > BRPOP q 0
        nil*
        > BLMPOP 0 1 q LEFT
        nil*
        > BLMOVE q d LEFT LEFT 0
        nil
        > BRPOPLPUSH q d 0
        nil
    """)


def test_errors():
    check("""
        > BLPOP q x
        -ERR timeout is not a float or out of range
        > BLPOP q -1
        -ERR timeout is negative
        > BLMPOP x 1 q LEFT
        -ERR timeout is not a float or out of range
        > BLMPOP 1 0 q LEFT
        -ERR numkeys should be greater than 0
        > BLMPOP 1 1 q UP
        -ERR syntax error
        > BLMPOP 1 9 q LEFT
        -ERR syntax error
        > BLMPOP 1 1 q LEFT COUNT 0
        -ERR count should be greater than 0
        > BLMOVE q d UP LEFT x
        -ERR syntax error
        > BLMOVE q d LEFT LEFT x
        -ERR timeout is not a float or out of range
        > BRPOPLPUSH q d x
        -ERR timeout is not a float or out of range
        > SET s text
        +OK
        > BLPOP none s 0
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > BLMPOP 0 1 s LEFT
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > BLMOVE s d LEFT LEFT 0
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def waiting(line: str) -> tuple[Replica, Blocked]:
    replica = Replica()
    replica.context.may_block = True
    reply = replica.run(line)
    assert isinstance(reply, Blocked)
    return replica, reply


def test_a_call_waits_and_later_looks_at_one_key():
    replica, reply = waiting("BLPOP a b 1.5")
    assert reply == Blocked(1500, [b"BLPOP", b"a", b"b", b"1.5"])
    replica.run("RPUSH a 1")
    replica.run("RPUSH b 2")
    replica.context.only_key = b"b"
    assert replica.run_args(reply.args) == [b"b", b"2"]
    assert isinstance(replica.run_args(reply.args), Blocked)


def test_a_move_waits_for_its_source_only():
    replica, reply = waiting("BLMOVE a b LEFT LEFT 0")
    replica.run("RPUSH a 1")
    replica.context.only_key = b"b"
    assert isinstance(replica.run_args(reply.args), Blocked)
    replica.context.only_key = b"a"
    assert replica.run_args(reply.args) == b"1"


def give_back(replica: Replica, line: str) -> None:
    args = line.encode().split()
    reply = replica.run_args(args)
    undo = ROWS[args[0]].give_back
    assert undo is not None
    undo(replica.context, args, reply)


def test_what_nobody_got_stands_where_it_was():
    for line in ("BLPOP q 0", "BRPOP q 0", "BLMPOP 0 1 q LEFT COUNT 2", "BLMPOP 0 1 q RIGHT COUNT 9"):
        replica = Replica()
        replica.run("RPUSH q 1 2 3")
        give_back(replica, line)
        assert replica.run("LRANGE q 0 -1") == [b"1", b"2", b"3"], line


def test_a_key_of_another_type_keeps_its_value():
    replica = Replica()
    replica.run("RPUSH q 1")
    reply = replica.run("BLPOP q 0")
    replica.run("SET q text")
    undo = ROWS[b"BLPOP"].give_back
    assert undo is not None
    undo(replica.context, [b"BLPOP", b"q", b"0"], reply)
    assert replica.run("GET q") == b"text"
