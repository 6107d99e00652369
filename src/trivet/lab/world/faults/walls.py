"""Faults of the network: partitions of all shapes, slow and flapping links, broken connections."""

from trivet.core.base.ids import SYSTEM_GROUP, NodeId
from trivet.lab.world.faults import shapes
from trivet.lab.world.faults.ground import Ground
from trivet.lab.world.process import Process


def partition(g: Ground) -> bool:
    """Split the nodes in two; sometimes the leader alone."""
    nodes = g.nodes
    if len(nodes) < 2:
        return False
    if g.prng.chance(0.5):
        side = [g.choose().node]
    else:
        g.prng.shuffle(nodes)
        side = nodes[: g.prng.between(1, len(nodes) - 1)]
    pairs = [(a, b) for a, b in shapes.all_pairs(g.nodes) if (a in side) != (b in side)]
    g.wall(pairs, f"partition {side}", 2 * g.span_us())
    return True


def shape(g: Ground) -> bool:
    """A named shape, most of them partial."""
    if len(g.nodes) < 3:
        return False
    name, order, pairs = shapes.draw(g.nodes, g.choose().node, g.prng)
    g.count(f"shape-{name}")
    g.wall(pairs, f"partition {name} {order}", 2 * g.span_us())
    return True


def one_way(g: Ground) -> bool:
    """Some directed paths are cut."""
    pairs = shapes.all_pairs(g.nodes)
    if not pairs:
        return False
    g.prng.shuffle(pairs)
    cut = pairs[: g.prng.between(1, max(1, len(pairs) // 2))]
    g.wall(cut, f"one-way {cut}", 2 * g.span_us())
    return True


def leader_link(g: Ground) -> bool:
    """The leader of the system group and one node do not hear each other, for longer than the time of grace.

    In both directions, or in one. Everybody else hears both.
    """
    leaders = [node for node, p in g.victims.processes.items() if _leads_system(p)]
    others = [node for node in g.nodes if node not in leaders]
    if len(leaders) != 1 or len(others) < 2:
        return False
    pair = (leaders[0], others[g.prng.below(len(others))])
    way = g.prng.below(4)
    cut = shapes.both_ways(*pair) if way < 2 else [pair if way == 2 else pair[::-1]]
    g.wall(cut, f"the system's leader and another {cut}", 1000 * g.options.grace_ms * 5 // 4 + g.span_us())
    return True


def _leads_system(process: Process) -> bool:
    seen = process.looks.get(SYSTEM_GROUP)
    return seen is not None and seen.role == "leader"


def slow_link(g: Ground) -> bool:
    """One pair is slow, in both directions or in one."""
    pairs = shapes.all_pairs(g.nodes)
    if not pairs:
        return False
    a, b = pairs[g.prng.below(len(pairs))]
    slow = shapes.both_ways(a, b) if g.prng.chance(0.5) else [(a, b)]
    extra_us = g.prng.between(1_000, g.options.slow_link_ms_max * 1000)
    g.say(f"links {slow} are slower by {extra_us} us")
    for source, target in slow:
        g.network.slow_us[(source, target)] = extra_us

    def end() -> None:
        for source, target in slow:
            g.network.slow_us.pop((source, target), None)

    g.later(2 * g.span_us(), end)
    return True


def flap(g: Ground) -> bool:
    """A pair loses touch and finds it again, over and over."""
    pairs = shapes.all_pairs(g.nodes)
    if not pairs:
        return False
    a, b = pairs[g.prng.below(len(pairs))]
    cut = shapes.both_ways(a, b) if g.prng.chance(0.7) else [(a, b)]
    period_us = g.prng.between(20_000, 1_200_000)

    def again(times: int) -> None:
        g.wall(cut, f"flapping {cut}", g.prng.between(1, period_us))
        if times > 1:
            g.later(period_us + g.prng.between(1, period_us), lambda: again(times - 1))

    again(g.prng.between(2, 8))
    return True


def link_break(g: Ground) -> bool:
    """A connection is reset."""
    links = g.network.live_links()
    if not links:
        return False
    dialer, acceptor = links[g.prng.below(len(links))]
    g.say(f"link {dialer}->{acceptor} breaks")
    g.network.break_link(dialer, acceptor)
    return True


def client_drop(g: Ground) -> bool:
    """A client hangs up."""
    clients = g.victims.clients
    clients[g.prng.below(len(clients))].drop()
    return True


def cut_off(g: Ground, node: NodeId) -> None:
    """``node`` alone."""
    others = [other for other in g.nodes if other != node]
    g.wall(shapes.isolate([node, *others]), f"partition of {node}", 2 * g.span_us())
