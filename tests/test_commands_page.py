"""docs/commands.md says what the table says."""

from tools.commands_page import PAGE, page


def test_the_page_is_as_the_table() -> None:
    assert PAGE.read_text() == page(), "run `make commands`"
