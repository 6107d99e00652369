"""One group of mode ``eventual`` on one node: between the node and ``core/lattice`` and ``core/gossip``.

What happens in a turn, top to bottom of ``turn``: calls are run on what this node holds, at once; the updates
that they make, and those that have come from others, are one record in the log; what was asked for is
answered when that is synced, and only then do others hear of it.

- Rule X4: a write is answered when it is synced here. A read that comes after one waits for it too, and what
  it publishes in ``EXEC`` and its keyspace events are told then, behind the update: nobody sees or hears of
  what this node may forget.
- Rule X5: who is no member has a member run its clients' calls (``eventual_carrying``). So does a member that
  goes (X19), so that what it alone has grows no more, and one that comes, until it has what the others had.
- Rule X6: the time by which values expire is this node's, and never falls within a life. What is late is not
  shown; one member after the other takes it away, the first at once, the others only if it is still there.
- Rule X7: a client's ``WATCH`` and ``EXEC`` concern what this node holds; nothing is known of others.
- Rule X11: who was no member meanwhile, and has not heard of it, has left over what it holds: memories of
  removals are gone that it would have needed (``core/lattice``).
- Rule X10: who is no member any more hands on what has not been done here, its own clients' and what others
  have sent. The numbers of what is carried go on: others remember them (Rule X8 there).
- Rules X12 to X14: calls of clients that carry what they have seen (``eventual_causal``).
- Rules X16 to X19: writes and reads that wait for other members (``eventual_tally``).
"""

from collections import deque
from collections.abc import Callable
from typing import Final, Self

from trivet.core.base.ids import NO_NODE, Instant, NodeId, WallMs
from trivet.core.base.prng import Prng
from trivet.core.cluster.rows import EVENTUAL, GroupRow, KeyspaceRow
from trivet.core.command.table import Event
from trivet.core.gossip.bundles import Bundle, bundles_of
from trivet.core.gossip.gossip import Gossip
from trivet.core.gossip.messages import OfGossip, Seen
from trivet.core.group.agenda import Agenda
from trivet.core.group.changes import Follower
from trivet.core.group.eventual_carrying import IN_DOUBT, Carriage, Carriers
from trivet.core.group.eventual_causal import Causal
from trivet.core.group.eventual_emptying import Emptyings
from trivet.core.group.eventual_log import (
    EventualLog,
    SavedActor,
    SavedClock,
    SavedState,
    WrittenRecord,
    saved,
)
from trivet.core.group.eventual_messages import AskClock, Carried, Carry, TellClock
from trivet.core.group.eventual_tally import Tally
from trivet.core.group.eventual_watches import EventualWatches
from trivet.core.group.face import FromGroup
from trivet.core.group.leaderless import Leaderless, Standing
from trivet.core.group.run import Run
from trivet.core.group.settings import GroupSettings
from trivet.core.lattice.clock import Clock, Dot
from trivet.core.lattice.delta import Delta
from trivet.core.machine.convergent import Convergent
from trivet.core.machine.machine import Machine
from trivet.core.paxos.ballot import proposer_of
from trivet.core.values.deadlines import NEVER
from trivet.core.wire.reply import Error, Reply

NOTHING: Final[Dot] = (0, 0)
"""Instead of an own update: there is none."""
SWEEP_MAX: Final = 1_000
"""Keys past their deadline that one turn takes away."""
SWEEP_AFTER_MS: Final = 5_000
"""So much later than the member before it, a member takes away what is late."""
COLLECT_MS: Final = 1_000
"""How often it is looked for memories that nobody needs."""


class EventualGroup(Leaderless):
    """The group as this node has it (``LeaderlessReplica``)."""

    def __init__(
        self, settings: GroupSettings, agenda: Agenda, executor: Convergent, gossip: Gossip, log: EventualLog,
        system: Callable[[], Machine], prng: Prng, doubtful: bool = False, comes: bool | None = None,
        since: int = -1,
    ) -> None:  # fmt: skip
        """``system``: the machine of the system group, as it is now; it knows users and settings.

        ``comes``: it lacks what the others had when it came; None: the map tells, it was never here.
        ``since``: from which epoch on it was a member when what it holds was saved; -1: not known.
        """
        super().__init__(EVENTUAL, settings, agenda, log)
        self.executor = executor
        self.gossip = gossip
        self.log = log
        self.doubtful = doubtful
        """Its log had lost something, and not everything is made good yet."""
        number, timeout_ms = settings.group, settings.command_timeout_ms
        self.carriers = Carriers(number, settings.incarnation, settings.limits, timeout_ms)
        self.carriage = Carriage(number, settings.limits, settings.incarnation)
        self.causal = Causal(number, executor.lattice, timeout_ms)
        self.tally = Tally(settings, gossip)
        self.watches = EventualWatches(executor)
        self.emptyings = Emptyings(executor, settings.limits.emptied_per_turn_max)
        self.comes = bool(comes)
        self._is_new = comes is None
        self._since = since
        self._was_out = False
        """It was no member meanwhile: what it holds is left over (Rule X11)."""
        self._said: SavedActor | None = None
        """As whom it makes updates, as the log knows."""
        self.members: tuple[NodeId, ...] = ()
        self.staying: tuple[NodeId, ...] = ()
        """While members change: who of them will be there afterwards."""
        self.epoch = 0
        self._system = system
        self._prng = prng
        self._held: deque[tuple[int, Dot, Run, list[Reply]]] = deque()
        """Answers that wait for the save of this id (Rule X4); the newest own update then (Rule X16)."""
        self._news: deque[tuple[int, list[Event], list[tuple[bool, bytes, bytes]]]] = deque()
        """What runs say to others, and waits for the save of this id (the same)."""
        self._made_id = 0
        """The last save with updates of this node's own."""
        self._last_made: Dot = NOTHING
        """The newest of them."""
        self._synced_id = 0
        self._carrier: NodeId = NO_NODE
        """Who runs this node's calls, while it is no member (Rule X1 there)."""
        self._silent: dict[NodeId, None] = {}
        """Peers of which it was said that nothing comes from them, and nothing has come here since."""
        self._collect_ms: Instant = 0
        self._now_ms: Instant = 0
        self.stir()

    def stir(self) -> None:
        """Something happens: the group is to have a turn (Rules A1, A2)."""
        if not self.stirred:
            self._agenda.stir(self)

    # -- what the node asks ----------------------------------------------------------------------

    @property
    def keys(self) -> int:
        """Keys that are held here, as clients count them."""
        return self.executor.keys

    @property
    def deadline_count(self) -> int:
        """How many of them have a deadline."""
        return self.executor.deadline_count

    @property
    def size_bytes(self) -> int:
        """What they cost, about."""
        return self.executor.lattice.bytes_in_memory

    def describe(self) -> str:
        """A line for ``INFO``."""
        gossip = self.gossip
        members = "/".join(map(str, self.members))
        return (
            f"mode={EVENTUAL},epoch={self.epoch},members={members},keys={self.keys},bytes={self.size_bytes},"
            f"doubtful={int(self.doubtful)},caught_up={int(gossip.caught_up)},kept_alone={gossip.kept_alone()},"
            f"memories={self.executor.lattice.bases_count},refused={gossip.refused},"
            f"broken={gossip.broken},exchanges={gossip.pulls},retained={gossip.retained.bytes}"
        )

    def follow(self, row: GroupRow) -> None:
        """The cluster map has this row; older ones are passed over."""
        epoch = row.membership + 1
        if epoch <= self.epoch:
            return
        self.stir()
        self.causal.news = True
        self.executor.settle_in(row.keyspace)
        own = self.settings.node
        was_none = self.epoch > 0 and own not in self.members
        seen = self.executor.lattice.clock.copy() if self.epoch > 0 and self.serves else None
        self.epoch, self.members, self.staying = epoch, tuple(row.members), tuple(row.incoming)
        since = dict(row.since).get(own, 0)
        if own in self.members and since > self._since:
            self._was_out = self._since >= 0 and self.log.last_index > 0
            self._since = since
        if own in self.members and (self._is_new or was_none):
            self._is_new = False
            self.comes = since > 0
            self.gossip.caught_up = not self.comes
        self.tally.follow(row, seen)
        # What is left over must not count as what a member has.
        is_in = own in self.members and not self._was_out
        self.gossip.learn(self.members if is_in else (), epoch)
        self._choose_carrier()

    def heed(self, keyspace: KeyspaceRow) -> None:
        """As ``LeaderlessReplica``."""
        if self.tally.heed(keyspace):
            self.stir()

    @property
    def serves(self) -> bool:
        """Whether calls run on what is here (Rule X5)."""
        own = self.settings.node
        is_here = own in self.members and not self.comes and not self._was_out
        return is_here and (not self.staying or own in self.staying or self.tally.lingers(self.staying))

    @property
    def left_over(self) -> bool:
        """As ``leaderless``."""
        is_out = self._was_out or self.settings.node not in self.members
        return self.epoch > 0 and is_out and self.log.last_index > 0

    def standing(self) -> Standing:
        """As ``leaderless``."""
        if self.settings.node not in self.members:
            return Standing()
        return Standing(self.epoch, self.gossip.caught_up, self.tally.kept(self.staying or self.members))

    def refuse_growth(self, refuses: bool) -> None:
        """Whether the node's memory is full."""
        self.executor.refuses_growth = refuses

    def adopt(self, before: Self) -> None:
        """As ``leaderless`` (Rule X10)."""
        self.carriers, self.carriage = before.carriers, before.carriage
        self.tally.go_on_from(before.tally)
        self._staged = before._give_up()
        self.stir()

    def _give_up(self) -> list[Run]:
        """What has not been done here, in order. Of writes that the disk does not have nobody else knows."""
        runs: list[Run] = []
        for run in [*[row[2] for row in self._held], *self.causal.unanswered()]:
            if run.writes:
                run.fail(IN_DOUBT, whoever=True)
            else:
                runs.append(run)
        runs += self.tally.read.drain()
        self.tally.fail_all(IN_DOUBT)
        runs += self.emptyings.drain() + self.causal.drain() + self._staged
        self._held.clear()
        self._staged = []
        return runs

    def bury(self, error: Error) -> None:
        """The group is no more: everybody is answered."""
        self._fail_staged(error)
        for _, _, run, _ in self._held:
            run.fail(error, whoever=True)
        self._held.clear()
        self._news.clear()
        self.tally.fail_all(error)
        self.emptyings.fail_all(error)
        self.causal.fail_all(error)
        self.carriers.fail_all(error)

    # -- clients -----------------------------------------------------------------------------------

    def follow_changes(self, follower: Follower | None) -> None:
        """As ``face``."""
        self._follower = follower

    def replicas_of_last_write(self) -> int:
        """How many other members have synced all that this node's clients have written."""
        return len(self.gossip.holders(self._last_made)) if self._last_made != NOTHING else 0

    @property
    def has_writes(self) -> bool:
        """As ``face``."""
        under_way = bool(self._held or self.emptyings or self.tally.write)
        under_way = under_way or self.carriers.has_writes or self.causal.has_writes
        return under_way or any(run.writes for run in self._staged)

    @property
    def pending_bytes(self) -> int:
        """As ``face``."""
        held = sum([run.size_bytes for _, _, run, _ in self._held if run.writes])
        held += self.carriers.pending_bytes + self.causal.pending_bytes
        return held + self.tally.write.pending_bytes

    def is_member(self, node: NodeId) -> bool:
        """As ``face``."""
        return node in self.members

    # -- inputs --------------------------------------------------------------------------------------

    def on_peer_up(self, peer: NodeId) -> None:
        """Our link to ``peer`` is up, and empty."""
        self._up[peer] = None
        self.gossip.peer_up(peer)
        self._choose_carrier()
        self.stir()

    def on_peer_lost(self, peer: NodeId) -> None:
        """The link to ``peer`` broke, in either direction, or it has been silent."""
        self.stir()
        self._up.pop(peer, None)
        self._silent.pop(peer, None)
        self.gossip.peer_lost(peer)
        self.carriers.lost(peer)
        self._choose_carrier()

    def on_peer_greets(self, peer: NodeId) -> None:
        """As ``LeaderlessReplica``: what was carried there goes once more, or is in doubt (Rule X2 there)."""
        self.stir()
        self.carriers.lost(peer)

    def on_peer_silent(self, peer: NodeId) -> None:
        """Its link is up, and nothing comes: reads do not wait for it here while there is another."""
        if peer == self._carrier:
            self._choose_carrier(peer)
        self._silent[peer] = None
        if self._carrier not in self._silent and self._carrier != NO_NODE and self.carriers.silent(peer):
            self.stir()

    def _choose_carrier(self, not_one: NodeId = NO_NODE) -> None:
        """Rule X1: the same for as long as it can be reached; nodes begin with different ones."""
        own = self.settings.node
        here = [node for node in self.members if node in self._up and node not in (not_one, own)]
        members = [node for node in here if node in self.staying] or here  # who goes may linger (Rule X19)
        members = [node for node in members if node not in self._silent] or members
        if self.serves or not members:
            self._carrier = NO_NODE
        elif self._carrier not in members:
            self._carrier = members[own % len(members)]

    def on_message(self, sender: NodeId, message: FromGroup) -> None:
        """A message of a peer, decoded and of a known type; of another mode's group it is passed over."""
        self.stir()
        if self._silent:
            self._silent.pop(sender, None)
        if isinstance(message, Carry):
            run = self.carriage.on_carry(sender, message, self.serves)
            if run is not None:
                self._staged.append(run)
        elif isinstance(message, Carried):
            self.causal.news = True
            if self.carriers.on_carried(sender, message, self._agenda.now_ms):
                self._choose_carrier(sender)
        elif isinstance(message, OfGossip):
            if isinstance(message, Seen):
                self._compare_epochs(message.epoch)
            self.gossip.step(sender, message)
        elif isinstance(message, AskClock):
            self._compare_epochs(message.epoch)
            if self.settings.node in self.members and not (self.comes or self.doubtful or self._was_out):
                self.outgoing.append((sender, self.tally.answer_to(message)))  # Rule X18
        elif isinstance(message, TellClock):
            self._compare_epochs(message.epoch)
            self.tally.on_told(sender, message)

    def _compare_epochs(self, epoch: int) -> None:
        """Who goes by a later epoch knows that the map here is behind."""
        if epoch > self.epoch:
            self.epoch_wanted = epoch

    def on_tick(self, now_ms: Instant) -> None:
        """One tick of the driver's clock."""
        self._agenda.now_ms = now_ms
        if self._may_sleep():
            self.asleep = True
            deadline_ms = self.executor.next_deadline_ms
            if deadline_ms != NEVER:
                deadline_ms = max(deadline_ms + self._sweep_after_ms(), self._wall_ms + 1)
            self._agenda.set_alarm(self, deadline_ms)
            return
        self.stir()
        if self._carrier == NO_NODE:
            self._choose_carrier()
        self.gossip.tick()
        self.carriers.expire(now_ms - self.settings.command_timeout_ms)
        self.causal.expire(now_ms)
        self.tally.expire(now_ms)
        if now_ms >= self._collect_ms:
            self._collect_ms = now_ms + COLLECT_MS
            lattice, gossip = self.executor.lattice, self.gossip
            if lattice.bases_count:
                lattice.collect(gossip.stable(), gossip.told(), gossip.living())

    def _may_sleep(self) -> bool:
        """Nothing that passes with time is under way."""
        return self.gossip.quiet and not (
            self.stirred or self._staged or self._held or self.emptyings or self.carriers.busy
            or self.causal.busy or self.tally.busy or self.log.busy or self.log.waits_for_log
            or self.executor.lattice.bases_count or self._is_late()
        )  # fmt: skip

    def on_synced(self) -> bool:
        """The log is synced up to ``wal.synced_lsn``: something goes on; whether something waits still."""
        saved = self.log.on_synced()
        if saved:
            self._synced_id = saved
            self.gossip.saved(saved)
            self._answer()
            self.stir()
        return self.log.waits_for_log

    # -- the turn ------------------------------------------------------------------------------------

    def turn(self, now_ms: Instant, wall_ms: WallMs) -> None:
        """Carry out what this turn's inputs ask for."""
        self.stirred = False
        self._now_ms = now_ms
        self._wall_ms = max(self._wall_ms, wall_ms)  # Rule X6
        self.gossip.full = self.log.full
        self._look_at_system()
        if self.gossip.is_forgetful:
            self._begin_anew()
        made: list[Delta] = []
        waiting: list[tuple[Run, list[Reply]]] = []
        has_waiting = self.tally.read.busy or (self.causal.news and self.causal.waits)
        if self._staged or self.emptyings or has_waiting:
            self._run(now_ms, made, waiting)
        seen: Clock | None = None
        if any(run.past is not None for run, _ in waiting):
            seen = self.executor.lattice.clock.copy()  # before anything else is taken
        if self.carriers.busy:
            self._carry(now_ms)
        if self._is_late() and not self.log.full:
            made.extend(self.executor.sweep(self._wall_ms - self._sweep_after_ms(), SWEEP_MAX))
        own = bundles_of(made)
        records: list[WrittenRecord] = saved(own)
        self._take(records)
        self._save(records, made, own)
        if self.gossip.messages:
            self.outgoing.extend(self.gossip.messages)
            self.gossip.messages = []
        self._tell()
        self._hold(waiting, seen)
        self.tally.look()
        self.carriage.flush(self.outgoing)
        self.log.step(self.executor.lattice, self._head(), now_ms)
        self.wants_turn = (
            self.log.wants_turn
            or bool(self.emptyings)
            or self.gossip.wants_turn
            or (self._is_late() and not self.log.full)
            or (self.causal.news and self.causal.waits)
            or self.tally.read.may_run(self.executor.lattice.clock)
        )
        if self.wants_turn:
            self.stir()

    def _begin_anew(self) -> None:
        """Its disk has lost updates of its own that others have: no dot of that actor is given again."""
        actor = proposer_of(self.settings.node, self.settings.incarnation)
        if actor <= self.gossip.actor:
            return
        self.gossip.is_forgetful = False
        self.gossip.actor = self.executor.actor = actor
        self.notes.append(
            "the disk has lost updates that others have: from now on they come from another actor"
        )

    def _run(self, now_ms: Instant, made: list[Delta], waiting: list[tuple[Run, list[Reply]]]) -> None:
        """The runs of this turn, here or at a member (Rule X5)."""
        staged, self._staged = self._staged, []
        for run in staged:
            self.call_count += run.count
        causal = self.causal
        if not self.serves:
            for run in [*self.emptyings.drain(), *causal.drain(), *self.tally.read.drain(), *staged]:
                self.carriers.stage(run, now_ms)
            return
        if self.tally.read.busy or self.tally.read.count > 1:
            staged = self.tally.sift(staged, self.executor.lattice.clock, self.outgoing, now_ms)
        ready = causal.release() if causal.news else []
        for run in staged:
            if run.past is None or causal.admits(run, run.past, now_ms):
                ready.append(run)
        first = -1
        for run in ready:
            before = len(made)
            self._run_one(run, made, waiting)
            if run.past is not None and first < 0 and len(made) > before:
                first = before
        if self.emptyings:
            if first < 0 and self.emptyings.has_past:
                first = len(made)
            self.emptyings.step(made, waiting)
        if 0 <= first < len(made):
            made[first] = causal.name(made[first])  # Rule X14

    def _run_one(self, run: Run, made: list[Delta], waiting: list[tuple[Run, list[Reply]]]) -> None:
        if run.tracks and self._follower is not None:
            self._follower.on_read(run)
        if self.emptyings.take(run):
            return
        calls = run.take_calls() if run.writes and not run.tracks else list(run.calls)
        replies = self.watches.run(calls, self._wall_ms, self._prng.u64(), made)
        waiting.append((run, replies))

    def _carry(self, now_ms: Instant) -> None:
        """Rule X5; what has not left when this node may run it itself is run in the next turn."""
        if self.serves:
            self._staged.extend(self.carriers.drain())
            if self._staged:
                self.stir()
        else:
            self.carriers.send(self._carrier, self.outgoing, now_ms)

    def _take(self, records: list[WrittenRecord]) -> None:
        """What has come from others and can be taken."""
        taken = self.gossip.take(self._wall_ms)
        if taken is not None:
            self.causal.news = True
            records.extend([SavedState(key, state, clock) for key, state, clock in taken.states])
            if taken.clock:
                records.append(SavedClock(taken.clock))
            records.extend(saved(taken.bundles))
        if self.gossip.caught_up and self.settings.node in self.members:
            self.comes = False
            if self.doubtful:
                self.doubtful = False
                self.log.settle()
                self.notes.append("what a damaged log had lost is made good")
        if not self.log.full and self.settings.node in self.members:
            said = self._head()
            if said != self._said:
                self._said = said
                records.insert(0, said)

    def _head(self) -> SavedActor:
        return SavedActor(self.gossip.actor, self.comes, self._since)

    def _save(self, records: list[WrittenRecord], made: list[Delta], own: list[Bundle]) -> None:
        if not records:
            return
        save_id = self.log.save(records)
        if made:
            self._made_id = save_id
            self._last_made = (made[-1].actor, made[-1].number)
        self.gossip.staged(save_id, own)

    def _hold(self, waiting: list[tuple[Run, list[Reply]]], seen: Clock | None) -> None:
        """Rules X4, X13; ``seen``: the clock when they were run, if some client's past is among them."""
        for run, replies in waiting:
            if run.past is None or seen is None:
                self._held.append((self._made_id, self._last_made, run, replies))
            else:
                self.causal.hold(self.log.save_id, self._last_made, run, replies, seen)
        self._answer()

    def _answer(self) -> None:
        held = self._held
        while held and held[0][0] <= self._synced_id:
            _, dot, run, replies = held.popleft()
            self._give(run, replies, dot)
        for dot, run, replies in self.causal.answered(self._synced_id):
            self._give(run, replies, dot)

    def _give(self, run: Run, replies: list[Reply], dot: Dot) -> None:
        """What is synced here is answered; or waits for others to have this own update (Rule X16)."""
        if run.writes and dot != NOTHING and self.tally.write.count > 1:
            self.tally.write.add(run, replies, dot, self._now_ms)
        else:
            run.finish(replies)
        news = self._news
        while news and news[0][0] <= self._synced_id:
            _, events, published = news.popleft()
            self.events.extend(events)
            self.published.extend(published)

    def _is_late(self) -> bool:
        return self.serves and self.executor.next_deadline_ms + self._sweep_after_ms() <= self._wall_ms

    def _sweep_after_ms(self) -> int:
        """Rule X6: after which time this member takes away what is late."""
        before = [node for node in self.members if node < self.settings.node]
        return SWEEP_AFTER_MS * len(before)

    def _look_at_system(self) -> None:
        """What users and settings are now: a snapshot may have brought others."""
        machine = self._system()
        self.executor.users = machine.users
        self.executor.notifies = machine.settings.notifies

    def _tell(self) -> None:
        """What the runs said to others than those who sent them."""
        executor = self.executor
        if executor.events or executor.published:
            self._news.append((self._made_id, executor.events, executor.published))
            executor.events, executor.published = [], []
        if executor.denied:
            self.denied.extend(executor.denied)
            executor.denied = []
        if executor.changed:
            changed, executor.changed = executor.changed, []
            if self._follower is not None:
                for key in changed:
                    self._follower.changed_elsewhere(key)
        if executor.defects:
            self.notes.extend(executor.defects)
            executor.defects.clear()

    # -- checks --------------------------------------------------------------------------------------

    def check_rest(self) -> None:
        """Assert that it has nothing to do unless it is stirred, and nothing to wait for in its sleep."""
        if not self.stirred:
            assert not self._staged and not self.wants_turn
        if self.asleep:
            assert not self.stirred and self.gossip.quiet and not self._held and not self.carriers.busy
            assert not self.emptyings and not self._news and not self.causal.busy and not self.tally.busy

    def check_invariants(self) -> None:
        """Assert what must always hold of it."""
        assert self._made_id >= self._synced_id or not self._held or self._held[0][0] > self._synced_id
