"""The line relay: real sockets, a node that the test holds in its hands."""

import asyncio
import logging

import pytest

from tests.client.conversation import Talker, play, relay_to, until
from tests.client.fake_node import FakeNode
from trivet.client.relay import Relay

FOREIGN = b"trivet-relay 0123456789abcdef %d\n%b"


class Stage:
    """A node, a relay, some talkers."""

    def __init__(self, talkers=2, **settings):
        self.count = talkers
        self.settings = settings
        self.node = FakeNode()
        self.relay: Relay

    async def __aenter__(self):
        await self.node.start()
        self.relay = relay_to(self.node.port, **self.settings)
        await self.relay.start()
        await self.relay.wait_connected()
        self.talkers = [await Talker.join(self.relay) for _ in range(self.count)]
        return self

    async def __aexit__(self, *error):
        await self.relay.close()
        await self.node.stop()


def test_a_line_reaches_the_others_and_not_its_speaker():
    async def conversation():
        async with Stage(3) as stage:
            a, b, c = stage.talkers
            a.say(b"hello\n")
            assert [await b.hear(), await c.hear()] == [b"hello\n"] * 2
            b.say(b"\xff\x00 any bytes\r\n\n")
            assert [await a.hear(), await a.hear()] == [b"\xff\x00 any bytes\n", b"\n"]
            assert await c.hear() == b"\xff\x00 any bytes\n"
            c.say(b"bye\n")
            assert [await a.hear(), await b.hear()] == [b"bye\n"] * 2
            await until(lambda: len(stage.node.published) == 3, "published")
            assert [message.split(b" ")[2] for message in stage.node.published] == [
                b"1\nhello\n",
                b"2\n\xff\x00",
                b"3\nbye\n",
            ]

    play(conversation())


def test_parts_of_a_line_wait_for_its_end():
    async def conversation():
        async with Stage() as stage:
            a, b = stage.talkers
            a.say(b"one ")
            b.say(b"in between\n")
            assert await a.hear() == b"in between\n"
            a.say(b"line\nand the rest")
            assert await b.hear() == b"one line\n"
            await a.leave()
            assert await b.hear() == b"and the rest\n", "what is left at the end is a line"

    play(conversation())


def test_lines_of_other_relays_arrive_once_and_in_order():
    """K1."""

    async def conversation():
        async with Stage(1) as stage:
            (a,) = stage.talkers
            for number, text in ((1, b"one\n"), (2, b"two\nthree\n"), (2, b"two\nthree\n"), (1, b"one\n")):
                stage.node.say(FOREIGN % (number, text))
            stage.node.say(FOREIGN % (4, b"four\n"))
            stage.node.say(FOREIGN.replace(b"f %d", b"e %d") % (1, b"another relay\n"))
            assert [await a.hear() for _ in range(5)] == [
                b"one\n", b"two\n", b"three\n", b"four\n", b"another relay\n",
            ]  # fmt: skip
            stage.node.say(b"not of a\r\nrelay")
            assert await a.hear() == b"not of a  relay\n"

    play(conversation())


def test_a_line_that_is_too_long_is_told_of_and_left_out():
    async def conversation():
        async with Stage(line_bytes_max=10) as stage:
            a, b = stage.talkers
            a.say(b"0123456789\n0123456789a\n" + b"x" * 5000)
            error = b"error: a line has at most 10 bytes, this one was not sent\n"
            assert [await a.hear(), await a.hear()] == [error, error]
            a.say(b"x" * 5000 + b"\nshort\n")
            assert [await b.hear(), await b.hear()] == [b"0123456789\n", b"short\n"]

    play(conversation())


def test_joins_and_leaves_are_logged(caplog):
    async def conversation():
        with caplog.at_level(logging.INFO, "trivet.relay"):
            async with Stage(3, clients_max=3) as stage:
                a, b, c = stage.talkers
                names = [talker.address for talker in stage.talkers]
                a.reset()
                await until(lambda: len(stage.relay.clients) == 2, "a is gone")
                c.say(b"still here\n")
                assert await b.hear() == b"still here\n"
                await b.leave()
                await until(lambda: len(stage.relay.clients) == 1, "b is gone")
        said = [record.getMessage() for record in caplog.records]
        for name in names:
            assert f"New connection from: {name}" in said
        assert [line for line in said if "closed by peer" in line] == [
            f"Connection closed by peer: {name}" for name in names[:2]
        ]
        assert f"Connection cut off, the relay ends: {names[2]}" in said

    play(conversation())


def test_one_client_too_many_is_told_so(caplog):
    async def conversation():
        async with Stage(1, clients_max=1) as stage:
            reader, writer = await asyncio.open_connection("127.0.0.1", stage.relay.port)
            writer.write(b"hello\n")
            assert await reader.read() == b"error: this relay is full\n"
            writer.close()
            assert len(stage.relay.clients) == 1

    play(conversation())


def test_who_does_not_read_is_cut_off_and_nobody_waits(caplog):
    """K4."""

    async def conversation():
        async with Stage(client_output_bytes_max=200_000) as stage:
            a, b = stage.talkers
            deaf = await Talker.join(stage.relay, receive_buffer_bytes=4096)
            name = deaf.address
            deaf.reader._transport.pause_reading()
            line = b"x" * 50_000 + b"\n"
            for _ in range(400):
                a.say(line)
                assert await b.hear() == line
                if len(stage.relay.clients) == 2:
                    break
            await until(lambda: len(stage.relay.clients) == 2, "cut off")
            assert any(
                "Connection cut off, it left" in record.getMessage() and name in record.getMessage()
                for record in caplog.records
            )
            deaf.writer.transport.abort()

    caplog.set_level(logging.INFO, "trivet.relay")
    play(conversation())


def test_who_floods_is_slowed_down_and_others_are_heard():
    """K3."""

    async def conversation():
        async with Stage(3, client_burst_bytes=20_000, client_bytes_per_s=600_000) as stage:
            a, b, c = stage.talkers
            loop = asyncio.get_running_loop()
            begun_s = loop.time()
            a.say((b"x" * 99 + b"\n") * 9000)
            c.say(b"me too\n")
            heard = [await b.hear() for _ in range(9001)]
            assert b"me too\n" in heard[:8000], "it does not stand behind the flood"
            assert heard.count(b"x" * 99 + b"\n") == 9000, "and nothing is lost"
            assert loop.time() - begun_s >= 0.4

    play(conversation())


def test_lines_wait_for_a_node_and_their_speaker_with_them():
    """K1, K3: what is not answered is published again, with its number."""

    async def conversation():
        async with Stage(client_unpublished_bytes_max=10_000) as stage:
            a, b = stage.talkers
            stage.node.deaf = True
            a.say(b"one\n")
            assert await b.hear() == b"one\n", "clients here hear at once (K2)"
            await until(lambda: len(stage.node.published) == 1, "left")
            await stage.node.stop()
            await until(lambda: not stage.relay._connected.is_set(), "lost")
            a.say((b"y" * 999 + b"\n") * 3000)
            await until(lambda: next(iter(stage.relay.clients)).unpublished_bytes > 10_000, "full")
            held = next(iter(stage.relay.clients)).unpublished_bytes
            assert held < 700_000, "it is not read from"
            stage.node.deaf = False
            await stage.node.start()
            await stage.relay.wait_connected()
            assert [await b.hear() for _ in range(3000)] == [b"y" * 999 + b"\n"] * 3000
            await until(lambda: next(iter(stage.relay.clients)).unpublished_bytes == 0, "published")
            first, again = stage.node.published[:2]
            assert first == again
            assert (
                b"".join(message.partition(b"\n")[2] for message in stage.node.published[2:])
                == (b"y" * 999 + b"\n") * 3000
            )

    play(conversation())


def test_the_next_node_is_tried(caplog):
    async def conversation():
        first, second = FakeNode(), FakeNode()
        await first.start()
        await second.start()
        relay = relay_to(first.port, second.port)
        await relay.start()
        await relay.wait_connected()
        a, b = await Talker.join(relay), await Talker.join(relay)
        await first.stop()
        await until(lambda: second.calls, "the second is called")
        await relay.wait_connected()
        a.say(b"hello\n")
        assert await b.hear() == b"hello\n"
        await until(lambda: second.published, "published there")
        said = [record.getMessage() for record in caplog.records]
        assert f"Connected to node: 127.0.0.1:{first.port}" in said
        assert any(line.startswith(f"Node 127.0.0.1:{first.port} is lost (") for line in said)
        assert f"Connected to node: 127.0.0.1:{second.port}" in said
        await relay.close()
        await second.stop()

    caplog.set_level(logging.INFO, "trivet.relay")
    play(conversation())


@pytest.mark.parametrize("refused", [b"HELLO", b"CLIENT", b"SUBSCRIBE", b"PING"])
def test_a_node_that_refuses_is_left_for_a_while(caplog, refused):
    async def conversation():
        node = FakeNode()
        node.refuses[refused] = b"NOAUTH Authentication required."
        await node.start()
        relay = relay_to(node.port)
        await relay.start()
        await until(lambda: "next try" in caplog.text, "told")
        assert "is not there (NOAUTH Authentication required.)" in caplog.text
        node.refuses.clear()
        await relay.wait_connected()
        await relay.close()
        await node.stop()

    caplog.set_level(logging.INFO, "trivet.relay")
    play(conversation())


def test_a_refused_line_is_told_of_and_the_next_one_goes(caplog):
    async def conversation():
        async with Stage() as stage:
            a, b = stage.talkers
            stage.node.refuses[b"PUBLISH"] = b"OOM no room"
            a.say(b"one\n")
            assert await b.hear() == b"one\n"
            await until(lambda: "OOM no room" in caplog.text, "told")
            assert next(iter(stage.relay.clients)).unpublished_bytes == 0

    play(conversation())


def test_a_silent_node_counts_as_lost(caplog, monkeypatch):
    monkeypatch.setattr("trivet.client.node_link.PING_S", 0.05)
    monkeypatch.setattr("trivet.client.node_link.SILENT_MAX_S", 0.3)

    async def conversation():
        async with Stage(0) as stage:
            await until(lambda: [b"PING"] in stage.node.calls[3:], "it is asked")
            stage.node.deaf = True
            await until(lambda: "is lost (no answer in time)" in caplog.text, "lost")

    caplog.set_level(logging.INFO, "trivet.relay")
    play(conversation())


def test_a_port_that_is_taken(tmp_path):
    async def conversation():
        async with Stage(0) as stage:
            other = relay_to(stage.node.port, port=stage.relay.port)
            with pytest.raises(OSError, match="address already in use"):
                await other.start()

    play(conversation())
