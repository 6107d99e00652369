"""Placement: from the map and the facts to the next few things to do.

Pure: the leader of the system group calls ``plan`` now and then and does what it says; ``trivet rebalance
--plan`` shows it. The rules are in the README (P1-P10).
"""

from trivet.core.base.ids import NodeId
from trivet.core.cluster.actions import Action, Drop, Retire
from trivet.core.cluster.facts import Facts, Policy
from trivet.core.cluster.leaders import settle_leaders
from trivet.core.cluster.replicas import balance, repair
from trivet.core.cluster.rows import DRAINING, SYSTEM_GROUP
from trivet.core.cluster.shards import settle_shards
from trivet.core.cluster.state import MapState
from trivet.core.cluster.survey import Survey


def plan(state: MapState, facts: Facts, policy: Policy) -> list[Action]:
    """What to do next, the most urgent first; nothing when the cluster is as it shall be."""
    survey = Survey(state, facts, policy)
    _clear(survey)
    repair(survey)
    settle_shards(survey)
    balance(survey)
    settle_leaders(survey)
    return survey.actions


def _clear(survey: Survey) -> None:
    """Rule P3: groups that own nothing go, once they have nothing left to do; and nodes that are empty."""
    state = survey.state
    needed: dict[NodeId, bool] = {}
    for row in state.groups.values():
        if row.id != SYSTEM_GROUP and not row.ranges and row.id not in survey.moving:
            survey.touched[row.id] = True
            said = survey.facts.groups.get(row.id)
            if said is not None and said.is_spent:
                survey.actions.append(Drop(row.id, "it owns nothing"))
        for node in [*row.members, *row.target, *row.incoming, *(row.learners if row.id else [])]:
            needed[node] = True
    for node, known in state.members.items():
        if known.state == DRAINING and node not in needed:
            survey.actions.append(Retire(node, "it was emptied"))
