"""Writes that go to the member preferred for their key, and those that come here because this one is.

On the path: an errand of this node's clients -> ``Submit`` -> at the preferred member an operation of the
sender's -> ``Submitted`` -> the end of the errand. Why at all: whoever proposes for a key keeps a promise
for its next change, so two nodes that write it by turns cost each other a round trip and a conflict every
time.

- Rule V1: a copy that is sent has the origin, seq and since of the errand (Rule P8 of the room makes two
  copies one operation); it is never ``fresh`` where it arrives.
- Rule V2: what a peer sends is judged here: the tasks of each operation must concern one register, and there
  are limits per node. What is not taken is answered ``ELSEWHERE``: this copy has done nothing.
- Rule V3: an answer is held for nobody. Its node hears of a broken link, and submits a copy itself.
- Rule V4: what the run tells others (events, messages) is told by the node that proposed, once.
"""

from collections.abc import Iterator
from typing import Final

from trivet.core.base.buggify import REGISTERS_SILENT, Buggify
from trivet.core.base.ids import NodeId
from trivet.core.command.table import Event
from trivet.core.group.face import FromGroup
from trivet.core.group.register_errand import Errand
from trivet.core.group.register_errands import Errands
from trivet.core.group.register_execution import MARK_BYTES, Execution
from trivet.core.group.register_keys import place_key
from trivet.core.group.register_messages import ELSEWHERE, ITEMS_MAX, Submit, Submitted
from trivet.core.machine.plain_reply import encode_replies
from trivet.core.machine.register import Task, TaskResult
from trivet.core.machine.register_place import register_of, simple_place
from trivet.core.paxos.ballot import node_of
from trivet.core.paxos.operation import OK, Operation, Outcome
from trivet.core.paxos.paxos import Paxos

UNDER_WAY_MAX: Final = 10_000
"""Operations of one node under way here."""
ITEM_BYTES: Final = 64
TASK_BYTES: Final = 64
OUTCOMES: Final = tuple(Outcome)
"""By number."""


class _Load:
    """What one node has under way here."""

    __slots__ = ("count", "size_bytes")

    def __init__(self) -> None:
        self.count = 0
        self.size_bytes = 0

    def has_room_for(self, size_bytes: int, bytes_max: int) -> bool:
        """Rule V2."""
        return self.count < UNDER_WAY_MAX and (not self.count or self.size_bytes + size_bytes <= bytes_max)


class _Foreign:
    """An operation of another node, under way here."""

    __slots__ = ("execution", "load", "sender", "size_bytes")

    def __init__(self, sender: NodeId, execution: Execution, load: _Load, size_bytes: int) -> None:
        self.sender = sender
        self.execution = execution
        self.load = load
        self.size_bytes = size_bytes


class _Copies:
    """Copies of errands that leave for one node."""

    __slots__ = ("seeds", "seqs", "sinces", "sizes", "tasks")

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.sinces: list[int] = []
        self.seeds: list[int] = []
        self.tasks: list[list[Task]] = []
        self.sizes: list[int] = []

    def add(self, errand: Errand) -> None:
        """One more."""
        self.seqs.append(errand.seq)
        self.sinces.append(errand.since)
        self.seeds.append(errand.seed)
        self.tasks.append(errand.tasks)
        self.sizes.append(errand.size_bytes + ITEM_BYTES)


class _Ends:
    """How copies of one origin have ended here."""

    __slots__ = ("outcomes", "replies", "seqs", "versions")

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.outcomes: list[int] = []
        self.versions: list[int] = []
        self.replies: list[bytes] = []

    def add(self, seq: int, outcome: int, version: int, reply: bytes) -> None:
        """One more."""
        self.seqs.append(seq)
        self.outcomes.append(outcome)
        self.versions.append(version)
        self.replies.append(reply)


class Forwards:
    """Both directions, of one group on one node."""

    def __init__(self, errands: Errands, paxos: Paxos, bytes_max: int, buggify: Buggify | None) -> None:
        """``bytes_max``: of the calls of one node that are under way here."""
        self._errands = errands
        self._paxos = paxos
        self._own = paxos.settings.proposer
        self._message_bytes_max = paxos.settings.message_bytes_max
        self._bytes_max = bytes_max
        self._buggify = buggify
        self._submits: dict[NodeId, _Copies] = {}
        """By node: those of this turn."""
        self._submitted: dict[tuple[NodeId, int], _Ends] = {}
        """By (node, origin): those of this turn."""
        self._by_id: dict[int, _Foreign] = {}
        self._by_seq: dict[tuple[int, int], _Foreign] = {}
        """By (origin, seq)."""
        self._loads: dict[NodeId, _Load] = {}
        self._last_id = 0
        self.taken = 0
        """How many have come and were taken."""
        self.events: list[Event] = []
        self.published: list[tuple[bool, bytes, bytes]] = []

    @property
    def busy(self) -> bool:
        """Something of others is under way here."""
        return bool(self._by_id)

    # -- to the preferred member --------------------------------------------------------------------

    def send(self, errand: Errand, to: NodeId) -> None:
        """A copy of ``errand`` leaves at the end of the turn (Rule V1)."""
        submits = self._submits.get(to)
        if submits is None:
            submits = self._submits[to] = _Copies()
        submits.add(errand)

    def on_submitted(self, sender: NodeId, message: Submitted, now_ms: int) -> None:
        """Copies of this node's errands have ended at ``sender``."""
        if message.origin != self._own:
            return
        errands = self._errands
        errands.since = max(errands.since, message.floor_version)
        columns = zip(message.seqs, message.outcomes, message.versions, message.replies, strict=True)
        for seq, outcome, version, reply in columns:
            if outcome == ELSEWHERE:
                errands.answered(sender, seq, Outcome.BUSY, 0, b"", now_ms)
            elif 0 < outcome < len(OUTCOMES):
                errands.answered(sender, seq, OUTCOMES[outcome], version, reply, now_ms)

    # -- as the preferred member --------------------------------------------------------------------

    def on_submit(self, sender: NodeId, message: Submit) -> None:
        """Operations of the clients of ``sender`` (Rule V2)."""
        origin = message.origin
        if node_of(origin) != sender:
            return
        # Who is behind would wait for the map, and those clients with it.
        knows = message.epoch <= self._paxos.epoch
        knows = knows and message.taught == self._errands.runner.registers.scripts.taught
        load = self._loads.get(sender)
        if load is None:
            load = self._loads[sender] = _Load()
        columns = zip(message.seqs, message.sinces, message.seeds, message.tasks, strict=True)
        for seq, since, seed, tasks in columns:
            if (origin, seq) in self._by_seq:
                continue  # a copy joins it: one answer will do
            place = place_of(tasks) if knows else None
            size_bytes = _size_of(tasks)
            if place is None or not load.has_room_for(size_bytes, self._bytes_max):
                self._ends_for(sender, origin).add(seq, ELSEWHERE, 0, b"")
                continue
            self.taken += 1
            self._last_id -= 1
            execution = Execution(self._errands.runner, tasks, seed, False)
            foreign = _Foreign(sender, execution, load, size_bytes)
            self._by_id[self._last_id] = self._by_seq[(origin, seq)] = foreign
            load.count += 1
            load.size_bytes += size_bytes
            operation = Operation(
                self._last_id, place, execution.change, False, origin, seq, since, False, message.settled
            )
            self._paxos.submit(operation)

    def ended(self, operation: Operation) -> None:
        """An operation of another node has ended here."""
        foreign = self._by_id.pop(operation.op_id)
        del self._by_seq[(operation.origin, operation.seq)]
        foreign.load.count -= 1
        foreign.load.size_bytes -= foreign.size_bytes
        outcome: int = operation.outcome
        reply = operation.reply
        if outcome == OK:
            results = foreign.execution.results_of(reply)
            if results is not None:
                self._tell(results)
                if foreign.execution.was_cut:
                    # All of it: what other proposers find of a long one is that it is lost (Rule F4).
                    reply = reply[:MARK_BYTES] + encode_replies([one for x in results for one in x.replies])
        elif outcome == Outcome.BUSY or (outcome == Outcome.MOVED and not operation.exposed):
            outcome = ELSEWHERE
        elif outcome == Outcome.MOVED:
            outcome = Outcome.INDEFINITE
        elif outcome == Outcome.FORGOTTEN and operation.exposed:
            outcome = Outcome.INDEFINITE  # an accept with its change has left this proposer
        if self._buggify is not None and self._buggify.rare(REGISTERS_SILENT):
            return
        self._ends_for(foreign.sender, operation.origin).add(operation.seq, outcome, operation.version, reply)

    def _tell(self, results: list[TaskResult]) -> None:
        """Rule V4."""
        for result in results:
            if result.events:
                self.events.extend(result.events)
            if result.published:
                self.published.extend(result.published)

    def _ends_for(self, to: NodeId, origin: int) -> _Ends:
        ends = self._submitted.get((to, origin))
        if ends is None:
            ends = self._submitted[(to, origin)] = _Ends()
        return ends

    # -- the end of a turn -----------------------------------------------------------------------

    def flush(self, out: list[tuple[NodeId, FromGroup]]) -> None:
        """Make messages of everything."""
        if self._submits:
            submits, self._submits = self._submits, {}
            out.extend([(to, message) for to, copies in submits.items() for message in self._submit(copies)])
        if self._submitted:
            submitted, self._submitted = self._submitted, {}
            for (to, origin), ends in submitted.items():
                out.extend([(to, message) for message in self._ended(origin, ends)])

    def _submit(self, copies: _Copies) -> Iterator[Submit]:
        errands = self._errands
        taught, epoch = errands.runner.registers.scripts.taught, self._paxos.epoch
        for part in _portions(copies.sizes, self._message_bytes_max):
            yield Submit(
                self._own, errands.settled, taught, epoch, copies.seqs[part], copies.sinces[part],
                copies.seeds[part], copies.tasks[part],
            )  # fmt: skip

    def _ended(self, origin: int, ends: _Ends) -> Iterator[Submitted]:
        sizes = [ITEM_BYTES + len(reply) for reply in ends.replies]
        for part in _portions(sizes, self._message_bytes_max):
            yield Submitted(
                origin, self._paxos.floor_version, ends.seqs[part], ends.outcomes[part], ends.versions[part],
                ends.replies[part],
            )  # fmt: skip


def _portions(sizes: list[int], bytes_max: int) -> list[slice]:
    """In order, each of at most so many bytes and ``ITEMS_MAX`` items; a larger item goes alone."""
    portions: list[slice] = []
    start = total = 0
    for position, size in enumerate(sizes):
        if position > start and (total + size > bytes_max or position - start >= ITEMS_MAX):
            portions.append(slice(start, position))
            start, total = position, 0
        total += size
    portions.append(slice(start, len(sizes)))
    return portions


def _size_of(tasks: list[Task]) -> int:
    total = ITEM_BYTES
    for task in tasks:
        total += TASK_BYTES
        for _, args in task.calls:
            total += sum(map(len, args))
    return total


def place_of(tasks: list[Task]) -> bytes | None:
    """The register that all these tasks concern; None: there is no such one."""
    if not tasks:
        return None
    first = tasks[0]
    if first.key is None or not 0 <= first.db < 1 << 16:
        return None
    if len(tasks) == len(first.calls) == 1:  # most are
        place = simple_place(first.calls[0])
        if place is not None:
            return place_key(*place) if place == (first.db, first.key) else None
    for task in tasks:
        if task is not first and (task.db, task.key) != (first.db, first.key):
            return None
        if task.calls and not _concerns(task):
            return None
    return place_key(first.db, first.key)


def _concerns(task: Task) -> bool:
    """An empty task is one: it takes away what is late."""
    return register_of(task.calls) == (task.db, task.key)
