"""What a line relay is told, limits included."""

from typing import Final

import msgspec

_KIB: Final = 1024
_MIB: Final = 1024 * 1024


class RelaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits are per client unless they say otherwise."""

    host: str = "127.0.0.1"
    port: int = 9000
    """0: any free one."""
    channel: bytes = b"trivet.relay"
    """Relays with the same channel are one."""
    line_bytes_max: int = 64 * _KIB
    """The line end not counted."""
    clients_max: int = 1_000
    """At a time; one more is told so and closed."""
    client_output_bytes_max: int = 4 * _MIB
    """Lines that it does not read, beyond which it is cut off."""
    client_unpublished_bytes_max: int = 256 * _KIB
    """Its lines that no node has taken yet, beyond which it is not read from."""
    client_burst_bytes: int = 1 * _MIB
    """What it may send at once."""
    client_bytes_per_s: int = 1 * _MIB
    """What it may send for longer; faster ones are read more slowly."""
    in_flight_bytes_max: int = 1 * _MIB
    """Lines of all clients on their way to the node."""
    relays_known_max: int = 10_000
    """Other relays whose last number is remembered."""
