"""The cluster as the placement sees it while it makes one plan."""

from typing import Final

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.cluster.actions import Action, Target
from trivet.core.cluster.choosing import load_of, system_voters, zones_of
from trivet.core.cluster.facts import Facts, GroupFacts, Policy
from trivet.core.cluster.rows import DRAINING, EVENTUAL, SYSTEM_GROUP, UP, GroupRow
from trivet.core.cluster.state import MapState

UNIT: Final = 100
"""The weight of a group that is empty and idle."""


class Survey:
    """What is so, what was decided, and how much more may be."""

    def __init__(self, state: MapState, facts: Facts, policy: Policy) -> None:
        self.state = state
        self.facts = facts
        self.policy = policy
        self.actions: list[Action] = []
        self.zones = zones_of(state)
        self.candidates: list[NodeId] = [
            node
            for node, row in state.members.items()
            if row.state == UP and not self.is_silent(node) and node not in facts.awaited
        ]
        """The nodes that may get something."""
        self.size = sum(1 for row in state.members.values() if row.state != DRAINING)
        """The nodes that shall stay, dead or alive."""
        self.bad: dict[NodeId, str] = {}
        """The nodes that shall be emptied, and why."""
        for node, row in state.members.items():
            if row.state == DRAINING:
                self.bad[node] = f"node {node} is to be emptied"
            elif facts.dead_ms.get(node, 0) >= policy.grace_ms and node in facts.dead_ms:
                self.bad[node] = f"node {node} has not been heard for {facts.dead_ms[node] // 1000} s"
        self.lost: dict[NodeId, str] = {
            node: f"node {node} has not been heard by the leader for {silent_ms // 1000} s"
            for node, silent_ms in facts.unreachable_ms.items()
            if silent_ms >= policy.grace_ms
        }
        """The nodes that are alive and can't be told that they shall get something, and why (Rule P13)."""
        self.away: list[NodeId] = [
            node
            for node, row in state.members.items()
            if row.state == UP and self.is_silent(node) and node not in self.bad and node not in facts.awaited
        ]
        """The nodes that are not heard now and are expected back."""
        self.load = load_of(state)
        """Replicas per node, as they shall be."""
        self.weight: dict[NodeId, int] = dict.fromkeys(state.members, 0)
        """The same, by size and traffic."""
        for group in state.groups.values():
            self._weigh(group, group.target, 1)
        self.moving: dict[GroupId, int] = {}
        """The groups that have a move."""
        for move in state.moves.values():
            self.moving[move.source] = self.moving[move.target_group] = move.id
        self.touched: dict[GroupId, bool] = {}
        """The groups of this plan's actions."""
        self.room = policy.moves_max - self._under_way()

    def _under_way(self) -> int:
        """The changes that go on. Those of groups without a quorum go nowhere and hinder nobody."""
        groups = self.state.groups
        count = sum(1 for row in groups.values() if self.is_changing(row) and self.has_quorum(row))
        for move in self.state.moves.values():
            if self.has_quorum(groups[move.source]) and self.has_quorum(groups[move.target_group]):
                count += 1
        return count

    def is_silent(self, node: NodeId) -> bool:
        """Whether nothing is heard of it here."""
        return node in self.facts.dead_ms or node in self.facts.unreachable_ms

    def facts_of(self, row: GroupRow) -> GroupFacts | None:
        """What is known of a group."""
        return self.facts.groups.get(row.id)

    def weight_of(self, row: GroupRow) -> int:
        """What a replica of it costs a node."""
        facts = self.facts_of(row)
        if facts is None:
            return UNIT
        policy = self.policy
        return UNIT + UNIT * facts.bytes // policy.split_bytes + UNIT * facts.ops // policy.split_ops

    def wanted(self, row: GroupRow) -> int:
        """How many members it shall have, in a cluster of this size."""
        if row.id != SYSTEM_GROUP:
            keyspace = self.state.keyspaces[row.keyspace]
            return max(keyspace.quorum_max, min(keyspace.replicas, self.size))  # Rule P12
        return system_voters(self.size)

    def is_changing(self, row: GroupRow) -> bool:
        """It is on its way to other members."""
        return bool(row.incoming) or sorted(row.members) != sorted(row.target)

    def alive(self, row: GroupRow) -> int:
        """How many of its members are alive."""
        return self._alive(row.members)

    def _alive(self, nodes: list[NodeId]) -> int:
        """Together: the leader of the system group is not in touch with those that it does not hear."""
        facts = self.facts
        alive = [n for n in nodes if n in self.state.members and n not in facts.dead_ms]
        apart = sum(1 for n in alive if n in facts.unreachable_ms) if facts.leader in alive else 0
        return len(alive) - min(apart, 1)

    def can_decide(self, nodes: list[NodeId]) -> bool:
        """They are a quorum of themselves."""
        return 2 * self._alive(nodes) > len(nodes)

    def can_serve(self, row: GroupRow, nodes: list[NodeId]) -> bool:
        """As members of the group they are a quorum of themselves, or one is alive where that is enough."""
        return self._alive(nodes) > 0 if self.is_eventual(row) else self.can_decide(nodes)

    def is_eventual(self, row: GroupRow) -> bool:
        """Any member serves alone (Rule P12)."""
        return self.state.mode_of(row) == EVENTUAL

    def has_quorum(self, row: GroupRow) -> bool:
        """It can decide something: of mode ``primary`` that is the primary's to do, or of who is named."""
        return self.alive(row) > 0 if self.state.is_of_primary(row) else self.can_serve(row, row.members)

    def is_at_rest(self, row: GroupRow) -> bool:
        """Nothing is under way with it, and something could be."""
        return (
            row.id not in self.touched
            and row.id not in self.moving
            and not self.is_changing(row)
            and self.has_quorum(row)
        )

    def in_zones(self, nodes: list[NodeId]) -> dict[str, int]:
        """How many of them each zone has."""
        found: dict[str, int] = {}
        for node in nodes:
            zone = self.zones.get(node, "")
            found[zone] = found.get(zone, 0) + 1
        return found

    def retarget(self, row: GroupRow, nodes: list[NodeId], reason: str) -> None:
        """Decide that a group gets these members."""
        if not self.is_changing(row):
            self.room -= 1
        self._weigh(row, row.target, -1)
        self._weigh(row, nodes, 1)
        if row.id != SYSTEM_GROUP:
            for node in row.target:
                self.load[node] = self.load.get(node, 0) - 1
            for node in nodes:
                self.load[node] = self.load.get(node, 0) + 1
        self.touched[row.id] = True
        self.actions.append(Target(row.id, sorted(nodes), reason))

    def _weigh(self, row: GroupRow, nodes: list[NodeId], sign: int) -> None:
        if row.id == SYSTEM_GROUP:
            return
        weight = self.weight_of(row) * sign
        for node in nodes:
            self.weight[node] = self.weight.get(node, 0) + weight
