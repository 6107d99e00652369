"""What the tests of the card share: hand-made operations and squares, and troubles by name."""

import msgspec

from trivet.lab.cap.figures import Side
from trivet.lab.cap.play import Square
from trivet.lab.cap.troubles import TROUBLES
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.resp import OK

TROUBLE = {trouble.name: trouble for trouble in TROUBLES}
MS = 1000


def operation(words, reply=OK, at_ms=0.0, took_ms=1.0, outcome=Outcome.OK, final=False, number=0):
    """One command of one key."""
    command = tuple(words.encode().split())
    at_us = int(at_ms * MS)
    return Operation(
        number=number, client=1, conn=1, node=1, commands=(command,), keys=(command[1],), invoke_us=at_us,
        return_us=at_us + int(took_ms * MS) if outcome is not Outcome.INFO else FOREVER_US,
        outcome=outcome, replies=(reply,) if outcome is Outcome.OK else (), final=final,
    )  # fmt: skip


def side(name, **changes):
    """A side that was served all the time."""
    made = Side(name=name, clients=1, availability=1.0, pause_ms=40, refused=0, unsure=0, silent=0)
    return msgspec.structs.replace(made, **changes)


def square(trouble="cut", **changes):
    """A run in which nothing went wrong."""
    sides = [side(name) for name, _ in TROUBLE[trouble].sides([1, 2, 3, 4, 5])]
    made = Square(
        mode="raft", trouble=trouble, sides=sides, asked=100, answered=100, writes_acknowledged=50, writes_lost=0,
        reads=50, stale_reads=0, stale_ms_max=0.0, stale_versions_max=0, linearizable="yes", recover_ms=30,
        converge_ms=0, agree=True, read_p50=4.0, write_p50=6.0, p99=7.0, messages_per_op=8.0, bytes_per_op=300.0,
        syncs_per_op=3.0,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)
