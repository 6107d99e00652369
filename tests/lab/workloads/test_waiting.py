"""The judge of queues whose consumers wait: the queue's, told of waits as pops at their end."""

import pytest
from told import Told, items

from trivet.core.base.prng import Prng
from trivet.lab.workloads.waiting import Waiting, judge_waiting
from trivet.lab.workloads.workload import Context
from trivet.lab.world.options import RunOptions

TAKE = "BLMOVE y:0 g:0 LEFT RIGHT 0.5"
POP = "BLPOP y:0 0.5"


def two() -> Told:
    """Two jobs, one after the other."""
    return Told().ok(0, 1, "RPUSH y:0 a", 1).ok(2, 3, "RPUSH y:0 b", 2)


def end(history: Told, left: tuple[object, ...] = (), hand: tuple[object, ...] = ()) -> Told:
    history.ok(90, 91, "LRANGE y:0 0 -1", left, final=True)  # type: ignore[arg-type]
    return history.ok(90, 91, "LRANGE g:0 0 -1", hand, final=True)  # type: ignore[arg-type]


GOOD = {
    "untouched": end(two(), items("a", "b")),
    "waited for": end(
        Told().ok(0, 9, POP, items("y:0", "a")).ok(5, 6, "RPUSH y:0 a", 1).ok(7, 8, "RPUSH y:0 b", 1), items("b")
    ),
    "in vain": end(Told().ok(0, 500, POP, None)),
    "one that came back leaves later": end(
        two().ok(4, 5, POP, items("y:0", "b")).ok(6, 7, POP, items("y:0", "a"))
    ),
    "in hand": end(two().ok(4, 5, TAKE, b"a"), items("b"), items("a")),
    "waited for in several queues": end(
        two().ok(4, 5, "BLPOP y:1 y:0 0.5", items("y:0", "a")).ok(6, 7, "BLPOP y:1 y:0 0.5", None), items("b")
    ),
    "an open wait for several queues took one": end(two().open(4, "BLPOP y:1 y:0 y:2 0.5"), items("b")),
    "an open wait took one": end(two().open(4, POP), items("b")),
}  # fmt: skip

BROKEN = {
    "twice": (
        end(two().ok(4, 5, POP, items("y:0", "a")).ok(6, 7, POP, items("y:0", "a")), items("b")),
        "a job was delivered twice",
    ),
    "given back and delivered": (
        end(two().ok(4, 5, POP, items("y:0", "a")), items("a", "b")),
        "a job was delivered and still waits at the end",
    ),
    "lost": (end(two().ok(4, 5, POP, items("y:0", "a"))), "1 jobs are lost, with 0 pops open"),
    "taken twice for one": (
        end(two().ok(4, 5, TAKE, b"b"), (), items("a", "b")),
        "1 jobs in hand that nobody took, with 0 moves open",
    ),
    "taken for one who heard that nothing came": (
        end(two().ok(4, 5, TAKE, None), items("b"), items("a")),
        "1 jobs in hand that nobody took, with 0 moves open",
    ),
    "lost in hand": (end(two().ok(4, 5, TAKE, b"a"), items("b")), "a job in hand is lost"),
    "from nowhere": (end(Told().ok(4, 5, POP, items("y:0", "c"))), "a job was delivered that nobody pushed"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_may_happen(name):
    assert judge_waiting("0", GOOD[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_may_not(name):
    history, sentence = BROKEN[name]
    complaints = judge_waiting("0", history)
    assert complaints[0].sentence.endswith(sentence), complaints
    assert complaints[0].judge == "waiting"


def test_a_wait_for_several_queues_counts_for_the_one_that_had_something():
    history = two().ok(4, 5, "BLPOP y:1 y:0 0.5", items("y:0", "a")).ok(4, 5, "RPUSH y:1 c", 1)
    history.ok(6, 7, "BLPOP y:0 y:1 0.5", items("y:1", "c")).ok(8, 9, "BLPOP y:0 y:1 0.5", items("y:1", "c"))
    workload = Waiting(RunOptions(seed=1), Prng(1))
    complaints = workload.check(history, [], Context(0))
    assert [complaint.sentence for complaint in complaints] == ["1: a job was delivered twice"]
