"""Who listens here: the subscriptions of this node's clients.

A name (channel, pattern, sharded channel) has its receivers in the order in which they
subscribed; a client has its names in the same order. Each change is noted, for the peers.
"""

from typing import Final, Protocol

from trivet.core.base.ids import ConnectionId
from trivet.core.pubsub.messages import Kind
from trivet.core.values.glob import Glob
from trivet.core.wire.encode import encode
from trivet.core.wire.reply import Push

_SUBSCRIPTION_COST_BYTES: Final = 100
_PATTERN_COST_BYTES: Final = 500
_PATTERN_COST_FACTOR: Final = 16
"""A compiled pattern holds a table per byte."""

Names = tuple[dict[bytes, None], dict[bytes, None], dict[bytes, None]]
"""By kind, in order."""


def cost_bytes(kind: Kind, name: bytes) -> int:
    """About what one subscription to ``name`` takes in memory, here or at a peer."""
    if kind is Kind.PATTERN:
        return _PATTERN_COST_BYTES + _PATTERN_COST_FACTOR * len(name)
    return _SUBSCRIPTION_COST_BYTES + len(name)


class Receiver(Protocol):
    """A client's connection, as far as messages need it."""

    protocol: int

    def push(self, data: bytes) -> None:
        """Bytes that the client has not asked for; they never overtake the answer to a ``SUBSCRIBE``."""
        ...


class Subscriber:
    """One client and all that it listens to."""

    __slots__ = ("conn", "names", "receiver")

    def __init__(self, conn: ConnectionId, receiver: Receiver) -> None:
        self.conn = conn
        self.receiver = receiver
        self.names: Names = ({}, {}, {})

    def count(self, kind: Kind) -> int:
        """What Redis counts along with a name of ``kind``: channels and patterns together, shards alone."""
        if kind is Kind.SHARD:
            return len(self.names[kind])
        return len(self.names[Kind.CHANNEL]) + len(self.names[Kind.PATTERN])

    def total(self) -> int:
        """All subscriptions."""
        return sum(map(len, self.names))


class Delivery:
    """The bytes of one message by protocol version, made when first needed (Rule H4)."""

    __slots__ = ("_bytes", "_parts")

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts
        self._bytes: dict[int, bytes] = {}

    def to(self, receiver: Receiver) -> None:
        """Give it to one receiver."""
        data = self._bytes.get(receiver.protocol)
        if data is None:
            data = encode(Push(list(self._parts)), receiver.protocol)
            self._bytes[receiver.protocol] = data
        receiver.push(data)


class Subscriptions:
    """All of them."""

    def __init__(self) -> None:
        self.receivers: tuple[
            dict[bytes, dict[ConnectionId, Receiver]],
            dict[bytes, dict[ConnectionId, Receiver]],
            dict[bytes, dict[ConnectionId, Receiver]],
        ] = ({}, {}, {})
        """By kind, name and client."""
        self.globs: dict[bytes, Glob] = {}
        """The patterns, compiled."""
        self.changed: Names = ({}, {}, {})
        """Names whose number of clients has changed since somebody last looked, by kind."""
        self.has_changed = False
        """There are some."""
        self.changes = 0
        """How often somebody has looked."""
        self.born: dict[tuple[Kind, bytes], int] = {}
        """With which change a name came that had no clients, until ``forget_born``; older ones first."""
        self.count = 0
        self.cost_bytes = 0

    def clients(self, kind: Kind, name: bytes) -> int:
        """How many clients listen to ``name``."""
        return len(self.receivers[kind].get(name, ()))

    def add(self, subscriber: Subscriber, kind: Kind, name: bytes) -> bool:
        """Subscribe; False when it already was."""
        if name in subscriber.names[kind]:
            return False
        subscriber.names[kind][name] = None
        receivers = self.receivers[kind].get(name)
        if receivers is None:
            receivers = self.receivers[kind][name] = {}
            if kind is Kind.PATTERN:
                self.globs[name] = Glob(name)
        receivers[subscriber.conn] = subscriber.receiver
        self._changed(kind, name, 1)
        return True

    def remove(self, subscriber: Subscriber, kind: Kind, name: bytes) -> bool:
        """Unsubscribe; False when it was not subscribed."""
        if name not in subscriber.names[kind]:
            return False
        del subscriber.names[kind][name]
        receivers = self.receivers[kind][name]
        del receivers[subscriber.conn]
        if not receivers:
            del self.receivers[kind][name]
            if kind is Kind.PATTERN:
                del self.globs[name]
        self._changed(kind, name, -1)
        return True

    def remove_all(self, subscriber: Subscriber) -> None:
        """Unsubscribe from everything."""
        for kind in Kind:
            for name in list(subscriber.names[kind]):
                self.remove(subscriber, kind, name)

    def _changed(self, kind: Kind, name: bytes, by: int) -> None:
        self.changed[kind][name] = None
        self.has_changed = True
        self.count += by
        self.cost_bytes += by * cost_bytes(kind, name)
        clients = self.clients(kind, name)
        if not clients:
            self.born.pop((kind, name), None)
        elif clients == by:
            self.born[(kind, name)] = self.changes + 1

    def take_changed(self) -> list[tuple[Kind, bytes, int]]:
        """What has changed since the last time: (kind, name, clients now)."""
        changed, self.changed = self.changed, ({}, {}, {})
        self.has_changed = False
        self.changes += 1
        return [(kind, name, self.clients(kind, name)) for kind in Kind for name in changed[kind]]

    def forget_born(self, change: int) -> None:
        """Everybody has heard of the names that came up to ``change``."""
        while self.born:
            oldest = next(iter(self.born))
            if self.born[oldest] > change:
                return
            del self.born[oldest]

    def deliver(self, channel: bytes, message: bytes) -> int:
        """A message to its channel's and its patterns' receivers; how many (a client counts for each)."""
        reached = 0
        receivers = self.receivers[Kind.CHANNEL].get(channel)
        if receivers is not None:
            delivery = Delivery(b"message", channel, message)
            for receiver in receivers.values():
                delivery.to(receiver)
            reached = len(receivers)
        for pattern, glob in self.globs.items():
            if glob.matches(channel):
                matched = self.receivers[Kind.PATTERN][pattern]
                delivery = Delivery(b"pmessage", pattern, channel, message)
                for receiver in matched.values():
                    delivery.to(receiver)
                reached += len(matched)
        return reached

    def deliver_shard(self, channel: bytes, message: bytes) -> int:
        """A message to the receivers of a sharded channel; how many."""
        receivers = self.receivers[Kind.SHARD].get(channel)
        if receivers is None:
            return 0
        delivery = Delivery(b"smessage", channel, message)
        for receiver in receivers.values():
            delivery.to(receiver)
        return len(receivers)

    def check_invariants(self) -> None:
        """No name without receivers; the count is right."""
        assert all(receivers for by_name in self.receivers for receivers in by_name.values())
        assert self.globs.keys() == self.receivers[Kind.PATTERN].keys()
        assert self.count == sum(
            len(receivers) for by_name in self.receivers for receivers in by_name.values()
        )
        assert all(self.clients(kind, name) for kind, name in self.born)
        assert list(self.born.values()) == sorted(self.born.values())
