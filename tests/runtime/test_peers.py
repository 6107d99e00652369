"""Links to peers, dialed by a node that is only an echo: they break, are given up, are dialed again."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable

import msgspec
import pytest

from tests.runtime.stage import DEADLINE_S, GoneTransport, Perform, Stage
from trivet.core.cluster.map import Member
from trivet.core.node.config import NodeConfig
from trivet.runtime import peers
from trivet.runtime.config import Route, RunConfig
from trivet.runtime.peers import DialedLink


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


def test_a_peer_that_is_there_is_not_waited_for(perform: Perform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "BACKOFF_FIRST_S", 10 * DEADLINE_S)
    monkeypatch.setattr(peers, "BACKOFF_MAX_S", 10 * DEADLINE_S)

    async def scene(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        listener = stage.sockets[3]
        listener.setblocking(False)
        (await loop.sock_accept(listener))[0].close()
        await stage.until(lambda: stage.saw("lost"))
        stage.node.effects.redials.append(2)
        stage.runner.wake()
        await stage.until(lambda: len(stage.saw("dialed")) == 2)

    assert perform(scene, peers=1) == 0


def test_an_attempt_whose_first_words_were_lost_is_not_waited_for(
    perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "CONNECT_MAX_S", 10 * DEADLINE_S)

    async def scene(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        connect, attempts = loop.create_connection, []

        async def unanswered_at_first(*what: object) -> object:
            attempts.append(what)
            if len(attempts) == 1:
                await asyncio.Event().wait()
            return await connect(*what)  # type: ignore[arg-type]

        monkeypatch.setattr(loop, "create_connection", unanswered_at_first)
        link = DialedLink(stage.runner, 7, "127.0.0.1", port_of(stage.sockets[2]), 1000)
        await stage.until(lambda: attempts)
        assert ("dialed", 7) not in links(stage)
        link.redial()
        await stage.until(lambda: ("dialed", 7) in links(stage))
        link.stop()

    assert perform(scene, peers=1) == 0


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
