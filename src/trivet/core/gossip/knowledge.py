"""What the other members have seen, as they have said last.

- Rule N5: *stable* is what every member of the map has said to have seen. Nothing that somebody might still
  need is forgotten before; who is away counts until the map says that it is no member.
"""

from collections.abc import Iterable, Mapping

from trivet.core.base.ids import NO_NODE, NodeId
from trivet.core.gossip.exchange import Give
from trivet.core.lattice.clock import Clock


class Peer:
    """Another member."""

    __slots__ = ("actor", "clock", "epoch", "give", "is_heard", "is_told", "told_ticks", "up")

    def __init__(self) -> None:
        self.up = False
        self.clock: Clock | None = None
        """What it has seen and keeps, as it said last; None: it has said nothing."""
        self.actor = 0
        """As whom it makes updates; 0: it has not said."""
        self.epoch = 0
        """By which members it went when it said what it has seen."""
        self.is_heard = False
        """It has said what it has seen since the link came up."""
        self.is_told = False
        """It was told what is seen here, since that changed."""
        self.told_ticks = 0
        self.give: Give | None = None
        """What it is getting from here."""


def stable_of(own: Clock, peers: Iterable[Peer]) -> Clock:
    """Rule N5; ``own``: what is on the disk here."""
    stable = own.copy()
    for peer in peers:
        if peer.clock is None:
            return Clock()
        stable = stable.meet(peer.clock)
    return stable


def told_of(own: Clock, peers: Iterable[Peer]) -> Clock:
    """All that any member has said to have seen."""
    told = own.copy()
    for peer in peers:
        if peer.clock is not None:
            told.join(peer.clock)
    return told


def holders_of(actor: int, number: int, peers: Mapping[NodeId, Peer]) -> list[NodeId]:
    """Which of them have this update, and all of its actor before it, on their disks."""
    clocks = [(node, peer.clock) for node, peer in peers.items() if peer.clock is not None]
    return [node for node, clock in clocks if clock.base(actor) >= number]


def alone_of(own: Clock, peers: Iterable[Peer], count: int = 1) -> int:
    """Updates of ``own`` that fewer than ``count`` of them are known to have on their disks."""
    held = [Clock() for _ in range(count)]
    """What one of them has, what two of them have, ..."""
    for clock in [peer.clock for peer in peers if peer.clock is not None]:
        for more in range(count - 1, 0, -1):
            held[more].join(held[more - 1].meet(clock))
        held[0].join(clock)
    return sum([last - first + 1 for _, first, last in held[-1].missing_from(own)])


def whom_to_ask(lacks: dict[NodeId, list[tuple[int, int, int]]], asked: NodeId, own: NodeId) -> NodeId:
    """Who has most of what is missing at ``own``, but not twice in turn; members begin with different ones.

    ``lacks``: by member, what it has and ``own`` lacks; ``asked``: who was asked last.
    """
    counts = {node: sum([last - first + 1 for _, first, last in rows]) for node, rows in lacks.items()}
    nodes = sorted([node for node in counts if node != asked or len(counts) == 1])
    most = max([counts[node] for node in nodes])
    best = [node for node in nodes if counts[node] == most]
    later = [node for node in best if node > asked] or best
    return best[own % len(best)] if asked == NO_NODE else later[0]
