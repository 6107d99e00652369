"""Calm: whether a node may do with few ticks, since nothing passes with time.

On the path: nowhere; asked after every turn, and most often answered by its first question.

- Rule D5: while every group sleeps, no alarm is near and no client waits for time to pass, ticks serve beats
  and the steward only, and may come as seldom as beats.
"""

from trivet.core.group.agenda import Agenda
from trivet.core.node.front import Front
from trivet.core.steward.steward import Steward


def is_calm(agenda: Agenda, front: Front, steward: Steward) -> bool:
    """Rule D5."""
    if agenda.awake or agenda.stirred or front.stopping or steward.movers:
        return False
    return agenda.next_alarm_ms > front.wall_ms + front.config.heartbeat_ms and not _awaits_time(front)


def _awaits_time(front: Front) -> bool:
    """Whether something of a client ends, or goes on, when time passes."""
    return bool(
        front.waiting or front.backlogged or front.steps or front.adrift or front.blocked.by_client
        or front.rerouting.homeless or front.pause_of_all.until_ms or front.pubsub.confirmations
    )  # fmt: skip
