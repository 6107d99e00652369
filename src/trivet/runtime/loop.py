"""The driver: one node, its sockets, its disk, its clock, in one event loop.

Inputs go straight into the node; the first of a loop turn schedules the end of that turn, where
the node says what to do, and this file does it. It knows no rule: no message, no command, no
role is looked at here. All it adds is the order of effects (peers, clients, disk) and the loop.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from trivet.core.base.disk import Channel, DiskFault
from trivet.core.base.errors import StartError
from trivet.core.base.ids import ConnectionId, LinkId, NodeId
from trivet.core.node.effects import Effects
from trivet.runtime.clients import ClientConnection
from trivet.runtime.config import RunConfig
from trivet.runtime.disk import DirectoryStorage, DiskThread
from trivet.runtime.driven import DrivenNode
from trivet.runtime.peers import AcceptedLink, DialedLink
from trivet.runtime.room import Room

FLUSH_MAX_S = 1.0
"""How long a finished node waits for its last replies to get out."""

_logger = logging.getLogger("trivet.node")


def mono_ms() -> int:
    """The monotonic clock, in ms."""
    return time.monotonic_ns() // 1_000_000


def wall_ms() -> int:
    """Unix time, in ms."""
    return time.time_ns() // 1_000_000


class NodeRunner:
    """Drives one node until it has stopped."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        node: DrivenNode,
        config: RunConfig,
        storage: DirectoryStorage,
        room: Room,
    ) -> None:
        self.loop = loop
        self.room = room
        self.node = node
        self.config = config
        self.clients: dict[ConnectionId, ClientConnection] = {}
        self.links: dict[LinkId, AcceptedLink] = {}
        self.exit_code: int | None = None
        self._peers: dict[NodeId, DialedLink] = {}
        self._servers: list[asyncio.Server] = []
        self._awake = False
        self._inputs = 0
        """How many there were since the last turn."""
        self._number = 0
        self._tick_s = config.node.tick_ms / 1000
        self._calm_s = max(self._tick_s, config.node.heartbeat_ms / 1000)
        self._calm = False
        """The node needs but few ticks, until it says otherwise."""
        self._timer: asyncio.TimerHandle | None = None
        """The next tick."""
        self._ended = loop.create_future()
        self._disks = {
            channel: DiskThread(storage, channel, self._from_thread, self._disk_done, self._disk_failed)
            for channel in Channel
        }

    async def run(self) -> int:
        """Serve until the node has stopped; the exit code. Raises ``StartError``."""
        self.loop.set_exception_handler(self._on_exception)
        try:
            await self._listen()
            config = self.config.node
            seen = {member.id: member for member in config.known + config.members if member.id != config.node}
            self._dial([(member.id, member.host, member.peer_port) for member in seen.values()])
            self._tick()
            await self._ended
        finally:
            await self._close()
        return self.exit_code or 0

    async def _listen(self) -> None:
        me = self.config.node.address()
        doors: list[tuple[Callable[[], asyncio.Protocol], str, int]] = [
            (
                lambda: AcceptedLink(self, self.links),
                self.config.settings.peer_listen or me.host,
                me.peer_port,
            ),
            (
                lambda: ClientConnection(self, self.clients),
                self.config.settings.listen or me.host,
                me.client_port,
            ),
        ]
        for protocol, host, port in doors:
            try:
                server = await self.loop.create_server(protocol, host, port, backlog=self.room.backlog)
            except OSError as error:
                raise StartError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
            self._servers.append(server)

    async def _close(self) -> None:
        """Let the last replies out, unless the node died; then let go of everything."""
        for server in self._servers:
            server.close()
        for peer in self._peers.values():
            peer.stop()
        for link in list(self.links.values()):
            link.close()
        for client in list(self.clients.values()):
            if self.exit_code == 0:
                client.flush()
            else:
                client.kill()
        deadline_s = self.loop.time() + FLUSH_MAX_S
        while (self.clients or self.links) and self.loop.time() < deadline_s:
            await asyncio.sleep(0.005)
        for client in list(self.clients.values()):
            client.kill()
        for disk in self._disks.values():
            disk.stop(FLUSH_MAX_S)

    def next_number(self) -> int:
        """A number for a connection or a link, never given twice."""
        self._number += 1
        return self._number

    def stop(self) -> None:
        """Ask the node to stop; it says when it has."""
        self.node.stop()
        self.wake()

    def wake(self) -> None:
        """There was input: end this loop turn with a turn of the node."""
        self._inputs += 1
        if not self._awake:
            self._awake = True
            self.loop.call_soon(self._turn)

    def _tick(self) -> None:
        self._timer = self.loop.call_later(self._calm_s if self._calm else self._tick_s, self._tick)
        self.node.on_tick(mono_ms(), wall_ms())
        self.wake()

    def _become_calm(self, calm: bool) -> None:
        """From the next tick on ticks are rare; or they are not, and the next is near (or nearer)."""
        self._calm = calm
        if not calm and self._timer is not None and self._timer.when() > self.loop.time() + self._tick_s:
            self._timer.cancel()
            self._timer = self.loop.call_later(self._tick_s, self._tick)

    def _turn(self) -> None:
        if self._one_turn():
            self._one_turn()  # what was synced at once is acknowledged at once
        self._awake = bool(self._inputs)
        if self._awake:
            self.loop.call_soon(self._turn)

    def _one_turn(self) -> bool:
        """Returns whether the disk has already reported, which is input for another turn."""
        calm = self._inputs <= 1
        self._inputs = 0
        if self.exit_code is not None:
            return False
        effects = self.node.turn(mono_ms(), wall_ms())
        for level, text in effects.log:
            _logger.log(level, "%s", text)
        if effects.fatal:
            self._end(1, effects.fatal)
            return False
        if effects.calm is not self._calm:
            self._become_calm(effects.calm)
        if effects.dials is not None:
            self._dial(effects.dials)
        if effects.sends:
            self._send(effects.sends)
        for conn, data in effects.replies:
            client = self.clients.get(conn)
            if client is not None:
                client.write(data)
        self._perform_rest(effects)
        reported = False
        for job in effects.disk:
            reported |= self._disks[job.channel].take(job, at_once=calm and job.channel is Channel.LOG)
        if effects.finished:
            self._end(0, "")
        elif effects.again:
            self.wake()
        return reported

    def _dial(self, dials: list[tuple[NodeId, str, int]]) -> None:
        """Hold links to these peers, and no others. Another address of a peer is another link."""
        routes = {route.id: (route.host, route.peer_port) for route in self.config.settings.routes}
        wanted = {peer: routes.get(peer, (host, port)) for peer, host, port in dials}
        for peer, link in list(self._peers.items()):
            if wanted.get(peer) != (link.host, link.port):
                del self._peers[peer]
                link.stop()
        output_bytes_max = self.config.settings.peer_output_bytes_max
        for peer, (host, port) in wanted.items():
            if peer not in self._peers:
                self._peers[peer] = DialedLink(self, peer, host, port, output_bytes_max)

    def _send(self, sends: list[tuple[NodeId, bytes]]) -> None:
        """One write per peer. A frame for a peer without a link is dropped, like one whose link is down."""
        by_peer: dict[NodeId, list[bytes]] = {}
        for peer, frame in sends:
            by_peer.setdefault(peer, []).append(frame)
        for peer, frames in by_peer.items():
            if peer in self._peers:
                self._peers[peer].send(frames[0] if len(frames) == 1 else b"".join(frames))

    def _perform_rest(self, effects: Effects) -> None:
        clients = self.clients
        for conn in effects.closes:
            if conn in clients:
                clients[conn].close()
        for conn in effects.kills:
            if conn in clients:
                clients[conn].kill()
        for link in effects.link_closes:
            if link in self.links:
                self.links[link].close()
        for peer in effects.redials:
            if peer in self._peers:
                self._peers[peer].redial()
        for conn in effects.pauses:
            if conn in clients:
                clients[conn].pause_reading()
        for conn in effects.resumes:
            if conn in clients:
                clients[conn].resume_reading()

    def _disk_done(self, token: int, reads: list[bytes]) -> None:
        self.node.on_disk_done(token, reads)
        self.wake()

    def _disk_failed(self, token: int, fault: DiskFault, text: str) -> None:
        self.node.on_disk_failed(token, fault, text)
        self.wake()

    def _from_thread(self, callback: Callable[..., object], *facts: object) -> None:
        """Called in a disk's thread. A loop that is gone needs no report."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(callback, *facts)

    def _end(self, exit_code: int, fatal: str) -> None:
        """The node is done for, one way or the other: no input and no effect counts any more."""
        if self.exit_code is None:
            self.exit_code = exit_code
            if fatal:
                _logger.critical("stopping at once: %s", fatal)
            self._ended.set_result(None)

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """A network error of one connection is its own affair; an error in the node is the end of it."""
        error = context.get("exception")
        if error is None or isinstance(error, OSError):
            _logger.warning("%s: %s", context.get("message"), error)
            return
        assert isinstance(error, BaseException)
        _logger.critical("a defect in Trivet: %s", context.get("message"), exc_info=error)
        self._end(1, f"a defect in Trivet: {error!r}")
