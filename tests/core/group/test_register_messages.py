"""Words between nodes about registers: compact, with limits, beside all others."""

from typing import get_args

import msgspec
import pytest

from trivet.core.group.messages import GroupMessage
from trivet.core.group.register_messages import (
    ELSEWHERE,
    ITEMS_MAX,
    TASKS_MAX,
    RegisterMessage,
    Submit,
    Submitted,
)
from trivet.core.machine.register import Task
from trivet.core.paxos.operation import Outcome

DECODER = msgspec.msgpack.Decoder(GroupMessage | RegisterMessage)
TASK = Task(7, b"k", [(7, [b"SET", b"k", b"v"])], 4)


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        (
            Submit(5, 2, b"sha", 8, [3], [9], [77], [[TASK]]),
            [73, 5, 2, b"sha", 8, [3], [9], [77], [[[7, b"k", [[7, [b"SET", b"k", b"v"]]], 4, None, False]]]],
        ),
        (Submitted(5, 6, [3], [ELSEWHERE], [4], [b"r"]), [74, 5, 6, [3], [100], [4], [b"r"]]),
    ],
)  # fmt: skip
def test_its_tag_is_part_of_the_format(message: Submit | Submitted, plain: object) -> None:
    data = msgspec.msgpack.encode(message)
    assert msgspec.msgpack.decode(data) == plain
    assert DECODER.decode(data) == message


def test_each_tag_is_one_message_s() -> None:
    assert len(get_args(RegisterMessage)) == 14
    assert ELSEWHERE not in list(Outcome)


@pytest.mark.parametrize(
    "plain",
    [
        [73, -1, 2, b"", 1, [], [], [], []],
        [73, 5, 2, b"", 1, [3], [9], [77], [[[7, b"k", []]] * (TASKS_MAX + 1)]],
        [73, 5, 2, b"", 1, [3], [9], [77], []],
        [74, 5, 6, *[[1] * (ITEMS_MAX + 1)] * 3, [b""] * (ITEMS_MAX + 1)],
        [74, 5, 6, [3], [-1], [0], [b""]],
        [74, 5, 6, [3], [1, 2], [0], [b""]],
    ],
)
def test_nonsense_is_refused(plain: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        DECODER.decode(msgspec.msgpack.encode(plain))
