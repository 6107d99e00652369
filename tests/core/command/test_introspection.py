import trivet.core.script.rows  # noqa: F401
from trivet.core.command.introspection import answer_command, categories, flag_names
from trivet.core.command.table import ROWS
from trivet.core.wire.encode import encode
from trivet.core.wire.reply import Error, Reply


def ask(text: str) -> Reply:
    return answer_command(("COMMAND " + text).encode().split())


def test_everything_encodes_in_both_protocols():
    for protocol in (2, 3):
        for text in (
            "",
            "COUNT",
            "INFO",
            "DOCS",
            "LIST",
            "HELP",
            "GETKEYS GET a",
            "INFO get nosuch client|id",
        ):
            assert encode(ask(text), protocol)


def test_count_and_list_agree_with_the_table():
    everything, names = ask(""), ask("LIST")
    assert isinstance(everything, list)
    assert isinstance(names, list)
    assert ask("COUNT") == len(everything) == len(names) == len(ROWS)


def test_list_with_filters():
    assert ask("LIST FILTERBY PATTERN getr*") == [b"getrange"]
    assert ask("LIST FILTERBY MODULE json") == []
    transactions = ask("LIST FILTERBY ACLCAT transaction")
    assert isinstance(transactions, list)
    assert sorted(str(name) for name in transactions) == sorted(
        str(name) for name in (b"multi", b"exec", b"discard", b"watch", b"unwatch")
    )
    assert ask("LIST NOSUCH") == ask("LIST FILTERBY NOSUCH x") == Error("ERR syntax error")


def test_docs():
    docs = ask("DOCS get client nosuch")
    assert isinstance(docs, dict)
    assert list(docs) == [b"get", b"client"]
    client = docs[b"client"]
    assert isinstance(client, dict)
    subcommands = client[b"subcommands"]
    assert isinstance(subcommands, dict)
    assert b"client|id" in subcommands


def test_getkeys():
    assert ask("GETKEYS MSET a 1 b 2") == [b"a", b"b"]
    assert ask("GETKEYS PING x") == Error("ERR The command has no key arguments")
    assert ask("GETKEYS SET a") == Error("ERR Invalid number of arguments specified for command")
    assert ask("GETKEYS NOSUCH a") == Error("ERR Invalid command specified")
    assert ask("GETKEYS ZUNION 9 a") == Error("ERR Invalid arguments specified for command")


def test_unknown_subcommand():
    assert ask("NOSUCH") == Error("ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP.")


def test_flags_and_categories():
    assert flag_names(ROWS[b"GET"]) == ["readonly", "fast"]
    assert flag_names(ROWS[b"CLIENT"]) == []
    assert "movablekeys" in flag_names(ROWS[b"ZUNION"])
    assert categories(ROWS[b"SET"]) == ["write", "slow", "string"]
    assert "dangerous" in categories(ROWS[b"FLUSHALL"])
