"""One group of mode ``paxos`` on one node: between the node and the room ``core/paxos``.

What happens in a turn, top to bottom of ``turn``: the runs of this node's clients are split by key; for each
key one operation is under way, and what waits behind it goes together with the next; it is begun here, or at
the member that is preferred for its key; then everything that the room has decided is carried out: messages,
records for the log, ends of operations, pages of walks.

- Rule Q1: every node has one of these for every such group, member or not: who is no member proposes all the
  same, and its acceptor is silent. So nothing is handed over when members change; ``learn`` is all.
- Rule Q2: reads are begun here: one round trip, from any node. Writes go to the preferred member, if the
  link to it is up, it is not silent, and it has not said that it is doubtful; else they are begun here too.
  A copy that was sent and is not answered is followed by one here, and by no third.
- Rule Q3: the time by which values expire is this node's, and never falls within a life.
- Rule Q4: ``since`` of an operation is at least every version that this node has seen in the group, of
  whatever key, and the version of the floor (Rule P9 of the room).
"""

from collections.abc import Callable
from typing import Final

from trivet.core.base.buggify import REGISTERS_ELSEWHERE, REGISTERS_HERE, Buggify
from trivet.core.base.ids import NO_NODE, ConnectionId, Instant, NodeId, WallMs
from trivet.core.base.prng import Prng
from trivet.core.cluster.ranges import ALL
from trivet.core.cluster.rows import PAXOS, GroupRow, KeyspaceRow
from trivet.core.cluster.spans import spans_of
from trivet.core.group.agenda import Agenda
from trivet.core.group.changes import Follower
from trivet.core.group.leaderless import Leaderless, Standing
from trivet.core.group.messages import GroupMessage
from trivet.core.group.register_carrying import Carrying, middle_slot
from trivet.core.group.register_errand import Errand
from trivet.core.group.register_errands import Errands
from trivet.core.group.register_execution import Numbers, Runner
from trivet.core.group.register_forwards import Forwards
from trivet.core.group.register_keys import key_of
from trivet.core.group.register_log import RegisterLog
from trivet.core.group.register_messages import OF_REGISTERS, RegisterMessage, Submit, Submitted
from trivet.core.group.register_runs import lone_part, split_run
from trivet.core.group.register_sweeper import Sweeper
from trivet.core.group.register_walks import Walks
from trivet.core.group.register_watches import RegisterWatches
from trivet.core.group.run import Run
from trivet.core.group.settings import GroupSettings
from trivet.core.machine.machine import Machine
from trivet.core.machine.register import Registers
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.messages import Refusal
from trivet.core.paxos.operation import Operation
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.preference import Preferred
from trivet.core.paxos.ready import Ready, Save, SavedAccepts, SavedRegister, SavedRemoval, SavedWipe
from trivet.core.paxos.slots import Span, Spans
from trivet.core.script.scripts import Scripts
from trivet.core.values.deadlines import NEVER
from trivet.core.wire.reply import NOT_HERE, Error

SWEEP_AGAIN_MS: Final = 1_000
"""A deadline that has passed, of a key that another member is to remove, is looked at again then."""


def config_of(row: GroupRow) -> GroupConfig:
    """Who the members are, as the map has it. Its epochs begin with 1, as a group's membership with 0."""
    spans: Spans = None
    if row.spans or row.ranges != [ALL]:
        spans = tuple([Span(*one) for one in spans_of(row)])
    return GroupConfig(
        row.membership + 1, tuple(row.members), tuple(row.incoming), tuple(row.since), spans,
        row.floor_version,
    )  # fmt: skip


class PaxosGroup(Leaderless):
    """The group as this node has it (``LeaderlessReplica``)."""

    def __init__(
        self, settings: GroupSettings, agenda: Agenda, paxos: Paxos, log: RegisterLog,
        system: Callable[[], Machine], prng: Prng, buggify: Buggify | None = None,
        numbers: Numbers | None = None,
    ) -> None:  # fmt: skip
        """``system``: the machine of the system group, as it is now; it knows users, scripts and settings.

        ``numbers``: what all such groups of the node count together.
        """
        super().__init__(PAXOS, settings, agenda, log)
        self.paxos = paxos
        self.log = log
        self._system = system
        self._buggify = buggify
        self.registers = Registers(system().users, Scripts())
        self._scripts_seen = 0
        limits = settings.limits
        self.errands = Errands(
            Runner(self.registers, paxos.settings.proposer, numbers), prng.fork(),
            settings.command_timeout_ms, limits,
        )  # fmt: skip
        self.forwards = Forwards(self.errands, paxos, limits.remote_read_bytes_max, buggify)
        self.watches = RegisterWatches()
        self.sweeper = Sweeper(self.errands)
        self.walks = Walks(self.errands, self.registers, prng.fork(), limits)
        self.walks.sweeper = self.sweeper
        self.config: GroupConfig | None = None
        self.carrying: Carrying | None = None
        """Slots on their way from or to this group, if this node carries them."""
        self._ranges_epoch = 0
        """The map's epoch when the group's slots changed last."""
        self.rescanned = 0
        """Not 0: under this epoch a rescan has ended; whoever takes it sets it to 0."""
        self._shunned: dict[NodeId, Instant] = {}
        """Members that have said that they are doubtful, or are silent -> when to try them again."""
        self._alive: list[NodeId] = []
        """Members that may be preferred."""
        self._preferred = Preferred(())
        """Which of them, by key."""
        for place, register in paxos.acceptor.registers.after(None):
            if register.content is not None:
                self.sweeper.holds(place, register.content)
        self.stir()

    def stir(self) -> None:
        """Something happens: the group is to have a turn (Rules A1, A2)."""
        if not self.stirred:
            self._agenda.stir(self)

    # -- what the node asks ----------------------------------------------------------------------

    @property
    def keys(self) -> int:
        """Registers that are held here, tombstones and bare promises among them."""
        return len(self.paxos.acceptor.registers)

    @property
    def size_bytes(self) -> int:
        """What they cost, about."""
        return self.paxos.bytes_in_memory

    @property
    def doubtful(self) -> bool:
        """What it held may be lost; it answers nothing until it has caught up."""
        return self.paxos.doubtful

    @property
    def deadline_count(self) -> int:
        """How many of them have a deadline."""
        return len(self.sweeper)

    @property
    def left_over(self) -> bool:
        """Never: what an acceptor has promised stays (Rule F6)."""
        return False

    def standing(self) -> Standing:
        """As ``leaderless``: a rescan says it (``rescanned``)."""
        return Standing()

    def describe(self) -> str:
        """As ``leaderless``."""
        paxos, config = self.paxos, self.config
        members = "" if config is None else "/".join([str(node) for node in config.voters])
        incoming = "" if config is None else "/".join([str(node) for node in config.incoming])
        return (
            f"mode=paxos,epoch={paxos.epoch},members={members},incoming={incoming},keys={self.keys},"
            f"bytes={self.size_bytes},doubtful={int(self.doubtful)},rescanning={int(paxos.rescanning)},"
            f"under_way={paxos.underway}"
        )

    def follow(self, row: GroupRow) -> None:
        """As ``leaderless``."""
        self._ranges_epoch = max(self._ranges_epoch, row.epoch)
        self.learn(config_of(row))

    def refuse_growth(self, refuses: bool) -> None:
        """As ``leaderless``."""
        self.registers.refuses_growth = refuses

    def learn(self, config: GroupConfig) -> None:
        """The cluster map has this config (Rule Q1); older ones are passed over."""
        if self.config is not None and config.epoch <= self.config.epoch:
            return
        self.stir()
        before, self.config = self.config, config
        self.paxos.learn(config)
        self._look_who_lives()
        if before is not None and before.spans == config.spans:
            return
        self.errands.hold(self.paxos.proposer.holding)
        self.walks.moved()
        for operation in self.paxos.take_moved():  # before clients send what comes behind it elsewhere
            self._ended(operation, self._agenda.now_ms)

    def pass_on(self, heir_of: Callable[[bytes], "PaxosGroup | None"]) -> None:
        """What is in doubt here, of slots that another group serves by the map, goes on there (Rule M4)."""
        for errand in list(self.errands.stranded.values()):
            heir = heir_of(errand.place)
            if heir is not None and heir is not self and heir.errands.serves(errand.place):
                self.errands.hand_over(errand, heir.errands, heir.misrouted)
                heir.stir()

    def watched_by(self, client: ConnectionId) -> bool:
        """As ``leaderless``."""
        return self.watches.knows(client)

    @property
    def is_spent(self) -> bool:
        """As ``leaderless``."""
        config = self.config
        return config is not None and config.spans == () and not self.errands.busy

    def middle(self) -> int:
        """As ``leaderless``."""
        return middle_slot(self.paxos.acceptor.registers)

    def heed(self, keyspace: KeyspaceRow) -> None:
        """As ``LeaderlessReplica``: nothing of that concerns registers."""

    def bury(self, error: Error) -> None:
        """The group is no more: what has begun is in doubt, the rest goes where its keys are, if anywhere."""
        staged, self._staged = self._staged, []
        for run in staged:
            if run.patient:
                run.fail(error, whoever=True)
            elif run.finish_in_part([NOT_HERE] * run.count):
                self.misrouted.append(run)
        self.errands.fail_all()
        self.walks.moved()

    # -- clients -----------------------------------------------------------------------------------

    def follow_changes(self, follower: Follower | None) -> None:
        """As ``face``."""
        self._follower = follower
        self.errands.notes_changes = follower is not None and follower.hears_all()

    def replicas_of_last_write(self) -> int:
        """What was answered is on a majority; one of it stands for the one that took the write."""
        return 0 if self.config is None else len(self.config.voters) // 2

    @property
    def has_writes(self) -> bool:
        """As ``face``."""
        return self.errands.has_writes or any(run.writes for run in self._staged)

    @property
    def pending_bytes(self) -> int:
        """As ``face``."""
        return self.errands.pending_bytes

    def is_member(self, node: NodeId) -> bool:
        """As ``face``; while members change, of either set."""
        config = self.config
        return config is not None and (node in config.voters or node in config.incoming)

    # -- inputs --------------------------------------------------------------------------------------

    def on_peer_up(self, peer: NodeId) -> None:
        """Our link to ``peer`` is up, and empty."""
        self._up[peer] = None
        self._shunned.pop(peer, None)
        self._look_who_lives()

    def on_peer_lost(self, peer: NodeId) -> None:
        """The link to ``peer`` broke, in either direction, or it has been silent: its answers may be lost."""
        self.stir()
        self._up.pop(peer, None)
        self._look_who_lives()
        self.errands.lost(peer)

    def _look_who_lives(self) -> None:
        """Rule Q2."""
        config, own = self.config, self.settings.node
        self._alive = []
        if config is not None:
            for member in dict.fromkeys([*config.voters, *config.incoming]):
                if member == own:
                    if not self.paxos.doubtful:
                        self._alive.append(member)
                elif member in self._up and member not in self._shunned:
                    self._alive.append(member)
        self._preferred = Preferred(self._alive)

    def on_peer_greets(self, peer: NodeId) -> None:
        """As ``LeaderlessReplica``: what it has not answered is asked again by itself (``resend_ms``)."""

    def on_peer_silent(self, peer: NodeId) -> None:
        """The node of ``peer`` has not been heard of for an election time-out, though its link is up."""
        self._shun(peer, self.settings.command_timeout_ms)

    def _shun(self, peer: NodeId, for_ms: int) -> None:
        """It is not to be preferred for a while."""
        is_new = peer not in self._shunned
        self._shunned[peer] = self._agenda.now_ms + for_ms
        if is_new:
            self._look_who_lives()

    def on_message(self, sender: NodeId, message: GroupMessage | RegisterMessage) -> None:
        """A message of a peer, decoded and of a known type."""
        self.stir()
        if isinstance(message, Submit):
            self.forwards.on_submit(sender, message)
        elif isinstance(message, Submitted):
            self.forwards.on_submitted(sender, message, self._agenda.now_ms)
        elif type(message) in OF_REGISTERS:
            if isinstance(message, Refusal) and message.doubtful:
                self._shun(sender, self.settings.resend_ms)
            self.paxos.step(sender, message)  # type: ignore[arg-type]

    def on_tick(self, now_ms: Instant) -> None:
        """One tick of the driver's clock."""
        self._agenda.now_ms = now_ms
        if self._may_sleep():
            self.asleep = True
            deadline_ms = self.sweeper.next_deadline_ms
            if deadline_ms != NEVER:
                deadline_ms = max(deadline_ms, self._wall_ms + SWEEP_AGAIN_MS)
            self._agenda.set_alarm(self, deadline_ms)
            return
        self.stir()
        self.paxos.tick()
        self.errands.expire(now_ms - self.settings.command_timeout_ms)
        self.errands.retry(now_ms - self.settings.resend_ms)
        self.walks.expire(now_ms - self.settings.command_timeout_ms)
        if self._shunned:
            self._shunned = {node: until for node, until in self._shunned.items() if until > now_ms}
            self._look_who_lives()

    def _may_sleep(self) -> bool:
        """Nothing that passes with time is under way."""
        return self.paxos.quiet and not (
            self.stirred or self._staged or self.errands.busy or self.forwards.busy or self.walks.busy
            or self.log.busy or self.log.waits_for_log
            or self.sweeper.next_deadline_ms <= self._wall_ms
        )  # fmt: skip

    def on_synced(self) -> bool:
        """The log is synced up to ``wal.synced_lsn``: something goes on; whether something waits still."""
        saved = self.log.on_synced()
        if saved:
            self.paxos.saved(saved)
            self.stir()
        return self.log.waits_for_log

    # -- the turn ------------------------------------------------------------------------------------

    def turn(self, now_ms: Instant, wall_ms: WallMs) -> None:
        """Carry out what this turn's inputs ask for."""
        self.stirred = False
        paxos, errands, walks = self.paxos, self.errands, self.walks
        paxos.full = self.log.full
        if wall_ms > self._wall_ms:
            self._wall_ms = errands.runner.wall_ms = wall_ms  # Rule Q3
        self._look_at_system()
        if self._staged:
            staged, self._staged = self._staged, []
            for run in staged:
                self._split(run, now_ms)
        if self.sweeper.next_deadline_ms <= self._wall_ms and self._alive:
            self.sweeper.turn(self.settings.node, self._alive, now_ms, self._wall_ms)
        pages, walks.pages = walks.pages, []
        for scan_id, cursor, limit in pages:
            paxos.scan(scan_id, cursor, limit)
        self._begin(now_ms)
        while (ready := paxos.ready()) is not None:
            self._carry_out(ready, now_ms)
            self._begin(now_ms)
        self.forwards.flush(self.outgoing)
        self.log.step(paxos, now_ms)
        if errands.stranded:
            errands.give_up_stranded()
        self._tell()
        self.wants_turn = self.log.wants_turn or bool(walks.pages)
        if self.wants_turn:
            self.stir()

    def _look_at_system(self) -> None:
        """What users, functions and settings are now: a snapshot may have brought others."""
        machine, registers = self._system(), self.registers
        registers.users = machine.users
        registers.notifies = machine.settings.notifies
        scripts = machine.scripts
        if scripts.digest != self._scripts_seen:
            self._scripts_seen = scripts.digest
            registers.scripts = Scripts()
            registers.scripts.restore(scripts.state())

    def _split(self, run: Run, now_ms: Instant) -> None:
        self.call_count += run.count
        tracked, misrouted = self.errands.tracked, self.misrouted
        lone = lone_part(run, tracked, misrouted, now_ms)
        if lone is not None:
            self.errands.add(lone, now_ms)
            return
        parts = split_run(run, self.registers, self.watches, tracked, misrouted, now_ms)
        for part in parts.parts:
            self.errands.add(part, now_ms)
        for call in parts.walks:
            if call.epoch < self._ranges_epoch or self.paxos.proposer.holding.seals:
                call.done(NOT_HERE)  # Rule M5
            else:
                self.walks.begin(call, now_ms)

    def _begin(self, now_ms: Instant) -> None:
        """Errands that are due, and those that come of answering them."""
        errands = self.errands
        self.walks.look(now_ms)
        while errands.has_due:
            errands.since = max(errands.since, self.paxos.floor_version)  # Rule Q4
            for errand in errands.take_due():
                self._route(errand, now_ms)
            self.walks.look(now_ms)

    def _route(self, errand: Errand, now_ms: Instant) -> None:
        """Rule Q2."""
        own = self.settings.node
        if not errand.reads_only and errand.sent_to == NO_NODE:
            member = self._preferred.of(errand.place)
            if self._buggify is not None:
                member = self._elsewhere(member)
            if member not in (own, NO_NODE):
                self.forwards.send(errand, member)
                self.errands.sent(errand, member, now_ms)
                return
        self.paxos.submit(self.errands.operation(errand))

    def _elsewhere(self, member: NodeId) -> NodeId:
        """Another one than is preferred."""
        assert self._buggify is not None
        if self._buggify.rare(REGISTERS_HERE):
            return NO_NODE
        if self._buggify.rare(REGISTERS_ELSEWHERE):
            return self._alive[self._wall_ms % len(self._alive)] if self._alive else NO_NODE
        return member

    def _carry_out(self, ready: Ready, now_ms: Instant) -> None:
        if ready.messages:
            self.outgoing.extend(ready.messages)
        if ready.save is not None:
            self._save(ready.save)
        for operation in ready.finished:
            self._ended(operation, now_ms)
        if (ready.listed or ready.fetched or ready.adopted) and self.carrying is not None:
            self.carrying.take(ready)
        for page in ready.scans:
            self.walks.on_scan(page, now_ms)
        if ready.rescanned:
            self.rescanned = ready.rescanned
        if ready.epoch_wanted:
            self.epoch_wanted = ready.epoch_wanted
        if ready.revived:
            self.log.settle()
            self._look_who_lives()
            self.notes.append("what a damaged log had lost is made good: this member takes part again")

    def _ended(self, operation: Operation, now_ms: Instant) -> None:
        if operation.op_id > 0:
            self.errands.ended(operation, now_ms)
        else:
            self.forwards.ended(operation)

    def _save(self, save: Save) -> None:
        """Into the log; who looks at what is held here hears of it."""
        self.log.save(save)
        follower = self._follower if self.errands.notes_changes else None
        for record in save.records:
            if isinstance(record, SavedAccepts):
                self.sweeper.holds_all(record.keys, record.contents)
                if follower is not None:
                    for place in record.keys:
                        follower.changed_elsewhere(key_of(place))
            elif isinstance(record, SavedRegister):
                self.sweeper.holds(record.key, record.content)
                if follower is not None:
                    follower.changed_elsewhere(key_of(record.key))
            elif isinstance(record, SavedRemoval):
                self.sweeper.holds(record.key, None)
            elif isinstance(record, SavedWipe):
                self.sweeper.clear()
        for place in save.dropped:
            self.sweeper.holds(place, None)

    def _tell(self) -> None:
        """What the runs said to others than those who sent them."""
        errands, forwards = self.errands, self.forwards
        for teller in (errands, forwards):
            if teller.events:
                self.events.extend(teller.events)
                teller.events = []
            if teller.published:
                self.published.extend(teller.published)
                teller.published = []
        if errands.denied:
            self.denied.extend(errands.denied)
            errands.denied = []
        if errands.tracked:
            tracked, errands.tracked = errands.tracked, []
            if self._follower is not None:
                for run in tracked:
                    self._follower.on_read_elsewhere(run)
        if errands.changed:
            changed, errands.changed = errands.changed, []
            if self._follower is not None:
                for key in changed:
                    self._follower.changed_elsewhere(key)
        defects = self.registers.defects
        if defects:
            self.notes.extend(defects)
            defects.clear()

    def check_invariants(self) -> None:
        """Assert what must always hold of it."""
        self.paxos.check_invariants()

    def check_rest(self) -> None:
        """Assert that it has nothing to do unless it is stirred, and nothing to wait for in its sleep."""
        if not self.stirred:
            assert (
                not self._staged and not self.wants_turn and not self.errands.has_due and not self.walks.pages
            )
            self.paxos.check_rest()
        if self.asleep:
            assert not self.stirred and self.paxos.quiet, "clocks must run"
            assert not (self.errands.busy or self.forwards.busy or self.walks.busy)
        self.errands.check_rest()
