import pytest
from pathlib import Path

T = Path(__file__).parent / "testdata"


@pytest.mark.parametrize("name", sorted(str(p.relative_to(T))[:-4] for p in T.rglob("*.txt")))
def test_x(replay, name):
    replay(name)
