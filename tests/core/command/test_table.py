from collections.abc import Iterator

import pytest

from trivet.core.command.table import ROWS, SUBROWS, Context, Flag, Place, command, session_command
from trivet.core.values.databases import Databases
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
