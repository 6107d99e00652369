import pytest

import trivet.core.command.all_rows  # noqa: F401
from trivet.core.command.lookup import find_row, keys_of, needs_subcommand, other_databases
from trivet.core.command.table import ROWS
from trivet.core.wire.reply import Error


def row_name(text: str) -> str:
    row = find_row(text.encode().split())
    assert not isinstance(row, Error), row
    return row.name


def refusal(*args: bytes) -> str:
    row = find_row(list(args))
    assert isinstance(row, Error)
    return row.text


def test_names_in_any_case():
    assert row_name("get a") == row_name("GeT a") == row_name("GET a") == "get"
    assert row_name("object EnCoding a") == "object|encoding"
    assert row_name("CLIENT setinfo LIB-NAME x") == "client|setinfo"
    assert row_name("COMMAND") == "command"


def test_arity():
    assert refusal(b"GET") == "ERR wrong number of arguments for 'get' command"
    assert refusal(b"get", b"a", b"b") == "ERR wrong number of arguments for 'get' command"
    assert refusal(b"DEL") == "ERR wrong number of arguments for 'del' command"
    assert refusal(b"OBJECT") == "ERR wrong number of arguments for 'object' command"
    assert refusal(b"OBJECT", b"ENCODING") == "ERR wrong number of arguments for 'object|encoding' command"
    assert refusal(b"client", b"NOSUCH") == "ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP."


def test_unknown_commands_are_named_with_the_beginning_of_their_arguments():
    assert refusal(b"FOO") == "ERR unknown command 'FOO', with args beginning with: "
    assert refusal(b"FOO", b"a", b"b") == "ERR unknown command 'FOO', with args beginning with: 'a' 'b' "
    long = refusal(b"F" * 300, *[b"x" * 50] * 200)
    assert long.startswith("ERR unknown command '" + "F" * 128 + "', with args")
    assert len(long) < 350
    assert refusal(b"", b"\xff\0\xfe").encode("utf-8", "surrogateescape").endswith(b"with: '\xff' ")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("GET a", "a"),
        ("DEL a b c", "a b c"),
        ("MSET a 1 b 2", "a b"),
        ("RENAME a b", "a b"),
        ("COPY a b REPLACE", "a b"),
        ("LCS a b IDX", "a b"),
        ("MOVE a 1", "a"),
        ("WATCH a b", "a b"),
        ("OBJECT ENCODING a", "a"),
        ("OBJECT HELP", ""),
        ("PING", ""),
        ("KEYS *", ""),
        ("SCAN 0", ""),
        ("FLUSHALL", ""),
        ("ZUNIONSTORE d 2 a b WEIGHTS 1 2", "d a b"),
        ("ZINTER 2 a b", "a b"),
        ("SINTERCARD 2 a b LIMIT 1", "a b"),
        ("LMPOP 2 a b LEFT", "a b"),
        ("LMOVE a b LEFT LEFT", "a b"),
        ("SMOVE a b m", "a b"),
    ],
)
def test_keys(text: str, keys: str):
    args = text.encode().split()
    row = find_row(args)
    assert not isinstance(row, Error)
    assert keys_of(row, args) == keys.encode().split()


def test_the_containers_own_row_finds_the_keys_too():
    assert keys_of(ROWS[b"OBJECT"], [b"object", b"encoding", b"a"]) == [b"a"]
    assert keys_of(ROWS[b"OBJECT"], [b"object", b"help"]) == []
    assert keys_of(ROWS[b"OBJECT"], [b"object", b"nosuch", b"a"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "ZUNION 9 a",
        "ZUNION x a",
        "ZUNION -1 a",
        "ZUNION 9223372036854775807 a",
        "SINTERCARD 0 a",
        "LMPOP 99 a LEFT",
    ],
)
def test_wrong_numbers_of_keys_never_reach_beyond_the_arguments(text: str):
    args = text.encode().split()
    row = find_row(args)
    assert not isinstance(row, Error)
    assert all(key in args for key in keys_of(row, args))


def test_containers():
    assert needs_subcommand(ROWS[b"CLIENT"])
    assert not needs_subcommand(ROWS[b"GET"])


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("MOVE k 5", [5]), ("move k 5", [5]), ("MOVE k x", []), ("SWAPDB 1 2", [1, 2]), ("COPY a b", []),
        ("copy a b db 3 REPLACE", [3]), ("COPY a b REPLACE DB -1", [-1]), ("GET k", []),
    ],
)  # fmt: skip
def test_other_databases(text: str, others: list[int]):
    assert other_databases(text.encode().split()) == others
