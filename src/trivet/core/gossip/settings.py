"""What the configuration says about a member."""

from typing import Final

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.gossip.messages import RANGES_MAX
from trivet.core.lattice.clock import ACTORS_MAX


class GossipSettings(msgspec.Struct, frozen=True):
    """Times in ticks of the driver's clock, sizes in bytes."""

    node: NodeId
    actor: int
    """As whom this node makes updates."""
    life: int = 1
    """Of its process, higher with every start: what was said to an earlier one is not for this one."""
    message_bytes_max: int = 1 << 20
    """Of a message, about; a single larger update or state goes alone."""
    retained_bytes_max: int = 64 << 20
    """Of updates that are kept for members that lack them; the oldest go first; an exchange brings them."""
    waiting_bytes_max: int = 16 << 20
    """Of updates that have come before what they build upon; more are dropped, and asked for again."""
    give_bytes_per_tick: int = 1 << 20
    """So much goes to one peer in an exchange, or of what it asked for, between two ticks."""
    patience_ticks: int = 10
    """What a peer has and this member lacks is asked for after so long: mostly it is on its way."""
    tell_ticks: int = 25
    """So often peers tell each other what they have seen, while it differs."""
    silence_ticks: int = 100
    """An exchange that gets nothing for so long is given up, and begun again elsewhere."""
    want_ranges_max: int = 1_000
    """Ranges of updates that are asked for at a time; of more the first are served."""
    actors_max: int = 5_000
    """Actors of whom updates are taken, all lives of all nodes together; of more they are refused."""


AFTER_MAX: Final = 64
"""Messages that wait for the disk: as long as there are more nothing is given."""
DIGESTED_AT_ONCE: Final = 1_000
"""Keys whose digests are made while somebody waits for them."""
DIGESTED_PER_TICK: Final = 1_000
"""Keys whose digests are made in a tick, if no updates wait to be taken, or there are many such keys."""
STATES_PER_TURN: Final = 200
"""States of an exchange that a turn joins."""
STALE_MAX: Final = 200_000
"""Of more keys digests are made, whatever else there is to be done."""
ACTOR_SHIFT: Final = 44


def node_of(actor: int) -> NodeId:
    """Whose updates these are: an actor is one life of a node."""
    return actor >> ACTOR_SHIFT


def problem(settings: GossipSettings) -> str:
    """What is wrong with ``settings``, in words; "" when they are sound."""
    if settings.node < 1 or settings.actor < 1:
        return "nodes and actors are numbered from 1"
    if settings.actors_max > ACTORS_MAX or settings.want_ranges_max > RANGES_MAX:
        return "more than others take in one message"
    limits = (
        settings.message_bytes_max, settings.retained_bytes_max, settings.waiting_bytes_max,
        settings.give_bytes_per_tick, settings.patience_ticks, settings.tell_ticks, settings.silence_ticks,
        settings.want_ranges_max, settings.actors_max,
    )  # fmt: skip
    return "" if min(limits) >= 1 else "every limit is at least 1"
