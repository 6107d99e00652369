"""Each textbook protocol as a conversation: ``testdata/*.txt`` read like the exchanges in the papers."""

from pathlib import Path

import pytest

SCRIPTS = sorted(path.stem for path in (Path(__file__).parent / "testdata").glob("*.txt"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_conversation(replay, name):
    replay(name)
