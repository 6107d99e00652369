"""The protocol: conversations."""

from collections.abc import Callable

import pytest

SCRIPTS = [
    "push", "duplicate", "gap", "cause", "hints", "once", "overflow", "held", "member", "lost", "crash", "clock",
    "alarm", "silence", "memories", "forgetful", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_conversations(replay: Callable[[str], None], name: str) -> None:
    replay(name)
