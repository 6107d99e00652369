"""The judge of sets that only grow."""

import pytest
from told import Told, items

from trivet.lab.workloads.unique import judge_set


def told() -> Told:
    return Told().ok(0, 1, "SADD i:0 a", 1)


READ = "SMEMBERS i:0"

GOOD = {
    "there": told().ok(2, 3, READ, items("a")),
    "under way": Told().ok(0, 9, "SADD i:0 a", 1).ok(2, 3, READ, ()),
    "open": Told().open(0, "SADD i:0 a").ok(2, 3, READ, ()).ok(4, 5, READ, items("a")),
    "refused": Told().failed(0, 1, "SADD i:0 a").ok(2, 3, READ, ()),
}

BROKEN = {
    "lost": (told().ok(2, 3, READ, ()), "an acknowledged member is missing"),
    "invented": (told().ok(2, 3, READ, items("a", "b")), "members that nobody added"),
    "early": (Told().ok(0, 1, READ, items("a")).ok(2, 3, "SADD i:0 a", 1), "a member was read before its add"),
    "refused, yet there": (
        Told().failed(0, 1, "SADD i:0 a").ok(2, 3, READ, items("a")),
        "a refused member is there",
    ),
    "doubled": (told().ok(2, 3, READ, items("a", "a")), "a member is there twice"),
    "applied twice": (Told().ok(0, 1, "SADD i:0 a", 0), "the first add of a member found it there"),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert judge_set(b"i:0", GOOD[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    history, sentence = BROKEN[name]
    assert [c.sentence for c in judge_set(b"i:0", history)] == ["i:0: " + sentence]
