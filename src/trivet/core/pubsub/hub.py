"""One node's part in publish/subscribe (rules H1 to H7).

Messages for peers gather here until the turn ends; the node then takes them with ``take_sends``.
"""

from typing import Final

from trivet.core.base.ids import ConnectionId, Instant, NodeId
from trivet.core.base.limits import Limits
from trivet.core.pubsub.hearing import Confirmation, Hearing
from trivet.core.pubsub.interest import PeerInterest
from trivet.core.pubsub.messages import Heard, Interest, Kind, Published, PubSubMessage, TellEverything
from trivet.core.pubsub.subscriptions import Names, Receiver, Subscriber, Subscriptions, cost_bytes
from trivet.core.values.glob import Glob
from trivet.core.wire.reply import Error, Push

_FRAME_BYTES_MAX: Final = 1024 * 1024
"""Messages or names in one frame; a single larger message goes alone."""
_ITEM_COST_BYTES: Final = 16

_ASK_EVERY: Final = 64
"""Messages of a peer, after which what it did not tell is asked for again."""

_Item = tuple[bool, bytes, bytes]
_Told = list[tuple[bytes, int]]


class _Voice:
    """How far we have heard a peer (Rule H6)."""

    __slots__ = ("change", "doubtful", "incarnation", "number")

    def __init__(self) -> None:
        self.incarnation = 0
        self.number = 0
        self.doubtful = 0
        """Messages since something was missing; 0: nothing is."""
        self.change = 0
        """Its announcements are known here up to this change; 0: it has not spoken on its link."""


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
        self._voices: dict[NodeId, _Voice] = {}
        self._answers: dict[NodeId, None] = {}
        """Peers to tell how far they were heard."""
        self._hearing = Hearing()
        self._probes: dict[NodeId, None] = {}
        """Late peers that are to show whether they hear again."""
        self._probe_at_ms: Instant = 0
        self.confirmations: dict[ConnectionId, Confirmation] = {}
        """Clients that are not answered yet, by deadline."""
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

    def all_names(self) -> list[tuple[ConnectionId, Names]]:
        """What each client listens to."""
        return [(one.conn, one.names) for one in self.subscribers.values()]

    def count(self, conn: ConnectionId, kind: Kind) -> int:
        """What Redis counts along with a name of ``kind`` for this client."""
        subscriber = self.subscribers.get(conn)
        return 0 if subscriber is None else subscriber.count(kind)

    def forget(self, conn: ConnectionId) -> None:
        """The client is gone, or starts anew."""
        self.confirmations.pop(conn, None)
        subscriber = self.subscribers.pop(conn, None)
        if subscriber is not None:
            self.local.remove_all(subscriber)

    # -- clients that wait until peers have heard (Rule H7) ----------------------------------------

    def are_known(self, kind: Kind, names: list[bytes]) -> bool:
        """Whether all peers that can hear know already that somebody here listens to ``names``."""
        local = self.local
        if not all(map(local.receivers[kind].__contains__, names)) and self._listening_peers():
            return False
        return self._birth(kind, names) <= self._reached()

    def subscribe_and_wait(
        self, conn: ConnectionId, receiver: Receiver, kind: Kind, word: bytes, names: list[bytes],
        now_ms: Instant,
    ) -> None:  # fmt: skip
        """The client listens, and is to be answered, with the command's ``word``, when peers have heard."""
        confirmation = self.confirmations.get(conn)
        if confirmation is None:
            deadline_ms = now_ms + self._limits.subscribe_confirm_ms_max
            confirmation = self.confirmations[conn] = Confirmation(conn, deadline_ms)
        for name in names:
            confirmation.answers.append(Push([word, name, self.subscribe(conn, receiver, kind, name)]))
        confirmation.change = max(confirmation.change, self._birth(kind, names))

    def take_confirmed(self) -> list[Confirmation]:
        """Those of what all peers have heard; the caller answers them."""
        reached = self._reached()
        due = [one for one in self.confirmations.values() if one.change <= reached]
        for one in due:
            del self.confirmations[one.conn]
        return due

    def tick(self, now_ms: Instant) -> None:
        """Time has passed: who has waited long enough waits for nobody; late peers are asked again."""
        for confirmation in self.confirmations.values():
            if now_ms < confirmation.deadline_ms:
                break
            for peer in self._listening_peers():
                self._hearing.too_late(peer, confirmation.change)
        if self._hearing.late and now_ms >= self._probe_at_ms:
            self._probe_at_ms = now_ms + self._limits.subscribe_confirm_ms_max
            self._probes = dict(self._hearing.late)

    def _birth(self, kind: Kind, names: list[bytes]) -> int:
        """The change that told of the youngest of ``names``."""
        born = self.local.born
        return max([born.get((kind, name), 0) for name in names])

    def _reached(self) -> int:
        return self._hearing.reached(self._listening_peers(), self.local.changes + 1)

    def _listening_peers(self) -> list[NodeId]:
        """Peers that can hear us, and that we hear."""
        return [peer for peer in self._links if peer in self.peers]

    # -- messages ----------------------------------------------------------------------------------

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

    def apart_from(self, members: tuple[NodeId, ...]) -> list[NodeId]:
        """Peers that listen to something and are none of ``members``."""
        return [peer for peer in self.peers if peer not in members and peer in self._links]

    def relay(self, peers: list[NodeId], shard: bool, channel: bytes, message: bytes) -> None:
        """A message that those ``peers`` cannot see for themselves; all others do."""
        for peer in peers:
            interest = self.peers.get(peer)
            if interest is not None and (
                interest.shard_receivers(channel) if shard else interest.receivers(channel)
            ):
                self._staged.setdefault(peer, []).append((shard, channel, message))

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
        self._hearing.linked(peer, self.local.changes + 1)
        if peer in self._voices:
            self._answers[peer] = None

    def on_peer_lost(self, peer: NodeId) -> None:
        """Our link to ``peer`` is gone, and what waited for it."""
        self._links.pop(peer, None)
        self._staged.pop(peer, None)
        self._hearing.unlinked(peer)

    def on_peer_silent(self, peer: NodeId) -> None:
        """The link on which ``peer`` spoke is gone (Rule H2)."""
        self.peers.pop(peer, None)
        if peer in self._voices:
            self._voices[peer].change = 0

    def on_message(self, sender: NodeId, message: PubSubMessage) -> None:
        """A peer says something."""
        if isinstance(message, TellEverything):
            if sender in self._links:
                self._links[sender] = self._untold = True
        elif isinstance(message, Heard):
            if message.incarnation == self._incarnation:
                self._hearing.heard(sender, message.change)
        elif self._is_news(sender, message):
            self._take(sender, message)

    def _is_news(self, sender: NodeId, message: Interest | Published) -> bool:
        """Rule H6: False for a copy, or for one that others have overtaken."""
        voice = self._voices.setdefault(sender, _Voice())
        if (message.incarnation, message.number) <= (voice.incarnation, voice.number):
            return False
        in_order = message.incarnation == voice.incarnation and message.number == voice.number + 1
        voice.incarnation, voice.number = message.incarnation, message.number
        if isinstance(message, Interest) and message.fresh:
            voice.doubtful = 0
        elif voice.doubtful or not in_order:
            if voice.doubtful % _ASK_EVERY == 0:
                self._doubts[sender] = None
            voice.doubtful += 1
        return True

    def _take(self, sender: NodeId, message: Interest | Published) -> None:
        if isinstance(message, Interest):
            interest = self.peers.get(sender)
            if interest is None:
                interest = self.peers[sender] = PeerInterest(
                    self._limits.subscriptions_max, self._limits.subscriptions_bytes_max
                )
            interest.take(message)
            voice = self._voices[sender]
            if message.change and not voice.doubtful:
                voice.change = message.change
                self._answers[sender] = None
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
        local = self.local
        if not (
            self._untold or self._staged or self._doubts or self._answers or self._probes
            or local.has_changed or local.born
        ):  # fmt: skip
            return []
        self._untold = False
        sends: list[tuple[NodeId, PubSubMessage]] = []
        if self._doubts:
            sends = [(peer, TellEverything()) for peer in self._doubts if peer in self._links]
            self._doubts = {}
        if self._answers:
            answers, self._answers = self._answers, {}
            for peer in answers:
                voice = self._voices[peer]
                if voice.change and peer in self._links:
                    sends.append((peer, Heard(voice.incarnation, voice.change)))
        if self._probes or local.has_changed or True in self._links.values():
            sends.extend(self._announcements())
        if self.local.born:
            self.local.forget_born(self._hearing.heard_by_all(self.local.changes))
        if self._staged:
            staged, self._staged = self._staged, {}
            for peer, items in staged.items():
                for part in _frames(items):
                    sends.append((peer, Published(self._incarnation, self._next_number(peer), part)))
        return sends

    def _announcements(self) -> list[tuple[NodeId, PubSubMessage]]:
        """For each peer what has changed, or everything; a probe says nothing, but is answered."""
        probes, self._probes = self._probes, {}
        changed = _parts(self.local.take_changed())
        sends: list[tuple[NodeId, PubSubMessage]] = []
        for peer, untold in self._links.items():
            self._links[peer] = False
            parts = self._everything() if untold else changed
            if not parts and peer in probes:
                parts = [([], [], [])]
            sends.extend([(peer, part) for part in self._numbered(peer, untold, parts)])
        return sends

    def _next_number(self, peer: NodeId) -> int:
        number = self._sent[peer] = self._sent.get(peer, 0) + 1
        return number

    def _numbered(self, peer: NodeId, fresh: bool, parts: list[tuple[_Told, _Told, _Told]]) -> list[Interest]:
        """Announcements for one peer: the first voids what was said before, the last completes the change."""
        last = len(parts) - 1
        change = self.local.changes
        return [
            Interest(
                self._incarnation,
                self._next_number(peer),
                fresh and not at,
                *part,
                change=change if at == last else 0,
            )
            for at, part in enumerate(parts)
        ]

    def _everything(self) -> list[tuple[_Told, _Told, _Told]]:
        local = self.local
        names = [(kind, name, local.clients(kind, name)) for kind in Kind for name in local.receivers[kind]]
        return _parts(names) or [([], [], [])]


def _parts(names: list[tuple[Kind, bytes, int]]) -> list[tuple[_Told, _Told, _Told]]:
    """Names by kind, in as few parts as their sizes allow."""
    parts: list[tuple[_Told, _Told, _Told]] = []
    lists: tuple[_Told, _Told, _Told] = ([], [], [])
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
