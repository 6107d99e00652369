"""Operations: how they begin."""

import pytest

from trivet.core.paxos.operation import UNCHANGED, Change, Operation, Outcome


def function(value: bytes | None, version: int) -> Change:
    return UNCHANGED


def test_it_begins_pending() -> None:
    operation = Operation(1, b"k", function, False, 7, 2, 5, True, 3)
    assert operation.outcome is Outcome.PENDING
    assert operation.sole
    assert not operation.exposed
    assert (operation.origin, operation.seq, operation.since, operation.settled) == (7, 2, 5, 3)


def test_what_changes_something_has_an_origin() -> None:
    with pytest.raises(AssertionError):
        Operation(1, b"k", function)
    assert Operation(1, b"k", function, True).origin == 0
