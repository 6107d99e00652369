"""What nodes say of themselves on a link: who dials (``peers``), and that they are there (``liveness``)."""

from typing import Annotated, Final

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.gossip.swim_messages import SwimMessage

WORDS_MAX: Final = 128
"""In one beat: SWIM's answers of a tick, its own pings, and some room."""


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

    words: Annotated[list[SwimMessage], msgspec.Meta(max_length=WORDS_MAX)] = []
    """What it has heard of others, and asks the receiver about them (Rule H1)."""
