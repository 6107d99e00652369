import msgspec
import pytest

from trivet.core.values.stream_id import id_of
from trivet.core.values.stream_node import ENTRIES_MAX, Node


def filled(*pairs: tuple[int, int]) -> Node:
    node = Node([b"f"])
    for ms, sequence in pairs:
        node.append(id_of(ms, sequence), [b"f", b"%d-%d" % (ms, sequence)])
    return node


def ids(node: Node) -> list[int]:
    return [number for number, _ in node.read(0, len(node))]


def test_entries_come_back_whatever_their_fields():
    node = Node([b"f", b"g"])
    entries = [
        (id_of(1, 1), [b"f", b"1", b"g", b"2"]),
        (id_of(1, 2), [b"f", b"1"]),
        (id_of(1, 3), [b"g", b"2", b"f", b"1"]),
        (id_of(2, 0), [b"f", b"x" * 70_000, b"g", b""]),
        (id_of(2, 1), [b"", b"", b"f", b"f", b"\xc1", b"\xc1"]),
    ]
    for number, flat in entries:
        node.append(number, flat)
    assert node.read(0, 5) == entries
    assert node.read(1, 3) == entries[1:3]
    assert node.read(2, 2) == []
    node.check_invariants()


def test_positions_are_found_among_equal_milliseconds():
    node = filled((1, 5), (1, 7), (3, 0), (3, 1), (3, 9))
    asked = [(0, 0), (1, 5), (1, 6), (1, 8), (2, 0), (3, 0), (3, 2), (3, 10), (4, 0)]
    assert [node.position(id_of(*pair)) for pair in asked] == [0, 0, 1, 2, 2, 2, 4, 5, 5]
    assert (node.id_at(0), node.id_at(-1)) == (id_of(1, 5), id_of(3, 9))


def test_deleting_leaves_the_others():
    node = filled((1, 0), (2, 0), (3, 0), (4, 0))
    node.delete(1, 2)
    assert ids(node) == [id_of(1, 0), id_of(3, 0), id_of(4, 0)]
    node.delete(0, 2)
    assert node.read(0, 1) == [(id_of(4, 0), [b"f", b"4-0"])]
    node.check_invariants()


def test_a_node_is_full_by_entries_ever_put_in_or_by_bytes():
    node = filled(*((number, 0) for number in range(1, ENTRIES_MAX)))
    node.delete(0, 50)
    assert node.has_room(5)
    node.append(id_of(999, 0), [b"f", b"v"])
    assert not node.has_room(5)
    large = Node([b"f"])
    large.append(1, [b"f", b"x" * 3000])
    assert large.has_room(100)
    assert not large.has_room(2000)


def test_a_copy_is_apart_and_a_restored_one_the_same():
    node = filled((1, 0), (2, 0))
    twin, restored = node.copy(), Node.load(node.dump())
    twin.delete(0, 1)
    assert ids(node) == [id_of(1, 0), id_of(2, 0)]
    assert restored.dump() == node.dump()
    restored.append(id_of(3, 0), [b"f", b"v"])
    assert len(node) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"sizes": [3]},
        {"sizes": [0, 6]},
        {"ms": [1]},
        {"ms": [2, 1]},
        {"ms": [1, 1]},
        {"blob": b""},
        {"blob": b"\x91\xc4\x00\x91\xc4\x01"},
        {"blob": b"\x91\xc4\x00\x92\xc4\x00"},
        {"blob": b"\x91\xc4\x00\xc1\x90\x00"},
        {"fields": []},
        {"fields": [b"f", b"g"]},
        {"added": 1},
        {"ms": [], "sequences": [], "sizes": [], "blob": b""},
    ],
)
def test_what_cannot_be_a_node_is_refused(wrong):
    node = Node([b"f"])
    node.append(id_of(1, 0), [b"f", b""])
    node.append(id_of(2, 0), [b"f", b""])
    state = node.dump()
    assert Node.load(state).dump() == state
    with pytest.raises(ValueError):
        Node.load(msgspec.structs.replace(state, **wrong))
