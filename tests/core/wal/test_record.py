import pytest

from trivet.core.base.entry import Entry
from trivet.core.wal.record import (
    BootRecord,
    DropRecord,
    FoundRecord,
    GroupRecord,
    SnapshotRecord,
    body_header,
    decode_body,
    encode_record,
    is_consistent,
)

BOOT = BootRecord("c1", 3, 7)
GROUP = GroupRecord(1, 5, 2, 8, 9, [Entry(4, b"a"), Entry(5, b"")], 4, 10, 5)
SNAPSHOT = SnapshotRecord(1, 8, 4, "snap-1", True, b"m")
DROP = DropRecord(1, 5, 2, 10, True)
FOUND = FoundRecord(1, b"m")


def body(*records):
    return body_header(len(records)) + b"".join(encode_record(record) for record in records)


def test_a_body_gives_its_records_back():
    everything = [BOOT, GROUP, SNAPSHOT, DROP, FOUND]
    assert decode_body(body(*everything)) == everything
    assert decode_body(body()) == []


def test_a_record_of_an_earlier_format_without_the_appended_fields_is_read():
    # GroupRecord without missing_to and suspect.
    old = bytes([0x9A, 2, 1, 5, 2, 8, 0, 0x90, 0, 10, 5])
    assert decode_body(body_header(1) + old) == [GroupRecord(1, 5, 2, 8, 0, [], 0, 10, 5)]
    # Entries of two fields are data; a snapshot had no membership.
    old = bytes([0x9A, 2, 1, 5, 2, 8, 9, 0x91, 0x92, 5, 0xC4, 1, 0x78, 4, 9, 5])
    assert decode_body(body_header(1) + old) == [GroupRecord(1, 5, 2, 8, 9, [Entry(5, b"x")], 4, 9, 5)]
    old = bytes([0x96, 3, 1, 8, 4, 0xA1, 0x73, 0xC2])
    assert decode_body(body_header(1) + old) == [SnapshotRecord(1, 8, 4, "s")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xdd\x00\x00\x00\x01",
        body(BOOT)[:-1],
        body(BOOT) + b"x",
        b"\xdd\xff\xff\xff\xff\x90",
        body_header(1) + b"\x91\x63",
        b"\x91" * 100_000,
    ],
)
def test_what_is_no_body_is_none(data):
    assert decode_body(data) is None


@pytest.mark.parametrize(
    "record",
    [
        GroupRecord(1, 5, 2, 8, 9, [], 4, 10, 5),
        GroupRecord(1, 5, 2, 8, 0, [Entry(5, b"")], 4, 10, 5),
        GroupRecord(1, 5, 2, 8, 9, [Entry(5, b"")], 4, 10, 5),
        GroupRecord(1, 5, 2, 8, 10, [Entry(5, b"")], 4, 10, 4),
        GroupRecord(1, -1, 2, 8, 0, [], 0, 0, 0),
        SnapshotRecord(1, -1, 0, ""),
        DropRecord(1, -1, 0, 0),
        DropRecord(1, 1, 0, -1),
    ],
)
def test_fields_that_contradict_each_other_are_corruption(record):
    assert not is_consistent(record)
    assert decode_body(body(record)) is None


def test_fields_that_agree():
    for record in (BOOT, GROUP, SNAPSHOT, DROP, FOUND, GroupRecord(1, 5, 2, 8, 0, [], 0, 10, 5)):
        assert is_consistent(record)
