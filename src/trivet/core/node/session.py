"""A session: one client's conversation (stations 1 and 8 of a write).

Replies leave in the order of the requests: what is not answered yet stands in ``pending``,
in order, as a run that waits for its group or as bytes that wait for the runs before them.

- Rule C1: the commands of one session take effect in order. Writes under way and reads
  under way never mix: when the kind changes, the rest is *parked* until the session is idle.
- Rule C2: a parked or overfull session is not read from, so what it can cost is bounded.
"""

from collections import deque
from enum import Enum
from typing import Final

from trivet.core.base.ids import ConnectionId, GroupId, Instant
from trivet.core.group.face import Replica
from trivet.core.group.past import Past
from trivet.core.group.run import Run
from trivet.core.machine.entry import Call
from trivet.core.node.stats import Stats
from trivet.core.wire.encode import Made, encode_many
from trivet.core.wire.reply import OK, Blocked, Error, Reply
from trivet.core.wire.resp import RequestParser

NEVER_ROUTED: Final = -1
"""No epoch of a map: nothing may leave while the calls under way are (``Front.may_go_on``)."""

# Why a session's commands need a closer look (``vet``, see ``vetting``).
LOGIN: Final = 1
"""The client has not said who it is."""
MULTI: Final = 2
"""The client is between ``MULTI`` and ``EXEC``."""
SUBSCRIBED: Final = 4
"""The client listens to something: in RESP2 it may do little else."""
PAUSED: Final = 4096
"""``CLIENT PAUSE`` holds the commands of all clients, or their writes."""
MONITORED: Final = 8192
"""Some client wants to see every command."""
SKIPPING: Final = 16384
"""The reply of one command is not wanted (``CLIENT REPLY SKIP``)."""
CHOOSING: Final = 32768
"""The client says which of its reads are to be tracked (``OPTIN``, ``OPTOUT``)."""
USER: Final = 1024
"""Something is refused to its user."""
REROUTED: Final = 512
"""Some of its calls are to be sent to another group than before: what comes after waits (Rule N1)."""
HELD: Final = 2048
"""Its change of users is under way: what comes after waits, and is then judged by it."""


WRITTEN_MAX: Final = 64
"""Groups in which a client wrote something, of which it is remembered for ``WAIT``."""


class Ready:
    """Where sessions with news stand until the end of the turn; and what is counted about their runs."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.stats = Stats()


class Piece:
    """Consecutive commands of a run: between them the client sent others to other groups."""

    __slots__ = ("count", "run", "start")

    def __init__(self, run: Run, start: int) -> None:
        self.run = run
        self.start = start
        self.count = 1


class Transaction:
    """What stands between ``MULTI`` and ``EXEC``."""

    __slots__ = ("calls", "db", "failed", "only_reads", "size_bytes")

    def __init__(self, db: int) -> None:
        self.calls: list[Call] = []
        self.db = db
        self.failed = False
        """A command was refused while queueing: EXEC will discard."""
        self.only_reads = True
        self.size_bytes = 0


class Session:
    """The state of one client connection."""

    __slots__ = (
        "_flagged", "_ready", "active_ms", "address", "authenticated", "backlog_bytes", "backlog_since_ms",
        "barrier", "blocking", "blocking_answer", "blocking_run", "broken", "buffered_bytes",
        "calls_under_way", "closing", "conn", "created_ms", "db", "fresh", "fresh_error", "gone", "held",
        "home", "knows_topology", "last_command", "library", "library_version", "local_address", "monitors",
        "muted", "name", "no_evict", "open_group", "open_run", "out", "parked", "parser", "past", "paused",
        "pending", "pieces", "protocol", "readonly", "routed_epoch", "shown", "skipped", "subscriptions",
        "tracked", "tracks", "transaction", "user", "user_born", "vet", "waits", "watching",
        "watching_in", "writes_under_way", "written", "wrote_in",
    )  # fmt: skip

    def __init__(
        self,
        conn: ConnectionId,
        address: str,
        parser: RequestParser,
        ready: Ready,
        now_ms: Instant,
        local_address: str = "",
    ) -> None:
        self.conn = conn
        self.address = address
        self.local_address = local_address
        self.parser = parser
        self.buffered_bytes = 0
        """What the parser has kept of what it was fed."""
        self.protocol = 2
        self.db = 0
        self.authenticated = False
        """The client was let in (see ``guard``)."""
        self.user = b"default"
        self.user_born = 0
        self.name = self.library = self.library_version = b""
        self.readonly = False
        """``READONLY``: stale local reads are welcome."""
        self.knows_topology = False
        """The client asked for the cluster's topology: it gets ``MOVED`` instead of forwarding."""
        self.transaction: Transaction | None = None
        self.watching = False
        self._begin_routing()
        self.pending: deque[Run | Piece | bytes] = deque()
        self.out: list[bytes] = []
        """Bytes that may leave with this turn."""
        self.open_run: Run | None = None
        """The run that this turn's commands join."""
        self.calls_under_way = 0
        self.writes_under_way = False
        """Of which kind the calls under way are (Rule C1)."""
        self.parked: deque[list[bytes]] = deque()
        self.subscriptions = (0, 0, 0)
        """How many channels, patterns and sharded channels it listens to."""
        self.waits: Waits | None = None
        """A ``WAIT`` that is not over."""
        self.held: bytearray | None = None
        """While a ``SUBSCRIBE`` waits for its answer: what has to stay behind it (Rule H7 of ``pubsub``)."""
        self.blocking = False
        """A call like ``BLPOP`` is not over (see ``blocking``)."""
        self.blocking_run: Run | None = None
        """The run whose last call that is, until it is answered."""
        self.blocking_answer: list[Reply] = []
        """Its answer, for the node to look at."""
        self.barrier: Run | None = None
        """A read that only waits until this node knows what the others know (see ``Front.catch_up``)."""
        self.fresh = False
        """That is done: what the client asked comes again, and is now judged for good."""
        self.fresh_error: Error | None = None
        """It failed: this node can't know."""
        self.forget_wishes()
        self.vet = 0
        """Why its commands need a closer look than the hot path has (see ``vetting``)."""
        self.paused = False
        self.closing = False
        self.broken = False
        """The client broke the protocol: what came before is answered, then it is told and closed."""
        self.gone = False
        self.backlog_bytes = 0
        self.backlog_since_ms = 0
        self.created_ms = self.active_ms = now_ms
        self.last_command = ""
        self._ready = ready
        self._flagged = False

    def _begin_routing(self) -> None:
        """Where its commands go: nowhere yet."""
        self.watching_in: dict[GroupId, None] = {}
        """The groups that hold the keys that it watches."""
        self.home: Replica | None = None
        """The group that holds all of its database; None while there are several."""
        self.open_group: Replica | None = None
        """Where that run goes."""
        self.pieces: dict[int, Run] = {}
        """The same by group, where commands go to several: those that may be joined."""
        self.routed_epoch = 0
        """Of the map by which the groups of the calls under way were chosen."""
        self.written: dict[int, None] = {}
        """The groups in which it wrote something; more than ``WRITTEN_MAX``: perhaps in any."""
        self.wrote_in: Replica | None = None
        """The last of them."""

    def forget_wishes(self) -> None:
        """What a client has asked of its connection (``CLIENT``, ``MONITOR``): nothing (any more)."""
        self.tracked: Tracked | None = None
        """``CLIENT TRACKING`` is on."""
        self.tracks = False
        """What the next run reads is remembered for it."""
        self.muted = False
        """Replies are dropped (``CLIENT REPLY``); what nobody asked for is not."""
        self.skipped = False
        """The command whose reply was not wanted is under way, or done."""
        self.monitors = False
        self.shown: list[bytes] | None = None
        """The last command that monitors have seen: it may come again, if it was parked."""
        self.no_evict = False
        self.past: Past | None = None
        """``CLIENT CAUSAL`` is on: what it has seen where copies converge (Rule C6)."""

    def note_write(self, group: Replica) -> None:
        """It writes in this group, unlike before."""
        self.wrote_in = group
        if len(self.written) <= WRITTEN_MAX:
            self.written[group.settings.group] = None

    def run_done(self) -> None:
        """A run of this session has its replies: look at it at the end of the turn."""
        if not self._flagged and not self.gone:
            self._flagged = True
            self._ready.sessions.append(self)

    def answer(self, data: bytes) -> None:
        """Bytes of a reply, in order after everything before."""
        if self.muted:
            self.run_done()  # what is parked behind the command may go on
        else:
            self.push_in_order(data)

    def push(self, data: bytes) -> None:
        """Bytes that nobody asked for: they go ahead of what is not answered yet, but for a ``SUBSCRIBE``."""
        if self.held is not None:
            self.held += data
            return
        self.out.append(data)
        self.run_done()

    def subscribed(self) -> None:
        """Its ``SUBSCRIBE`` is answered."""
        held, self.held = self.held, None
        if held:
            self.push(bytes(held))

    def push_in_order(self, data: bytes) -> None:
        """Bytes that nobody asked for, after the replies of everything before."""
        if self.pending:
            self.pending.append(data)
        else:
            self.out.append(data)
            self.run_done()

    def answer_reply(self, reply: Reply) -> None:
        """A reply, in order after everything before."""
        if type(reply) is Error:
            self._ready.stats.count_error(reply)
        self.answer(encode_many([reply], self.protocol))

    def drain(self) -> None:
        """Move what is answered to ``out``."""
        self._flagged = False
        pending = self.pending
        stats = self._ready.stats
        while pending:
            head = pending[0]
            if isinstance(head, bytes):
                self.out.append(head)
            elif isinstance(head, Piece):
                if head.run.replies is None or head.run.misrouted:
                    return
                self._drain_piece(head, head.run.replies)
            else:
                if head.replies is None or head.misrouted:
                    return
                self.calls_under_way -= head.count
                replies = head.replies
                if head is self.blocking_run:
                    replies = self._take_blocking_answer(replies)
                elif head is self.barrier:
                    replies = self._take_barrier(replies)
                elif head.turn != stats.turn:
                    stats.took(head, self.address, self.name)
                if not head.writes:
                    stats.reads += len(replies)
                    misses = replies.count(None)
                    if misses:
                        stats.misses += misses
                if not self.muted:
                    errors = Made.errors
                    self.out.append(encode_many(replies, self.protocol))
                    if Made.errors != errors:
                        stats.run_failed(head, replies)
            pending.popleft()

    def _drain_piece(self, piece: Piece, replies: list[Reply]) -> None:
        """Some of the replies of a run."""
        run = piece.run
        self.calls_under_way -= piece.count
        if piece.start + piece.count < len(replies) or piece.start:
            replies = replies[piece.start : piece.start + piece.count]
        stats = self._ready.stats
        if run is self.blocking_run and piece.start + piece.count == run.count:
            replies = self._take_blocking_answer(replies)
        elif run.turn != stats.turn and not piece.start:
            stats.took(run, self.address, self.name)
        if not run.writes:
            stats.reads += len(replies)
            stats.misses += replies.count(None)
        if not self.muted:
            errors = Made.errors
            self.out.append(encode_many(replies, self.protocol))
            if Made.errors != errors:
                stats.run_failed(run, replies)

    def _take_blocking_answer(self, replies: list[Reply]) -> list[Reply]:
        """The last reply is that of a call that may wait: it is for the node, and sent unless it waits."""
        self.blocking_run = None
        self.blocking_answer = replies[-1:]
        return replies[:-1] if isinstance(replies[-1], Blocked) else replies

    def _take_barrier(self, replies: list[Reply]) -> list[Reply]:
        """Nobody asked for this reply; what stands before it in the same run was asked for."""
        self.barrier = None
        self.fresh = True
        self.fresh_error = replies[-1] if isinstance(replies[-1], Error) else None
        return replies[:-1]

    def take_out(self) -> bytes:
        """The bytes for this turn."""
        out = self.out
        self.out = []
        return out[0] if len(out) == 1 else b"".join(out)

    def is_waiting(self) -> bool:
        """A command is under way that waits: everything after it is parked."""
        return self.blocking or self.held is not None or self.waits is not None

    def may_be_idle(self) -> bool:
        """Whether nothing excuses it from sending nothing for long."""
        return not (self.pending or self.is_waiting() or self.monitors or self.vet & SUBSCRIBED)

    def reroute(self) -> None:
        """Some of its calls are sent again: what comes after waits for them (Rule N1)."""
        self.vet |= REROUTED

    @property
    def idle(self) -> bool:
        """Nothing is under way."""
        return not self.pending


class Sort(Enum):
    """Which command a session waits in."""

    WAIT = 0
    WAITAOF = 1
    SLEEP = 2


class Waits:
    """``WAIT replicas timeout`` and its like: what it asked for and until when (0: for ever)."""

    __slots__ = ("deadline_ms", "replicas", "sort")

    def __init__(self, replicas: int, deadline_ms: Instant, sort: Sort = Sort.WAIT) -> None:
        self.replicas = replicas
        self.deadline_ms = deadline_ms
        self.sort = sort

    def answer(self, held: int) -> Reply:
        """The reply, when so many other nodes have everything."""
        if self.sort is Sort.WAIT:
            return held
        return [1, held] if self.sort is Sort.WAITAOF else OK


class Tracked:
    """What ``CLIENT TRACKING ON`` asked for."""

    __slots__ = ("broken", "caching", "everything", "no_loop", "opt_in", "opt_out", "prefixes", "redirect",
                 "used")  # fmt: skip

    def __init__(self) -> None:
        self.redirect: ConnectionId = 0
        """Who is told; 0: the client itself."""
        self.broken = False
        """That client is gone."""
        self.everything = False
        """``BCAST``: all changes (of keys with the prefixes), whatever was read."""
        self.prefixes: list[bytes] = []
        self.opt_in = False
        self.opt_out = False
        self.no_loop = False
        """Not the client's own changes."""
        self.caching = False
        """``CLIENT CACHING`` was called: it is about the next command."""
        self.used = False
        """That command has come."""
