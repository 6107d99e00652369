"""An entry that is applied in pieces, and the scripts in it, one after the other (Rule V1)."""

from collections.abc import Callable
from typing import TypeVar

from trivet.core.base.pausable import Pausable, Stack

Result = TypeVar("Result")

Place = tuple[int, int, int]
"""Of a call of a client in an entry: node, batch, and where in the batch. A transaction is one call."""


class EntryRun(Pausable[Result]):
    """The entry. What it counts is the same on every replica."""

    def __init__(self, work: Callable[[], Result], stack: Stack, place: Callable[[], Place]) -> None:
        super().__init__(work, stack)
        self.scripts = 0
        """So many scripts have begun: the number of the one that runs."""
        self.calls = 0
        """So many calls of clients had scripts."""
        self.call: list[bytes] | None = None
        """The function that runs, as its caller wrote it; None for a script."""
        self.has_written = False
        """The script that runs has written: ending it would leave that half done."""
        self.is_late = False
        """The call that runs has used up its time: its further scripts do not begin."""
        self._place = place
        self._at: Place = (-1, -1, -1)

    def begin_script(self, call: list[bytes] | None) -> bool:
        """Another script begins; False: it must not."""
        at = self._place()
        if at != self._at:
            self._at = at
            self.calls += 1
            self.is_late = False
        self.scripts += 1
        self.call = call
        self.has_written = False
        return not (self.is_late or self.is_abandoned)
