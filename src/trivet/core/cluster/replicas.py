"""Where the replicas stand: dead and drained nodes replaced, zones apart, nodes evenly used.

Each step lowers the first of these that it changes, and raises none before it, so that with the
same nodes it comes to an end: replicas on bad nodes, missing and surplus ones; for each group the sum
of the squares of its members per zone; the same sum of the groups per node; the same of their weight.
"""

from trivet.core.base.ids import NodeId
from trivet.core.cluster.choosing import choose
from trivet.core.cluster.rows import SYSTEM_GROUP, GroupRow
from trivet.core.cluster.survey import Survey


def repair(survey: Survey) -> None:
    """Rules P1-P4, the groups that can lose the fewest members first."""
    rows = sorted(survey.state.groups.values(), key=lambda row: _order(survey, row))
    for row in rows:
        if not survey.has_quorum(row) or row.id in survey.touched:
            continue
        if survey.is_changing(row):
            if row.incoming and survey.is_eventual(row):
                _rethink_copies(survey, row)
            else:
                _rethink(survey, row)
        elif survey.room > 0:
            _repair(survey, row)


def _order(survey: Survey, row: GroupRow) -> tuple[int, int]:
    return survey.alive(row) - len(row.members) // 2, row.id


def _rethink(survey: Survey, row: GroupRow) -> None:
    """Rule P2: a replacement that has become bad itself is replaced or given up.

    So is a target that has lost its quorum while the members have theirs.
    """
    added = [node for node in row.target if node not in row.members]
    if not added or not (added[0] in survey.bad or added[0] in survey.lost):
        if not survey.can_serve(row, row.target):
            survey.retarget(row, row.members, "its new members would have no quorum now")
        return
    kept = [node for node in row.target if node in row.members]
    reason = survey.bad.get(added[0]) or survey.lost[added[0]]
    chosen = choose(1, _spare(survey, row), survey.zones, survey.load, kept)
    survey.retarget(row, kept + chosen if chosen else row.members, reason)


def _rethink_copies(survey: Survey, row: GroupRow) -> None:
    """Rule P12: the change is left to its end, unless nobody is alive who could be handed anything."""
    if not survey.can_serve(row, row.target):
        kept = [node for node in row.members if node != row.target[-1]]
        survey.retarget(row, kept, "none of those that shall stay is alive now")


def _spare(survey: Survey, row: GroupRow) -> list[NodeId]:
    return [node for node in survey.candidates if node not in row.members]


def _repair(survey: Survey, row: GroupRow) -> None:
    wanted, members = survey.wanted(row), row.members
    bad = [node for node in members if node in survey.bad]
    if len(members) > wanted:
        gone = _surplus(survey, row, bad)
        why = survey.bad.get(gone, f"it has {len(members)} members and needs {wanted}")
        kept = [node for node in members if node != gone]
        if survey.can_serve(row, kept):
            survey.retarget(row, kept, why)
        return
    spare = _spare(survey, row)
    if not spare:
        return
    if bad:
        gone = min(bad, key=lambda node: (node not in survey.facts.dead_ms, node))
        kept = [node for node in members if node != gone]
        survey.retarget(row, kept + _instead(survey, gone, spare, kept), survey.bad[gone])
    elif len(members) < wanted:
        chosen = choose(1, spare, survey.zones, survey.load, members)
        survey.retarget(row, members + chosen, f"it has {len(members)} of {wanted} members")
    elif row.id not in survey.moving:
        _spread(survey, row, spare)


def _surplus(survey: Survey, row: GroupRow, bad: list[NodeId]) -> NodeId:
    """The member to do without: a bad one, or one of the fullest zone, not the leader if that can be."""
    in_zones = survey.in_zones(row.members)
    facts = survey.facts_of(row)
    leader = 0 if facts is None else facts.leader
    return max(
        bad or row.members,
        key=lambda node: (
            node in survey.facts.dead_ms,
            in_zones[survey.zones.get(node, "")],
            node != leader,
            survey.load.get(node, 0),
            node,
        ),
    )


def _instead(survey: Survey, gone: NodeId, spare: list[NodeId], kept: list[NodeId]) -> list[NodeId]:
    """Who takes a bad node's place: the one that came for it, or the best."""
    for node in spare:
        if survey.state.members[node].replaces == gone:
            return [node]
    return choose(1, spare, survey.zones, survey.load, kept)


def _spread(survey: Survey, row: GroupRow, spare: list[NodeId]) -> None:
    """Rule P4: away from a zone with two more members than another could have."""
    in_zones = survey.in_zones(row.members)
    full = max(in_zones.values())
    if full < 2:
        return
    gone = max(
        (node for node in row.members if in_zones[survey.zones.get(node, "")] == full),
        key=lambda node: (survey.load.get(node, 0), node),
    )
    kept = [node for node in row.members if node != gone]
    chosen = choose(1, spare, survey.zones, survey.load, kept)[0]
    zone = survey.zones.get(chosen, "")
    if full - in_zones.get(zone, 0) >= 2:
        crowded = survey.zones.get(gone, "") or "without a name"
        survey.retarget(row, [*kept, chosen], f"zone {crowded} has {full} of its {len(row.members)} members")


def balance(survey: Survey) -> None:
    """Rule P5: while there is room, the best step to nodes that are evenly used."""
    while survey.room > 0:
        best = _best_step(survey)
        if best is None:
            return
        row, gone, to = best
        more, less = survey.load[gone], survey.load[to]
        nodes = [to if node == gone else node for node in row.members]
        reason = f"node {gone} has {more} groups and node {to} {less}"
        if more - less < 2:
            reason = f"node {gone} has more to do than node {to}"
        survey.retarget(row, nodes, reason)


def _best_step(survey: Survey) -> tuple[GroupRow, NodeId, NodeId] | None:
    """The replica whose move gains most: from the node with the most groups to that with the fewest."""
    order = sorted(survey.candidates, key=lambda n: (survey.load[n], survey.weight[n], n))
    margin = sum(survey.weight[node] for node in order) // max(1, 4 * len(order))
    best: tuple[GroupRow, NodeId, NodeId] | None = None
    best_gain = (0, 0)
    for row in survey.state.groups.values():
        if row.id == SYSTEM_GROUP or not survey.is_at_rest(row):
            continue
        weight = survey.weight_of(row)
        for gone in row.members:
            if survey.is_silent(gone) or gone in survey.bad:
                continue
            to = _lightest(survey, row, gone, order)
            if not to:
                continue
            gain = _gain(survey, gone, to, weight, margin)
            if gain > best_gain:
                best, best_gain = (row, gone, to), gain
    return best


def _lightest(survey: Survey, row: GroupRow, gone: NodeId, order: list[NodeId]) -> NodeId:
    """Who has fewer groups than ``gone`` and could take its place without crowding a zone; 0: nobody."""
    in_zones = survey.in_zones(row.members)
    here = survey.zones[gone]
    for node in order:
        if survey.load[node] >= survey.load[gone]:
            return 0
        zone = survey.zones[node]
        if node not in row.members and (zone == here or in_zones.get(zone, 0) < in_zones[here]):
            return node
    return 0


def _gain(survey: Survey, gone: NodeId, to: NodeId, weight: int, margin: int) -> tuple[int, int]:
    """By how much the groups per node become more even, then their weight; (0, 0): it is not worth it."""
    groups = survey.load[gone] - survey.load[to]
    heavier = survey.weight[gone] - survey.weight[to]
    if groups >= 2:
        return groups, min(weight, max(0, heavier - weight))
    if groups == 1 and heavier - weight > max(weight // 2, margin):
        return 1, min(weight, heavier - weight)
    return 0, 0
