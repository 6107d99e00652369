"""How many groups a keyspace has: what is too large or too busy is split, what is small is merged.

What was split is not merged again, and what was merged not split, unless it has shrunk or grown to half or
double the size: two groups are merged only when both together stay below half of what splits one.
"""

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.cluster.actions import Merge, Split
from trivet.core.cluster.choosing import choose
from trivet.core.cluster.facts import GroupFacts
from trivet.core.cluster.ranges import at_least, count, covers, middle
from trivet.core.cluster.rows import (
    EVENTUAL,
    GROUPS_MAX,
    PRIMARY,
    RANGES_MAX,
    SHARDS_MAX,
    GroupRow,
    KeyspaceRow,
)
from trivet.core.cluster.survey import Survey


def settle_shards(survey: Survey) -> None:
    """Rules P8 and P9, one keyspace after the other while there is room."""
    state = survey.state
    rows: dict[int, list[GroupRow]] = {number: [] for number in state.keyspaces}
    for row in state.groups.values():
        if row.keyspace in rows:
            rows[row.keyspace].append(row)
    groups = len(state.groups)
    for number, keyspace in state.keyspaces.items():
        if survey.room <= 0:
            return
        if keyspace.mode in (EVENTUAL, PRIMARY):
            continue  # their slots do not move: a word that a primary has given may be lost with it
        before = survey.room
        shards = _Shards(survey, keyspace, rows[number])
        if keyspace.together:
            shards.gather()
        else:
            if groups + before <= GROUPS_MAX:
                shards.split()
            shards.merge()
        groups += before - survey.room


class _Shards:
    """The groups of one keyspace."""

    def __init__(self, survey: Survey, keyspace: KeyspaceRow, rows: list[GroupRow]) -> None:
        self.survey = survey
        self.keyspace = keyspace
        owners = [row for row in rows if row.ranges]
        self.count = len(owners)
        """How many there are when all moves are done."""
        for move in survey.state.moves.values():
            if move.epoch:
                continue
            source = survey.state.groups[move.source]
            if source.keyspace != keyspace.number:
                continue
            if not survey.state.groups[move.target_group].ranges:
                self.count += 1
            if covers(move.ranges, source.ranges):
                self.count -= 1
        self.free = [row for row in owners if survey.is_at_rest(row)]

    def split(self) -> None:
        """Rule P8: below the wished number, or too large, or too busy."""
        for row in sorted(self.free, key=lambda row: (-count(row.ranges), row.id)):
            if self.survey.room <= 0 or self.count >= SHARDS_MAX:
                return
            reason = self._too_much(row)
            if reason and count(row.ranges) >= 2:
                self._split(row, reason)

    def _too_much(self, row: GroupRow) -> str:
        if self.count < self.keyspace.shards:
            return f"keyspace {self.keyspace.name} shall have {self.keyspace.shards} shards"
        facts, policy = self.survey.facts_of(row), self.survey.policy
        if facts is None:
            return ""
        if facts.bytes > policy.split_bytes:
            return f"it has {facts.bytes} bytes, more than {policy.split_bytes}"
        if facts.ops > policy.split_ops:
            return f"it has {facts.ops} commands per second, more than {policy.split_ops}"
        return ""

    def _split(self, row: GroupRow, reason: str) -> None:
        survey = self.survey
        facts = survey.facts_of(row)
        at = 0 if facts is None else facts.middle
        upper = at_least(row.ranges, at)
        if not upper or upper == row.ranges:
            at = middle(row.ranges)
        nodes = self._founders(survey.wanted(row))
        if not nodes:
            return
        for node in nodes:
            survey.load[node] += 1
            survey.weight[node] += survey.weight_of(row) // 2
        survey.room -= 1
        survey.touched[row.id] = True
        self.count += 1
        survey.actions.append(Split(row.id, at, sorted(nodes), reason))

    def _founders(self, wanted: int) -> list[NodeId]:
        """The first members of a new group: also nodes that are away for a moment, rather than fewer.

        Of two members none may lose what it has; of three of which one is away, one may.
        """
        survey = self.survey
        nodes = choose(wanted, survey.candidates, survey.zones, survey.load, [])
        if len(nodes) < wanted:
            nodes += choose(wanted - len(nodes), survey.away, survey.zones, survey.load, nodes)
        return nodes if survey.can_decide(nodes) else []

    def merge(self) -> None:
        """Rule P9: what is small goes into another that stays small, never below the wished number."""
        for row in sorted(self.free, key=lambda row: (count(row.ranges), -row.id)):
            if self.survey.room <= 0 or self.count <= max(1, self.keyspace.shards):
                return
            facts, policy = self.survey.facts_of(row), self.survey.policy
            if facts is None or row.id in self.survey.touched:
                continue
            if facts.bytes < policy.merge_bytes and facts.ops < policy.merge_ops:
                into = self._partner(row, facts)
                if into:
                    self._merge(row.id, into, "it is small, and so are both together")

    def gather(self) -> None:
        """A keyspace that shall be together becomes one group, one move after the other."""
        if self.count < 2 or not self.free:
            return
        into = max(self.free, key=lambda row: (count(row.ranges), -row.id))
        for row in self.free:
            if row is not into and self.survey.room > 0 and self._fits(row, into):
                self._merge(row.id, into.id, f"keyspace {self.keyspace.name} shall be together")
                return

    def _partner(self, row: GroupRow, facts: GroupFacts) -> GroupId:
        policy = self.survey.policy
        best, best_key = 0, (0, 0, 0)
        for other in self.free:
            its = self.survey.facts_of(other)
            if other is row or its is None or other.id in self.survey.touched or not self._fits(row, other):
                continue
            together, busy = facts.bytes + its.bytes, facts.ops + its.ops
            if 2 * together > policy.split_bytes or 2 * busy > policy.split_ops:
                continue
            shared = sum(1 for node in other.members if node in row.members)
            key = (-shared, together, other.id)
            if not best or key < best_key:
                best, best_key = other.id, key
        return best

    def _fits(self, row: GroupRow, other: GroupRow) -> bool:
        return len(row.ranges) + len(other.ranges) <= RANGES_MAX

    def _merge(self, group: GroupId, into: GroupId, reason: str) -> None:
        survey = self.survey
        survey.room -= 1
        survey.touched[group] = survey.touched[into] = True
        self.count -= 1
        survey.actions.append(Merge(group, into, reason))
