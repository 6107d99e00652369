"""The driver with real sockets, real files and a node that is only an echo: every effect, every input."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
import uvloop

from trivet.core.base.disk import Channel, DiskFault, DiskJob, Read, Sync, Write
from trivet.core.base.errors import StartError
from trivet.core.cluster.map import Member
from trivet.core.node.config import NodeConfig
from trivet.core.node.effects import Effects
from trivet.runtime import peers
from trivet.runtime.clients import ClientConnection
from trivet.runtime.config import Route, RunConfig, RunSettings
from trivet.runtime.disk import DirectoryStorage
from trivet.runtime.loop import NodeRunner
from trivet.runtime.peers import DialedLink
from trivet.runtime.room import Room

T = TypeVar("T")
DEADLINE_S = 5.0


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
        self.sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2 * (peers + 1))]
        ports = [sock.getsockname()[1] for sock in self.sockets]
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


@pytest.fixture(params=["uvloop", "asyncio"])
def perform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Run a scene against a runner; gives the runner's exit code."""

    def play(scene: Callable[[Stage], Awaitable[None]], *, peers: int = 0) -> int:
        stage = Stage(tmp_path / "data", peers)

        async def both() -> int:
            stage.runner = NodeRunner(
                asyncio.get_running_loop(), stage.node, stage.config, stage.storage, Room(1000, 100, 128)
            )
            running = asyncio.create_task(stage.runner.run())
            async with asyncio.timeout(3 * DEADLINE_S):
                await scene(stage)
                if not running.done() and stage.runner.exit_code is None:
                    stage.runner.stop()
                return await running

        factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
        try:
            with asyncio.Runner(loop_factory=factory) as runner:
                return runner.run(both())
        finally:
            for sock in stage.sockets:
                sock.close()
            stage.storage.close()

    return play


Perform = Callable[..., int]


def test_a_client_is_answered_after_the_disk(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        assert await stage.ask(b"hello", 5) == b"hello"
        assert await stage.ask(b"fail", 30) == b"FAILED sync missing: No such f"
        await stage.until(lambda: len(stage.saw("closed")) == 2)
        assert [facts[1] for facts in stage.saw("connected")] == [1, 2]
        assert str(stage.saw("connected")[0][2]).startswith("127.0.0.1:")

    assert perform(scene) == 0


def test_time_passes(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.node.ticks >= 3)
        await stage.until(lambda: stage.node.turns >= 3)

    assert perform(scene) == 0


def test_a_close_lets_the_last_bytes_out_even_when_input_is_left(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        reader, writer = await stage.connect()
        writer.write(b"close")
        await stage.until(lambda: stage.saw("order"))
        writer.write(bytes(1024 * 1024))
        assert await reader.read() == b"bye"
        writer.close()
        await stage.until(lambda: stage.saw("closed") == [("closed", 1)])
        assert not stage.node.jobs

    assert perform(scene) == 0


def test_a_close_does_not_wait_for_the_client(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        reader, writer = await stage.connect()
        writer.write(b"close")
        assert await reader.read() == b"bye"
        await stage.until(lambda: stage.saw("closed"))
        writer.close()

    assert perform(scene) == 0


def test_a_kill_does_not_wait(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        reader, writer = await stage.connect()
        writer.write(b"kill")
        try:
            while await reader.read(65536):
                pass
        except ConnectionResetError:
            pass
        await stage.until(lambda: stage.saw("closed"))
        writer.close()

    assert perform(scene) == 0


def test_a_fatal_node_says_nothing_more(perform: Perform, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(stage: Stage) -> None:
        reader, writer = await stage.connect()
        writer.write(b"fatal")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()

    logging.getLogger("trivet").propagate = True
    assert perform(scene) == 1
    assert "stopping at once: the disk" in caplog.text


def test_a_defect_ends_the_node(perform: Perform, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(stage: Stage) -> None:
        _, writer = await stage.connect()
        writer.write(b"defect")
        await stage.until(lambda: stage.runner.exit_code is not None)
        writer.close()

    logging.getLogger("trivet").propagate = True
    assert perform(scene) == 1
    assert "a planted defect" in caplog.text


def test_a_client_that_does_not_read_is_told_of(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        reader, writer = await stage.connect(limit=1024)
        writer.write(b"flood")
        await stage.until(lambda: stage.saw("connected"))
        await stage.until(lambda: stage.node.turns > 1)
        assert len(await reader.readexactly(16 * 1024 * 1024)) == 16 * 1024 * 1024
        await stage.until(lambda: stage.saw("backlog"))
        await stage.until(lambda: stage.saw("backlog")[-1] == ("backlog", 1, 0))
        assert max(int(str(facts[2])) for facts in stage.saw("backlog")) > 65536
        writer.close()

    assert perform(scene) == 0


def test_a_paused_client_is_not_read_from(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        reader, writer = await stage.connect()
        writer.write(b"pause")
        await stage.until(lambda: stage.saw("connected"))
        turns = stage.node.ticks
        await stage.until(lambda: stage.node.ticks > turns + 1)
        writer.write(b"hello")
        turns = stage.node.ticks
        await stage.until(lambda: stage.node.ticks > turns + 2)
        assert not stage.node.jobs
        stage.node.effects.resumes.append(1)
        assert await reader.readexactly(5) == b"hello"
        writer.close()

    assert perform(scene) == 0


def test_again_and_log(perform: Perform, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(stage: Stage) -> None:
        _, writer = await stage.connect()
        writer.write(b"again")
        await stage.until(lambda: stage.saw("connected"))
        await stage.until(lambda: stage.node.turns > 2)
        writer.write(b"log")
        await stage.until(lambda: "a line" in caplog.text)
        writer.close()

    logging.getLogger("trivet").propagate = True
    assert perform(scene) == 0


def test_a_peer_is_dialed_again_and_again(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        listener = stage.sockets[3]
        listener.setblocking(False)

        async def accept() -> socket.socket:
            return (await loop.sock_accept(listener))[0]

        with await accept() as first:
            first.setblocking(False)
            assert await receive(loop, first, 6) == b"hello "
            _, writer = await stage.connect()
            writer.write(b"send")
            assert await receive(loop, first, 7) == b"one two"
        await stage.until(lambda: stage.saw("lost"))
        with await accept() as second:
            second.setblocking(False)
            assert await receive(loop, second, 6) == b"hello "
            writer.write(b"redial")
            with await accept() as third:
                third.setblocking(False)
                assert await receive(loop, third, 6) == b"hello "
        assert [facts[0] for facts in stage.node.seen if facts[-1] == 2][:4] == [
            "dialed",
            "lost",
            "dialed",
            "lost",
        ]
        writer.close()

    assert perform(scene, peers=1) == 0


async def receive(loop: asyncio.AbstractEventLoop, sock: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        piece = await loop.sock_recv(sock, size - len(got))
        assert piece
        got += piece
    return got


def test_a_peer_that_reads_nothing_is_given_up(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.saw("dialed"))
        while not stage.saw("lost"):
            stage.node.effects.sends.append((2, bytes(1024 * 1024)))
            stage.runner.wake()
            await asyncio.sleep(0)
        await stage.until(lambda: len(stage.saw("dialed")) == 2)

    assert perform(scene, peers=1) == 0


def test_frames_for_a_peer_that_is_down_are_dropped(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        _, writer = await stage.connect()
        writer.write(b"send")
        await stage.until(lambda: stage.saw("connected"))
        assert not stage.saw("dialed")
        writer.close()

    def without_peer(stage: Stage) -> Awaitable[None]:
        for sock in stage.sockets[2:]:
            sock.close()
        return scene(stage)

    assert perform(without_peer, peers=1) == 0


def test_links_are_accepted_and_closed(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        assert await stage.ask(b"up", 2) == b"up"
        _, writer = await asyncio.open_connection("127.0.0.1", stage.peer_port)
        writer.write(b"frames")
        await stage.until(lambda: stage.saw("link"))
        assert stage.saw("link") == [("link", 2, b"frames")]
        writer.write(b"close")
        await stage.until(lambda: stage.saw("link closed") == [("link closed", 2)])
        writer.close()

    assert perform(scene) == 0


def test_a_taken_port_is_an_error_in_words(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        _, writer = await stage.connect()
        second = NodeRunner(
            asyncio.get_running_loop(), stage.node, stage.config, stage.storage, Room(1000, 100, 128)
        )
        with pytest.raises(StartError, match=f"cannot listen on 127.0.0.1:{stage.peer_port}: "):
            await second.run()
        writer.close()

    assert perform(scene) == 0


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


def test_a_handle_that_uvloop_has_closed_is_no_defect(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        client = ClientConnection(stage.runner, stage.runner.clients)
        client.connection_made(GoneTransport())
        client.write(b"+OK\r\n")
        client.pause_reading()
        client.resume_reading()
        client.close()
        client.connection_lost(None)
        link = DialedLink(stage.runner, 2, "127.0.0.1", 2, 1000)
        link.transport = GoneTransport()
        link.send(b"frame")
        assert link.transport is None  # nothing is ever told of such a handle: it is dialed anew
        assert stage.saw("lost") == [("lost", 2)]
        link.stop()

    assert perform(scene) == 0


def dial(stage: Stage, *dials: tuple[int, str, int]) -> None:
    stage.node.effects.dials = list(dials)
    stage.runner.wake()


def port_of(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def links(stage: Stage) -> list[tuple[object, ...]]:
    return [facts for facts in stage.node.seen if facts[0] in ("dialed", "lost")]


def test_the_node_says_which_peers_to_dial_from_now_on(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: len(stage.saw("dialed")) == 2)
        two, three = ((n, "127.0.0.1", port_of(stage.sockets[2 * n - 1])) for n in (2, 3))
        four = (4, "127.0.0.1", port_of(stage.sockets[2]))
        stage.node.seen.clear()
        dial(stage, two, three)
        dial(stage, two, four)
        await stage.until(lambda: len(links(stage)) == 2)
        assert links(stage) == [("lost", 3), ("dialed", 4)]
        dial(stage)
        await stage.until(lambda: len(links(stage)) == 4)
        dial(stage, three)
        await stage.until(lambda: len(links(stage)) == 5)
        assert links(stage)[2:] == [("lost", 2), ("lost", 4), ("dialed", 3)]

    assert perform(scene, peers=2) == 0


def test_another_address_of_a_peer_is_another_link(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        await stage.until(lambda: stage.saw("dialed"))
        other = stage.sockets[2]
        other.setblocking(False)
        dial(stage, (2, "127.0.0.1", port_of(other)))
        with (await loop.sock_accept(other))[0] as accepted:
            accepted.setblocking(False)
            assert await receive(loop, accepted, 6) == b"hello "
        await stage.until(lambda: len(links(stage)) >= 3)
        assert links(stage)[:3] == [("dialed", 2), ("lost", 2), ("dialed", 2)]

    assert perform(scene, peers=1) == 0


def test_a_peer_is_reached_by_its_route_wherever_it_says_that_it_is(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        dial(stage, (2, "127.0.0.1", 1))
        await stage.until(lambda: stage.saw("dialed") == [("dialed", 2)])
        assert await stage.ask(b"up", 2) == b"up"
        dial(stage)
        await stage.until(lambda: stage.saw("lost") == [("lost", 2)])

    def routed(stage: Stage) -> Awaitable[None]:
        route = Route(id=2, host="127.0.0.1", peer_port=port_of(stage.sockets[2]))
        settings = msgspec.structs.replace(stage.config.settings, routes=[route])
        stage.runner.config = msgspec.structs.replace(stage.config, settings=settings)
        return scene(stage)

    assert perform(routed, peers=1) == 0


def test_a_link_that_is_given_up_while_it_is_being_made_never_comes_up(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        link = DialedLink(stage.runner, 7, "127.0.0.1", port_of(stage.sockets[3]), 1000)
        await asyncio.sleep(0)
        link.stop()
        link.up(GoneTransport())
        assert link.transport is None
        assert not [facts for facts in links(stage) if facts[1] == 7]

    assert perform(scene, peers=1) == 0


def test_a_link_that_comes_up_as_patience_ends_is_up_or_is_dialed_again(
    perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timer and the connection in one turn of the loop: after a partition that is quite usual."""
    monkeypatch.setattr(peers, "CONNECT_MAX_S", 0.02)

    async def scene(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        listener = stage.sockets[2]
        listener.setblocking(False)

        async def hears(link: DialedLink) -> bool:
            """Whether the next connection is one on which the link speaks, not one that it gave up."""
            accepted, _ = await asyncio.wait_for(loop.sock_accept(listener), DEADLINE_S)
            accepted.setblocking(False)
            link.send(b"frame")
            with accepted, contextlib.suppress(ConnectionError):
                return b"frame" in await loop.sock_recv(accepted, 1000)
            return False

        for steps in range(5):
            stage.node.seen.clear()
            link = DialedLink(stage.runner, 7, "127.0.0.1", port_of(listener), 1000)
            for _ in range(steps):
                await asyncio.sleep(0)
            time.sleep(0.03)  # as on a machine that is busy
            await stage.until(lambda: ("dialed", 7) in links(stage))
            while not await hears(link):
                pass
            link.stop()

    assert perform(scene, peers=1) == 0


def test_effects_for_a_peer_that_is_no_more_are_dropped(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.saw("dialed"))
        dial(stage)
        await stage.until(lambda: stage.saw("lost"))
        _, writer = await stage.connect()
        writer.write(b"send")
        await stage.until(lambda: len(stage.saw("order")) == 1)
        writer.write(b"redial")
        await stage.until(lambda: len(stage.saw("order")) == 2)
        writer.close()

    assert perform(scene, peers=1) == 0


def test_a_node_that_joined_listens_where_it_says_and_dials_whom_it_knows(perform: Perform) -> None:
    async def scene(stage: Stage) -> None:
        await stage.until(lambda: stage.saw("dialed") == [("dialed", 1), ("dialed", 2)])
        assert await stage.ask(b"up", 2) == b"up"

    def joined(stage: Stage) -> Awaitable[None]:
        known = [Member(n, "127.0.0.1", 1, port_of(stage.sockets[2 * n + 1])) for n in (1, 2)]
        node = NodeConfig(
            node=9, cluster="c0", host="127.0.0.1", client_port=stage.client_port,
            peer_port=stage.peer_port, known=known,
        )  # fmt: skip
        stage.runner.config = RunConfig(node=node, settings=stage.config.settings, data=stage.config.data)
        return scene(stage)

    assert perform(joined, peers=2) == 0


def test_ticks_are_rare_while_the_node_is_calm_and_come_back_at_once(perform: Perform) -> None:
    """The timer of the next tick says how far it is: no time is measured here."""

    async def scene(stage: Stage) -> None:
        runner, loop = stage.runner, asyncio.get_running_loop()

        def ahead_s() -> float:
            assert runner._timer is not None
            return runner._timer.when() - loop.time()

        reader, writer = await stage.connect()
        writer.write(b"calm")
        await stage.until(lambda: runner._calm)
        seen = stage.node.ticks
        await stage.until(lambda: stage.node.ticks > seen)
        assert runner._calm_s > 2 * runner._tick_s
        await stage.until(lambda: ahead_s() > runner._tick_s)
        writer.write(b"hurry")
        await stage.until(lambda: not runner._calm)
        assert ahead_s() <= runner._tick_s
        due_s = runner._timer.when()
        for _ in range(3):  # however often it changes its mind, the next tick comes no later
            runner._become_calm(True)
            runner._become_calm(False)
            assert runner._timer.when() == due_s
        seen = stage.node.ticks
        await stage.until(lambda: stage.node.ticks > seen + 1)
        writer.close()
        del reader

    assert perform(scene) == 0
