"""Reads of mode ``eventual`` that first hear what other members have (``READ QUORUM``).

Source: Gifford: "Weighted Voting for Replicated Data" (1979): of r members that are read and w that are
written some are the same, when r + w is more than there are.

- Rule X15: with a read quorum of r a read runs when r - 1 other members have told, after it came, what they
  have on their disks, and this one has all of that; while members change, r of those that were there and r of
  those that stay. Who comes, or doubts what it has, tells nothing, and nobody counts who goes by other
  members than this one. What does not come about in time has done nothing.
- Rounds are in order: what came later never runs on less.
"""

from collections import deque
from typing import Final

from trivet.core.base.ids import Instant, NodeId
from trivet.core.group.eventual_messages import AskClock, TellClock
from trivet.core.group.eventual_quorums import Sides
from trivet.core.group.face import FromGroup
from trivet.core.group.run import Run
from trivet.core.lattice.clock import Clock
from trivet.core.wire.reply import Error

NUMBERS: Final = 1 << 62


class _Round:
    """The reads of one turn."""

    __slots__ = ("asked_ms", "needs", "number", "runs", "told")

    def __init__(self, number: int, runs: list[tuple[Run, Instant]], now_ms: Instant) -> None:
        self.number = number
        self.runs = runs
        """With when each is to be given up."""
        self.asked_ms = now_ms
        self.told: dict[NodeId, Clock] = {}
        self.needs: Clock | None = None
        """All that a quorum had; None: too few have told."""


class ReadQuorum:
    """Reads that wait for what other members have."""

    def __init__(self, own: NodeId, incarnation: int, timeout_ms: int, resend_ms: int) -> None:
        self.count = 1
        """So many members, this one included."""
        self._own = own
        self._incarnation = incarnation
        self._timeout_ms = timeout_ms
        self._resend_ms = resend_ms
        self._open: list[tuple[Run, Instant]] = []
        self._rounds: deque[_Round] = deque()
        self._last = 0

    @property
    def busy(self) -> bool:
        """Whether some read waits."""
        return bool(self._open or self._rounds)

    def add(self, run: Run, now_ms: Instant) -> None:
        """One more, of this turn."""
        self._open.append((run, now_ms + (run.patience_ms or self._timeout_ms)))

    def ask(
        self, peers: list[NodeId], epoch: int, out: list[tuple[NodeId, FromGroup]], now_ms: Instant
    ) -> None:
        """The other members are asked for the reads of this turn, and again where they have not told."""
        if self._open:
            self._last = self._last % NUMBERS + 1
            self._rounds.append(_Round(self._last, self._open, now_ms))
            self._open = []
            self._send(self._rounds[-1], peers, epoch, out)
        for one in self._rounds:
            if one.needs is None and one.asked_ms + self._resend_ms <= now_ms:
                one.asked_ms = now_ms
                self._send(one, peers, epoch, out)

    def _send(
        self, one: _Round, peers: list[NodeId], epoch: int, out: list[tuple[NodeId, FromGroup]]
    ) -> None:
        message = AskClock(one.number, self._incarnation, epoch)
        out.extend([(peer, message) for peer in peers if peer not in one.told])

    def on_told(self, sender: NodeId, message: TellClock, clock: Clock, sides: Sides) -> None:
        """A member's answer, of the same epoch, to one of the rounds."""
        if message.incarnation != self._incarnation:
            return
        for one in self._rounds:
            if one.number == message.number and one.needs is None:
                one.told[sender] = clock
                self._count(one, sides)

    def _count(self, one: _Round, sides: Sides) -> None:
        if sides.fewest([self._own, *one.told]) >= self.count:
            needs = Clock()
            for clock in one.told.values():
                needs.join(clock)
            one.needs = needs

    def moved(self, now_ms: Instant) -> None:
        """The members have changed: what was told by others counts for nothing, and is asked again."""
        for one in self._rounds:
            if one.needs is None:
                one.told = {}
                one.asked_ms = now_ms - self._resend_ms

    def release(self, clock: Clock) -> list[Run]:
        """Those that may be run now, in order; ``clock``: what is seen here."""
        released: list[Run] = []
        while self._rounds:
            first = self._rounds[0]
            if self.count > 1 and (first.needs is None or not clock.covers(first.needs)):
                break
            released.extend([run for run, _ in first.runs])
            self._rounds.popleft()
        return released

    def expire(self, now_ms: Instant) -> None:
        """Who has waited for too long is told."""
        error = too_few(self.count)
        for one in self._rounds:
            late = [run for run, until_ms in one.runs if until_ms < now_ms]
            if late:
                one.runs = [row for row in one.runs if row[1] >= now_ms]
                for run in late:
                    run.fail(error, whoever=True)
        self._rounds = deque([one for one in self._rounds if one.runs])

    def drain(self) -> list[Run]:
        """This node may run no calls any more."""
        runs = [run for one in self._rounds for run, _ in one.runs] + [run for run, _ in self._open]
        self._rounds.clear()
        self._open = []
        return runs

    def fail_all(self, error: Error) -> None:
        """The group is no more."""
        for run in self.drain():
            run.fail(error, whoever=True)


def too_few(count: int) -> Error:
    """So many members are asked for."""
    return Error(
        f"CLUSTERDOWN {count} members (READ QUORUM) could not be heard in time, or have what this node has "
        "yet to get; nothing was done"
    )
