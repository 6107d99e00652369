"""What is over, as conversations: late words, numbers below ``low``, lives of nodes."""

from collections.abc import Callable

import pytest

SCRIPTS = ["incarnations", "late_words", "lost", "low"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_lives(replay: Callable[[str], None], name: str) -> None:
    replay(f"lives/{name}")
