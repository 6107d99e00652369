"""Movement: the phases of moves of slots and of changes of members, as they are seen from outside, counted.

Part of ``sometimes.py``: nothing here judges.
"""

from collections.abc import Callable

from trivet.core.base.ids import GroupId, NodeId
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.ranges import covers
from trivet.core.cluster.rows import EVENTUAL, HANDED, SEAL
from trivet.lab.seam import MembershipLike, ObservationLike


class Movement:
    """Fed with looks and maps; ``count`` says what was reached."""

    def __init__(self, count: Callable[[str], None]) -> None:
        self._count = count
        self._epoch = 0
        self._moves: dict[int, str] = {}
        """The phase of every move, as it was seen last."""
        self._generations: dict[int, int] = {}
        self._sources: dict[int, tuple[GroupId, list[tuple[int, int]]]] = {}
        """Of moves between groups of mode ``paxos``: whose slots, and which."""
        self._groups: dict[GroupId, None] = {}
        self._joints: dict[GroupId, tuple[int, bool]] = {}
        """Of groups that nobody leads: how often members changed, and whether they are changing."""
        self._memberships: dict[GroupId, tuple[int, MembershipLike]] = {}
        """(index, membership) that is committed."""

    def map_seen(self, cluster: ClusterMap) -> bool:
        """A map; older ones than the newest so far say nothing. Whether this one is new."""
        if cluster.epoch <= self._epoch:
            return False
        self._epoch = cluster.epoch
        for move in cluster.moves.values():
            phase = "taken" if move.taken else move.phase
            if cluster.is_of_registers(cluster.groups[move.source]):
                self._sources[move.id] = (move.source, move.ranges)
                self._register_phase(move.id, phase, move.generation)
                continue
            if move.generation > self._generations.get(move.id, 1):
                self._generations[move.id] = move.generation
                self._count("move begins anew")
            if self._moves.get(move.id) != phase:
                self._moves[move.id] = phase
                self._count("move " + {"copy": "begins", HANDED: "handed over"}.get(phase, phase))
        for number in [number for number in self._moves if number not in cluster.moves]:
            was, source = self._moves.pop(number), self._sources.pop(number, None)
            if source is not None:
                self._registers_moved(cluster, was, source)
            else:
                self._count("move given up" if was == "copy" else "move ends")
        if self._groups and any(group not in self._groups for group in cluster.groups):
            self._count("group founded")
        if any(group not in cluster.groups for group in self._groups):
            self._count("group dropped")
        self._groups = dict.fromkeys(cluster.groups)
        self._look_at_leaderless(cluster)
        return True

    def _register_phase(self, move: int, phase: str, generation: int) -> None:
        """Between groups of registers."""
        if generation > self._generations.get(move, 1):
            self._generations[move] = generation
            self._count("registers: a move begins anew")
        if self._moves.get(move) != phase:
            self._count("registers: slots are sealed" if phase == SEAL else "registers: slots begin to move")
            self._moves[move] = phase

    def _registers_moved(
        self, cluster: ClusterMap, was: str, source: tuple[GroupId, list[tuple[int, int]]]
    ) -> None:
        row = cluster.groups.get(source[0])
        if row is not None and covers(row.ranges, source[1]):
            self._count("registers: a move is given up" + (" after the seal" if was == SEAL else ""))
        else:
            self._count("registers: slots have moved")

    def _look_at_leaderless(self, cluster: ClusterMap) -> None:
        """Members of groups that nobody leads change by the map alone."""
        for row in cluster.groups.values():
            if row.membership == self._joints.get(row.id, (0, False))[0]:
                continue
            what = "copies" if cluster.mode_of(row) == EVENTUAL else "registers"
            if row.incoming:
                self._count(f"{what}: members begin to change")
            elif self._joints.get(row.id, (0, False))[1]:
                self._count(f"{what}: members have changed")
            self._joints[row.id] = (row.membership, bool(row.incoming))

    def look(
        self, node: NodeId, group: GroupId, before: ObservationLike | None, seen: ObservationLike
    ) -> None:
        """A replica; ``before``: at the look before, in this life."""
        after, index = seen.membership, seen.membership_index
        if before is not None and before.membership_index > index and before.membership != after:
            self._count("membership taken back")
        is_news = before is None or before.membership != after
        if is_news and seen.role == "leader" and after.voters and node not in after.voters:
            self._count("leader leaves its group")
        if seen.commit < index or not after.voters:
            return
        known = self._memberships.get(group)
        if known is not None and known[0] >= index:
            return
        self._memberships[group] = (index, after)
        if known is not None and known[1] != after:
            self._changed(known[1], after)

    def _changed(self, before: MembershipLike, after: MembershipLike) -> None:
        if after.outgoing:
            self._count("joint membership")
        for node in after.members():
            if node not in before.members():
                self._count("learner comes" if node in after.learners else "voter comes")
            elif node in after.voters and not before.is_voter(node):
                self._count("learner becomes voter")
        if any(node not in after.members() for node in before.members()):
            self._count("member goes")

    def elected(self, seen: ObservationLike) -> None:
        """A new leader; what it inherits."""
        if seen.membership.outgoing:
            self._count("leader inherits a joint membership")
        if seen.membership_index > seen.commit:
            self._count("leader inherits an uncommitted membership")

    def fell(self, side: str, leads: bool, how_far: str) -> None:
        """A node's life ends amid a move, as far as its replica of that side was."""
        self._count(f"{side}'s {'leader' if leads else 'follower'} falls: {how_far}")

    def member_fell(self, node: NodeId, role: str, membership: MembershipLike, settled: bool) -> None:
        """A node's life ends amid a change of a group's members."""
        who = "leader" if role == "leader" else "follower"
        if membership.outgoing:
            self._count(f"{who} falls in a joint membership")
        if membership.voters and not settled:
            self._count(f"{who} falls with an uncommitted membership")
        if not membership.voters:
            self._count("replica falls before it is told anything")
        elif node in membership.learners:
            self._count("learner falls")

    def left(self) -> None:
        """A replica is gone from a running node."""
        self._count("replica goes")
