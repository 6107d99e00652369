"""What a node reports about its groups: once in a while, to the leader of the system group.

On the path: nowhere.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant
from trivet.core.group.raft_group import RaftGroup
from trivet.core.raft.state import Role
from trivet.core.steward.census import Census, is_spent, keys_of
from trivet.core.steward.desk import Desk
from trivet.core.steward.messages import GroupReport, NodeReport

_MEMBERS_MAX: Final = 16


class Reporter:
    """Counts, and what was counted before."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._census: dict[GroupId, Census] = {}
        self._counts: dict[GroupId, int] = {}
        self._ops: dict[GroupId, int] = {}
        self._since_ms: Instant = 0

    def report(self) -> NodeReport:
        """What is so now."""
        desk = self._desk
        elapsed_ms = max(1, desk.now_ms - self._since_ms)
        self._since_ms = desk.now_ms
        counts: dict[GroupId, int] = {}
        rates: dict[GroupId, int] = {}
        census: dict[GroupId, Census] = {}
        reports: list[GroupReport] = []
        for number, group in desk.groups.items():
            counts[number] = group.machine.call_count
            before = self._counts.get(number, counts[number])
            rate = max(0, counts[number] - before) * 1000 // elapsed_ms
            ops = rates[number] = (3 * self._ops.get(number, rate) + rate) // 4
            if group.raft.role is Role.LEADER:
                census[number] = self._census.get(number) or Census()
                reports.append(self._led(number, group, ops, census[number]))
            elif ops:
                reports.append(GroupReport(number, ops))
        self._counts, self._ops, self._census = counts, rates, census
        return NodeReport(reports)

    def _led(self, number: GroupId, group: RaftGroup, ops: int, census: Census) -> GroupReport:
        raft = group.raft
        caught_up = [node for node in raft.membership.voters if raft.is_caught_up(node)][:_MEMBERS_MAX]
        if number == SYSTEM_GROUP:
            return GroupReport(number, ops, raft.term, 0, 0, caught_up)
        census.look(group.machine)
        keys = keys_of(group.machine)
        bytes_ = census.bytes_of(keys)
        spent = is_spent(group.machine)
        return GroupReport(number, ops, raft.term, keys, bytes_, caught_up, census.middle(), spent)
