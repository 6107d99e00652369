"""The judge of scripts: tokens ``a b`` under the numbers 1 and 2 of ``p:0``."""

import pytest

from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.workloads.script import ALL, LOOK, WRITE, judge_script


class Told(list[Operation]):
    """A history; scripts have spaces in them, so words are given one by one."""

    def _add(self, start, end_us, command, outcome, replies, final=False):
        self.append(
            Operation(
                number=len(self), client=1, conn=len(self), node=1, commands=(tuple(command),), keys=(b"p:0",),
                invoke_us=start * 1000, return_us=end_us, outcome=outcome, replies=replies, final=final,
            )
        )  # fmt: skip
        return self

    def write(self, start, end, token, number):
        return self._add(start, end * 1000, [b"EVAL", WRITE, b"1", b"p:0", token], Outcome.OK, (number,))

    def open(self, start, token):
        return self._add(start, FOREVER_US, [b"EVAL", WRITE, b"1", b"p:0", token], Outcome.INFO, ())

    def refused(self, start, end, token):
        return self._add(start, end * 1000, [b"EVAL", WRITE, b"1", b"p:0", token], Outcome.FAIL, ())

    def look(self, start, end, number, length, last, newest):
        reply = (number, length, last, newest)
        return self._add(start, end * 1000, [b"EVAL_RO", LOOK, b"1", b"p:0"], Outcome.OK, (reply,))

    def end(self, *items):
        return self._add(90, 91_000, [b"EVAL_RO", ALL, b"1", b"p:0"], Outcome.OK, (tuple(items),), True)


def two():
    return Told().write(0, 1, b"a", 1).write(2, 3, b"b", 2)


GOOD = {
    "untouched": Told().look(0, 1, b"0", 0, b"", b"").end(),
    "two": two().end(b"1 a", b"2 b"),
    "a look between": two().look(1, 3, b"1", 1, b"1 a", b"a").end(b"1 a", b"2 b"),
    "at once": Told().write(0, 9, b"a", 2).write(0, 9, b"b", 1).end(b"1 b", b"2 a"),
    "open, and done": Told().open(0, b"a").look(5, 6, b"1", 1, b"1 a", b"a").end(b"1 a"),
    "open, and not done": Told().open(0, b"a").end(),
}

BROKEN = {
    "one number twice": (Told().write(0, 1, b"a", 1).write(2, 3, b"b", 1), "two scripts got one number"),
    "half seen": (
        two().look(4, 5, b"2", 1, b"1 a", b"a"),
        "a look saw a number and a list that do not belong together",
    ),
    "parts of two": (two().look(4, 5, b"2", 2, b"2 b", b"a"), "a look saw parts of different scripts"),
    "from nowhere": (two().look(4, 5, b"3", 3, b"3 c", b"c"), "a look saw what nobody wrote"),
    "of the future": (
        Told().look(0, 1, b"1", 1, b"1 a", b"a").write(2, 3, b"a", 1).end(b"1 a"),
        "a look saw what was written later",
    ),
    "stale": (
        two().look(4, 5, b"1", 1, b"1 a", b"a"),
        "a later script or look knows nothing of an earlier one",
    ),
    "numbers fall": (
        Told().write(0, 1, b"a", 2).write(2, 3, b"b", 1),
        "a later script or look knows nothing of an earlier one",
    ),
    "a gap": (two().end(b"1 a", b"3 b"), "the numbers in the list have gaps or doubles"),
    "twice": (two().end(b"1 a", b"2 b", b"3 b"), "a script took effect twice"),
    "lost": (two().end(b"1 a"), "what a script wrote is not there"),
    "refused": (Told().refused(0, 1, b"a").end(b"1 a"), "a script was refused for certain, yet took effect"),
    "no number": (Told().write(0, 1, b"a", None), "a script answered no number"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_may_happen(name):
    assert judge_script("p:0", GOOD[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_may_not(name):
    history, sentence = BROKEN[name]
    complaints = judge_script("p:0", history)
    assert complaints, "nothing was noticed"
    assert complaints[0].sentence.endswith(sentence), complaints
