"""Messages between stewards: what may not come in."""

import msgspec
import pytest

from trivet.core.steward.messages import (
    GroupReport,
    LeadWish,
    MoveReport,
    NodeReport,
    PlanTold,
    StewardMessage,
)

decoder = msgspec.msgpack.Decoder(StewardMessage)


@pytest.mark.parametrize(
    "message",
    [
        NodeReport([GroupReport(3, 100, 7, 10, 1000, [1, 2], 8192), GroupReport(4, 5)]),
        NodeReport([GroupReport(4, 5)], [MoveReport(7, 100, 20)]),
        PlanTold(["nothing to do"]),
        PlanTold([], [MoveReport(7, 100, 20)]),
        LeadWish(3, 1),
    ],
)
def test_round_trip(message):
    assert decoder.decode(msgspec.msgpack.encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        NodeReport([GroupReport(3, -1)]),
        NodeReport([GroupReport(3, 1, -1)]),
        NodeReport([GroupReport(3, 1, 1, 0, 0, list(range(17)))]),
        NodeReport([GroupReport(3, 1, 1, 0, 0, [], 16384)]),
        NodeReport([GroupReport(3, 1)] * 10_001),
        PlanTold(["x"] * 201),
        PlanTold([], [MoveReport(7, -1, 0)]),
        NodeReport([], [MoveReport(7, 1, 0)] * 1_001),
        PlanTold(["x" * 1025]),
    ],
)
def test_limits(message):
    with pytest.raises(msgspec.ValidationError):
        decoder.decode(msgspec.msgpack.encode(message))
