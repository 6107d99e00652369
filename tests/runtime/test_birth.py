"""The birth of a data directory."""

from pathlib import Path

import pytest

from trivet.core.base.errors import StartError
from trivet.runtime.birth import BIRTH_FILE, birth_of


def test_it_is_given_once_and_kept(tmp_path: Path) -> None:
    first = birth_of(tmp_path / "a" / "data")
    assert first > 0
    assert birth_of(tmp_path / "a" / "data") == first
    assert [path.name for path in (tmp_path / "a" / "data").iterdir()] == [BIRTH_FILE]


def test_another_directory_has_another(tmp_path: Path) -> None:
    assert birth_of(tmp_path / "a") != birth_of(tmp_path / "b")


@pytest.mark.parametrize("text", ["", "0\n", "-3\n", "one\n", "9" * 30, "\u0664"])
def test_a_damaged_one_is_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / BIRTH_FILE).write_text(text)
    with pytest.raises(StartError, match="is damaged: restore it"):
        birth_of(tmp_path)
    assert (tmp_path / BIRTH_FILE).read_text() == text


def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot use the data directory"):
        birth_of(tmp_path / "file")
