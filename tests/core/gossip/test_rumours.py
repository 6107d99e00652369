"""Rumours: one per node, the newest; so often and no more."""

from trivet.core.gossip.rumours import Rumours
from trivet.core.gossip.swim_messages import ALIVE, DEAD, SUSPECT, Rumour


def test_each_goes_out_so_often() -> None:
    rumours = Rumours()
    rumours.put(Rumour(2, 0, DEAD))
    assert [len(rumours.take(8, 3, 0)) for _ in range(5)] == [1, 1, 1, 0, 0]
    assert len(rumours) == 0


def test_news_first() -> None:
    rumours = Rumours()
    rumours.put(Rumour(2, 0, SUSPECT))
    rumours.take(1, 5, 0)
    rumours.put(Rumour(9, 0, DEAD))
    assert rumours.take(1, 5, 0) == [Rumour(9, 0, DEAD)]
    assert rumours.take(2, 5, 0) == [Rumour(2, 0, SUSPECT), Rumour(9, 0, DEAD)]


def test_newer_replaces_and_begins_anew() -> None:
    rumours = Rumours()
    rumours.put(Rumour(2, 0, SUSPECT))
    rumours.take(1, 2, 0)
    rumours.put(Rumour(2, 1, ALIVE))
    assert [rumours.take(8, 2, 0) for _ in range(3)] == [[Rumour(2, 1, ALIVE)], [Rumour(2, 1, ALIVE)], []]


def test_nobody_is_told_of_itself_here() -> None:
    rumours = Rumours()
    rumours.put(Rumour(2, 0, DEAD))
    assert rumours.take(8, 2, 2) == []
    assert rumours.take(0, 2, 0) == []
    rumours.drop(2)
    rumours.drop(3)
    assert len(rumours) == 0
