"""Publish/subscribe with redis-py over three real nodes, as its users write it."""

import asyncio

import pytest
import redis
import redis.asyncio

from tests.cluster.harness import HOST, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


def heard_by(pubsub, count):
    """The next ``count`` messages, confirmations left out."""
    found = []

    def enough():
        while len(found) < count and (message := pubsub.get_message(timeout=0.1)) is not None:
            if not message["type"].endswith("subscribe"):
                found.append((message["type"], message["channel"], message["data"]))
        return len(found) >= count

    wait_until(enough, f"{count} messages")
    return found


def confirmed(pubsub, count):
    """Wait until so many subscriptions are answered: other nodes count a listener before it hears (Rule H7)."""
    seen = []

    def enough():
        message = pubsub.get_message(timeout=0.1)
        if message is not None:
            assert message["type"].endswith("subscribe"), message
            seen.append(message)
        return len(seen) == count

    wait_until(enough, f"{count} subscriptions")


@pytest.fixture(params=[2, 3])
def nodes(cluster, request):
    made = [redis.Redis(host=HOST, port=port, protocol=request.param) for port in cluster.ports]
    yield made
    for one in made:
        one.close()


def test_subscribers_on_all_nodes_hear_what_any_node_publishes(nodes):
    listeners = [node.pubsub() for node in nodes]
    for listener in listeners:
        listener.subscribe("news")
        listener.psubscribe("n?ws")
        confirmed(listener, 2)
    wait_until(lambda: nodes[0].pubsub_numsub("news") == [(b"news", 3)], "interest")
    for number, node in enumerate(nodes):
        wait_until(lambda node=node: node.pubsub_numpat() == 1, "interest")
        wait_until(lambda node=node: node.pubsub_numsub("news") == [(b"news", 3)], "interest")
        assert node.publish("news", str(number)) == 6
    for listener in listeners:
        heard = heard_by(listener, 6)
        assert sorted(heard) == sorted(
            (kind, b"news", str(number).encode()) for kind in ("message", "pmessage") for number in range(3)
        )
        listener.unsubscribe()
        listener.punsubscribe()
        listener.close()
    wait_until(lambda: nodes[2].pubsub_channels() == [], "nobody listens")


def test_many_messages_of_one_publisher_come_once_and_in_order(nodes):
    listener = nodes[2].pubsub()
    listener.subscribe("many")
    confirmed(listener, 1)
    wait_until(lambda: nodes[0].pubsub_numsub("many") == [(b"many", 1)], "interest")
    pipeline = nodes[0].pipeline(transaction=False)
    for number in range(5000):
        pipeline.publish("many", number)
    assert pipeline.execute() == [1] * 5000
    assert [int(data) for _, _, data in heard_by(listener, 5000)] == list(range(5000))
    listener.close()


def test_transactions_publish_and_keys_tell_of_themselves(nodes):
    nodes[0].config_set("notify-keyspace-events", "KEA")
    listener = nodes[1].pubsub()
    listener.psubscribe("__keyevent@0__:*", "tx")
    confirmed(listener, 2)
    wait_until(lambda: nodes[0].pubsub_numpat() == 2, "interest")
    with nodes[2].pipeline(transaction=True) as transaction:
        transaction.set("k", 1)
        transaction.publish("tx", "in")
        transaction.delete("k")
        assert transaction.execute() == [True, 0, 1]
    wait_until(
        lambda: nodes[1].config_get("notify-keyspace-events") == {"notify-keyspace-events": "AKE"}, "set"
    )
    heard = heard_by(listener, 3)
    assert sorted(heard) == [
        ("pmessage", b"__keyevent@0__:del", b"k"),
        ("pmessage", b"__keyevent@0__:set", b"k"),
        ("pmessage", b"tx", b"in"),
    ]
    nodes[0].config_set("notify-keyspace-events", "")
    listener.close()


@pytest.mark.parametrize("protocol", [2, 3])
def test_asynchronous_clients(cluster, protocol):
    async def conversation():
        one = redis.asyncio.Redis(host=HOST, port=cluster.ports[0], protocol=protocol)
        other = redis.asyncio.Redis(host=HOST, port=cluster.ports[1], protocol=protocol)
        async with other.pubsub() as listener:
            await listener.subscribe("chat")
            while (answer := await listener.get_message(timeout=1.0)) is None:
                pass
            assert answer["type"] == "subscribe"
            while await one.publish("chat", "is anybody there") == 0:
                await asyncio.sleep(0.01)
            await one.publish("chat", "bye")
            heard = []
            async for message in listener.listen():
                if message["type"] == "message":
                    heard.append(message["data"])
                    if message["data"] == b"bye":
                        break
            assert heard == [b"is anybody there", b"bye"]
        await one.aclose()
        await other.aclose()

    asyncio.run(asyncio.wait_for(conversation(), 90))


def test_a_subscriber_that_does_not_read_is_cut_off_and_holds_nobody_up(cluster):
    """One that reads nothing, and one that does, of the same flood."""
    import socket

    publisher = redis.Redis(host=HOST, port=cluster.ports[0])
    deaf = socket.create_connection((HOST, cluster.ports[1]))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.sendall(b"SUBSCRIBE flood\r\n")
    listener = redis.Redis(host=HOST, port=cluster.ports[1]).pubsub()
    listener.subscribe("flood")
    confirmed(listener, 1)
    wait_until(lambda: publisher.pubsub_numsub("flood") == [(b"flood", 2)], "interest")
    text = b"x" * 1_000_000
    for _ in range(60):
        publisher.publish("flood", text)
        assert heard_by(listener, 1)[0][2] == text
    wait_until(lambda: publisher.pubsub_numsub("flood") == [(b"flood", 1)], "the deaf one is cut off")
    assert "was cut off" in cluster.node_log(2)
    deaf.close()
    listener.close()
    publisher.close()
