from trivet.core.values.hash_value import Clock, Hash, MortalHash
from trivet.core.values.list_value import List
from trivet.core.values.rdb.writer import write_value
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet


def test_strings():
    assert write_value(b"x" * 100) == b"\x00\x40\x64" + b"x" * 100


def test_collections_are_written_in_their_order():
    assert write_value(List([b"b", b"a"])) == b"\x01\x02\x01b\x01a"
    assert write_value(Set.of([b"b", b"a"])) == b"\x02\x02\x01b\x01a"
    assert write_value(Hash.load(0, [b"f", b"v" * 70])) == b"\x04\x01\x01f\x40\x46" + b"v" * 70
    assert write_value(SortedSet.of({b"a": 1.5})) == b"\x05\x01\x01a" + bytes(6) + b"\xf8\x3f"


def mortal(now_ms: int) -> MortalHash:
    value = MortalHash(0, Clock(now_ms))
    for field, deadline_ms in ((b"late", 50), (b"later", 600), (b"first", 500)):
        value.put(field, b"v")
        value.expire_at(field, deadline_ms)
    value.put(b"ever", b"v")
    return value


def test_deadlines_of_fields_stand_before_them_above_the_earliest():
    """As ``rdbSaveObject`` of Redis 7.4 writes ``RDB_TYPE_HASH_METADATA``."""
    head = b"\x18" + (500).to_bytes(8, "little")
    assert write_value(mortal(100)) == head + b"\x03\x40\x65\x05later\x01v\x01\x05first\x01v\x00\x04ever\x01v"


def test_fields_past_their_deadline_are_not_written():
    assert write_value(mortal(550)).endswith(b"\x02\x01\x05later\x01v\x00\x04ever\x01v")
    assert write_value(mortal(600)) == b"\x04\x01\x04ever\x01v"
