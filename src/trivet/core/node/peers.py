"""Links between nodes: who is there, and what their frames say.

Every node dials every other and sends on the links it dialed; it hears on the links it
accepted. The first frame on a link says who dials.

- Rule P1: a link whose first frame does not fit (cluster, node, format) is closed and
  counted; nothing else is read from it.
- Rule P2: a node has one accepted link per peer: the newest.
- Rule P4: a node whose data directory has another number than the one that it was known by has lost what
  it promised. It is refused, and told so. It is known by what the map says, or said before the last restart;
  or by what it said itself, first. (One whose damaged log does not tell the number knows that it has
  lost something; its replicas have doubts, and do not vote before they are repaired.)
- Rule P5: a node that has come after all of whom this one knows is heard, and dialed where it says that it
  is: it may lead, and be the only one from whom the newer map comes. Whoever has left is refused.
- Rule P6: whoever introduces itself is there: a link to it that is down is dialed at once. So a node that
  comes back is not without its peers' words until they would have tried again.
- Rule P3: a frame that does not decode closes its link; it never harms the node.
"""

from enum import Enum
from typing import Final, get_args

import msgspec

from trivet.core.base.ids import GroupId, Instant, LinkId, NodeId
from trivet.core.gossip.messages import GossipMessage
from trivet.core.group.eventual_messages import CarryMessage
from trivet.core.group.face import FromGroup
from trivet.core.group.messages import (
    BatchReplies,
    Follow,
    Forward,
    ForwardRead,
    Invalidate,
    KillScript,
    NotLeader,
    ReadReplies,
    Taken,
    Woken,
)
from trivet.core.group.register_messages import RegisterMessage
from trivet.core.node.hello import Beat as Beat
from trivet.core.node.hello import Hello as Hello
from trivet.core.node.hello import Stranger as Stranger
from trivet.core.pubsub.messages import Heard, Interest, Published, PubSubMessage, TellEverything
from trivet.core.raft.messages import Message
from trivet.core.steward.messages import HowFar, LeadWish, NodeReport, PlanTold, SoFar, StewardMessage
from trivet.core.wire.peer import FrameParser, frame

PEER_FORMAT: Final = 9
"""The version of the messages between nodes."""

HELLO_TIMEOUT_MS: Final = 5_000
"""How long an accepted link may be silent before it must have introduced itself."""

NEWCOMERS_MAX: Final = 64
"""So many nodes are heard at a time of which the map does not tell yet."""

_HOST_BYTES_MAX: Final = 255

TOLD_OFF: Final = (
    "the cluster knows this node with another data directory than this one: what it had promised is lost. "
    "Give it back its directory, or let a new node take its place (trivet join, trivet replace)"
)
"""Why a node stops to which Rule P4 applies."""

NodeMessage = FromGroup | PubSubMessage | StewardMessage | Stranger | Beat


class Kind(Enum):
    """Whose a message is that is no ``GroupMessage``."""

    NODE = 0
    LEADERLESS = 1
    """Of a group that nobody leads."""


KINDS: Final[dict[type, Kind]] = {
    **dict.fromkeys(
        (
            Interest,
            Published,
            TellEverything,
            Heard,
            NodeReport,
            PlanTold,
            LeadWish,
            HowFar,
            SoFar,
            Stranger,
            Beat,
        ),
        Kind.NODE,
    ),
    **dict.fromkeys(
        (*get_args(RegisterMessage), *get_args(CarryMessage), *get_args(GossipMessage)), Kind.LEADERLESS
    ),
}
"""All others are ``GroupMessage``s."""

NODE_GROUP: Final[GroupId] = -1
"""Stands where the group would be, for messages between nodes themselves."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(
    tuple[
        int,
        Message
        | Forward
        | ForwardRead
        | ReadReplies
        | BatchReplies
        | NotLeader
        | Woken
        | Follow
        | Invalidate
        | Taken
        | KillScript
        | RegisterMessage
        | CarryMessage
        | GossipMessage
        | Hello
        | Stranger
        | Beat
        | NodeReport
        | PlanTold
        | LeadWish
        | HowFar
        | SoFar
        | Interest
        | Published
        | TellEverything
        | Heard,
    ]
)


def encode_message(group: GroupId, message: NodeMessage | Hello) -> bytes:
    """The frame that carries ``message``."""
    return frame(_encoder.encode((group, message)))


def decode_message(body: bytes) -> tuple[GroupId, NodeMessage | Hello]:
    """The group and the message of a frame's body. Raises ``msgspec.DecodeError``."""
    try:
        return _decoder.decode(body)
    except (UnicodeDecodeError, RecursionError) as error:  # msgspec lets both through
        raise msgspec.DecodeError(str(error)) from error


class _Link:
    """One accepted link."""

    __slots__ = ("address", "parser", "peer", "since_ms")

    def __init__(self, address: str, frame_bytes_max: int, now_ms: Instant) -> None:
        self.address = address
        self.parser = FrameParser(frame_bytes_max)
        self.peer: NodeId = 0
        self.since_ms = now_ms


class Peers:
    """The links of one node, dialed and accepted."""

    def __init__(
        self,
        cluster: str,
        node: NodeId,
        birth: int,
        members: list[NodeId],
        frame_bytes_max: int,
        links_max: int,
        now_ms: Instant,
    ) -> None:
        self._cluster = cluster
        self._node = node
        self._birth = birth
        self.place: tuple[str, int] = ("", 0)
        """Where this node is found (host, peer port); its owner says so."""
        self._members = members
        self._next_node: NodeId = 0
        """All nodes of which the map does not tell yet have this number or a higher one (Rule P5)."""
        self.newcomers: dict[NodeId, tuple[str, int]] = {}
        """Such nodes that have introduced themselves, and where they are."""
        self.has_news = False
        """There is one more of them, or another place of one, or one more birth; the node takes it."""
        self._births: dict[NodeId, int] = {}
        """As the cluster map has them."""
        self._heard_births: dict[NodeId, int] = {}
        """Of nodes of which it does not tell, or of all before there is a map: as they said first."""
        self.heard_ms: dict[NodeId, Instant] = {}
        """When each peer was last heard."""
        self.strangers: list[NodeId] = []
        """Nodes to be told that they are not who they were; the node takes them."""
        self.introduced: dict[NodeId, None] = {}
        """Peers that have a new link to us; the node takes them."""
        self.returned: list[NodeId] = []
        """Peers that have introduced themselves while our link to them was down; the node takes them."""
        self._frame_bytes_max = frame_bytes_max
        self._links_max = links_max
        self._links: dict[LinkId, _Link] = {}
        self._link_of: dict[NodeId, LinkId] = {}
        self.up: dict[NodeId, None] = {}
        """Peers to which our dialed link is up."""
        self.closes: list[LinkId] = []
        """Links to close; the node takes them after every turn."""
        self._now_ms: Instant = now_ms
        self.refused = 0
        self.notes: list[str] = []

    def tick(self, now_ms: Instant) -> None:
        """Links that do not introduce themselves in time are closed."""
        self._now_ms = now_ms
        if len(self._links) == len(self._link_of):
            return
        for link, state in list(self._links.items()):
            if not state.peer and now_ms - state.since_ms >= HELLO_TIMEOUT_MS:
                self._refuse(link, state, "did not introduce itself in time")

    def know(self, births: dict[NodeId, int], next_node: NodeId) -> None:
        """Who the nodes of the cluster are, and by which number (0: not known yet); links of others end.

        But for those of newcomers: ``next_node`` is the number that the map gives next.
        """
        self._members = list(births)
        self._births = births
        self._heard_births = {
            peer: birth
            for peer, birth in self._heard_births.items()
            if peer >= next_node or births.get(peer) == 0
        }
        self._next_node = next_node
        self.newcomers = {peer: place for peer, place in self.newcomers.items() if peer >= next_node}
        for link, state in list(self._links.items()):
            if state.peer and state.peer not in births and state.peer not in self.newcomers:
                self._refuse(link, state, "has left the cluster")

    def birth_of(self, peer: NodeId) -> int:
        """The number that a node is known by; 0: none."""
        return self._births.get(peer, 0) or self._heard_births.get(peer, 0)

    def births(self) -> dict[NodeId, int]:
        """All that are known."""
        return self._heard_births | {peer: birth for peer, birth in self._births.items() if birth}

    def remember(self, births: dict[NodeId, int]) -> None:
        """What was known in an earlier life; until there is a map it counts."""
        self._heard_births = dict(births)

    def hello(self, peer: NodeId) -> bytes:
        """The first frame on a link that we dialed."""
        hello = Hello(self._cluster, self._node, peer, PEER_FORMAT, self._birth, *self.place)
        return encode_message(NODE_GROUP, hello)

    def accepted(self, link: LinkId, address: str) -> None:
        """Somebody dialed us."""
        if len(self._links) >= self._links_max:
            self.refused += 1
            self.closes.append(link)
        else:
            self._links[link] = _Link(address, self._frame_bytes_max, self._now_ms)

    def closed(self, link: LinkId) -> NodeId:
        """The link is gone; the peer whose current link it was, else 0."""
        gone = self._links.pop(link, None)
        if gone is None or self._link_of.get(gone.peer) != link:
            return 0
        del self._link_of[gone.peer]
        return gone.peer

    def silent(self, since_ms: Instant) -> list[NodeId]:
        """Peers of which nothing was heard after ``since_ms``; each is named once per silence."""
        found = [peer for peer, heard_ms in self.heard_ms.items() if heard_ms <= since_ms]
        for peer in found:
            self.heard_ms[peer] = self._now_ms
        return found

    def hears(self, peer: NodeId) -> bool:
        """Whether a link on which ``peer`` speaks is up."""
        return peer in self._link_of

    def receive(self, link: LinkId, data: bytes) -> list[tuple[NodeId, GroupId, NodeMessage]]:
        """The messages that ``data`` completes, with their sender and group."""
        found: list[tuple[NodeId, GroupId, NodeMessage]] = []
        state = self._links.get(link)
        if state is None:
            return found
        for body in state.parser.feed(data):
            try:
                group, message = decode_message(body)
            except msgspec.DecodeError as error:
                self._refuse(link, state, f"sent a frame that does not decode ({error})")
                return found
            if isinstance(message, Hello):
                problem = self._problem_of(message) if not state.peer else "introduced itself twice"
                if problem:
                    self._refuse(link, state, problem)
                    return found
                self._introduce(link, state, message)
            elif not state.peer:
                self._refuse(link, state, "did not introduce itself")
                return found
            else:
                self.heard_ms[state.peer] = self._now_ms
                found.append((state.peer, group, message))
        if state.parser.error:
            self._refuse(link, state, state.parser.error)
        return found

    def _problem_of(self, hello: Hello) -> str:
        """Rule P1."""
        if hello.cluster != self._cluster:
            return f"belongs to cluster {hello.cluster[:64]}, not {self._cluster}"
        if hello.to != self._node:
            return f"wanted node {hello.to}, this is node {self._node}"
        if hello.node == self._node or not (hello.node in self._members or self._is_newcomer(hello)):
            return f"is node {hello.node}, which is not a peer here"
        if hello.format != PEER_FORMAT:
            return f"speaks message format {hello.format}, this version {PEER_FORMAT}"
        known = self.birth_of(hello.node)
        if known and hello.birth and hello.birth != known:
            self.strangers.append(hello.node)
            return (
                f"is node {hello.node} with another data directory than before: it may not come back as that"
            )
        return ""

    def _is_newcomer(self, hello: Hello) -> bool:
        """Rule P5."""
        if hello.node < max(1, self._next_node) or not 0 < hello.peer_port < 65_536:
            return False
        fits = len(self.newcomers) < NEWCOMERS_MAX or hello.node in self.newcomers
        return fits and 0 < len(hello.host) <= _HOST_BYTES_MAX

    def _introduce(self, link: LinkId, state: _Link, hello: Hello) -> None:
        """Rule P2."""
        state.peer = peer = hello.node
        place = (hello.host, hello.peer_port)
        if hello.birth and not self.birth_of(peer):
            self._heard_births[peer] = hello.birth
            self.has_news = True
        if peer not in self._members and self.newcomers.get(peer) != place:
            self.newcomers[peer] = place
            self.has_news = True
        self.introduced[peer] = None
        if peer not in self.up:
            self.returned.append(peer)
        older = self._link_of.get(peer)
        self._link_of[peer] = link
        if older is not None:
            self._links.pop(older, None)
            self.closes.append(older)

    def _refuse(self, link: LinkId, state: _Link, problem: str) -> None:
        self.refused += 1
        self.notes.append(f"refused a peer connection from {state.address}: it {problem}")
        self._links.pop(link, None)
        if self._link_of.get(state.peer) == link:
            del self._link_of[state.peer]
        self.closes.append(link)
