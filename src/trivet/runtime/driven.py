"""The two sides of the seam, as types: the node that is driven, and the driver that its connections know.

The driver knows a node by this protocol alone, so that its tests can drive something smaller.
"""

import asyncio
from typing import Protocol

from trivet.core.base.disk import DiskFault
from trivet.core.base.ids import ConnectionId, LinkId, NodeId
from trivet.core.node.effects import Effects
from trivet.runtime.room import Room


class DrivenNode(Protocol):
    """A node without IO. Inputs only note what happened; ``turn`` says what is to be done about it."""

    def on_client_connected(self, conn: ConnectionId, address: str, local_address: str = "") -> None:
        """A client came."""

    def on_client_bytes(self, conn: ConnectionId, data: bytes) -> None:
        """A client sent bytes."""

    def on_client_closed(self, conn: ConnectionId) -> None:
        """A client is gone, whoever closed the connection. Told once."""

    def on_client_backlog(self, conn: ConnectionId, backlog_bytes: int) -> None:
        """So many bytes for a client are unsent; 0: all are out."""

    def on_peer_dialed(self, peer: NodeId) -> None:
        """Our link to ``peer`` is up."""

    def on_peer_lost(self, peer: NodeId) -> None:
        """Our link to ``peer`` was up and is gone."""

    def on_link_accepted(self, link: LinkId, address: str) -> None:
        """Somebody connected to our peer port."""

    def on_link_bytes(self, link: LinkId, data: bytes) -> None:
        """Bytes came in on an accepted link."""

    def on_link_closed(self, link: LinkId) -> None:
        """An accepted link is gone, whoever closed it. Told once."""

    def on_disk_done(self, token: int, reads: list[bytes]) -> None:
        """A disk job is complete."""

    def on_disk_failed(self, token: int, fault: DiskFault, text: str) -> None:
        """A disk job failed; its later operations were not tried."""

    def on_tick(self, mono_ms: int, wall_ms: int) -> None:
        """Time has passed."""

    def stop(self) -> None:
        """Begin a graceful stop."""

    def turn(self, mono_ms: int, wall_ms: int) -> Effects:
        """End the loop's turn: everything staged becomes effects."""
        ...


class Driver(Protocol):
    """What a connection needs of the loop that it lives in."""

    node: DrivenNode
    loop: asyncio.AbstractEventLoop
    room: Room

    def next_number(self) -> int:
        """A number for a connection or a link, never given twice."""
        ...

    def wake(self) -> None:
        """There was input: a turn of the node is due at the end of this turn of the loop."""
