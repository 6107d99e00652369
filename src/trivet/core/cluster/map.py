"""The cluster map: who the nodes are and which group holds which slot.

Fixed for now: the members come from the configuration and one group holds all slots.
"""

from typing import Final

import msgspec

from trivet.core.base.ids import GroupId, NodeId

FIRST_GROUP: Final[GroupId] = 1


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One node as the others know it. Ports are TCP ports."""

    id: NodeId
    host: str
    client_port: int
    peer_port: int


class ClusterMap:
    """The members by id, in the order of their ids."""

    def __init__(self, cluster: str, members: list[Member]) -> None:
        self.cluster = cluster
        self.members: dict[NodeId, Member] = {m.id: m for m in sorted(members, key=_member_id)}

    @property
    def voters(self) -> tuple[NodeId, ...]:
        """The members of the one group."""
        return tuple(self.members)

    def node_name(self, node: NodeId) -> str:
        """The 40 hex digits by which Redis Cluster clients know a node."""
        return f"{self.cluster[:32]:0<32}{node:08x}"


def _member_id(member: Member) -> NodeId:
    return member.id
