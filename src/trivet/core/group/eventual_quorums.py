"""Writes of mode ``eventual`` that are answered when several members have them (``WRITE QUORUM``).

- Rule X16: with a write quorum of w a write is answered when this member and w - 1 others have it on their
  disks, and all that this member has made before; while members change, w of those that were there and w of
  those that stay. When that takes longer than a command may, it is told so: it is done here and will spread
  all the same, nothing is undone.
- Rule X17: what others have said counts only if they said it while they went by the same members as this one;
  and who goes hands over to w of those that stay. So what somebody who goes has told to have, it has told
  before it looked what is left to be handed over, or it is not needed.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from trivet.core.base.ids import Instant, NodeId
from trivet.core.group.run import Run
from trivet.core.lattice.clock import Dot
from trivet.core.wire.reply import Error, Reply

NOT_ENOUGH: Final = "NOREPLICAS"
"""The first word of what is told."""


class Sides:
    """Who the members are: while they change, those that were there and those that stay."""

    __slots__ = ("_sides",)

    def __init__(
        self, members: Sequence[NodeId], before: Sequence[NodeId], staying: Sequence[NodeId]
    ) -> None:
        """``staying``: empty when nothing changes."""
        self._sides = [tuple(before), tuple(staying)] if staying else [tuple(members)]

    def fewest(self, nodes: Iterable[NodeId]) -> int:
        """How many of ``nodes`` are members: of both sets, if there are two, the lower number."""
        having = dict.fromkeys(nodes)
        return min([len([node for node in side if node in having]) for side in self._sides])


class _Waiting:
    __slots__ = ("dot", "replies", "run", "until_ms")

    def __init__(self, run: Run, replies: list[Reply], dot: Dot, until_ms: Instant) -> None:
        self.run = run
        self.replies = replies
        self.dot = dot
        self.until_ms = until_ms


class WriteQuorum:
    """Runs that are done here and wait for others, in order."""

    def __init__(self, timeout_ms: int) -> None:
        self.count = 1
        """So many members, this one included."""
        self._timeout_ms = timeout_ms
        self._waiting: deque[_Waiting] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def pending_bytes(self) -> int:
        """Of what waits."""
        return sum([one.run.size_bytes for one in self._waiting])

    @property
    def first(self) -> Dot:
        """What is waited for next: others are to have this own update and all of its actor before it."""
        return self._waiting[0].dot

    def add(self, run: Run, replies: list[Reply], dot: Dot, now_ms: Instant) -> None:
        """It is on the disk here, with all own updates up to ``dot``."""
        until_ms = now_ms + (run.patience_ms or self._timeout_ms)
        self._waiting.append(_Waiting(run, replies, dot, until_ms))

    def finish_first(self) -> None:
        """Enough have what the first waits for."""
        one = self._waiting.popleft()
        one.run.finish(one.replies)

    def expire(self, now_ms: Instant, held_by: int) -> None:
        """Who has waited for too long is told; so many members have what the first waits for."""
        if not any(one.until_ms < now_ms for one in self._waiting):
            return
        late = [one for one in self._waiting if one.until_ms < now_ms]
        self._waiting = deque([one for one in self._waiting if one.until_ms >= now_ms])
        error = not_enough(self.count, held_by)
        for one in late:
            one.run.finish([reply if isinstance(reply, Error) else error for reply in one.replies])

    def fail_all(self, error: Error) -> None:
        """The group is no more."""
        waiting, self._waiting = self._waiting, deque()
        for one in waiting:
            one.run.fail(error, whoever=True)


def not_enough(count: int, held_by: int) -> Error:
    """So many members are asked for, and so many have it."""
    return Error(
        f"{NOT_ENOUGH} {held_by} of the {count} members that WRITE QUORUM asks for have this write on disk; "
        "it is done, is not undone, and will spread"
    )
