"""Two relays on two nodes of a real cluster of three."""

import asyncio
import logging

import pytest

from tests.client.conversation import Talker, play, relay_to, until
from tests.cluster.harness import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    one = Cluster(tmp_path_factory.mktemp("relay"))
    one.wait_whole()
    yield one
    assert one.stop() == 0


async def introduce(relays):
    """Until each relay's lines reach the others: nodes tell each other who listens."""
    talkers = [await Talker.join(relay) for relay in relays]
    for number, talker in enumerate(talkers):
        waiting = [other for other in talkers if other is not talker]
        while waiting:
            talker.say(b"hello %d\n" % number)
            for other in list(waiting):
                try:
                    while (await asyncio.wait_for(other.hear(), 0.2)) != b"hello %d\n" % number:
                        pass
                    waiting.remove(other)
                except TimeoutError:
                    pass
    for talker in talkers:
        await talker.leave()
    await until(lambda: not any(relay.clients for relay in relays), "all have left")


def test_lines_reach_everybody_on_both_relays_once_and_in_order(cluster):
    async def conversation():
        relays = [relay_to(cluster.port(1)), relay_to(cluster.port(2))]
        for relay in relays:
            await relay.start()
            await relay.wait_connected()
        await introduce(relays)
        talkers = [await Talker.join(relay) for relay in relays for _ in range(3)]
        for number, talker in enumerate(talkers):
            talker.say(b"".join(b"%d:%d\n" % (number, at) for at in range(500)))
        for number, talker in enumerate(talkers):
            heard = [await talker.hear() for _ in range(500 * 5)]
            for other in range(len(talkers)):
                lines = [line for line in heard if line.startswith(b"%d:" % other)]
                wanted = [] if other == number else [b"%d:%d\n" % (other, at) for at in range(500)]
                assert lines == wanted, (number, other)
        for relay in relays:
            await relay.close()

    play(conversation())


def test_channels_are_apart(cluster):
    async def conversation():
        one, other = relay_to(cluster.port(1), channel=b"one"), relay_to(cluster.port(1), channel=b"other")
        same = relay_to(cluster.port(3), channel=b"one")
        for relay in (one, other, same):
            await relay.start()
            await relay.wait_connected()
        await introduce([one, same])
        a, b, c = [await Talker.join(relay) for relay in (one, other, same)]
        a.say(b"for one\n")
        assert await c.hear() == b"for one\n"
        c.say(b"end\n")
        b_hears = asyncio.ensure_future(b.hear())
        assert await a.hear() == b"end\n"
        assert not b_hears.done()
        b_hears.cancel()
        for relay in (one, other, same):
            await relay.close()

    play(conversation())


def test_a_relay_goes_on_when_its_node_is_killed(cluster, caplog):
    async def conversation():
        killed = relay_to(cluster.port(3), cluster.port(1))
        other = relay_to(cluster.port(2))
        for relay in (killed, other):
            await relay.start()
            await relay.wait_connected()
        await introduce([killed, other])
        a, b = await Talker.join(killed), await Talker.join(other)
        cluster.kill(3)
        for number in range(200):
            a.say(b"%d\n" % number)
            await asyncio.sleep(0)
        assert [await b.hear() for _ in range(200)] == [b"%d\n" % number for number in range(200)]
        assert "Connected to node: 127.0.0.1:%d" % cluster.port(1) in caplog.text
        for relay in (killed, other):
            await relay.close()

    caplog.set_level(logging.INFO, "trivet.relay")
    play(conversation())
    cluster.wait_whole()
