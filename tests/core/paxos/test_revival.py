"""A lost disk: nothing is answered before a majority of the others was walked through."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("name", ["lost_disk", "former_life", "hearsay", "bare", "floor"])
def test_revival(replay: Callable[[str], None], name: str) -> None:
    replay(f"revival/{name}")
