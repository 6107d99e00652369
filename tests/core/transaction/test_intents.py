"""Decisions as conversations: votes, the first word, records."""

from collections.abc import Callable

import pytest

SCRIPTS = ["first_word", "home_stays", "record", "vote"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_intents(replay: Callable[[str], None], name: str) -> None:
    replay(f"intents/{name}")
