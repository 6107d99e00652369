"""The proposer: brings operations to an end by asking acceptors.

On the path: operations in, questions out, answers in, finished operations out. It is the proposer of CASPaxos
(§2.2): prepare, take the value of the highest accepted ballot, run the change functions upon it, accept. With
a promise from the acceptance before, the first round trip falls away (Rule P5); a read on whose ballot a
quorum agrees takes one as well (Rule P6). Nothing of it is durable: a restarted node has another proposer's
number.

Of one key one round is under way; what is submitted meanwhile waits at its front, and then runs together.
"""

from collections.abc import Callable
from typing import cast

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.core.paxos.adoption import Adoption
from trivet.core.paxos.ballot import NOTHING, Ballot
from trivet.core.paxos.config import GroupConfig, Quorums
from trivet.core.paxos.content import Draft, Sealed, is_sound, is_tombstone, tail_of
from trivet.core.paxos.messages import (
    Accepted,
    AcceptedItem,
    AcceptItem,
    Message,
    PrepareItem,
    PromiseItem,
    Promises,
    ReadItem,
    ReadReply,
    Refusal,
    RemoveItem,
    Standing,
)
from trivet.core.paxos.operation import Operation, Outcome
from trivet.core.paxos.outbox import Outbox
from trivet.core.paxos.promises import Kept, KeptPromises
from trivet.core.paxos.rounds import Front, Phase, Round
from trivet.core.paxos.running import run
from trivet.core.paxos.settings import PaxosSettings
from trivet.core.paxos.slots import Holding, SlotOf, one_slot

Answer = Promises | Accepted | ReadReply | Refusal

JUMP_MAX = 8
"""Conflicts after which a ballot is no further above the one in the way than after the last: 2 ** 8."""
SINCE_MAX = 1 << 62
"""Versions rise above what an origin claims to know: not so far that they leave their range."""


class Proposer:
    """One proposer of one group. Its owner in the room (``Paxos``) takes what is finished."""

    __slots__ = (
        "_due",
        "_next_round",
        "_slot_of",
        "_stirred",
        "collected",
        "config",
        "counter",
        "epoch_wanted",
        "finished",
        "floor",
        "floor_version",
        "fronts",
        "generation",
        "holding",
        "internal",
        "kept",
        "lives",
        "now",
        "outbox",
        "prng",
        "quorums",
        "rounds",
        "settings",
        "settled",
        "underway",
    )  # fmt: skip

    def __init__(self, settings: PaxosSettings, prng: Prng, slot_of: SlotOf = one_slot) -> None:
        self.settings = settings
        self._slot_of = slot_of
        self.holding = Holding(None, slot_of)
        """Which slots are served, by the config."""
        self.prng = prng
        self.config: GroupConfig | None = None
        self.quorums: Quorums | None = None
        self.epoch_wanted = 0
        self.now = 0
        self.counter = 0
        """The highest that it has used or heard of."""
        self.floor: Ballot = NOTHING
        self.floor_version = 0
        """As the acceptors told."""
        self.lives: dict[NodeId, int] = {}
        self.generation = 0
        """Rises whenever nothing that was answered before counts any more."""
        self.fronts: dict[bytes, Front] = {}
        self.rounds: dict[int, Round] = {}
        self.kept = KeptPromises(settings.promises_max, settings.promises_bytes_max)
        self.settled: dict[int, int] = {}
        """Origin -> its seqs below this are over."""
        self.outbox = Outbox(settings.proposer, settings.message_bytes_max)
        self.finished: list[Operation] = []
        self.internal: list[Operation] = []
        """Finished ones of the room itself."""
        self.collected: list[tuple[bytes, bool]] = []
        """Tombstones: every member has it, and was told to drop it; or it could not be done."""
        self.underway = 0
        self._stirred: dict[bytes, Front] = {}
        """Fronts that may begin a round at the end of the turn."""
        self._due: list[Round] = []
        """Rounds that begin a new try at the end of the turn."""
        self._next_round = 0

    # --- inputs --------------------------------------------------------------------------

    def learn(self, config: GroupConfig) -> None:
        """Another epoch: every round begins anew under it (Rule P12)."""
        if self.config is not None and config.epoch <= self.config.epoch:
            return
        self.config = config
        self.quorums = Quorums(config)
        self.outbox.clear()
        self.holding = Holding(config.spans, self._slot_of)
        self.floor_version = max(self.floor_version, config.version)
        self._restart_all()
        if not self.holding.whole:
            self._end_moved()

    def _takes(self, operation: Operation) -> bool:
        """Whether its slot is served; what is adopted goes into one that arrives (Rules P20, P22)."""
        if isinstance(operation, Adoption):
            return self.holding.arrives(operation.key, operation.epoch)
        return self.holding.serves(operation.key)

    def _end_moved(self) -> None:
        """Operations on slots that are not served any more (Rule P20)."""
        for front in list(self.fronts.values()):
            round_ = front.round
            queue = list(front.queue)
            for operation in queue if round_ is None else [*round_.operations, *queue]:
                if operation.outcome is Outcome.PENDING and not self._takes(operation):
                    self.underway -= 1
                    self._finish(operation, Outcome.MOVED)
            if round_ is not None and round_.is_idle():
                self._end(round_)

    def submit(self, operation: Operation) -> None:
        """Begin an operation; it comes back in ``finished``."""
        settings = self.settings
        if len(operation.key) > settings.key_bytes_max or operation.since > SINCE_MAX:
            self._finish(operation, Outcome.TOO_LARGE)
            return
        if not self.holding.whole and not self._takes(operation):
            self._finish(operation, Outcome.MOVED)
            return
        if self.underway >= settings.operations_max and not operation.is_internal:
            self._finish(operation, Outcome.BUSY)
            return
        self.underway += 1
        operation.due = self.now + settings.operation_ticks
        if operation.settled > self.settled.get(operation.origin, 0):
            self._settle(operation.origin, operation.settled)
        front = self.fronts.get(operation.key)
        if front is None:
            front = self.fronts[operation.key] = Front(operation.key)
        front.queue.append(operation)
        if front.round is None:
            self._stirred[operation.key] = front

    def _settle(self, origin: int, settled: int) -> None:
        """A node's later life replaces its earlier ones in time, by being used more."""
        self.settled.pop(origin, None)
        self.settled[origin] = settled
        if len(self.settled) > 4096:
            del self.settled[next(iter(self.settled))]

    def collect(self, key: bytes) -> bool:
        """Bring the tombstone of ``key`` to every member, then have it dropped (Rule P11).

        False: it is busy.
        """
        if key in self.fronts or not self.holding.serves(key):
            return False
        round_ = Round(key, None, [])
        self.rounds[self._number()] = round_
        round_.round_id = self._next_round
        round_.wait_ticks = self.now + self.settings.collect_ticks
        self._due.append(round_)
        return True

    def tick(self) -> None:
        """One tick passed."""
        self.now += 1
        for round_ in list(self.rounds.values()):
            round_.ticks += 1
            if round_.is_collecting and self.now >= round_.wait_ticks:
                self._give_up_collecting(round_)
            elif round_.phase is Phase.WAITING:
                if round_.ticks == round_.wait_ticks and not round_.is_collecting:
                    self._due.append(round_)
            elif round_.ticks >= self.settings.patience_ticks:
                self._impatient(round_)
        if self.now % 4 == 0:
            self._expire()

    def step(self, sender: NodeId, message: Answer) -> None:
        """An answer arrived."""
        HANDLERS[type(message)](self, sender, message)

    def hears(self, sender: NodeId, proposer: int, epoch: int, standing: Standing) -> bool:
        """Whether an answer counts: it is to this life, of this epoch, and of the sender's present life.

        What it tells beside is learned in any case.
        """
        quorums = self.quorums
        if proposer != self.settings.proposer or self.config is None or quorums is None:
            return False
        if standing.floor > self.floor:
            self.floor = standing.floor
            if self.floor[0] > self.counter:
                self.counter = self.floor[0]
        if standing.floor_version > self.floor_version:
            self.floor_version = standing.floor_version
        if standing.lives or standing.life != self.lives.get(sender, 0):
            self._learn_lives(sender, standing)
        if epoch != self.config.epoch or sender not in quorums.bits:
            return False
        return standing.life == self.lives.get(sender, 0) and standing.life > 0

    def _learn_lives(self, sender: NodeId, standing: Standing) -> None:
        """Somebody lost a disk.

        What it said before counts no more, nor what was concluded from that (P16).
        """
        news = False
        for node, life in (*standing.lives, (sender, standing.life)):
            known = self.lives.get(node, 0)
            if life > known:
                self.lives[node] = life
                news = news or known > 0  # else nothing of it has counted so far
        if news:
            self._restart_all()

    def on_refusal(self, sender: NodeId, message: Refusal) -> None:
        """Somebody is in another epoch, or doubtful: as good as no answer."""
        if message.proposer == self.settings.proposer and self.config is not None:
            self.epoch_wanted = max(self.epoch_wanted, message.epoch)

    def on_promises(self, sender: NodeId, message: Promises) -> None:
        """Answers of phase 1."""
        if self.hears(sender, message.proposer, message.epoch, message.standing):
            for item in message.items:
                round_ = self.rounds.get(item.round_id)
                if round_ is not None and round_.phase is Phase.PREPARING:
                    self._on_promise(round_, sender, item)

    def _on_promise(self, round_: Round, sender: NodeId, item: PromiseItem) -> None:
        quorums = self.quorums
        assert quorums is not None
        bit = quorums.bits[sender]
        if (round_.mask | round_.refused) & bit:
            return
        if not item.ok:
            self._on_refused(round_, bit, item.promised)
            return
        content = item.content
        if item.promised != (round_.counter, self.settings.proposer):
            return
        if (content is None) != (item.accepted == NOTHING):
            return
        if content is not None and sender != self.settings.node and not is_sound(round_.key, content):
            return
        round_.count(bit, item.accepted, content, item.hearsay)
        if round_.is_collecting:
            if round_.mask == quorums.everyone:
                self._collect(round_)
        elif quorums.is_quorum(round_.mask):
            best = round_.best()
            agreed = quorums.is_quorum(round_.agreeing[best])
            self._decide(round_, round_.contents[best], agreed, round_.counter)

    def on_accepted(self, sender: NodeId, message: Accepted) -> None:
        """Answers of phase 2."""
        if self.hears(sender, message.proposer, message.epoch, message.standing):
            for item in message.items:
                round_ = self.rounds.get(item.round_id)
                if round_ is not None and round_.phase is Phase.ACCEPTING:
                    self._on_accepted(round_, sender, item)

    def _on_accepted(self, round_: Round, sender: NodeId, item: AcceptedItem) -> None:
        quorums = self.quorums
        assert quorums is not None
        bit = quorums.bits[sender]
        if (round_.mask | round_.refused) & bit:
            return
        if not item.ok:
            self._on_refused(round_, bit, item.promised)
            return
        round_.mask |= bit
        if item.promised == (round_.next_counter, self.settings.proposer):
            round_.next_mask |= bit
        if round_.is_collecting:
            if round_.mask == quorums.everyone:
                self._collected(round_)
        elif quorums.is_quorum(round_.mask):
            assert round_.content is not None
            if quorums.is_quorum(round_.next_mask):
                self.kept.keep(round_.key, round_.next_counter, round_.content)
            self._end(round_)

    def on_read_reply(self, sender: NodeId, message: ReadReply) -> None:
        """Answers to reads."""
        quorums = self.quorums
        if quorums is None or not self.hears(sender, message.proposer, message.epoch, message.standing):
            return
        travelled = sender != self.settings.node
        for item in message.items:
            round_ = self.rounds.get(item.round_id)
            if round_ is None or round_.phase is not Phase.READING:
                continue
            bit = quorums.bits[sender]
            content = item.content
            if round_.mask & bit:
                continue
            if content is not None and travelled and not is_sound(round_.key, content):
                continue
            if content is None and item.accepted != NOTHING and round_.wants_content():
                continue
            agreeing = round_.count(bit, item.accepted, content, item.hearsay)
            if quorums.is_quorum(agreeing):
                self._answer_reads(round_, round_.contents[item.accepted])
            elif round_.mask == quorums.everyone:
                self._prepare(round_)  # they do not agree: make them

    # --- what rounds do ------------------------------------------------------------------

    def _number(self) -> int:
        self._next_round += 1
        return self._next_round

    def _enter(self, round_: Round, phase: Phase) -> None:
        """A new phase, under a new number."""
        self.rounds.pop(round_.round_id, None)
        round_.enter(phase, self._number())
        self.rounds[round_.round_id] = round_

    def _begin(self, round_: Round) -> None:
        """A new try."""
        quorums = self.quorums
        if quorums is None or round_.round_id not in self.rounds:
            return
        if round_.is_idle():
            self._end(round_)
            return
        if round_.tries == 0 and round_.front is not None:
            if round_.only_reads():
                self._enter(round_, Phase.READING)
                self.outbox.read(ReadItem(round_.round_id, round_.key, round_.wants_content()))
                return
            kept = self.kept.take(round_.key)
            if kept is not None and self._may_be_there(kept):
                self._decide(round_, kept.content, False, kept.counter)
                return
        self._prepare(round_)

    def _may_be_there(self, kept: Kept) -> bool:
        """Whether the register cannot have been removed, as far as is known (Rule P11).

        An accept in vain would be safe, but leave its operations in doubt (Rule P9).
        """
        return kept.counter > self.floor[0] or tail_of(kept.content)[0] > self.floor_version

    def _prepare(self, round_: Round) -> None:
        """Phase 1, with a new ballot. A promise kept from before is below it from now on."""
        self.kept.take(round_.key)
        # Who writes the key all the time takes a new ballot with every change: get ahead of that.
        self.counter += 1 << min(round_.tries, JUMP_MAX)
        round_.counter = self.counter
        self._enter(round_, Phase.PREPARING)
        self.outbox.prepare(PrepareItem(round_.round_id, round_.key, round_.counter))

    def _decide(self, round_: Round, content: Sealed | None, agreed: bool, counter: int) -> None:
        """The value is known: run the operations upon it, and have what comes out accepted at ``counter``.

        ``agreed``: a quorum has accepted this very value, so what changes nothing is answered (Rule P7).
        """
        draft = self._run(round_, content)
        if draft.changed:
            content = draft.sealed(round_.key)
            for operation in round_.operations:
                if operation.wrote:
                    operation.exposed = True
        elif agreed or content is None:
            self._end(round_)
            return
        self.counter += 1
        self._accept(round_, content, counter, self.counter)

    def _accept(self, round_: Round, content: Sealed | None, counter: int, next_counter: int) -> None:
        """Phase 2."""
        assert content is not None
        round_.counter = counter
        round_.next_counter = next_counter
        round_.content = content
        self._enter(round_, Phase.ACCEPTING)
        self.outbox.accept(AcceptItem(round_.round_id, round_.key, counter, next_counter, content))

    def _answer_reads(self, round_: Round, content: Sealed | None) -> None:
        """A quorum has accepted this, so nothing later had been by one when the read began (Rule P6)."""
        self._run(round_, content)
        self._end(round_)

    def _run(self, round_: Round, content: Sealed | None) -> Draft:
        """Its operations, one upon the outcome of the other."""
        draft = Draft(content, self.floor_version, self.settings.origins_max)
        for operation in round_.operations:
            if operation.outcome is Outcome.PENDING:
                run(operation, draft, self.settled, self.settings.value_bytes_max)
        return draft

    def _on_refused(self, round_: Round, bit: int, promised: Ballot) -> None:
        """Another proposer's ballot is in the way. Enough of that: try again above it, later (Rule P2)."""
        quorums = self.quorums
        assert quorums is not None
        round_.refused |= bit
        if promised[0] > self.counter:
            self.counter = promised[0]
        if round_.is_collecting or not quorums.may_be_quorum(round_.refused):
            self._conflict(round_)

    def _conflict(self, round_: Round) -> None:
        """The first time at once, then after a while: who duels with it shall get a chance to end."""
        settings = self.settings
        round_.tries += 1
        self._enter(round_, Phase.WAITING)
        if round_.tries == 1:
            self._due.append(round_)
        elif round_.is_collecting:
            self._give_up_collecting(round_)
        else:
            longest = settings.backoff_ticks << min(round_.tries - 2, 16)
            round_.wait_ticks = 1 + self.prng.below(min(longest, settings.backoff_ticks_max))

    def _impatient(self, round_: Round) -> None:
        """Answers are missing: ask again, or begin anew where somebody refused."""
        quorums = self.quorums
        assert quorums is not None
        if round_.phase is Phase.READING and quorums.is_quorum(round_.mask):
            self._prepare(round_)
            return
        if round_.refused:
            self._conflict(round_)
            return
        round_.ticks = 0
        item: PrepareItem | AcceptItem | ReadItem
        if round_.phase is Phase.PREPARING:
            item = PrepareItem(round_.round_id, round_.key, round_.counter)
        elif round_.phase is Phase.READING:
            item = ReadItem(round_.round_id, round_.key, round_.wants_content())
        else:
            assert round_.content is not None
            item = AcceptItem(
                round_.round_id, round_.key, round_.counter, round_.next_counter, round_.content
            )  # fmt: skip
        for node, bit in quorums.bits.items():
            if not round_.mask & bit:
                self.outbox.again(node, item)

    def _restart_all(self) -> None:
        """Nothing that was answered so far counts."""
        self.generation += 1
        self.kept.clear()
        for round_ in list(self.rounds.values()):
            if round_.is_collecting:
                self._give_up_collecting(round_)
            elif round_.phase is not Phase.WAITING:
                self._enter(round_, Phase.WAITING)
                round_.wait_ticks = 0
                round_.tries = max(round_.tries, 1)
                self._due.append(round_)

    # --- ends ----------------------------------------------------------------------------

    def _end(self, round_: Round) -> None:
        """What was run is confirmed."""
        del self.rounds[round_.round_id]
        for operation in round_.operations:
            if operation.outcome is Outcome.PENDING:
                self.underway -= 1
                self._finish(operation, operation.tentative)
        front = round_.front
        assert front is not None
        front.round = None
        if front.queue:
            self._stirred[front.key] = front
        else:
            del self.fronts[front.key]

    def _finish(self, operation: Operation, outcome: Outcome) -> None:
        operation.outcome = outcome
        (self.internal if operation.is_internal else self.finished).append(operation)

    def _expire(self) -> None:
        """Give up what has taken too long: definitely, unless its change may be on its way (Rule P8)."""
        now = self.now
        for front in list(self.fronts.values()):
            round_ = front.round
            if round_ is not None:
                for operation in round_.operations:
                    self._expire_one(operation, now)
                if round_.is_idle():
                    self._end(round_)
            while front.queue and (
                front.queue[0].outcome is not Outcome.PENDING or front.queue[0].due <= now
            ):
                self._expire_one(front.queue.popleft(), now)
            if not front.queue and front.round is None:
                self.fronts.pop(front.key, None)
                self._stirred.pop(front.key, None)

    def _expire_one(self, operation: Operation, now: int) -> None:
        if operation.outcome is Outcome.PENDING and operation.due <= now:
            self.underway -= 1
            self._finish(operation, Outcome.INDEFINITE if operation.exposed else Outcome.DEFINITE)

    # --- tombstones ----------------------------------------------------------------------

    def _collect(self, round_: Round) -> None:
        """All members have promised: all are to have what was accepted last at this ballot.

        That may be a value which somebody gave up to write. It is brought to an end like a tombstone, and
        stays.
        """
        content = round_.contents[round_.best()]
        if content is None:
            self._give_up_collecting(round_)
            return
        self._accept(round_, content, round_.counter, 0)

    def _collected(self, round_: Round) -> None:
        """All members have accepted it: a tombstone may go wherever it is still the same."""
        assert round_.content is not None
        if not is_tombstone(round_.content):
            self._give_up_collecting(round_)
            return
        del self.rounds[round_.round_id]
        ballot = (round_.counter, self.settings.proposer)
        self.outbox.remove(RemoveItem(round_.key, ballot))
        self.collected.append((round_.key, True))

    def _give_up_collecting(self, round_: Round) -> None:
        del self.rounds[round_.round_id]
        self.collected.append((round_.key, False))

    # --- outcome -------------------------------------------------------------------------

    def flush(self, out: list[tuple[NodeId, Message]]) -> None:
        """Begin what is to begin, and make messages of the turn's questions."""
        if self.config is None or self.quorums is None:
            return
        while self._stirred or self._due:
            stirred, self._stirred = self._stirred, {}
            for front in stirred.values():
                if front.round is None:
                    self._start(front)
            due, self._due = self._due, []
            for round_ in due:
                if round_.phase is Phase.WAITING:
                    self._begin(round_)
        self.outbox.flush(self.config.epoch, self.quorums.members, out)

    def _start(self, front: Front) -> None:
        operations = front.take(self.settings.round_operations_max)
        if not operations:
            if not front.queue:
                self.fronts.pop(front.key, None)
            return
        round_ = Round(front.key, front, operations)
        round_.round_id = self._number()
        self.rounds[round_.round_id] = round_
        front.round = round_
        self._begin(round_)


Handler = Callable[[Proposer, NodeId, Message], None]

HANDLERS: dict[type, Handler] = {
    Promises: cast(Handler, Proposer.on_promises),
    Accepted: cast(Handler, Proposer.on_accepted),
    ReadReply: cast(Handler, Proposer.on_read_reply),
    Refusal: cast(Handler, Proposer.on_refusal),
}
"""One handler per answer."""
