"""Arguments of verbs: the value, or an error that says what is expected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.core.cluster import fields
from trivet.core.wire.reply import Error


def test_what_is_fine():
    assert fields.number(b"0", 0, 5) == 0
    assert fields.identity(b"1") == 1
    assert fields.port(b"65535") == 65535
    assert fields.identities([b"3", b"1"]) == [3, 1]
    assert fields.host(b"db-1.example.org") == "db-1.example.org"
    assert fields.host(b"fe80::1%eth0") == "fe80::1%eth0"
    assert fields.zone(b"") == ""
    assert fields.zone(b"eu-west_1.b") == "eu-west_1.b"
    assert fields.name(b"carts") == "carts"
    assert fields.labels(b"") == {}
    assert fields.labels(b'{"a":"","b":"x y"}') == {"a": "", "b": "x y"}
    assert fields.ranges(b"1-5,9") == [(1, 5), (9, 9)]
    assert fields.reason("zu groß".encode()) == "zu groß"


@pytest.mark.parametrize(
    ("reader", "data"),
    [
        (fields.identity, b"0"), (fields.identity, b"-1"), (fields.identity, b"1.5"), (fields.identity, b"9" * 5000),
        (fields.port, b"0"), (fields.port, b"65536"), (fields.port, b""),
        (fields.host, b""), (fields.host, b"a b"), (fields.host, b"a" * 256), (fields.host, "ä".encode()),
        (fields.zone, b"a" * 65), (fields.zone, b"a b"), (fields.zone, b"a\n"),
        (fields.name, b""), (fields.name, b"12"), (fields.name, b"-12"), (fields.name, b"a" * 65), (fields.name, b"a/b"),
        (fields.labels, b"x"), (fields.labels, b"[]"), (fields.labels, b'{"a":1}'), (fields.labels, b'{"":"x"}'),
        (fields.labels, b'{"a":"\\n"}'), (fields.labels, b"[" * 4000), (fields.labels, b'{"a":"' + b"x" * 257 + b'"}'),
        (fields.labels, b" " * 5000), (fields.labels, b"\xff"),
        (fields.labels, b"{" + b",".join(b'"%d":""' % n for n in range(17)) + b"}"),
        (fields.ranges, b"5-1"),
        (fields.reason, b"a\nb"), (fields.reason, b"a" * 257),
    ],
)  # fmt: skip
def test_what_is_not(reader, data):
    assert isinstance(reader(data), Error)


def test_each_node_once_and_not_too_many():
    assert isinstance(fields.identities([b"1", b"1"]), Error)
    assert isinstance(fields.identities([b"%d" % n for n in range(1, 1002)]), Error)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_an_error(data):
    for reader in (fields.identity, fields.port, fields.host, fields.zone, fields.name, fields.labels,
                   fields.ranges, fields.reason):  # fmt: skip
        found = reader(data)
        if isinstance(found, Error):
            assert found.text.startswith("ERR ")
            assert found.text.isprintable()
