"""The configuration of a node, as data. Reading files is the driver's part."""

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.base.limits import Limits
from trivet.core.cluster.map import Member
from trivet.core.steward.settings import StewardSettings


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a node must be told."""

    node: NodeId
    """This node's id, one of the members'."""
    cluster: str
    """The cluster's id, hex digits; nodes of another cluster are refused."""
    members: list[Member] = []
    """The nodes with which the cluster is founded: 1, 3 or 5. Empty for a node that joins later."""
    known: list[Member] = []
    """Where a node that joins finds others, before it has heard of all."""
    host: str = ""
    """Where the others and the clients find this node; empty: as it stands in ``members``."""
    client_port: int = 0
    peer_port: int = 0
    zone: str = ""
    """What fails together with this node: a rack, a room, a machine."""
    labels: dict[str, str] = {}
    birth: int = 0
    """The number of a new data directory; 0: it draws its own."""
    password: str = ""
    """What clients must give with ``AUTH``; empty: nothing."""
    tick_ms: int = 20
    """The unit of all time-outs below; late ticks are not made up for."""
    election_ms: int = 1000
    """A follower that hears nothing from its leader for this long, up to twice this long, asks for
    votes. When the connection to the leader's process breaks it asks at once, whatever this is."""
    heartbeat_ms: int = 100
    """How often an idle leader shows itself."""
    command_timeout_ms: int = 5000
    """How long a command may wait for a leader or a majority before the client gets an error."""
    resend_ms: int = 500
    """How long a batch may be under way without progress before it is sent again."""
    steward: StewardSettings = StewardSettings()
    """How the cluster keeps itself: pace and aims."""
    limits: Limits = Limits()

    def problem(self) -> str:
        """What is wrong with these values, as one sentence that names the setting; empty when nothing is."""
        problem = self._problem_of_members()
        if problem:
            return problem
        if not self.cluster or any(c not in "0123456789abcdef" for c in self.cluster):
            return "cluster: lower-case hex digits expected"
        if self.tick_ms < 1:
            return "tick_ms: at least 1"
        if self.heartbeat_ms < self.tick_ms or self.election_ms < 3 * self.heartbeat_ms:
            return "election_ms: at least three times heartbeat_ms, which is at least tick_ms"
        if self.command_timeout_ms < self.election_ms:
            return "command_timeout_ms: at least election_ms"
        return ""

    def _problem_of_members(self) -> str:
        ids = [member.id for member in self.members]
        if not ids:
            if self.node < 1 or not (self.host and self.client_port and self.peer_port and self.known):
                return "members: without any, the node joins: node, host, client_port, peer_port, known"
            return ""
        if self.node not in ids:
            return f"node: {self.node} is not among the members {ids}"
        if len(dict.fromkeys(ids)) != len(ids):
            return f"members: an id stands twice in {ids}"
        if len(ids) not in (1, 3, 5):
            return f"members: there are {len(ids)}; a cluster is founded with 1, 3 or 5 nodes"
        if any(i < 1 for i in ids):
            return "members: ids start at 1"
        return ""

    def address(self) -> Member:
        """This node as the others shall find it."""
        for member in self.members:
            if member.id == self.node:
                return Member(
                    id=self.node,
                    host=self.host or member.host,
                    client_port=self.client_port or member.client_port,
                    peer_port=self.peer_port or member.peer_port,
                )
        return Member(id=self.node, host=self.host, client_port=self.client_port, peer_port=self.peer_port)
