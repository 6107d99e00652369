"""The network between nodes: links that delay, lose, repeat and reorder, and walls between nodes.

Every node dials those that it was told to; frames travel only on dialed links. A link lives from its
dialing to its break, and each end learns of the break in its own time, or not at all while
the machine at the other end is dark. Where a wall stands, frames vanish or are held back
until it falls (as TCP retransmits), and long stalls may break the link. A copy that comes very
late comes on whatever link there is by then between the two.
"""

# ruff: noqa: D102 (the small protocols say what their names say)

from collections.abc import Iterable
from typing import Protocol

from trivet.core.base.ids import LinkId, NodeId
from trivet.core.base.prng import Prng
from trivet.lab.recording import Fate, Message, Recorder
from trivet.lab.world.options import RunOptions
from trivet.lab.world.sim import Simulation

LATE_US = 20_000
"""A copy that is later than this may find its link gone."""


class Endpoint(Protocol):
    """A process as the network sees it."""

    incarnation: int

    def is_up(self) -> bool: ...
    def peer_dialed(self, incarnation: int, peer: NodeId) -> None: ...
    def peer_lost(self, incarnation: int, peer: NodeId) -> None: ...
    def link_accepted(self, incarnation: int, link: LinkId, address: str) -> None: ...
    def link_bytes(self, incarnation: int, link: LinkId, data: bytes) -> None: ...
    def link_closed(self, incarnation: int, link: LinkId) -> None: ...


class Link:
    """One TCP connection from a dialer to an acceptor."""

    def __init__(
        self, number: LinkId, dialer: NodeId, acceptor: NodeId, dialer_life: int, acceptor_life: int
    ) -> None:
        self.number = number
        self.dialer = dialer
        self.acceptor = acceptor
        self.dialer_life = dialer_life
        self.acceptor_life = acceptor_life
        self.dialer_open = True
        self.acceptor_open = True
        self.greeted = False
        """Whether the first frame, the handshake, has been sent."""
        self.last_us = 0
        """No frame of an orderly link arrives before this."""
        self.held: list[tuple[bytes, Message | None]] = []


class Network:
    """All links and walls of one cluster."""

    def __init__(self, simulation: Simulation, prng: Prng, options: RunOptions) -> None:
        self._simulation = simulation
        self._prng = prng
        self._options = options
        self._ends: dict[NodeId, Endpoint] = {}
        self._wanted: dict[NodeId, dict[NodeId, None]] = {}
        """To whom each node keeps links."""
        self._known: dict[NodeId, list[NodeId]] = {}
        self._links: dict[tuple[NodeId, NodeId], Link] = {}
        self._accepted: dict[LinkId, Link] = {}
        self._walls: dict[tuple[NodeId, NodeId], int] = {}
        self._next_link = 1
        self.slow_us: dict[tuple[NodeId, NodeId], int] = {}
        """(source, target) of slow links, and how much longer they take at most."""
        self.changed_us = 0
        """When a link last came or went."""
        self.calm = False
        """No more chance faults: the liveness phase."""
        self.recorder: Recorder | None = None
        self.frames = 0
        self.dropped = 0
        self.duplicated = 0
        self.reordered = 0
        self.blocked = 0
        """Lost at a wall."""
        self.held = 0
        """Held back by a wall."""
        self.late = 0
        """Copies delivered more than ``LATE_US`` after the original was sent."""

    def counts(self) -> dict[str, int]:
        """How often each fault of the network struck."""
        return {
            "drop": self.dropped,
            "duplicate": self.duplicated,
            "reorder": self.reordered,
            "blocked": self.blocked,
            "held": self.held,
            "late-copy": self.late,
        }

    def walls_stand(self) -> bool:
        """Whether some pair is cut off from each other."""
        return any(count > 0 for count in self._walls.values())

    def add(self, node: NodeId, end: Endpoint, known: Iterable[NodeId]) -> None:
        """Plug a process in, which at its start dials those that it knows."""
        self._ends[node] = end
        self._known[node] = [peer for peer in known if peer != node]

    # -- dialing

    def started(self, node: NodeId) -> None:
        """A process came up: it dials the others, and half-dead links to it are found out."""
        life = self._ends[node].incarnation
        known = self._known[node]
        self._wanted[node] = dict.fromkeys(known)
        for peer in self._ends:
            if peer in known:
                self._dial_later(node, life, peer, self._prng.between(0, 20_000))
            stale = self._links.get((peer, node))
            if stale is not None:
                self._tell_dialer(stale, self._prng.between(100, 100_000))

    def dials(self, node: NodeId, peers: list[NodeId]) -> None:
        """``node`` keeps links to these from now on, and to no others."""
        before, after = self._wanted[node], dict.fromkeys(peers)
        self._wanted[node] = after
        life = self._ends[node].incarnation
        for peer in after:
            if peer not in before:
                self._dial_later(node, life, peer, self._prng.between(0, 20_000))
        for peer in [peer for peer in before if peer not in after]:
            link = self._links.get((node, peer))
            if link is not None:
                self._tell_dialer(link, 1)
                self._tell_acceptor(link, self._hearing_us(node, peer))

    def _dial_later(self, node: NodeId, life: int, peer: NodeId, delay_us: int) -> None:
        self._simulation.after(delay_us, lambda: self._dial(node, life, peer))

    def _dial(self, node: NodeId, life: int, peer: NodeId, again: bool = True) -> None:
        """An attempt; ``again``: where it fails others follow."""
        here, there = self._ends[node], self._ends.get(peer)
        if here.incarnation != life or not here.is_up() or (node, peer) in self._links:
            return
        if peer not in self._wanted[node]:
            return
        if there is None or not there.is_up() or self._blocked(node, peer) or self._blocked(peer, node):
            if again:
                self._dial_later(node, life, peer, self._prng.between(50_000, 300_000))
            return
        link = Link(self._next_link, node, peer, life, there.incarnation)
        self._next_link += 1
        self._links[(node, peer)] = link
        self._accepted[link.number] = link
        self._changed()
        there.link_accepted(link.acceptor_life, link.number, f"node-{node}:{link.number}")
        self._simulation.after(self._delay_us(), lambda: self._dialed(link))

    def _dialed(self, link: Link) -> None:
        if link.dialer_open:
            self._changed()
            self._ends[link.dialer].peer_dialed(link.dialer_life, link.acceptor)

    def _changed(self) -> None:
        self.changed_us = self._simulation.now_us

    # -- frames

    def send(self, node: NodeId, peer: NodeId, frame: bytes) -> None:
        """``node`` puts a frame on its dialed link to ``peer``; without a link it is lost."""
        link = self._links.get((node, peer))
        if link is None or not link.dialer_open:
            return
        if not link.acceptor_open and self._resets(link):
            self._tell_dialer(link, self._delay_us())
        self.frames += 1
        options, prng = self._options, self._prng
        note = self._note(link, frame)
        arrival_us = self._simulation.now_us + self._delay_us()
        if self.slow_us:
            arrival_us += self._slowness_us(node, peer)
        if not link.greeted:
            link.greeted = True
            link.last_us = arrival_us
            self._simulation.at(arrival_us, lambda: self._arrive(link, frame, True, note))
            return
        if not self.calm:
            if options.drop_rate and prng.chance(options.drop_rate):
                self.dropped += 1
                self._ends_as(note, Fate.DROPPED)
                return
            if options.duplicate_rate and prng.chance(options.duplicate_rate):
                self._duplicate(link, frame, arrival_us)
            if options.reorder_rate and prng.chance(options.reorder_rate):
                self.reordered += 1
                if note is not None:
                    note.delayed = True
                arrival_us = max(arrival_us, link.last_us) + prng.between(0, 4 * options.net_us_max)
                self._simulation.at(arrival_us, lambda: self._arrive(link, frame, False, note))
                return
        link.last_us = max(link.last_us, arrival_us)
        self._simulation.at(link.last_us, lambda: self._arrive(link, frame, False, note))

    def _duplicate(self, link: Link, frame: bytes, arrival_us: int) -> None:
        self.duplicated += 1
        prng = self._prng
        late_us = 1000 * prng.between(0, self._options.duplicate_late_ms_max if prng.chance(0.3) else 5)
        copy = self._note(link, frame)
        if copy is not None:
            copy.duplicate = True
        at_us = max(arrival_us, link.last_us) + late_us
        if late_us > LATE_US:
            self._simulation.at(at_us, lambda: self._arrive_late(link, frame, copy))
        else:
            self._simulation.at(at_us, lambda: self._arrive(link, frame, False, copy))

    def _arrive_late(self, link: Link, frame: bytes, copy: Message | None) -> None:
        """A copy from long ago, on the present link if that one is gone; never after the faults ended."""
        if not link.acceptor_open:
            link = self._links.get((link.dialer, link.acceptor), link)
        if self.calm or not link.greeted or not link.acceptor_open:
            self._ends_as(copy, Fate.LOST)
            return
        self.late += 1
        self._arrive(link, frame, False, copy)

    def _slowness_us(self, source: NodeId, target: NodeId) -> int:
        most_us = self.slow_us.get((source, target), 0)
        return self._prng.between(most_us // 2, most_us) if most_us else 0

    def _note(self, link: Link, frame: bytes) -> Message | None:
        if self.recorder is None:
            return None
        return self.recorder.sent(self._simulation.now_us, link.dialer, link.acceptor, frame)

    def _ends_as(self, note: Message | None, fate: Fate) -> None:
        if self.recorder is not None:
            self.recorder.ends(note, self._simulation.now_us, fate)

    def _arrive(self, link: Link, frame: bytes, handshake: bool, note: Message | None) -> None:
        if not link.acceptor_open:
            self._ends_as(note, Fate.LOST)
            return
        if self._blocked(link.dialer, link.acceptor):
            if handshake:
                self.break_link(link.dialer, link.acceptor)
            elif self._prng.chance(self._options.hold_rate):
                self.held += 1
                link.held.append((frame, note))
                return
            self.blocked += 1
            self._ends_as(note, Fate.BLOCKED)
            return
        self._ends_as(note, Fate.DELIVERED)
        end = self._ends[link.acceptor]
        if self._options.split_rate and self._prng.chance(self._options.split_rate):
            cut = self._prng.below(len(frame) + 1)
            end.link_bytes(link.acceptor_life, link.number, frame[:cut])
            end.link_bytes(link.acceptor_life, link.number, frame[cut:])
        else:
            end.link_bytes(link.acceptor_life, link.number, frame)

    def _delay_us(self) -> int:
        options, prng = self._options, self._prng
        if not self.calm and options.net_slow_rate and prng.chance(options.net_slow_rate):
            return prng.between(options.net_us_max, options.net_us_max + options.net_slow_us_max)
        return prng.between(options.net_us_min, options.net_us_max)

    # -- breaks

    def crashed(self, node: NodeId, silent: bool) -> None:
        """A process is gone; ``silent``: its machine too, so that nobody hears of it for a while."""
        self._changed()
        for link in list(self._links.values()):
            if link.dialer == node:
                link.dialer_open = False
                del self._links[(link.dialer, link.acceptor)]
                self._tell_acceptor(
                    link, self._prng.between(1_000_000, 8_000_000) if silent else self._delay_us()
                )
            elif link.acceptor == node:
                link.acceptor_open = False
                self._tell_dialer(
                    link, self._prng.between(1_000_000, 8_000_000) if silent else self._delay_us()
                )

    def break_link(self, dialer: NodeId, acceptor: NodeId) -> None:
        """The connection is reset; each end hears of it soon, or when a wall between them allows."""
        link = self._links.get((dialer, acceptor))
        if link is not None:
            self._tell_dialer(link, self._hearing_us(acceptor, dialer))
            self._tell_acceptor(link, self._hearing_us(dialer, acceptor))

    def _hearing_us(self, speaker: NodeId, hearer: NodeId) -> int:
        return self._prng.between(100_000, 5_000_000) if self._blocked(speaker, hearer) else self._delay_us()

    def _resets(self, link: Link) -> bool:
        """Whether the machine at the other end answers what comes on a connection that it knows no more."""
        here, there = link.dialer, link.acceptor
        return self._ends[there].is_up() and not self._blocked(here, there) and not self._blocked(there, here)

    def redial(self, node: NodeId, peer: NodeId) -> None:
        """``node`` drops its link to ``peer`` by itself and dials anew; without one it tries at once."""
        link = self._links.get((node, peer))
        if link is None:
            life = self._ends[node].incarnation
            self._simulation.after(self._delay_us(), lambda: self._dial(node, life, peer, again=False))
            return
        if not link.dialer_open:
            return
        link.dialer_open = False
        self._changed()
        del self._links[(node, peer)]
        self._tell_acceptor(link, self._hearing_us(node, peer))
        self._dial_later(node, link.dialer_life, peer, self._prng.between(10_000, 100_000))

    def close_accepted(self, node: NodeId, number: LinkId) -> None:
        """``node`` closes a link that it had accepted."""
        link = self._accepted.get(number)
        if link is not None and link.acceptor_open and link.acceptor == node:
            self._changed()
            link.acceptor_open = False
            del self._accepted[number]
            self._tell_dialer(link, self._hearing_us(node, link.dialer))

    def _tell_dialer(self, link: Link, delay_us: int) -> None:
        def hear() -> None:
            if not link.dialer_open:
                return
            self._changed()
            link.dialer_open = False
            if self._links.get((link.dialer, link.acceptor)) is link:
                del self._links[(link.dialer, link.acceptor)]
            self._ends[link.dialer].peer_lost(link.dialer_life, link.acceptor)
            self._dial_later(
                link.dialer, link.dialer_life, link.acceptor, self._prng.between(10_000, 100_000)
            )

        self._simulation.after(delay_us, hear)

    def _tell_acceptor(self, link: Link, delay_us: int) -> None:
        def hear() -> None:
            if link.acceptor_open:
                self._changed()
                link.acceptor_open = False
                self._accepted.pop(link.number, None)
                self._ends[link.acceptor].link_closed(link.acceptor_life, link.number)

        self._simulation.after(max(delay_us, link.last_us - self._simulation.now_us), hear)

    # -- walls

    def _blocked(self, source: NodeId, target: NodeId) -> bool:
        return self._walls.get((source, target), 0) > 0

    def block(self, source: NodeId, target: NodeId) -> None:
        """Nothing passes from ``source`` to ``target`` until as many ``unblock`` as ``block``."""
        self._walls[(source, target)] = self._walls.get((source, target), 0) + 1
        link = self._links.get((source, target))
        if link is not None and self._prng.chance(self._options.stall_breaks_rate):
            self._tell_dialer(link, self._prng.between(200_000, 8_000_000))

    def unblock(self, source: NodeId, target: NodeId) -> None:
        """Take one wall away; what was held back arrives."""
        self._walls[(source, target)] = max(0, self._walls.get((source, target), 0) - 1)
        if self._blocked(source, target):
            return
        link = self._links.get((source, target))
        if link is not None:
            held, link.held = link.held, []
            for frame, note in held:
                if note is not None:
                    note.delayed = True
                self._later(link, frame, note)

    def _later(self, link: Link, frame: bytes, note: Message | None) -> None:
        link.last_us = max(link.last_us, self._simulation.now_us + self._delay_us())
        self._simulation.at(link.last_us, lambda: self._arrive(link, frame, False, note))

    def heal(self) -> None:
        """No walls, no chance faults any more."""
        self.calm = True
        self.slow_us.clear()
        for source, target in list(self._walls):
            self._walls[(source, target)] = 0
            self.unblock(source, target)

    def whole_links(self) -> list[tuple[NodeId, NodeId]]:
        """(source, target) of every link over which frames come in good time."""
        return [
            pair
            for pair, link in self._links.items()
            if link.greeted and link.dialer_open and link.acceptor_open
            if not self._blocked(*pair) and pair not in self.slow_us
        ]

    def live_links(self) -> list[tuple[NodeId, NodeId]]:
        """(dialer, acceptor) of every link that its dialer believes in."""
        return list(self._links)
