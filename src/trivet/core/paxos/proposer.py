"""The proposer: brings operations to an end by asking acceptors.

On the path: operations in, questions out, answers in, finished operations out. It is the proposer of CASPaxos
(§2.2): prepare, take the value of the highest accepted ballot, run the change functions upon it, accept. With
a promise from the acceptance before, the first round trip falls away (Rule P5); a read on whose ballot a
quorum agrees takes one as well (Rule P6). Nothing of it is durable: a restarted node has another proposer's
number.

Of one key one round is under way; what is submitted meanwhile waits behind it, and then runs together. Rounds
of different keys that ask the same in one turn fly together. Few flights are in the air at a time
(``flights_max``): what comes meanwhile flies with the next, so the busier a group is, the more operations
share a message, an answer and a record in each log.
"""

from collections.abc import Callable
from typing import cast

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.core.paxos.adoption import takes
from trivet.core.paxos.ballot import NOTHING, Ballot
from trivet.core.paxos.config import GroupConfig, Quorums
from trivet.core.paxos.content import Draft, Sealed, is_sound, is_tombstone
from trivet.core.paxos.messages import (
    Accepted,
    Message,
    Other,
    Promises,
    ReadReply,
    Refusal,
    Refused,
    RemoveItem,
    Standing,
)
from trivet.core.paxos.operation import PENDING, SINCE_MAX, Operation, Outcome
from trivet.core.paxos.outbox import Outbox
from trivet.core.paxos.promises import KeptPromises
from trivet.core.paxos.registers import Registers
from trivet.core.paxos.rounds import ACCEPTING, PREPARING, READING, WAITING, Flight, Phase, Round
from trivet.core.paxos.running import run, settle
from trivet.core.paxos.settings import PaxosSettings
from trivet.core.paxos.slots import Holding, SlotOf, one_slot

Answer = Promises | Accepted | ReadReply | Refusal

JUMP_MAX = 8
"""Conflicts after which a ballot is no further above the one in the way than after the last: 2 ** 8."""


class Proposer:
    """One proposer of one group. Its owner in the room (``Paxos``) takes what is finished."""

    __slots__ = (
        "_due", "_new", "_own", "_sleeping", "_slot_of", "collected", "collecting", "config", "counter",
        "epoch_wanted", "finished", "floor", "floor_version", "generation", "holding", "internal", "kept",
        "lives", "now", "outbox", "prng", "quorums", "restless", "rounds", "settings", "settled", "underway",
    )  # fmt: skip

    def __init__(
        self, settings: PaxosSettings, prng: Prng, slot_of: SlotOf = one_slot, own: Registers | None = None
    ) -> None:
        """``own``: the registers of this node's acceptor, if it has one."""
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
        self.rounds: dict[bytes, Round] = {}
        """By key: those with operations."""
        self.collecting: dict[bytes, Round] = {}
        """By key: those that bring tombstones to every member."""
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
        self.restless = False
        """Rounds that have begun have left others to begin."""
        self._own = own
        self._new: list[Round] = []
        """Rounds that have not begun: at the end of a turn they do, as soon as there is room for a flight."""
        self._due: list[Round] = []
        """Rounds that begin a new try at the end of the turn."""
        self._sleeping: dict[Round, None] = {}
        """Rounds that begin a new try later: when their time has come, if they are still there."""

    # --- inputs --------------------------------------------------------------------------

    def learn(self, config: GroupConfig) -> None:
        """Another epoch: every round begins anew under it (Rule P12)."""
        if self.config is not None and config.epoch <= self.config.epoch:
            return
        self.config = config
        self.quorums = Quorums(config)
        self.holding = Holding(config.spans, self._slot_of)
        self.floor_version = max(self.floor_version, config.version)
        self._restart_all()
        self.outbox.clear()
        if not self.holding.whole:
            self._end_moved()

    def _end_moved(self) -> None:
        """Operations on slots that are not served any more (Rule P20)."""
        for round_ in list(self.rounds.values()):
            for operation in [*round_.operations, *round_.queue]:
                if operation.outcome is PENDING and not takes(self.holding, operation):
                    self.underway -= 1
                    self._finish(operation, Outcome.MOVED)
            if round_.operations and round_.is_idle():
                self._end(round_)

    def submit(self, operation: Operation) -> None:
        """Begin an operation; it comes back in ``finished``."""
        settings = self.settings
        key = operation.key
        if len(key) > settings.key_bytes_max or operation.since > SINCE_MAX:
            self._finish(operation, Outcome.TOO_LARGE)
            return
        if not self.holding.whole and not takes(self.holding, operation):
            self._finish(operation, Outcome.MOVED)
            return
        if self.underway >= settings.operations_max and not operation.is_internal:
            self._finish(operation, Outcome.BUSY)
            return
        self.underway += 1
        operation.due = self.now + settings.operation_ticks
        if operation.settled > self.settled.get(operation.origin, 0):
            settle(self.settled, operation.origin, operation.settled)
        round_ = self.rounds.get(key)
        if round_ is None:
            self._await_room(Round(key, [operation]))
        else:
            round_.queue.append(operation)

    def _await_room(self, round_: Round) -> None:
        self.rounds[round_.key] = round_
        self._new.append(round_)

    def collect(self, key: bytes) -> bool:
        """Bring the tombstone of ``key`` to every member, then have it dropped (P11). False: it is busy."""
        if key in self.rounds or key in self.collecting or not self.holding.serves(key):
            return False
        round_ = self.collecting[key] = Round(key, [], True)
        round_.wait_ticks = self.now + self.settings.collect_ticks
        self._due.append(round_)
        return True

    def tick(self) -> None:
        """One tick passed."""
        self.now += 1
        for round_ in [round_ for round_ in self._sleeping if self.now >= round_.wait_ticks]:
            del self._sleeping[round_]
            self._due.append(round_)
        for round_ in [round_ for round_ in self.collecting.values() if self.now >= round_.wait_ticks]:
            self._give_up_collecting(round_)
        for flight in list(self.outbox.flights.values()):
            flight.ticks += 1
            if flight.ticks % self.settings.patience_ticks == 0:
                self._impatient(flight)
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
            self.counter = max(self.counter, self.floor[0])
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

    # --- answers -------------------------------------------------------------------------

    def on_promises(self, sender: NodeId, message: Promises) -> None:
        """Answers of phase 1."""
        quorums = self.quorums
        if quorums is None or not self.hears(sender, message.proposer, message.epoch, message.standing):
            return
        flight = self.outbox.flights.get(message.flight)
        if flight is None or flight.phase is not PREPARING:
            return
        bit = quorums.bits[sender]
        refused = self._take_refused(flight, bit, message.refused)
        hearsay = dict.fromkeys(message.hearsay)
        travelled = sender != self.settings.node
        position = message.start
        for accepted, content in zip(message.accepted, message.contents, strict=True):
            round_ = flight.at(position)
            if round_ is not None and not (position in refused or (round_.mask | round_.refused) & bit):
                is_whole = (content is None) == (accepted == NOTHING)
                if is_whole and not (content and travelled and not is_sound(round_.key, content)):
                    round_.count(bit, accepted, content, position in hearsay)
                    self._count_promises(round_)
            position += 1

    def _count_promises(self, round_: Round) -> None:
        quorums = self.quorums
        assert quorums is not None
        if round_.is_collecting:
            if round_.mask == quorums.everyone:
                self._collect(round_)
        elif quorums.is_quorum(round_.mask):
            best = round_.best()
            agreed = quorums.is_quorum(round_.agreeing[best])
            self._decide(round_, round_.contents[best], agreed, round_.counter)

    def on_accepted(self, sender: NodeId, message: Accepted) -> None:
        """Answers of phase 2."""
        quorums = self.quorums
        if quorums is None or not self.hears(sender, message.proposer, message.epoch, message.standing):
            return
        flight = self.outbox.flights.get(message.flight)
        if flight is None or flight.phase is not ACCEPTING:
            return
        bit = quorums.bits[sender]
        if not (flight.parted or message.refused or message.since):
            flight.mask |= bit
            if flight.mask == quorums.everyone if flight.is_collecting else quorums.is_quorum(flight.mask):
                for round_ in self.outbox.land(flight):
                    self._accepted(round_, True)
            return
        flight.part()
        refused = self._take_refused(flight, bit, message.refused)
        since = {item.position: True for item in message.since}
        for position, each in enumerate(flight.rounds):
            if each is None or position in refused or (each.mask | each.refused) & bit:
                continue
            each.mask |= bit
            each.next_mask |= 0 if position in since else bit
            if each.mask == quorums.everyone if each.is_collecting else quorums.is_quorum(each.mask):
                self._accepted(each, quorums.is_quorum(each.next_mask))

    def _accepted(self, round_: Round, keeps: bool) -> None:
        """By as many as are needed. ``keeps``: a quorum has promised the next ballot as well."""
        if round_.is_collecting:
            self._collected(round_)
            return
        assert round_.content is not None
        if keeps:
            self.kept.keep(round_.key, round_.next_counter, round_.content)
        self._end(round_)

    def on_read_reply(self, sender: NodeId, message: ReadReply) -> None:
        """Answers to reads."""
        quorums = self.quorums
        if quorums is None or not self.hears(sender, message.proposer, message.epoch, message.standing):
            return
        flight = self.outbox.flights.get(message.flight)
        if flight is None or flight.phase is not READING:
            return
        bit = quorums.bits[sender]
        count = len(flight.rounds)
        if not (flight.parted or message.others or message.start or message.end < count):
            flight.mask |= bit
            if quorums.is_quorum(flight.mask):
                for round_ in self.outbox.land(flight):
                    self._answer_reads(round_, round_.content)
            return
        flight.part()
        others = {item.position: item for item in message.others}
        for position in range(message.start, min(message.end, count)):
            each = flight.rounds[position]
            if each is not None and not each.mask & bit:
                self._count_read(each, sender, bit, others.get(position))

    def _count_read(self, round_: Round, sender: NodeId, bit: int, other: Other | None) -> None:
        """``other`` None: it has what this node holds itself."""
        quorums = self.quorums
        assert quorums is not None
        accepted, content = round_.held, round_.content
        if other is not None:
            accepted, content = other.accepted, other.content
            if content is not None and sender != self.settings.node and not is_sound(round_.key, content):
                return
            if content is None and accepted not in (NOTHING, round_.held) and round_.wants_content:
                return
        agreeing = round_.count(bit, accepted, content, other is not None and other.hearsay)
        if quorums.is_quorum(agreeing):
            self._answer_reads(round_, round_.contents[accepted])
        elif round_.mask == quorums.everyone:
            self._prepare(round_)  # they do not agree: make them

    def _take_refused(self, flight: Flight, bit: int, refused: list[Refused]) -> dict[int, None]:
        """What one member has refused, or not looked at; at which positions."""
        positions: dict[int, None] = {}
        for item in refused:
            positions[item.position] = None
            round_ = flight.at(item.position)
            if round_ is not None and item.promised != NOTHING and not (round_.mask | round_.refused) & bit:
                self._on_refused(round_, bit, item.promised)
        return positions

    # --- what rounds do ------------------------------------------------------------------

    def _ask(self, round_: Round, phase: Phase) -> None:
        """A new phase."""
        if round_.phase is not WAITING:
            self.outbox.withdraw(round_)
        round_.enter(phase)
        self.outbox.ask(round_)

    def _begin(self, round_: Round) -> None:
        """A new try."""
        if round_.tries == 0 and not round_.is_collecting:
            if round_.only_reads:
                self._read(round_)
                return
            kept = self.kept.take(round_.key)
            if kept is not None and kept.may_be_there(self.floor, self.floor_version):
                self._decide(round_, kept.content, False, kept.counter)
                return
        self._prepare(round_)

    def _read(self, round_: Round) -> None:
        """What this node holds itself the others need not send."""
        register = None if self._own is None else self._own.get(round_.key)
        if register is not None and register.content is not None:
            round_.held, round_.content = register.accepted, register.content
        self._ask(round_, READING)

    def _prepare(self, round_: Round) -> None:
        """Phase 1, with a new ballot. A promise kept from before is below it from now on."""
        self.kept.take(round_.key)
        # Who writes the key all the time takes a new ballot with every change: get ahead of that.
        self.counter += 1 << min(round_.tries, JUMP_MAX)
        round_.counter = self.counter
        self._ask(round_, PREPARING)

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
        self._ask(round_, ACCEPTING)

    def _answer_reads(self, round_: Round, content: Sealed | None) -> None:
        """A quorum has accepted this, so nothing later had been by one when the read began (Rule P6)."""
        self._run(round_, content)
        self._end(round_)

    def _run(self, round_: Round, content: Sealed | None) -> Draft:
        """Its operations, one upon the outcome of the other."""
        draft = Draft(content, self.floor_version, self.settings.origins_max)
        for operation in round_.operations:
            if operation.outcome is PENDING:
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
        self.outbox.withdraw(round_)
        round_.enter(WAITING)
        if round_.tries == 1:
            self._due.append(round_)
        elif round_.is_collecting:
            self._give_up_collecting(round_)
        else:
            longest = settings.backoff_ticks << min(round_.tries - 2, 16)
            round_.wait_ticks = self.now + 1 + self.prng.below(min(longest, settings.backoff_ticks_max))
            self._sleeping[round_] = None

    def _impatient(self, flight: Flight) -> None:
        """Answers are missing: ask again, or begin anew where somebody refused."""
        quorums = self.quorums
        assert quorums is not None
        silent = 0
        for round_ in flight.rounds:
            if round_ is None:
                continue
            mask = round_.mask if flight.parted else flight.mask
            if flight.phase is READING and quorums.is_quorum(mask):
                self._prepare(round_)
            elif round_.refused:
                self._conflict(round_)
            else:
                silent |= quorums.everyone & ~mask
        for node, bit in quorums.bits.items():
            if silent & bit:
                self.outbox.again(node, flight.message)

    def _restart_all(self) -> None:
        """Nothing that was answered so far counts."""
        self.generation += 1
        self.kept.clear()
        for round_ in list(self.collecting.values()):
            self._give_up_collecting(round_)
        for round_ in self.rounds.values():
            if round_.phase is not WAITING:
                self.outbox.withdraw(round_)
                round_.enter(WAITING)
                round_.tries = max(round_.tries, 1)
                self._due.append(round_)

    # --- ends ----------------------------------------------------------------------------

    def _end(self, round_: Round) -> None:
        """What was run is confirmed."""
        if round_.phase is not WAITING:
            self.outbox.withdraw(round_)
        for operation in round_.operations:
            if operation.outcome is PENDING:
                self.underway -= 1
                operation.outcome = operation.tentative
                (self.internal if operation.is_internal else self.finished).append(operation)
        if round_.queue:
            self._await_room(Round(round_.key, round_.queue))
        else:
            del self.rounds[round_.key]

    def _finish(self, operation: Operation, outcome: Outcome) -> None:
        operation.outcome = outcome
        (self.internal if operation.is_internal else self.finished).append(operation)

    def _expire(self) -> None:
        """Give up what has taken too long: definitely, unless its change may be on its way (Rule P8)."""
        now = self.now
        for round_ in list(self.rounds.values()):
            for operation in round_.operations:
                self._expire_one(operation, now)
            queue = round_.queue
            if queue and (queue[0].outcome is not PENDING or queue[0].due <= now):
                round_.queue = [operation for operation in queue if not self._expire_one(operation, now)]
            if round_.operations and round_.is_idle():
                self._end(round_)

    def _expire_one(self, operation: Operation, now: int) -> bool:
        """Whether it is over."""
        if operation.outcome is PENDING and operation.due <= now:
            self.underway -= 1
            self._finish(operation, Outcome.INDEFINITE if operation.exposed else Outcome.DEFINITE)
        return operation.outcome is not PENDING

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
        self._drop_collecting(round_)
        self.outbox.remove(RemoveItem(round_.key, (round_.counter, self.settings.proposer)))
        self.collected.append((round_.key, True))

    def _give_up_collecting(self, round_: Round) -> None:
        self._drop_collecting(round_)
        self.collected.append((round_.key, False))

    def _drop_collecting(self, round_: Round) -> None:
        self.outbox.withdraw(round_)
        round_.enter(WAITING)
        del self.collecting[round_.key]

    # --- outcome -------------------------------------------------------------------------

    def flush(self, out: list[tuple[NodeId, Message]]) -> None:
        """Begin what is to begin, and make messages of the turn's questions."""
        if self.config is None or self.quorums is None:
            return
        if self._due:
            due, self._due = self._due, []
            for round_ in due:
                if round_.phase is not WAITING or not self._is_there(round_):
                    continue
                if round_.is_idle():
                    self._end(round_)
                else:
                    self._begin(round_)
        if self._new:
            self._start_new()
        self.outbox.flush(self.config.epoch, self.quorums.members, out)

    def _is_there(self, round_: Round) -> bool:
        """Nobody has given it up."""
        return (self.collecting if round_.is_collecting else self.rounds).get(round_.key) is round_

    def _start_new(self) -> None:
        """Rounds begin for whose flight there is room; to the others more operations may come."""
        may_read, may_write = self.outbox.room(self.settings.flights_max)
        new, self._new = self._new, []
        waiting: list[Round] = []
        for round_ in new:
            if (may_read and may_write) or (may_read if round_.waits_to_read() else may_write):
                self._start(round_)
            else:
                waiting.append(round_)
        self.restless = bool(self._new)
        self._new = waiting + self._new

    def _start(self, round_: Round) -> None:
        round_.take(self.settings.round_operations_max)
        if round_.operations:
            self._begin(round_)
        else:
            del self.rounds[round_.key]  # all were given up


Handler = Callable[[Proposer, NodeId, Message], None]

HANDLERS: dict[type, Handler] = {
    Promises: cast(Handler, Proposer.on_promises),
    Accepted: cast(Handler, Proposer.on_accepted),
    ReadReply: cast(Handler, Proposer.on_read_reply),
    Refusal: cast(Handler, Proposer.on_refusal),
}
"""One handler per answer."""
