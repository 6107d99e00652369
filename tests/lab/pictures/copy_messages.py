"""Messages of mode ``eventual``, and what pictures say of them."""

from trivet.core.gossip.messages import (
    NO_DELTAS,
    Compare,
    Differ,
    Keys,
    Seen,
    States,
    Updates,
    Want,
    updates_of,
)
from trivet.core.group.eventual_messages import AskClock, Carried, Carry, TellClock
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import STRING, Change, Delta


def clock(count: int) -> bytes:
    made = Clock()
    made.add_range(5, 1, count)
    return made.encode()


def delta(key: bytes) -> Delta:
    return Delta(5, 1, 7, key, [Change(STRING, b"", payload=b"\0v")])


SAID = [
    (updates_of([delta(b"cart"), delta(b"cart")]), "updates cart"),
    (updates_of([delta(b"a"), delta(b"b"), delta(b"c"), delta(b"d")]), "updates a b c …"),
    (Updates(NO_DELTAS, True), "updates (more is lost here)"),
    (Seen(clock(12), True, bytes(8), 0), "seen 12; and you?"),
    (Seen(b"\xc1", False, bytes(8), 0), "seen ?"),
    (Want([(5, 3, 7), (6, 1, 1)]), "send 6 that I lack"),
    (Compare(1, 0, []), "compare roots"),
    (Compare(1, 2, []), "sums of level 2"),
    (Differ(1, 4, [3, 4], clock(1)), "2 of level 4 differ"),
    (Keys(1, [(3, [])]), "keys of 1 leaves"),
    (States(1, 1, clock(1), [(b"k", b"")]), "states k"),
    (States(1, 2, clock(1), [], True), "that was all"),
    (Carry(1, 1, True, [(7, [b"GET", b"k"])]), "run for me"),
    (Carry(0, 1, True, []), "which life is yours?"),
    (Carried(1, 1), "replies"),
    (Carried(1, 1, refused=True), "not taken"),
    (AskClock(1, 1, 1), "what have you?"),
    (TellClock(1, 1, 1, clock(7)), "I have 7"),
]
