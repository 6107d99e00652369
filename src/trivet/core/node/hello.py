"""The first frame of a link between nodes (see ``peers``)."""

import msgspec

from trivet.core.base.ids import NodeId


class Hello(msgspec.Struct, array_like=True, tag=96, frozen=True):
    """The first frame of a link: who dials whom."""

    cluster: str
    node: NodeId
    to: NodeId
    format: int
    birth: int = 0
    """The number of the sender's data directory (Rule P4)."""
    host: str = ""
    peer_port: int = 0
    """Where the sender is found (Rule P5); port 0: it does not say."""


class Stranger(msgspec.Struct, array_like=True, tag=90, frozen=True):
    """The receiver is not whom it says that it is; ``birth`` is the one known here."""

    birth: int


class Beat(msgspec.Struct, array_like=True, tag=91, frozen=True):
    """The sender's process is alive, whatever its groups are doing."""
