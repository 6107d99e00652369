"""Reads on their way to a linearizable answer (DESIGN: reads cost no log write).

All reads of a turn travel as one batch: the leader confirms the batch with one round of
read index (Ongaro §6.4), and it runs here once the state has reached that index.

- Rule L1: a batch runs only at an applied index at or above its read index.
- Rule L2: before a read index is taken, the leader writes a *time entry* if the deadline of
  some key has passed by its clock; so a key is never read after its deadline, and no
  replica decides that by its own clock. A leader that has not applied what was committed
  before it does not know the deadlines yet: its reads wait for that.
- Rule L3: a follower whose disk is full takes no entries, so its copy falls behind: its
  reads run at the leader, under the leader's read index.
"""

from collections import deque
from collections.abc import Callable

from trivet.core.base.ids import Index, Instant
from trivet.core.group.messages import ReadReplies
from trivet.core.group.reply_parts import ReplyParts
from trivet.core.group.run import Run
from trivet.core.machine.entry import Call
from trivet.core.wire.reply import Error

READ_TIMEOUT_ERROR = Error("CLUSTERDOWN no majority confirmed the read in time; nothing was done")


class ReadBatch:
    """The reads of one turn."""

    __slots__ = ("parts", "runs", "staged_ms")

    def __init__(self, staged_ms: Instant) -> None:
        self.runs: list[Run] = []
        self.staged_ms = staged_ms
        self.parts: ReplyParts | None = None
        """What the leader has answered of it (Rule L3)."""


class ReadQueue:
    """Batches staged, asked for, and confirmed."""

    def __init__(self, reply_bytes_max: int = 1 << 30) -> None:
        self._reply_bytes_max = reply_bytes_max
        self._open: ReadBatch | None = None
        self.held: deque[tuple[Index, ReadBatch]] = deque()
        """Waiting for the time entry at an index (Rule L2)."""
        self.unasked: deque[ReadBatch] = deque()
        self.asked: dict[int, ReadBatch] = {}
        self.confirmed: deque[tuple[Index, ReadBatch]] = deque()
        self._stale: list[Run] = []
        self._with_leader: dict[int, Instant] = {}
        """Asked batches that the leader itself runs, and since when (Rule L3)."""
        self._last_id = 0

    def stage(self, run: Run, now_ms: Instant) -> None:
        """Add to this turn's batch."""
        if self._open is None:
            self._open = ReadBatch(now_ms)
        self._open.runs.append(run)

    def stage_stale(self, run: Run) -> None:
        """Add a run that is content with the present state: it runs at the end of this turn."""
        self._stale.append(run)

    def close_turn(self) -> None:
        """No more reads join this turn's batch."""
        if self._open is not None:
            self.unasked.append(self._open)
            self._open = None

    @property
    def waits_for_turn(self) -> bool:
        """Whether something was staged since the last turn."""
        return self._open is not None or bool(self._stale)

    def hold_until(self, index: Index) -> None:
        """Everything unasked waits until ``index`` is applied."""
        while self.unasked:
            self.held.append((index, self.unasked.popleft()))

    def release_held(self, applied: Index) -> None:
        """Time entries up to ``applied`` are in effect."""
        while self.held and self.held[0][0] <= applied:
            self.unasked.append(self.held.popleft()[1])

    def ask(self) -> int:
        """Take all unasked batches as one; the id under which it is to be confirmed."""
        batch = self.unasked.popleft()
        while self.unasked:
            batch.runs.extend(self.unasked.popleft().runs)
        self._last_id += 1
        self.asked[self._last_id] = batch
        return self._last_id

    def ask_leader(self, now_ms: Instant) -> tuple[int, list[Call]]:
        """Take all unasked batches as one for the leader to run: its id and its calls (Rule L3)."""
        read_id = self.ask()
        self._with_leader[read_id] = now_ms
        batch = self.asked[read_id]
        batch.parts = ReplyParts(sum([run.count for run in batch.runs]), self._reply_bytes_max)
        return read_id, [call for run in batch.runs for call in run.calls]

    def answered(self, message: ReadReplies, now_ms: Instant) -> ReadBatch | None:
        """The leader ran it (Rule L3): the batch when its replies are whole; its runs are not told yet."""
        read_id = message.read_id
        batch = self.asked.get(read_id) if read_id in self._with_leader else None
        if batch is None or batch.parts is None:
            return None
        self._with_leader[read_id] = now_ms  # something comes
        if not batch.parts.add(message.offset, message.total, message.replies):
            return None
        del self._with_leader[read_id]
        del self.asked[read_id]
        return batch

    def retry(self, asked_before_ms: Instant) -> None:
        """What the leader has not answered since then is asked again."""
        for read_id in [i for i, asked_ms in self._with_leader.items() if asked_ms < asked_before_ms]:
            del self._with_leader[read_id]
            self.dropped(read_id)

    def confirm(self, read_id: int, index: Index) -> None:
        """The batch may run at ``index`` (Rule L1)."""
        batch = self.asked.pop(read_id, None)
        if batch is not None:
            self.confirmed.append((index, batch))

    def dropped(self, read_id: int) -> None:
        """The leader that was asked is gone: ask again."""
        batch = self.asked.pop(read_id, None)
        if batch is not None:
            batch.parts = None
            self.unasked.append(batch)

    def leader_changed(self) -> None:
        """Time entries of the old leader may never come: what waited for them asks anew."""
        while self.held:
            self.unasked.append(self.held.popleft()[1])
        for read_id in list(self._with_leader):
            self.dropped(read_id)
        self._with_leader.clear()

    @property
    def busy(self) -> bool:
        """Whether some read is not answered."""
        return bool(self._open or self.held or self.unasked or self.asked or self.confirmed or self._stale)

    def may_run(self) -> bool:
        """Whether ``runnable`` may have something."""
        return bool(self.confirmed or self._stale)

    def runnable(self, applied: Index) -> list[Run]:
        """The runs whose index is reached."""
        runs = self._stale
        self._stale = []
        for _ in range(len(self.confirmed)):
            index, batch = self.confirmed.popleft()
            if index <= applied:
                runs.extend(batch.runs)
            else:
                self.confirmed.append((index, batch))
        return runs

    def take(self, wanted: Callable[[Run], bool]) -> list[Run]:
        """Take out the runs that need not wait for what the others wait for."""
        batches = [batch for batch in self.asked.values() if batch.parts is None]
        batches += [*self.unasked, *[batch for _, batch in [*self.held, *self.confirmed]]]
        taken: list[Run] = []
        for batch in batches:
            found = [run for run in batch.runs if wanted(run)]
            if found:
                taken += found
                batch.runs = [run for run in batch.runs if run not in found]
        self.unasked = deque(batch for batch in self.unasked if batch.runs)
        found = [run for run in self._stale if wanted(run)]
        self._stale = [run for run in self._stale if run not in found]
        return taken + found

    def refuse(self, error: Error) -> None:
        """Answer everything with a definite error."""
        for run in self.drain():
            run.fail(error)

    def expire(self, oldest_ms: Instant) -> None:
        """Answer batches staged before ``oldest_ms`` with a definite error: reads change nothing."""
        if not (self.unasked or self.held or self.confirmed or self.asked):
            return
        late = [b for b in self.unasked if b.staged_ms < oldest_ms]
        self.unasked = deque(b for b in self.unasked if b.staged_ms >= oldest_ms)
        late += [b for _, b in self.held if b.staged_ms < oldest_ms]
        self.held = deque(h for h in self.held if h[1].staged_ms >= oldest_ms)
        late += [b for _, b in self.confirmed if b.staged_ms < oldest_ms]
        self.confirmed = deque(c for c in self.confirmed if c[1].staged_ms >= oldest_ms)
        for read_id in [i for i, b in self.asked.items() if b.staged_ms < oldest_ms]:
            late.append(self.asked.pop(read_id))
        for batch in late:
            for run in batch.runs:
                run.fail(READ_TIMEOUT_ERROR)

    def drain(self) -> list[Run]:
        """Every run without replies: somebody else answers them from now on."""
        self.close_turn()
        batches = [*self.asked.values(), *self.unasked]
        batches += [batch for _, batch in [*self.held, *self.confirmed]]
        runs = self._stale + [run for batch in batches for run in batch.runs]
        self._stale = []
        self._with_leader.clear()
        self.asked.clear()
        self.unasked.clear()
        self.held.clear()
        self.confirmed.clear()
        return runs
