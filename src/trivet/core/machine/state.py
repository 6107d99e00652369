"""What a replica holds: the databases and everything beside them, and who hears of changes.

The machine proper (``machine``) and the calls that are no commands (``specials``) work on it.
"""

from typing import Protocol

from trivet.core.access.users import Users
from trivet.core.base.ids import NodeId
from trivet.core.cluster.map import ClusterMap
from trivet.core.command.events import EXPIRED, NEW_KEY
from trivet.core.command.table import Context, Event
from trivet.core.machine.collecting import Collects
from trivet.core.machine.entry import Batch
from trivet.core.machine.fences import Fences, FencesRead
from trivet.core.machine.locked import Looker
from trivet.core.machine.memory import Memory
from trivet.core.machine.owner import Owns
from trivet.core.machine.ownership import Ownership
from trivet.core.machine.rights import Denied
from trivet.core.machine.sessions import NodeSessions
from trivet.core.machine.settings import Settings
from trivet.core.machine.undo import Journal
from trivet.core.machine.waiting import WaitingCalls
from trivet.core.machine.watches import Watcher, Watches
from trivet.core.script.scripts import Scripts
from trivet.core.transaction.intents import Intents
from trivet.core.values.database import ChangeHook, Database
from trivet.core.values.databases import Databases
from trivet.core.wire.reply import Reply


class SnapshotHook(Protocol):
    """What a snapshot walk wants to be told, before it happens."""

    def before_change(self, database: Database, key: bytes) -> None:
        """``key`` of ``database`` is about to change."""
        ...

    def before_flush(self, database: Database) -> None:
        """``database`` is about to be emptied."""
        ...


class State:
    """The replicated state of one group, and what this replica keeps beside it."""

    def __init__(self, expire_per_entry_max: int) -> None:
        self.databases = Databases()
        self.sessions = NodeSessions()
        self.watches = Watches()
        self.intents = Intents()
        self.waiting = WaitingCalls(self.intents.locks)
        self.ownership = Ownership(self.databases)
        self.cluster: ClusterMap | None = None
        """The cluster map, in the system group."""
        self.shared_index = 0
        """In the system group: its last entry about users or settings. In another: that of its copy."""
        self.settings = Settings()
        self.users = Users()
        self.denied: list[Denied] = []
        """Calls inside of others that were refused, since somebody last looked."""
        self.scripts = Scripts()
        self.scripts.limits = self.settings.script_limits
        self.applied_index = 0
        self.verdicts_met = 0
        """How often scripts have waited for a verdict since the last snapshot: a restart runs them again."""
        self.entry_index = 0
        """Of the entry that is being applied, or was last."""
        self.now_ms = 0
        """Unix time of the newest entry, in ms; the only clock that data sees."""
        self.digest = 0
        self.digests: dict[int, int] = {}
        """The last published digests by index (Rule M4); the newest 16."""
        self._expire_max = expire_per_entry_max
        self._writes = Context(self.databases)
        self._reads = Context(self.databases)
        self._writes.scripts = self._reads.scripts = self.scripts
        self.fences = Fences(self.databases)
        self._writes.fences = self.fences
        self._reads.fences = FencesRead(self.fences)
        self.defects = self._reads.defects = self._writes.defects
        """Exceptions that commands raised (Rule M3), to be logged; whoever takes them clears it."""
        self.snapshot_hook: SnapshotHook | None = None
        self.memory: Memory | None = None
        """The account of memory, while there is a limit."""
        self.beside_bytes = 0
        """What the node's other replicas take, as far as they are counted: ``maxmemory`` is the process's."""
        self.call_count = 0
        """Calls that this replica has run since it started, reads included."""
        self.turned_away = 0
        """Calls that were answered with ``NotHere`` since it started."""
        self.evicted_count = 0
        """Keys evicted since this replica started."""
        self.collects = Collects()
        """Readers over several groups."""
        self.walks: list[ChangeHook] = []
        """Those who copy slots to another group and must hear of every change (see ``exporting``)."""
        self.follower: ChangeHook | None = None
        """Somebody of this node who wants to hear of every change."""
        self.running: Batch | None = None
        """The batch whose calls are being run, for the same."""
        self.running_replies: list[Reply] = []
        """The replies of its calls until now."""
        self.journal: Journal | None = None
        """While a call runs that may have to be undone (Rule L15)."""
        self._looker = Looker(self.intents, self.watches, changes=True)
        self._read_looker = Looker(self.intents, self.watches, changes=False)
        self._owns_writes = Owns(self.ownership, self._looker, self._writes)
        self._owns_reads = Owns(self.ownership, self._read_looker, self._reads)
        self._hook = MachineHook(self)

    # -- who hears of what --------------------------------------------------------------------

    def _serve(self, context: Context) -> None:
        running, self.running = self.running, None
        self.waiting.serve(context)
        self.running = running
        self._watch_hooks()

    def _life_ended(self, context: Context, node: NodeId) -> None:
        """Rule S3: what the node's clients of that life watched and waited for is over."""
        if self.watches.watchers or self.waiting.by_client:
            self.watches.forget_node(node)
            self.waiting.forget_node(context, node)
            self._serve(context)

    def keep_account(self) -> None:
        """Memory is counted while a limit is set; a change of the policy begins anew."""
        settings = self.settings
        policy = settings.get(b"maxmemory-policy")
        factors = settings.number(b"lfu-log-factor"), settings.number(b"lfu-decay-time")
        if not settings.maxmemory_bytes:
            self.memory = None
        elif self.memory is None or not self.memory.is_for(policy, *factors):
            self.memory = Memory(self.databases, policy, *factors)
        self._watch_hooks()

    def _listen(self, context: Context) -> None:
        """Other keyspace events are wanted from now on."""
        context.notifies = self.settings.notifies
        self.databases.set_listener(context if context.notifies & (EXPIRED | NEW_KEY) else None)

    def owns_otherwise(self) -> None:
        """What is owned, sealed or imported has changed: who must look at keys is told."""
        ownership = self.ownership
        self.collects.forget_all()
        self._settle_owner()
        self.databases.set_outsiders(ownership if ownership.is_partial else None)
        self._watch_hooks()

    def locks_otherwise(self) -> None:
        """There are locks now, or none any more."""
        ownership = self.ownership
        if self.intents.is_busy is not ownership.is_locked:
            ownership.is_locked = self.intents.is_busy
            ownership.settle()
            self._settle_owner()

    def _settle_owner(self) -> None:
        """Calls inside of others ask about their keys and databases from now on, or do not."""
        ownership = self.ownership
        asks = ownership.is_partial or ownership.is_locked or ownership.bars
        self._writes.owner = self._owns_writes if asks else None
        self._reads.owner = self._owns_reads if asks else None

    def await_founding(self) -> None:
        """A group that is new in the map: nothing is owned before its log says what (``FOUND``)."""
        self.ownership.take_all([], 0)
        self.owns_otherwise()

    def take_denied(self) -> list[Denied]:
        """Calls inside of others that were refused since the last time."""
        denied = self.denied
        if denied:
            self.denied = []
        return denied

    # -- what an entry said to others -----------------------------------------------------------

    def has_news(self) -> bool:
        """Whether one of the ``take_…`` methods has something."""
        context = self._writes
        return bool(context.events or context.published or self.waiting.woken or self.denied)

    def take_woken(self) -> list[Watcher]:
        """Clients whose waiting calls were served or forgotten since the last time."""
        woken = self.waiting.woken
        if woken:
            self.waiting.woken = []
        return woken

    def take_events(self) -> list[Event]:
        """Keyspace events since the last time."""
        events = self._writes.events
        if events:
            self._writes.events = []
        return events

    def take_published(self) -> list[tuple[bool, bytes, bytes]]:
        """(to a sharded channel, channel, message) of transactions and scripts since the last time."""
        published = self._writes.published
        if published:
            self._writes.published = []
        return published

    def _watch_hooks(self) -> None:
        """The databases tell us of changes only while somebody wants to know."""
        wanted = (
            bool(self.watches.keys)
            or bool(self.waiting.by_key)
            or self.snapshot_hook is not None
            or self.follower is not None
            or bool(self.walks)
            or bool(self.collects.watches.keys)
            or self.journal is not None
            or bool(self.ownership.imports)
        )
        self.databases.set_hook(self._hook if wanted else self.memory)

    def follow_changes(self, follower: ChangeHook | None) -> None:
        """``follower`` hears of every change from now on."""
        self.follower = follower
        self._watch_hooks()

    def hooks_changed(self) -> None:
        """A snapshot walk began or ended."""
        self._watch_hooks()


class MachineHook:
    """Tells watches and a snapshot walk of a change, before it happens."""

    def __init__(self, machine: State) -> None:
        self._machine = machine

    def before_change(self, database: Database, key: bytes) -> None:
        """``key`` is about to change."""
        machine = self._machine
        if machine.journal is not None:
            machine.journal.before_change(database, key)
        if machine.snapshot_hook is not None:
            machine.snapshot_hook.before_change(database, key)
        if machine.watches.keys:
            machine.watches.touched((database.index, key))
        if machine.waiting.by_key:
            machine.waiting.touched((database.index, key))
        if machine.collects.watches.keys:
            machine.collects.watches.touched((database.index, key))
        if machine.follower is not None:
            machine.follower.before_change(database, key)
        for walk in machine.walks:
            walk.before_change(database, key)
        if machine.memory is not None:
            machine.memory.before_change(database, key)

    def before_flush(self, database: Database) -> None:
        """All keys of ``database`` are about to go."""
        machine = self._machine
        if machine.journal is not None:
            machine.journal.before_flush(database)
        if machine.snapshot_hook is not None:
            machine.snapshot_hook.before_flush(database)
        if machine.watches.keys:
            machine.watches.touched_all(database)
        if machine.waiting.by_key:
            machine.waiting.touched_all(database)
        machine.collects.forget_all()
        if machine.follower is not None:
            machine.follower.before_flush(database)
        for walk in machine.walks:
            walk.before_flush(database)
        if machine.ownership.imports:
            machine.ownership.flushed()
