"""What the configuration says about a member."""

import msgspec

from trivet.core.base.ids import NodeId


class GossipSettings(msgspec.Struct, frozen=True):
    """Times in ticks of the driver's clock, sizes in bytes."""

    node: NodeId
    actor: int
    """As whom this node makes updates."""
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
