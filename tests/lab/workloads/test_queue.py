"""The queue's judge: jobs ``a b c`` in ``q:0``, work in hand in ``w:0``."""

import pytest
from told import Told, items

from trivet.lab.workloads.queue import judge_queue

TAKE = "LMOVE q:0 w:0 LEFT RIGHT"
LEFT = "LRANGE q:0 0 -1"
HAND = "LRANGE w:0 0 -1"


def two() -> Told:
    """Two jobs, one after the other."""
    return Told().ok(0, 1, "RPUSH q:0 a", 1).ok(2, 3, "RPUSH q:0 b", 2)


def end(history: Told, left: tuple[object, ...] = (), hand: tuple[object, ...] = ()) -> Told:
    return history.ok(90, 91, LEFT, left, final=True).ok(90, 91, HAND, hand, final=True)  # type: ignore[arg-type]


def judged(history: Told) -> str:
    complaints = judge_queue("0", history)
    return complaints[0].sentence if complaints else ""


GOOD = {
    "untouched": end(two(), items("a", "b")),
    "popped in order": end(two().ok(4, 5, "LPOP q:0", b"a").ok(6, 7, "LPOP q:0", b"b")),
    "pops at once answer in any order": end(two().ok(4, 9, "LPOP q:0", b"b").ok(4, 9, "LPOP q:0", b"a")),
    "pushes at once leave in any order": end(
        Told().ok(0, 5, "RPUSH q:0 a", 2).ok(0, 5, "RPUSH q:0 b", 1).ok(6, 7, "LPOP q:0", b"b"), items("a")
    ),
    "in hand": end(two().ok(4, 5, TAKE, b"a"), items("b"), items("a")),
    "finished": end(two().ok(4, 5, TAKE, b"a").ok(6, 7, "LREM w:0 1 a", 1), items("b")),
    "perhaps finished": end(two().ok(4, 5, TAKE, b"a").open(6, "LREM w:0 1 a"), items("b")),
    "an open pop took one": end(two().open(4, "LPOP q:0"), items("b")),
    "an open pop took none": end(two().open(4, "LPOP q:0"), items("a", "b")),
    "an open move": end(two().open(4, TAKE), items("b"), items("a")),
    "empty at last": end(two().ok(4, 5, "LPOP q:0", b"a").ok(4, 6, "LPOP q:0", b"b").ok(7, 8, TAKE, None)),
    "empty before the push was over": end(Told().ok(0, 5, "RPUSH q:0 a", 1).ok(1, 2, "LPOP q:0", None), items("a")),
    "an open push": end(Told().open(0, "RPUSH q:0 a").ok(5, 6, "LPOP q:0", b"a")),
}  # fmt: skip

BROKEN = {
    "twice": (
        end(two().ok(4, 5, "LPOP q:0", b"a").ok(6, 7, "LPOP q:0", b"a"), items("b")),
        "a job was delivered twice",
    ),
    "still there": (
        end(two().ok(4, 5, "LPOP q:0", b"a"), items("a", "b")),
        "a job was delivered and still waits at the end",
    ),
    "lost": (end(two(), items("b")), "1 jobs are lost, with 0 pops open"),
    "more lost than open pops": (end(two().open(4, "LPOP q:0")), "2 jobs are lost, with 1 pops open"),
    "lost in hand": (end(two().ok(4, 5, TAKE, b"a"), items("b")), "a job in hand is lost"),
    "finished, yet in hand": (
        end(two().ok(4, 5, TAKE, b"a").ok(6, 7, "LREM w:0 1 a", 1), items("b"), items("a")),
        "a finished job is still in hand",
    ),
    "gone before it was finished": (
        end(two().ok(4, 5, TAKE, b"a").ok(6, 7, "LREM w:0 1 a", 0), items("b")),
        "a job in hand was gone",
    ),
    "in hand by nobody": (
        end(two(), items("b"), items("a")),
        "1 jobs in hand that nobody took, with 0 moves open",
    ),
    "out of order": (
        end(two().ok(4, 5, "LPOP q:0", b"b").ok(6, 7, "LPOP q:0", b"a")),
        "the queue delivered a later job first",
    ),
    "the later one only": (
        end(two().ok(4, 5, "LPOP q:0", b"b"), items("a")),
        "the queue delivered a later job first",
    ),
    "waiting out of order": (end(two(), items("b", "a")), "jobs wait in another order than they came"),
    "one connection's pushes out of order": (
        end(Told().ok(0, 5, "RPUSH q:0 a", 1, conn=7).ok(0, 5, "RPUSH q:0 b", 2, conn=7), items("b", "a")),
        "jobs wait in another order than they came",
    ),
    "empty though full": (
        end(two().ok(4, 5, "LPOP q:0", None), items("a", "b")),
        "the queue was found empty",
    ),
    "from nowhere": (end(two().ok(4, 5, "LPOP q:0", b"z"), items("a", "b")), "a job was delivered that nobody pushed"),
    "refused": (
        end(Told().failed(0, 1, "RPUSH q:0 a").ok(4, 5, "LPOP q:0", b"a")),
        "a job was refused for certain, yet delivered",
    ),
    "too early": (
        end(Told().ok(0, 1, "LPOP q:0", b"a").ok(2, 3, "RPUSH q:0 a", 1)),
        "a job was delivered before it was pushed",
    ),
    "two copies at the end": (end(two(), items("a", "a", "b")), "b'a' is there twice at the end"),
    "a stranger at the end": (
        end(two(), items("a", "b", "z")),
        "b'z' is there at the end, but nobody pushed it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert judged(GOOD[name]) == ""


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    history, sentence = BROKEN[name]
    assert judged(history) == "0: " + sentence
