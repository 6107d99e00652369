"""What a node's failure detector is told when it begins. Times are in ticks of the driver's clock."""

from dataclasses import dataclass

from trivet.core.gossip.swim_messages import RUMOURS_MAX

INCARNATION_MAX = 1 << 48
"""To begin with: lives may be counted in ms of time. From there a node only rises by one at a time."""


@dataclass(frozen=True)
class SwimSettings:
    """Each at least 1; beyond a limit the message is lost, as on a network."""

    node: int
    incarnation: int = 0
    """The one that this life begins with: best above all of former lives (Rule D3)."""
    period_ticks: int = 10
    """Each period asks one other node."""
    ping_ticks: int = 3
    """A ping that is not answered after so long is sent by way of others."""
    helpers: int = 3
    """So many others are asked to ping (k of §3.1)."""
    suspicion_periods: int = 3
    """A suspect has this many periods, times the logarithm of the number of nodes, to speak up."""
    revisit_periods: int = 3
    """Every so many periods a dead node is asked too (Rule D6)."""
    spread: int = 3
    """A rumour goes out so many times the logarithm of the number of nodes (the lambda of §4.1)."""
    rumours_max: int = 8
    """In one message."""
    answers_per_tick_max: int = 64
    """Pings that are answered or passed on; others are lost."""
    helped_max: int = 256
    """Pings for others under way."""


def problem(settings: SwimSettings) -> str:
    """What is wrong with ``settings``, in words; "" when they are sound."""
    if settings.node < 1:
        return "nodes are numbered from 1"
    if not 0 <= settings.incarnation <= INCARNATION_MAX:
        return "an incarnation to begin with leaves room for more"
    if settings.ping_ticks >= settings.period_ticks:
        return "a period is longer than a ping"
    if settings.rumours_max >= RUMOURS_MAX:
        return f"at most {RUMOURS_MAX - 1} rumours in a message, beside the one about the other node"
    limits = (
        settings.period_ticks, settings.ping_ticks, settings.helpers, settings.suspicion_periods,
        settings.revisit_periods, settings.spread, settings.rumours_max, settings.answers_per_tick_max,
        settings.helped_max,
    )  # fmt: skip
    return "" if min(limits) >= 1 else "every limit is at least 1"
