"""Which register calls concern, and what is refused before anything runs."""

import pytest

import trivet.core.script.rows  # noqa: F401 (fills ROWS)
from trivet.core.command.table import ROWS, Flag, Place
from trivet.core.machine.entry import encode_calls
from trivet.core.machine.register_place import (
    NOT_ON_REGISTERS,
    OTHER_DATABASE,
    SEVERAL,
    WAITS,
    WHOLE_DATABASE,
    register_of,
)
from trivet.core.wire.reply import Error


def of(*lines: str, db: int = 3):
    return register_of([(db, line.encode().split()) for line in lines])


def of_transaction(*lines: str):
    calls = [(3, line.encode().split()) for line in lines]
    return register_of([(3, [b"EXEC", encode_calls(calls), b""])])


@pytest.mark.parametrize(
    "line",
    [
        "GET a", "SET a 1 EX 5", "DEL a", "DEL a a", "MGET a", "EXISTS a a", "HSET a f v", "ZADD a 1 m", "RENAME a a",
        "SORT a BY nosort", "SORT a STORE a", "OBJECT ENCODING a", "XGROUP CREATE a g $", "XREAD STREAMS a 0",
        "XREADGROUP GROUP g c STREAMS a >", "EVAL return 1 a", "FCALL f 1 a x", "LMOVE a a LEFT RIGHT", "BITOP NOT a a",
        "AS u 9 GET a", "COPY a a DB 3", "MEMORY USAGE a", "LMPOP 1 a LEFT", "GEORADIUS a 0 0 1 m",
    ],
)  # fmt: skip
def test_one_key(line):
    assert of(line) == (3, b"a")


@pytest.mark.parametrize("line", ["TIME", "EVAL return 0", "OBJECT HELP", "XINFO HELP", "PFSELFTEST"])
def test_no_key(line):
    assert of(line) is None


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("MGET a b", SEVERAL), ("DEL a b", SEVERAL), ("RENAME a b", SEVERAL), ("SORT a STORE b", SEVERAL),
        ("EVAL return 2 a b", SEVERAL), ("COPY a b", SEVERAL), ("XREAD STREAMS a b 0 0", SEVERAL),
        ("COPY a b DB 4", OTHER_DATABASE), ("MOVE a 4", OTHER_DATABASE), ("SWAPDB 3 4", WHOLE_DATABASE),
        ("DBSIZE", WHOLE_DATABASE), ("KEYS *", WHOLE_DATABASE), ("SCAN 0", WHOLE_DATABASE),
        ("RANDOMKEY", WHOLE_DATABASE), ("FLUSHDB", WHOLE_DATABASE), ("FLUSHALL", WHOLE_DATABASE),
        ("BLPOP a 0", WAITS), ("BZMPOP 0 1 a MIN", WAITS), ("XREAD BLOCK 0 STREAMS a 0", WAITS),
        ("SCRIPT LOAD x", NOT_ON_REGISTERS), ("FUNCTION FLUSH", NOT_ON_REGISTERS), ("WATCH a", NOT_ON_REGISTERS),
        ("SELECT 1", NOT_ON_REGISTERS),
    ],
)  # fmt: skip
def test_refused(line, refusal):
    assert of(line) is refusal


def test_calls_of_one_client_are_of_one_key():
    assert of("GET a", "SET a 1", "TIME", "AS u 9 DEL a") == (3, b"a")
    assert of("GET a", "SET b 1") is SEVERAL
    assert register_of([(3, [b"GET", b"a"]), (4, [b"GET", b"a"])]) is SEVERAL
    assert register_of([]) is None


def test_a_transaction():
    assert of_transaction("SET a 1", "TIME", "INCR a") == (3, b"a")
    assert of_transaction("TIME") is None
    assert of_transaction("SET a 1", "GET b") is SEVERAL
    assert of_transaction("SET a 1", "DBSIZE") is WHOLE_DATABASE
    assert of_transaction("BLPOP a 0") == (3, b"a"), "nothing waits inside of a transaction"
    assert of_transaction("EXEC x y") is not None and isinstance(of_transaction("EXEC"), Error)
    embedded = encode_calls([(-1, [b"+", b"PONG"]), (3, [b"GET", b"a"])])
    assert register_of([(3, [b"AS", b"u", b"9", b"EXEC", embedded, b""])]) == (3, b"a")


def test_mistakes_are_told_in_the_words_of_redis():
    assert of("GET") == Error("ERR wrong number of arguments for 'get' command")
    assert of("SET a") == Error("ERR wrong number of arguments for 'set' command")
    assert isinstance(of("NONSENSE a"), Error)


def test_every_command_has_an_answer():
    for name, row in ROWS.items():
        for count in (2, 3, 4, 5, 6, 7, 8):
            found = register_of([(3, [name, *[b"1"] * (count - 1)])])
            if row.place is Place.DATA and row.flags & Flag.BLOCKING and not name.startswith(b"XREAD"):
                assert isinstance(found, Error), name
            assert found is None or isinstance(found, Error) or found[0] == 3, name


@pytest.mark.parametrize(
    "call",
    [
        (3, []), (-1, [b"+", b"OK"]), (10_000, [b"GET", b"a"]), (3, [b"AS", b"u", b"9"]), (3, [b"AS", b"u", b"9"] * 5_000 + [b"GET", b"a"]), (3, [b"EXEC"]),
        (3, [b"EXEC", b"nonsense", b""]), (3, [b"EXEC", encode_calls([(3, [])]), b""]),
    ],
)  # fmt: skip
def test_what_a_peer_may_send(call):
    assert register_of([call]) is NOT_ON_REGISTERS
