"""Which locks a call wants."""

import pytest

import trivet.core.script.rows  # noqa: F401 (fills ROWS)
from trivet.core.machine.entry import encode_calls
from trivet.core.machine.lock_modes import locks_of

MODES = {0: "", 1: "!", 2: "?"}


def shown(db: int, *calls: str) -> str:
    """``key`` is shared, ``key!`` exclusive, ``key?`` blind; of another database than 0 with its number."""
    given = [(db, call.encode().split()) for call in calls]
    args = given[0][1] if len(given) == 1 else [b"EXEC", encode_calls(given), b""]
    found = locks_of(db, args)
    return " ".join(
        f"{str(index) + ':' if index else ''}{key.decode()}{MODES[mode]}"
        for (index, key), mode in found.items()
    )


@pytest.mark.parametrize(
    ("call", "locks"),
    [
        ("GET a", "a"),
        ("MGET a b a", "a b"),
        ("SINTER a b", "a b"),
        ("XREAD STREAMS a b 0 0", "a b"),
        ("EVAL_RO code 2 a b c", "a b"),
        ("OBJECT ENCODING a", "a"),
        ("BLOCK 9 XREAD BLOCK 0 STREAMS a b $ $", "a b"),
        ("BLOCK 9 BLPOP a b 0", "a! b!"),
        ("RETRY 9 BLPOP a b 0", "a! b!"),
        ("MSET a 1 b 2", "a? b?"),
        ("MSETNX a 1 b 2", "a? b?"),
        ("DEL a b", "a? b?"),
        ("UNLINK a b", "a? b?"),
        ("SET a 1", "a?"),
        ("SET a 1 NX EX 10", "a?"),
        ("SET a 1 ex nx", "a?"),
        ("SET a 1 GET", "a!"),
        ("SET a 1 EX 10 KEEPTTL", "a!"),
        ("SINTERSTORE a b c", "a? b c"),
        ("ZUNIONSTORE a 2 b c", "a? b c"),
        ("BITOP AND a b c", "a? b c"),
        ("SINTERSTORE a a b", "a! b"),
        ("RENAME a b", "a! b?"),
        ("RENAMENX a a", "a!"),
        ("COPY a b", "a b?"),
        ("COPY a b DB 3 REPLACE", "a 3:b?"),
        ("COPY a a DB 3", "a 3:a?"),
        ("MOVE a 3", "a! 3:a?"),
        ("MOVE a x", "a!"),
        ("LMOVE a b LEFT RIGHT", "a! b!"),
        ("SMOVE a b m", "a! b!"),
        ("PFMERGE a b", "a! b!"),
        ("EVAL code 1 a b", "a!"),
        ("PING", ""),
        ("NOSUCH a", ""),
    ],
)
def test_the_locks_of_a_command(call, locks):
    assert shown(0, call) == locks


def test_the_locks_of_a_transaction_serve_all_its_calls():
    assert shown(0, "SET a 1", "GET a", "GET b", "DEL c", "SMEMBERS d", "INCR d") == "a! b c? d!"


def test_calls_of_other_databases_and_replies_in_it():
    calls = [(-1, [b"+", b"OK"]), (2, [b"INCR", b"a"]), (0, [b"GET", b"a"])]
    assert locks_of(0, [b"EXEC", encode_calls(calls), b"7"]) == {(2, b"a"): 1, (0, b"a"): 0}


def test_on_behalf_of_a_user():
    assert locks_of(4, [b"AS", b"ann", b"9", b"EVAL", b"x", b"1", b"k"]) == {(4, b"k"): 1}
