"""Effects: what a node wants done, as data. The driver performs them and knows no rule.

Nothing in one turn's effects waits for another of them: what must wait for the disk waits in
the core. A driver may perform the lists in any order, each list in its own.
"""

from typing import Final

from trivet.core.base.disk import DiskJob
from trivet.core.base.ids import ConnectionId, LinkId, NodeId

INFO: Final = 20
WARNING: Final = 30
ERROR: Final = 40
"""Levels of log lines, numbered as in the standard library's logging."""


class Effects:
    """Everything that one turn decided. All lists are in the order in which to perform them."""

    __slots__ = (
        "again", "calm", "closes", "dials", "disk", "fatal", "finished", "kills", "link_closes", "log",
        "pauses", "redials", "replies", "resumes", "sends",
    )  # fmt: skip

    def __init__(self) -> None:
        self.disk: list[DiskJob] = []
        """Jobs for the disk's channels."""
        self.sends: list[tuple[NodeId, bytes]] = []
        """One frame each, on the link that this node dialed."""
        self.replies: list[tuple[ConnectionId, bytes]] = []
        """Bytes for clients."""
        self.closes: list[ConnectionId] = []
        """Connections to close once their bytes are out."""
        self.kills: list[ConnectionId] = []
        """Connections to drop at once, unsent bytes and all."""
        self.link_closes: list[LinkId] = []
        """Accepted peer connections to close."""
        self.redials: list[NodeId] = []
        """Peers to dial at once: a link that is up is dropped, and the next try is not waited for."""
        self.dials: list[tuple[NodeId, str, int]] | None = None
        """All peers to which links are to be kept from now on: (node, host, peer port); None: as before."""
        self.pauses: list[ConnectionId] = []
        """Connections to read nothing from, until resumed."""
        self.resumes: list[ConnectionId] = []
        """Connections to read from again."""
        self.log: list[tuple[int, str]] = []
        """Lines for people: (level of the standard library's logging, text)."""
        self.again = False
        """Another turn is wanted soon: bulk work goes on in slices."""
        self.calm = False
        """Nothing passes with time: until a turn says otherwise ticks may come as seldom as beats."""
        self.fatal = ""
        """Not empty: stop the process now, loudly; nothing more may leave it."""
        self.finished = False
        """A graceful stop is complete."""
