"""A change of members: both sets, everything carried over, floors as well."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("name", ["change", "comes_back", "old_answers", "floors"])
def test_members(replay: Callable[[str], None], name: str) -> None:
    replay(f"members/{name}")
