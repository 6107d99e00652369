"""The keeper of groups of mode ``paxos``: brings their members to what the map wants, in two steps.

On the path: nowhere. Such a group has neither a leader nor a log: the leader of the system group says when a
change begins, and a member that has brought every register to quorums of both sets says when it ends.

- Rule K5: the leader of the system group says ``BEGIN`` where the members are not those that shall be, and
  ``BACK`` where those that come are no more those that shall come. Each word carries the epoch that it was
  said by, so a leader of old, or two at a time, do no harm.
- Rule K6: between the two steps the members look after the registers one after the other, in an order of
  the group's own, until the map says that it is over: the first at once, the others when those before had
  time enough. Two at a time do no harm either.
"""

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant, NodeId
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import GroupRow
from trivet.core.group.paxos_group import PaxosGroup
from trivet.core.paxos.preference import preferred
from trivet.core.steward.desk import REFUSED, Desk, Errand

TURN_MS = 5_000
"""So long one member has before the next one begins as well."""


class _Kept:
    """One group whose members are not those that shall be."""

    __slots__ = ("done", "epoch", "next_ms", "since_ms", "word")

    def __init__(self) -> None:
        self.word: Errand | None = None
        self.next_ms: Instant = 0
        self.epoch = 0
        self.since_ms: Instant = 0
        """When this node saw that epoch first."""
        self.done = False
        """Under it this member has seen every register with quorums of both sets."""


class RegisterKeeper:
    """See the module."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._seen = -1
        """The map's epoch when it was last looked for groups that change."""
        self._kept: dict[GroupId, _Kept] = {}

    def tick(self, cluster: ClusterMap) -> None:
        """Take the next step with every group whose members change."""
        if cluster.epoch != self._seen:
            self._seen = cluster.epoch
            changing = [row.id for row in cluster.groups.values() if _is_changing(cluster, row)]
            self._kept = {number: self._kept.get(number) or _Kept() for number in changing}
        for number, kept in self._kept.items():
            self._step(cluster.groups[number], kept)

    def _step(self, row: GroupRow, kept: _Kept) -> None:
        desk = self._desk
        epoch = row.membership + 1
        if kept.epoch != epoch:
            kept.epoch, kept.since_ms, kept.done = epoch, desk.now_ms, False
        if kept.word is not None:
            if not kept.word.done:
                return
            if kept.word.word == REFUSED:
                kept.next_ms = desk.now_ms + desk.settings.retry_ms
            kept.word = None
        if desk.now_ms < kept.next_ms:
            return
        word = self._word(row, kept)
        if word:
            kept.word = desk.say(SYSTEM_GROUP, b"MAP", b"REGISTERS", word, row.id, epoch)

    def _word(self, row: GroupRow, kept: _Kept) -> bytes:
        """What is to be said now; empty: nothing, by this node."""
        if row.incoming != sorted(row.target):
            if self._desk.led(SYSTEM_GROUP) is None:
                return b""
            return b"BACK" if row.incoming else b"BEGIN"
        group = self._desk.leaderless.get(row.id)
        if isinstance(group, PaxosGroup) and not kept.done:
            self._look_after(row, group, kept)
        return b"END" if kept.done else b""

    def _look_after(self, row: GroupRow, group: PaxosGroup, kept: _Kept) -> None:
        """Rule K6."""
        desk, paxos = self._desk, group.paxos
        if group.rescanned:
            kept.done = group.rescanned == kept.epoch
            group.rescanned = 0
        if kept.done or paxos.epoch != kept.epoch or paxos.rescanning:
            return
        place = turn_of(row, desk.node)
        if place >= 0 and desk.now_ms - kept.since_ms >= place * TURN_MS:
            paxos.rescan()
            group.stir()


def _is_changing(cluster: ClusterMap, row: GroupRow) -> bool:
    if not cluster.is_of_registers(row):
        return False
    return bool(row.incoming) or row.members != sorted(row.target)


def turn_of(row: GroupRow, node: NodeId) -> int:
    """The place of ``node`` in the order in which the members look after the registers; -1: it is none."""
    left = sorted({*row.members, *row.incoming})
    if node not in left:
        return -1
    place, name = 0, b"group %d" % row.id
    while (first := preferred(name, left)) != node:
        left.remove(first)
        place += 1
    return place
