"""The mix of a run: the workloads that its options weigh above zero, drawn from call by call.

Where it stands: the one source of all clients. Strategy: a table with one place per unit of weight, so that a
draw is one number. Each workload has a generator of its own, from the seed and its name: what one draws
disturbs no other.
"""

from collections.abc import Iterable, Sequence

from trivet.core.base.checksum import crc32
from trivet.core.base.prng import Prng
from trivet.core.group.register_keys import db_of, key_of, place_key
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import OK, ReplyError, Value
from trivet.lab.workloads.copies import read_quorum_of, replicas_of, write_quorum_of
from trivet.lab.workloads.places import ANY_DATABASE, Place
from trivet.lab.workloads.registry import REGISTRY
from trivet.lab.workloads.workload import Context, Workload, is_open, operations_on
from trivet.lab.world.client import Call, Picked
from trivet.lab.world.options import RunOptions

SECOND_DATABASE = 20
"""A database with a keyspace of its own, in the runs that have one."""

REGISTER_DATABASE = 7
"""One of mode ``paxos``, in the runs that have one."""

PRIMARY_DATABASE = 9
"""One of mode ``primary``, in the runs that have one."""
COPIES_DATABASE = 8
"""One of mode ``eventual``, in the runs that have one."""
ON_COPIES = ("copies", "sessions")
"""Workloads that live there, and only there."""


def workload_names(text: str) -> list[str]:
    """The names in ``text``, joined by commas; ValueError names those that there are."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in REGISTRY:
            raise ValueError(f"there is no workload {name!r}: choose from {', '.join(REGISTRY)}")
    return names


class Mix:
    """The source of calls: ``ops`` of them in all, then final reads when asked for."""

    def __init__(self, options: RunOptions) -> None:
        self._options = options
        self._left = options.ops
        self.workloads: dict[str, Workload] = {}
        self._table: list[Workload] = []
        self._places: dict[Workload, Place] = {}
        wanted = workload_names(options.workloads)
        for name, make in REGISTRY.items():
            workload = make(options, Prng(options.seed ^ crc32(name.encode()) << 32))
            weight = sum(getattr(options, field) for field in workload.weights)
            if wanted:
                weight = max(1, weight) if name in wanted else 0
            if workload.on_copies and not has_copies(options):
                weight = 0
            if weight:
                self.workloads[name] = workload
                self._table += [workload] * weight
                place = self._places[workload] = _place(options, name, workload)
                if place.database == REGISTER_DATABASE:
                    workload.keep_to_one_key()
                elif place.database == PRIMARY_DATABASE:
                    workload.live_with_loss()
        if not self._table:
            raise ValueError("no workload has a weight above zero")

    def done(self) -> bool:
        """Whether all operations have been handed out."""
        return self._left <= 0

    def add(self, ops: int) -> None:
        """Hand out so many more."""
        self._left += ops

    def abandon(self) -> None:
        """Hand out no more."""
        self._left = 0

    def next_calls(self, client: int, prng: Prng) -> list[Call]:
        """The next batch of ``client``: one call, or a pipeline of a few."""
        calls: list[Call] = []
        count = 1 if prng.chance(0.5) else prng.between(1, self._options.pipeline_max)
        while len(calls) < count and self._left > 0:
            self._left -= 1
            call = self._draw(prng, client)
            calls.append(call)
            if call.then is not None:
                break
        return calls

    def _draw(self, prng: Prng, client: int) -> Call:
        workload = self._table[prng.below(len(self._table))]
        only_reads = client <= self._options.readers
        call = workload.read(client, prng) if only_reads else workload.start(client, prng)
        workload.note(call)
        return self._places[workload].dress(call)

    def preparation(self) -> "Preparation | None":
        """The source of the calls that must succeed before the others begin; None: there are none."""
        calls = [self._places[w].dress(call) for w in self.workloads.values() for call in w.setup()]
        if self._options.second_rate:
            calls.insert(0, _second_keyspace(self._options))
        if self._options.register_rate:
            calls.insert(0, _registers(self._options))
        if self._options.primary_rate:
            calls.insert(0, _primaries(self._options))
        if has_copies(self._options):
            calls.insert(0, _copies(self._options))
        return Preparation(calls) if calls else None

    def clearance(self) -> "Preparation | None":
        """The source of what is said when all is judged: the databases that nobody leads go."""
        gone = [REGISTER_DATABASE] if self._options.register_rate else []
        gone += [COPIES_DATABASE] if has_copies(self._options) else []
        calls = [_made([b"KEYSPACE", b"DROP", b"%d" % database, b"FORCE"]) for database in gone]
        return Preparation(calls) if calls else None

    def used_keys(self) -> list[tuple[int, bytes]]:
        """(database, key) of all that was touched, as it stands in the store."""
        return [
            (max(0, place.database), place.key(key))
            for workload, place in self._places.items() if workload.is_placed
            for key in workload.used
        ]  # fmt: skip

    def final_calls(self) -> list[Call]:
        """Reads of all that was ever touched."""
        return [self._places[w].dress(call) for w in self.workloads.values() for call in w.finals()]

    def stray_calls(self, places: Iterable[bytes]) -> list[Call]:
        """Reads of those registers that no workload knows of.

        Where a client was in another database than it meant to be, what it said came to the register of that
        key there; if that ended half done, nothing but a read makes it whole.
        """
        known = {place_key(database, key): None for database, key in self.used_keys()}
        return [_read_once(place) for place in places if place not in known]

    def check(self, history: Sequence[Operation], context: Context) -> list[Complaint]:
        """What all workloads complain about."""
        complaints: list[Complaint] = []
        for workload in self.workloads.values():
            own = operations_on(history, workload.prefixes)
            complaints += workload.check(own, [o for o in own if o.final], context)
        return complaints

    def metrics(self, history: Sequence[Operation]) -> dict[str, int]:
        """Counts of all workloads, as ``name.what``; how their operations ended among them."""
        found: dict[str, int] = {}
        for name, workload in self.workloads.items():
            own = [o for o in operations_on(history, workload.prefixes) if not o.final]
            found[f"{name}.ok"] = sum(o.outcome is Outcome.OK for o in own)
            found[f"{name}.failed"] = sum(o.outcome is Outcome.FAIL for o in own)
            found[f"{name}.indefinite"] = sum(map(is_open, own))
            for what, count in sorted(workload.metrics().items()):
                found[f"{name}.{what}"] = count
        return found


def _place(options: RunOptions, name: str, workload: Workload) -> Place:
    """With one keyspace of one group nothing needs care."""
    if workload.on_copies:
        return Place(COPIES_DATABASE, ())
    several = options.second_rate or options.register_rate or has_copies(options) or options.primary_rate
    if not workload.is_placed or not (several or options.move_every_ms):
        return Place(ANY_DATABASE, ())
    if options.register_rate and workload.on_registers:
        chosen = Prng(options.seed ^ crc32(b"registers " + name.encode()) << 16)
        if chosen.chance(options.register_rate):
            return Place(REGISTER_DATABASE, ())
    if options.primary_rate and workload.may_lose:
        drawn = Prng(options.seed ^ crc32(b"primaries") << 16)
        if drawn.chance(options.primary_rate):
            return Place(PRIMARY_DATABASE, ())
    own = Prng(options.seed ^ crc32(b"place " + name.encode()) << 16)
    database = SECOND_DATABASE if own.chance(options.second_rate) else 0
    spreads = own.chance(options.spread_rate) and workload.may_spread
    apart = bool(options.move_every_ms) or (database == SECOND_DATABASE and options.second_shards > 1)
    return Place(
        database if several else ANY_DATABASE, () if spreads else workload.together, spreads and apart
    )


def _second_keyspace(options: RunOptions) -> Call:
    return _made(
        [
            b"KEYSPACE", b"CREATE", b"%d" % SECOND_DATABASE, b"REPLICAS", b"%d" % options.second_replicas,
            b"SHARDS", b"%d" % options.second_shards,
        ]
    )  # fmt: skip


def _registers(options: RunOptions) -> Call:
    drawn = Prng(options.seed ^ crc32(b"registers") << 16)
    replicas = options.register_replicas or 3 + 2 * drawn.below(2)
    shards = options.register_shards or max(1, drawn.between(-1, 3))
    return _made(
        [
            b"KEYSPACE", b"CREATE", b"%d" % REGISTER_DATABASE, b"MODE", b"paxos",
            b"REPLICAS", b"%d" % replicas, b"SHARDS", b"%d" % shards,
        ]
    )  # fmt: skip


def _primaries(options: RunOptions) -> Call:
    drawn = Prng(options.seed ^ crc32(b"shards of primaries") << 16)
    shards = options.primary_shards or drawn.between(1, 3)
    return _made(
        [
            b"KEYSPACE", b"CREATE", b"%d" % PRIMARY_DATABASE, b"MODE", b"primary",
            b"REPLICAS", b"%d" % options.primary_replicas, b"SHARDS", b"%d" % shards,
        ]
    )  # fmt: skip


def has_copies(options: RunOptions) -> bool:
    """Whether the run has a keyspace of mode ``eventual``: by chance, or because its workload is named."""
    if any(name in ON_COPIES for name in workload_names(options.workloads)):
        return True
    return Prng(options.seed ^ crc32(b"has copies") << 16).chance(options.eventual_rate)


def _copies(options: RunOptions) -> Call:
    drawn = Prng(options.seed ^ crc32(b"shards of copies") << 16)
    shards = options.eventual_shards or max(1, drawn.between(-1, 3))
    return _made(
        [
            b"KEYSPACE", b"CREATE", b"%d" % COPIES_DATABASE, b"MODE", b"eventual",
            b"REPLICAS", b"%d" % replicas_of(options), b"SHARDS", b"%d" % shards,
            b"WRITE", b"QUORUM", b"%d" % write_quorum_of(options),
            b"READ", b"QUORUM", b"%d" % read_quorum_of(options),
        ]
    )  # fmt: skip


def _made(words: list[bytes]) -> Call:
    def created(replies: list[Value]) -> Picked:
        reply = replies[0]
        done = ("exists already", "no such keyspace")
        if reply == OK or (isinstance(reply, ReplyError) and any(text in reply.text for text in done)):
            return Outcome.OK, (OK,)
        return Outcome.FAIL, ()

    return Call([], [], [words], created)


def _read_once(place: bytes) -> Call:
    def read(replies: list[Value]) -> Picked:
        return (Outcome.OK if replies[0] == OK else Outcome.FAIL), ()

    return Call([], [], [[b"SELECT", b"%d" % db_of(place)], [b"GET", key_of(place)]], read)


class Preparation:
    """A source for one client: each call again and again until it succeeds."""

    def __init__(self, calls: list[Call]) -> None:
        self._calls = calls
        for call in calls:
            assert call.then is None
            call.then = self._succeeded

    def done(self) -> bool:
        """Whether all have succeeded."""
        return not self._calls

    def next_calls(self, client: int, prng: Prng) -> list[Call]:
        """The first that has not succeeded."""
        return self._calls[:1]

    def _succeeded(self, replies: tuple[Value, ...]) -> Call | None:
        del self._calls[0]
        return None
