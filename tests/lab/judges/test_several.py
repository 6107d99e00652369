"""Commands about several keys: what a correct store answers, and histories that no order explains."""

import pytest
from hand_made import op

from trivet.lab.history import Operation
from trivet.lab.judges.linearizability import judge
from trivet.lab.judges.models import Held
from trivet.lab.judges.several import NO_KEY, SEVERAL, keys_of
from trivet.lab.resp import OK, Value


def several(number: int, start: int, end: int | None, command: str, *replies: Value) -> Operation:
    made = op(number, start, end, command, *replies)
    named = [keys_of(c) if c[0] in SEVERAL else c[1:2] for c in made.commands]
    made.keys = tuple(dict.fromkeys(key for keys in named for key in keys))
    return made


STEPS: dict[str, tuple[list[Held], list[Held], Value]] = {
    "MSET a 1 b 2": ([None, b"x"], [b"1", b"2"], OK),
    "MSETNX a 1 b 2": ([None, b"x"], [None, b"x"], 0),
    "MSETNX a 1 c 2": ([None, None], [b"1", b"2"], 1),
    "MGET a c b": ([b"1", None, b"2"], [b"1", None, b"2"], (b"1", None, b"2")),
    "UNLINK a b c": ([b"1", None, b"2"], [None, None, None], 2),
    "RENAME a b": ([b"1", b"2"], [None, b"1"], OK),
    "RENAME b a": ([None, b"2"], [None, b"2"], NO_KEY),
    "RENAMENX a b": ([b"1", b"2"], [b"1", b"2"], 0),
    "RENAMENX a c": ([b"1", None], [None, b"1"], 1),
    "COPY a b": ([b"1", b"2"], [b"1", b"2"], 0),
    "COPY a b REPLACE": ([b"1", b"2"], [b"1", b"1"], 1),
    "SWAP a b": ([b"1", None], [None, b"1"], b"1"),
    "LMOVE a b LEFT RIGHT": ([(b"1", b"2"), (b"3",)], [(b"2",), (b"3", b"1")], b"1"),
    "LMOVE a b RIGHT LEFT": ([(b"1",), (b"3",)], [None, (b"1", b"3")], b"1"),
    "LMOVE c b LEFT LEFT": ([None, (b"3",)], [None, (b"3",)], None),
    "SMOVE a b m": ([(b"m", b"n"), (b"k",)], [(b"n",), (b"k", b"m")], 1),
    "SMOVE a b x": ([(b"m",), None], [(b"m",), None], 0),
    "SINTERSTORE a b c": ([(b"9",), (b"1", b"2"), (b"2",)], [(b"2",), (b"1", b"2"), (b"2",)], 1),
    "SUNIONSTORE a b c": ([None, (b"2",), (b"1",)], [(b"1", b"2"), (b"2",), (b"1",)], 2),
    "SUNION a b": ([(b"2",), (b"1",)], [(b"2",), (b"1",)], (b"1", b"2")),
}


@pytest.mark.parametrize("command", list(STEPS))
def test_steps(command: str) -> None:
    words = tuple(word.encode() for word in command.split())
    before, after, answer = STEPS[command]
    assert len(keys_of(words)) == len(before)
    assert SEVERAL[words[0]](tuple(before), words) == (tuple(after), answer)


def test_one_order_for_all_keys() -> None:
    history = [
        several(1, 0, 9, "MSET a 1 b 2", OK),
        several(2, 1, 2, "GET a ; GET b", None, None),
        several(3, 10, 20, "RENAME a b", OK),
        several(4, 11, 12, "GET a ; GET b", None, b"1"),
        several(5, 21, None, "SWAP a b"),
        several(6, 30, 31, "GET a ; GET b", b"1", None),
    ]
    assert judge(history) == ([], 0)


def test_half_of_a_command_is_seen() -> None:
    history = [
        several(1, 0, 1, "MSET a 1 b 2", OK),
        several(2, 2, 9, "RENAME a b", OK),
        several(3, 3, 4, "GET a ; GET b", None, b"2"),
    ]
    (complaint,), unknown = judge(history)
    assert complaint.sentence == "no order explains the history of a, b"
    assert not unknown


def test_an_element_is_lost_on_its_way() -> None:
    history = [
        several(1, 0, 1, "RPUSH a 1", 1),
        several(2, 2, 3, "LMOVE a b LEFT LEFT", b"1"),
        several(3, 4, 5, "LRANGE b 0 -1", ()),
    ]
    assert len(judge(history)[0]) == 1


def test_sets_are_compared_as_sets() -> None:
    history = [
        several(1, 0, 1, "SADD a 1", 1),
        several(2, 2, 3, "SADD b 2", 1),
        several(3, 4, 5, "SUNION a b", (b"2", b"1")),
    ]
    assert judge(history) == ([], 0)
