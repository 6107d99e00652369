"""Deadlines of the registers held here."""

from trivet.core.group.register_keys import place_key
from trivet.core.group.register_sweeper import AGAIN_MS, SWEPT_MAX, Sweeper
from trivet.core.paxos.content import Sealed, seal
from trivet.core.paxos.preference import preferred
from trivet.core.values.codec import encode_value
from trivet.core.values.deadlines import NEVER
from trivet.core.wire.reply import Error

ALIVE = [1, 2, 3]


class Errands:
    """Stands for those of a group."""

    def __init__(self) -> None:
        self.parts: list = []

    def add(self, part, now_ms: int) -> None:
        self.parts.append(part)


def sweeper() -> tuple[Sweeper, Errands]:
    errands = Errands()
    return Sweeper(errands), errands


def value(deadline_ms: int) -> Sealed:
    return seal(b"", 1, encode_value(b"v", deadline_ms), (), 0)


MINE = [place for n in range(60) if preferred(place := place_key(7, b"k%d" % n), ALIVE) == 1]
THEIRS = next(place for n in range(60) if preferred(place := place_key(7, b"k%d" % n), ALIVE) == 2)


def test_what_is_late_goes_by_a_task_without_calls():
    sweeping, errands = sweeper()
    assert sweeping.next_deadline_ms == NEVER
    sweeping.holds(MINE[0], value(500))
    sweeping.holds(MINE[1], value(300))
    sweeping.holds(MINE[2], value(-1))
    assert sweeping.next_deadline_ms == 300 and len(sweeping) == 2
    sweeping.turn(1, ALIVE, 5, 299)
    assert not errands.parts
    assert not sweeping.is_late(MINE[1], 299) and sweeping.is_late(MINE[1], 300)
    sweeping.turn(1, ALIVE, 5, 300)
    (part,) = errands.parts
    assert (part.task.db, part.task.calls, part.task.reads_only, part.staged_ms) == (7, [], False, 5)
    assert place_key(7, part.task.key) == MINE[1]
    assert sweeping.is_late(MINE[1], 300) and sweeping.next_deadline_ms == 500
    part.done([], 9, False)
    sweeping.holds(MINE[1], None)
    assert not sweeping.is_late(MINE[1], 400) and not sweeping.under_way and len(sweeping) == 1


def test_what_is_not_late_in_truth_is_let_go():
    """S2: the value that counts is another one than is held here."""
    sweeping, errands = sweeper()
    sweeping.holds(MINE[0], value(300))
    sweeping.turn(1, ALIVE, 0, 300)
    (part,) = errands.parts
    part.done([], 9, True)
    assert len(sweeping) == 0 and sweeping.next_deadline_ms == NEVER and not sweeping.under_way


def test_what_others_are_to_remove_is_looked_at_again():
    """S1."""
    sweeping, errands = sweeper()
    sweeping.holds(THEIRS, value(300))
    sweeping.turn(1, ALIVE, 0, 300)
    assert not errands.parts and sweeping.next_deadline_ms == 300 + AGAIN_MS
    sweeping.turn(1, [1], 0, 300 + AGAIN_MS)
    assert len(errands.parts) == 1, "node 2 has died meanwhile"
    errands.parts[0].failed(Error("CLUSTERDOWN no"))
    sweeping.turn(1, [1], 0, 300 + 2 * AGAIN_MS)
    assert len(errands.parts) == 2


def test_a_removal_under_way_is_not_begun_twice():
    sweeping, errands = sweeper()
    sweeping.holds(MINE[0], value(300))
    for n in range(3):
        sweeping.turn(1, ALIVE, 0, 300 + n * AGAIN_MS)
    assert len(errands.parts) == 1


def test_another_value_has_another_deadline_or_none():
    sweeping, errands = sweeper()
    sweeping.holds(MINE[0], value(300))
    sweeping.turn(1, ALIVE, 0, 300)
    sweeping.holds(MINE[0], value(900))
    assert not sweeping.is_late(MINE[0], 899) and sweeping.next_deadline_ms == 900
    sweeping.holds(MINE[0], value(-1))
    assert sweeping.next_deadline_ms == NEVER and len(errands.parts) == 1
    sweeping.holds(MINE[0], seal(b"", 1, b"", (), 0))
    sweeping.holds(MINE[1], value(300))
    sweeping.clear()
    assert sweeping.next_deadline_ms == NEVER and not len(sweeping)


def test_so_many_at_a_time():
    sweeping, errands = sweeper()
    places = [place for n in range(900) if preferred(place := place_key(7, b"%d" % n), ALIVE) == 1]
    for place in places[: SWEPT_MAX + 10]:
        sweeping.holds(place, value(300))
    sweeping.turn(1, ALIVE, 0, 300)
    assert len(errands.parts) == SWEPT_MAX and sweeping.next_deadline_ms == 300
    errands.parts[0].done([], 1, False)
    sweeping.turn(1, ALIVE, 0, 300)
    assert len(errands.parts) == SWEPT_MAX + 1
    for part in errands.parts[1:]:
        part.done([], 1, False)
    sweeping.turn(1, ALIVE, 0, 300)
    assert len(errands.parts) == SWEPT_MAX + 10 and sweeping.next_deadline_ms == 300 + AGAIN_MS
