from pathlib import Path

import trivet.core.command
from trivet.core.command.all_rows import FAMILIES
from trivet.core.command.table import ROWS, SUBROWS, Place

NOT_FAMILIES = {
    "__init__", "all_rows", "arguments", "collection_arguments", "events", "expiry", "introspection", "lookup",
    "settings_kinds", "settings_rows", "sorted_sets_bounds", "stream_arguments", "table", "waiting",
}  # fmt: skip


def test_every_file_that_declares_commands_is_imported():
    here = Path(trivet.core.command.__path__[0])
    files = {path.stem for path in here.glob("*.py")} - NOT_FAMILIES
    assert files == {family.__name__.rsplit(".", 1)[1] for family in FAMILIES}


def test_every_data_row_can_run_and_session_rows_only_where_the_log_carries_them():
    rows = [*ROWS.values(), *(row for subrows in SUBROWS.values() for row in subrows.values())]
    for row in rows:
        runs = row.place is Place.DATA or row.name in ("publish", "spublish")
        assert (row.run is not None) == runs, row.name
        assert row.summary.endswith("."), row.name


def test_containers_have_rows_of_their_own():
    assert all(container in ROWS for container in SUBROWS)
