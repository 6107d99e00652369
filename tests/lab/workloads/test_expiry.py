"""The judge of pairs with two deadlines: 100 ms and 300 ms, set at once."""

import pytest
from told import Told

from trivet.lab.history import FOREVER_US
from trivet.lab.resp import OK
from trivet.lab.workloads.expiry import judge_pair

SET = "SET x:0:short v PX 100 ; SET x:0:long v PX 300"
LOOK = "GET x:0:short ; GET x:0:long ; PTTL x:0:short ; PTTL x:0:long"


def told() -> Told:
    return Told().ok(0, 1, SET, OK, OK)


GOOD = {
    "both": told().ok(2, 3, LOOK, b"v", b"v", 98, 298),
    "the longer": told().ok(150, 151, LOOK, None, b"v", -2, 150),
    "none": told().ok(350, 351, LOOK, None, None, -2, -2),
    "a reader's clock ahead": told().ok(99, 100, LOOK, b"v", b"v", 0, 150),
    "not yet, then there": Told().open(0, SET).ok(1, 2, LOOK, None, None, -2, -2).ok(3, 4, LOOK, b"v", b"v", 99, 299),
    "refused": Told().failed(0, 1, SET).ok(1, 2, LOOK, None, None, -2, -2),
}  # fmt: skip

BROKEN = {
    "another value": (told().ok(2, 3, LOOK, b"w", b"v", 98, 298), "a value that nobody wrote"),
    "refused, yet there": (
        Told().failed(0, 1, SET).ok(2, 3, LOOK, b"v", b"v", 98, 298),
        "a write that failed for certain took effect",
    ),
    "too early": (
        Told().ok(5, 6, SET, OK, OK).ok(2, 3, LOOK, b"v", b"v", 98, 298),
        "a value was seen before it was written",
    ),
    "in the wrong order": (
        told().ok(2, 3, LOOK, b"v", None, 98, -2),
        "the key with the later deadline went first",
    ),
    "a longer life": (
        told().ok(2, 3, LOOK, b"v", b"v", 101, 301),
        "a time to live beyond the one that was set",
    ),
    "no deadline": (told().ok(2, 3, LOOK, b"v", b"v", 98, -1), "a key has lost its deadline"),
    "two moments": (
        told().ok(99, 100, LOOK, b"v", b"v", -2, 200),
        "one moment shows a key both there and gone",
    ),
    "moved apart": (told().ok(2, 3, LOOK, b"v", b"v", 98, 297), "the deadlines of a pair have moved apart"),
    "overdue": (told().ok(102, 103, LOOK, b"v", b"v", 0, 199), "a key was seen after its deadline"),
    "lost": (told().ok(2, 3, LOOK, None, b"v", -2, 298), "a key was lost before its deadline"),
    "lost for a while": (
        Told().open(0, SET).ok(1, 2, LOOK, b"v", b"v", 99, 299).ok(3, 4, LOOK, None, b"v", -2, 298)
        .ok(5, 6, LOOK, b"v", b"v", 97, 297),
        "the short-lived key was gone, and came back",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert judge_pair(GOOD[name], 0) == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    history, sentence = BROKEN[name]
    assert [c.sentence for c in judge_pair(history, 0)] == [sentence]


@pytest.mark.parametrize("name", BROKEN)
def test_clocks_that_jump_excuse_lateness_and_nothing_else(name: str) -> None:
    history, _ = BROKEN[name]
    assert bool(judge_pair(history, FOREVER_US)) == (name not in ("overdue", "lost"))
