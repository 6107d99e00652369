"""Ballots: their order, and what gets past the decoder."""

import msgspec
import pytest

from trivet.core.paxos.ballot import (
    INCARNATION_MAX,
    NODE_MAX,
    NOTHING,
    NUMBER_MAX,
    WireBallot,
    after_all_of,
    incarnation_of,
    node_of,
    proposer_of,
)


def test_the_counter_comes_first() -> None:
    assert NOTHING < (1, 1) < (1, 2) < after_all_of(1) < (2, 1)
    assert after_all_of(1) == (1, NUMBER_MAX)


def test_no_two_lives_of_any_nodes_have_one_number() -> None:
    today_ms = 1_790_000_000_000
    lives = [
        (node, life) for node in (1, 2, 3, NODE_MAX) for life in (1, today_ms, today_ms + 1, INCARNATION_MAX)
    ]
    numbers = [proposer_of(node, life) for node, life in lives]
    assert len(set(numbers)) == len(lives)
    assert [(node_of(number), incarnation_of(number)) for number in numbers] == lives
    assert max(numbers) <= NUMBER_MAX
    for node, life in ((0, 1), (NODE_MAX + 1, 1), (1, INCARNATION_MAX + 1), (1, -1)):
        with pytest.raises(AssertionError):
            proposer_of(node, life)


@pytest.mark.parametrize("body", [[-1, 0], [0, 1 << 63], [1], [1, 2, 3], ["1", 2], None])
def test_nonsense_is_refused(body: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(body), type=WireBallot)
