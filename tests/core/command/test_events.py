"""Classes of keyspace events and their letters."""

import pytest

from trivet.core.command.events import (
    ALL,
    EXPIRED,
    GENERIC,
    KEYEVENT,
    KEYSPACE,
    LIST,
    STRING,
    classes_of,
    event_messages,
    letters_of,
)


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


def test_an_event_is_one_message_per_channel_that_is_asked_for():
    happened = [
        (0, STRING, b"set", b"k"),
        (15, GENERIC, b"del", b"\xff"),
        (1, LIST, b"lpush", b"l"),
    ]
    wanted = KEYSPACE | KEYEVENT | STRING | GENERIC
    assert list(event_messages(happened, wanted)) == [
        (b"__keyspace@0__:k", b"set"),
        (b"__keyevent@0__:set", b"k"),
        (b"__keyspace@15__:\xff", b"del"),
        (b"__keyevent@15__:del", b"\xff"),
    ]
    wanted = KEYEVENT | LIST | EXPIRED
    assert list(event_messages(happened, wanted)) == [(b"__keyevent@1__:lpush", b"l")]
