"""What a node reports about its groups: once in a while, to the leader of the system group.

On the path: nowhere.
"""

from typing import Final

from msgspec.structs import replace

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Index, Instant, Term
from trivet.core.group.leaderless import LeaderlessReplica
from trivet.core.group.raft_group import RaftGroup
from trivet.core.raft.state import Role
from trivet.core.steward.census import Census, is_spent, keys_of
from trivet.core.steward.desk import Desk
from trivet.core.steward.messages import GroupReport, MoveReport, NodeReport

_MEMBERS_MAX: Final = 16

Said = tuple[tuple[Term, Index, Index], GroupReport]
"""What was said of a group that is led here, and of which state of it."""


class Reporter:
    """Counts, and what was counted before."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._census: dict[GroupId, Census] = {}
        self._counts: dict[GroupId, int] = {}
        self._ops: dict[GroupId, int] = {}
        self._since_ms: Instant = 0
        self._said: dict[GroupId, Said] = {}

    def report(self, moves: list[MoveReport] | None = None, hears_few: bool = False) -> NodeReport:
        """What is so now."""
        desk = self._desk
        elapsed_ms = max(1, desk.now_ms - self._since_ms)
        self._since_ms = desk.now_ms
        counts: dict[GroupId, int] = {}
        rates: dict[GroupId, int] = {}
        census: dict[GroupId, Census] = {}
        said: dict[GroupId, Said] = {}
        reports: list[GroupReport] = []
        for number, group in desk.groups.items():
            counts[number] = group.machine.call_count
            before = self._counts.get(number, counts[number])
            rate = max(0, counts[number] - before) * 1000 // elapsed_ms
            ops = rates[number] = (3 * self._ops.get(number, rate) + rate) // 4
            if group.raft.role is Role.LEADER:
                counting = census[number] = self._census.get(number) or Census()
                said[number] = self._say(number, group, ops, counting)
                reports.append(said[number][1])
            elif ops:
                reports.append(GroupReport(number, ops))
        for number, one in desk.leaderless.items():
            counts[number] = one.call_count
            before = self._counts.get(number, counts[number])
            rate = max(0, counts[number] - before) * 1000 // elapsed_ms
            ops = rates[number] = (3 * self._ops.get(number, rate) + rate) // 4
            rank = self._rank(number)
            if rank:
                reports.append(self._member(number, one, ops, rank))
            elif ops:
                reports.append(GroupReport(number, ops))
        self._counts, self._ops, self._census, self._said = counts, rates, census, said
        return NodeReport(reports, moves or [], hears_few)

    def _member(self, number: GroupId, group: LeaderlessReplica, ops: int, rank: int) -> GroupReport:
        """A member where nobody leads. What it has alone is asked of who goes; else it is no news."""
        standing, cluster = group.standing(), self._desk.map
        incoming = [] if cluster is None else cluster.groups[number].incoming
        goes = bool(incoming) and self._desk.node not in incoming
        return GroupReport(
            number, ops, rank, group.keys, group.size_bytes, is_doubtful=group.doubtful,
            epoch=standing.epoch, is_caught_up=standing.is_caught_up, kept=standing.kept if goes else 0,
            middle=group.middle(), is_spent=group.is_spent,
        )  # fmt: skip

    def _rank(self, group: GroupId) -> int:
        """Where nobody leads every member says what it has: the first of those that are heard counts."""
        cluster = self._desk.map
        row = None if cluster is None else cluster.groups.get(group)
        if row is None or self._desk.node not in row.members:
            return 0
        return len(row.members) - row.members.index(self._desk.node)

    def _say(self, number: GroupId, group: RaftGroup, ops: int, census: Census) -> Said:
        """The same as before, while the group sleeps: then everybody in it has everything."""
        state = (group.raft.term, group.machine.applied_index, group.raft.membership_index)
        said = self._said.get(number)
        if said is None or said[0] != state or not group.asleep or not census.settled:
            return state, self._led(number, group, ops, census)
        return said if said[1].ops == ops else (state, replace(said[1], ops=ops))

    def _led(self, number: GroupId, group: RaftGroup, ops: int, census: Census) -> GroupReport:
        raft = group.raft
        membership = raft.membership
        heirs = membership.members() if membership.lineage else membership.voters
        caught_up = [node for node in heirs if raft.is_caught_up(node)][:_MEMBERS_MAX]
        if number == SYSTEM_GROUP:
            return GroupReport(number, ops, raft.term, 0, 0, caught_up)
        census.look(group.machine)
        keys = keys_of(group.machine)
        bytes_ = census.bytes_of(keys)
        spent = is_spent(group.machine)
        return GroupReport(number, ops, raft.term, keys, bytes_, caught_up, census.middle(), spent)
