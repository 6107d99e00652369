"""Ballots: their order, and what gets past the decoder."""

import msgspec
import pytest

from trivet.core.paxos.ballot import NOTHING, NUMBER_MAX, WireBallot, after_all_of


def test_the_counter_comes_first() -> None:
    assert NOTHING < (1, 1) < (1, 2) < after_all_of(1) < (2, 1)
    assert after_all_of(1) == (1, NUMBER_MAX)


@pytest.mark.parametrize("body", [[-1, 0], [0, 1 << 63], [1], [1, 2, 3], ["1", 2], None])
def test_nonsense_is_refused(body: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(body), type=WireBallot)
