"""Acknowledged once, applied once: counters and token lists, where a retry that applies twice shows.

A definite failure applied is shown too. Indefinite operations may count once or not at all.
"""

from collections.abc import Sequence

from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.finals import final_values

COUNTED = {b"c:": b"INCR", b"t:": b"RPUSH"}


def judge(history: Sequence[Operation]) -> list[Complaint]:
    """Complaints about ``c:`` and ``t:`` keys."""
    by_key: dict[bytes, list[Operation]] = {}
    for operation in history:
        if operation.keys and operation.commands[0][0] == COUNTED.get(operation.keys[0][:2]):
            by_key.setdefault(operation.keys[0], []).append(operation)
    complaints: list[Complaint] = []
    finals = final_values(history)
    for key, operations in by_key.items():
        if key[:1] == b"c":
            complaints += _counter(key, operations, finals.get(key, []))
        else:
            complaints += _tokens(key, operations, finals.get(key, []))
    return complaints


def _counter(key: bytes, operations: list[Operation], finals: list[Operation]) -> list[Complaint]:
    complaints: list[Complaint] = []
    name = key.decode()
    answers: dict[object, Operation] = {}
    for operation in operations:
        if operation.outcome is Outcome.OK:
            first = answers.setdefault(operation.replies[0], operation)
            if first is not operation:
                evidence = [first.text(), operation.text()]
                complaints.append(
                    Complaint("exactly-once", f"{name}: two increments got one number", evidence)
                )
    acknowledged = sum(o.outcome is Outcome.OK for o in operations)
    indefinite = sum(o.outcome in (Outcome.INFO, Outcome.PENDING) for o in operations)
    for final in finals:
        held = final.replies[0]
        total = int(held) if isinstance(held, bytes) else 0
        if not acknowledged <= total <= acknowledged + indefinite:
            counts = f"{acknowledged} increments were acknowledged and {indefinite} are open"
            sentence = f"{name} ends at {total}, but {counts}"
            complaints.append(Complaint("exactly-once", sentence, [final.text()]))
            break
    return complaints


def _tokens(key: bytes, operations: list[Operation], finals: list[Operation]) -> list[Complaint]:
    for final in finals:
        held = final.replies[0]
        items = held if isinstance(held, tuple) else ()
        places: dict[object, list[int]] = {}
        for place, item in enumerate(items):
            places.setdefault(item, []).append(place)
        for operation in operations:
            found = places.pop(operation.commands[0][2], [])
            problem = _token_problem(operation, len(found))
            if problem:
                evidence = [operation.text(), final.text()]
                return [Complaint("exactly-once", f"{key.decode()}: a token {problem}", evidence)]
        if places:
            return [
                Complaint(
                    "exactly-once", f"{key.decode()}: tokens that nobody wrote", [repr(list(places)[:5])]
                )
            ]
        complaint = _order_problem(key, operations, items)
        if complaint is not None:
            return [complaint]
    return []


def _token_problem(operation: Operation, count: int) -> str:
    if count > 1:
        return f"was applied {count} times"
    if count == 0 and operation.outcome is Outcome.OK:
        return "was acknowledged and is lost"
    if count == 1 and operation.outcome is Outcome.FAIL:
        return "was refused for certain, yet applied"
    return ""


def _order_problem(key: bytes, operations: list[Operation], items: tuple[object, ...]) -> Complaint | None:
    """The commands of one connection take effect in the order in which it sent them."""
    place = {item: i for i, item in enumerate(items)}
    latest: dict[int, Operation] = {}
    for operation in operations:
        here = place.get(operation.commands[0][2])
        if here is None:
            continue
        before = latest.get(operation.conn)
        if before is not None and place[before.commands[0][2]] > here:
            sentence = f"{key.decode()}: commands of one connection took effect out of order"
            return Complaint("order", sentence, [before.text(), operation.text()])
        latest[operation.conn] = operation
    return None
