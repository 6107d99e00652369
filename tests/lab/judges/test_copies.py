"""What the judge of copies says of what nodes hold in the end."""

import msgspec
import pytest

from trivet.lab.judges.copies import Wanted, unlike


class Copy(msgspec.Struct, frozen=True):
    epoch: int = 3
    is_caught_up: bool = True
    doubtful: bool = False
    digests: dict[bytes, int] = msgspec.field(default_factory=lambda: {b"k": 7})
    clock: bytes = b"c"
    shown: bytes = b"s"


WANTED = Wanted(3, [1, 2, 3], False)
SAME = {(node, 5): Copy() for node in (1, 2, 3)}
EMPTY = Copy(digests={}, clock=b"")

CASES = {
    "the same": ({}, ""),
    "who is no member has none": ({4: EMPTY}, ""),
    "missing": ({2: None}, "group 5: member 2 has no copy"),
    "behind": ({2: Copy(is_caught_up=False)}, "group 5 at node 2: it has not caught up"),
    "in doubt": ({2: Copy(doubtful=True)}, "group 5 at node 2: it has not caught up"),
    "an old map": ({3: Copy(epoch=2)}, "group 5 at node 3: it goes by the members of epoch 2, not 3"),
    "a key": ({2: Copy(digests={b"k": 8})}, "group 5 at nodes 1 and 2: 1 keys differ, b'k' first"),
    "a key that is not there": (
        {3: Copy(digests={b"k": 7, b"a": 1})}, "group 5 at nodes 1 and 3: 1 keys differ, b'a' first"
    ),
    "an update": ({2: Copy(clock=b"d")}, "group 5 at nodes 1 and 2: they have seen different updates"),
    "the view": ({2: Copy(shown=b"t")}, "group 5 at nodes 1 and 2: they hold the same and show something else"),
    "a rest": ({4: Copy()}, "group 5 at node 4: it is no member, and holds 1 keys"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_found(name: str) -> None:
    changes, sentence = CASES[name]
    copies = SAME | {(node, 5): copy for node, copy in changes.items()}
    assert unlike({5: WANTED}, {place: copy for place, copy in copies.items() if copy}) == sentence


def test_nobody_is_like_nobody() -> None:
    assert unlike({5: Wanted(3, [], False)}, {}) == ""


def test_members_that_change_are_not_compared() -> None:
    assert unlike({5: Wanted(3, [1, 2], True)}, {}) == "group 5: its members are still changing"


def test_of_a_group_that_is_no_more_nothing_is_left() -> None:
    assert unlike({}, {}) == ""
    assert unlike({}, {(1, 5): EMPTY}) == "group 5 at node 1: it is no more"
