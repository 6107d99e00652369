"""What a member needs of whoever holds the lattice, and what a turn has for the log."""

from typing import Protocol

from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import Delta
from trivet.core.lattice.hlc import Hlc
from trivet.core.lattice.lattice import Lattice


class Holder(Protocol):
    """Who holds the lattice, and shows what it says to clients."""

    lattice: Lattice
    hlc: Hlc

    def merge(self, delta: Delta) -> None:
        """An update is taken that awaits nothing."""
        ...

    def merge_state(self, key: bytes, state: bytes, clock: Clock) -> None:
        """The state of a key elsewhere is joined; raises ``ValueError`` when it is nonsense."""
        ...


class Taken:
    """What a turn has taken.

    To be logged in this order, after what this member has made before: states, ``clock``, updates. An update
    that removes what came with a state must not come before it.
    """

    __slots__ = ("clock", "states", "updates")

    def __init__(self) -> None:
        self.states: list[tuple[bytes, bytes, bytes]] = []
        """(key, state, clock)."""
        self.clock = b""
        """Not empty: all of this has been seen."""
        self.updates: list[Delta] = []

    @property
    def is_empty(self) -> bool:
        """Nothing is to be logged."""
        return not (self.updates or self.states or self.clock)
