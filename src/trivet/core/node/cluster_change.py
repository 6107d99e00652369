"""``CLUSTER JOIN``, ``DRAIN``, ``SPLIT``, ``MOVE``, … : what administrators want of nodes and groups.

Each is a change of the map in the system group. What follows from it (members that come and go, keys on their
way) is done later, by the leaders of the groups; ``CLUSTER STATE`` shows how far it is.
"""

from collections.abc import Callable
from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, NodeId
from trivet.core.cluster import fields, placement
from trivet.core.cluster.actions import explain
from trivet.core.cluster.facts import Policy
from trivet.core.cluster.ranges import at_least, middle, show
from trivet.core.cluster.rows import DRAINING, JOINING, GroupRow, NodeRow
from trivet.core.node.cluster_state import facts_known
from trivet.core.node.front import Front
from trivet.core.node.keyspace_command import leader_of, on_alive
from trivet.core.node.session import Session
from trivet.core.node.steps import MapChange, Steps, begin
from trivet.core.raft.state import Role
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import OK, Error, Reply

_REASON: Final = b"an administrator wants it"
_NAME_CHARS: Final = 40

Words = list[bytes] | Error
Change = Callable[[Front, list[bytes]], Words]


def change(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer one of ``CHANGES``; False: park it."""
    action = args[1].upper()
    refusal = front.refuse_write()
    if refusal is not None:
        session.answer_reply(refusal)
        return True
    if action == b"JOIN":
        return begin(_Join(front, session, args), session)
    if action == b"LEAVE":
        return begin(_Leave(front, session, args), session)
    if not session.idle:
        return False
    words = _CHANGES[action](front, args)
    if isinstance(words, Error):
        if not session.fresh:
            front.catch_up(session)  # another node may know better
            return False
        session.answer_reply(session.fresh_error or words)
        return True
    return begin(MapChange(front, session, args, words), session)


# -- nodes --------------------------------------------------------------------------------------------


def node_named(front: Front, word: bytes) -> NodeRow | Error:
    """The node of that id, or of the 40 digits by which Redis Cluster clients know it."""
    members = front.cluster.members
    if len(word) == _NAME_CHARS:
        for row in members.values():
            if front.cluster.node_name(row.id).encode() == word:
                return row
    number = parse_int(word)
    row_found = None if number is None else members.get(number)
    if row_found is None:
        return Error(f"ERR Unknown node {word[:64].decode('latin-1')}")
    return row_found


class _Join(Steps):
    """Answers [id, cluster, [[id, host, client port, peer port], …]]."""

    __slots__ = ()

    def start(self) -> None:
        """Ask for a number."""
        assert self.first is not None
        self.change_map([b"JOIN", *self.first[2:]], self._joined)

    def _joined(self, replies: list[Reply]) -> None:
        cluster = self.front.system.machine.cluster
        node = replies[0]
        if cluster is None or not isinstance(node, int):
            self.finish(replies)
            return
        nodes: list[Reply] = [
            [row.id, row.host.encode(), row.client_port, row.peer_port] for row in cluster.members.values()
        ]
        self.finish([[node, cluster.cluster.encode(), nodes]])


class _Leave(Steps):
    """A node that is drained goes; with ``FORCE`` also one that is dead, as soon as no group counts on it."""

    __slots__ = ("node",)

    def __init__(self, front: Front, session: Session, args: list[bytes]) -> None:
        super().__init__(front, session, args)
        self.node: NodeId = 0

    def start(self) -> None:
        """Hear of the newest map."""
        self.catch_up(self._caught_up)

    def _caught_up(self) -> None:
        assert self.first is not None
        row = node_named(self.front, self.first[2])
        forced = len(self.first) == 4
        problem: Error | None = None
        if isinstance(row, Error):
            problem = row
        elif forced and self.first[3].upper() != b"FORCE":
            problem = fields.SYNTAX
        elif not forced and row.state not in (DRAINING, JOINING):
            problem = Error(f"ERR node {row.id} is {row.state}: CLUSTER DRAIN {row.id} first")
        elif forced and row.state != DRAINING and self.front.alive(row.id):
            problem = Error(f"ERR node {row.id} is alive: CLUSTER DRAIN {row.id} first")
        if isinstance(row, Error) or problem is not None:
            self.finish([problem or fields.SYNTAX])
            return
        self.node = row.id
        if forced and row.state not in (DRAINING, JOINING):
            self.change_map([b"DRAIN", b"%d" % row.id], self._drained)
        else:
            self.change_map([b"LEFT", b"%d" % row.id], self.finish)

    def _drained(self, replies: list[Reply]) -> None:
        if isinstance(replies[0], Error):
            self.finish(replies)
        else:
            self.change_map([b"LEFT", b"%d" % self.node], self.finish)


def _drain(front: Front, args: list[bytes]) -> Words:
    row = node_named(front, args[2])
    return row if isinstance(row, Error) else [args[1].upper(), b"%d" % row.id]


def _replace(front: Front, args: list[bytes]) -> Words:
    old, new = node_named(front, args[2]), node_named(front, args[3])
    if isinstance(old, Error):
        return old
    if isinstance(new, Error):
        return new
    if front.alive(old.id) and old.state != DRAINING:
        return Error(f"ERR node {old.id} is alive: CLUSTER DRAIN {old.id} empties it")
    return [b"REPLACE", b"%d" % old.id, b"%d" % new.id]


# -- groups -------------------------------------------------------------------------------------------


def group_named(front: Front, word: bytes) -> GroupRow | Error:
    """The group of that id."""
    number = parse_int(word)
    row = None if number is None else front.cluster.groups.get(number)
    return Error(f"ERR no such group: {word[:20].decode('latin-1')}") if row is None else row


def _split(front: Front, args: list[bytes]) -> Words:
    row = group_named(front, args[2])
    if isinstance(row, Error):
        return row
    slot: int | Error = middle(row.ranges) if len(args) == 3 else fields.number(args[3], 0, 16383)
    if isinstance(slot, Error):
        return Error("ERR Invalid or out of range slot")
    upper = at_least(row.ranges, slot)
    if not upper or upper == row.ranges:
        return Error(f"ERR group {row.id} has nothing on both sides of slot {slot}")
    return _to_new(front, row, show(upper).encode())


def _to_new(front: Front, row: GroupRow, ranges: bytes) -> list[bytes]:
    keyspace = front.cluster.keyspaces.get(row.keyspace)
    words = [b"MOVE", b"START", b"%d" % row.id, b"NEW", ranges, _REASON]
    return words + on_alive(front, 0 if keyspace is None else keyspace.replicas)


def _merge(front: Front, args: list[bytes]) -> Words:
    row, into = group_named(front, args[2]), group_named(front, args[3])
    if isinstance(row, Error):
        return row
    if isinstance(into, Error):
        return into
    if not row.ranges:
        return Error(f"ERR group {row.id} owns no slots")
    ranges = show(row.ranges).encode()
    return [b"MOVE", b"START", b"%d" % row.id, b"%d" % into.id, ranges, _REASON]


def _move(front: Front, args: list[bytes]) -> Words:
    """``MOVE group slots group|NEW``, or ``MOVE ABORT move``: while it has not been handed over."""
    if len(args) == 4 and args[2].upper() == b"ABORT":
        move = fields.identity(args[3])
        return move if isinstance(move, Error) else [b"MOVE", b"ABORT", b"%d" % move]
    if len(args) != 5:
        return fields.SYNTAX
    row = group_named(front, args[2])
    if isinstance(row, Error):
        return row
    if args[4].upper() == b"NEW":
        return _to_new(front, row, args[3])
    into = group_named(front, args[4])
    if isinstance(into, Error):
        return into
    return [b"MOVE", b"START", b"%d" % row.id, b"%d" % into.id, args[3], _REASON]


def lead(front: Front, args: list[bytes]) -> Reply:
    """``CLUSTER LEAD group node``: hand over; OK when that is begun."""
    row, node = group_named(front, args[2]), node_named(front, args[3])
    if isinstance(row, Error):
        return row
    if isinstance(node, Error):
        return node
    if node.id not in row.members:
        return Error(f"ERR node {node.id} is no voter of group {row.id}")
    if front.cluster.is_leaderless(row):
        return Error(f"ERR group {row.id} is of mode {front.cluster.mode_of(row)}: nobody leads it")
    leader = leader_of(front, row)
    if leader == node.id:
        return OK
    replica = front.groups.get(row.id)
    if replica is not None and replica.raft.role is Role.LEADER:
        replica.stir()
        if replica.raft.transfer(node.id):
            return OK
        return Error(f"TRYAGAIN node {node.id} is not fit to lead group {row.id} now")
    if front.steward is not None and front.steward.lead(row.id, node.id):
        return OK
    return _ask_leader(leader, row.id)


def _ask_leader(leader: NodeId, group: GroupId) -> Error:
    if not leader:
        return Error(f"CLUSTERDOWN nobody leads group {group} now; nothing was done")
    return Error(f"ERR node {leader} leads group {group}: ask there")


def plan(front: Front) -> Reply:
    """``CLUSTER PLAN``: what would be done now and why, a sentence each."""
    if front.steward is not None:
        actions = front.steward.plan()
    elif front.system.raft.role is Role.LEADER:
        actions = placement.plan(front.cluster, facts_known(front), Policy())
    else:
        actions = None
    if actions is None:
        return _ask_leader(front.system.leader, SYSTEM_GROUP)
    return [line.encode() for line in explain(actions).splitlines()] if actions else []


_CHANGES: Final[dict[bytes, Change]] = {
    b"DRAIN": _drain,
    b"UNDRAIN": _drain,
    b"REPLACE": _replace,
    b"SPLIT": _split,
    b"MERGE": _merge,
    b"MOVE": _move,
}
CHANGES: Final = (b"JOIN", b"LEAVE", *_CHANGES)
