"""Shapes of partitions, by name: which directed pairs of nodes cannot talk.

Pure functions over a shuffled list of nodes. Partial ones matter most: Raft needs no full mesh, and
systems have stood still for hours where only some links were left (Jensen et al., "Examining Raft's
behaviour during partial network failures", HAOC 2021; the reports in the fault matrix, row E1).
"""

from collections.abc import Callable
from itertools import pairwise

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng

Pairs = list[tuple[NodeId, NodeId]]


def all_pairs(nodes: list[NodeId]) -> Pairs:
    """Everyone to everyone else."""
    return [(a, b) for a in nodes for b in nodes if a != b]


def both_ways(a: NodeId, b: NodeId) -> Pairs:
    """A link."""
    return [(a, b), (b, a)]


def all_but(nodes: list[NodeId], links: Pairs) -> Pairs:
    """Only ``links`` (in both directions) are left: what is cut."""
    kept = dict.fromkeys([*links, *[(b, a) for a, b in links]])
    return [pair for pair in all_pairs(sorted(nodes)) if pair not in kept]


def isolate(nodes: list[NodeId]) -> Pairs:
    """The first alone."""
    return [pair for other in nodes[1:] for pair in both_ways(nodes[0], other)]


def halves(nodes: list[NodeId]) -> Pairs:
    """A smaller and a larger half."""
    side = nodes[: len(nodes) // 2]
    return [(a, b) for a, b in all_pairs(nodes) if (a in side) != (b in side)]


def bridge(nodes: list[NodeId]) -> Pairs:
    """Two halves that only the first node joins."""
    rest = nodes[1:]
    side = rest[: len(rest) // 2]
    return [(a, b) for a, b in all_pairs(rest) if (a in side) != (b in side)]


def chain(nodes: list[NodeId]) -> Pairs:
    """Each talks to its neighbours in a line."""
    return all_but(nodes, list(pairwise(nodes)))


def ring(nodes: list[NodeId]) -> Pairs:
    """Each talks to two neighbours in a circle."""
    return all_but(nodes, list(zip(nodes, [*nodes[1:], nodes[0]], strict=True)))


def star(nodes: list[NodeId]) -> Pairs:
    """Everyone talks to the first only: a majority exists, but only around it."""
    return all_but(nodes, [(nodes[0], other) for other in nodes[1:]])


def pendants(nodes: list[NodeId]) -> Pairs:
    """Three in touch; of the others, the fourth reaches the second only, and the fifth the third."""
    core = nodes[:3]
    links = [(a, b) for a, b in all_pairs(core) if a < b]
    links += [(outer, core[1 + place % 2]) for place, outer in enumerate(nodes[3:])]
    return all_but(nodes, links)


def deaf(nodes: list[NodeId]) -> Pairs:
    """The first is heard and hears nothing."""
    return [(other, nodes[0]) for other in nodes[1:]]


def mute(nodes: list[NodeId]) -> Pairs:
    """The first hears and is not heard."""
    return [(nodes[0], other) for other in nodes[1:]]


def one_link(nodes: list[NodeId]) -> Pairs:
    """The first two cannot talk to each other; everything else works."""
    return both_ways(nodes[0], nodes[1])


SHAPES: dict[str, Callable[[list[NodeId]], Pairs]] = {
    "isolate": isolate,
    "halves": halves,
    "bridge": bridge,
    "chain": chain,
    "ring": ring,
    "star": star,
    "pendants": pendants,
    "deaf": deaf,
    "mute": mute,
    "one-link": one_link,
}


def draw(nodes: list[NodeId], first: NodeId, prng: Prng) -> tuple[str, list[NodeId], Pairs]:
    """A shape, the order of the nodes in it, and what it cuts; ``first`` often stands first."""
    names = [name for name in SHAPES if len(nodes) > 3 or name not in ("pendants", "ring")]
    name = names[prng.below(len(names))]
    order = list(nodes)
    prng.shuffle(order)
    if prng.chance(0.6):
        order.remove(first)
        order.insert(0, first)
    return name, order, SHAPES[name](order)
