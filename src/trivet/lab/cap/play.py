"""One square of the card: one mode under one trouble, played on the stage, measured and judged.

1. A cluster of real nodes, a keyspace in the mode, a second of silence (what an idle cluster costs).
2. Clients for a second; the trouble for eight; clients for three more.
3. When all is still, every key is read through every node until all say the same.
"""

import re
from typing import Final

import msgspec

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.cluster.map import ClusterMap
from trivet.lab.cap.figures import Book, Side, is_good, is_write, percentile_ms, recovery_ms, side_of
from trivet.lab.cap.modes import Mode
from trivet.lab.cap.traffic import Caller, read_everything
from trivet.lab.cap.troubles import NODES, Trouble
from trivet.lab.history import Operation
from trivet.lab.judges import linearizability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.pictures.describe import describe
from trivet.lab.recording import Recorder, Recording, Saying
from trivet.lab.resp import OK
from trivet.lab.stage.stage import Stage, stage_options

DELAY_US: Final = 1_000
"""A network delay: what a message takes on its way, give or take a tenth."""
CALM_MS: Final = 1_000
TROUBLE_MS: Final = 8_000
AFTER_MS: Final = 3_000
IDLE_MS: Final = 1_000
AGREE_MS_MAX: Final = 20_000
BUDGET: Final = 200_000
"""Configurations that the judge looks at per key."""
ANSWERED_MIN: Final = 20
COMPLAINTS_MAX: Final = 3
BEFORE_US: Final = 15_000
MESSAGES_MAX: Final = 40
"""What a picture shows: from so long before the trouble on, so many messages."""
CALM: Final = "healthy"
LEADING: Final = ("leader", "primary")

_OPERATION = re.compile(r"\bop (\d+) client")


class Square(msgspec.Struct, kw_only=True):
    """What one run has shown. Times in ms of virtual time; one network delay is 1 ms."""

    mode: str
    trouble: str
    sides: list[Side]
    asked: int
    answered: int
    writes_acknowledged: int
    writes_lost: int
    reads: int
    stale_reads: int
    stale_ms_max: float
    stale_versions_max: int
    linearizable: str
    """``yes``, ``no`` or ``undecided``: the judge's word."""
    counterexample: list[str] = []
    recover_ms: int
    """From healing until every client had been answered; -1: never."""
    converge_ms: int
    """From healing until no read missed what had been acknowledged before it."""
    agree: bool
    """Whether all nodes told the same of every key in the end."""
    read_p50: float | None
    """None, here and below: too few were answered to say."""
    write_p50: float | None
    p99: float | None
    messages_per_op: float | None
    bytes_per_op: float | None
    syncs_per_op: float | None
    complaints: list[str] = []
    """What the judges of invariants say: nothing, in a correct store."""
    digest: str = ""
    picture: str = ""
    """The file of its space-time diagram."""


class Cost(msgspec.Struct):
    """What nodes have sent and synced so far."""

    messages: int
    bytes: int
    syncs: int


class Play:
    """One run."""

    def __init__(self, mode: Mode, trouble: Trouble, seed: int) -> None:
        self.mode = mode
        self.trouble = trouble
        title = f"{mode.name}: {trouble.title}"
        self.recorder = Recorder(title, seed)
        options = stage_options(
            seed, NODES, net_us_min=DELAY_US * 9 // 10, net_us_max=DELAY_US * 11 // 10,
            sync_us_min=200, sync_us_max=400,
        )  # fmt: skip
        self.stage = Stage(NODES, seed, self.recorder, options)
        self.callers: list[Caller] = []
        self.began_us = self.struck_us = self.healed_us = 0

    def run(self) -> Square:
        """All of it."""
        stage, trouble = self.stage, self.trouble
        self._found()
        order = self._order()
        greeting = self.mode.greeting
        self.callers = [Caller(stage, n, greeting, kind) for n in stage.nodes for kind in (False, True)]
        stage.run_for(CALM_MS)
        before, self.struck_us = self._spent(), stage.simulation.now_us
        stage.say("story", trouble.sentence.replace("the chief", f"the chief (node {order[0]})"))
        heal = trouble.strike(stage, order, TROUBLE_MS)
        stage.run_for(TROUBLE_MS)
        spent = self._since(before)
        self.healed_us = stage.simulation.now_us
        heal()
        if trouble.name != CALM:
            stage.say("story", "The trouble is over.")
        stage.run_for(AFTER_MS)
        for caller in self.callers:
            caller.stop()
        stage.run_until(lambda: all(caller.idle for caller in self.callers))
        book = Book(stage.history)
        finals, agree = self._agree(book.keys)
        return self._measure(order, book, finals, agree, spent)

    # -- before and after

    def _found(self) -> None:
        """The keyspace is there and everybody knows it; then it is still for a while."""
        stage, mode = self.stage, self.mode
        stage.leader()
        stage.run_for(1_000)
        replicas = "1" if mode.alone else str(self.trouble.copies)
        words = ("KEYSPACE", "CREATE", "1", "MODE", mode.name, "REPLICAS", replicas, "SHARDS", "1")
        answer = stage.ask(1, *words)
        assert answer == OK, f"{' '.join(words)}: {answer!r}"
        stage.run_for(3_000)
        before = self._spent()
        stage.run_for(IDLE_MS)
        self._idle = self._since(before)

    def _order(self) -> list[NodeId]:
        """The chief, the others that have copies, the rest."""
        chief = self._chief()
        members = self._map().groups[self._group()].members
        return sorted(self.stage.nodes, key=lambda node: (node != chief, node not in members, node))

    def _chief(self) -> NodeId:
        group = self._group()
        for node in self.stage.nodes:
            seen = self.stage.process(node).looks.get(group)
            if seen is not None and seen.role in LEADING:
                return node
        return self._map().groups[group].members[0]

    def _map(self) -> ClusterMap:
        newest = self.stage.cluster.newest_map()
        assert newest is not None
        return newest

    def _group(self) -> GroupId:
        return next(row.id for row in self._map().groups.values() if row.keyspace == 1)

    def _agree(self, keys: list[bytes]) -> tuple[list[Operation], bool]:
        """The final reads through one node, and whether all nodes come to say the same."""
        stage = self.stage
        end_us = stage.simulation.now_us + AGREE_MS_MAX * 1000
        while True:
            told = [read_everything(stage, node, keys) for node in stage.nodes]
            values = [[_same(read) for read in reads] for reads in told]
            if told[0] and all(row == values[0] for row in values):
                return told[0], True
            if stage.simulation.now_us > end_us:
                return next((reads for reads in told if reads), []), False
            stage.run_for(200)

    # -- what it cost

    def _spent(self) -> Cost:
        messages = self.recorder.recording.messages
        syncs = sum(self.stage.process(node).disk.synced_jobs for node in self.stage.nodes)
        return Cost(len(messages), sum(len(message.frame) for message in messages), syncs)

    def _since(self, before: Cost) -> Cost:
        now = self._spent()
        return Cost(now.messages - before.messages, now.bytes - before.bytes, now.syncs - before.syncs)

    def _per_op(self, spent: int, idle: int, answered: int) -> float | None:
        """Beyond what an idle cluster spends; it may spend less than that when half of it is down."""
        own = spent - idle * TROUBLE_MS / IDLE_MS
        return round(max(0.0, own) / answered, 1) if answered >= ANSWERED_MIN else None

    # -- the verdict

    def _measure(
        self, order: list[NodeId], book: Book, finals: list[Operation], agree: bool, spent: Cost
    ) -> Square:
        stage, idle = self.stage, self._idle
        asks = [ask for caller in self.callers for ask in caller.asks]
        mine = [o for o in stage.history if o.keys]
        during = [o for o in mine if self.struck_us <= o.invoke_us < self.healed_us]
        timely = [o for o in during if o.return_us <= self.healed_us]
        answered = sum(is_good(o) for o in timely)
        lost = book.lost(finals)
        stale = book.stale(self.healed_us)
        complaints, unknown = linearizability.judge(mine, budget=BUDGET)
        is_calm = self.trouble.name == CALM
        return Square(
            mode=self.mode.name,
            trouble=self.trouble.name,
            sides=[
                side_of(name, nodes, asks, self.struck_us, self.healed_us)
                for name, nodes in self.trouble.sides(order)
            ],
            asked=len(during),
            answered=answered,
            writes_acknowledged=book.acknowledged,
            writes_lost=lost,
            reads=stale.reads,
            stale_reads=stale.stale,
            stale_ms_max=stale.ms_max,
            stale_versions_max=stale.versions_max,
            linearizable="no" if complaints else "undecided" if unknown else "yes",
            counterexample=_evidence(complaints),
            recover_ms=0 if is_calm else recovery_ms(asks, self.healed_us),
            converge_ms=0 if is_calm or not stale.last_us else (stale.last_us - self.healed_us) // 1000,
            agree=agree,
            read_p50=percentile_ms([o for o in timely if not is_write(o)], 0.5),
            write_p50=percentile_ms([o for o in timely if is_write(o)], 0.5),
            p99=percentile_ms(timely, 0.99),
            messages_per_op=self._per_op(spent.messages, idle.messages, answered),
            bytes_per_op=self._per_op(spent.bytes, idle.bytes, answered),
            syncs_per_op=self._per_op(spent.syncs, idle.syncs, answered),
            complaints=[complaint.text() for complaint in stage.judge()[:COMPLAINTS_MAX]],
            digest=stage.digest(),
        )

    def recording(self, square: Square) -> Recording:
        """The picture's data, with the judge's counterexample in it."""
        recording = self.stage.recording()
        numbers = {operation.number: operation for operation in recording.operations}
        named = [int(n) for line in square.counterexample for n in _OPERATION.findall(line)]
        named = [number for number in dict.fromkeys(named) if number in numbers]
        for number in named:
            numbers[number].verdict = "linearizability"
        if named:
            at_us = max(numbers[number].invoke_us for number in named)
            told = square.counterexample[0]
            recording.sayings.append(Saying(at_us, "linearizability", told, named))
        return recording

    def window_us(self, recording: Recording, square: Square) -> tuple[int, int] | None:
        """What the picture shows: where the trouble begins; None: what a judge complains about."""
        if square.counterexample or square.complaints:
            return None
        begin_us = self.struck_us - BEFORE_US
        told = [m.sent_us for m in describe(recording).messages if m.sent_us >= begin_us and not m.routine]
        last_us = told[min(len(told), MESSAGES_MAX) - 1] if told else begin_us
        return begin_us, max(last_us + DELAY_US, self.struck_us + BEFORE_US)


def _evidence(complaints: list[Complaint]) -> list[str]:
    return [complaints[0].sentence, *complaints[0].evidence] if complaints else []


def _same(read: Operation) -> object:
    value = read.replies[0]
    return tuple(sorted(str(item) for item in value)) if isinstance(value, tuple) else value
