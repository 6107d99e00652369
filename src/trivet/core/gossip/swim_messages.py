"""What nodes say to each other about who is alive.

All of it may be lost, doubled, late and out of order.
"""

from typing import Annotated, Final

import msgspec

RUMOURS_MAX: Final = 64
"""In one message."""

ALIVE: Final = 0
SUSPECT: Final = 1
DEAD: Final = 2

Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 62) - 1)]


class Rumour(msgspec.Struct, array_like=True, frozen=True):
    """``node`` is ``status`` in its ``incarnation`` (Rule D1)."""

    node: Number
    incarnation: Number
    status: Annotated[int, msgspec.Meta(ge=0, le=2)]


Rumours = Annotated[list[Rumour], msgspec.Meta(max_length=RUMOURS_MAX)]


class OfSwim(msgspec.Struct, array_like=True, frozen=True):
    """A message of one node to another."""


class Ping(OfSwim, array_like=True, tag=127, frozen=True):
    """Are you alive? The sender is, in ``incarnation``."""

    number: Number
    incarnation: Number
    rumours: Rumours = []


class PingFor(OfSwim, array_like=True, tag=128, frozen=True):
    """Ask ``node`` for me: it does not answer me."""

    number: Number
    node: Number
    rumours: Rumours = []


class Pong(OfSwim, array_like=True, tag=129, frozen=True):
    """``node`` is alive in ``incarnation``: the answer to the ``Ping`` or ``PingFor`` of that ``number``."""

    number: Number
    node: Number
    incarnation: Number
    rumours: Rumours = []


class News(OfSwim, array_like=True, tag=130, frozen=True):
    """Rumours on something that leaves anyway: the sender is alive in ``incarnation``. Nobody answers it."""

    incarnation: Number
    rumours: Rumours


SwimMessage = Ping | PingFor | Pong | News
