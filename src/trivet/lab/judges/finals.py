"""Final reads, by key."""

from collections.abc import Sequence

from trivet.lab.history import Operation, Outcome


def final_values(history: Sequence[Operation]) -> dict[bytes, list[Operation]]:
    """The successful final reads of each key, one per node."""
    finals: dict[bytes, list[Operation]] = {}
    for operation in history:
        if operation.final and operation.outcome is Outcome.OK:
            finals.setdefault(operation.keys[0], []).append(operation)
    return finals
