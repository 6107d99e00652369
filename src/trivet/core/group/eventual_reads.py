"""Reads of mode ``eventual`` that first hear what other members have (``READ QUORUM``).

Source: Gifford: "Weighted Voting for Replicated Data" (1979): of r members that are read and w that are
written some are the same, when r + w is more than there are.

- Rule X18: with a read quorum of r a read runs when r - 1 other members have told, asked after it came, what
  they have on their disks, and this one has all of that; while members change, r of those that were there and
  r of those that stay. Who comes, or doubts what it has, tells nothing, and nobody counts who goes by other
  members than this one. What does not come about in time has done nothing.
- All reads of a turn ask together, and what is told to a later question counts for earlier reads too. They
  run in the order in which they came.
"""

from collections import deque

from trivet.core.base.ids import Instant, NodeId
from trivet.core.group.eventual_messages import AskClock, TellClock
from trivet.core.group.eventual_quorums import Sides
from trivet.core.group.face import FromGroup
from trivet.core.group.run import Run
from trivet.core.lattice.clock import Clock
from trivet.core.wire.reply import Error


class _Round:
    """The reads of one turn."""

    __slots__ = ("needs", "number", "runs", "told")

    def __init__(self, number: int, runs: list[tuple[Run, Instant]]) -> None:
        self.number = number
        """Of the question that came after them."""
        self.runs = runs
        """With when each is to be given up."""
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
        """Of this turn: nobody was asked for them yet."""
        self._rounds: deque[_Round] = deque()
        self._last = 0
        """The number of the last question."""
        self._asked_ms: Instant = 0

    @property
    def busy(self) -> bool:
        """Whether some read waits."""
        return bool(self._open or self._rounds)

    def may_run(self, clock: Clock) -> bool:
        """Whether some may be run now; ``clock``: what is seen here."""
        return bool(self._rounds) and self._is_met(self._rounds[0], clock)

    def _is_met(self, one: _Round, clock: Clock) -> bool:
        return self.count == 1 or (one.needs is not None and clock.covers(one.needs))

    def add(self, run: Run, now_ms: Instant) -> None:
        """One more, of this turn."""
        self._open.append((run, now_ms + (run.patience_ms or self._timeout_ms)))

    def ask(
        self, peers: list[NodeId], epoch: int, out: list[tuple[NodeId, FromGroup]], now_ms: Instant
    ) -> None:
        """The others are asked for the reads of this turn, and again when too few have told for long."""
        waits = [one for one in self._rounds if one.needs is None]
        if not self._open and not (waits and self._asked_ms + self._resend_ms <= now_ms):
            return
        self._last += 1
        self._asked_ms = now_ms
        if self._open:
            self._rounds.append(_Round(self._last, self._open))
            self._open = []
        message = AskClock(self._last, self._incarnation, epoch)
        out.extend([(peer, message) for peer in peers])

    def on_told(self, sender: NodeId, message: TellClock, clock: Clock, sides: Sides) -> None:
        """A member of the same epoch answers a question: so all reads are answered that came before it."""
        if message.incarnation != self._incarnation or message.number > self._last:
            return
        for one in self._rounds:
            if one.number <= message.number and one.needs is None:
                one.told[sender] = clock
                if sides.fewest([self._own, *one.told]) >= self.count:
                    one.needs = Clock()
                    for told in one.told.values():
                        one.needs.join(told)

    def moved(self) -> None:
        """The members have changed, or the count: what was told does not count, and is asked again."""
        for one in self._rounds:
            if one.needs is None:
                one.told = {}
        self._asked_ms = -self._resend_ms

    def release(self, clock: Clock, now_ms: Instant) -> list[Run]:
        """Those that may be run now, in order; ``clock``: what is seen here."""
        released: list[Run] = []
        while self._rounds and self._is_met(self._rounds[0], clock):
            for run, until_ms in self._rounds.popleft().runs:
                run.patience_ms = max(1, until_ms - now_ms)
                released.append(run)
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
        while self._rounds and not self._rounds[0].runs:
            self._rounds.popleft()

    def drain(self) -> list[Run]:
        """This node may run no calls any more: all that wait, in order, to be run elsewhere."""
        runs = [run for one in self._rounds for run, _ in one.runs] + [run for run, _ in self._open]
        self._rounds.clear()
        self._open = []
        return runs

    def go_on_from(self, before: "ReadQuorum") -> None:
        """It stands instead of ``before``: late answers to that are none to its own questions."""
        self._last = before._last


def too_few(count: int) -> Error:
    """So many members are asked for."""
    return Error(
        f"TRYAGAIN {count} members are asked for by READ QUORUM, and so many could not be heard in time, or "
        "have what this node has yet to get; nothing was done: say it again"
    )
