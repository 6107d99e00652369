"""What members of a group of mode ``eventual`` say to each other.

All of it may be lost, doubled, late and out of order; what a peer sends is judged before it is used.
"""

from typing import Annotated, Final

import msgspec

from trivet.core.lattice.delta import Delta, decode_deltas, encode_deltas

RANGES_MAX: Final = 10_000
PLACES_MAX: Final = 65_536
KEYS_MAX: Final = 1_000_000

Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Digest = Annotated[bytes, msgspec.Meta(min_length=8, max_length=8)]


class OfGossip(msgspec.Struct, array_like=True, frozen=True):
    """A message of one member to another."""


class Updates(OfGossip, array_like=True, tag=120, frozen=True):
    """Updates, in an order in which they can be taken: a list of ``Delta``, read when it is its turn.

    ``lost``: of what was asked for, something is kept here no more: an exchange would bring it.
    """

    data: msgspec.Raw
    lost: bool = False

    @property
    def deltas(self) -> list[Delta]:
        """The updates themselves; raises ``ValueError`` when they are nonsense."""
        return decode_deltas(self.data)


class Seen(OfGossip, array_like=True, tag=121, frozen=True):
    """All that the sender has seen, and has on its disk. ``asks``: it wants to hear the same.

    ``root``: the digest of what it holds; ``memories``: how much of that is of things that are gone.
    ``actor``: as whom it makes updates. ``epoch``: by which members it goes (Rule N12).
    """

    clock: bytes
    asks: bool
    root: Digest
    memories: Number
    actor: Number = 0
    epoch: Number = 0


class Want(OfGossip, array_like=True, tag=122, frozen=True):
    """Send these: (actor, first, last)."""

    ranges: Annotated[list[tuple[Number, Number, Number]], msgspec.Meta(max_length=RANGES_MAX)]


class Compare(OfGossip, array_like=True, tag=123, frozen=True):
    """In the exchange ``number``: below each of these nodes of ``level`` the sender has these sums.

    Level 0, with which it begins, is the root: one row for place 0. Children that hold nothing are left out.
    """

    number: Number
    level: Annotated[int, msgspec.Meta(ge=0, le=3)]
    rows: Annotated[list[tuple[Number, list[tuple[Number, Digest]]]], msgspec.Meta(max_length=PLACES_MAX)]


class Differ(OfGossip, array_like=True, tag=124, frozen=True):
    """Of what was compared last these nodes of ``level`` differ: tell of them. Level 4: of their keys.

    ``clock``: what the sender had seen when the exchange began; what is asked is all that differs.
    """

    number: Number
    level: Annotated[int, msgspec.Meta(ge=1, le=4)]
    places: Annotated[list[Number], msgspec.Meta(max_length=PLACES_MAX)]
    clock: bytes


class Keys(OfGossip, array_like=True, tag=125, frozen=True):
    """The keys of these leaves and their digests."""

    number: Number
    rows: Annotated[list[tuple[Number, list[tuple[bytes, Digest]]]], msgspec.Meta(max_length=PLACES_MAX)]


class States(OfGossip, array_like=True, tag=126, frozen=True):
    """Keys as the sender holds them, and what it had seen of them.

    ``serial``: 1, 2, 3, ... in an exchange. ``done``: the last; whoever has taken all of them has seen
    ``clock``, of all keys.
    """

    number: Number
    serial: Number
    clock: bytes
    rows: Annotated[list[tuple[bytes, bytes]], msgspec.Meta(max_length=KEYS_MAX)]
    done: bool = False


GossipMessage = Updates | Seen | Want | Compare | Differ | Keys | States


NO_DELTAS: Final = msgspec.Raw(b"\x90")
"""Instead of updates: there are none."""


def updates_of(deltas: list[Delta]) -> Updates:
    """A message with these."""
    return Updates(msgspec.Raw(encode_deltas(deltas)))


UNKNOWN: Final = bytes(8)
"""Instead of a digest: its sender holds more than it has on its disk."""


def digest_bytes(digest: int) -> bytes:
    """As messages have it."""
    return digest.to_bytes(8, "big")
