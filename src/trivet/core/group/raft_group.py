"""One replica of one group in mode ``raft``: between the node and the Raft member.

What happens in a turn, top to bottom of ``turn``: the writes of this node's clients become
parcels; a leader makes them, with those forwarded to it, one entry, a follower forwards
them; reads ask for a read index; then everything that Raft has decided is carried out:
messages, records for the log, committed entries into the machine, replies to runs.

- Rule G1: a leader puts each batch into its log once per term (see ``proposing``).
- Rule G2: on every change of leader or term, and when nothing moves for ``resend_ms``, all
  batches under way are sent again (Rule O2).
- Rule G3: a digest that differs from the leader's takes this replica out: the node stops.
"""

from collections import deque

from trivet.core.base.buggify import BATCHES_AGAIN, Buggify
from trivet.core.base.disk import DiskFault
from trivet.core.base.ids import NO_NODE, ConnectionId, Index, Instant, NodeId, WallMs
from trivet.core.base.prng import Prng
from trivet.core.command.table import Event
from trivet.core.group.agenda import Agenda
from trivet.core.group.applying import Applier, digest_complaint
from trivet.core.group.changes import Follower, Followers, who_changes
from trivet.core.group.down import DownNodes
from trivet.core.group.eviction import Evictor
from trivet.core.group.log_time import LogTime
from trivet.core.group.messages import Follow, Forward, ForwardRead, KillScript, OfReplica, ReadReplies, Taken
from trivet.core.group.messages import GroupMessage as GroupMessage
from trivet.core.group.outbox import NO_ROOM, Outbox, Parcel
from trivet.core.group.peer_reads import PeerReads
from trivet.core.group.proposing import Proposer
from trivet.core.group.reads import ReadQueue
from trivet.core.group.remote_service import RemoteReader, RemoteService
from trivet.core.group.rest import alarm_of, check_rest, may_sleep
from trivet.core.group.run import Run, Waiter, finish_runs
from trivet.core.group.settings import GroupSettings as GroupSettings
from trivet.core.group.snapshots import Snapshots
from trivet.core.machine.keys_read import keys_read
from trivet.core.machine.machine import Machine
from trivet.core.machine.memory import TICK_STEP
from trivet.core.machine.rights import Denied
from trivet.core.raft.messages import ReadIndexRequest
from trivet.core.raft.raft import Raft
from trivet.core.raft.ready import Ready, Save
from trivet.core.raft.state import Role
from trivet.core.wal.record import GroupRecord
from trivet.core.wal.wal import Wal


class RaftGroup:
    """The replica: its Raft member, its machine, and what this node's clients wait for."""

    def __init__(
        self, settings: GroupSettings, agenda: Agenda, raft: Raft, machine: Machine, wal: Wal,
        snapshots: Snapshots, prng: Prng, buggify: Buggify | None = None,
    ) -> None:  # fmt: skip
        limits = settings.limits
        self._buggify = buggify
        self.settings = settings
        self._agenda = agenda
        self.raft = raft
        self.machine = machine
        self.wal = wal
        self.snapshots = snapshots
        self.outgoing: list[tuple[NodeId, GroupMessage]] = []
        """Messages for peers; the node takes them after every turn."""
        self.failure = ""
        """Not empty: this replica must not go on (Rule G3)."""
        self.notes: list[str] = []
        """Sentences for the log that people read."""
        self.outbox = Outbox(
            settings.node, settings.incarnation, limits.batches_in_flight_max, limits.batch_bytes_max,
            buggify,
        )  # fmt: skip
        self.reads = ReadQueue(limits.remote_reply_bytes_max)
        self._prng = prng
        self._peers_up: dict[NodeId, None] = {}
        self._proposer = Proposer(raft, prng, limits.batch_bytes_max, buggify)
        self.doubtful = bool(raft.missing_to) or raft.suspect
        """Recovery could not vouch for something, and the log says so until it is made good."""
        self.stands_by = False
        """Another outbox numbers this node's batches until this replica adopts it (Rule F1)."""
        self.wants_turn = False
        """Work is left for another turn, soon."""
        self.stirred = False
        """Something has happened since the last turn, or is left to be done: it is on the agenda."""
        self.asleep = True
        """It needs no tick until it is stirred, or the node has reason to look (``holders`` of the log)."""
        self._behind = False
        """More is committed than applied."""
        self._peer_reads = PeerReads()
        self._saves: deque[tuple[int, int]] = deque()
        """(lsn, save id) of records on their way to the disk."""
        self.time = LogTime()
        self._time_entry: Index = 0
        self.led_by: tuple[NodeId, int] = (NO_NODE, 0)
        """(leader, term) as of the last turn; the same object until it changes."""
        self._resend = False
        self._down = DownNodes(settings.node)
        self._evictor = Evictor(Prng(settings.node))
        self.woken: list[ConnectionId] = []
        """This node's clients whose waiting calls were served or forgotten; the node takes them."""
        self.jumped = False
        """A snapshot has replaced the state: nobody knows what became of what clients wait for."""
        self.events: list[Event] = []
        """Keyspace events of applied entries; the node takes them every turn."""
        self.published: list[tuple[bool, bytes, bytes]] = []
        """Messages published by applied entries; the node takes them every turn."""
        self.denied: list[Denied] = []
        """Calls in transactions and scripts of this node's clients that were refused; the node takes them."""
        self.remotes = RemoteService(self)
        self._applier = Applier(self)
        self.scripts = self._applier.scripts
        self._followers = Followers(self.remotes.tracks)
        self.stir()

    @property
    def now_ms(self) -> Instant:
        """The last tick."""
        return self._agenda.now_ms

    def stir(self) -> None:
        """Something happens to this group: it is to have a turn (Rules A1, A2)."""
        if not self.stirred:
            self._agenda.stir(self)

    # -- what the front of the node uses -----------------------------------------------------

    def write(self, run: Run, now_ms: Instant) -> None:
        """Take writes of a client; its calls may be added until the turn ends."""
        self.stir()
        self.outbox.stage(run, now_ms)

    def read(self, run: Run, now_ms: Instant) -> None:
        """Take linearizable reads of a client; its calls may be added until the turn ends."""
        self.stir()
        self.reads.stage(run, now_ms)

    def read_stale(self, run: Run) -> None:
        """Take reads that are content with this replica's present state."""
        self.stir()
        self.reads.stage_stale(run)

    def follow_changes(self, follower: Follower | None) -> None:
        """From now on ``follower`` is told of tracked reads and of all changes; None: nobody."""
        self._followers.own = follower
        self._followers.attach(self.machine)

    def who_changes(self) -> Waiter | None:
        """While a change happens: whose call it is, if a client's of this node."""
        return who_changes(self.machine, self.outbox, self.settings.node, self.settings.incarnation)

    @property
    def misrouted(self) -> list[Run]:
        """Runs that came to the wrong group; the node takes them."""
        return self.outbox.misrouted

    @property
    def has_writes(self) -> bool:
        """Writes of this node's clients have no replies yet."""
        return self.outbox.has_writes

    @property
    def pending_bytes(self) -> int:
        """Writes of this node's clients that are not applied yet."""
        return self.outbox.pending_bytes

    @property
    def disk_full(self) -> bool:
        """This node's log can't grow."""
        return self.wal.full

    @property
    def is_as_before(self) -> bool:
        """Whether everything is applied that the log held at the start, as far as it was to stay there."""
        return self.machine.applied_index >= min(self._applier.old_to, self.raft.last_index)

    @property
    def leader(self) -> NodeId:
        """Who leads, as far as this replica knows; 0: nobody."""
        return self.raft.leader

    def is_member(self, node: NodeId) -> bool:
        """Whether ``node`` holds a replica of the group."""
        return node in self.raft.membership.members()

    def peer_is_up(self, peer: NodeId) -> bool:
        """Whether the link to ``peer`` is up."""
        return peer in self._peers_up

    def replicas_of_last_write(self) -> int:
        """On how many other nodes the newest write of this node's clients is surely synced."""
        raft = self.raft
        if raft.role is Role.LEADER:
            return sum([match >= self._applier.last_write for _, match in raft.matches()])
        sets = (raft.membership.voters, raft.membership.outgoing)
        return raft.vouched(self._applier.last_write) or min([len(voters) for voters in sets if voters]) // 2

    def sent(self) -> None:
        """What is ``outgoing`` has been taken."""
        self.outgoing = []

    # -- inputs ------------------------------------------------------------------------------

    def on_peer_up(self, peer: NodeId) -> None:
        """Our link to ``peer`` is up, and empty."""
        self.stir()
        self._peers_up[peer] = None
        self.raft.peer_up(peer)
        self.remotes.on_peer_up(peer)
        if peer == self.raft.leader:
            self._resend = True

    def on_peer_greets(self, peer: NodeId) -> None:
        """It has a new link to us: as leader, say that we are there. Our link to it is as it was."""
        self.stir()
        self.raft.peer_up(peer)

    def on_peer_lost(self, peer: NodeId) -> None:
        """The link to ``peer`` broke, most likely with its process."""
        self.stir()
        self._peers_up.pop(peer, None)
        self._look_for_the_dead()
        self.raft.peer_lost(peer)
        self.remotes.on_peer_lost(peer)
        self.snapshots.peer_lost(peer)

    def on_message(self, sender: NodeId, message: GroupMessage) -> None:
        """A message of a peer, decoded and of a known type."""
        self.stir()
        if isinstance(message, OfReplica):
            self._on_replica_message(sender, message)
        elif isinstance(message, ReadIndexRequest) and self.raft.role is Role.LEADER:
            self._peer_reads.add(sender, message)
        else:
            self.raft.step(sender, message)

    def _on_replica_message(self, sender: NodeId, message: OfReplica) -> None:
        """Of another replica, or of a node that has none. Answers to such nodes are none for a member."""
        if isinstance(message, Forward):
            if len(message.batch) <= self.settings.limits.call_bytes_max * 2 and (
                self.remotes.takes(sender, message.batch) if message.answer else self.raft.role is Role.LEADER
            ):
                self._proposer.forwarded.append(message.batch)
        elif isinstance(message, ForwardRead):
            self.remotes.read_for(sender, message, self.now_ms)
        elif isinstance(message, ReadReplies):
            self._answered(sender, message)
        elif isinstance(message, Follow):
            self.remotes.tracks.follow(sender, message.everything)
            self._followers.attach(self.machine)
        elif isinstance(message, Taken):
            self.remotes.taken(sender, message.size_bytes)
        elif isinstance(message, KillScript):
            self.scripts.kill_asked(message)

    def on_tick(self, now_ms: Instant) -> None:
        """One tick of the driver's clock."""
        self._agenda.now_ms = now_ms
        if may_sleep(self):
            self.asleep = True
            self._agenda.set_alarm(self, alarm_of(self))
            return
        self.stir()
        self.raft.tick()
        if self.doubtful and not self.raft.missing_to and not self.raft.suspect:
            self.doubtful = False
            self.wal.settle(self.settings.group)
            self.notes.append("what a damaged log had lost is made good: this member votes again")
        self._applier.expire(now_ms)
        self.reads.retry(now_ms - self.settings.resend_ms)
        self.snapshots.tick(now_ms)
        self.remotes.tick(now_ms)
        self._look_for_the_dead()
        if self.machine.memory is not None and not self.machine.memory.counted:
            self.machine.memory.advance(TICK_STEP)
        stands = now_ms - self._applier.last_progress_ms >= self.settings.resend_ms
        if stands and self.outbox.under_way and self.scripts.paused is None:
            self._resend = True

    def on_peer_silent(self, peer: NodeId) -> None:
        """The node of ``peer`` has not been heard of for an election time-out: a quiet group looks up."""
        if self.raft.quiet and (self.raft.leader == peer or self.raft.role is Role.LEADER):
            self.stir()
            self.raft.wake()

    def _look_for_the_dead(self) -> None:
        """As leader: what clients of dead nodes wait for is given up, before anything is given to them."""
        machine, raft = self.machine, self.raft
        if machine.waiting.by_client and raft.role is Role.LEADER:
            for run in self._down.look(machine, self._peers_up, raft.is_silent):
                self.outbox.stage(run, self.now_ms)

    def on_synced(self) -> bool:
        """The log is synced up to ``wal.synced_lsn``: something goes on; whether something waits still."""
        saved = 0
        while self._saves and self._saves[0][0] <= self.wal.synced_lsn:
            saved = self._saves.popleft()[1]
        if saved:
            self.raft.saved(saved)
        if self.snapshots.on_synced() or saved:
            self.stir()
        return bool(self._saves) or self.snapshots.waits_for_log

    def on_disk_done(self, token: int, reads: list[bytes]) -> None:
        """A disk job of this replica's snapshots is done."""
        self.stir()
        self.snapshots.on_done(token, reads)

    def on_disk_failed(self, token: int, fault: DiskFault, text: str) -> None:
        """A disk job of this replica's snapshots failed."""
        self.stir()
        self.snapshots.on_failed(token, fault, text)

    # -- the turn ------------------------------------------------------------------------------

    def turn(self, now_ms: Instant, wall_ms: WallMs) -> None:
        """Carry out what this turn's inputs ask for."""
        self.stirred = False
        if self.raft.role is Role.LEADER:
            wall_ms = self.time.at(now_ms, wall_ms, self.machine.now_ms)
        else:
            self.time.reset()
        self.raft.full = self.wal.full
        self.raft.no_snapshots = self.snapshots.stuck
        self.outbox.close_turn()
        self._snapshot(now_ms)
        if self.scripts.paused is not None:
            self._applier.turn(now_ms)
        self.wants_turn = self.snapshots.wants_turn
        self._submit(now_ms, wall_ms)
        knew_deadlines = self._knows_deadlines()
        self._ask_reads(wall_ms, knew_deadlines)
        self._behind = self.scripts.paused is not None
        ready = self.raft.ready()
        while ready is not None:
            self._carry_out(ready, now_ms)
            self._follow_leader()
            if self._resend:
                self._submit(now_ms, wall_ms)
            if ready.more:
                # A long log is applied in slices, so that the node stays in touch meanwhile.
                self.wants_turn = self._behind = True
                break
            ready = self.raft.ready()
        if self.scripts.paused is not None:
            self._behind = True
            self.wants_turn = self.wants_turn or self.scripts.may_go_on
        tracks = self.remotes.tracks
        if tracks.news or tracks.all:
            tracks.tell(self.outgoing)  # before what is read now, which has these changes
        if self.reads.may_run() and self.scripts.paused is None:
            self._run_reads(wall_ms)
        if self.machine.memory is not None:
            self._look_at_memory(wall_ms)
        if self._reads_go_on() or (not knew_deadlines and self._knows_deadlines()):
            # What these reads waited for was applied in this very turn: they ask in the next.
            self.wants_turn = True
        if self.snapshots.outgoing or self.snapshots.notes:
            self.snapshots.speak(self.outgoing, self.notes)
        if self.wants_turn:
            self.stir()

    def _look_at_memory(self, wall_ms: WallMs) -> None:
        """As leader: evict what is too much, or have growth refused."""
        if self.raft.role is Role.LEADER and self._knows_deadlines():
            run = self._evictor.look(self.machine, wall_ms)
            if run is not None:
                self.outbox.stage(run, self.now_ms)
                self.wants_turn = True

    def _follow_leader(self) -> None:
        """Rule G2: a new leader, or a new term of it, gets everything under way."""
        led_by = (self.raft.leader, self.raft.term)
        if led_by != self.led_by:
            self.led_by = led_by
            self._proposer.leader_changed()
            self._time_entry = 0
            self._peer_reads.clear()
            if self.raft.role is not Role.LEADER:
                self.snapshots.leader_lost()
            self.reads.leader_changed()
            self.remotes.leader_changed()
            self._resend = led_by[0] != NO_NODE
            self._look_for_the_dead()

    def _submit(self, now_ms: Instant, wall_ms: WallMs) -> None:
        self._follow_leader()
        leader = self.raft.leader
        if leader == NO_NODE or self.stands_by:
            return
        if self._buggify is not None and self._buggify.rare(BATCHES_AGAIN):
            self._resend = True
        if not self.outbox.under_way:
            self._applier.last_progress_ms = now_ms
        resend: list[Parcel] = []
        if self._resend:
            resend, self._resend = self.outbox.again(), False
            self._applier.last_progress_ms = now_ms
        if self.outbox.has_staged() and self.raft.no_room:
            self.outbox.refuse_staged(NO_ROOM)
        packs = self.outbox.has_staged() and self.scripts.paused is None  # (Rule V3)
        parcels = resend + self.outbox.pack() if packs else resend
        if leader == self.settings.node:
            if parcels or self._proposer.forwarded:
                self._proposer.propose([parcel.data for parcel in parcels], self.machine, wall_ms)
        else:
            for parcel in parcels:
                self.outgoing.append((leader, Forward(parcel.data)))

    # -- reads ---------------------------------------------------------------------------------

    def _ask_reads(self, wall_ms: WallMs, knows_deadlines: bool) -> None:
        reads = self.reads
        reads.close_turn()
        leads = self.raft.role is Role.LEADER
        if leads and not (knows_deadlines and self._write_time_when_due(wall_ms)):
            return
        time_is_due = leads and self._time_entry > self.machine.applied_index
        if time_is_due:
            reads.hold_until(self._time_entry)
        reads.release_held(self.machine.applied_index)
        self._peer_reads.ask(self.raft, self.machine.applied_index, self._time_entry if time_is_due else 0)
        if not reads.unasked or (leader := self.raft.leader) == NO_NODE:
            return
        if self.wal.full and leader != self.settings.node:
            read_id, calls = reads.ask_leader(self.now_ms)
            epoch = min([run.epoch for run in reads.asked[read_id].runs])
            forward = ForwardRead(read_id, calls, self.settings.incarnation, epoch=epoch)
            self.outgoing.append((leader, forward))
        else:
            self.raft.request_read(reads.ask())

    def _reads_go_on(self) -> bool:
        """Whether a time entry that reads wait for is applied."""
        applied = self.machine.applied_index
        if self.reads.held and self.reads.held[0][0] <= applied:
            return True
        return self._peer_reads.may_go_on(applied)

    def _knows_deadlines(self) -> bool:
        """Rule L2: a new leader, or one that applies in slices, first applies what others acknowledged."""
        return not self._behind and self.raft.term_at(self.machine.applied_index) == self.raft.term

    def _write_time_when_due(self, wall_ms: WallMs) -> bool:
        """Rule L2: a deadline has passed by the leader's clock, so the log must say so.

        False: the log takes nothing now, so reads have to wait. (A full disk keeps no reader waiting.)
        """
        if self._time_entry <= self.machine.applied_index:
            due_ms = self.machine.databases.next_deadline_ms()
            if due_ms <= wall_ms or due_ms <= self.machine.now_ms:
                self._time_entry = self._proposer.propose_entry([], wall_ms)
                return self._time_entry != 0 or self.wal.full
        return True

    def _answered(self, sender: NodeId, message: ReadReplies) -> None:
        """The leader has run reads for this copy, which is behind (Rule L3)."""
        if message.total:
            self.outgoing.append((sender, Taken(len(message.replies))))
        if message.incarnation != self.settings.incarnation:
            return
        batch = self.reads.answered(message, self.now_ms)
        if batch is None or batch.parts is None:
            return
        for run in batch.runs:
            if run.tracks:
                self._followers.on_read_elsewhere(run)
        finish_runs(batch.runs, batch.parts.replies, self.outbox.misrouted)

    def _run_reads(self, wall_ms: WallMs) -> None:
        machine = self.machine
        runs = self.reads.runnable(machine.applied_index)
        memory = machine.memory
        prng = self._prng.fork()
        for run in runs:
            if run.tracks:
                self._followers.on_read(run)
                self._followers.attach(machine)
            if memory is not None and memory.notes_use:
                memory.note_reads(keys_read(run.calls), wall_ms)
            calls = run.take_calls()
            replies = machine.read(calls, wall_ms, prng, run.epoch)
            if isinstance(run.waiter, RemoteReader):
                run.finish(replies)
                if machine.denied:
                    machine.take_denied()  # its clients have the numbers of another node
            elif not machine.ownership.looks:
                run.finish(replies)
            elif run.finish_in_part(replies):
                run.sent = calls
                self.outbox.misrouted.append(run)
        if machine.denied:
            self._applier.take_denied(machine)

    # -- what Raft decided -----------------------------------------------------------------------

    def _carry_out(self, ready: Ready, now_ms: Instant) -> None:
        if ready.messages:
            self.outgoing.extend(ready.messages)
        if ready.members_changed:
            self.snapshots.members_changed()
        if ready.save is not None:
            self._save(ready.save)
        if ready.committed:
            self._applier.apply(ready, now_ms)
        for read_id, index in ready.reads:
            self.reads.confirm(read_id, index)
        for read_id in ready.reads_dropped:
            self.reads.dropped(read_id)
        for index, digest in ready.digests:
            self._compare_digest(index, digest)
        for sender, chunk in ready.chunks:
            self.snapshots.on_chunk(sender, chunk)
        for sender, reply in ready.snapshot_replies:
            self.snapshots.on_reply(sender, reply)
        for peer in ready.snapshots_wanted:
            self.snapshots.wanted(peer)

    def _save(self, save: Save) -> None:
        record = GroupRecord(
            self.settings.group, save.term, save.vote, save.commit, save.first_index, save.entries,
            save.prev_term, save.last_index, save.last_term,
        )  # fmt: skip
        self._saves.append((self.wal.append(record), save.save_id))

    def _compare_digest(self, index: Index, digest: bytes) -> None:
        """Rule G3."""
        self.failure = digest_complaint(self.machine, index, digest) or self.failure

    # -- snapshots -------------------------------------------------------------------------------

    def _snapshot(self, now_ms: Instant) -> None:
        installed = self.snapshots.turn(now_ms, self.machine)
        if installed is None:
            return
        self.scripts.abandon()
        self.machine = installed
        self.jumped = True
        self._followers.attach(installed)
        self._followers.jumped()
        self.outbox.catch_up(installed.sessions)  # replies of batches that the state contains (Rule S2)
        self._applier.last_write = installed.applied_index

    def adopt(self, outbox: Outbox) -> None:
        """This node had no replica until now: its batches under way go on here (Rule F1)."""
        assert not self.outbox.under_way
        self.stands_by = False
        self.stir()
        own = self.outbox.drain()
        self.outbox = outbox
        for run in own:
            outbox.stage(run, self.now_ms)
        self._resend = True
        outbox.catch_up(self.machine.sessions)

    def check_rest(self) -> None:
        """Assert that it is on the agenda if there is something to do."""
        check_rest(self)
