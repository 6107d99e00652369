"""What a node needs of a group, whatever it has of it.

That may be a replica (``RaftGroup``), or none (``RemoteGroup``); of a group of mode ``paxos`` every node has
the same (``PaxosGroup``).

A node talks to all its groups through this face. What only a replica has (its machine, its Raft
member, its snapshots) is not in it: a node asks that of the groups of which it is a member.

What a replica of mode ``raft`` sees in the entries that it applies and a node without one does not:

- Replies and woken clients come as messages, at once.
- Invalidations (``follow_changes``) come as messages (Rule F7). ``who_changes`` does not know whose a change
  is that was made elsewhere, so a client with ``NOLOOP`` may hear of its own.
- Keyspace events and what transactions and scripts publish: ``events`` and ``published`` stay empty. The
  leader's node is to hand both on to nodes that are no members and listen, as what is published to it.
- ``denied`` stays empty: what was refused inside of transactions and scripts of a remote group's clients is
  in no ``ACL LOG``.
"""

from collections.abc import Sequence
from typing import Protocol

from trivet.core.base.ids import ConnectionId, Instant, NodeId, WallMs
from trivet.core.command.table import Event
from trivet.core.gossip.messages import GossipMessage
from trivet.core.group.changes import Follower
from trivet.core.group.eventual_messages import CarryMessage
from trivet.core.group.messages import GroupMessage
from trivet.core.group.register_messages import RegisterMessage
from trivet.core.group.run import Run, Waiter
from trivet.core.group.settings import GroupSettings
from trivet.core.machine.rights import Denied

FromGroup = GroupMessage | RegisterMessage | CarryMessage | GossipMessage
"""What groups say to each other."""


class Replica(Protocol):
    """One group, as its node's clients use it."""

    settings: GroupSettings
    failure: str
    """Not empty: the node must not go on (Rule G3)."""
    notes: list[str]
    """Sentences for the log that people read."""
    wants_turn: bool
    """Work is left for another turn, soon."""
    stirred: bool
    """Something has happened since the last turn, or is left to be done (see ``agenda``)."""
    asleep: bool
    """It needs no tick until something happens."""
    woken: list[ConnectionId]
    """This node's clients whose waiting calls were served or forgotten; the node takes them."""
    jumped: bool
    """Nobody knows what became of what clients wait for: each waiting call is to ask."""
    events: list[Event]
    published: list[tuple[bool, bytes, bytes]]
    denied: list[Denied]

    @property
    def outgoing(self) -> Sequence[tuple[NodeId, FromGroup]]:
        """Messages for peers; the node takes them after every turn, and says so (``sent``)."""
        ...

    def sent(self) -> None:
        """What is ``outgoing`` has been taken."""
        ...

    @property
    def misrouted(self) -> list[Run]:
        """Runs that came to the wrong group; the node takes them every turn."""
        ...

    # -- clients --------------------------------------------------------------------------------

    def write(self, run: Run, now_ms: Instant) -> None:
        """Take writes of a client; its calls may be added until the turn ends."""
        ...

    def read(self, run: Run, now_ms: Instant) -> None:
        """Take linearizable reads of a client; its calls may be added until the turn ends."""
        ...

    def read_stale(self, run: Run) -> None:
        """Take reads that are content with some replica's present state."""
        ...

    def follow_changes(self, follower: Follower | None) -> None:
        """From now on ``follower`` is told of tracked reads and of changes; None: nobody.

        To be called again when it begins to want all changes.
        """
        ...

    def who_changes(self) -> Waiter | None:
        """While a change is told: whose call it is, if a client's of this node and if that is known."""
        ...

    def replicas_of_last_write(self) -> int:
        """On how many other nodes the newest write of this node's clients is surely synced."""
        ...

    @property
    def has_writes(self) -> bool:
        """Writes of this node's clients have no replies yet."""
        ...

    @property
    def pending_bytes(self) -> int:
        """Writes of this node's clients that are not applied yet."""
        ...

    @property
    def disk_full(self) -> bool:
        """No write can be taken because this node's log can't grow."""
        ...

    @property
    def leader(self) -> NodeId:
        """Who leads, as far as this node knows; 0: nobody."""
        ...

    def is_member(self, node: NodeId) -> bool:
        """Whether ``node`` holds a replica of the group, as far as this node knows."""
        ...

    def stir(self) -> None:
        """Something happens to the group: it is to have a turn."""
        ...

    def check_rest(self) -> None:
        """Assert that it has nothing to do unless it is stirred, and nothing to wait for in its sleep."""
        ...

    # -- inputs and the turn ----------------------------------------------------------------------

    def on_peer_up(self, peer: NodeId) -> None:
        """Our link to ``peer``, any node of the cluster, is up and empty."""
        ...

    def on_peer_lost(self, peer: NodeId) -> None:
        """The link to ``peer`` broke, in either direction, or it has been silent for too long."""
        ...

    def on_message(self, sender: NodeId, message: GroupMessage) -> None:
        """A message of a peer, decoded and of a known type."""
        ...

    def on_tick(self, now_ms: Instant) -> None:
        """One tick of the driver's clock."""
        ...

    def turn(self, now_ms: Instant, wall_ms: WallMs) -> None:
        """Carry out what this turn's inputs ask for."""
        ...
