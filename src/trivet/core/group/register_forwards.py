"""Writes that go to the member preferred for their key, and those that come here because this one is.

On the path: an errand of this node's clients -> ``Submit`` -> at the preferred member an operation of the
sender's -> ``Submitted`` -> the end of the errand. Why at all: whoever proposes for a key keeps a promise
for its next change, so two nodes that write it by turns cost each other a round trip and a conflict every
time.

- Rule V1: a copy that is sent has the origin, seq and since of the errand (Rule P8 of the room makes two
  copies one operation); it is never ``fresh`` where it arrives.
- Rule V2: what a peer sends is judged here: its tasks must concern the register that it names, and there are
  limits per node. What is not taken is answered ``ELSEWHERE``: this copy has done nothing.
- Rule V3: an answer is held for nobody. Its node hears of a broken link, and submits a copy itself.
- Rule V4: what the run tells others (events, messages) is told by the node that proposed, once.
"""

from typing import Final, TypeVar

from trivet.core.base.buggify import REGISTERS_SILENT, Buggify
from trivet.core.base.ids import NodeId
from trivet.core.command.table import Event
from trivet.core.group.face import FromGroup
from trivet.core.group.register_errand import Errand
from trivet.core.group.register_errands import Errands
from trivet.core.group.register_execution import MARK_BYTES, Execution
from trivet.core.group.register_keys import place_key
from trivet.core.group.register_messages import (
    ELSEWHERE,
    ITEMS_MAX,
    Submit,
    SubmitItem,
    Submitted,
    SubmittedItem,
)
from trivet.core.machine.plain_reply import encode_replies
from trivet.core.machine.register import Task, TaskResult
from trivet.core.machine.register_place import register_of
from trivet.core.paxos.ballot import node_of
from trivet.core.paxos.operation import Operation, Outcome
from trivet.core.paxos.paxos import Paxos

T = TypeVar("T")

UNDER_WAY_MAX: Final = 10_000
"""Operations of one node under way here."""
ITEM_BYTES: Final = 64
TASK_BYTES: Final = 64
OUTCOME_MAX: Final = int(max(Outcome))


class _Foreign:
    """An operation of another node, under way here."""

    __slots__ = ("execution", "operation", "sender", "size_bytes")

    def __init__(self, sender: NodeId, execution: Execution, operation: Operation, size_bytes: int) -> None:
        self.sender = sender
        self.execution = execution
        self.operation = operation
        self.size_bytes = size_bytes


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
        self._submits: dict[NodeId, list[SubmitItem]] = {}
        self._submitted: dict[tuple[NodeId, int], list[SubmittedItem]] = {}
        """By (node, origin): ends of this turn."""
        self._by_id: dict[int, _Foreign] = {}
        self._by_seq: dict[tuple[int, int], _Foreign] = {}
        """By (origin, seq)."""
        self._counts: dict[NodeId, tuple[int, int]] = {}
        """Operations and bytes of each node under way here."""
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
        tasks = [part.task for part in errand.parts]
        item = SubmitItem(errand.seq, errand.since, errand.place, tasks, errand.seed)
        self._submits.setdefault(to, []).append(item)

    def on_submitted(self, sender: NodeId, message: Submitted, now_ms: int) -> None:
        """Copies of this node's errands have ended at ``sender``."""
        if message.origin != self._own:
            return
        errands = self._errands
        errands.since = max(errands.since, message.floor_version)
        for item in message.items:
            if item.outcome == ELSEWHERE:
                errands.answered(sender, item.seq, Outcome.BUSY, 0, b"", now_ms)
            elif 0 < item.outcome <= OUTCOME_MAX:
                errands.answered(sender, item.seq, Outcome(item.outcome), item.version, item.reply, now_ms)

    # -- as the preferred member --------------------------------------------------------------------

    def on_submit(self, sender: NodeId, message: Submit) -> None:
        """Operations of the clients of ``sender`` (Rule V2)."""
        if node_of(message.origin) != sender:
            return
        # Who is behind would wait for the map, and those clients with it.
        knows = message.epoch <= self._paxos.epoch
        knows = knows and message.taught == self._errands.runner.registers.scripts.taught
        for item in message.items:
            if (message.origin, item.seq) in self._by_seq:
                continue  # a copy joins it: one answer will do
            size_bytes = _size_of(item)
            if knows and self._has_room(sender, size_bytes) and is_sound(item):
                self._begin(sender, message, item, size_bytes)
            else:
                self._answer(sender, message.origin, SubmittedItem(item.seq, ELSEWHERE))

    def _has_room(self, sender: NodeId, size_bytes: int) -> bool:
        count, total = self._counts.get(sender, (0, 0))
        return count < UNDER_WAY_MAX and (not total or total + size_bytes <= self._bytes_max)

    def _begin(self, sender: NodeId, message: Submit, item: SubmitItem, size_bytes: int) -> None:
        self.taken += 1
        self._last_id -= 1
        execution = Execution(self._errands.runner, item.tasks, item.seed, False)
        operation = Operation(
            self._last_id, item.place, execution.change, False, message.origin, item.seq, item.since, False,
            message.settled,
        )  # fmt: skip
        foreign = _Foreign(sender, execution, operation, size_bytes)
        self._by_id[self._last_id] = self._by_seq[(message.origin, item.seq)] = foreign
        count, total = self._counts.get(sender, (0, 0))
        self._counts[sender] = (count + 1, total + size_bytes)
        self._paxos.submit(operation)

    def ended(self, operation: Operation) -> None:
        """An operation of another node has ended here."""
        foreign = self._by_id.pop(operation.op_id)
        del self._by_seq[(operation.origin, operation.seq)]
        count, total = self._counts.pop(foreign.sender)
        if count > 1:
            self._counts[foreign.sender] = (count - 1, total - foreign.size_bytes)
        outcome: int = operation.outcome
        reply = operation.reply
        if outcome == Outcome.OK:
            results = foreign.execution.results_of(reply)
            if results is not None:
                self._tell(results)
                # All of it: what other proposers find of a long one is that it is lost (Rule F4).
                reply = reply[:MARK_BYTES] + encode_replies([one for x in results for one in x.replies])
        elif outcome == Outcome.BUSY or (outcome == Outcome.MOVED and not operation.exposed):
            outcome = ELSEWHERE
        elif outcome == Outcome.MOVED:
            outcome = Outcome.INDEFINITE
        elif outcome == Outcome.FORGOTTEN and operation.exposed:
            outcome = Outcome.INDEFINITE  # an accept with its change has left this proposer
        item = SubmittedItem(operation.seq, outcome, operation.version, reply)
        if self._buggify is not None and self._buggify.rare(REGISTERS_SILENT):
            return
        self._answer(foreign.sender, operation.origin, item)

    def _tell(self, results: list[TaskResult]) -> None:
        """Rule V4."""
        for result in results:
            if result.events:
                self.events.extend(result.events)
            if result.published:
                self.published.extend(result.published)

    def _answer(self, to: NodeId, origin: int, item: SubmittedItem) -> None:
        self._submitted.setdefault((to, origin), []).append(item)

    # -- the end of a turn -----------------------------------------------------------------------

    def flush(self, out: list[tuple[NodeId, FromGroup]]) -> None:
        """Make messages of everything."""
        if self._submits:
            submits, self._submits = self._submits, {}
            taught = self._errands.runner.registers.scripts.taught
            for to, items in submits.items():
                for portion in _portions(items, [_size_of(item) for item in items], self._message_bytes_max):
                    message = Submit(self._own, self._errands.settled, taught, portion, self._paxos.epoch)
                    out.append((to, message))
        if self._submitted:
            submitted, self._submitted = self._submitted, {}
            floor_version = self._paxos.floor_version
            for (to, origin), ends in submitted.items():
                sizes = [ITEM_BYTES + len(item.reply) for item in ends]
                parts = _portions(ends, sizes, self._message_bytes_max)
                out.extend([(to, Submitted(origin, floor_version, part)) for part in parts])


def _portions(items: list[T], sizes: list[int], bytes_max: int) -> list[list[T]]:
    """In order, each of at most so many bytes and ``ITEMS_MAX`` items; a larger item goes alone."""
    portions: list[list[T]] = []
    portion: list[T] = []
    total = 0
    for item, size in zip(items, sizes, strict=True):
        if portion and (total + size > bytes_max or len(portion) >= ITEMS_MAX):
            portions.append(portion)
            portion, total = [], 0
        portion.append(item)
        total += size
    if portion:
        portions.append(portion)
    return portions


def _size_of(item: SubmitItem) -> int:
    total = ITEM_BYTES + len(item.place)
    for task in item.tasks:
        total += TASK_BYTES
        for _, args in task.calls:
            total += ITEM_BYTES + sum(map(len, args))
    return total


def is_sound(item: SubmitItem) -> bool:
    """Whether all its tasks concern the register that it names."""
    if not item.tasks:
        return False
    for task in item.tasks:
        if task.key is None or not 0 <= task.db < 1 << 16 or place_key(task.db, task.key) != item.place:
            return False
        if task.calls and not _concerns(task):
            return False
    return True


def _concerns(task: Task) -> bool:
    """An empty task is one: it takes away what is late."""
    return register_of(task.calls) == (task.db, task.key)
