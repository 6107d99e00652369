"""The judge of lists that only grow."""

import pytest
from told import Told, items

from trivet.lab.workloads.tokens import judge_tokens

READ = "LRANGE t:0 0 -1"


def two() -> Told:
    return Told().ok(0, 1, "RPUSH t:0 a", 1).ok(2, 3, "RPUSH t:0 b", 2)


GOOD = {
    "nothing": Told(),
    "two": two().ok(4, 5, READ, items("a", "b")),
    "at once": Told().ok(0, 9, "RPUSH t:0 a", 2).ok(0, 9, "RPUSH t:0 b", 1).ok(1, 8, READ, items("b")),
    "open, late": two().open(0, "RPUSH t:0 c").ok(4, 5, READ, items("a", "b")).ok(6, 7, READ, items("a", "b", "c")),
    "open, early": Told().open(0, "RPUSH t:0 c").ok(1, 2, "RPUSH t:0 a", 2).ok(4, 5, READ, items("c", "a")),
    "open, never": two().open(0, "RPUSH t:0 c").ok(4, 5, READ, items("a", "b")),
    "refused": two().failed(4, 5, "RPUSH t:0 c").ok(6, 7, READ, items("a", "b")),
    "never read": two(),
}  # fmt: skip

BROKEN = {
    "lost": (two().ok(4, 5, READ, items("a")), "a later operation came before an earlier one"),
    "two lists": (
        two().ok(4, 5, READ, items("a", "b")).ok(6, 7, READ, items("b", "a")),
        "two reads are not one list that grew",
    ),
    "elsewhere": (two().ok(4, 5, READ, items("b", "a")), "a token is not where its push said"),
    "one place": (
        Told().ok(0, 1, "RPUSH t:0 a", 1).ok(0, 1, "RPUSH t:0 b", 1),
        "two pushes got one place",
    ),
    "shrunk": (
        two().ok(4, 5, READ, items("a", "b")).ok(6, 7, READ, items("a")),
        "a later operation came before an earlier one",
    ),
    "against time": (
        Told().ok(0, 1, "RPUSH t:0 a", 2).ok(2, 3, "RPUSH t:0 b", 1),
        "a later operation came before an earlier one",
    ),
    "open, too early": (
        Told().ok(0, 1, READ, items("a")).open(2, "RPUSH t:0 a"),
        "a later operation came before an earlier one",
    ),
    "refused, yet there": (
        Told().failed(0, 1, "RPUSH t:0 a").ok(2, 3, READ, items("a")),
        "a refused token is there",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert judge_tokens("t:0", GOOD[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    history, sentence = BROKEN[name]
    assert [c.sentence for c in judge_tokens("t:0", history)] == ["t:0: " + sentence]
