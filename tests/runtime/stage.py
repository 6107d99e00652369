"""A stage for the driver: real sockets, real files, and a node that is only an echo."""

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path

from bench.peers import free_ports
from trivet.core.base.disk import Channel, DiskFault, DiskJob, Read, Sync, Write
from trivet.core.cluster.map import Member
from trivet.core.node.config import NodeConfig
from trivet.core.node.effects import Effects
from trivet.runtime.config import RunConfig, RunSettings
from trivet.runtime.disk import DirectoryStorage
from trivet.runtime.loop import NodeRunner

DEADLINE_S = 20.0


class EchoNode:
    """Says back what clients say, after the disk has it; notes every input. A few words are orders."""

    def __init__(self) -> None:
        self.effects = Effects()
        self.seen: list[tuple[object, ...]] = []
        self.jobs: dict[int, tuple[int, bytes]] = {}
        self.calm = False
        self.ticks = 0
        self.turns = 0
        self.token = 0

    def note(self, *facts: object) -> None:
        self.seen.append(facts)

    def on_client_connected(self, conn: int, address: str, local_address: str = "") -> None:
        self.note("connected", conn, address)

    def on_client_bytes(self, conn: int, data: bytes) -> None:
        effects = self.effects
        if data == b"defect":
            raise ZeroDivisionError("a planted defect")
        orders: dict[bytes, Callable[[], object]] = {
            b"close": lambda: (effects.replies.append((conn, b"bye")), effects.closes.append(conn)),
            b"kill": lambda: (effects.replies.append((conn, b"bye" * 1000)), effects.kills.append(conn)),
            b"fatal": lambda: (
                effects.replies.append((conn, b"never")),
                setattr(effects, "fatal", "the disk"),
            ),
            b"flood": lambda: effects.replies.append((conn, bytes(16 * 1024 * 1024))),
            b"send": lambda: effects.sends.extend([(2, b"one "), (2, b"two")]),
            b"redial": lambda: effects.redials.append(2),
            b"again": lambda: setattr(effects, "again", True),
            b"calm": lambda: setattr(self, "calm", True),
            b"hurry": lambda: setattr(self, "calm", False),
            b"pause": lambda: effects.pauses.append(conn),
            b"log": lambda: effects.log.append((logging.WARNING, "a line")),
        }
        if data in orders:
            self.note("order", data)
            orders[data]()
            return
        self.token += 1
        self.jobs[self.token] = (conn, data)
        operations = [Write("log", 0, data), Sync("log"), Read("log", 0, len(data))]
        if data == b"fail":
            operations = [Sync("missing")]
        effects.disk.append(DiskJob(self.token, Channel.LOG, operations))

    def on_client_closed(self, conn: int) -> None:
        self.note("closed", conn)

    def on_client_backlog(self, conn: int, backlog_bytes: int) -> None:
        self.note("backlog", conn, backlog_bytes)

    def on_peer_dialed(self, peer: int) -> None:
        self.note("dialed", peer)
        self.effects.sends.append((peer, b"hello "))

    def on_peer_lost(self, peer: int) -> None:
        self.note("lost", peer)

    def on_link_accepted(self, link: int, address: str) -> None:
        self.note("accepted", link)

    def on_link_bytes(self, link: int, data: bytes) -> None:
        self.note("link", link, data)
        if data == b"close":
            self.effects.link_closes.append(link)

    def on_link_closed(self, link: int) -> None:
        self.note("link closed", link)

    def on_disk_done(self, token: int, reads: list[bytes]) -> None:
        conn, _ = self.jobs.pop(token)
        self.effects.replies.append((conn, reads[0]))

    def on_disk_failed(self, token: int, fault: DiskFault, text: str) -> None:
        conn, _ = self.jobs.pop(token)
        self.effects.replies.append((conn, f"{fault.name} {text}".encode()))

    def on_tick(self, mono_ms: int, wall_ms: int) -> None:
        self.ticks += 1

    def stop(self) -> None:
        self.effects.finished = True

    def turn(self, mono_ms: int, wall_ms: int) -> Effects:
        self.turns += 1
        effects, self.effects = self.effects, Effects()
        effects.calm = self.calm
        return effects


class Stage:
    """A runner under test and the sockets around it."""

    def __init__(self, directory: Path, peers: int) -> None:
        ports = free_ports(2 * (peers + 1))
        self.sockets = [socket.create_server(("127.0.0.1", port)) for port in ports]
        for sock in self.sockets[:2]:
            sock.close()
        members = [Member(1 + i, "127.0.0.1", ports[2 * i], ports[2 * i + 1]) for i in range(peers + 1)]
        self.client_port, self.peer_port = ports[:2]
        self.config = RunConfig(
            node=NodeConfig(node=1, cluster="c0", members=members),
            settings=RunSettings(data="data", peer_output_bytes_max=1024 * 1024),
            data=directory,
        )
        self.node = EchoNode()
        self.storage = DirectoryStorage(directory)
        self.runner: NodeRunner

    async def ask(self, data: bytes, size: int) -> bytes:
        """What the node says to ``data``, ``size`` bytes of it."""
        reader, writer = await self.connect()
        writer.write(data)
        got = await reader.readexactly(size)
        writer.close()
        return got

    async def connect(self, *, limit: int = 65536) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", self.client_port, limit=limit)
            except ConnectionRefusedError:
                await asyncio.sleep(0.001)

    async def until(self, condition: Callable[[], object]) -> None:
        deadline = asyncio.get_running_loop().time() + DEADLINE_S
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, self.node.seen
            await asyncio.sleep(0.001)

    def saw(self, what: str) -> list[tuple[object, ...]]:
        return [facts for facts in self.node.seen if facts[0] == what]


class GoneTransport(asyncio.Transport):
    """As uvloop's between the end of its handle and ``connection_lost``: not closing, and of no use."""

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def _refuse(self, *_: object) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    write = pause_reading = resume_reading = write_eof = _refuse  # type: ignore[assignment]

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing to limit."""

    def abort(self) -> None:
        """Nothing to abort."""


Perform = Callable[..., int]
