"""An update of one key, as it is logged and sent: a delta.

Source: Almeida, Shoker, Baquero: "Delta State Replicated Data Types" (2018). A delta is a small state: what
was written, and which dots were seen and replaced.
"""

from enum import IntEnum
from typing import Annotated, Final

import msgspec

from trivet.core.lattice.amounts import decode_amount
from trivet.core.lattice.clock import Number
from trivet.core.lattice.positions import is_place

NAME_BYTES_MAX: Final = 512 * 1024 * 1024
"""Of an element's name, and of a payload: as large as a string of Redis."""
CHANGES_MAX: Final = 10_000_000
DELTAS_MAX: Final = 1_000_000
"""In one piece of bytes."""
AFTER_MAX: Final = 10_000
"""Actors whose updates one update comes after: as many as a clock may have."""


class Kind(IntEnum):
    """What an element of a key is."""

    STRING = 1
    MEMBER = 2
    FIELD = 3
    SCORE = 4
    ITEM = 5
    ENTRY = 6
    DEADLINE = 7
    LAST_ID = 8


STRING: Final = 1
MEMBER: Final = 2
FIELD: Final = 3
SCORE: Final = 4
ITEM: Final = 5
ENTRY: Final = 6
DEADLINE: Final = 7
LAST_ID: Final = 8
BESIDE: Final = DEADLINE
"""Kinds from here on are beside the value: they alone do not make a key."""


class Change(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What an update does to one element.

    ``removed``: dots of assignments that it had seen, which are no more. ``bases``: of actors whose additions
    it had seen, (actor, number of the newest seen, total by then): these no longer count. ``payload``: it is
    assigned. ``added``: (start, total): the actor of the update has added this since its dot ``start``.
    ``after``: the removal that ended its series before this one (Rule L12).
    """

    kind: Annotated[int, msgspec.Meta(ge=1, le=8)]
    name: bytes
    removed: list[tuple[Number, Number]] = []
    bases: list[tuple[Number, Number, bytes]] = []
    payload: bytes | None = None
    added: tuple[Number, bytes] | None = None
    after: tuple[Number, Number] | None = None


class Delta(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One update: its dot (``actor``, ``number``), its stamp (``hlc``), and what it does to ``key``.

    ``after``: what else it comes after, (actor, number of its last update), the actors rising (Rule L13).
    """

    actor: Number
    number: Number
    stamp: Number
    key: bytes
    changes: Annotated[list[Change], msgspec.Meta(min_length=1, max_length=CHANGES_MAX)]
    after: Annotated[tuple[tuple[Number, Number], ...], msgspec.Meta(max_length=AFTER_MAX)] = ()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Annotated[list[Delta], msgspec.Meta(max_length=DELTAS_MAX)])


def encode_deltas(deltas: list[Delta]) -> bytes:
    """Some of them, as logs and messages have them."""
    return _encoder.encode(deltas)


def decode_deltas(data: bytes | msgspec.Raw) -> list[Delta]:
    """What ``encode_deltas`` gave; raises ``ValueError`` at anything else."""
    try:
        deltas: list[Delta] = _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    return deltas


def problem_of(delta: Delta) -> str:
    """What is wrong with a delta from outside, or nothing: after that ``Lattice.apply`` can't fail."""
    before: tuple[int, bytes] | None = None
    for change in delta.changes:
        place = (change.kind, change.name)
        if before is not None and place <= before:
            return "its elements do not rise"
        before = place
        if problem := problem_of_name(change.kind, change.name):
            return problem
        if change.added is not None:
            if change.added[0] > delta.number:
                return "an addition that begins after itself"
            if change.payload is not None:
                return "an assignment and an addition at a time"
            if _is_no_amount(change.added[1]):
                return "not an amount"
        for actor, number, total in change.bases:
            if (actor, number) == (delta.actor, delta.number) or _is_no_amount(total):
                return "it takes back itself, or no amount"
        if (delta.actor, delta.number) in change.removed:
            return "it removes itself"
    return _problem_of_after(delta) if delta.after else ""


def _problem_of_after(delta: Delta) -> str:
    actor_before = 0
    for actor, _ in delta.after:
        if actor <= actor_before:
            return "what it comes after does not rise"
        if actor == delta.actor:
            return "it comes after itself"
        actor_before = actor
    return ""


def problem_of_name(kind: int, name: bytes) -> str:
    """What is wrong with the name of an element from outside, or nothing."""
    if kind in (STRING, DEADLINE, LAST_ID):
        return "a name where there is only one element" if name else ""
    if kind == ITEM and not is_place(name):
        return "a place in a list that is none"
    return ""


def _is_no_amount(data: bytes) -> bool:
    try:
        decode_amount(data)
    except ValueError:
        return True
    return False
