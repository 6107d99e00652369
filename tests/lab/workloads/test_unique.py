"""The judge of sets that only grow."""

import pytest
from told import Told, items

from trivet.lab.resp import OK
from trivet.lab.workloads.unique import judge_set, judge_walks


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


WALK = "KEYS u:*"

WALKS = {
    "there": (Told().ok(0, 1, "SET u:a a", OK).ok(2, 3, WALK, items("u:a")), ""),
    "under way": (Told().ok(0, 9, "SET u:a a", OK).ok(2, 3, WALK, ()), ""),
    "nobody knows": (Told().open(0, "SET u:a a").ok(2, 3, WALK, items("u:a")).ok(4, 5, WALK, ()), ""),
    "refused walk": (Told().ok(0, 1, "SET u:a a", OK).failed(2, 3, WALK), ""),
    "missed": (Told().ok(0, 1, "SET u:a a", OK).ok(2, 3, WALK, ()), "u:a: a walk does not find it"),
    "early": (
        Told().ok(0, 1, WALK, items("u:a")).ok(2, 3, "SET u:a a", OK),
        "u:a: a walk finds it too early",
    ),
    "refused": (
        Told().failed(0, 1, "SET u:a a").ok(2, 3, WALK, items("u:a")),
        "u:a: a walk finds it too early",
    ),
    "invented": (Told().ok(2, 3, WALK, items("u:b")), "a walk finds keys that nobody wrote"),
}


@pytest.mark.parametrize("name", WALKS)
def test_walks(name: str) -> None:
    history, sentence = WALKS[name]
    writes = [o for o in history if o.commands[0][0] == b"SET"]
    walks = [o for o in history if o.commands[0][0] == b"KEYS"]
    assert [c.sentence for c in judge_walks(writes, walks)] == ([sentence] if sentence else [])
