"""What this node's clients want of the registers of a group: one operation per key under way, and its end.

On the path: parts of runs -> **errands** -> operations of the room, here or at the preferred member ->
replies. An origin has one operation per key under way (Rule P8 of the room), so what comes for a key
meanwhile waits, and goes together with the next; tasks of one operation run one after the other upon one
value.

- Rule N1: an errand has one seq, one ``since`` and one seed with all its copies; the first copy that ends
  with OK ends it. Another seq is only taken when the one copy that there was has surely done nothing.
- Rule N2: what is answered with a *definite* error has not happened and will not: no copy has been sent
  whose end is not known, and each has ended so. Else it is indefinite.
- Rule N3: a reply belongs to the run that was accepted: it carries the mark of that run, which no other run
  of any node has. Only with this node's own mark the results of the last run count; else what the register
  remembers is the reply.
- Rule N4: a read that found a value past its deadline is no reply: it goes again as a write, which takes the
  value away for everybody. So nobody sees it come back, whatever the clocks of others say.
- Rule N5: a read runs beside a write of its key that is under way, but while another one waits it goes along
  with that, as long as no read is under way. The room keeps reads begun here in order; a read goes along
  with writes too, and one that has run goes once more, if an earlier one went so and has not ended. So who
  sends reads of one key without waiting never sees an older value after a newer one.
"""

from typing import Final

import msgspec

from trivet.core.base.ids import NO_NODE, Instant, NodeId
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.command.table import Event
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.register_errand import NO_MAJORITY, Errand, Front
from trivet.core.group.register_execution import REPLY_LOST, Execution, Runner, replies_of
from trivet.core.group.register_keys import key_of, place_key
from trivet.core.group.register_runs import Part
from trivet.core.group.run import Run
from trivet.core.machine.register import TaskResult
from trivet.core.machine.rights import Denied
from trivet.core.paxos.operation import OK, Operation, Outcome
from trivet.core.paxos.slots import SEALED, Holding
from trivet.core.wire.reply import Error

RETRIES_MAX: Final = 3
"""New seqs that an errand gets (Rule N1)."""
GRACE_MS: Final = 500
"""The room gives operations up in time, and says more of it; this long it may take."""
SEED_MAX: Final = (1 << 62) - 1

TOO_MANY: Final = Error("BUSY too many commands of this node are under way; nothing was done")
VALUE_TOO_LARGE: Final = Error("ERR the value would be larger than a register may be; nothing was done")


class Errands:
    """All errands of one group on one node."""

    def __init__(self, runner: Runner, prng: Prng, command_timeout_ms: int, limits: Limits) -> None:
        self.runner = runner
        self.since = 0
        """The highest version that was seen; its owner raises it too."""
        self.tracked: list[Run] = []
        """Runs of clients who want to be told of changes, which have their replies; the group takes them."""
        self.changed: list[bytes] = []
        """Keys that runs of this node have changed, if ``notes_changes``; the group takes them."""
        self.notes_changes = False
        self.events: list[Event] = []
        self.published: list[tuple[bool, bytes, bytes]] = []
        self.denied: list[Denied] = []
        self.pending_bytes = 0
        """Writes without replies."""
        self._last_seed = prng.u64() & SEED_MAX
        self._timeout_ms = command_timeout_ms
        self._due: list[Errand] = []
        self._fronts: dict[bytes, Front] = {}
        self._writes: dict[int, Errand] = {}
        """By seq: those that have begun."""
        self._reads: dict[int, Errand] = {}
        """By the number of their operation."""
        self._operations: dict[int, Errand] = {}
        self._sent: dict[int, Errand] = {}
        """By seq, in the order in which they left: those that may be answered elsewhere."""
        self._last_id = 0
        self.holding: Holding | None = None
        """Which slots the group serves; None: all."""
        self.stranded: dict[int, Errand] = {}
        """By seq: in doubt, of slots not served any more: who serves them next can tell (Rule M4)."""
        self.counts = [0, 0, 0]
        """Copies sent elsewhere; second copies; new seqs."""

    # -- parts come -----------------------------------------------------------------------------

    def add(self, part: Part, now_ms: Instant) -> None:
        """One more part; whom it concerns is in its task."""
        task = part.task
        if task.key is None:
            result = self.runner.registers.run(task, None, 0, self.runner.wall_ms, self._seed())
            self._tell(result)
            part.done(result.replies, 0, False)
            return
        place = place_key(task.db, task.key)
        if not self.serves(place):
            part.moved()
            return
        front = self._fronts.get(place)
        if front is None:
            front = self._fronts[place] = Front()
        if not task.reads_only:
            self._add_write(place, front, part)
        elif front.takes_along(part):
            self._add_late(place, front, part)
        else:
            self._add_read(place, front, part)

    def serves(self, place: bytes) -> bool:
        """Whether the register's slot is served here."""
        return self.holding is None or self.holding.serves(place)

    def _add_read(self, place: bytes, front: Front, part: Part) -> None:
        reading = front.reading
        if reading is not None and reading.has_room_for(part):
            reading.join(part)
            return
        front.reading = Errand(place, True, part)
        self._due.append(front.reading)

    def _add_late(self, place: bytes, front: Front, part: Part) -> None:
        """A read that goes as a write: what is late goes, and then it is so for everybody (Rule N4)."""
        part.task = msgspec.structs.replace(part.task, reads_only=False)
        part.follows = True
        front.following += 1
        self._add_write(place, front, part)

    def _add_write(self, place: bytes, front: Front, part: Part) -> None:
        self.pending_bytes += part.size_bytes
        writing = front.writing
        if writing is None:
            front.writing = Errand(place, False, part)
            self._due.append(front.writing)
        elif not front.waiting and writing.has_room_for(part):
            writing.join(part)
        else:
            front.waiting.append(part)

    def _seed(self) -> int:
        """The next one; who uses it scatters it (``Prng``)."""
        self._last_seed = (self._last_seed + 1) & SEED_MAX
        return self._last_seed

    # -- they begin -------------------------------------------------------------------------------

    @property
    def has_due(self) -> bool:
        """Something is to be begun."""
        return bool(self._due)

    def take_due(self) -> list[Errand]:
        """Errands to be begun now, or once more, and then here; no more parts join them."""
        due, self._due = self._due, []
        for errand in due:
            errand.is_due = False
            if not errand.has_begun:
                self._open(errand)
        return [errand for errand in due if not errand.is_over]

    def _open(self, errand: Errand) -> None:
        errand.has_begun = True
        errand.seed = self._seed()
        if errand.reads_only:
            front = self._fronts[errand.place]
            front.reads += 1
            if front.reading is errand:
                front.reading = None
        else:
            self._number(errand)

    def _number(self, errand: Errand) -> None:
        """A seq of its own (Rule N1)."""
        self.runner.numbers.seq += 1
        errand.seq = self.runner.numbers.seq
        errand.since = self.since
        errand.submissions = 0
        errand.sent_to = NO_NODE
        errand.here = errand.waits_there = errand.in_doubt = False
        self._writes[errand.seq] = errand

    @property
    def settled(self) -> int:
        """Everything below this seq is over."""
        for seq in self._writes:
            return seq
        return self.runner.numbers.seq + 1

    def operation(self, errand: Errand) -> Operation:
        """A copy to be submitted here."""
        assert errand.has_begun and not errand.is_over
        execution = errand.execution
        if execution is None:
            execution = Execution(self.runner, errand.tasks, errand.seed, errand.reads_only)
            errand.execution = execution
        self._last_id += 1
        number = self._last_id
        self._operations[number] = errand
        errand.copies += 1
        errand.submissions += 1
        errand.here = True
        if errand.reads_only:
            self._reads[number] = errand
            return Operation(number, errand.place, execution.change, True)
        if errand.submissions > 1:
            self.counts[1] += 1
        return Operation(
            number, errand.place, execution.change, False, self.runner.origin, errand.seq,
            errand.since, errand.submissions == 1, self.settled,
        )  # fmt: skip

    def sent(self, errand: Errand, to: NodeId, now_ms: Instant) -> None:
        """A copy has left for ``to``."""
        self.counts[0] += 1
        errand.copies += 1
        errand.submissions += 1
        errand.sent_to = to
        errand.sent_ms = now_ms
        errand.waits_there = True
        self._sent[errand.seq] = errand

    # -- they end -----------------------------------------------------------------------------------

    def ended(self, operation: Operation, now_ms: Instant) -> None:
        """A copy that was submitted here has ended."""
        errand = self._operations.pop(operation.op_id)
        errand.copies -= 1
        self.since = max(self.since, operation.version)
        follows = errand.reads_only and self._read_ended(errand, operation.op_id)
        if errand.is_over or (not errand.reads_only and operation.seq != errand.seq):
            return
        assert errand.execution is not None
        if operation.outcome is not OK:
            self._failed(errand, operation.outcome, operation.version, operation.exposed)
            return
        results = errand.execution.results_of(operation.reply)
        if results is None:
            self._end_with(errand, operation.reply, operation.version)
        elif errand.reads_only and (follows or errand.execution.was_late):
            self._read_again(errand)
        else:
            self._end(errand)
            for part, result in zip(errand.parts, results, strict=True):
                self._tell(result)
                if result.changed and self.notes_changes:
                    self.changed.append(key_of(errand.place))
                part.done(result.replies, operation.version, result.there)

    def _read_ended(self, errand: Errand, number: int) -> bool:
        """Whether it is to go once more, after an earlier one that went with a write (Rule N5)."""
        self._reads.pop(number, None)
        front = self._fronts.get(errand.place)
        if front is None:
            return False  # the group is no more
        front.reads -= 1
        self._drop_idle(errand.place, front)
        return front.following > 0

    def answered(
        self, sender: NodeId, seq: int, outcome: Outcome, version: int, reply: bytes, now_ms: Instant
    ) -> None:
        """The copy that was sent to ``sender`` has ended there."""
        self.since = max(self.since, version)
        errand = self._sent.get(seq)
        if errand is None or errand.sent_to != sender:
            return
        self._forget_sent(errand)
        if outcome is OK:
            self._end_with(errand, reply, version)
        else:
            self._failed(errand, outcome, version, False)

    def _forget_sent(self, errand: Errand) -> None:
        """Its copy elsewhere has ended, or will not be answered."""
        del self._sent[errand.seq]
        errand.waits_there = False
        errand.copies -= 1

    def _end_with(self, errand: Errand, reply: bytes, version: int) -> None:
        """What another run has left."""
        self._end(errand)
        parts = errand.parts
        if len(parts) == 1:
            count = len(parts[0].task.calls)
        else:
            count = sum([len(part.task.calls) for part in parts])
        replies = replies_of(reply, count)
        if self.notes_changes:
            self.changed.append(key_of(errand.place))
        if replies is not None and len(parts) == 1:
            parts[0].done(replies, version, False)
            return
        position = 0
        for part in parts:
            count = len(part.task.calls)
            if replies is None:
                part.failed(REPLY_LOST)
            else:
                part.done(replies[position : position + count], version, False)
            position += count

    def _failed(self, errand: Errand, outcome: Outcome, version: int, exposed: bool) -> None:
        """A copy has ended without OK (Rules N1, N2)."""
        if outcome is Outcome.FORGOTTEN and not exposed and errand.submissions == 1 and not errand.reads_only:
            if errand.retries < RETRIES_MAX:
                self._again(errand, version)
                return
            errand.error = NO_MAJORITY
        elif outcome in (Outcome.INDEFINITE, Outcome.FORGOTTEN, Outcome.OVER):
            errand.in_doubt = True
        elif outcome is Outcome.TOO_LARGE:
            errand.error = VALUE_TOO_LARGE
        elif outcome is Outcome.BUSY and errand.here:
            errand.error = TOO_MANY
        elif outcome is Outcome.MOVED:
            errand.in_doubt = errand.in_doubt or (exposed and not errand.reads_only)
        if errand.copies == 0:
            if not errand.here:
                self._begin_here(errand)  # who was asked has not done it: this node does
            elif outcome is Outcome.MOVED or not self.serves(errand.place):
                self._moved(errand)
            else:
                self._fail(errand, TIMEOUT_ERROR if errand.in_doubt else errand.error)

    def _again(self, errand: Errand, version: int) -> None:
        """The same under a new seq: the only copy has not done it, and what was forgotten is known now."""
        self.counts[2] += 1
        errand.retries += 1
        self.since = max(self.since, version)
        del self._writes[errand.seq]
        self._number(errand)
        self._due.append(errand)

    def _read_again(self, errand: Errand) -> None:
        """Rule N4."""
        errand.is_over = True
        place = errand.place
        front = self._fronts.get(place)
        if front is None:
            front = self._fronts[place] = Front()
        for part in errand.parts:
            self._add_late(place, front, part)

    def _fail(self, errand: Errand, error: Error) -> None:
        self._end(errand)
        for part in errand.parts:
            part.failed(error)

    def _moved(self, errand: Errand) -> None:
        """No copy of it is under way, and its slot is not served here any more (Rules M2, M4)."""
        if errand.in_doubt:
            self.stranded[errand.seq] = errand
            front = self._fronts[errand.place]
            waiting, front.waiting = front.waiting, []
            for part in waiting:
                self._leaves(front, part)
                part.moved()
            return
        self._end(errand)
        for part in errand.parts:
            part.moved()

    def hold(self, holding: Holding) -> None:
        """Other slots are served: what waited for its own to be served again goes on."""
        self.holding = None if holding.whole else holding
        for errand in [errand for errand in self.stranded.values() if self.serves(errand.place)]:
            del self.stranded[errand.seq]
            self._begin_here(errand)

    def give_up_stranded(self) -> None:
        """Slots that others serve by now: what is in doubt would come behind what was sent there since."""
        holding = self.holding
        for errand in list(self.stranded.values()) if holding is not None else []:
            if holding is not None and holding.state(errand.place) != SEALED:
                self._fail(errand, TIMEOUT_ERROR)

    def hand_over(self, errand: Errand, other: "Errands", misrouted: list[Run]) -> None:
        """``other`` serves the slot: it brings a stranded errand to its end (Rule M4)."""
        del self.stranded[errand.seq]
        del self._writes[errand.seq]
        front = self._fronts[errand.place]
        for part in errand.parts:
            self.pending_bytes -= part.size_bytes
            front.following -= part.follows
        front.writing = None
        self._drop_idle(errand.place, front)
        other.adopt(errand, misrouted)

    def adopt(self, errand: Errand, misrouted: list[Run]) -> None:
        """An errand of another group of this node: a copy of it is begun here, with all its numbers."""
        front = self._fronts.get(errand.place)
        if front is None:
            front = self._fronts[errand.place] = Front()
        if front.writing is not None:
            errand.is_over = True
            for part in errand.parts:
                part.failed(TIMEOUT_ERROR)
            return
        errand.execution = Execution(self.runner, errand.tasks, errand.seed, False)
        errand.sent_to = NO_NODE
        errand.here = False
        front.writing = errand
        for part in errand.parts:
            part.rehome(misrouted)
            self.pending_bytes += part.size_bytes
            front.following += part.follows
        self._writes = dict(sorted([*self._writes.items(), (errand.seq, errand)]))
        self._begin_here(errand)

    def _end(self, errand: Errand) -> None:
        """It is over: what waits for its key goes on."""
        errand.is_over = True
        if errand.reads_only:
            return
        self._writes.pop(errand.seq, None)
        if self.stranded:
            self.stranded.pop(errand.seq, None)
        if errand.waits_there:
            self._forget_sent(errand)
        front = self._fronts[errand.place]
        for part in errand.parts:
            self._leaves(front, part)
        if front.writing is errand:
            front.writing = None
            self._next(errand.place, front)

    def _leaves(self, front: Front, part: Part) -> None:
        """It is no write under way, or waiting, any more."""
        self.pending_bytes -= part.size_bytes
        if part.follows:
            part.follows = False
            front.following -= 1

    def _next(self, place: bytes, front: Front) -> None:
        """All that waits, as far as it goes together."""
        if front.following and front.following == len(front.waiting) and not front.reads_alone():
            self._only_reads(place, front)
        if not front.waiting:
            self._drop_idle(place, front)
            return
        waiting = front.waiting
        errand = front.writing = Errand(place, False, waiting[0])
        count = 1
        while count < len(waiting) and errand.has_room_for(waiting[count]):
            errand.join(waiting[count])
            count += 1
        del waiting[:count]
        self._due.append(errand)

    def _only_reads(self, place: bytes, front: Front) -> None:
        """All that waits are reads, and no write is in the way any more."""
        waiting, front.waiting = front.waiting, []
        for part in waiting:
            self._leaves(front, part)
            part.task = msgspec.structs.replace(part.task, reads_only=True)
            self._add_read(place, front, part)

    def _drop_idle(self, place: bytes, front: Front) -> None:
        if front.is_idle():
            del self._fronts[place]

    def _tell(self, result: TaskResult) -> None:
        """What an accepted run says to others."""
        if result.events:
            self.events.extend(result.events)
        if result.published:
            self.published.extend(result.published)
        if result.denied:
            self.denied.extend(result.denied)

    # -- time, and links that break ---------------------------------------------------------------------

    def lost(self, peer: NodeId) -> None:
        """What was sent to ``peer`` is not answered any more: a copy follows here."""
        for errand in [errand for errand in self._sent.values() if errand.sent_to == peer]:
            self._forget_sent(errand)
            errand.in_doubt = True
            if not errand.here:
                self._begin_here(errand)
            elif errand.copies == 0 and self.serves(errand.place):
                self._fail(errand, TIMEOUT_ERROR)
            elif errand.copies == 0:
                self._moved(errand)

    def _begin_here(self, errand: Errand) -> None:
        """A copy is to be submitted here."""
        if not errand.is_due:
            errand.is_due = True
            self._due.append(errand)

    def retry(self, before_ms: Instant) -> None:
        """What was sent before that and has no answer: a copy follows here."""
        for errand in self._sent.values():
            if errand.sent_ms >= before_ms:
                break
            if not errand.here:
                self._begin_here(errand)

    def expire(self, oldest_ms: Instant) -> None:
        """Give up what has come before that: what waits for its turn, and what the room should have ended."""
        for place, front in list(self._fronts.items()):
            if front.waiting and front.waiting[0].staged_ms < oldest_ms:
                self._expire_waiting(front, oldest_ms)
            self._drop_idle(place, front)
        for errand in [*self._writes.values(), *self._reads.values()]:
            if (
                errand.staged_ms < oldest_ms - GRACE_MS
                and not errand.is_over
                and not any(part.patient for part in errand.parts)
            ):
                self._fail(errand, TIMEOUT_ERROR)

    def _expire_waiting(self, front: Front, oldest_ms: Instant) -> None:
        kept: list[Part] = []
        for part in front.waiting:
            if part.patient or part.staged_ms >= oldest_ms:
                kept.append(part)
            else:
                self._leaves(front, part)
                part.failed(NO_MAJORITY)
        front.waiting = kept

    def fail_all(self) -> None:
        """The group is no more: what has begun may have happened, the rest is sent elsewhere."""
        begun = [*self._writes.values(), *self._reads.values()]
        due, self._due = self._due, []
        for front in self._fronts.values():
            waiting, front.waiting = front.waiting, []
            for part in waiting:
                self._leaves(front, part)
                part.moved()
        for errand in begun:
            self._fail(errand, TIMEOUT_ERROR)
        for errand in due:
            if not errand.is_over:
                self._end(errand)
                for part in errand.parts:
                    part.moved()
        self._due = []
        self._fronts.clear()

    # -- what is under way ------------------------------------------------------------------------------

    @property
    def has_writes(self) -> bool:
        """Writes have no replies yet."""
        return bool(self._writes) or self.pending_bytes > 0

    @property
    def busy(self) -> bool:
        """Something is under way or waits."""
        return bool(self._fronts or self._operations or self._due)

    def check_rest(self) -> None:
        """Assert that the numbers fit together."""
        waiting = [part for front in self._fronts.values() for part in front.waiting]
        writing = [front.writing for front in self._fronts.values() if front.writing is not None]
        parts = waiting + [part for errand in writing for part in errand.parts]
        assert self.pending_bytes == sum([part.size_bytes for part in parts])
        assert sum([front.following for front in self._fronts.values()]) == sum(
            [part.follows for part in parts]
        )
        assert all(front.reads >= 0 for front in self._fronts.values())
        assert len(self._writes) == sum([errand.has_begun for errand in writing])
        assert all(errand.waits_there and not errand.is_over for errand in self._sent.values())
