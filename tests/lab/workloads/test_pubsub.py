"""The judge of publish/subscribe: what may be heard, and what must."""

import pytest
from told import Told

from trivet.lab.workloads.pubsub import Quiet, judge_pubsub, listen

BEGIN, END = "SUBSCRIBE j:0", "UNSUBSCRIBE j:0"


def heard(*messages: str, begin: int = 0, end: int = 99) -> Told:
    """One that listens from ``begin`` to ``end``, and hears at 50 ms."""
    history = Told().ok(begin, begin + 1, BEGIN, (), conn=7)
    for message in messages:
        history.ok(50, 50, f"HEAR j:0 {message}", None, conn=7)
    return history.ok(end, end + 1, END, (), conn=7)


def two(history: Told) -> Told:
    """Two messages of one connection, one after the other."""
    a = Told().ok(10, 11, "PUBLISH j:0 a", 1, conn=5).ok(12, 13, "PUBLISH j:0 b", 1, conn=5)
    for operation in history:
        operation.number += 2
    a.extend(history)
    return a


GOOD = {
    "heard": two(heard("a", "b")),
    "before it listens": two(heard(begin=12, end=14)),
    "one that was answered while it began": two(heard("b", begin=11)),
    "a message without an answer": heard("c").open(20, "PUBLISH j:0 c"),
    "one without an answer is lost": heard().open(20, "PUBLISH j:0 c"),
    "never heard of the end": two(Told().ok(0, 1, BEGIN, (), conn=7)),
    "two listeners": two(heard("a", "b")).ok(50, 50, "HEAR j:0 a", None, conn=8),
}

BROKEN = {
    "twice": (two(heard("a", "b", "a")), "a message was heard twice"),
    "from nowhere": (two(heard("a", "b", "c")), "a message was heard that nobody published"),
    "from the future": (
        heard("c").ok(60, 61, "PUBLISH j:0 c", 1),
        "a message was heard before it was published, or though it was refused",
    ),
    "refused": (
        heard("c").failed(20, 21, "PUBLISH j:0 c"),
        "a message was heard before it was published, or though it was refused",
    ),
    "out of order": (two(heard("b", "a")), "messages of one connection were heard out of order"),
    "missed": (two(heard("a")), "a message on the listener's own node was not heard"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_may_happen(name):
    assert judge_pubsub("j:0", GOOD[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_may_not(name):
    history, sentence = BROKEN[name]
    complaints = judge_pubsub("j:0", history)
    assert complaints[0].sentence.endswith(sentence), complaints
    assert complaints[0].judge == "pubsub"


def test_a_listener_asks_again_and_again():
    call = listen(b"j:0", 2)
    words = []
    while call is not None:
        words.append(call.wire[0][0])
        assert call.hears
        call = call.then((b"",)) if call.then is not None else None
    assert words == [b"SUBSCRIBE", b"PING", b"PING", b"UNSUBSCRIBE"]


def elsewhere(history: Told) -> Told:
    """Published on another node."""
    for operation in history:
        if operation.commands[0][0] == b"PUBLISH":
            operation.node = 2
    return history


@pytest.mark.parametrize(
    ("history", "quiet", "owed", "missed"),
    [
        (two(heard("a", "b")), Quiet(-1, 5), 2, 0),
        (two(heard("a")), Quiet(-1, 5), 2, 1),
        (two(heard("a")), Quiet(0, 5), 0, 0),
        (two(heard(end=14)), Quiet(-1, 2_000), 1, 1),
        (two(heard(end=14)), Quiet(-1, 3_000), 0, 0),
        (two(heard("b", begin=10)), Quiet(-1, 5), 1, 0),
        (two(heard(begin=12)), Quiet(-1, 5), 0, 0),
        (heard().open(20, "PUBLISH j:0 c"), Quiet(-1, 5), 0, 0),
        (heard().failed(20, 21, "PUBLISH j:0 c"), Quiet(-1, 5), 0, 0),
    ],
)
def test_what_another_node_owes(history, quiet, owed, missed):
    complaints = judge_pubsub("j:0", elsewhere(history), quiet)
    assert (quiet.owed, len(complaints)) == (owed, missed), complaints
    assert all(c.sentence.endswith("was not heard, though all links were whole") for c in complaints)
