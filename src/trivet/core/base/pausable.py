"""A computation that can stop in the middle and go on later, whatever it has called meanwhile.

The only door to ``greenlet``: C code may stand between the computation and its pause, as Lua's interpreter
does, so a generator or a coroutine would not do. Nothing here runs beside anything else: who calls
``go_on`` waits until the computation pauses or ends.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Final, Generic, TypeVar

import greenlet

Result = TypeVar("Result")

ABANDONED: Final = -1
"""The answer to a pause of a computation that nobody drives any more: it is to come to its end."""


class Wants(IntEnum):
    """Why a computation has paused."""

    SLICE = 0
    """Its time slice is over; any answer lets it go on."""
    VERDICT = 1
    """It may go on only if the answer says so."""


class Stack:
    """Where computations that may pause run, one after the other: a new one for each would cost much."""

    def __init__(self) -> None:
        self._next: list[Callable[[], None]] = []
        self.greenlet = greenlet.greenlet(_serve)

    def run(self, work: Callable[[], None] | None, answer: int) -> None:
        """Begin ``work``, or go on with what has paused (None), until the next pause or the end."""
        runs = self.greenlet
        runs.parent = greenlet.getcurrent()
        if work is not None:
            self._next.append(work)
        if runs:
            runs.switch(answer)
        else:
            runs.switch(self._next)


def _serve(works: list[Callable[[], None]]) -> None:
    # Nothing here may refer to the stack: an idle one that nobody holds ends by itself.
    while True:
        works.pop()()
        greenlet.getcurrent().parent.switch()


class Pausable(Generic[Result]):
    """One computation. It begins with the first ``go_on``."""

    def __init__(self, work: Callable[[], Result], stack: Stack | None = None) -> None:
        self.wants = Wants.SLICE
        self.result: Result | None = None
        self.is_abandoned = False
        """Nobody wants the result any more."""
        self._begun = False
        self._ended = False
        self._error: BaseException | None = None
        self._work = work
        self._stack = Stack() if stack is None else stack

    def _run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # raised where it is driven
            self._error = error
        self._ended = True

    def go_on(self, answer: int = 0) -> bool:
        """Run until the next pause, or the end: True. What ``work`` raises is raised here.

        ``answer`` is what ``pause`` returns inside.
        """
        assert not self._ended
        work = None if self._begun else self._run
        self._begun = True
        self._stack.run(work, answer)
        error, self._error = self._error, None
        if error is not None:
            raise error
        return self._ended

    def pause(self, wants: Wants) -> int:
        """Called by the computation itself: the answer with which it is to go on."""
        if self.is_abandoned:
            return ABANDONED
        self.wants = wants
        runs = greenlet.getcurrent()
        assert runs is self._stack.greenlet, "only the computation itself can pause it"
        parent = runs.parent
        assert parent is not None
        try:
            answer: int = parent.switch()
        except greenlet.GreenletExit:
            answer = ABANDONED  # nobody holds this object any more
        self.is_abandoned = answer == ABANDONED
        return answer

    def abandon(self) -> None:
        """Nobody wants the result any more: bring it to its end.

        Whoever drops a paused one without this leaks it, and all that its frames hold.
        """
        if self._begun and not self._ended:
            self.go_on(ABANDONED)
