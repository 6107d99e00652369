"""Judges that try every order: slow, plain, and made of nothing that the real ones are made of.

A simple operation is ``(start, end, name, argument, answer)``; ``end`` None: nobody knows whether it happened.
A simple transaction is ``(start, end, steps, failed)`` with steps ``("append", key, value)`` and ``("read", key, list)``.
"""

from collections.abc import Callable
from typing import Any

FOREVER = float("inf")
Simple = tuple[int, int | None, str, Any, Any]
SimpleTransaction = tuple[int, int | None, list[tuple[str, str, Any]], bool]


def orders(
    spans: list[tuple[int, int | None]], must: list[bool], apply: Callable[[int, Any], Any], state: Any
) -> bool:
    """Whether some order, true to the times, lets ``apply`` (a new state, or None: impossible) get through."""

    def go(left: tuple[int, ...], state: Any) -> bool:
        if not any(must[i] for i in left):
            return True
        # Only what begins before everything that is left has ended can be next.
        first_end = min(FOREVER if spans[i][1] is None else spans[i][1] for i in left)
        for i in left:
            if spans[i][0] <= first_end:
                after = apply(i, state)
                if after is not None and go(tuple(j for j in left if j != i), after):
                    return True
        return False

    return go(tuple(range(len(spans))), state)


# -- one key: the value is None, a text or a number in a box


def answer(name: str, argument: Any, value: Any) -> tuple[Any, Any]:
    """(value after, answer)."""
    if name == "get":
        return value, value
    if name == "set":
        return argument, "OK"
    if name == "cas":
        return (argument[1], "OK") if value == argument[0] else (value, None)
    if name == "incr":
        return (
            (str(int(value or "0") + 1), int(value or "0") + 1)
            if (value or "0").isdigit()
            else (value, "error")
        )
    if name == "append":
        return (value or "") + argument, len((value or "") + argument)
    if name == "del":
        return None, 0 if value is None else 1
    assert name == "setnx"
    return (argument, 1) if value is None else (value, 0)


def linearizable(operations: list[Simple], start: Any = None) -> bool:
    def apply(i: int, box: tuple[Any]) -> tuple[Any] | None:
        _, end, name, argument, expected = operations[i]
        after, said = answer(name, argument, box[0])
        return (after,) if end is None or said == expected else None

    return orders([o[:2] for o in operations], [o[1] is not None for o in operations], apply, (start,))


# -- transactions over lists


def serializable(transactions: list[SimpleTransaction], strict: bool) -> bool:
    happened = [t for t in transactions if not t[3]]

    def apply(i: int, lists: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]] | None:
        _, end, steps, _ = happened[i]
        now = dict(lists)
        for kind, key, value in steps:
            if kind == "append":
                now[key] = (*now.get(key, ()), value)
            elif end is not None and now.get(key, ()) != value:
                return None
        return now

    spans = [(t[0], t[1]) if strict else (0, None) for t in happened]
    return orders(spans, [t[1] is not None for t in happened], apply, {})
