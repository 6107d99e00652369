from collections.abc import Iterator

import pytest

from trivet.core.command.events import EXPIRED, GENERIC, KEYSPACE, LIST, NEW_KEY, STRING
from trivet.core.command.table import ROWS, SUBROWS, Context, Flag, Place, command, session_command
from trivet.core.values.databases import Databases
from trivet.core.values.list_value import List
from trivet.core.wire.reply import OK, Reply


def declare(name: str) -> None:
    @command(
        name,
        arity=2,
        flags=Flag.READONLY,
        keys=(1, 1, 1),
        group="test",
        summary="S.",
        since="0",
        complexity="",
    )
    def run(context: Context, args: list[bytes]) -> Reply:
        return OK


@pytest.fixture(autouse=True)
def _restore_the_table() -> Iterator[None]:
    rows, subrows = dict(ROWS), {name: dict(rows) for name, rows in SUBROWS.items()}
    yield
    ROWS.clear()
    ROWS.update(rows)
    SUBROWS.clear()
    SUBROWS.update(subrows)


def test_a_declared_command_has_a_row():
    declare("test-command")
    row = ROWS[b"TEST-COMMAND"]
    assert (row.name, row.arity, row.place, row.first_key) == ("test-command", 2, Place.DATA, 1)
    assert row.run is not None
    assert row.run(Context(Databases()), [b"test-command", b"a"]) == OK


def test_a_subcommand_stands_under_its_container():
    declare("test-container|sub")
    assert SUBROWS[b"TEST-CONTAINER"][b"SUB"].name == "test-container|sub"
    assert b"TEST-CONTAINER|SUB" not in ROWS


def test_a_session_command_has_no_function():
    session_command("test-session", arity=-1, flags=Flag.FAST, group="test", summary="S.", since="0")
    row = ROWS[b"TEST-SESSION"]
    assert (row.place, row.run, row.first_key) == (Place.SESSION, None, 0)


def test_a_name_is_declared_once():
    declare("test-command")
    with pytest.raises(AssertionError):
        declare("test-command")


def test_events_are_noted_while_somebody_wants_their_class():
    context = Context(Databases())
    context.notify(STRING, b"set", b"k")
    assert context.events == []
    context.notifies = KEYSPACE | STRING | EXPIRED
    context.notify(STRING, b"set", b"k")
    context.notify(GENERIC, b"del", b"k")
    context.notify(STRING, b"set", b"k", 5)
    context.expired(context.databases.open(2), b"k")
    context.created(context.databases.open(2), b"k")
    assert context.events == [
        (0, STRING, b"set", b"k"),
        (5, STRING, b"set", b"k"),
        (2, EXPIRED, b"expired", b"k"),
    ]
    context.notifies = KEYSPACE | NEW_KEY
    context.created(context.databases.open(2), b"k")
    assert context.events[-1] == (2, NEW_KEY, b"new", b"k")


@pytest.mark.parametrize("notifies", [0, KEYSPACE | LIST | GENERIC])
def test_what_becomes_empty_goes(notifies):
    context = Context(Databases())
    context.notifies = notifies
    context.db.set(b"l", List((b"x",)))
    context.shrunk(LIST, b"lpop", b"l", 1)
    assert context.db.exists(b"l")
    context.shrunk(LIST, b"lpop", b"l", 0)
    assert not context.db.exists(b"l")
    events = [(0, LIST, b"lpop", b"l"), (0, LIST, b"lpop", b"l"), (0, GENERIC, b"del", b"l")]
    assert context.events == (events if notifies else [])


@pytest.mark.parametrize("notifies", [0, KEYSPACE | LIST | GENERIC])
def test_results_are_stored_and_empty_ones_remove(notifies):
    context = Context(Databases())
    context.notifies = notifies
    for size in (0, 1, 0):
        context.stored(LIST, b"sortstore", b"d", List((b"x",)), size)
        assert context.db.exists(b"d") is bool(size)
    events = [(0, LIST, b"sortstore", b"d"), (0, GENERIC, b"del", b"d")]
    assert context.events == (events if notifies else [])
