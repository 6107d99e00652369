"""What clients of the post have seen, as a history that the judge of linearizability reads.

A request's text is the command (``SET coat red``), its reply what a client reads (``OK``, ``nil``, a value).
"""

from collections.abc import Mapping, Sequence

from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.linearizability import judge
from trivet.lab.recording import ClientOperation
from trivet.lab.resp import OK, Value

OUTCOMES = {"ok": Outcome.OK, "fail": Outcome.FAIL, "info": Outcome.INFO}
NUMBERS = ("INCR", "DEL")
"""Commands that are answered with a number."""


def history_of(
    operations: Sequence[ClientOperation], retries: Mapping[int, int] | None = None
) -> list[Operation]:
    """As their clients saw them.

    ``retries``: number of a request -> of the one that says the same once more: one operation, which began
    with the first and ended with the second.
    """
    retries = retries or {}
    by_number = {operation.number: operation for operation in operations}
    history = []
    for told in operations:
        if told.number in retries.values():
            continue
        ended = by_number[retries.get(told.number, told.number)]
        words = tuple(word.encode() for word in told.text.split())
        outcome = OUTCOMES[ended.outcome]
        replies = (_value(words[0].decode(), ended.reply),) if outcome is Outcome.OK else ()
        history.append(
            Operation(
                told.number, told.client, told.client, ended.node, (words,), words[1:2],
                told.invoke_us, ended.return_us, outcome, replies,
            )
        )  # fmt: skip
    return history


def _value(command: str, text: str) -> Value:
    if command in NUMBERS:
        return int(text)
    if command == "SET":
        return OK
    return None if text == "nil" else text.encode()


def judge_linearizability(
    operations: Sequence[ClientOperation], retries: Mapping[int, int] | None = None
) -> list[Complaint]:
    """What cannot have been answered by one store that does one thing after the other."""
    complaints, unknown = judge(history_of(operations, retries))
    assert not unknown, "a story is short"
    return complaints
