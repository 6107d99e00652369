"""Slots as Redis Cluster counts them."""

import pytest

from trivet.core.cluster.slots import SLOTS, slot_of


@pytest.mark.parametrize(
    ("key", "slot"),
    [(b"foo", 12182), (b"bar", 5061), (b"123456789", 0x31C3), (b"", 0)],
)
def test_known_slots(key, slot):
    assert slot_of(key) == slot


def test_keys_with_equal_tags_share_a_slot():
    assert slot_of(b"{user1000}.following") == slot_of(b"{user1000}.followers") == slot_of(b"user1000")


def test_the_first_tag_that_is_not_empty_decides():
    assert slot_of(b"a{b}c{d}") == slot_of(b"b")
    assert slot_of(b"{{b}}") == slot_of(b"{b")
    assert slot_of(b"a{}b{c}") != slot_of(b"c"), "an empty first tag means the whole key"
    assert slot_of(b"a{b") != slot_of(b"b")
    assert slot_of(b"}a{b}") == slot_of(b"b")


def test_every_slot_is_below_the_number_of_slots():
    assert {slot_of(b"key%d" % i) < SLOTS for i in range(1000)} == {True}
