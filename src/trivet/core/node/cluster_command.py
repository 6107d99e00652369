"""``CLUSTER``: the topology in the words of Redis Cluster clients, and what administrators want of it.

A client that asks for the topology is taken for one that follows redirects. What the administrators of a
Redis Cluster do by hand (``MEET``, ``ADDSLOTS``, ``SETSLOT``, …) this one does by itself: that is refused,
and the answer says what to do instead.
"""

from collections.abc import Callable
from typing import Final

from trivet.core.cluster import fields
from trivet.core.cluster.slots import SLOTS, slot_of
from trivet.core.command.lookup import find_row
from trivet.core.machine.scanning import SLOTKEYS
from trivet.core.node import cluster_topology
from trivet.core.node.cluster_change import CHANGES, change, lead, node_named, plan
from trivet.core.node.cluster_state import state
from trivet.core.node.front import Front
from trivet.core.node.router import NOT_IN_REACH
from trivet.core.node.session import Session
from trivet.core.wire.reply import OK, Error, Reply, Simple

_BAD_SLOT: Final = Error("ERR Invalid or out of range slot")
_KEYS_MAX: Final = 1_000_000
"""Keys of one ``GETKEYSINSLOT``."""
_HELP: Final = (
    "CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "COUNT-FAILURE-REPORTS <node-id>",
    "    1 if this node does not hear that one, else 0.",
    "COUNTKEYSINSLOT <slot>",
    "    The number of keys in a slot of the selected database.",
    "DRAIN <id>",
    "    Empty a node.",
    "GETKEYSINSLOT <slot> <count>",
    "    Keys in a slot of the selected database.",
    "INFO",
    "    Figures about the cluster.",
    "JOIN <host> <client-port> <peer-port> <zone> <labels> <birth>",
    "    A new node: its id and where the others are.",
    "KEYSLOT <key>",
    "    The slot of a key.",
    "LEAD <group> <node>",
    "    Let another member lead a group.",
    "LEAVE <id> [FORCE]",
    "    A node that is drained, or dead (FORCE), leaves for ever.",
    "LINKS",
    "    This node's links to others.",
    "MERGE <group> <into>",
    "    Move all slots of a group into another.",
    "MOVE <group> <slots> <group>|NEW",
    "    Move slots such as 0-99,200 into another group.",
    "MOVE ABORT <move>",
    "    Let a move be that has not been handed over: its slots stay where they are.",
    "MYID",
    "    The id of this node.",
    "NODES",
    "    The nodes, a line each.",
    "PLAN",
    "    What the cluster would do next by itself, and why.",
    "REPLACE <dead id> <new id>",
    "    A node that has joined takes the place of a dead one.",
    "REPLICAS <node-id>",
    "    The nodes that follow this one.",
    "SHARDS",
    "    Which nodes serve which slots, and how.",
    "SLOTS",
    "    Which nodes serve which slots.",
    "SPLIT <group> [<slot>]",
    "    Move the upper half of a group's slots, or those from this one on, into a new group.",
    "STATE",
    "    The whole map: nodes, keyspaces, groups and moves.",
    "UNDRAIN <id>",
    "    The node stays after all.",
    "HELP",
    "    This text.",
)

Answer = Callable[[Front, Session, list[bytes]], Reply]


def cluster(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer any ``CLUSTER`` command; False: park it."""
    row = find_row(args)
    if isinstance(row, Error):
        session.answer_reply(row)
        return True
    action = args[1].upper()
    if action in CHANGES:
        return change(front, session, args)
    if action in (b"COUNTKEYSINSLOT", b"GETKEYSINSLOT"):
        return _keys_in_slot(front, session, args)
    if action in _TOPOLOGY:
        session.knows_topology = True
    session.answer_reply(_ANSWERS[action](front, session, args))
    return True


def _keys_in_slot(front: Front, session: Session, args: list[bytes]) -> bool:
    """Asked of the group that has the slot."""
    slot = fields.number(args[2], 0, SLOTS - 1)
    count = fields.number(args[3], 0, 2**63 - 1) if len(args) == 4 else 0
    if isinstance(slot, Error):
        session.answer_reply(_BAD_SLOT)
        return True
    if isinstance(count, Error):
        session.answer_reply(Error("ERR Invalid number of keys"))
        return True
    group = front.router.of_slot(session.db, slot)
    if group is NOT_IN_REACH and front.waits_for_map(session, args):
        return False
    if isinstance(group, Error):
        session.answer_reply(group)
        return True
    limit = [b"%d" % min(count, _KEYS_MAX)] if len(args) == 4 else []
    return front.call_group(session, False, [SLOTKEYS, b"%d" % slot, *limit], group)


def _failure_reports(front: Front, session: Session, args: list[bytes]) -> Reply:
    row = node_named(front, args[2])
    return row if isinstance(row, Error) else int(not front.alive(row.id))


def _replicas(front: Front, session: Session, args: list[bytes]) -> Reply:
    row = node_named(front, args[2])
    return row if isinstance(row, Error) else cluster_topology.replicas(front, session, row.id)


def _refused(instead: str) -> Answer:
    error = Error(f"ERR the cluster does this by itself: {instead}")
    return lambda front, session, args: error


_SLOTS_INSTEAD: Final = _refused("every slot has a group; CLUSTER MOVE, SPLIT and MERGE change which")
_ANSWERS: Final[dict[bytes, Answer]] = {
    b"INFO": lambda front, session, args: cluster_topology.info(front, session),
    b"MYID": lambda front, session, args: front.cluster.node_name(front.config.node).encode(),
    b"KEYSLOT": lambda front, session, args: slot_of(args[2]),
    b"NODES": lambda front, session, args: cluster_topology.nodes(front, session),
    b"SLOTS": lambda front, session, args: cluster_topology.slots(front, session),
    b"SHARDS": lambda front, session, args: cluster_topology.shards(front, session),
    b"LINKS": lambda front, session, args: cluster_topology.links(front),
    b"REPLICAS": _replicas,
    b"SLAVES": _replicas,
    b"COUNT-FAILURE-REPORTS": _failure_reports,
    b"STATE": lambda front, session, args: state(front),
    b"PLAN": lambda front, session, args: plan(front),
    b"LEAD": lambda front, session, args: lead(front, args),
    b"HELP": lambda front, session, args: [Simple(line) for line in _HELP],
    b"MEET": _refused("a new node says CLUSTER JOIN (trivet join)"),
    b"FORGET": _refused("CLUSTER DRAIN empties a node, CLUSTER LEAVE removes it"),
    b"FAILOVER": _refused("leaders are elected; CLUSTER LEAD hands over"),
    b"REPLICATE": _refused("KEYSPACE ALTER ... REPLICAS says how many copies there are"),
    b"RESET": _refused("CLUSTER DRAIN and CLUSTER LEAVE take a node out of it"),
    b"BUMPEPOCH": _refused("the map's epoch rises with each change"),
    b"SET-CONFIG-EPOCH": _refused("the map's epoch rises with each change"),
    b"SAVECONFIG": lambda front, session, args: OK,
    **dict.fromkeys(
        (b"ADDSLOTS", b"ADDSLOTSRANGE", b"DELSLOTS", b"DELSLOTSRANGE", b"FLUSHSLOTS", b"SETSLOT"),
        _SLOTS_INSTEAD,
    ),
}
_TOPOLOGY: Final = (b"NODES", b"SLOTS", b"SHARDS")
"""Who asks for this follows redirects."""
