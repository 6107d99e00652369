"""Reach: which nodes this one hears, and which others hear (``liveness``); for views and ``INFO``.

On the path: nowhere.
"""

from typing import Final

from trivet.core.base.ids import NodeId
from trivet.core.cluster.facts import Facts
from trivet.core.gossip.swim_messages import ALIVE, DEAD
from trivet.core.node.front import Front
from trivet.core.node.liveness import NAMES

UNREACHABLE: Final = "unreachable"


def facts_seen(front: Front) -> Facts:
    """What this node sees of the others, and is told of them. Who is suspect and gone is dead here."""
    facts = Facts()
    for node in front.cluster.members:
        status, silent_ms = front.liveness.status(node), front.touch.silent_ms(node, front.now_ms)
        if front.alive(node):
            if status == DEAD:  # its link is up, and it does not answer
                facts.dead_ms[node] = front.now_ms - front.liveness.alive_ms(node, front.now_ms)
        elif status == ALIVE:
            facts.unreachable_ms[node] = silent_ms
        else:
            facts.dead_ms[node] = silent_ms
    return facts


def is_unreachable(front: Front, facts: Facts, node: NodeId) -> bool:
    """Whether others hear ``node``, and the one that knows ``facts`` does not."""
    return node in facts.unreachable_ms and front.liveness.status(node) == ALIVE


def liveness_facts(front: Front) -> dict[str, str | int]:
    """``INFO liveness``: counts, and a line for each other node."""
    liveness, own = front.liveness, front.config.node
    reported = front.steward.facts() if front.steward is not None else None
    facts = reported or facts_seen(front)
    found: dict[str, str | int] = {
        "trivet_incarnation": liveness.incarnation_of(own),
        "trivet_suspicions": liveness.suspicions,
        "trivet_deaths": liveness.deaths,
        "trivet_refutations": liveness.refutations,
        "trivet_spoken_up": liveness.spoken_up,
    }
    for node in front.cluster.members:
        if node != own:
            word = UNREACHABLE if is_unreachable(front, facts, node) else NAMES[liveness.status(node)]
            since_ms = front.now_ms - liveness.alive_ms(node, front.now_ms)
            found[f"trivet_node{node}"] = (
                f"status={word},incarnation={liveness.incarnation_of(node)},not_alive_ms={since_ms}"
            )
    return found
