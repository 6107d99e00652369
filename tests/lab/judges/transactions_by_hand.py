"""Transactions in a line each: ``1..9 p3 append x 1, read y [1 2]``; ``?`` as the end: indefinite."""

from trivet.lab.history import FOREVER_US, Outcome
from trivet.lab.judges.transactions import Append, Read, Step, Transaction


def said(text: str) -> list[Transaction]:
    """T1, T2, … in the order of the lines; each is a process of its own unless it names one."""
    return [_transaction(number, line.strip()) for number, line in enumerate(text.strip().splitlines(), 1)]


def _transaction(number: int, line: str) -> Transaction:
    span, _, rest = line.partition(" ")
    start, end = span.split("..")
    rest = rest.strip()
    outcome = Outcome.INFO if end == "?" else Outcome.OK
    process = 1000 + number
    if rest.startswith("failed "):
        outcome, rest = Outcome.FAIL, rest[7:]
    if rest.startswith("p"):
        process, rest = int(rest[1 : rest.index(" ")]), rest[rest.index(" ") + 1 :]
    return Transaction(
        number=number,
        process=process,
        steps=tuple(_step(part.strip()) for part in rest.split(",")),
        outcome=outcome,
        invoke_us=int(start),
        return_us=FOREVER_US if end == "?" else int(end),
    )


def _step(text: str) -> Step:
    name, key, value = text.split(" ", 2)
    if name == "append":
        return Append(key.encode(), int(value))
    return Read(key.encode(), tuple(int(item) for item in value.strip("[]").split()))
