"""What nodes say to each other about subscribers, and the messages for those."""

from enum import IntEnum

import msgspec


class Kind(IntEnum):
    """What a name means."""

    CHANNEL = 0
    PATTERN = 1
    SHARD = 2
    """A sharded channel: no pattern matches it."""


class OfSubscribers(msgspec.Struct, array_like=True, frozen=True):
    """What the messages of this room have in common: one look tells them from all others."""


class Interest(OfSubscribers, array_like=True, tag=97, frozen=True):
    """How many clients of the sender listen to which names.

    ``incarnation`` and ``number`` are the sender's: its life, and how many messages of this room it has sent
    to this receiver in it. ``fresh``: what the receiver knew before is void. Each list has (name, clients),
    0: nobody any more. ``change``: the number of the sender's last change that is told with this message and
    all before it; 0: the rest of that change comes with the next.
    """

    incarnation: int
    number: int
    fresh: bool
    channels: list[tuple[bytes, int]]
    patterns: list[tuple[bytes, int]]
    shard_channels: list[tuple[bytes, int]]
    change: int = 0

    def by_kind(self) -> list[tuple[Kind, list[tuple[bytes, int]]]]:
        """The three lists."""
        return [
            (Kind.CHANNEL, self.channels),
            (Kind.PATTERN, self.patterns),
            (Kind.SHARD, self.shard_channels),
        ]


class Published(OfSubscribers, array_like=True, tag=98, frozen=True):
    """Messages for the receiver's clients, in the order of their publishing. Not answered."""

    incarnation: int
    number: int
    messages: list[tuple[bool, bytes, bytes]]
    """(to a sharded channel, channel, message)."""


class TellEverything(OfSubscribers, array_like=True, tag=100, frozen=True):
    """Something of the receiver's announcements is missing: it is to tell of all its listeners anew."""


class Heard(OfSubscribers, array_like=True, tag=99, frozen=True):
    """The receiver's announcements, of its life ``incarnation``, have been heard up to ``change``."""

    incarnation: int
    change: int


PubSubMessage = Interest | Published | TellEverything | Heard
