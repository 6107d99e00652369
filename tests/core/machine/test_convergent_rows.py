"""Every command is in one class, and the tables about them hold what commands do."""

import pytest

from tests.core.machine.convergence import DB, Replica
from trivet.core.command.table import ROWS, Flag
from trivet.core.machine.convergent_rows import (
    ADDS,
    BITS,
    EXPIRES,
    KEEPS,
    MAY_STORE,
    NAMED,
    POPS,
    PROBABLE,
    PUSHES,
    RANGES,
    READS,
    REFUSALS,
    REFUSED,
    TOLD,
    WHOLE_WRITES,
    WITHOUT,
    WRITES,
    adds,
    assigns_again,
)
from trivet.core.wire.reply import MapPairs, Members, Pairs

MACHINE = [name for name, row in ROWS.items() if row.run is not None]


@pytest.mark.parametrize("name", MACHINE)
def test_each_command_of_the_machine_is_in_one_class(name):
    assert [name in READS, name in WRITES, name in REFUSED, name in WHOLE_WRITES].count(True) == 1


def test_a_command_that_may_write_is_never_taken_for_one_that_reads():
    assert not [name for name in READS if ROWS[name].flags & Flag.WRITE]
    assert all(ROWS[name].flags & Flag.WRITE for name in WRITES)


def test_the_tables_name_commands_that_write():
    for table in (ADDS, BITS, PROBABLE, NAMED, TOLD, RANGES, KEEPS, WITHOUT, EXPIRES, PUSHES, POPS):
        assert all(name in WRITES for name in table)
    assert all(name in REFUSED for name in MAY_STORE)
    assert all(reader in READS for reader in RANGES.values())


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_refused_is_refused_by_name_with_the_reason(name):
    replica = Replica(1)
    replies, made = replica.run([name, b"k", b"STORE", b"x"])
    assert replies == [REFUSALS[name]] and not made
    assert REFUSALS[name].text.startswith(f"ERR {name.decode()} is not for a keyspace of mode eventual: ")
    assert REFUSED[name] in REFUSALS[name].text and len(REFUSED[name]) < 100


def test_what_may_store_reads_if_it_is_not_told_to():
    replica = Replica(1)
    replica.say("RPUSH l 2 1")
    assert replica.say("SORT l")[0] == [b"1", b"2"]
    assert replica.say("SORT l STORE x")[0] == REFUSALS[b"SORT"]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("SADD s x y", "x y"),
        ("SREM s x", "x"),
        ("HSET h f 1 g 2", "f g"),
        ("HSETNX h f 1", "f"),
        ("HDEL h f g", "f g"),
        ("HGETDEL h FIELDS 2 f g", "f g"),
        ("HINCRBY h f 5", "f"),
        ("ZADD z 1 x 2 y", "x y"),
        ("ZADD z xx ch 1 x", "x"),
        ("ZINCRBY z 2 x", "x"),
        ("ZREM z x y", "x y"),
        ("GEOADD g 13.3 38.1 x 13.4 38.2 y", "x y"),
        ("GEOADD g NX CH 13.3 38.1 x", "x"),
    ],
)
def test_which_elements_a_call_names(line, names):
    args = line.encode().split()
    assert NAMED[args[0]](args) == names.encode().split()


@pytest.mark.parametrize(
    ("name", "reply", "names"),
    [
        (b"SPOP", b"x", [b"x"]),
        (b"SPOP", Members([b"x", b"y"]), [b"x", b"y"]),
        (b"SPOP", None, []),
        (b"ZPOPMIN", [b"x", b"1", b"y", b"2"], [b"x", b"y"]),
        (b"ZPOPMAX", Pairs([(b"x", 1.0)]), [b"x"]),
        (b"ZPOPMAX", MapPairs([(b"x", 1.0)]), [b"x"]),
        (b"ZMPOP", [b"k", [[b"x", 1.0], [b"y", 2.0]]], [b"x", b"y"]),
        (b"ZMPOP", [b"k", Pairs([(b"x", 1.0)])], [b"x"]),
        (b"ZMPOP", None, []),
    ],
)
def test_which_elements_a_reply_tells(name, reply, names):
    assert TOLD[name](reply) == names


def test_what_adds_up_and_what_is_assigned_again():
    assert adds([b"INCR", b"k"]) and adds([b"ZADD", b"z", b"xx", b"incr", b"1", b"m"])
    assert not adds([b"ZADD", b"z", b"1", b"INCR"]) and not adds([b"SET", b"k", b"1"])
    assert assigns_again([b"SADD", b"s", b"x"]) and assigns_again([b"ZADD", b"z", b"1", b"x"])
    assert not assigns_again([b"ZADD", b"z", b"GT", b"1", b"x"]) and not assigns_again([b"SREM", b"s", b"x"])


def test_the_database_is_the_group():
    replica = Replica(1)
    made = []
    (reply,) = replica.executor.run([(DB + 1, [b"GET", b"k"])], replica.now_ms, 1, made)
    assert "a database of mode eventual" in reply.text
