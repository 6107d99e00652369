"""Updates as messages of bounded size."""

from collections import deque

from tests.core.gossip.test_retained import delta
from trivet.core.gossip.portions import portions_of, take_portion
from trivet.core.gossip.retained import size_of


def test_as_many_as_fit_and_a_larger_one_alone() -> None:
    small, large = [delta(7, number) for number in range(1, 6)], delta(7, 6, b"x" * 5_000)
    room = 2 * size_of(small[0])
    messages = portions_of([*small, large, small[0]], room)
    assert [len(message.deltas) for message in messages] == [2, 2, 1, 1, 1]
    assert [one for message in messages for one in message.deltas] == [*small, large, small[0]]
    assert not any(message.lost for message in messages)
    assert portions_of([], room) == []


def test_what_is_taken_for_now_is_at_least_one() -> None:
    waiting = deque([delta(7, 1, b"x" * 5_000), delta(7, 2), delta(7, 3)])
    assert [one.number for one in take_portion(waiting, 100)] == [1]
    assert [one.number for one in take_portion(waiting, 10_000)] == [2, 3]
    assert take_portion(waiting, 100) == []
