"""A scan over groups is one walk (Rule V6)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.machine.two_groups import HIGH, Group, Groups, Move, key_in
from trivet.core.cluster.slots import slot_of
from trivet.core.machine.scanning import scan_place
from trivet.core.values.table import SPACE
from trivet.core.wire.reply import Error, NotHere


def merged(groups: list[Group], cursor: int, options: str, epoch: int) -> tuple[int, list[bytes]]:
    """As a node does it."""
    parts = [group.read(f"SCANPART {cursor} {options}", epoch) for group in groups]
    nearest = min(int(following) or SPACE for following, _ in parts)
    keys = sorted((scan_place(key), key) for _, part in parts for key in part)
    return nearest % SPACE, [key for place, key in keys if place < nearest]


def scanned(groups: list[Group], options: str, epoch: int) -> list[bytes]:
    found: list[bytes] = []
    cursor = 0
    while True:
        cursor, keys = merged(groups, cursor, options, epoch)
        found += keys
        if not cursor:
            return found


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 3000), st.sampled_from([1, 10, 100, 5000]), st.integers(0, 16383))
def test_every_key_once_in_the_order_of_their_places(count, asked, slot):
    groups = Groups()
    keys = [b"k%d" % i for i in range(count)]
    for start in range(0, count, 500):
        groups.groups[0].do("MSET" + "".join(f" {key.decode()} v" for key in keys[start : start + 500]))
    Move(groups, 1, [(slot, 16383)], slice_bytes=100_000).until("over")
    assert scanned(groups.groups, f"COUNT {asked}", groups.epoch) == sorted(keys, key=scan_place)


def test_options():
    group = Group()
    group.do("MSET a 1 b 2")
    group.do("RPUSH l x")
    assert sorted(scanned([group], "TYPE string", 0)) == [b"a", b"b"]
    assert scanned([group], "MATCH [bl] TYPE list", 0) == [b"l"]
    assert scanned([group], "TYPE hash", 0) == []


def test_bad_ones():
    group = Group()
    assert isinstance(group.read("SCANPART x"), Error)
    assert isinstance(group.read("SCANPART 0 COUNT x"), Error)


def test_a_cursor_in_the_middle_of_a_bucket():
    group = Group()
    group.do("MSET" + "".join(f" k{i} v" for i in range(100)))
    ordered = sorted((b"k%d" % i for i in range(100)), key=scan_place)
    middle = scan_place(ordered[50])
    assert group.read(f"SCANPART {middle}") == [b"0", ordered[50:]]


def test_foreign_keys_are_in_no_part():
    groups = Groups()
    groups.run(f"SET {key_in(HIGH)} 1")
    move = Move(groups, 1, [HIGH])
    move.until("sealed")
    assert groups.groups[1].read("SCANPART 0", groups.epoch) == [b"0", []]


def test_the_keys_of_a_slot():
    groups = Groups()
    keys = [b"{%b}%d" % (key_in(HIGH).encode(), i) for i in range(3)]
    for key in keys:
        groups.run(f"SET {key.decode()} 1")
    group, slot = groups.groups[0], slot_of(keys[0])
    assert sorted(group.read(f"SLOTKEYS {slot} 10")) == keys
    assert len(group.read(f"SLOTKEYS {slot} 2")) == 2
    assert (group.read(f"SLOTKEYS {slot}"), group.read(f"SLOTKEYS {(slot + 1) % 16384}")) == (3, 0)
    Move(groups, 1, [HIGH]).until("sealed")
    assert groups.groups[1].read(f"SLOTKEYS {slot}", groups.epoch) == NotHere(), "not yet its own"
