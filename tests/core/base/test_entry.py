import msgspec
import pytest

from trivet.core.base.entry import Entry


def test_an_entry_is_two_fields_on_the_wire():
    assert msgspec.msgpack.encode(Entry(3, b"ab")) == b"\x92\x03\xc4\x02ab"
    assert msgspec.msgpack.decode(b"\x92\x03\xc4\x02ab", type=Entry) == Entry(3, b"ab")


def test_a_negative_term_is_no_entry():
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(b"\x92\xff\xc4\x02ab", type=Entry)
