"""The words of the failure detector: bytes and back; what does not fit is refused."""

import msgspec
import pytest

from trivet.core.gossip.swim_messages import DEAD, RUMOURS_MAX, News, Ping, PingFor, Pong, Rumour, SwimMessage

DECODER = msgspec.msgpack.Decoder(SwimMessage)
encode = msgspec.msgpack.encode


def test_bytes_and_back() -> None:
    rumours = [Rumour(3, 7, DEAD)]
    for message in (
        Ping(1, 2, rumours), PingFor(1, 3, rumours), Pong(1, 3, 2, rumours), Ping(0, 0), News(2, rumours),
    ):  # fmt: skip
        assert DECODER.decode(encode(message)) == message


def test_what_does_not_fit_is_refused() -> None:
    for message in (
        Ping(-1, 0), Ping(0, 1 << 62), Ping(0, 0, [Rumour(1, 0, 3)]), Ping(0, 0, [Rumour(1, 0, 0)] * (RUMOURS_MAX + 1)),
    ):  # fmt: skip
        with pytest.raises(msgspec.ValidationError):
            DECODER.decode(encode(message))


def test_a_ping_is_small() -> None:
    assert len(encode(Ping(1 << 40, 1 << 20, [Rumour(5, 1 << 20, DEAD)] * 9))) < 200
