"""The front of a node: its clients' sessions, before the groups that serve them.

Everything that a command of the node's own may touch is here; the inputs and effects of
the node as a whole are in ``node``.
"""

from typing import Final, Protocol

from trivet.core.access.verdict import may_listen
from trivet.core.base.ids import SYSTEM_GROUP, ConnectionId, GroupId, Instant, NodeId, WallMs
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.cluster.map import FIRST_GROUP, ClusterMap
from trivet.core.cluster.rows import NAME_BYTES_MAX
from trivet.core.cluster.slots import slot_of
from trivet.core.command.lookup import keys_of
from trivet.core.command.table import ROWS
from trivet.core.group.face import Replica
from trivet.core.group.leaderless import LeaderlessReplica
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.run import Nobody, Run
from trivet.core.group.set_aside import Asides
from trivet.core.machine.machine import Machine
from trivet.core.node.blocking import BlockedClients
from trivet.core.node.config import NodeConfig
from trivet.core.node.effects import Effects
from trivet.core.node.gathering import Gathering, Plan
from trivet.core.node.guard import Guard
from trivet.core.node.liveness import Liveness
from trivet.core.node.monitors import Monitors
from trivet.core.node.oversight import Steward
from trivet.core.node.pausing import Pause
from trivet.core.node.rerouting import Rerouting, send_parts
from trivet.core.node.router import Router
from trivet.core.node.rules import Rules
from trivet.core.node.session import HELD, MONITORED, PAUSED, WRITTEN_MAX, Piece, Ready, Session
from trivet.core.node.sharing import Change, Sharing
from trivet.core.node.touch import Touch
from trivet.core.node.tracking import Tracking
from trivet.core.node.wide import Transactor
from trivet.core.pubsub.hub import Hub
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import Error
from trivet.core.wire.resp import RequestParser, RespLimits

FULL: Final = Error(
    "OOM the disk of this node is full: writes are refused until space returns, reads go on; nothing was done"
)
BUSY: Final = Error("OOM too many writes wait for a majority (limit pending_bytes_max); nothing was done")
STOPPING: Final = Error("CLUSTERDOWN this node is stopping; nothing was done")


class Waiting(Protocol):
    """A command that waits for something other than a reply (see ``steps``)."""

    def look(self) -> bool:
        """Whether it went on."""
        ...


class Counters:
    """Plain counts since the start."""

    def __init__(self) -> None:
        self.connections = 0
        self.connections_refused = 0
        self.protocol_errors = 0
        self.output_cut = 0
        self.peers_refused = 0


class Front:
    """Sessions and what they share."""

    def __init__(
        self,
        config: NodeConfig,
        cluster: ClusterMap,
        groups: dict[GroupId, RaftGroup],
        replicas: dict[GroupId, Replica],
        prng: Prng,
        now_ms: Instant,
        wall_ms: WallMs,
    ) -> None:
        self.config = config
        self.limits = config.limits
        self.cluster = cluster
        self.groups = groups
        self.leaderless: dict[GroupId, LeaderlessReplica] = {}
        """Groups that nobody leads: every node has all of them."""
        self.asides = Asides()
        self.replicas = replicas
        """All groups that this node speaks to, also those of which it is no member."""
        self.system = groups[SYSTEM_GROUP]
        self.pending_bytes = 0
        """Writes of this node's clients that are not applied yet, over all groups."""
        self.pending_of: dict[GroupId, int] = {}
        """Of the groups in which something is pending."""
        self._wal = self.system.wal
        self.sharing = Sharing(groups, self.leaderless, config.command_timeout_ms)
        self.router = Router(replicas, cluster)
        self.rerouting = Rerouting(self.router, config.command_timeout_ms)
        self.map_epoch = 0
        """Of the map by which commands are routed now."""
        self.effects = Effects()
        self.sessions: dict[ConnectionId, Session] = {}
        self.follow_map(cluster)
        self.waiting: dict[ConnectionId, Session] = {}
        """Sessions in ``WAIT``."""
        self.transactor: Transactor | None = None
        self.steps: list[Waiting] = []
        """Commands between two of their steps."""
        self.adrift: dict[ConnectionId, tuple[list[bytes], Instant]] = {}
        """Requests whose group this node does not know yet, and since when they wait for that."""
        self.touch = Touch(now_ms)
        self.liveness = Liveness(config.node, self.system.settings.incarnation, list(cluster.members))
        self.steward: Steward | None = None
        self.blocked = BlockedClients(config.command_timeout_ms, self.router)
        self.guard = Guard(lambda: self.system.machine.users, config.password)
        self.pubsub = Hub(config.limits, self.system.settings.incarnation)
        self.vet = 0
        """Why the commands of all clients need a closer look (see ``vetting``)."""
        self.backlogged: dict[ConnectionId, Session] = {}
        """Sessions whose replies do not get out."""
        self.ready = Ready()
        self.counters = Counters()
        self.stats = self.ready.stats
        self.turn_number = 1
        self.unparked = False
        """Some parked session went on in this turn."""
        self.now_ms = self.started_ms = now_ms
        self.wall_ms = wall_ms
        self.stopping = False
        self.refuses_writes = False
        """Some writes are refused now: ``refuse_write`` says which."""
        self.rules = Rules(self.system.machine.settings)
        self.pause_of_all = Pause()
        self.monitors = Monitors()
        self.tracking = Tracking(replicas, self.sessions)
        self.stats.follow(self.rules.slow_us, self.rules.slow_max, self.rules.latency_ms)
        self._looked_for_idle_ms = now_ms
        self._nobody = Nobody()
        self._prng = prng
        self._resp_limits = _resp_limits(config.limits, 0)

    @property
    def group(self) -> RaftGroup:
        """The group in which every cluster begins; a node without a replica of it shows the system group."""
        return self.groups.get(FIRST_GROUP) or self.system

    def machine_of_system(self) -> Machine:
        """What the system group has decided, as far as this node knows. A snapshot may bring another."""
        return self.system.machine

    # -- sessions --------------------------------------------------------------------------

    def open(self, conn: ConnectionId, address: str, local_address: str = "") -> Session:
        """A client has connected."""
        parser = RequestParser(self._resp_limits)
        session = Session(conn, address, parser, self.ready, self.now_ms, local_address)
        session.home = self.router.home(0)
        self.guard.welcome(session)
        self.counters.connections += 1
        self.sessions[conn] = session
        if len(self.sessions) > (self.rules.clients_max or self.limits.connections_max):
            self.counters.connections_refused += 1
            session.answer_reply(Error("ERR max number of clients reached"))
            self.close_after_replies(session)
        return session

    def forget(self, conn: ConnectionId) -> None:
        """The connection is gone, whoever ended it."""
        session = self.sessions.pop(conn, None)
        if session is None:
            return
        self.waiting.pop(conn, None)
        self.backlogged.pop(conn, None)
        self.adrift.pop(conn, None)
        self.pubsub.forget(conn)
        session.gone = True
        session.parked.clear()
        if session.blocking:
            self.blocked.gone(conn)
        if session.watching:
            self.unwatch(session)
        if session.tracked is not None:
            self.tracking.stop(session)
        if session.monitors:
            self.stop_monitoring(session)

    def close_after_replies(self, session: Session) -> None:
        """Close once everything before is answered; nothing more is read."""
        session.closing = True
        self.pubsub.forget(session.conn)
        session.parked.clear()
        self.pause(session)
        session.run_done()

    def kill(self, session: Session) -> None:
        """Cut off at once."""
        self.effects.kills.append(session.conn)
        self.forget(session.conn)

    def pause(self, session: Session) -> None:
        """Read nothing more from this client for now (Rule C2)."""
        if not session.paused:
            session.paused = True
            self.effects.pauses.append(session.conn)

    def resume(self, session: Session) -> None:
        """Read again, unless another reason to pause is left."""
        if session.paused and not (
            session.closing or session.parked or session.backlog_bytes or session.is_waiting()
        ):
            session.paused = False
            self.effects.resumes.append(session.conn)

    def renew_users(self) -> None:
        """Users have changed: clients whose user is gone are told what they asked before, and closed.

        Who listens to what its user may listen to no longer is cut off.
        """
        for session in self.guard.renew(list(self.sessions.values())):
            if session.idle or session.is_waiting():
                self.kill(session)
            else:
                self.close_after_replies(session)
        for conn, (channels, patterns, shard_channels) in self.pubsub.all_names():
            listener = self.sessions.get(conn)
            user = None if listener is None else self.guard.user_named(listener.user)
            if user is not None and not may_listen(user, [*channels, *shard_channels], [*patterns]):
                self.kill(self.sessions[conn])

    # -- runs ------------------------------------------------------------------------------

    def may_go_on(self, session: Session, writes: bool) -> bool:
        """Whether a command of this kind may leave now, or must be parked (Rules C1, C2)."""
        if session.calls_under_way:
            return (
                session.writes_under_way is writes
                and session.routed_epoch == self.map_epoch
                and session.calls_under_way < self.limits.pipeline_calls_max
            )
        session.writes_under_way = writes
        session.routed_epoch = self.map_epoch
        return True

    def run_for(self, session: Session, writes: bool, group: Replica | None = None) -> Run | None:
        """The run that the next command of ``session`` joins; None when it must be parked (Rules C1, C2).

        It goes to ``group``; without one to the session's home, which there must be.
        """
        turn = self.turn_number
        if group is None:
            group = session.home
            assert group is not None
        if not self.may_go_on(session, writes):
            return None
        run = session.open_run
        pending = session.pending
        if (
            pending
            and run is not None
            and run.turn == turn
            and run.replies is None
            and pending[-1] is run
            and session.open_group is group
        ):
            return run
        run = self._new_run(session, writes, group)
        pending.append(run)
        session.open_run = run
        session.open_group = group
        return run

    def piece_for(self, session: Session, writes: bool, group: Replica) -> Run | None:
        """The same for a command among others that go to other groups: one run per group and turn.

        What stands between two of them, or was answered since, keeps them apart: else the later one would
        come before it (Rule C1), or to a run that is over.
        """
        if not self.may_go_on(session, writes):
            return None
        turn = self.turn_number
        last = session.pending[-1] if session.pending else None
        if type(last) is not Piece or last.run.turn != turn:
            session.pieces = {}
        number = group.settings.group
        run = session.pieces.get(number)
        if run is not None and run.replies is not None:
            run = None
        if run is not None and type(last) is Piece and last.run is run:
            last.count += 1
            return run
        if run is None:
            run = self._new_run(session, writes, group)
            session.pieces[number] = run
        session.pending.append(Piece(run, run.count))
        return run

    def _new_run(self, session: Session, writes: bool, group: Replica) -> Run:
        run = Run(session, writes)
        run.turn = self.turn_number
        run.epoch = self.map_epoch
        run.opener = session.last_command
        run.tracks = session.tracks
        run.past = session.past
        if writes:
            if group is not session.wrote_in:
                session.note_write(group)
            group.write(run, self.now_ms)
        elif session.readonly:
            group.read_stale(run)
        else:
            group.read(run, self.now_ms)
        return run

    def gather(self, session: Session, writes: bool, plan: Plan) -> bool:
        """Put a call that concerns several groups among the session's; False when it must be parked."""
        if not self.may_go_on(session, writes):
            return False
        gathering = Gathering(session, writes, plan)
        gathering.turn = self.turn_number
        gathering.epoch = self.map_epoch
        gathering.opener = session.last_command
        gathering.past = session.past
        session.pending.append(gathering)
        session.calls_under_way += 1
        if writes:
            for group, _ in plan.parts:
                session.note_write(group)
        send_parts(gathering, session.db, self.map_epoch, self.now_ms)
        return True

    def call_group(
        self, session: Session, writes: bool, call: list[bytes], group: Replica | None = None
    ) -> bool:
        """Put a call of the node's own making among the session's; False when it must be parked."""
        run = self.run_for(session, writes, group or self.system)
        if run is None:
            return False
        run.add((session.db, call), sum(map(len, call)) + 32)
        session.calls_under_way += 1
        return True

    def change_shared(self, session: Session, call: list[bytes]) -> bool:
        """Change users or settings, for all nodes and groups; False when it must be parked."""
        if not self.may_go_on(session, True):
            return False
        change = Change(session, self.sharing, call, self.now_ms)
        change.turn = self.turn_number
        change.opener = session.last_command
        session.pending.append(change)
        session.calls_under_way += 1
        session.vet |= HELD
        self.system.write(change.sub, self.now_ms)
        return True

    def catch_up(self, session: Session) -> None:
        """Before a client is refused something: hear whether this node's copy of the users is the newest.

        The session must be idle. The request is to be parked; it comes again with ``session.fresh``.
        """
        assert session.idle
        run = Run(session, False)
        run.add((0, [b"USERS", b"NAMES"]), 0)
        session.pending.append(run)
        session.calls_under_way += 1
        session.writes_under_way = False
        session.barrier = run
        self.system.read(run, self.now_ms)

    def held(self, session: Session) -> int:
        """On how many other nodes all that this client has written is surely synced (``WAIT``).

        Without any writes: on how many what others wrote in the first group is.
        """
        numbers = session.written or {FIRST_GROUP: None}
        if len(numbers) > WRITTEN_MAX:
            numbers = dict.fromkeys(number for number in self.replicas if number != SYSTEM_GROUP)
        groups = [self.replicas[number] for number in numbers if number in self.replicas]
        return min([group.replicas_of_last_write() for group in groups or [self.group]])

    def unwatch(self, session: Session) -> None:
        """Take back the watches of a client through the log; nobody waits for it."""
        groups, session.watching_in = session.watching_in, {}
        session.watching = False
        self.unwatch_in(session.conn, [*groups])

    def unwatch_in(self, client: ConnectionId, groups: list[GroupId]) -> None:
        """The same in these groups."""
        for group in [self.replicas[number] for number in groups if number in self.replicas]:
            run = Run(self._nobody, True, patient=True)
            run.add((0, [b"UNWATCH", b"%d" % client]), 32)
            group.write(run, self.now_ms)

    def note_pending(self, group: Replica) -> None:
        """The group has had a turn: what of this node's writes it has not applied."""
        number = group.settings.group
        bytes_now = group.pending_bytes
        self.pending_bytes += bytes_now - self.pending_of.pop(number, 0)
        if bytes_now:
            self.pending_of[number] = bytes_now

    def look_at_writes(self) -> None:
        """Once per read of a client: whether writes need a closer look."""
        self.refuses_writes = (
            self.stopping or self._wal.full or self.pending_bytes >= self.limits.pending_bytes_max
        )

    def refuse_write(self) -> Error | None:
        """Why no write can be taken now, or None."""
        if self.pending_bytes >= self.limits.pending_bytes_max:
            return BUSY
        if self._wal.full:
            # Nothing comes into this node's log, not even a DEL: a client would wait here in vain.
            return FULL
        if self.stopping:
            return STOPPING
        return None

    def moved(self, session: Session, args: list[bytes], writes: bool) -> Error | None:
        """The redirect for a client that knows the topology, when another node leads; else None.

        After ``READONLY`` a replica here is good enough for reads.
        """
        keys = keys_of(ROWS[args[0]], args)
        if not keys:
            return None
        group = self.router.of_keys(session.db, keys)
        if isinstance(group, Error):
            return None
        if session.readonly and not writes and group.settings.group in self.groups:
            return None
        leader = group.leader
        member = self.router.cluster.members.get(leader)
        if leader == self.config.node or member is None:
            return None
        return Error(f"MOVED {slot_of(keys[0])} {member.host}:{member.client_port}")

    def follow_map(self, cluster: ClusterMap) -> None:
        """The cluster map has changed: who holds what is asked anew."""
        self.cluster = cluster
        self.router.follow(cluster)
        self.map_epoch = cluster.epoch
        self.homes_changed()

    def homes_changed(self) -> None:
        """Groups are reached in another way than before."""
        for session in self.sessions.values():
            session.home = self.router.home(session.db)

    def changed_face(self, before: Replica, after: Replica) -> None:
        """A group is reached through ``after`` from now on."""
        self.blocked.changed_face(before, after)
        for session in self.sessions.values():
            session.open_group = None
            session.open_run = None
            session.pieces = {}

    def waits_for_map(self, session: Session, args: list[bytes]) -> bool:
        """Whether a request is to be parked, because this node does not know its group yet (Rule C4).

        False: it has waited for as long as a command may.
        """
        adrift = self.adrift.get(session.conn)
        if adrift is None or adrift[0] is not args:
            self.adrift[session.conn] = (args, self.now_ms)
            return True
        if self.now_ms - adrift[1] < self.config.command_timeout_ms:
            return True
        del self.adrift[session.conn]
        return False

    def look_at_steps(self) -> None:
        """Groups have had their turns: what goes on step by step looks again."""
        waiting, self.steps = self.steps, []
        kept = [steps for steps in waiting if not steps.look()]
        self.unparked = self.unparked or len(kept) < len(waiting)
        self.steps = kept + self.steps

    def look_at_waiting(self) -> None:
        """Time has passed, or the map has changed: what waits for that looks again.

        Only then: who waits for the map is parked again by its look, which is what a turn goes on for.
        """
        if self.steps:
            self.look_at_steps()
        for conn in list(self.adrift):
            session = self.sessions[conn]
            if session.parked:
                session.run_done()
            else:
                del self.adrift[conn]

    def alive(self, node: NodeId) -> bool:
        """Whether this node hears ``node``."""
        return node == self.config.node or self.system.peer_is_up(node)

    def database_named(self, word: bytes) -> int | None:
        """The database that ``SELECT`` names, by number or by its keyspace's name; None: there is none."""
        cluster = self.cluster
        number = parse_int(word)
        if number is None:
            known = len(word) <= NAME_BYTES_MAX
            row = cluster.keyspace_named(word.decode("latin-1")) if known else None
            return None if row is None else cluster.databases_of(row)[0]
        return None if cluster.keyspace_of(number) is None else number

    def group_is_gone(self, group: Replica) -> None:
        """The group is no more: nothing waits in it."""
        self.pending_bytes -= self.pending_of.pop(group.settings.group, 0)
        self.blocked.group_is_gone(group)

    def select(self, session: Session, db: int) -> None:
        """The client uses another database from now on."""
        session.db = db
        session.home = self.router.home(db)

    # -- settings and statistics -------------------------------------------------------------

    def follow_settings(self) -> None:
        """Look whether the cluster's settings have changed."""
        settings = self.system.machine.settings
        if self.rules.is_of(settings):
            return
        self.rules = rules = Rules(settings)
        self.stats.follow(rules.slow_us, rules.slow_max, rules.latency_ms)
        self.tracking.keys_max = rules.tracking_max
        self._resp_limits = _resp_limits(self.limits, rules.bulk_bytes_max)
        for session in self.sessions.values():
            session.parser.limits = self._resp_limits

    def tick(self) -> None:
        """Time has passed: pauses end, and idle clients are closed if the settings say so."""
        if self.pause_of_all.until_ms and self.now_ms >= self.pause_of_all.until_ms:
            self.let_go()
        if self.steps or self.adrift:
            self.look_at_waiting()
        self.stats.look_at_rate(self.now_ms)
        timeout_ms = self.rules.timeout_ms
        if timeout_ms and self.now_ms >= self._looked_for_idle_ms + 1000:
            self._looked_for_idle_ms = self.now_ms
            for session in list(self.sessions.values()):
                if self.now_ms - session.active_ms >= timeout_ms and session.may_be_idle():
                    self.kill(session)

    def reset_statistics(self) -> None:
        """``CONFIG RESETSTAT``."""
        self.stats.reset()
        self.counters = Counters()

    def monitor(self, session: Session) -> None:
        """From now on the client sees every command."""
        session.monitors = True
        self.monitors.sessions[session.conn] = session
        self.vet |= MONITORED

    def stop_monitoring(self, session: Session) -> None:
        """The client is gone, or has reset itself."""
        session.monitors = False
        self.monitors.sessions.pop(session.conn, None)
        if not self.monitors.sessions:
            self.vet &= ~MONITORED

    def hold(self, until_ms: Instant, writes_only: bool) -> None:
        """``CLIENT PAUSE``."""
        self.pause_of_all.begin(self.now_ms, until_ms, writes_only)
        self.vet |= PAUSED

    def let_go(self) -> None:
        """``CLIENT UNPAUSE``, or the time is over: what was held comes again."""
        self.pause_of_all.end()
        if self.vet & PAUSED:
            self.vet &= ~PAUSED
            for session in self.sessions.values():
                if session.parked:
                    session.run_done()

    def prng(self) -> Prng:
        """Chance for reads: a generator of its own for each caller."""
        return self._prng.fork()


def _resp_limits(limits: Limits, bulk_bytes_max: int) -> RespLimits:
    """What requests may measure; ``bulk_bytes_max``: by the settings of the cluster, if not 0."""
    return RespLimits(
        bulk_bytes_max=bulk_bytes_max or limits.bulk_bytes_max,
        query_buffer_bytes_max=limits.query_buffer_bytes_max,
    )
