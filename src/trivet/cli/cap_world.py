"""Five real nodes on this machine whose links can be cut: a process per node, a forwarder per pair of nodes.

Each node reaches each other one through a forwarder of their own (``routes`` in its ``node.toml``), so that a
partition needs no privilege: a forwarder that is shut passes nothing on, as a network that delivers nothing.
What was under way arrives when it opens again, as TCP would see to it.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from trivet.cli.layout import HOST, member_lines
from trivet.cli.probe import Probe, ProbeError, Reply

PIECE_BYTES: Final = 65_536
STARTS_S: Final = 30.0
STOPS_S: Final = 10.0


class WorldError(Exception):
    """The nodes do not do what they must before anything can be measured."""


class Forwarder:
    """From one node to another, while it is open."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self._target_port = target_port
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        """Listen on a port of its own."""
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """Nothing passes any more."""
        self._open.clear()

    def open(self) -> None:
        """All passes again, what waited first."""
        self._open.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        try:
            there_reader, there_writer = await asyncio.open_connection(HOST, self._target_port)
        except OSError:
            writer.close()
            return
        self._writers += [writer, there_writer]
        await asyncio.gather(self._pass(reader, there_writer), self._pass(there_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(PIECE_BYTES):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        await self._open.wait()
        writer.close()

    def stop(self) -> None:
        """No more connections."""
        self._open.set()
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()


class World:
    """The nodes and what lies between them. ``start`` it, and ``stop`` it whatever happens."""

    def __init__(self, place: Path, count: int) -> None:
        self.nodes = list(range(1, count + 1))
        ports = free_ports(2 * count)
        self.client_ports = dict(zip(self.nodes, ports[:count], strict=True))
        self._peer_ports = dict(zip(self.nodes, ports[count:], strict=True))
        self._place = place
        self._ways: dict[tuple[int, int], Forwarder] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    async def start(self) -> None:
        """All nodes run and have founded their cluster. Raises WorldError."""
        for source in self.nodes:
            for target in self.nodes:
                if source != target:
                    way = self._ways[(source, target)] = Forwarder(self._peer_ports[target])
                    await way.start()
        for node in self.nodes:
            (self._place / f"node-{node}").mkdir()
            (self._place / f"node-{node}" / "node.toml").write_text(self._toml(node))
            self.launch(node)
        end_s = asyncio.get_running_loop().time() + STARTS_S
        while not all([await self._is_ready(node) for node in self.nodes]):
            if asyncio.get_running_loop().time() > end_s:
                raise WorldError(f"the nodes are not ready within {STARTS_S:.0f} s: see {self._place}")
            await asyncio.sleep(0.1)

    def _toml(self, node: int) -> str:
        lines = [f"node = {node}", f'cluster = "{"ca" * 16}"', f"data = {json.dumps('data')}"]
        for other in self.nodes:
            lines += member_lines("members", other, HOST, self.client_ports[other], self._peer_ports[other])
        for other in self.nodes:
            if other != node:
                port = self._ways[(node, other)].port
                lines += ["", "[[routes]]", f"id = {other}", f'host = "{HOST}"', f"peer_port = {port}"]
        return "\n".join(lines) + "\n"

    async def _is_ready(self, node: int) -> bool:
        info = await self.info(node)
        return info.get("raft_leader", "0") not in ("", "0")

    async def info(self, node: int) -> dict[str, str]:
        """INFO of a node; nothing when it does not answer."""

        def ask() -> dict[str, str]:
            probe = Probe(HOST, self.client_ports[node])
            try:
                return probe.info()
            except ProbeError:
                return {}
            finally:
                probe.close()

        return await asyncio.to_thread(ask)

    async def call(self, node: int, *words: str) -> Reply:
        """One command. Raises ProbeError."""

        def ask() -> Reply:
            probe = Probe(HOST, self.client_ports[node], timeout_s=10.0)
            try:
                return probe.call(*words)
            finally:
                probe.close()

        return await asyncio.to_thread(ask)

    def launch(self, node: int) -> None:
        """Start the process of a node."""
        place = self._place / f"node-{node}"
        with (place / "node.log").open("ab") as log:
            words = ["node", "--config", str(place / "node.toml"), "--parent", str(os.getpid())]
            self._processes[node] = subprocess.Popen(
                [sys.executable, "-m", "trivet", *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, node: int) -> None:
        """End a node's process at once, by SIGKILL."""
        self._processes[node].kill()
        self._processes[node].wait()

    def cut(self, side: Iterable[int]) -> None:
        """``side`` and the others cannot reach each other."""
        here = list(side)
        for (source, target), way in self._ways.items():
            if (source in here) != (target in here):
                way.shut()

    def heal(self) -> None:
        """All links are whole."""
        for way in self._ways.values():
            way.open()

    def stop(self) -> None:
        """End all processes of it."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(STOPS_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for way in self._ways.values():
            way.stop()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
