import msgspec
import pytest

from trivet.core.base.entry import Entry


def test_an_entry_is_three_fields_on_the_wire_and_was_two_before():
    assert msgspec.msgpack.encode(Entry(3, b"ab")) == b"\x93\x03\xc4\x02ab\x00"
    assert msgspec.msgpack.decode(b"\x93\x03\xc4\x02ab\x01", type=Entry) == Entry(3, b"ab", 1)
    assert msgspec.msgpack.decode(b"\x92\x03\xc4\x02ab", type=Entry) == Entry(3, b"ab")


def test_a_negative_term_is_no_entry():
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(b"\x92\xff\xc4\x02ab", type=Entry)
