"""Updates that have come, until they are taken."""

from tests.core.gossip.test_retained import delta
from tests.core.gossip.world import Holder
from trivet.core.gossip.incoming import CAME_MAX, TAKE_MAX, Incoming
from trivet.core.lattice.delta import Delta
from trivet.core.lattice.hlc import Hlc
from trivet.core.lattice.lattice import Lattice

WALL_MS = 1_000_000


def incoming(bytes_max: int = 1 << 30) -> tuple[Incoming, Lattice]:
    lattice = Lattice()
    return Incoming(Holder(lattice, Hlc()), bytes_max), lattice


def test_a_turn_takes_so_many_and_the_rest_is_for_the_next() -> None:
    live, lattice = incoming()
    for number in range(1, TAKE_MAX + 101):
        live.put(delta(7, number))
    taken: list[Delta] = []
    live.take_at_once(taken, WALL_MS)
    assert len(taken) == TAKE_MAX and live.has_more
    live.take_at_once(taken, WALL_MS)
    assert [one.number for one in taken] == list(range(1, TAKE_MAX + 101)) and not live.has_more
    assert lattice.clock.base(7) == TAKE_MAX + 100


def test_what_comes_early_or_twice() -> None:
    live, _ = incoming()
    for number in (2, 1, 1, 3, 5, 2):
        live.put(delta(7, number))
    taken: list[Delta] = []
    live.take_at_once(taken, WALL_MS)
    assert [one.number for one in taken] == [1]
    live.take_waiting(taken, None, WALL_MS)
    assert [one.number for one in taken] == [1, 2, 3]
    assert len(live.waiting) == 1, "5 waits for 4"
    live.put(delta(7, 4))
    live.take_at_once(taken, WALL_MS)
    live.take_waiting(taken, None, WALL_MS)
    assert [one.number for one in taken] == [1, 2, 3, 4, 5]
    assert len(live.waiting) == 0, "nothing stays behind"


def test_of_too_many_all_wait_where_room_is_bounded() -> None:
    live, _ = incoming(10_000)
    for number in range(CAME_MAX + 1 + TAKE_MAX):
        live.put(delta(7, number + 2))
    live.take_at_once([], WALL_MS)
    assert not live.has_more
    live.waiting.trim()
    assert live.waiting.bytes <= 10_000


def test_what_is_too_far_ahead_is_refused_once_and_keeps_out_what_follows() -> None:
    live, _ = incoming()
    ahead = Delta(7, 1, (WALL_MS + 3_600_000) << 16, b"k", delta(7, 1).changes)
    live.put(ahead)
    live.put(delta(7, 2))
    live.put(delta(8, 1))
    taken: list[Delta] = []
    for _ in range(3):
        live.take_at_once(taken, WALL_MS)
        live.take_waiting(taken, None, WALL_MS)
    assert [one.actor for one in taken] == [8]
    assert live.refused == 1
    live.take_waiting(taken, None, WALL_MS + 3_600_000)
    assert [(one.actor, one.number) for one in taken[1:]] == [(7, 1), (7, 2)]
