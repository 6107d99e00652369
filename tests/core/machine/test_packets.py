import msgspec
import pytest

from trivet.core.machine.packets import Packet, Parcel, unpack
from trivet.core.values.database import Database
from trivet.core.values.list_value import List


def test_keys_as_they_are_and_keys_that_are_gone():
    database, other = Database(0), Database(7)
    database.set(b"a", b"1")
    database.expire_at(b"a", 99)
    other.set(b"l", List([b"x", b"y"]))
    parcel = Parcel()
    assert parcel.packed() == b""
    assert [parcel.add(database, b"a"), parcel.add(database, b"b"), parcel.add(other, b"l")] == [
        True,
        False,
        True,
    ]
    assert parcel.bytes > 5
    first, second = unpack(parcel.packed())
    assert first == (0, [b"b"], [(b"a", b"1", 99)])
    assert (second[0], second[1], second[2][0][1].dump()) == (7, [], [b"x", b"y"])


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", msgspec.msgpack.encode([[0, [], b"\xc1"]]), msgspec.msgpack.encode([[0]])]
)
def test_what_is_no_packet(data):
    with pytest.raises(ValueError):
        unpack(data)


def test_too_many_packets():
    with pytest.raises(ValueError, match="too many"):
        unpack(msgspec.msgpack.encode([Packet(0, [], b"")] * 10_001))
