"""Lessons under way: whoever leads a group brings it the changes of functions that it has missed.

On the path: nowhere. Most often there is nothing to do, since ``teaching`` has told every group. What
differs for longer was missed by somebody.

- Rule L3: a group that knows other functions than the system group, for ``MISSED_MS`` and though neither has
  changed, gets a lesson from its leader (``machine/lessons``), who has asked before whether what this node
  knows of the system group is the newest.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant
from trivet.core.group.raft_group import RaftGroup
from trivet.core.group.run import Run
from trivet.core.machine.lessons import lesson_call
from trivet.core.machine.rights import USERS
from trivet.core.raft.state import Role
from trivet.core.wire.reply import Error

MISSED_MS: Final = 2_000
"""Longer than telling all groups takes, while all is well."""


class _Lack:
    """One group that knows something else."""

    __slots__ = ("asked", "pair", "since_ms", "told")

    def __init__(self, pair: tuple[bytes, bytes], now_ms: Instant) -> None:
        self.pair = pair
        self.since_ms = now_ms
        self.asked: Run | None = None
        self.told: Run | None = None


class Lessons:
    """See the module."""

    def __init__(self, groups: dict[GroupId, RaftGroup]) -> None:
        self._groups = groups
        self._lacks: dict[GroupId, _Lack] = {}

    @property
    def due(self) -> bool:
        """Some group here knows something else: to be looked at again."""
        return bool(self._lacks)

    def run_done(self) -> None:
        """The next look sees it."""

    def look(self, now_ms: Instant) -> bool:
        """Compare, ask, tell; whether something was staged."""
        staged = False
        wanted = self._groups[SYSTEM_GROUP].machine.scripts.taught
        lacks, self._lacks = self._lacks, {}
        for number, group in self._groups.items():
            machine = group.machine
            known = machine.scripts.taught
            if known == wanted or number == SYSTEM_GROUP or machine.ownership.is_awaited:
                continue
            lack = lacks.get(number)
            if lack is None or lack.pair != (known, wanted) or group.raft.role is not Role.LEADER:
                lack = _Lack((known, wanted), now_ms)
            self._lacks[number] = lack
            if now_ms - lack.since_ms >= MISSED_MS:
                staged |= self._go_on(group, lack, now_ms)
        return staged

    def _go_on(self, group: RaftGroup, lack: _Lack, now_ms: Instant) -> bool:
        """Rule L3."""
        system = self._groups[SYSTEM_GROUP]
        if lack.asked is None:
            lack.asked = Run(self, False)
            lack.asked.add((0, [USERS, b"NAMES"]), 32)
            system.read(lack.asked, now_ms)
            return True
        if lack.asked.replies is None or (lack.told is not None and lack.told.replies is None):
            return False
        if lack.told is not None or isinstance(lack.asked.replies[0], Error):
            lack.asked = lack.told = None
            lack.since_ms = now_ms  # in vain, for now
            return False
        call = lesson_call(system.machine.scripts, group.machine.scripts)
        lack.told = Run(self, True)
        lack.told.add((0, call), sum(map(len, call)))
        group.write(lack.told, now_ms)
        return True
