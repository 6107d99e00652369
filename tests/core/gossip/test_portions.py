"""Updates as messages of bounded size."""

from collections import deque

from tests.core.gossip.test_retained import delta
from trivet.core.gossip.bundles import BUNDLE, bundles_of
from trivet.core.gossip.portions import portions_of, take_portion


def test_as_many_as_fit_and_a_larger_one_alone() -> None:
    deltas = [*[delta(7, number) for number in range(1, 6)], delta(7, 6, b"x" * 5_000), delta(7, 7)]
    bundles = [bundle for one in deltas for bundle in bundles_of([one])]
    messages = portions_of(bundles, 2 * bundles[0].bytes)
    assert [len(message.deltas) for message in messages] == [2, 2, 1, 1, 1]
    assert [one for message in messages for one in message.deltas] == deltas
    assert not any(message.lost for message in messages)
    assert [bundle.count for bundle in bundles] == [1] * 7, "they stay as they are"
    assert portions_of([], 100) == []


def test_a_message_is_no_more_than_a_turn_takes_in_one_go() -> None:
    deltas = [delta(7, number) for number in range(1, BUNDLE + 2)]
    bundles = [bundle for one in deltas for bundle in bundles_of([one])]
    assert [len(message.deltas) for message in portions_of(bundles, 1 << 30)] == [BUNDLE, 1]


def test_what_is_taken_for_now_is_at_least_one() -> None:
    made = [delta(7, 1, b"x" * 5_000), delta(7, 2), delta(7, 3)]
    waiting = deque([bundle for one in made for bundle in bundles_of([one])])
    assert [one.deltas() for one in take_portion(waiting, 100)] == [made[:1]]
    assert [one.deltas() for one in take_portion(waiting, 10_000)] == [made[1:2], made[2:]]
    assert take_portion(waiting, 100) == []
