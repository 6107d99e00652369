"""The housekeeper: what the machine of a group that is led here owes to the map.

On the path: nowhere. It looks at two things that only grow truer: what the map says of moves, and what the
group's own log says; where they differ, the next word for the group's log, or for the map's, follows.

- Rule H1: a group that the map has made owns nothing before it is founded (``FOUND``), with what the map
  gave it, after it has got what is shared by all groups (see ``machine/sharing``).
- Rule H2: the target's leader ends an import: handed over, it owns the slots (``IMPORT END``) and tells the
  map (``MOVE TAKEN``); over and not handed over, what came is thrown away (``IMPORT ABORT``).
- Rule H3: a seal whose move is over without a hand-over is lifted (``UNSEAL``). A move that is over stays
  over, so these words are right however late they come.
- Rule H5: a group holds back each database of its keyspace that is claimed, and tells the map so; a database
  whose claim is over is given away, or held again, as the map says (see ``machine/withholding``).
- Rule H6: a node that has left the cluster is forgotten (``FORGET``): what its batches were answered, and
  what its clients were served and have not claimed.
- Rule H4: what is left of slots that are nobody's here is purged, a slice at a time.
"""

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Instant
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import DEFAULT_DATABASES, DEFAULT_KEYSPACE, HANDED, GroupRow
from trivet.core.group.raft_group import RaftGroup
from trivet.core.machine.importing import END
from trivet.core.machine.ownership import Ownership
from trivet.core.machine.slot_ranges import write_ranges
from trivet.core.machine.withholding import FULL
from trivet.core.steward.desk import REFUSED, Desk, Errand, Looked

_NOBODYS_MOVE = 0


class _Kept:
    """One group that is led here."""

    __slots__ = ("cursor", "errand", "next_ms", "purge", "token")

    def __init__(self) -> None:
        self.errand: Errand | None = None
        self.purge: Errand | None = None
        self.cursor: bytes = b"0"
        self.next_ms: Instant = 0
        self.token = 0
        """The claim for which a database was to be withheld last."""


class Housekeeper:
    """See the module."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kept: dict[GroupId, _Kept] = {}
        self._looked = Looked()

    def look(self, cluster: ClusterMap) -> None:
        """Say what is due in the groups that are led here."""
        desk = self._desk
        for number, _ in desk.worth_a_look(cluster, self._looked):
            group = desk.led(number)
            row = cluster.groups.get(number)
            if group is None or row is None:
                self._kept.pop(number, None)
                continue
            kept = self._kept.get(number)
            if kept is None:
                kept = self._kept[number] = _Kept()
            self._look(cluster, row, group, kept)
            if kept.errand is not None or kept.purge is not None or kept.next_ms > desk.now_ms:
                self._looked.left[number] = None
        if len(self._kept) > len(desk.groups):
            self._kept = {number: kept for number, kept in self._kept.items() if number in desk.groups}

    def _look(self, cluster: ClusterMap, row: GroupRow, group: RaftGroup, kept: _Kept) -> None:
        ownership = group.machine.ownership
        if row.id != SYSTEM_GROUP:
            self._purge(ownership, row, kept)
        errand, now_ms = kept.errand, self._desk.now_ms
        if errand is not None:
            if not errand.done:
                return
            kept.errand = None
            if errand.word == REFUSED:
                kept.next_ms = now_ms + self._desk.settings.retry_ms
            elif errand.word == FULL:
                answer = errand.answer
                keys = answer[1] if isinstance(answer, list) and isinstance(answer[1], int) else 0
                say = self._desk.say
                kept.errand = say(SYSTEM_GROUP, b"MAP", b"CLAIM", FULL, kept.token, row.id, keys)
                return
        if now_ms >= kept.next_ms:
            if row.id != SYSTEM_GROUP:
                kept.errand = self._due(cluster, row, ownership, kept)
            if kept.errand is None:
                kept.errand = self._forgets(cluster, group)

    def _due(self, cluster: ClusterMap, row: GroupRow, ownership: Ownership, kept: _Kept) -> Errand | None:
        """The next word."""
        say = self._desk.say
        if ownership.is_awaited:
            if not self._has_copy(row.id):
                return None
            return say(row.id, b"FOUND", write_ranges(row.ranges), row.epoch, *_keyspace(cluster, row))
        if cluster.claims or ownership.withheld:
            errand = self._of_databases(cluster, row, ownership, kept)
            if errand is not None:
                return errand
        for number, one in ownership.imports.items():
            if cluster.is_over(number):
                return say(row.id, b"IMPORT", b"ABORT", number)
            move = cluster.moves.get(number)
            if move is not None and move.phase == HANDED and one.ready:
                return say(row.id, b"IMPORT", b"END", number, move.epoch)
        for number in ownership.exports:
            if cluster.is_over(number):
                return say(row.id, b"UNSEAL", number)
        for move in cluster.moves.values():
            if move.target_group == row.id and move.phase == HANDED and not move.taken:
                how = ownership.done.get(move.id)
                if how is not None and how[0] == END:
                    return say(SYSTEM_GROUP, b"MAP", b"MOVE", b"TAKEN", move.id)
        return None

    def _forgets(self, cluster: ClusterMap, group: RaftGroup) -> Errand | None:
        """Rule H6."""
        for node in group.machine.sessions.by_node:
            if node != self._desk.node and cluster.has_left(node):
                return self._desk.say(group.settings.group, b"FORGET", node)
        return None

    def _has_copy(self, group: GroupId) -> bool:
        """Rule H1: users, settings and functions of the cluster come before clients can use the group."""
        groups = self._desk.groups
        system, machine = groups[SYSTEM_GROUP].machine, groups[group].machine
        return machine.shared_index > 0 or not (system.shared_index or system.scripts.digest)

    def _of_databases(
        self, cluster: ClusterMap, row: GroupRow, ownership: Ownership, kept: _Kept
    ) -> Errand | None:
        """Rule H5."""
        say = self._desk.say
        for claim in cluster.claims.values():
            if claim.keyspace != row.keyspace or row.id in claim.held:
                continue
            known = ownership.withheld.get(claim.database)
            if known is None or known.token < claim.token:
                kept.token = claim.token
                force = [b"FORCE"] if claim.force else []
                return say(row.id, b"WITHHOLD", claim.database, claim.token, *force)
            if known.token == claim.token:
                return say(SYSTEM_GROUP, b"MAP", b"CLAIM", b"HELD", claim.token, row.id)
        for database, one in ownership.withheld.items():
            if not cluster.is_decided(one.token):
                continue
            if not cluster.was_given(database, one.token):
                return say(row.id, b"LIFT", database, one.token)
            if not one.epoch:
                return say(row.id, b"GIVEN", database, one.token, cluster.epoch)
        return None

    def _purge(self, ownership: Ownership, row: GroupRow, kept: _Kept) -> None:
        """Rule H4."""
        errand = kept.purge
        if errand is not None:
            if not errand.done:
                return
            kept.purge = None
            answer = errand.answer
            kept.cursor = b"0"
            if isinstance(answer, list) and isinstance(answer[0], bytes):
                kept.cursor = answer[0]
        if ownership.is_partial and ownership.garbage_count():
            kept.purge = self._desk.say(row.id, b"PURGE", _NOBODYS_MOVE, kept.cursor)
        else:
            kept.cursor = b"0"


def _keyspace(cluster: ClusterMap, row: GroupRow) -> list[int]:
    """What a new group is told of databases (see ``importing.found``)."""
    words = [row.keyspace]
    if row.keyspace == DEFAULT_KEYSPACE:
        for other in cluster.keyspaces.values():
            if DEFAULT_KEYSPACE < other.number < DEFAULT_DATABASES:
                words += [other.number, other.token]
    return words
