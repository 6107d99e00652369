"""`trivet cap --real`: its words, its links that can be cut, and whom it expects to be served."""

import asyncio

from click.testing import CliRunner

from trivet.cli.cap import command
from trivet.cli.cap_real import served_here
from trivet.cli.cap_world import Forwarder, free_ports
from trivet.cli.layout import HOST
from trivet.lab.cap.modes import MODE_ROWS, Serves
from trivet.lab.cap.troubles import TROUBLES

MODE = {mode.name: mode for mode in MODE_ROWS}
TROUBLE = {trouble.name: trouble for trouble in TROUBLES}


def test_help_says_what_it_does_to_this_machine():
    told = CliRunner().invoke(command, ["--help"])
    assert told.exit_code == 0
    for word in ("SIGKILL", "nothing else on this machine is touched", "Exit codes", "trivet lab cap"):
        assert word in " ".join(told.output.split())


def test_it_wants_to_be_asked_for():
    told = CliRunner().invoke(command, [])
    assert told.exit_code == 2
    assert "say --real" in told.output
    told = CliRunner().invoke(command, ["--real", "--mode", "quorum"])
    assert told.exit_code == 2
    assert "there is no mode 'quorum'" in told.output


def test_ports_are_all_different():
    assert len(set(free_ports(10))) == 10


def test_a_shut_forwarder_passes_nothing_and_an_open_one_all_of_it():
    async def play():
        heard = []
        got = asyncio.Event()

        async def accept(reader, writer):
            while data := await reader.read(100):
                heard.append(data)
                got.set()
            writer.close()

        server = await asyncio.start_server(accept, HOST, 0)
        way = Forwarder(server.sockets[0].getsockname()[1])
        await way.start()
        _, writer = await asyncio.open_connection(HOST, way.port)
        writer.write(b"one")
        await got.wait()
        got.clear()
        way.shut()
        writer.write(b"two")
        try:
            async with asyncio.timeout(0.2):
                await got.wait()
            raise AssertionError("a shut forwarder has passed something on")
        except TimeoutError:
            pass
        way.open()
        await got.wait()
        writer.close()
        way.stop()
        server.close()
        return b"".join(heard)

    assert asyncio.run(play()) == b"onetwo"


def test_who_is_served_depends_on_where_the_only_copy_is():
    order = [4, 2, 1, 3, 5]
    cut, crash, local = TROUBLE["cut"], TROUBLE["crash"], MODE["local"]
    assert served_here(cut, local, 2, order).served[Serves.HOLDER] == (0,)
    assert served_here(cut, local, 5, order).served[Serves.HOLDER] == (1,)
    assert served_here(crash, local, 4, order).served[Serves.HOLDER] == ()
    assert served_here(crash, local, 2, order).served[Serves.HOLDER] == (0, 1)
    assert served_here(cut, MODE["raft"], 4, order) is cut
