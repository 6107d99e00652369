"""The keeper of groups of mode ``eventual``: brings their members to what the map wants, in two steps.

On the path: nowhere. Such a group has neither a leader nor a log: the leader of the system group says when a
change begins, and when all members have reported what there is to wait for that it is over.

- Rule K8: it says ``BEGIN`` where the members are not those that shall be, and ``END`` when who has come has
  what the others had, and who goes has nothing that fewer of those that stay have than a write asks for;
  where that is more than one, nor does it lack anything that a damaged log had lost. Each word carries the
  epoch of the members that those who reported went by, so what was true of other members counts for nothing.
- Rule K9: who has been dead for the time of grace is not waited for: what only it had is lost.
  Nobody who can be heard is taken out without its word; and never the last one that is alive.
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant
from trivet.core.cluster.facts import Facts
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import EVENTUAL, GroupRow
from trivet.core.steward.desk import REFUSED, Desk, Errand
from trivet.core.steward.planner import Planner

LOOK_MS: Final = 100
"""What was reported is looked at so often, while members change."""


class CopyKeeper:
    """See the module."""

    def __init__(self, desk: Desk, planner: Planner) -> None:
        self._desk = desk
        self._planner = planner
        self._seen = -1
        """The map's epoch when it was last looked for groups that change."""
        self._changing: list[GroupId] = []
        self._words: dict[GroupId, Errand] = {}
        """Under way."""
        self._next_ms: Instant = 0

    def tick(self, cluster: ClusterMap) -> None:
        """Take the next step with every group whose members change."""
        desk = self._desk
        if cluster.epoch != self._seen:
            self._seen = cluster.epoch
            self._changing = [row.id for row in cluster.groups.values() if _is_changing(cluster, row)]
            self._words = {number: word for number, word in self._words.items() if number in cluster.groups}
        if not self._changing or desk.now_ms < self._next_ms or desk.led(SYSTEM_GROUP) is None:
            return
        self._next_ms = desk.now_ms + LOOK_MS
        facts = self._planner.facts(cluster) if self._planner.leads else None
        for number in self._changing:
            self._step(cluster, cluster.groups[number], facts)

    def _step(self, cluster: ClusterMap, row: GroupRow, facts: Facts | None) -> None:
        desk = self._desk
        before = self._words.get(row.id)
        if before is not None:
            if not before.done:
                return
            del self._words[row.id]
            if before.word == REFUSED:
                self._next_ms = desk.now_ms + desk.settings.retry_ms
                return
        word = b""
        if sorted(row.target) != (row.incoming or row.members):
            word = b"BEGIN"
        elif facts is not None and is_over(cluster, row, facts, desk.settings.policy.grace_ms):
            word = b"END"
        said = desk.say(SYSTEM_GROUP, b"MAP", b"COPIES", word, row.id, row.membership + 1) if word else None
        if said is not None:
            self._words[row.id] = said


def _is_changing(cluster: ClusterMap, row: GroupRow) -> bool:
    if cluster.mode_of(row) != EVENTUAL:
        return False
    return bool(row.incoming) or row.members != sorted(row.target)


def is_over(cluster: ClusterMap, row: GroupRow, facts: Facts, grace_ms: int) -> bool:
    """Rules K8, K9."""
    said = facts.groups.get(row.id)
    asks_for_several = cluster.keyspaces[row.keyspace].write_quorum > 1
    is_anybody_there = False
    for node in row.members:
        if node not in cluster.members or facts.dead_ms.get(node, -1) >= grace_ms:
            continue
        copy = None if said is None else said.copies.get(node)
        if copy is None:
            return False
        is_caught_up, kept = copy
        stays = node in row.incoming
        if kept if not stays else not is_caught_up:
            return False
        if asks_for_several and not is_caught_up and node in row.before:
            return False  # others may count upon what it is about to get again
        is_anybody_there = is_anybody_there or stays
    return is_anybody_there
