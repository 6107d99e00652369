"""Histories in a few characters, for the judges' tests."""

from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.resp import Value


def op(
    number: int,
    start: int,
    end: int | None,
    command: str,
    *replies: Value,
    client: int = 0,
    final: bool = False,
    conn: int = 0,
) -> Operation:
    """``command``: words, several commands joined by ``;``. ``end`` None: indefinite."""
    commands = tuple(tuple(word.encode() for word in part.split()) for part in command.split(";"))
    return Operation(
        number=number,
        client=client,
        conn=conn,
        node=1,
        commands=commands,
        keys=tuple(dict.fromkeys(c[1] for c in commands)),
        invoke_us=start,
        return_us=FOREVER_US if end is None else end,
        outcome=Outcome.INFO if end is None else Outcome.OK,
        replies=replies,
        final=final,
    )


def failed(number: int, start: int, end: int, command: str) -> Operation:
    """An operation that had no effect for certain."""
    made = op(number, start, end, command)
    made.outcome = Outcome.FAIL
    return made
