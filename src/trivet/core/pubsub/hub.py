"""One node's part in publish/subscribe (rules H1 to H6).

Messages for peers gather here until the turn ends; the node then takes them with ``take_sends``.
"""

from typing import Final

from trivet.core.base.ids import ConnectionId, NodeId
from trivet.core.base.limits import Limits
from trivet.core.pubsub.interest import PeerInterest
from trivet.core.pubsub.messages import Interest, Kind, Published, PubSubMessage, TellEverything
from trivet.core.pubsub.subscriptions import Receiver, Subscriber, Subscriptions, cost_bytes
from trivet.core.values.glob import Glob
from trivet.core.wire.reply import Error

_FRAME_BYTES_MAX: Final = 1024 * 1024
"""Messages or names in one frame; a single larger message goes alone."""
_ITEM_COST_BYTES: Final = 16

_ASK_EVERY: Final = 64
"""Messages of a peer, after which what it did not tell is asked for again."""

_Item = tuple[bool, bytes, bytes]
_Names = list[tuple[bytes, int]]


class _Heard:
    """How far we have heard a peer (Rule H6)."""

    __slots__ = ("doubtful", "incarnation", "number")

    def __init__(self) -> None:
        self.incarnation = 0
        self.number = 0
        self.doubtful = 0
        """Messages since something was missing; 0: nothing is."""


class Hub:
    """Subscriptions here, interest of the peers, and what is on its way to them."""

    def __init__(self, limits: Limits, incarnation: int) -> None:
        self.local = Subscriptions()
        self.subscribers: dict[ConnectionId, Subscriber] = {}
        """Clients that listen to something."""
        self.peers: dict[NodeId, PeerInterest] = {}
        """What the peers have announced over links that are still up."""
        self._limits = limits
        self._incarnation = incarnation
        self._sent: dict[NodeId, int] = {}
        """How many messages each peer was sent in this life."""
        self._heard: dict[NodeId, _Heard] = {}
        self._doubts: dict[NodeId, None] = {}
        """Peers to ask for everything."""
        self._links: dict[NodeId, bool] = {}
        """Links on which we send; True: the peer has not been told of everything yet."""
        self._untold = False
        """There is such a peer."""
        self._staged: dict[NodeId, list[_Item]] = {}
        self.inbox: list[_Item] = []
        """Messages of peers, until this turn ends."""
        self.published = 0
        """Messages that clients here have published, ever."""

    # -- clients -------------------------------------------------------------------------------

    def refuse(self, conn: ConnectionId, kind: Kind, names: list[bytes]) -> Error | None:
        """Why the client may not subscribe to ``names``, or None (Rule H5)."""
        limits = self._limits
        longest = max(map(len, names))
        if longest > limits.channel_bytes_max:
            return Error(
                f"ERR a channel's name is longer than channel_bytes_max ({limits.channel_bytes_max})"
            )
        subscriber = self.subscribers.get(conn)
        held = 0 if subscriber is None else subscriber.total()
        if subscriber is not None:
            names = [name for name in names if name not in subscriber.names[kind]]
        if held + len(names) > limits.client_subscriptions_max:
            return Error(
                f"ERR more subscriptions than client_subscriptions_max ({limits.client_subscriptions_max})"
            )
        if self.local.count + len(names) > limits.subscriptions_max:
            return Error(f"ERR more subscriptions than subscriptions_max ({limits.subscriptions_max})")
        cost = self.local.cost_bytes + sum([cost_bytes(kind, name) for name in names])
        if cost > limits.subscriptions_bytes_max:
            return Error(
                "ERR the names of all subscriptions are larger than subscriptions_bytes_max "
                f"({limits.subscriptions_bytes_max})"
            )
        return None

    def subscribe(self, conn: ConnectionId, receiver: Receiver, kind: Kind, name: bytes) -> int:
        """Subscribe; what Redis counts along with the name afterwards."""
        subscriber = self.subscribers.get(conn)
        if subscriber is None:
            subscriber = self.subscribers[conn] = Subscriber(conn, receiver)
        self.local.add(subscriber, kind, name)
        return subscriber.count(kind)

    def unsubscribe(self, conn: ConnectionId, kind: Kind, name: bytes) -> int:
        """Unsubscribe, if it was; what Redis counts along with the name afterwards."""
        subscriber = self.subscribers.get(conn)
        if subscriber is None:
            return 0
        self.local.remove(subscriber, kind, name)
        if not subscriber.total():
            del self.subscribers[conn]
        return subscriber.count(kind)

    def names(self, conn: ConnectionId, kind: Kind) -> list[bytes]:
        """What the client listens to."""
        subscriber = self.subscribers.get(conn)
        return [] if subscriber is None else list(subscriber.names[kind])

    def count(self, conn: ConnectionId, kind: Kind) -> int:
        """What Redis counts along with a name of ``kind`` for this client."""
        subscriber = self.subscribers.get(conn)
        return 0 if subscriber is None else subscriber.count(kind)

    def forget(self, conn: ConnectionId) -> None:
        """The client is gone, or starts anew."""
        subscriber = self.subscribers.pop(conn, None)
        if subscriber is not None:
            self.local.remove_all(subscriber)

    def publish(self, shard: bool, channel: bytes, message: bytes) -> int:
        """A message of a client here, to all nodes; how many clients hear it, as far as known here."""
        self.published += 1
        reached = self.deliver(shard, channel, message)
        for peer, interest in self.peers.items():
            count = interest.shard_receivers(channel) if shard else interest.receivers(channel)
            if count and peer in self._links:
                reached += count
                self._staged.setdefault(peer, []).append((shard, channel, message))
        return reached

    def deliver(self, shard: bool, channel: bytes, message: bytes) -> int:
        """A message to clients here only."""
        if not self.subscribers:
            return 0
        return self.local.deliver_shard(channel, message) if shard else self.local.deliver(channel, message)

    # -- what PUBSUB asks ------------------------------------------------------------------------

    def channels(self, kind: Kind, pattern: bytes | None) -> list[bytes]:
        """Names somebody listens to, on any node, that match."""
        found: dict[bytes, None] = dict.fromkeys(self.local.receivers[kind])
        for interest in self.peers.values():
            found.update(dict.fromkeys(interest.counts[kind]))
        if pattern is None:
            return list(found)
        glob = Glob(pattern)
        return [name for name in found if glob.matches(name)]

    def clients_of(self, kind: Kind, name: bytes) -> int:
        """How many clients listen to exactly ``name``, on all nodes."""
        return len(self.local.receivers[kind].get(name, ())) + sum(
            [interest.counts[kind].get(name, 0) for interest in self.peers.values()]
        )

    # -- peers -----------------------------------------------------------------------------------

    def on_peer_up(self, peer: NodeId) -> None:
        """Our link to ``peer`` is up, and empty."""
        self._links[peer] = self._untold = True
        self._staged.pop(peer, None)

    def on_peer_lost(self, peer: NodeId) -> None:
        """Our link to ``peer`` is gone, and what waited for it."""
        self._links.pop(peer, None)
        self._staged.pop(peer, None)

    def on_peer_silent(self, peer: NodeId) -> None:
        """The link on which ``peer`` spoke is gone (Rule H2)."""
        self.peers.pop(peer, None)

    def on_message(self, sender: NodeId, message: PubSubMessage) -> None:
        """A peer says something."""
        if isinstance(message, TellEverything):
            if sender in self._links:
                self._links[sender] = self._untold = True
        elif self._is_news(sender, message):
            self._take(sender, message)

    def _is_news(self, sender: NodeId, message: Interest | Published) -> bool:
        """Rule H6: False for a copy, or for one that others have overtaken."""
        heard = self._heard.setdefault(sender, _Heard())
        if (message.incarnation, message.number) <= (heard.incarnation, heard.number):
            return False
        in_order = message.incarnation == heard.incarnation and message.number == heard.number + 1
        heard.incarnation, heard.number = message.incarnation, message.number
        if isinstance(message, Interest) and message.fresh:
            heard.doubtful = 0
        elif heard.doubtful or not in_order:
            if heard.doubtful % _ASK_EVERY == 0:
                self._doubts[sender] = None
            heard.doubtful += 1
        return True

    def _take(self, sender: NodeId, message: Interest | Published) -> None:
        if isinstance(message, Interest):
            interest = self.peers.get(sender)
            if interest is None:
                interest = self.peers[sender] = PeerInterest(
                    self._limits.subscriptions_max, self._limits.subscriptions_bytes_max
                )
            interest.take(message)
        else:
            self.inbox.extend(message.messages)

    def open_inbox(self) -> None:
        """Deliver what peers have sent, after what the entries of this turn said: that came before."""
        inbox, self.inbox = self.inbox, []
        for shard, channel, message in inbox:
            self.deliver(shard, channel, message)

    @property
    def left_out(self) -> int:
        """Names that peers have announced beyond what they may."""
        return sum([interest.left_out for interest in self.peers.values()])

    def take_sends(self) -> list[tuple[NodeId, PubSubMessage]]:
        """What this turn has for the peers, in order."""
        if not (self._untold or self._staged or self._doubts or self.local.has_changed):
            return []
        self._untold = False
        sends: list[tuple[NodeId, PubSubMessage]] = []
        if self._doubts:
            sends = [(peer, TellEverything()) for peer in self._doubts if peer in self._links]
            self._doubts = {}
        changed = self._changes()
        for peer, untold in self._links.items():
            if untold:
                self._links[peer] = False
                sends.extend([(peer, part) for part in self._numbered(peer, True, self._everything())])
            else:
                sends.extend([(peer, part) for part in self._numbered(peer, False, changed)])
        if self._staged:
            staged, self._staged = self._staged, {}
            for peer, items in staged.items():
                for part in _frames(items):
                    sends.append((peer, Published(self._incarnation, self._next_number(peer), part)))
        return sends

    def _next_number(self, peer: NodeId) -> int:
        number = self._sent[peer] = self._sent.get(peer, 0) + 1
        return number

    def _numbered(
        self, peer: NodeId, fresh: bool, parts: list[tuple[_Names, _Names, _Names]]
    ) -> list[Interest]:
        """Announcements for one peer; only the first of several voids what was said before."""
        return [
            Interest(self._incarnation, self._next_number(peer), fresh and not at, *part)
            for at, part in enumerate(parts)
        ]

    def _changes(self) -> list[tuple[_Names, _Names, _Names]]:
        """Who listens since this turn, or no longer (Rule H2)."""
        local = self.local
        if not local.has_changed:
            return []
        names = [
            (kind, name, len(local.receivers[kind].get(name, ())))
            for kind in Kind
            for name in local.changed[kind]
        ]
        local.changed = ({}, {}, {})
        local.has_changed = False
        return _parts(names)

    def _everything(self) -> list[tuple[_Names, _Names, _Names]]:
        names = [
            (kind, name, len(receivers))
            for kind in Kind
            for name, receivers in self.local.receivers[kind].items()
        ]
        return _parts(names) or [([], [], [])]


def _parts(names: list[tuple[Kind, bytes, int]]) -> list[tuple[_Names, _Names, _Names]]:
    """Names by kind, in as few parts as their sizes allow."""
    parts: list[tuple[_Names, _Names, _Names]] = []
    lists: tuple[_Names, _Names, _Names] = ([], [], [])
    size_bytes = 0
    for kind, name, count in names:
        lists[kind].append((name, count))
        size_bytes += len(name) + _ITEM_COST_BYTES
        if size_bytes >= _FRAME_BYTES_MAX:
            parts.append(lists)
            lists = ([], [], [])
            size_bytes = 0
    if any(lists):
        parts.append(lists)
    return parts


def _frames(items: list[_Item]) -> list[list[_Item]]:
    """The messages of a turn, in order, in as few frames as their sizes allow (Rule H3)."""
    frames: list[list[_Item]] = []
    part: list[_Item] = []
    size_bytes = 0
    for item in items:
        item_bytes = len(item[1]) + len(item[2]) + _ITEM_COST_BYTES
        if part and size_bytes + item_bytes > _FRAME_BYTES_MAX:
            frames.append(part)
            part, size_bytes = [], 0
        part.append(item)
        size_bytes += item_bytes
    frames.append(part)
    return frames
