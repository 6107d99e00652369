import pytest

from trivet.core.base.errors import CorruptionError, StartError, TrivetError


@pytest.mark.parametrize("kind", [StartError, CorruptionError])
def test_one_root(kind):
    with pytest.raises(TrivetError, match="why"):
        raise kind("why")
