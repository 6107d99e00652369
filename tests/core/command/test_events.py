"""Classes of keyspace events and their letters."""

import pytest

from trivet.core.command.events import ALL, EXPIRED, GENERIC, KEYEVENT, KEYSPACE, LIST, classes_of, letters_of


@pytest.mark.parametrize(
    ("letters", "shown"),
    [
        (b"", b""), (b"KEA", b"AKE"), (b"Kgx", b"gxK"), (b"AKEmn", b"AKEmn"), (b"g$lshzxetdK", b"AK"),
        (b"Elsh", b"lshE"),
    ],
)  # fmt: skip
def test_letters_come_back_as_redis_writes_them(letters, shown):
    classes = classes_of(letters)
    assert classes is not None and letters_of(classes) == shown
    assert classes_of(shown) == classes


def test_some_classes():
    assert classes_of(b"Kgl") == KEYSPACE | GENERIC | LIST
    assert classes_of(b"EA") == KEYEVENT | ALL
    assert ALL & EXPIRED
    assert classes_of(b"K?") is None
