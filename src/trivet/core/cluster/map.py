"""The cluster map: who the nodes are, which keyspaces there are, and which group holds which slot.

It is the state of the system group: replicated, changed by the entries of its log alone, and
the same on every node that has applied as far. ``change`` takes one of them; the verbs are in
``change_*.py``, the questions in ``state.py``.
"""

from trivet.core.base.checksum import Digest
from trivet.core.base.ids import WallMs
from trivet.core.cluster import codec, invariants
from trivet.core.cluster.change_claims import claim
from trivet.core.cluster.change_copies import copies
from trivet.core.cluster.change_groups import group, lead, members
from trivet.core.cluster.change_keyspaces import keyspace
from trivet.core.cluster.change_moves import move
from trivet.core.cluster.change_nodes import NODE_VERBS, join, of_node
from trivet.core.cluster.change_primaries import primary
from trivet.core.cluster.change_registers import registers
from trivet.core.cluster.choosing import system_voters
from trivet.core.cluster.ranges import ALL
from trivet.core.cluster.rows import (
    DEFAULT_KEYSPACE,
    DEFAULT_NAME,
    DEFAULT_REPLICAS,
    FIRST_GROUP,
    RAFT,
    REPLICAS_MAX,
    SYSTEM_GROUP,
    SYSTEM_KEYSPACE,
    UP,
    GroupRow,
    KeyspaceRow,
    Member,
    NodeRow,
)
from trivet.core.cluster.state import MapState
from trivet.core.wire.reply import Error, Reply

__all__ = ["FIRST_GROUP", "SYSTEM_GROUP", "ClusterMap", "Member", "genesis"]


class ClusterMap(MapState):
    """See the module."""

    def __init__(self, cluster: str, founding: list[Member], replicas: int = 0) -> None:
        """The map at the beginning: every founding node computes the same.

        ``replicas``: how many members the default keyspace's groups shall have; 0: all the
        founding nodes, or three if they are fewer.
        """
        super().__init__(cluster)
        if not founding:
            return
        for member in sorted(founding, key=_member_id):
            row = NodeRow(member.id, member.host, member.client_port, member.peer_port, state=UP)
            self.nodes[row.id] = row
        ids = list(self.nodes)
        wanted = replicas or min(max(len(ids), DEFAULT_REPLICAS), REPLICAS_MAX)
        self.next_node = ids[-1] + 1
        self.next_group = FIRST_GROUP + 1
        self.keyspaces[DEFAULT_KEYSPACE] = KeyspaceRow(DEFAULT_KEYSPACE, DEFAULT_NAME, RAFT, wanted, [])
        first, most = ids[:wanted], system_voters(len(ids))
        voters, listeners = ids[:most], ids[most:]
        self.groups[SYSTEM_GROUP] = GroupRow(
            SYSTEM_GROUP, SYSTEM_KEYSPACE, [], voters, voters[:], listeners, voters[:]
        )
        self.groups[FIRST_GROUP] = GroupRow(
            FIRST_GROUP, DEFAULT_KEYSPACE, [ALL], first, first[:], [], first[:]
        )
        self.settle_nodes()
        self.settle_keyspaces()

    def change(self, args: list[bytes], now_ms: WallMs) -> Reply:
        """Apply ``MAP verb …``: all of it, or an ``Error`` and nothing. A change raises the epoch."""
        if len(args) < 2:
            return Error("ERR wrong number of arguments for 'map' command")
        before = self.epoch
        verb = args[1].upper()
        reply = self._change(verb, [verb, *args[2:]], now_ms)
        assert self.epoch <= before + 1
        assert self.epoch == before or not isinstance(reply, Error)
        return reply

    def _change(self, verb: bytes, args: list[bytes], now_ms: WallMs) -> Reply:
        if verb == b"MEMBERS":
            return members(self, args)
        if verb == b"REGISTERS":
            return registers(self, args)
        if verb == b"PRIMARY":
            return primary(self, args)
        if verb == b"COPIES":
            return copies(self, args)
        if verb == b"LEAD":
            return lead(self, args)
        if verb == b"MOVE":
            return move(self, args, now_ms)
        if verb == b"GROUP":
            return group(self, args)
        if verb == b"KEYSPACE":
            return keyspace(self, args)
        if verb == b"CLAIM":
            return claim(self, args)
        if verb == b"JOIN":
            return join(self, args)
        if verb in NODE_VERBS:
            return of_node(self, args)
        return Error(f"ERR unknown verb '{verb[:64].decode('utf-8', 'replace')}'")

    def check_invariants(self) -> None:
        """Assert what is true after every change."""
        invariants.check(self)

    # -- snapshots ------------------------------------------------------------------------------

    def encode(self) -> bytes:
        """For a snapshot: the same bytes for equal maps."""
        return codec.encode(self)

    def digest(self) -> bytes:
        """Equal for equal maps, and for no others."""
        digest = Digest()
        digest.feed(self.encode())
        return digest.value()


def genesis(cluster: str, founding: list[Member], replicas: int = 0) -> ClusterMap:
    """The map at the beginning (see ``ClusterMap``)."""
    assert founding
    return ClusterMap(cluster, founding, replicas)


def decode(data: bytes) -> ClusterMap:
    """From a snapshot; ``ValueError`` when it is no map."""
    found = ClusterMap("", [])
    codec.decode_into(found, data)
    return found


def _member_id(member: Member) -> int:
    return member.id
