"""``CLUSTER STATE`` as plain data: what one node knows of the whole cluster.

The answer is a map of maps. Over RESP2 a map comes as a flat list of names and values, or as a list of
pairs: both are taken. What is not there has its default, and what is unknown is passed over, so that
this program and the nodes need not be of one version.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from trivet.cli.probe import Reply

Table = dict[str, Reply]
_Row = TypeVar("_Row")
SYSTEM_GROUP = 0
PAXOS = "paxos"
EVENTUAL = "eventual"


class NodeFacts(msgspec.Struct, kw_only=True):
    """One node of the cluster."""

    id: int
    host: str
    client_port: int
    peer_port: int
    state: str
    zone: str
    alive: bool
    unreachable: bool = False
    """Alive, since other nodes hear it; the one that was asked does not."""
    silent_ms: int = 0
    replaces: int = 0
    labels: dict[str, str] = {}


class KeyspaceFacts(msgspec.Struct, kw_only=True):
    """One keyspace."""

    number: int
    name: str
    mode: str
    replicas: int
    shards: int
    """0: as many groups as its size and load ask for."""
    together: bool
    databases: str


class GroupFacts(msgspec.Struct, kw_only=True):
    """One group. ``members`` vote now, ``target`` shall.

    Of mode ``paxos``: while there are ``incoming`` members, quorums of both are needed; who is ``doubtful``
    counts for none. Of mode ``eventual``: while some are ``incoming``, the other members hand over what they
    have and go; who is ``behind`` has not all yet that the others had when it came.
    """

    id: int
    keyspace: int
    slots: str
    members: list[int]
    learners: list[int]
    target: list[int]
    leader: int
    term: int
    keys: int | None
    bytes: int | None
    ops: int | None
    """Per second. None: the node that was asked does not know; the leader of the system group knows all."""
    incoming: list[int] = []
    doubtful: list[int] = []
    behind: list[int] = []


class MoveFacts(msgspec.Struct, kw_only=True):
    """Slots on their way: ``sent`` keys are over, ``left`` are not; None: not known to who was asked."""

    id: int
    source: int
    target: int
    slots: str
    phase: str
    sent: int | None
    left: int | None
    reason: str
    age_ms: int = 0


class View(msgspec.Struct, kw_only=True):
    """All of it."""

    cluster: str
    epoch: int
    asked: int
    """The node that says all this."""
    nodes: list[NodeFacts]
    keyspaces: list[KeyspaceFacts]
    groups: list[GroupFacts]
    moves: list[MoveFacts]

    def node(self, number: int) -> NodeFacts | None:
        """A node, also one that has left, if it is still known."""
        return next((node for node in self.nodes if node.id == number), None)

    def system_leader(self) -> NodeFacts | None:
        """The node that leads the system group, and so has everybody's reports."""
        system = next((group for group in self.groups if group.id == SYSTEM_GROUP), None)
        return self.node(system.leader) if system is not None else None

    def held_by(self, node: int) -> list[GroupFacts]:
        """The groups that count on a node. Learning what the system group says counts for nothing."""
        return [
            group
            for group in self.groups
            if node in [*group.members, *group.target, *group.incoming]
            or (group.id != SYSTEM_GROUP and node in group.learners)
        ]

    def led_by(self, node: int) -> list[int]:
        """The groups that a node leads."""
        return [group.id for group in self.groups if group.leader == node]

    def leaderless(self) -> list[int]:
        """The groups without a leader, as far as the node that was asked knows."""
        return [group.id for group in self.groups if not group.leader and self.is_led(group)]

    def is_led(self, group: GroupFacts) -> bool:
        """Whether somebody shall lead the group: not in modes ``paxos`` and ``eventual``."""
        return self.mode_of(group) not in (PAXOS, EVENTUAL)

    def mode_of(self, group: GroupFacts) -> str:
        """The mode of a group's keyspace; nothing of the system group's."""
        return next((row.mode for row in self.keyspaces if row.number == group.keyspace), "")

    def undecided(self) -> list[int]:
        """The groups of mode ``paxos`` that can decide nothing, as far as the node that was asked knows."""
        return [
            group.id for group in self.groups if self.mode_of(group) == PAXOS and not self._decides(group)
        ]

    def unserved(self) -> list[int]:
        """The groups of mode ``eventual`` of which no member is alive, as far as is known."""
        up = {node.id for node in self.nodes if node.alive}
        return [
            group.id
            for group in self.groups
            if self.mode_of(group) == EVENTUAL and not up.intersection(group.members)
        ]

    def _decides(self, group: GroupFacts) -> bool:
        """A majority of the members answers, and of those that come one too."""
        up = {node.id for node in self.nodes if node.alive} - set(group.doubtful)
        sets = [group.members, group.incoming] if group.incoming else [group.members]
        return all(2 * len(up.intersection(nodes)) > len(nodes) for nodes in sets)


def read_view(reply: Reply) -> View:
    """From the answer to ``CLUSTER STATE``. ``ValueError`` when it is none."""
    top = table(reply)
    if "nodes" not in top or "groups" not in top:
        raise ValueError("something else than the state of a cluster")
    return View(
        cluster=text(top, "cluster"),
        epoch=number(top, "epoch"),
        asked=number(top, "node"),
        nodes=rows(top, "nodes", _node),
        keyspaces=rows(top, "keyspaces", _keyspace),
        groups=rows(top, "groups", _group),
        moves=rows(top, "moves", _move),
    )


def _node(row: Table) -> NodeFacts:
    return NodeFacts(
        id=number(row, "id"),
        host=text(row, "host"),
        client_port=number(row, "client-port"),
        peer_port=number(row, "peer-port"),
        state=text(row, "state"),
        zone=text(row, "zone"),
        alive=truth(row, "alive"),
        unreachable=truth(row, "unreachable"),
        silent_ms=number(row, "silent-ms"),
        replaces=number(row, "replaces"),
        labels=labels(row),
    )


def _keyspace(row: Table) -> KeyspaceFacts:
    return KeyspaceFacts(
        number=number(row, "number", "id", "keyspace", "db"),
        name=text(row, "name"),
        mode=text(row, "mode"),
        replicas=number(row, "replicas"),
        shards=0 if row.get("shards") == b"auto" else number(row, "shards"),
        together=truth(row, "together"),
        databases=ranges(row, "databases"),
    )


def _group(row: Table) -> GroupFacts:
    return GroupFacts(
        id=number(row, "id"),
        keyspace=number(row, "keyspace"),
        slots=ranges(row, "slots"),
        members=numbers(row, "members"),
        learners=numbers(row, "learners"),
        target=numbers(row, "target"),
        leader=number(row, "leader"),
        term=number(row, "term"),
        keys=count(row, "keys"),
        bytes=count(row, "bytes"),
        ops=count(row, "ops"),
        incoming=numbers(row, "incoming"),
        doubtful=numbers(row, "doubtful"),
        behind=numbers(row, "behind"),
    )


def _move(row: Table) -> MoveFacts:
    return MoveFacts(
        id=number(row, "id"),
        source=number(row, "source"),
        target=number(row, "target"),
        slots=ranges(row, "slots"),
        phase=text(row, "phase"),
        sent=count(row, "sent"),
        left=count(row, "left"),
        reason=text(row, "reason"),
        age_ms=number(row, "age-ms"),
    )


# -- RESP as tables ------------------------------------------------------------------------------


def table(reply: Reply) -> Table:
    """A map, flat or in pairs. ``ValueError`` when it is none."""
    if not isinstance(reply, list):
        raise ValueError("something that is no map")
    if reply and all(isinstance(pair, list) and len(pair) == 2 for pair in reply):
        flat = [part for pair in reply if isinstance(pair, list) for part in pair]
    else:
        flat = reply
    if len(flat) % 2:
        raise ValueError("a map of which half a pair is missing")
    found: Table = {}
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        if not isinstance(name, bytes):
            raise ValueError("a map with a name that is no text")
        found[name.decode("utf-8", "replace").lower()] = value
    return found


def rows(row: Table, name: str, make: Callable[[Table], _Row]) -> list[_Row]:
    """A list of maps, or a map of maps by id."""
    value = row.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"{name} that are no list")
    if value and not isinstance(value[0], list):
        value = value[1::2]  # a map: by id, which the row has, too
    return [make(table(part)) for part in value]


def _first(row: Table, names: tuple[str, ...]) -> Reply:
    return next((row[name] for name in names if name in row), None)


def text(row: Table, *names: str) -> str:
    """A text; empty when there is none."""
    value = _first(row, names)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def number(row: Table, *names: str) -> int:
    """An integer; 0 when there is none."""
    value = _first(row, names)
    if value is None or value == b"":
        return 0
    if isinstance(value, list):
        raise ValueError(f"{names[0]} that is a list")
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"{names[0]} that is no number") from None


def count(row: Table, name: str) -> int | None:
    """An integer; None when it is not known."""
    return None if row.get(name) is None else number(row, name)


def numbers(row: Table, *names: str) -> list[int]:
    """A list of integers, or a text of them."""
    value = _first(row, names)
    if value is None:
        return []
    if isinstance(value, int):
        return [value]
    words = value.replace(b",", b" ").split() if isinstance(value, bytes) else value
    return [number({"": word}, "") for word in words]


def ranges(row: Table, *names: str) -> str:
    """Ranges as ``0-99,200``: sent so, or as single numbers in their order."""
    value = _first(row, names)
    if not isinstance(value, list):
        return text(row, *names)
    found: list[list[int]] = []
    for one in numbers(row, *names):
        if found and one == found[-1][1] + 1:
            found[-1][1] = one
        else:
            found.append([one, one])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in found)


def truth(row: Table, *names: str) -> bool:
    """Yes or no, in any of RESP's ways."""
    value = _first(row, names)
    return value in (1, b"1", b"yes", b"true", b"t", b"up", b"online")


def labels(row: Table) -> dict[str, str]:
    """Labels, as a map or as JSON."""
    value = row.get("labels")
    if isinstance(value, list):
        return {name: text({name: word}, name) for name, word in table(value).items()}
    try:
        return msgspec.json.decode(value or b"{}", type=dict[str, str]) if isinstance(value, bytes) else {}
    except msgspec.MsgspecError:
        return {}


def read_keyspaces(reply: Reply) -> list[KeyspaceFacts]:
    """From the answer to ``KEYSPACE LIST``. ``ValueError`` when it is none."""
    if not isinstance(reply, list):
        raise ValueError("something that is no list")
    return [_keyspace(table(row)) for row in reply]


Plain = str | int | None | list["Plain"] | dict[str, "Plain"]


def plain(reply: Reply) -> Plain:
    """Anything as JSON has it: a list of an even length with names at the even places is a map."""
    if isinstance(reply, bytes):
        return reply.decode("utf-8", "replace")
    if not isinstance(reply, list):
        return reply
    if reply and len(reply) % 2 == 0 and all(isinstance(name, bytes) for name in reply[::2]):
        return {name: plain(value) for name, value in table(reply).items()}
    return [plain(part) for part in reply]
