"""A connection to one of several nodes, made anew for ever.

When the node is lost, the next in the list is tried, at once at first and then ever more slowly. A
node that is silent though asked counts as lost.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from trivet.client.address import NodeAddress
from trivet.client.connection import Connection, NodeError
from trivet.client.resp import Reply

CONNECT_MAX_S: Final = 3.0
BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MAX_S: Final = 5.0
PING_S: Final = 2.0
"""How long a node may be silent before it is asked whether it is there."""
SILENT_MAX_S: Final = 6.0
"""How long before it counts as lost."""


class LinkUser(Protocol):
    """Who is told of the link."""

    async def on_up(self, connection: Connection) -> None:
        """A node is there. ``NodeError`` gives it up."""
        ...

    def on_down(self) -> None:
        """The node is lost."""
        ...

    def on_push(self, items: list[Reply]) -> None:
        """The node says something unasked."""
        ...


class NodeLink:
    """Keeps a connection to one of ``nodes`` while it runs."""

    def __init__(self, nodes: Sequence[NodeAddress], user: LinkUser, say: Callable[[str], None]) -> None:
        """``say`` gets sentences for people."""
        self._nodes = list(nodes)
        self._user = user
        self._say = say

    async def run(self) -> None:
        """Until cancelled."""
        backoff_s = BACKOFF_FIRST_S
        at = 0
        while True:
            node = self._nodes[at % len(self._nodes)]
            was_up = False
            try:
                connection = await Connection.connect(node, self._user.on_push, CONNECT_MAX_S)
                try:
                    await self._user.on_up(connection)
                    was_up = True
                    self._say(f"Connected to node: {node}")
                    reason = await self._watch(connection)
                finally:
                    connection.close()
                    self._user.on_down()
            except NodeError as error:
                reason = str(error)
            if was_up:
                backoff_s = BACKOFF_FIRST_S
            pause_s = backoff_s * (1 + random.random()) / 2
            word = "lost" if was_up else "not there"
            self._say(f"Node {node} is {word} ({reason}): next try in {pause_s:.1f} s")
            await asyncio.sleep(pause_s)
            backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)
            at += 1

    async def _watch(self, connection: Connection) -> str:
        """Wait until the node is lost; why."""
        loop = asyncio.get_running_loop()
        while not connection.lost.done():
            await asyncio.wait((connection.lost,), timeout=PING_S)
            silent_s = loop.time() - connection.heard_s
            if connection.lost.done():
                break
            if silent_s >= SILENT_MAX_S:
                return "no answer in time"
            if silent_s >= PING_S:
                connection.post(lambda reply: None, b"PING")
        return connection.lost.result()
