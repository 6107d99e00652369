"""Liveness: which nodes are there, as all nodes together know it. Beats, and SWIM that rides on them.

On the path: nowhere; once per beat, and when a beat has something to say. One link tells only whether *this*
node hears another. What is asked by way of others (``core/gossip/swim``) tells whether anybody does.

- Rule H1: the words of SWIM leave with the beats that nodes send to each other anyway, and a beat is its
  tick: so it costs no message and no turn of its own, calm nodes run it too, and what it sends is bounded.
- Rule H2: each life of a node begins with an incarnation above all before (Rule B1): so whoever was dead is
  alive with its first word. Nothing is said or answered before that incarnation is in the log (Rule D2).
- Rule H3: what is held is a belief that others share, never a reason by itself: nothing is taken from a node
  that its judge hears (Rule F9 of ``core/steward``).
"""

from typing import Final

from trivet.core.base.ids import Instant, NodeId
from trivet.core.base.prng import Prng
from trivet.core.gossip.swim import Swim
from trivet.core.gossip.swim_messages import ALIVE, DEAD, SUSPECT, SwimMessage
from trivet.core.gossip.swim_settings import INCARNATION_MAX, SwimSettings
from trivet.core.node.hello import WORDS_MAX, Beat
from trivet.core.node.peers import NODE_GROUP, encode_message

PERIOD_BEATS: Final = 6
"""An answer by way of another takes up to five beats: there, on, back, back, each with the next one."""
PING_BEATS: Final = 2
"""After so many beats the answer to a beat has come, if any does."""
SUSPICION_PERIODS: Final = 2
"""Rumours ride on every beat: a suspect has heard of it, and is heard of, within some beats."""

NAMES: Final = {ALIVE: "alive", SUSPECT: "suspect", DEAD: "dead"}

_EMPTY: Final = encode_message(NODE_GROUP, Beat())


class Liveness:
    """One node's part."""

    def __init__(self, node: NodeId, incarnation: int, nodes: list[NodeId]) -> None:
        """``incarnation``: of this life of the node; ``nodes``: of the map that it begins with."""
        self._prng = Prng(node << 52 ^ incarnation)
        settings = SwimSettings(
            node=node, incarnation=min(incarnation, INCARNATION_MAX), period_ticks=PERIOD_BEATS,
            ping_ticks=PING_BEATS, suspicion_periods=SUSPICION_PERIODS,
        )  # fmt: skip
        self._swim = Swim(settings, self._prng.fork())
        self._node = node
        self._alive_ms: dict[NodeId, Instant] = {}
        """Of the nodes that are not held to be alive: until when they were."""
        self.suspicions = 0
        """How often another node became suspect here."""
        self.deaths = 0
        """The same of dead."""
        self.refutations = 0
        """How often one that was either was alive again."""
        self.learn(nodes)

    def learn(self, nodes: list[NodeId]) -> None:
        """The nodes of the cluster map, this one among them or not."""
        self._swim.learn(tuple(nodes))
        if self._alive_ms:
            self._alive_ms = {node: at for node, at in self._alive_ms.items() if node in nodes}

    # -- what is held ----------------------------------------------------------------------------------

    def status(self, node: NodeId) -> int:
        """``ALIVE``, ``SUSPECT`` or ``DEAD``, as ``swim_messages`` has them; of a node that is none: dead."""
        return self._swim.status(node)

    def is_dead(self, node: NodeId) -> bool:
        """Whether nobody hears it, and it had time to speak up."""
        return self._swim.status(node) == DEAD

    def alive_ms(self, node: NodeId, now_ms: Instant) -> Instant:
        """Until when it was held to be alive: now, if it still is."""
        return self._alive_ms.get(node, now_ms)

    def incarnation_of(self, node: NodeId) -> int:
        """The highest that was heard of; of a node that is none: 0."""
        swim = self._swim
        return swim.incarnation_of(node) if node == self._node or node in swim else 0

    @property
    def spoken_up(self) -> int:
        """How often this node has contradicted that it is suspect or dead."""
        return self._swim.spoken_up

    # -- beats -----------------------------------------------------------------------------------------

    def beat(self, now_ms: Instant, up: dict[NodeId, None]) -> list[tuple[NodeId, bytes]]:
        """One tick, and the frame for each peer to which the link is ``up``; words for others are lost."""
        swim = self._swim
        swim.tick()
        if swim.changed:
            self._note(now_ms)
        if not (swim.messages or self._alive_ms or len(swim.rumours)):
            return [(peer, _EMPTY) for peer in up]
        words: dict[NodeId, list[SwimMessage]] = {peer: [] for peer in up}
        messages, swim.messages = swim.messages, []
        for to, message in messages:
            if to in words and len(words[to]) < WORDS_MAX:
                words[to].append(message)
        self._add_news(words)
        return [(peer, _frame(said)) for peer, said in words.items()]

    def _add_news(self, words: dict[NodeId, list[SwimMessage]]) -> None:
        """Rumours for those to whom nothing else is said: a message of SWIM has some already."""
        peers = [peer for peer, said in words.items() if not said]
        self._prng.shuffle(peers)
        for peer in peers:
            news = self._swim.news_for(peer)
            if news is not None:
                words[peer].append(news)

    def hear(self, sender: NodeId, beat: Beat, now_ms: Instant) -> None:
        """The words of a peer's beat; what is to be answered is answered with the next beat."""
        swim = self._swim
        for word in beat.words:
            swim.step(sender, word)
        if swim.changed:
            self._note(now_ms)

    def _note(self, now_ms: Instant) -> None:
        changed, self._swim.changed = self._swim.changed, []
        for node, status in changed:
            if status == ALIVE:
                self._alive_ms.pop(node, None)
                self.refutations += 1
                continue
            self._alive_ms.setdefault(node, now_ms)
            if status == SUSPECT:
                self.suspicions += 1
            else:
                self.deaths += 1


def _frame(words: list[SwimMessage]) -> bytes:
    return encode_message(NODE_GROUP, Beat(words)) if words else _EMPTY
