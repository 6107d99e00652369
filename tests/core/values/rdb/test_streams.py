import pytest

from trivet.core.values.rdb.forms import Form
from trivet.core.values.rdb.lengths import write_length, write_string
from trivet.core.values.rdb.listpack import encode
from trivet.core.values.rdb.payload import dump, is_intact, restore
from trivet.core.values.rdb.source import Source
from trivet.core.values.rdb.streams import read_stream, write_stream
from trivet.core.values.stream import UNKNOWN, Stream
from trivet.core.values.stream_id import ID_MAX, id_of

THEIRS = bytes.fromhex(
    "130110000000000000000500000000000000014052520000002000030101010201816602816702000102010001000181760202010501"
    "030100010201817702c12c02050100010201dfff020101816802817802060100010301dfff0201018168028178020601ff0308000501"
    "05030402036f6e65050181ffffffffffffffff010000000000000005000000000000000187d6120000000000030205616c6963659ad0"
    "5919a20100000003626f629ad05919a201000001000000000000000500000000000000010374776f080081ffffffffffffffff00000a"
    "00e17a820af8dcf91c"
)
"""Of redis-server 7.0.15: four entries, one deleted; one pending for bob, claimed from alice."""

MASTER: list[bytes | int] = [2, 0, 1, b"f", 0]
ENTRIES: list[bytes | int] = [2, 0, 0, b"v", 4, 0, 1, -5, 1, b"g", b"w", 6]


def node(elements: list[bytes | int], base: int = id_of(5, 5)) -> bytes:
    return write_string(base.to_bytes(16, "big")) + write_string(encode(elements))


def pending(*ids: int) -> bytes:
    body = write_length(len(ids))
    for entry_id in ids:
        body += entry_id.to_bytes(16, "big") + (1234).to_bytes(8, "little") + b"\x07"
    return body


def consumer(name: bytes, *ids: int, version: int = 2) -> bytes:
    times = (99).to_bytes(8, "little") * (2 if version == 3 else 1)
    return (
        write_string(name) + times + write_length(len(ids)) + b"".join(one.to_bytes(16, "big") for one in ids)
    )


def body(
    version: int, nodes: list[bytes], length: int = 2, last: bytes = b"\x06\x00", groups: bytes = b"\x00"
) -> bytes:
    counters = b"" if version == 1 else b"\x05\x05" + b"\x03\x00" + b"\x09"
    return write_length(len(nodes)) + b"".join(nodes) + write_length(length) + last + counters + groups


def read(version: int, data: bytes) -> Stream:
    stream = read_stream(Source(data), version)
    stream.check_invariants()
    return stream


def test_a_stream_of_redis():
    assert is_intact(THEIRS)
    stream = restore(THEIRS)
    assert isinstance(stream, Stream)
    stream.check_invariants()
    assert stream.between(0, ID_MAX) == [
        (id_of(5, 1), [b"f", b"v", b"g", b"2"]),
        (id_of(7, 0), [b"h", b"x"]),
        (id_of(8, 0), [b"h", b"x"]),
    ]
    assert (stream.last_id, stream.max_deleted_id, stream.entries_added) == (id_of(8, 0), id_of(5, 3), 4)
    assert stream.dump().nodes[0].added == 4
    one, two = stream.groups[b"one"], stream.groups[b"two"]
    assert (one.last_id, one.entries_read) == (id_of(5, 1), UNKNOWN)
    assert list(one.consumers) == [b"alice", b"bob"]
    assert one.consumers[b"alice"].seen_ms == 1795721646234
    held = one.pending[id_of(5, 1)]
    assert (held.consumer.name, held.delivered_ms, held.delivered_count) == (b"bob", 1234567, 3)
    assert (two.last_id, len(two.consumers), len(two.pending)) == (id_of(8, 0), 0, 0)


def test_what_is_dumped_is_restored():
    stream = restore(THEIRS)
    assert isinstance(stream, Stream)
    twin = restore(dump(stream))
    assert isinstance(twin, Stream)
    twin.check_invariants()
    assert twin.contents() == stream.contents()
    assert dump(twin) == dump(stream)


def test_an_empty_stream_and_one_of_many_nodes():
    stream = Stream()
    assert read(2, write_stream(stream)).contents() == stream.contents()
    for number in range(1, 1001):
        stream.append(
            id_of(number * 3, 2**64 - 1 - number), [b"f", b"%d" % number, b"g", b"x" * (number % 50)]
        )
    twin = read(2, write_stream(stream))
    assert twin.contents() == stream.contents()
    assert twin.node_count == stream.node_count


def test_differences_wrap_around_as_in_c():
    stream = Stream()
    stream.append(id_of(1, 2**64 - 1), [b"f", b"v"])
    stream.append(id_of(2**64 - 1, 0), [b"f", b"v"])
    assert read(2, write_stream(stream)).contents() == stream.contents()


@pytest.mark.parametrize("version", [1, 2, 3])
def test_the_three_forms(version: int):
    entry_id = id_of(5, 5)
    read_count = b"" if version == 1 else b"\x01"
    group = (
        b"\x01\x01g\x05\x05"
        + read_count
        + pending(entry_id)
        + b"\x01"
        + consumer(b"c", entry_id, version=version)
    )
    stream = read(version, body(version, [node(MASTER + ENTRIES)], groups=group))
    assert stream.between(0, ID_MAX) == [(entry_id, [b"f", b"v"]), (id_of(6, 0), [b"g", b"w"])]
    assert (stream.entries_added, stream.max_deleted_id) == ((2, 0) if version == 1 else (9, id_of(3, 0)))
    assert stream.groups[b"g"].entries_read == 1
    assert stream.groups[b"g"].consumers[b"c"].seen_ms == 99
    assert stream.groups[b"g"].pending[entry_id].delivered_count == 7


ONE = id_of(5, 5)
GOOD = node(MASTER + ENTRIES)
BAD: list[tuple[bytes, str]] = [
    (body(2, [write_string(b"short") + write_string(encode(MASTER))]), "without an id"),
    (body(2, [node([2, 0, 1, b"f", 1, *ENTRIES])]), "bad master entry"),
    (body(2, [node([-1, 0, 1, b"f", 0])]), "bad master entry"),
    (body(2, [node([2, 0, 0, 0, *ENTRIES])]), "ends too early"),
    (body(2, [node([2, 0, 99, b"f", 0, *ENTRIES])]), "ends too early"),
    (body(2, [node([b"x", 0, 1, b"f", 0, *ENTRIES])]), "in the place of a number"),
    (body(2, [node([3, 0, 1, b"f", 0, *ENTRIES])]), "ends too early"),
    (body(2, [node([1, 0, 1, b"f", 0, *ENTRIES])]), "wrong count"),
    (body(2, [node([1, 1, 1, b"f", 0, *ENTRIES])]), "wrong count"),
    (body(2, [node([*MASTER, 2, 0, 0, b"v", 5, *ENTRIES[5:]])]), "wrong number of elements"),
    (body(2, [node([*MASTER, *ENTRIES[5:], *ENTRIES[:5]])]), "do not rise"),
    (body(2, [GOOD, GOOD], length=4), "out of order"),
    (body(2, [GOOD], length=3), "wrong length"),
    (body(2, [GOOD], last=b"\x05\x09"), "above its last id"),
    (body(2, [GOOD], groups=b"\x02" + (b"\x01g\x05\x05\x01" + b"\x00\x00") * 2), "twice"),
    (body(2, [GOOD], groups=b"\x01\x01g\x05\x05\x01" + pending(ONE, ONE) + b"\x00"), "pending twice"),
    (body(2, [GOOD], groups=b"\x01\x01g\x05\x05\x01" + pending(ONE) + b"\x00"), "for no consumer"),
    (
        body(2, [GOOD], groups=b"\x01\x01g\x05\x05\x01" + pending() + b"\x01" + consumer(b"c", ONE)),
        "not for its group",
    ),
    (
        body(
            2,
            [GOOD],
            groups=b"\x01\x01g\x05\x05\x01"
            + pending(ONE)
            + b"\x02"
            + consumer(b"c", ONE)
            + consumer(b"d", ONE),
        ),
        "for two",
    ),
    (
        body(2, [GOOD], groups=b"\x01\x01g\x05\x05\x01" + pending() + b"\x02" + consumer(b"c") * 2),
        "two consumers",
    ),
    (body(2, [GOOD], groups=b"\x01\x01g\x05\x05\x81\x80" + bytes(7) + b"\x00\x00"), "impossible counter"),
    (body(2, [GOOD], groups=b"\x81" + b"\x7f" * 8), "more elements"),
    (body(2, [GOOD], groups=b"\x01\x01g\x05\x05\x01\x80\xff\xff\xff\xff"), "more elements"),
    (b"\x81" + b"\x7f" * 8, "more elements"),
]


@pytest.mark.parametrize(("data", "what"), BAD)
def test_bad_streams(data: bytes, what: str):
    with pytest.raises(ValueError, match=what):
        read_stream(Source(data), 2)


def test_the_numbers_of_the_forms():
    assert (Form.STREAM_LISTPACKS, Form.STREAM_LISTPACKS_2, Form.STREAM_LISTPACKS_3) == (15, 19, 21)
