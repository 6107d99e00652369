"""The router: from a database and keys to the group that holds them (station 3 of a write).

As long as one group holds a whole database, a session of it knows that group (``Session.home``)
and nothing is asked per command. Else a key's slot decides, by the cluster map as this node
knows it. That may be old: a group refuses what it does not hold (``NotHere``), and the call is
routed again (see ``rerouting``). Where nobody leads, the group itself says what can't be done; here is
looked only at what it does not see: calls to several groups or databases (``manners``).
"""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId
from trivet.core.cluster.map import ClusterMap
from trivet.core.cluster.rows import EVENTUAL, LEADERLESS
from trivet.core.cluster.slots import slot_of
from trivet.core.command.lookup import keys_of, other_databases
from trivet.core.command.table import ROWS
from trivet.core.group.face import Replica
from trivet.core.machine.checking import OTHER_KEYSPACE
from trivet.core.machine.entry import Call
from trivet.core.machine.register_place import register_of_transaction
from trivet.core.node.manners import MANNERS, Manners
from trivet.core.wire.reply import Error

CROSSSLOT: Final = Error("CROSSSLOT the keys are in several groups")
"""It says of a call that it runs as a transaction over groups; no client sees it."""
FLUSHES_ALL: Final = Error(
    "CROSSSLOT FLUSHALL concerns all groups, each for itself: say it outside of MULTI; nothing was done"
)
WHOLE_REFUSED: Final = Error(
    "CROSSSLOT SCRIPT, FUNCTION and commands about whole databases (DBSIZE, KEYS, ...) can't be part of a "
    "transaction over several groups: say them outside of MULTI; nothing was done"
)
NO_DATABASE: Final = Error("ERR there is no such database (any more): see KEYSPACE LIST")
NOT_IN_REACH: Final = Error(
    "CLUSTERDOWN this node does not know yet who holds these keys: try again; nothing was done"
)


class Router:
    """Who holds what, as this node knows it."""

    def __init__(self, replicas: dict[GroupId, Replica], cluster: ClusterMap) -> None:
        self.cluster = cluster
        self._replicas = replicas
        self.many = False
        """There are several groups of data: some commands concern more than one."""
        self._manners: dict[int, Manners] = {}
        """Of databases that nobody leads."""

    def follow(self, cluster: ClusterMap) -> None:
        """The map has changed, or is another."""
        self.cluster = cluster
        rows = [row for row in cluster.keyspaces.values() if row.mode in LEADERLESS]
        self._manners = {db: MANNERS[row.mode] for row in rows for db in cluster.databases_of(row)}
        self.many = len(cluster.groups) > 2  # the system group, and the first of the data

    def home(self, db: int) -> Replica | None:
        """The group that holds all of database ``db``; None when there are several, or none."""
        groups = self.cluster.groups_of(db)
        return self._replicas.get(groups[0]) if len(groups) == 1 else None

    def groups(self, db: int) -> list[Replica] | Error:
        """All groups that hold something of database ``db``."""
        groups = self.cluster.groups_of(db)
        if not groups:
            return self._nowhere()
        found = [self._replicas[group] for group in groups if group in self._replicas]
        return found if len(found) == len(groups) else NOT_IN_REACH

    def everywhere(self) -> list[Replica] | Error:
        """All groups of data."""
        numbers = [number for number in self.cluster.groups if number != SYSTEM_GROUP]
        found = [self._replicas[number] for number in numbers if number in self._replicas]
        return found if numbers and len(found) == len(numbers) else NOT_IN_REACH

    def scripted(self) -> list[Replica] | Error:
        """All groups of data that run scripts and functions: those that have to know them."""
        found = self.everywhere()
        if isinstance(found, Error) or not self._manners:
            return found
        groups, mode_of = self.cluster.groups, self.cluster.mode_of
        return [one for one in found if mode_of(groups[one.settings.group]) != EVENTUAL]

    def system(self) -> Replica:
        """The system group."""
        return self._replicas[SYSTEM_GROUP]

    def of_slot(self, db: int, slot: int) -> Replica | Error:
        """The group that holds ``slot`` of database ``db``."""
        group = self.cluster.group_of(db, slot)
        found = self._replicas.get(group)
        if found is None:
            return self._nowhere() if group < 0 else NOT_IN_REACH
        return found

    def replica(self, group: GroupId) -> Replica | None:
        """The group with this number, if this node speaks to it."""
        return self._replicas.get(group)

    def manners_of(self, db: int) -> Manners | None:
        """What commands over several groups may do in database ``db``, where nobody leads; None elsewhere."""
        return self._manners.get(db)

    def empties_leaderless(self, db: int, name: bytes) -> bool:
        """Whether ``FLUSHDB`` or ``FLUSHALL``, said in database ``db``, empties one that nobody leads."""
        return bool(self._manners) if name == b"FLUSHALL" else db in self._manners

    def _nowhere(self) -> Error:
        """No group has the database: there is none, unless there is no map here yet."""
        return NO_DATABASE if self.cluster.groups else NOT_IN_REACH

    def of_keys(self, db: int, keys: list[bytes]) -> Replica | Error:
        """The one group that holds all ``keys``; without keys the first of the database."""
        if not keys:
            groups = self.groups(db)
            return groups if isinstance(groups, Error) else groups[0]
        found = self.of_slot(db, slot_of(keys[0]))
        for key in keys[1:]:
            if isinstance(found, Error):
                return found
            other = self.of_slot(db, slot_of(key))
            if other is not found:
                return CROSSSLOT if not isinstance(other, Error) else other
        return found

    def leaves_keyspace(self, db: int, args: list[bytes]) -> bool:
        """Whether ``MOVE``, ``COPY`` or ``SWAPDB`` is to put something into another keyspace (Rule N3)."""
        keyspace_of = self.cluster.keyspace_of
        here = keyspace_of(db)
        places = [keyspace_of(other) for other in other_databases(args)]
        return any(there is not None and there is not here for there in places)

    def why_apart(self, db: int, args: list[bytes]) -> Error | None:
        """Why ``MOVE`` or ``COPY`` can't take something out of, or into, a database that nobody leads."""
        manners = self._manners
        for other in other_databases(args) if manners else []:
            found = manners.get(other) or manners.get(db)
            if other != db and found is not None:
                return found.other_database
        return None

    def _of_leaderless(self, calls: list[Call], manners: Manners) -> Replica | Error | None:
        """Of a transaction with a call in a database that nobody leads: one key, or one group, has it all."""
        if not manners.one_key:
            return self._of_one_group(calls, manners)
        place = register_of_transaction(calls)
        if place is None or isinstance(place, Error):
            return place
        return self.of_slot(place[0], slot_of(place[1])) if place[0] in self._manners else manners.several

    def _of_one_group(self, calls: list[Call], manners: Manners) -> Replica | Error | None:
        found: Replica | None = None
        for db, args in calls:
            if db < 0:
                continue
            if args[0] == b"FLUSHALL" and self.many:
                return FLUSHES_ALL
            if args[0] in BETWEEN_DATABASES and (apart := self.why_apart(db, args)) is not None:
                return apart
            keys = keys_of(ROWS[args[0]], args)
            if not keys and args[0] not in WHOLE_DATABASE:
                continue
            other = self.of_keys(db, keys) if keys else self.home(db)
            if other is None or other is CROSSSLOT or self._manners.get(db) is not manners:
                return manners.several
            if isinstance(other, Error):
                return other
            if found is not None and other is not found:
                return manners.several
            found = other
        return found

    def of_calls(self, calls: list[Call]) -> Replica | Error | None:
        """The one group in which all ``calls`` of a transaction can run; None when any can.

        Those of database -1 are replies. ``CROSSSLOT``: they are of several groups.
        """
        for db, _ in calls if self._manners else []:
            if db in self._manners:
                return self._of_leaderless(calls, self._manners[db])
        found: Replica | None = None
        is_wide = is_whole = False
        for db, args in calls:
            if db < 0:
                continue
            keys = keys_of(ROWS[args[0]], args)
            if args[0] in BETWEEN_DATABASES and (apart := self.why_apart(db, args)) is not None:
                return apart
            if args[0] == b"SWAPDB" and self.leaves_keyspace(db, args):
                return OTHER_KEYSPACE
            if args[0] == b"FLUSHALL" and self.many:
                return FLUSHES_ALL
            home = self.home(db)
            if not keys and args[0] in WHOLE_DATABASE:
                if home is None:
                    return WHOLE_REFUSED
                is_whole = True
            is_whole = is_whole or args[0] in TAUGHT
            is_wide = is_wide or (args[0] in BETWEEN_DATABASES and self.leaves_keyspace(db, args))
            other = home if home is not None else self.of_keys(db, keys)
            if other is CROSSSLOT:
                is_wide = True
            elif isinstance(other, Error):
                return other
            elif keys or args[0] in WHOLE_DATABASE:
                is_wide = is_wide or (found is not None and other is not found)
                found = other
        if is_wide:
            return WHOLE_REFUSED if is_whole else CROSSSLOT
        return found


WHOLE_DATABASE: Final = {
    b"DBSIZE": 1, b"SCAN": 1, b"KEYS": 1, b"RANDOMKEY": 1, b"FLUSHDB": 1, b"FLUSHALL": 1, b"SWAPDB": 1,
}  # fmt: skip
"""Commands about whole databases."""
EMPTIES: Final = (b"FLUSHDB", b"FLUSHALL")
BETWEEN_DATABASES: Final = {b"MOVE": 1, b"COPY": 1}
"""Commands that may put something into another database."""
TAUGHT: Final = {
    b"SCRIPT": {b"LOAD": 1, b"FLUSH": 1},
    b"FUNCTION": {b"LOAD": 1, b"DELETE": 1, b"FLUSH": 1, b"RESTORE": 1},
}
"""What all groups are taught; the system group too, for those that come later (see ``sharing``)."""
