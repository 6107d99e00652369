"""What others have seen: stable, told, acknowledged, kept alone."""

from trivet.core.gossip.knowledge import Peer, alone_of, holders_of, stable_of, told_of
from trivet.core.lattice.clock import Clock


def clock(**bases: int) -> Clock:
    made = Clock()
    for actor, base in bases.items():
        made.add_range(ord(actor), 1, base)
    return made


def peer(seen: Clock | None) -> Peer:
    made = Peer()
    made.clock = seen
    return made


OWN = clock(a=5, b=2)


def test_stable_is_what_all_have() -> None:
    assert stable_of(OWN, [peer(clock(a=3, b=9)), peer(clock(a=4, b=1, c=1))]) == clock(a=3, b=1)
    assert stable_of(OWN, []) == OWN


def test_nothing_is_stable_while_one_has_said_nothing() -> None:
    assert stable_of(OWN, [peer(clock(a=3, b=9)), peer(None)]) == Clock()


def test_told_is_what_anybody_has() -> None:
    assert told_of(OWN, [peer(clock(a=9)), peer(None), peer(clock(c=1))]) == clock(a=9, b=2, c=1)
    assert clock(a=5, b=2) == OWN


def test_acknowledged_by_those_who_have_all_up_to_it() -> None:
    peers = [peer(clock(a=3)), peer(clock(a=5)), peer(None), peer(clock(b=9))]
    assert [holders_of(ord("a"), number, dict(enumerate(peers))) for number in (3, 4, 6)] == [[0, 1], [1], []]


def test_kept_alone_is_what_nobody_else_has() -> None:
    assert alone_of(OWN, [peer(clock(a=3)), peer(clock(b=1)), peer(None)]) == 3
    assert alone_of(OWN, []) == 7


def test_kept_is_what_fewer_have_than_asked_for() -> None:
    peers = [peer(clock(a=3, b=2)), peer(clock(a=5)), peer(None)]
    assert [alone_of(OWN, peers, count) for count in (1, 2, 3)] == [0, 2 + 2, 5 + 2]
    assert [alone_of(OWN, peers * 2, count) for count in (2, 3)] == [0, 2 + 2]
    assert alone_of(OWN, [], 2) == 7
