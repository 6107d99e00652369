"""Which keys a call names, for every row of the table (CVE-2023-41053, CVE-2023-36824: some were missed elsewhere)."""

import pytest

import trivet.core.node.routes  # noqa: F401 (fills the table)
from tests.core.command.key_examples import examples, keys_in, row_named, rows_with_keys
from trivet.core.command.lookup import find_row, keys_of
from trivet.core.command.table import Row


def test_every_row_with_keys_has_an_example():
    named = {name for name, _ in examples()}
    assert [row.name for row in rows_with_keys() if row.name not in named] == [], (
        "add a line to key_examples.py"
    )


def test_the_examples_stand_in_the_order_of_their_names():
    names = [name for name, _ in examples()]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("name", "args"), [pytest.param(*one, id=b" ".join(one[1]).decode()) for one in examples()]
)
def test_the_keys_are_found(name: str, args: list[bytes]):
    row = row_named(name)
    if row is None:
        pytest.skip("not in the table yet")
    found = find_row(args)
    assert isinstance(found, Row)
    assert found.name == name
    assert sorted(keys_of(found, args)) == keys_in(args)
    assert sorted(keys_of(found, [args[0].lower(), *args[1:]])) == keys_in(args)
