"""Who listens here; what they get, in which bytes."""

from trivet.core.pubsub.messages import Kind
from trivet.core.pubsub.subscriptions import Delivery, Subscriber, Subscriptions, cost_bytes


class Ear:
    """A receiver that keeps what it hears."""

    def __init__(self, protocol: int = 2) -> None:
        self.protocol = protocol
        self.heard: list[bytes] = []

    def push(self, data: bytes) -> None:
        self.heard.append(data)


def pair(conn: int, protocol: int = 2) -> tuple[Subscriber, Ear]:
    ear = Ear(protocol)
    return Subscriber(conn, ear), ear


def test_messages_go_to_those_who_listen():
    subscriptions = Subscriptions()
    one, ear = pair(1)
    other, other_ear = pair(2, 3)
    assert subscriptions.add(one, Kind.CHANNEL, b"x")
    assert not subscriptions.add(one, Kind.CHANNEL, b"x"), "already"
    assert subscriptions.add(other, Kind.CHANNEL, b"x")
    assert subscriptions.add(other, Kind.PATTERN, b"*")
    assert subscriptions.deliver(b"x", b"hi") == 3
    assert subscriptions.deliver(b"y", b"") == 1
    assert ear.heard == [b"*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n"]
    assert other_ear.heard == [
        b">3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n",
        b">4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nx\r\n$2\r\nhi\r\n",
        b">4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\ny\r\n$0\r\n\r\n",
    ]
    subscriptions.check_invariants()


def test_sharded_channels_are_apart():
    subscriptions = Subscriptions()
    one, ear = pair(1)
    subscriptions.add(one, Kind.PATTERN, b"*")
    assert subscriptions.deliver_shard(b"x", b"1") == 0
    subscriptions.add(one, Kind.SHARD, b"x")
    assert subscriptions.deliver_shard(b"x", b"1") == 1
    assert ear.heard == [b"*3\r\n$8\r\nsmessage\r\n$1\r\nx\r\n$1\r\n1\r\n"]
    assert (one.count(Kind.SHARD), one.count(Kind.PATTERN), one.total()) == (1, 1, 2)


def test_a_message_is_encoded_once_per_protocol():
    """H4."""
    ears = [Ear(2), Ear(3), Ear(2), Ear(3)]
    delivery = Delivery(b"message", b"x", b"y" * 5000)
    for ear in ears:
        delivery.to(ear)
    assert ears[0].heard[0] is ears[2].heard[0]
    assert ears[1].heard[0] is ears[3].heard[0]


def test_nothing_is_left_of_those_who_go():
    subscriptions = Subscriptions()
    one, _ = pair(1)
    other, _ = pair(2)
    for subscriber in (one, other):
        for kind in Kind:
            subscriptions.add(subscriber, kind, b"x")
    assert subscriptions.cost_bytes == 2 * sum(cost_bytes(kind, b"x") for kind in Kind)
    assert subscriptions.remove(one, Kind.CHANNEL, b"x")
    assert not subscriptions.remove(one, Kind.CHANNEL, b"x")
    subscriptions.remove_all(one)
    subscriptions.check_invariants()
    assert subscriptions.count == 3
    subscriptions.remove_all(other)
    subscriptions.check_invariants()
    assert (subscriptions.receivers, subscriptions.globs) == (({}, {}, {}), {})
    assert (subscriptions.count, subscriptions.cost_bytes) == (0, 0)
    assert subscriptions.changed == ({b"x": None}, {b"x": None}, {b"x": None})


def test_a_name_is_born_with_the_change_that_tells_of_it():
    subscriptions = Subscriptions()
    one, _ = pair(1)
    other, _ = pair(2)
    subscriptions.add(one, Kind.CHANNEL, b"x")
    assert subscriptions.take_changed() == [(Kind.CHANNEL, b"x", 1)]
    subscriptions.add(other, Kind.CHANNEL, b"x")
    subscriptions.add(other, Kind.CHANNEL, b"y")
    assert subscriptions.born == {(Kind.CHANNEL, b"x"): 1, (Kind.CHANNEL, b"y"): 2}
    subscriptions.remove_all(one)
    subscriptions.remove_all(other)
    assert subscriptions.born == {}
    subscriptions.take_changed()
    subscriptions.add(one, Kind.CHANNEL, b"y")
    subscriptions.take_changed()
    subscriptions.add(other, Kind.CHANNEL, b"x")
    assert subscriptions.born == {(Kind.CHANNEL, b"y"): 3, (Kind.CHANNEL, b"x"): 4}
    subscriptions.forget_born(3)
    assert subscriptions.born == {(Kind.CHANNEL, b"x"): 4}
    subscriptions.forget_born(4)
    assert subscriptions.born == {}
