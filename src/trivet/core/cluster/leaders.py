"""Who leads: nobody that is to be emptied, and no node leads two groups more than it must.

Leadership goes along a path: from a node that leads many to a member of one of its groups, from that one
to a member of one of *its* groups, to a node that leads at least two fewer than the first. Without
such a path no other choice of leaders is more even (the groups are the edges of a flow).
"""

from typing import Final

from trivet.core.base.ids import NodeId
from trivet.core.cluster.actions import Lead
from trivet.core.cluster.rows import SYSTEM_GROUP, GroupRow
from trivet.core.cluster.survey import Survey

_NEAR: Final = 2
"""Hand-overs that are worth it to reach a node that leads fewer than the nearest one."""


class _Leaders:
    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.counts: dict[NodeId, int] = dict.fromkeys(survey.candidates, 0)
        """Groups that each candidate leads."""
        self.led: dict[NodeId, list[GroupRow]] = {node: [] for node in survey.candidates}
        """Those that it could hand over."""
        self.left = survey.policy.leads_max
        for row in survey.state.groups.values():
            facts = survey.facts_of(row)
            if facts is None or row.id == SYSTEM_GROUP or facts.leader not in self.counts:
                continue
            if not row.ranges and row.id not in survey.moving:
                continue
            self.counts[facts.leader] += 1
            if survey.is_at_rest(row):
                self.led[facts.leader].append(row)

    def heirs(self, row: GroupRow) -> list[NodeId]:
        """The members that could lead it."""
        facts = self.survey.facts_of(row)
        assert facts is not None
        return [
            node
            for node in row.members
            if node in row.target
            and node in self.counts
            and node != facts.leader
            and node in facts.caught_up
            and node not in self.survey.bad
            and node not in self.survey.facts.hear_few
        ]

    def hand(self, row: GroupRow, node: NodeId, reason: str) -> None:
        """Decide that ``node`` leads."""
        self.left -= 1
        self.survey.touched[row.id] = True
        self.survey.actions.append(Lead(row.id, node, reason))
        if row.id != SYSTEM_GROUP:
            self.counts[node] += 1


def settle_leaders(survey: Survey) -> None:
    """Rules P6 and P7."""
    leaders = _Leaders(survey)
    _leave_bad(leaders)
    while leaders.left > 0:
        path = _path(leaders)
        if not path:
            return
        # Of a way that is too long the end: then the way is shorter next time.
        path = path[-leaders.left :]
        first, last = _leader_of(survey, path[0][0]), path[-1][1]
        reason = f"node {first} leads {leaders.counts[first]} groups and node {last} {leaders.counts[last]}"
        for row, node in path:
            before = _leader_of(survey, row)
            leaders.counts[before] -= 1
            leaders.led[before].remove(row)
            leaders.hand(row, node, reason)


def _leader_of(survey: Survey, row: GroupRow) -> NodeId:
    return survey.facts.groups[row.id].leader


def _leave_bad(leaders: _Leaders) -> None:
    survey = leaders.survey
    for row in survey.state.groups.values():
        facts = survey.facts_of(row)
        if leaders.left <= 0:
            return
        if facts is None or facts.leader not in survey.bad or row.id in survey.touched:
            continue
        heirs = leaders.heirs(row)
        if heirs:
            heir = min(heirs, key=lambda node: (leaders.counts[node], node))
            leaders.hand(row, heir, survey.bad[facts.leader])


def _path(leaders: _Leaders) -> list[tuple[GroupRow, NodeId]]:
    """A way from a node that leads most to one that leads at least two fewer; empty: there is none.

    To the one that leads fewest, if it is near, else to the nearest. Whoever was reached in
    vain leads to nobody better either, and is not tried again.
    """
    counts = leaders.counts
    reached: dict[NodeId, tuple[NodeId, GroupRow | None]] = {}
    for start in sorted(counts, key=lambda node: (-counts[node], node)):
        if start in reached:
            continue
        reached[start] = (0, None)
        best, ring = 0, [start]
        depth = 0
        while ring and (not best or depth < _NEAR):
            ring = _next_ring(leaders, ring, reached)
            depth += 1
            for node in ring:
                if counts[node] <= counts[start] - 2 and (not best or counts[node] < counts[best]):
                    best = node
        if best:
            return _way(reached, best)
    return []


def _next_ring(
    leaders: _Leaders, ring: list[NodeId], reached: dict[NodeId, tuple[NodeId, GroupRow | None]]
) -> list[NodeId]:
    """The nodes that are one hand-over further away."""
    found: list[NodeId] = []
    for here in ring:
        for row in leaders.led[here]:
            for node in leaders.heirs(row):
                if node not in reached:
                    reached[node] = (here, row)
                    found.append(node)
    return found


def _way(
    reached: dict[NodeId, tuple[NodeId, GroupRow | None]], node: NodeId
) -> list[tuple[GroupRow, NodeId]]:
    way: list[tuple[GroupRow, NodeId]] = []
    while True:
        before, row = reached[node]
        if row is None:
            break
        way.append((row, node))
        node = before
    way.reverse()
    return way
