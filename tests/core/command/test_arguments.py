from trivet.core.command.arguments import (
    NOT_A_FLOAT,
    NOT_AN_INTEGER,
    OUT_OF_RANGE,
    WRONG_TYPE,
    exact,
    integer,
    number,
    printable,
    ranged_integer,
    string_to_read,
    unknown_subcommand,
    wrong_arity,
)
from trivet.core.command.table import Context
from trivet.core.values.databases import Databases
from trivet.core.values.list_value import List
from trivet.core.wire.reply import Error


def test_numbers_or_the_error_to_reply():
    assert (integer(b"-7"), integer(b"x")) == (-7, NOT_AN_INTEGER)
    assert (number(b"1.5"), number(b"nan")) == (1.5, NOT_A_FLOAT)
    assert ranged_integer(b"5", 1, 5) == 5
    assert ranged_integer(b"6", 1, 5) == OUT_OF_RANGE
    assert ranged_integer(b"", 1, 5) == NOT_AN_INTEGER


def test_a_string_to_read():
    context = Context(Databases())
    context.db.set(b"string", b"1")
    context.db.set(b"list", List([b"1"]))
    assert string_to_read(context, b"string") == b"1"
    assert string_to_read(context, b"none") is None
    assert string_to_read(context, b"list") == WRONG_TYPE


def test_texts():
    assert wrong_arity("get").text == "ERR wrong number of arguments for 'get' command"
    assert unknown_subcommand(b"object", b"x" * 200) == Error(
        "ERR unknown subcommand '" + "x" * 128 + "'. Try OBJECT HELP."
    )


def test_bytes_of_clients_in_texts():
    assert exact(b"\xff\0x").encode("utf-8", "surrogateescape") == b"\xff"
    assert printable("é\0x".encode()) == "é"
    assert printable(b"\xff").encode() == "\ufffd".encode()
