"""Updates that have come, until they are taken."""

from msgspec import Raw

from tests.core.gossip.test_retained import delta
from tests.core.gossip.world import Holder
from trivet.core.gossip.bundles import Bundle
from trivet.core.gossip.incoming import CAME_BYTES_MAX, CAME_MAX, TAKE_MAX, Incoming
from trivet.core.lattice.delta import FIELD, Change, Delta, encode_deltas
from trivet.core.lattice.hlc import Hlc
from trivet.core.lattice.lattice import Lattice

WALL_MS = 1_000_000
ACTORS_MAX = 10


def incoming(bytes_max: int = 1 << 30) -> tuple[Incoming, Lattice]:
    lattice = Lattice()
    return Incoming(Holder(lattice, Hlc()), bytes_max, ACTORS_MAX), lattice


def put(live: Incoming, *deltas: Delta) -> None:
    """Each in a message of its own."""
    for one in deltas:
        assert live.put(Raw(encode_deltas([one])))


def all_of(taken: list[Bundle]) -> list[Delta]:
    return [one for bundle in taken for one in bundle.deltas()]


def test_a_turn_takes_so_many_and_the_rest_is_for_the_next() -> None:
    live, lattice = incoming()
    for number in range(1, TAKE_MAX + 101):
        put(live, delta(7, number))
    taken: list[Bundle] = []
    live.take_at_once(taken, WALL_MS)
    assert len(taken) == TAKE_MAX and live.has_more
    live.take_at_once(taken, WALL_MS)
    assert [one.number for one in all_of(taken)] == list(range(1, TAKE_MAX + 101)) and not live.has_more
    assert lattice.clock.base(7) == TAKE_MAX + 100


def test_what_comes_early_or_twice() -> None:
    live, _ = incoming()
    put(live, *[delta(7, number) for number in (2, 1, 1, 3, 5, 2)])
    taken: list[Bundle] = []
    live.take_at_once(taken, WALL_MS)
    assert [one.number for one in all_of(taken)] == [1]
    live.take_waiting(taken, None, WALL_MS)
    assert [one.number for one in all_of(taken)] == [1, 2, 3]
    assert len(live.waiting) == 1, "5 waits for 4"
    put(live, delta(7, 4))
    live.take_at_once(taken, WALL_MS)
    live.take_waiting(taken, None, WALL_MS)
    assert [one.number for one in all_of(taken)] == [1, 2, 3, 4, 5]
    assert len(live.waiting) == 0, "nothing stays behind"


def other_key(number: int) -> Delta:
    return Delta(7, number, 1, b"k%d" % number, delta(7, number).changes)


def test_of_too_many_that_come_the_last_are_dropped() -> None:
    live, lattice = incoming()
    pieces = [[other_key(first + n) for n in range(1, 1_001)] for first in range(0, CAME_MAX + 5_000, 1_000)]
    for piece in pieces:
        live.put(Raw(encode_deltas(piece)))
    live.put(Raw(encode_deltas([delta(8, 1, b"x" * CAME_BYTES_MAX)])))
    taken: list[Bundle] = []
    while live.has_more:
        live.take_at_once(taken, WALL_MS)
    assert lattice.clock.base(7) == CAME_MAX + 1_000 and lattice.clock.base(8) == 0
    for piece in ([delta(8, 1, b"x" * CAME_BYTES_MAX)], [delta(8, 2)], pieces[-1]):
        live.put(Raw(encode_deltas(piece)))
    live.take_at_once(taken, WALL_MS)
    live.take_at_once(taken, WALL_MS)
    assert lattice.clock.base(8) == 1, "what came behind it was dropped"
    assert not live.has_more and len(live.waiting) == 0


def test_what_is_too_far_ahead_is_refused_once_and_keeps_out_what_follows() -> None:
    live, _ = incoming()
    ahead = Delta(7, 1, (WALL_MS + 3_600_000) << 16, b"k", delta(7, 1).changes)
    put(live, ahead, delta(7, 2), delta(8, 1))
    taken: list[Bundle] = []
    for _ in range(3):
        live.take_at_once(taken, WALL_MS)
        live.take_waiting(taken, None, WALL_MS)
    assert [one.actor for one in all_of(taken)] == [8]
    assert live.refused == 1
    live.take_waiting(taken, None, WALL_MS + 3_600_000)
    assert [(one.actor, one.number) for one in all_of(taken)[1:]] == [(7, 1), (7, 2)]


def test_bytes_that_come_are_kept_if_all_of_them_are_taken() -> None:
    live, _ = incoming()
    put(live, delta(7, 1))
    whole, partly = encode_deltas([delta(7, 2), delta(8, 1)]), encode_deltas([delta(7, 2), delta(7, 3)])
    live.put(Raw(whole))
    live.put(Raw(partly))
    taken: list[Bundle] = []
    live.take_at_once(taken, WALL_MS)
    assert [bundle.data for bundle in taken[1:]] == [whole, encode_deltas([delta(7, 3)])]


def test_nonsense_is_refused_and_nothing_else() -> None:
    live, lattice = incoming()
    live.own = 99
    empty = Delta(8, 1, 1, b"k", [])
    ill = Delta(8, 1, 1, b"k", [Change(FIELD, b"f", payload=b"1", added=(1, b"1"))])
    for data in (b"\x91\x07", encode_deltas([delta(7, 1), empty])):
        assert live.put(Raw(data))
    put(live, ill, *[delta(actor, 1) for actor in range(1, ACTORS_MAX + 5)])
    assert not live.put(Raw(b"\xa1x")) and not live.put(Raw(b"\x90"))
    taken: list[Bundle] = []
    live.take_at_once(taken, WALL_MS)
    assert [one.actor for one in all_of(taken)] == list(range(1, ACTORS_MAX + 1))
    assert live.refused == 3 + 4 and not live.has_own
    put(live, delta(1, 2), delta(99, 1))
    live._actors_max = 100
    live.take_at_once(taken, WALL_MS)
    assert lattice.clock.base(1) == 2 and lattice.clock.base(99) == 0 and live.has_own


def test_what_can_not_be_taken_now_is_set_aside() -> None:
    live, lattice = incoming()
    put(live, delta(7, 1), delta(7, 1), Delta(8, 1, 1, b"k", [Change(99, b"")]))
    live.set_aside()
    assert len(live.waiting) == 1 and live.refused == 1 and not live.has_more
    taken: list[Bundle] = []
    live.take_waiting(taken, None, WALL_MS)
    assert all_of(taken) == [delta(7, 1)] and lattice.clock.base(7) == 1
