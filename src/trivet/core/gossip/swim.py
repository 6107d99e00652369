"""Who is alive: SWIM, a failure detector whose cost per node does not grow with the number of nodes.

Source: Das, Gupta, Motivala: "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership
Protocol" (2002): pings at random and by way of others (§3.1), rumours on other messages (§4.1), suspicion and
incarnations (§4.2), round robin (§4.3). Who the nodes *are* says the cluster map, not a rumour.

- Rule D1: what is held of a node is the highest (incarnation, status) that was heard, dead above suspect
  above alive. Late and doubled rumours change nothing, and all who have heard the same hold the same. (The
  paper lets "dead" win for ever, as a node that comes back has another name there; here it is the same node.)
- Rule D2: nobody is dead at once: who does not answer, not by way of others either, is suspect, and that is
  told to it and to all; it has some periods to speak up. Both verdicts are spread, also to whom they concern.
- Rule D3: only a node itself raises its incarnation, when it hears that it is suspect or dead, above what it
  has heard. So it is alive to all again, however it came to be believed dead.
- Rule D4: see ``rumours``. Only what changes what is held is passed on: doubles cause nothing.
- Rule D5: messages are bounded by time, not by what comes: one ping per period, helpers for it, and answers.
  What the owner sends at its own pace anyway may carry rumours too (``news_for``): then they are everywhere
  long before the next ping, and suspects hear of it at once.
- Rule D6: the dead are asked now and then, and whoever is spoken to hears what is held of it: after a cut
  has healed both sides find each other without any rumour.
"""

from typing import Final

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.core.gossip.rumours import Rumours
from trivet.core.gossip.swim_messages import (
    ALIVE,
    DEAD,
    SUSPECT,
    News,
    OfSwim,
    Ping,
    PingFor,
    Pong,
    Rumour,
    SwimMessage,
)
from trivet.core.gossip.swim_settings import SwimSettings, problem

LEAP_MAX: Final = 1 << 49
"""A rumour so far above what is held is nonsense: it would leave a node no incarnation to speak up with.

Any incarnation that a life may begin with is nearer, to those who have heard of none.
"""


class _Node:
    """Another node."""

    __slots__ = ("incarnation", "status", "suspect_ticks")

    def __init__(self) -> None:
        self.incarnation = 0
        self.status: int = ALIVE
        self.suspect_ticks = 0
        """How long it has been suspect."""


class _Probe:
    """The ping of this period."""

    __slots__ = ("answered", "node", "number")

    def __init__(self, number: int, node: NodeId) -> None:
        self.number = number
        self.node = node
        self.answered = False


class _Help:
    """A ping for another node."""

    __slots__ = ("asker", "node", "number", "ticks")

    def __init__(self, asker: NodeId, number: int, node: NodeId) -> None:
        self.asker = asker
        self.number = number
        """The asker's."""
        self.node = node
        self.ticks = 0


class Swim:
    """One node's part. Whoever takes ``messages`` and ``changed`` empties them."""

    def __init__(self, settings: SwimSettings, prng: Prng) -> None:
        assert not problem(settings), problem(settings)
        self.settings = settings
        self.incarnation = settings.incarnation
        self.messages: list[tuple[NodeId, SwimMessage]] = []
        """To be sent."""
        self.changed: list[tuple[NodeId, int]] = []
        """(node, what it is now): alive, suspect, dead."""
        self.ignored = 0
        """Messages and rumours of nobody we know, beyond a limit, or nonsense."""
        self.spoken_up = 0
        """How often this node has heard that it is suspect or dead, and contradicted (Rule D3)."""
        self.rumours = Rumours()
        self._prng = prng
        self._nodes: dict[NodeId, _Node] = {}
        self._round: list[NodeId] = []
        """Who is still to be asked in this round (§4.3)."""
        self._dead_round: list[NodeId] = []
        self._probe: _Probe | None = None
        self._helps: dict[int, _Help] = {}
        self._number = 0
        self._ticks = 0
        self._periods = 0
        self._answers = 0

    # -- what is known -------------------------------------------------------------------------------

    def status(self, node: NodeId) -> int:
        """What is held of a node; of one that is none: dead."""
        held = self._nodes.get(node)
        if node == self.settings.node:
            return ALIVE
        return DEAD if held is None else held.status

    def __contains__(self, node: NodeId) -> bool:
        """Whether it is another node of the cluster map."""
        return node in self._nodes

    def incarnation_of(self, node: NodeId) -> int:
        """The highest that was heard of."""
        return self.incarnation if node == self.settings.node else self._nodes[node].incarnation

    def alive(self) -> list[NodeId]:
        """Other nodes that are not dead, suspects too."""
        return [node for node, held in self._nodes.items() if held.status != DEAD]

    def learn(self, members: tuple[NodeId, ...]) -> None:
        """The nodes of the cluster map; new ones are held to be alive, until they do not answer."""
        for node in list(self._nodes):
            if node not in members:
                del self._nodes[node]
                self.rumours.drop(node)
        for node in sorted(members):
            if node != self.settings.node and node not in self._nodes:
                self._nodes[node] = _Node()
        self._round = [node for node in self._round if node in self._nodes]
        self._dead_round = [node for node in self._dead_round if node in self._nodes]
        if self._probe is not None and self._probe.node not in self._nodes:
            self._probe = None
        self._helps = {number: h for number, h in self._helps.items() if h.node in self._nodes}

    # -- rumours -------------------------------------------------------------------------------------

    def _hear(self, rumour: Rumour) -> None:
        """Rule D1."""
        if rumour.node == self.settings.node:
            self._hear_of_self(rumour)
            return
        held = self._nodes.get(rumour.node)
        if held is None:
            self.ignored += 1
            return
        if (rumour.incarnation, rumour.status) <= (held.incarnation, held.status):
            return
        if rumour.incarnation > held.incarnation + LEAP_MAX:
            self.ignored += 1
            return
        before = held.status
        held.incarnation, held.status = rumour.incarnation, rumour.status
        held.suspect_ticks = 0
        if before != rumour.status:
            self.changed.append((rumour.node, rumour.status))
        self.rumours.put(rumour)

    def _hear_of_self(self, rumour: Rumour) -> None:
        """Rule D3."""
        if rumour.incarnation > self.incarnation + LEAP_MAX:
            self.ignored += 1
            return
        above = rumour.incarnation + (1 if rumour.status != ALIVE else 0)
        if above > self.incarnation:
            self.incarnation = above
            self.spoken_up += int(rumour.status != ALIVE)
            self.rumours.put(Rumour(self.settings.node, self.incarnation, ALIVE))

    def _rumours_for(self, node: NodeId) -> list[Rumour]:
        """What is to be told, first what is held of ``node`` itself (Rule D6)."""
        taken = self.rumours.take(self.settings.rumours_max, self.budget, node)
        held = self._nodes.get(node)
        if held is not None and (held.status != ALIVE or held.incarnation > 0):
            taken.insert(0, Rumour(node, held.incarnation, held.status))
        return taken

    def news_for(self, node: NodeId) -> News | None:
        """Rumours for something that leaves for ``node`` anyway; None: there is nothing to tell it.

        Whoever calls it for several nodes begins with another one each time: a rumour does not go to all.
        """
        held = self._nodes.get(node)
        if held is None or (held.status == ALIVE and not len(self.rumours)):
            return None
        rumours = self.rumours.take(self.settings.rumours_max, self.budget, node)
        if held.status != ALIVE:
            rumours.insert(0, Rumour(node, held.incarnation, held.status))
        return News(self.incarnation, rumours) if rumours else None

    @property
    def budget(self) -> int:
        """How often a rumour goes out (Rule D4)."""
        return self.settings.spread * self._log

    @property
    def _log(self) -> int:
        return (len(self._nodes) + 1).bit_length()

    # -- messages ------------------------------------------------------------------------------------

    def step(self, sender: NodeId, message: OfSwim) -> None:
        """A message of another node; of anybody who is none it is passed over."""
        if sender not in self._nodes:
            self.ignored += 1
            return
        if isinstance(message, Ping):
            self._on_ping(sender, message)
        elif isinstance(message, PingFor):
            self._on_ping_for(sender, message)
        elif isinstance(message, Pong):
            self._on_pong(sender, message)
        elif isinstance(message, News):
            self._on_news(sender, message)

    def _on_news(self, sender: NodeId, message: News) -> None:
        self._hear(Rumour(sender, message.incarnation, ALIVE))
        for rumour in message.rumours:
            self._hear(rumour)

    def _on_ping(self, sender: NodeId, message: Ping) -> None:
        self._hear(Rumour(sender, message.incarnation, ALIVE))
        for rumour in message.rumours:
            self._hear(rumour)
        if self._may_answer():
            rumours = self._rumours_for(sender)
            self._send(sender, Pong(message.number, self.settings.node, self.incarnation, rumours))

    def _on_ping_for(self, sender: NodeId, message: PingFor) -> None:
        for rumour in message.rumours:
            self._hear(rumour)
        is_known = message.node in self._nodes and message.node != sender
        if not is_known or len(self._helps) >= self.settings.helped_max:
            self.ignored += 1
        elif self._may_answer():
            self._number += 1
            self._helps[self._number] = _Help(sender, message.number, message.node)
            self._ping(message.node, self._number)

    def _on_pong(self, sender: NodeId, message: Pong) -> None:
        if message.node == self.settings.node:
            self.ignored += 1
            return
        self._hear(Rumour(message.node, message.incarnation, ALIVE))
        for rumour in message.rumours:
            self._hear(rumour)
        probe = self._probe
        if probe is not None and (probe.number, probe.node) == (message.number, message.node):
            probe.answered = True
        help_for = self._helps.get(message.number)
        if help_for is not None and help_for.node == message.node == sender:
            del self._helps[message.number]
            if help_for.asker in self._nodes:
                rumours = self._rumours_for(help_for.asker)
                self._send(help_for.asker, Pong(help_for.number, help_for.node, message.incarnation, rumours))

    def _may_answer(self) -> bool:
        """Rule D5."""
        if self._answers >= self.settings.answers_per_tick_max:
            self.ignored += 1
            return False
        self._answers += 1
        return True

    def _ping(self, node: NodeId, number: int) -> None:
        self._send(node, Ping(number, self.incarnation, self._rumours_for(node)))

    def _send(self, node: NodeId, message: SwimMessage) -> None:
        self.messages.append((node, message))

    # -- time ----------------------------------------------------------------------------------------

    def tick(self) -> None:
        """One tick of the driver's clock."""
        settings = self.settings
        self._answers = 0
        self._pass_suspicion()
        for number in [n for n, h in self._helps.items() if h.ticks >= settings.period_ticks]:
            del self._helps[number]
        for help_for in self._helps.values():
            help_for.ticks += 1
        if self._ticks == 0:
            self._begin_period()
        elif self._ticks == settings.ping_ticks:
            self._ask_helpers()
        self._ticks += 1
        if self._ticks >= settings.period_ticks:
            self._ticks = 0

    def _pass_suspicion(self) -> None:
        """Rule D2."""
        patience = self.settings.suspicion_periods * self.settings.period_ticks * self._log
        for node, held in self._nodes.items():
            if held.status == SUSPECT:
                held.suspect_ticks += 1
                if held.suspect_ticks >= patience:
                    self._hear(Rumour(node, held.incarnation, DEAD))

    def _begin_period(self) -> None:
        probe = self._probe
        if probe is not None and not probe.answered:
            held = self._nodes[probe.node]
            if held.status == ALIVE:
                self._hear(Rumour(probe.node, held.incarnation, SUSPECT))
        self._probe = None
        self._periods += 1
        node = self._next(self._round, False)
        if node is not None:
            self._number += 1
            self._probe = _Probe(self._number, node)
            self._ping(node, self._number)
        if self._periods % self.settings.revisit_periods == 0:
            dead = self._next(self._dead_round, True)
            if dead is not None:
                self._number += 1
                self._ping(dead, self._number)

    def _next(self, order: list[NodeId], dead: bool) -> NodeId | None:
        """Whom to ask: each once in a round, in an order by lot (§4.3)."""
        for _ in range(2):
            while order:
                node = order.pop()
                if (self._nodes[node].status == DEAD) == dead:
                    return node
            order.extend([node for node, held in self._nodes.items() if (held.status == DEAD) == dead])
            self._shuffle(order)
        return None

    def _shuffle(self, order: list[NodeId]) -> None:
        for place in range(len(order) - 1, 0, -1):
            other = self._prng.below(place + 1)
            order[place], order[other] = order[other], order[place]

    def _ask_helpers(self) -> None:
        probe = self._probe
        if probe is None or probe.answered:
            return
        helpers = [n for n, held in self._nodes.items() if held.status != DEAD and n != probe.node]
        self._shuffle(helpers)
        for node in helpers[: self.settings.helpers]:
            self._send(node, PingFor(probe.number, probe.node, self._rumours_for(node)))

    # -- what is always true -------------------------------------------------------------------------

    def check_invariants(self) -> None:
        """Raises ``AssertionError`` if this node contradicts itself."""
        assert self.settings.node not in self._nodes
        assert self.incarnation >= self.settings.incarnation, "Rule D3"
        assert len(self.rumours) <= len(self._nodes) + 1, "Rule D4"
        assert len(self._helps) <= self.settings.helped_max, "Rule D5"
        assert self._probe is None or self._probe.node in self._nodes
