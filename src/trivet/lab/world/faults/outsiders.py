"""What a node outside the core suffers while the core must serve: broken for good, in one of many ways.

None of these ways may hinder a majority that is whole. A link to one node of the core is left only
where that does not make up a majority: a leader there would be right to go on.
"""

from trivet.core.base.ids import NodeId
from trivet.lab.world.faults import shapes
from trivet.lab.world.faults.ground import Ground, Pairs

WAYS = ("dead", "cut off", "deaf", "mute", "pendant", "hanging", "full", "paused")


def break_for_good(g: Ground, node: NodeId, core: list[NodeId]) -> None:
    """Break ``node``, which is outside ``core``, until everything is healed."""
    process = g.victims.processes[node]
    ways = [way for way in WAYS if way != "pendant" or len(g.nodes) > 3]
    way = ways[g.prng.below(len(ways))]
    others = [other for other in g.nodes if other != node]
    g.say(f"outside the core: node {node} is {way}")
    g.count(f"outsider-{way.replace(' ', '-')}")
    if way == "dead":
        process.crash(g.prng.chance(0.5), False)
        return
    process.start()
    if way == "hanging":
        process.disk.hang()
    elif way == "full":
        process.disk.full = True
    elif way == "paused":
        process.pause()
    else:
        _wall(g, _cut(g, way, node, others, core), f"core: {node} is {way}")


def _cut(g: Ground, way: str, node: NodeId, others: list[NodeId], core: list[NodeId]) -> Pairs:
    if way == "deaf":
        return shapes.deaf([node, *others])
    if way == "mute":
        return shapes.mute([node, *others])
    cut = shapes.isolate([node, *others])
    if way == "pendant":
        friend = core[g.prng.below(len(core))]
        return [pair for pair in cut if friend not in pair]
    return cut


def _wall(g: Ground, pairs: Pairs, text: str) -> None:
    for source, target in pairs:
        g.network.block(source, target)
    g.shared.walls += 1
    if g.victims.recorder is not None:
        g.victims.recorder.wall(g.now_us, g.shared.walls, pairs, text)
