"""Sharing: what the system group decides reaches every group of data (see ``machine/sharing``).

Each node brings the copy to the groups that it leads, and what they have missed of functions
(``lessons``). A client that has changed something is answered when
the groups of which its node holds replicas have it, so that its next command is judged by it.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant
from trivet.core.group.leaderless import LeaderlessReplica
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.run import Run, Waiter
from trivet.core.machine.sharing import copy_call
from trivet.core.node.lessons import Lessons
from trivet.core.raft.state import Role
from trivet.core.values.sizes import BASE_BYTES

LOOK_MS: Final = 20
"""New groups, and new leaders of groups, are looked for so often."""
LOOK_ANYWAY_MS: Final = 5_000
"""So often, though nothing should be found: a late word may have changed the functions of a group."""


class Change(Run):
    """A client's change of users or settings, until everybody here knows."""

    __slots__ = ("sharing", "since_ms", "sub")

    def __init__(self, waiter: Waiter, sharing: "Sharing", call: list[bytes], now_ms: Instant) -> None:
        super().__init__(waiter, True)
        self.count = 1
        self.first = call
        self.since_ms = now_ms
        self.sharing = sharing
        self.sub = Run(self, True)
        self.sub.add((0, call), sum(map(len, call)) + 32)

    def run_done(self) -> None:
        """The system group has answered."""
        self.sharing.changes.append(self)
        self.sharing.open = True


class Sharing:
    """Copies under way, and changes that wait for them.

    ``look`` is due when the system group had a turn, and as long as it is ``open``.
    """

    def __init__(
        self,
        groups: dict[GroupId, RaftGroup],
        leaderless: dict[GroupId, LeaderlessReplica],
        timeout_ms: int,
    ) -> None:
        self.changes: list[Change] = []
        self.open = True
        """Some group here may lack something, or a change waits."""
        self._groups = groups
        self._leaderless = leaderless
        self._timeout_ms = timeout_ms
        self._copies: dict[GroupId, Run] = {}
        self._seen: tuple[int, int] = (-1, 0)
        """What the system group had decided at the last look."""
        self._look_at_ms: Instant = 0
        self._look_anyway_ms: Instant = 0
        self._lessons = Lessons(groups)
        self._tells_memory = False

    def run_done(self) -> None:
        """A copy is there."""

    def look(self, now_ms: Instant) -> bool:
        """Bring what is missing, and answer whom it reached; whether something was staged."""
        system = self._groups[SYSTEM_GROUP].machine
        decided = (system.shared_index, system.scripts.digest)
        if decided == self._seen and not self.changes and (not self.open or now_ms < self._look_at_ms):
            return False
        self._seen = decided
        self._look_at_ms = now_ms + LOOK_MS
        staged = self._lessons.look(now_ms)
        behind = False
        for number, group in self._groups.items():
            machine = group.machine
            is_new = machine.ownership.is_awaited
            if number == SYSTEM_GROUP or (
                machine.shared_index >= system.shared_index
                and (machine.shared_index or not (is_new and system.scripts.digest))
            ):
                continue
            behind = True
            under_way = self._copies.get(number)
            if group.raft.role is Role.LEADER and (under_way is None or under_way.replies is not None):
                run = Run(self, True, patient=True)
                call = copy_call(system, is_new)
                run.add((0, call), sum(map(len, call)))
                self._copies[number] = run
                group.write(run, now_ms)
                staged = True
        if self.changes:
            waiting = self.changes
            self.changes = []
            for change in waiting:
                replies = change.sub.replies
                assert replies is not None
                if behind and now_ms - change.since_ms < self._timeout_ms:
                    self.changes.append(change)
                else:
                    change.finish(replies)
        self.open = behind or bool(self.changes) or self._lessons.due
        return staged

    def tick(self, now_ms: Instant) -> None:
        """Time passes."""
        if now_ms >= self._look_anyway_ms:
            self._look_anyway_ms = now_ms + LOOK_ANYWAY_MS
            self.open = True
        self._tell_memory()

    def _tell_memory(self) -> None:
        """Tell each replica, once per tick, what the node's others take: ``maxmemory`` is the process's.

        Where nobody leads nothing is evicted: what would grow is refused instead.
        """
        groups = self._groups
        maxmemory_bytes = groups[SYSTEM_GROUP].machine.settings.maxmemory_bytes
        limited = maxmemory_bytes > 0
        if not limited and not self._tells_memory:
            return
        self._tells_memory = limited
        sizes: dict[GroupId, int] = {}
        for number, group in groups.items():
            memory = group.machine.memory
            if memory is not None and number != SYSTEM_GROUP:
                sizes[number] = memory.total - BASE_BYTES
        total = sum(sizes.values()) + sum([one.size_bytes for one in self._leaderless.values()])
        for number, group in groups.items():
            group.machine.beside_bytes = total - sizes[number] if limited and number in sizes else 0
        for one in self._leaderless.values():
            one.refuse_growth(limited and total + BASE_BYTES > maxmemory_bytes)
