"""The driver with real sockets, real files and a node that is only an echo: every effect, every input."""

import asyncio
import contextlib
import logging

import pytest

from tests.runtime.stage import GoneTransport, Perform, Stage
from trivet.core.base.errors import StartError
from trivet.runtime.clients import ClientConnection
from trivet.runtime.loop import NodeRunner
from trivet.runtime.peers import DialedLink
from trivet.runtime.room import Room


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
        assert ahead_s() < runner._tick_s + 0.001, "a sum of fractions is not exact"
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
