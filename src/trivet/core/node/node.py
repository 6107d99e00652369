"""One whole node, without IO: inputs in, effects out, once per loop turn.

The driver (``runtime`` or ``lab``) calls an ``on_…`` method for everything that happens and
``turn`` at the end of each loop turn; what comes back is performed in order. The way of a
write through here: ``on_client_bytes`` → ``dispatch`` → ``RaftGroup.turn`` → the log and the
peers → ``on_disk_done`` and ``on_link_bytes`` → committed → replies.

- Rule D1: nothing leaves between inputs, only with ``turn``.
- Rule D2: until the log is known to be durable after a start, no message leaves, and none of a group enters.
- Rule D3: a failure of the log is fatal: the node says so and stops (no retry can be trusted).
- Rule D4: only groups on the agenda have a turn (see ``group/agenda``); while one is there, the node asks for
  the next turn itself (``Effects.again``).
"""

from collections import deque
from typing import Final

from trivet.core.base.buggify import MESSAGES_LATE, Buggify
from trivet.core.base.disk import DiskFault, DiskJob, Storage
from trivet.core.base.ids import ConnectionId, GroupId, Instant, LinkId, NodeId, WallMs
from trivet.core.base.prng import Prng
from trivet.core.group.face import Replica
from trivet.core.group.leaderless import LeaderlessReplica
from trivet.core.group.messages import ToOutsider
from trivet.core.group.raft_group import RaftGroup
from trivet.core.node.boot import Booted, boot
from trivet.core.node.calm import is_calm
from trivet.core.node.config import NodeConfig
from trivet.core.node.dispatch import take_requests
from trivet.core.node.effects import INFO, WARNING, Effects
from trivet.core.node.errands import Errands
from trivet.core.node.front import Front
from trivet.core.node.news import take_news
from trivet.core.node.observe import Leaders, check
from trivet.core.node.peers import (
    KINDS,
    TOLD_OFF,
    Beat,
    Kind,
    NodeMessage,
    Peers,
    Stranger,
)
from trivet.core.node.pubsub_commands import confirm, confirm_at_last
from trivet.core.node.residents import Residents
from trivet.core.node.sending import collect_for_peers, collect_of_group
from trivet.core.node.session import LOGIN, Session
from trivet.core.node.views import Views
from trivet.core.node.waits import look_at_blocking
from trivet.core.pubsub.messages import OfSubscribers
from trivet.core.raft.state import Role
from trivet.core.steward.messages import OfSteward
from trivet.core.steward.steward import Steward

STOP_PATIENCE_MS: Final = 1500
"""How long a graceful stop waits for another leader and for replies under way."""

UNPARKED_MAX: Final = 32
"""Requests of one client that are looked at together when what was parked goes on."""


class Node(Views):
    """The node. See the module for how a driver uses it."""

    def __init__(
        self,
        config: NodeConfig,
        storage: Storage,
        seed: int,
        mono_ms: Instant,
        wall_ms: WallMs,
        buggify: Buggify | None = None,
    ) -> None:
        """Recover from ``storage``; raises ``StartError`` when that is impossible.

        ``buggify`` is for simulations only.
        """
        booted: Booted = boot(config, storage, Prng(seed), mono_ms, wall_ms, buggify)
        self._buggify = buggify
        self.config = config
        self.groups: dict[GroupId, RaftGroup] = booted.groups
        self.system = booted.front.system
        self.front: Front = booted.front
        self.front.guard.keep_secret(seed)
        self._wal = booted.wal
        self._birth = booted.birth
        self._founding = booted.cluster
        self._peers = Peers(
            config.cluster,
            config.node,
            booted.birth,
            [member.id for member in [*config.members, *config.known]],
            config.limits.peer_frame_bytes_max,
            config.limits.peer_links_max,
            mono_ms,
        )
        self.residents = Residents(
            config, booted.front, booted.wal, booted.maker, booted.prng, self._peers, booted.makers
        )
        self._errands = Errands(config, booted.birth, booted.cluster, booted.front)
        self._agenda = booted.maker.agenda
        self.steward = Steward(
            config.node, booted.front.replicas, booted.groups, self._agenda, config.limits, booted.prng,
            config.steward, booted.front.leaderless, booted.front.liveness,
        )  # fmt: skip
        self._desk = self.steward.desk
        self.front.steward = self.steward
        self._beat_ms: Instant = 0
        self._disk: list[DiskJob] = []
        self._log: list[tuple[int, str]] = booted.log
        self._stop_at_ms: Instant = -1
        self._finished = False
        self._fatal = ""
        self._leaders = Leaders()
        self._taught = b""
        self._busy: dict[Replica, None] = {}
        """Groups that have had a turn, and whose outcome is to be collected."""
        self._turned: dict[Replica, None] = {}
        """The same of the last turn."""
        self._unsynced: dict[GroupId, RaftGroup | LeaderlessReplica] = {}
        """They may have something on its way to the disk."""
        self._disk_of: dict[int, RaftGroup | LeaderlessReplica] = {}
        """Whose disk jobs are under way, by token; those of the log are not among them."""

    # -- clients -------------------------------------------------------------------------------

    def on_client_connected(self, conn: ConnectionId, address: str, local_address: str = "") -> None:
        """A client connected; ``conn`` is a number never used before in this life."""
        self.front.open(conn, address, local_address)

    def on_client_bytes(self, conn: ConnectionId, data: bytes) -> None:
        """Bytes of a client, in order, in any pieces."""
        front = self.front
        session = front.sessions.get(conn)
        if session is None or session.closing or session.broken:
            return
        front.stats.input_bytes += len(data)
        parser = session.parser
        fed_bytes = session.buffered_bytes + len(data)
        requests = parser.feed(data)
        while True:
            session.buffered_bytes = kept_bytes = parser.buffered_bytes()
            if requests:
                take_requests(front, session, requests, fed_bytes - kept_bytes)
            if not parser.stalled or parser.failed or session.closing:
                break
            # Behind the requests stands one that is too large, unless one of them was AUTH.
            requests = parser.feed(b"")
        if session.parked:
            front.pause(session)
        if parser.failed:
            front.counters.protocol_errors += 1
            session.broken = True
            if not session.parked and not session.closing:
                self._protocol_error(session)

    def _protocol_error(self, session: Session) -> None:
        """What came before is answered, then the error. Without one all is dropped, as in Redis."""
        if session.held is not None:
            confirm_at_last(self.front, session)
        if session.parser.error:
            session.answer(session.parser.error)
            self.front.close_after_replies(session)
        else:
            self.front.kill(session)

    def on_client_closed(self, conn: ConnectionId) -> None:
        """The client's connection is gone."""
        self.front.forget(conn)

    def on_client_backlog(self, conn: ConnectionId, backlog_bytes: int) -> None:
        """So many bytes of replies could not be sent yet (0: all are out)."""
        front = self.front
        session = front.sessions.get(conn)
        if session is None:
            return
        limits = front.limits
        listens = conn in front.pubsub.subscribers
        if session.vet & LOGIN:
            # Whoever has not said who it is, and does not read, is owed nothing.
            self._cut_off(session, backlog_bytes)
            return
        most_bytes = limits.client_output_pubsub_bytes_max if listens else limits.client_output_bytes_max
        if session.monitors:
            most_bytes = limits.client_output_monitor_bytes_max
        most_bytes = min(most_bytes, front.rules.output_bytes_max)
        if backlog_bytes > most_bytes:
            self._cut_off(session, backlog_bytes)
        elif backlog_bytes > (
            limits.client_output_pubsub_pause_bytes if listens else limits.client_output_pause_bytes
        ):
            if not session.backlog_bytes:
                session.backlog_since_ms = front.now_ms
            session.backlog_bytes = backlog_bytes
            front.backlogged[conn] = session
            front.pause(session)
        elif session.backlog_bytes:
            session.backlog_bytes = 0
            front.backlogged.pop(conn, None)
            front.resume(session)

    def _cut_off(self, session: Session, backlog_bytes: int) -> None:
        self.front.counters.output_cut += 1
        self._log.append(
            (
                WARNING,
                f"client {session.address} was cut off: it left {backlog_bytes} bytes of replies unread",
            )
        )
        self.front.kill(session)

    # -- peers ---------------------------------------------------------------------------------

    def on_peer_dialed(self, peer: NodeId) -> None:
        """Our connection to ``peer`` is up, and empty."""
        self._peers.up[peer] = None
        self.front.touch.up(peer, self.front.wall_ms)
        self.front.effects.sends.append((peer, self._peers.hello(peer)))
        self.front.pubsub.on_peer_up(peer)
        self.steward.on_peer_up(peer)
        for _, group in self.residents.all:
            group.on_peer_up(peer)

    def on_peer_lost(self, peer: NodeId) -> None:
        """Our connection to ``peer`` is gone."""
        # An introduction that has not left belongs to this link, not to the next.
        effects = self.front.effects
        effects.sends = [send for send in effects.sends if send[0] != peer]
        self.front.pubsub.on_peer_lost(peer)
        self.steward.on_peer_lost(peer)
        self.front.touch.lost(peer, self.front.now_ms)
        if self._peers.up.pop(peer, 0) is None:
            for _, group in self.residents.all:
                group.on_peer_lost(peer)

    def on_link_accepted(self, link: LinkId, address: str) -> None:
        """Somebody connected to our peer port."""
        self._peers.accepted(link, address)

    def on_link_bytes(self, link: LinkId, data: bytes) -> None:
        """Bytes on an accepted link, in order."""
        groups, outsiders = self.groups, self.residents.outsiders
        group: Replica | None
        for sender, number, message in self._peers.receive(link, data):
            kind = KINDS.get(type(message))
            if kind is Kind.NODE:
                self._on_node_message(sender, message)
            elif self._wal.open:
                if kind is Kind.LEADERLESS:
                    self._on_leaderless_message(sender, number, message)
                    continue
                group = outsiders.get(number) if outsiders and isinstance(message, ToOutsider) else None
                group = group or groups.get(number) or outsiders.get(number)
                if group is not None:
                    group.on_message(sender, message)  # type: ignore[arg-type]

    def _on_leaderless_message(self, sender: NodeId, number: GroupId, message: NodeMessage) -> None:
        group = self.front.leaderless.get(number)
        if group is not None:
            group.on_message(sender, message)  # type: ignore[arg-type]

    def _on_node_message(self, sender: NodeId, message: NodeMessage) -> None:
        if isinstance(message, OfSubscribers):
            self.front.pubsub.on_message(sender, message)
        elif isinstance(message, OfSteward):
            self.steward.on_message(sender, message)
        elif isinstance(message, Beat):
            self.steward.yielding.on_beat(sender)
            if message.words and self._wal.open:
                self.front.liveness.hear(sender, message, self.front.now_ms)
        elif isinstance(message, Stranger) and self._birth and message.birth != self._birth:
            self._fatal = TOLD_OFF  # Rule P4: a peer knows this node by another data directory

    def on_link_closed(self, link: LinkId) -> None:
        """An accepted link is gone; a peer that closes its own link to us has most likely died."""
        peer = self._peers.closed(link)
        if peer:
            self.front.pubsub.on_peer_silent(peer)
            for _, group in self.residents.all:
                group.on_peer_lost(peer)
                if peer in self._peers.up:
                    group.on_peer_up(peer)

    # -- disk and time -------------------------------------------------------------------------

    def on_disk_done(self, token: int, reads: list[bytes]) -> None:
        """A disk job is done; ``reads`` are the bytes of its ``Read`` operations."""
        if self._wal.on_done(token):
            unsynced, self._unsynced = self._unsynced, {}
            for number, group in unsynced.items():
                here = self.groups.get(number) or self.front.leaderless.get(number)
                if here is group and group.on_synced():
                    self._unsynced[number] = group
        else:
            owner = self._disk_of.pop(token, None)
            if owner is not None:
                owner.on_disk_done(token, reads)

    def on_disk_failed(self, token: int, fault: DiskFault, text: str) -> None:
        """A disk job failed; nothing of it may be relied on."""
        if not self._wal.on_failed(token, fault, text):
            owner = self._disk_of.pop(token, None)
            if owner is not None:
                owner.on_disk_failed(token, fault, text)

    def on_tick(self, mono_ms: Instant, wall_ms: WallMs) -> None:
        """One tick has passed, or more; late ticks are not made up for."""
        front = self.front
        front.now_ms = mono_ms
        front.wall_ms = wall_ms
        self._wal.tick(mono_ms)
        if self._wal.open:
            self.residents.tick(mono_ms, wall_ms)
            front.sharing.tick(mono_ms)
            self._errands.tick(mono_ms)
            self.steward.tick(mono_ms, wall_ms)
            self._beat(mono_ms)
            self.residents.look(mono_ms)
        for session in list(front.backlogged.values()):
            stalled_ms = mono_ms - session.backlog_since_ms
            if stalled_ms >= front.limits.client_output_stall_ms or (
                session.backlog_bytes > front.rules.output_soft_bytes_max
                and stalled_ms >= front.rules.output_soft_ms
            ):
                self._cut_off(session, session.backlog_bytes)
        front.tick()
        for session in list(front.waiting.values()):
            self._look_at_wait(session)
        if front.blocked.by_client:
            front.blocked.tick(mono_ms)
        front.pubsub.tick(mono_ms)
        self._peers.tick(mono_ms)
        if self._stop_at_ms >= 0:
            self._go_on_stopping()

    def _beat(self, mono_ms: Instant) -> None:
        """Quiet groups rely on their nodes: each tells that it is there, and notices who does not."""
        if mono_ms + self.config.tick_ms // 2 < self._beat_ms:
            return  # a tick that comes a bit early is not to be skipped: the next may be far
        self._beat_ms = mono_ms + self.config.heartbeat_ms
        self.front.effects.sends.extend(self.front.liveness.beat(mono_ms, self._peers.up))
        for peer in self._peers.silent(mono_ms - self.config.election_ms):
            self.residents.on_peer_silent(peer)
            self.steward.yielding.on_silent(peer)

    def _look_at_wait(self, session: Session) -> None:
        waits = session.waits
        assert waits is not None
        held = self.front.held(session)
        if held >= waits.replicas or (waits.deadline_ms and self.front.now_ms >= waits.deadline_ms):
            session.waits = None
            del self.front.waiting[session.conn]
            session.answer_reply(waits.answer(held))

    # -- stopping ------------------------------------------------------------------------------

    def stop(self) -> None:
        """Begin a graceful stop: no new writes, leadership goes to another, then ``finished``."""
        if self._stop_at_ms < 0:
            self._stop_at_ms = self.front.now_ms + STOP_PATIENCE_MS
            self.front.stopping = True
            self._hand_over()

    def _hand_over(self) -> None:
        for group in self.groups.values():
            successor = group.raft.successor()
            if successor:
                group.raft.transfer(successor)
                group.stir()

    def _go_on_stopping(self) -> None:
        groups = self.groups.values()
        leads = bool(self._peers.up) and any(group.raft.role is Role.LEADER for group in groups)
        here: list[Replica] = [*groups, *self.front.leaderless.values()]
        quiet = not any(group.has_writes for group in here)
        if (quiet and not leads) or self.front.now_ms >= self._stop_at_ms:
            self._finished = True

    # -- the turn ------------------------------------------------------------------------------

    def turn(self, mono_ms: Instant, wall_ms: WallMs) -> Effects:
        """End the loop turn: what everything staged amounts to."""
        front = self.front
        front.now_ms = mono_ms
        front.wall_ms = wall_ms
        front.stats.begin_turn(front.turn_number, mono_ms, wall_ms)
        if self._wal.open:
            self._turn_groups(mono_ms, wall_ms)
            while front.unparked or self._desk.stirred:
                # Sessions that were parked and may go on: their commands join this turn.
                front.unparked = False
                if self._desk.stirred:
                    self.steward.turn(mono_ms)
                self._turn_groups(mono_ms, wall_ms)
        front.turn_number += 1
        effects = front.effects
        front.effects = Effects()
        self._collect(effects)
        return effects

    def _turn_groups(self, mono_ms: Instant, wall_ms: WallMs) -> None:
        front = self.front
        if self.residents.coming:
            self.residents.take_over(mono_ms)
        system = False
        agenda = self._agenda
        stirred, agenda.stirred = agenda.stirred, []
        for group in stirred:
            group.turn(mono_ms, wall_ms)
            self._busy[group] = None
            system = system or group is self.system
            if group.pending_bytes != front.pending_of.get(group.settings.group, 0):
                front.note_pending(group)
            if (
                group.misrouted or group.denied or group.woken or group.jumped
                or group.published or group.events
            ):  # fmt: skip
                take_news(front, group)
        if front.blocked.by_client or front.blocked.answers:
            self._settle()
        if front.rerouting.homeless or front.blocked.homeless:
            front.unparked |= front.rerouting.go_on(front.blocked, front.map_epoch, mono_ms)
        if (system or front.sharing.open) and front.sharing.look(mono_ms):
            front.unparked = True
        if system or self._peers.has_news or self._peers.introduced:
            self._follow_system(mono_ms)
        if front.steps:
            front.look_at_steps()
        if front.pubsub.confirmations:
            confirm(front)
        if front.pubsub.inbox:
            front.pubsub.open_inbox()
        if front.tracking.clients:
            front.tracking.tell()
        self._answer()

    def _follow_system(self, mono_ms: Instant) -> None:
        """The system group had a turn, or peers said who they are: the map, users, settings may be others."""
        front = self.front
        machine = self.system.machine  # a snapshot may have brought another
        if self.residents.look_at_map(mono_ms):
            self.steward.on_map()
            front.liveness.learn(list(front.cluster.members))
            front.look_at_waiting()
        if machine.scripts.taught != self._taught:
            self._taught = machine.scripts.taught
            if self.system.raft.role is Role.LEADER:
                # What functions mean on registers, each node knows by its replica of this group (Rule L4).
                for peer in self.system.raft.peers:
                    self.system.raft.want_commit(peer)
                self.system.stir()
        if front.guard.is_stale(machine.users):
            front.renew_users()
        rules = front.rules
        if rules.version != machine.settings.version or rules.settings is not machine.settings:
            front.follow_settings()

    def _settle(self) -> None:
        """Clients in calls that wait: what has become of them."""
        front = self.front
        if front.blocked.settle():
            answers, front.blocked.answers = front.blocked.answers, []
            for conn, reply in answers:
                session = front.sessions.get(conn)
                if session is not None:
                    session.blocking = False
                    session.answer_reply(reply)

    def _answer(self) -> None:
        """Move replies out, and let parked sessions go on."""
        front = self.front
        sessions = front.ready.sessions
        if not sessions:
            return
        front.ready.sessions = []
        replies = front.effects.replies
        output_bytes = 0
        for session in sessions:
            session.drain()
            if session.blocking_answer:
                look_at_blocking(front, session)
            if session.parked and not session.is_waiting() and not session.gone:
                self._unpark(session)
            elif session.paused:
                front.resume(session)  # what was parked last has waited, and is over
            if session.out and not session.gone:
                data = session.take_out()
                output_bytes += len(data)
                replies.append((session.conn, data))
            if session.closing and session.idle and not session.gone:
                front.effects.closes.append(session.conn)
                front.forget(session.conn)
        front.stats.output_bytes += output_bytes

    def _unpark(self, session: Session) -> None:
        """What was parked goes on, as far as it can (Rule C1)."""
        front = self.front
        if session.calls_under_way:
            return
        rest, session.parked = session.parked, deque()
        while rest and not (session.parked or session.closing or session.gone):
            # A few at a time: often only the first can go on, and the others are not to be counted again.
            requests = [rest.popleft() for _ in range(min(len(rest), UNPARKED_MAX))]
            take_requests(front, session, requests, sum(len(arg) for args in requests for arg in args))
            session.fresh = False
        if not (session.closing or session.gone):
            rest.extendleft(reversed(session.parked))
            session.parked = rest
        front.unparked = True
        if not session.parked:
            if session.broken and not session.closing:
                self._protocol_error(session)
            else:
                front.resume(session)

    def _collect(self, effects: Effects) -> None:
        effects.disk = self._wal.flush()
        late = False
        if self.residents.jobs:
            effects.disk.extend(self.residents.jobs)
            self.residents.jobs = []
        up, leaderless = self._peers.up, self.front.leaderless
        busy, self._busy = self._busy, {}
        self._turned = busy
        talkers: list[RaftGroup] = []
        for group in busy:
            number = group.settings.group
            if isinstance(group, RaftGroup):
                if group.notes or group.led_by is not self._leaders.seen.get(number):
                    talkers.append(group)
                if group.snapshots.jobs:
                    for job in group.snapshots.take_jobs():
                        self._disk_of[job.token] = group
                        effects.disk.append(job)
                self._unsynced[number] = group
            elif number in leaderless:
                self._collect_leaderless(leaderless[number], effects)
            if group.failure:
                self._fatal = group.failure
            if group.outgoing:
                if self._buggify is not None and self._buggify.rare(MESSAGES_LATE):
                    late = True
                    self._busy[group] = None
                    continue
                collect_of_group(effects, number, group.outgoing, up)
                group.sent()
        collect_for_peers(effects, self._peers, self.front, self.steward, self._wal.open)
        self._notes(effects, talkers)
        # Whoever is on the agenda waits for no other input (Rule D4).
        effects.again = late or (self._wal.open and bool(self._agenda.stirred))
        effects.calm = not self._agenda.awake and is_calm(self._agenda, self.front, self.steward)
        effects.fatal = self._wal.failed or self._fatal
        effects.finished = self._finished

    def _collect_leaderless(self, group: LeaderlessReplica, effects: Effects) -> None:
        log = group.log
        for job in log.take_jobs():
            self._disk_of[job.token] = group
            effects.disk.append(job)
        self._unsynced[group.settings.group] = group
        if group.epoch_wanted:
            group.epoch_wanted = 0
            self.system.stir()  # the map here is behind
        if group.notes or log.notes:
            self._log.extend([(WARNING, note) for note in group.notes + log.notes])
            group.notes = []
            log.notes = []

    def _notes(self, effects: Effects, talkers: list[RaftGroup]) -> None:
        residents, desk, peers = self.residents, self._desk, self._peers
        if residents.notes or desk.notes:
            self._log.extend([(INFO, note) for note in residents.notes + desk.notes])
            residents.notes = []
            desk.notes = []
        for group in talkers:
            self._log.extend(self._leaders.news(group))
        if self._log or peers.notes:
            effects.log.extend(self._log)
            effects.log.extend([(WARNING, note) for note in peers.notes])
            self._log = []
            peers.notes = []

    # -- for the lab ---------------------------------------------------------------------------

    @property
    def may_speak(self) -> bool:
        """Rule D2."""
        return self._wal.open

    def turned(self) -> list[GroupId]:
        """The groups that had a turn in the last turn: nothing has happened to the others (Rule D4)."""
        return [group.settings.group for group in self._turned]

    def check_invariants(self, whole: bool = True) -> None:
        """Assert what must always hold: of all groups here, or of those that had a turn in the last turn."""
        here = [group for _, group in self.residents.all if whole or group in self._turned]
        check(here, self._busy, self.front.leaderless, self._wal.open and not whole)
        if whole and self._wal.open:
            self._agenda.check_invariants(here)
