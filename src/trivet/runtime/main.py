"""One node as one process: recover, serve, stop."""

import asyncio
import gc
import logging
import os
import signal
import sys

import msgspec

from trivet.core.base.errors import StartError
from trivet.core.node.node import Node
from trivet.runtime import logs
from trivet.runtime.birth import birth_of
from trivet.runtime.config import RunConfig
from trivet.runtime.disk import DirectoryStorage
from trivet.runtime.loop import NodeRunner, mono_ms, wall_ms
from trivet.runtime.room import Room, make_room

GARBAGE_AFTER = 20_000
"""So many more objects than before make the collector look for garbage; a node makes hardly any in cycles."""
SWITCH_INTERVAL_S = 0.0005
"""How long the loop may keep the interpreter from a disk thread whose sync is done."""

_logger = logging.getLogger("trivet.node")


def run_node(config: RunConfig) -> int:
    """Run one node until it is told to stop (SIGTERM, SIGINT) or must; the exit code."""
    logs.set_up(config.node.node, config.settings.log_level, config.settings.log_format)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    limits = config.node.limits
    try:
        room, files = make_room(limits.connections_max, limits.peer_links_max)
        if room.clients_max < limits.connections_max:
            _logger.warning(
                "only %d open files are allowed (ulimit -n): this node takes %d clients, not %d",
                files,
                room.clients_max,
                limits.connections_max,
            )
        storage = DirectoryStorage(config.data)
        seed = int.from_bytes(os.urandom(32), "little")
        settings = msgspec.structs.replace(config.node, birth=birth_of(config.data))
        node = Node(settings, storage, seed, mono_ms(), wall_ms())
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE_AFTER, *gc.get_threshold()[1:])
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            exit_code = runner.run(_serve(node, config, storage, room))
    except StartError as error:
        _logger.critical("cannot start: %s", error)
        return 1
    storage.close()
    return exit_code


async def _serve(node: Node, config: RunConfig, storage: DirectoryStorage, room: Room) -> int:
    loop = asyncio.get_running_loop()
    runner = NodeRunner(loop, node, config, storage, room)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runner.stop)
    return await runner.run()


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop
