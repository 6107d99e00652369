"""The judge of invariants for each group of a cluster: groups and replicas come and go while nodes run."""

from collections.abc import Iterable

from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.invariants import DigestOf, EntryAt, InvariantJudge
from trivet.lab.seam import ObservationLike


class GroupJudges:
    """Fed with what the replicas of all nodes look like; complaints gather in ``complaints``."""

    def __init__(self) -> None:
        self.complaints: list[Complaint] = []
        self.reached: dict[str, int] = {}
        """How often something worth reaching happened, over all groups."""
        self.groups: dict[int, InvariantJudge] = {}
        self._here: dict[int, dict[int, None]] = {}
        """Of which groups each node has shown a replica in its present life."""
        self._wiped: dict[int, None] = {}

    def booted(self, node: int) -> None:
        """A new life of ``node``; its replicas show themselves one by one."""
        self._here[node] = {}
        for judge in self.groups.values():
            judge.ended(node)
        self.reached["boots"] = self.reached.get("boots", 0) + 1

    def wiped(self, node: int) -> None:
        """The disk of ``node`` is empty, and nobody may listen to what starts there."""
        self._wiped[node] = None
        for judge in self.groups.values():
            judge.quorums.wiped(node)

    def observed(
        self, node: int, group: int, seen: ObservationLike, entry: EntryAt, digest: DigestOf
    ) -> None:
        """One look at a replica that is not as it was."""
        judge = self.groups.get(group)
        if judge is None:
            judge = self.groups[group] = InvariantJudge(self.complaints, self.reached, f" (group {group})")
            for wiped in self._wiped:
                judge.quorums.wiped(wiped)
        here = self._here[node]
        if group not in here:
            here[group] = None
            judge.booted(node)
        judge.observed(node, seen, entry, digest)

    def left(self, node: int, group: int, is_dropped: bool) -> None:
        """A running node has no replica of ``group`` any more; ``is_dropped``: nobody has, by its map."""
        self._here[node].pop(group, None)
        judge = self.groups.get(group)
        if judge is not None:
            judge.left(node, is_dropped)

    def voters_of(self, group: int, nodes: Iterable[int]) -> list[int]:
        """Who decides in the group, likewise; during a change nobody does alone."""
        judge = self.groups.get(group)
        if judge is not None and judge.backed:
            return sorted(judge.backed)
        committed = None if judge is None else judge.quorums.committed
        if committed is None:
            return sorted(nodes)
        return [] if committed[1].outgoing else sorted(committed[1].voters)

    def members_of(self, group: int, nodes: Iterable[int]) -> list[int]:
        """Who is to hold the group, by its newest committed membership; without one all of ``nodes``."""
        judge = self.groups.get(group)
        if judge is not None and judge.backed:
            return list(judge.backed)
        committed = None if judge is None else judge.quorums.committed
        return list(nodes) if committed is None else list(committed[1].members())
