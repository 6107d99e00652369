"""One node as one process: recover, serve, stop."""

import asyncio
import gc
import logging
import os
import resource
import signal
import sys

from trivet.core.base.errors import StartError
from trivet.core.node.node import Node
from trivet.runtime import logs
from trivet.runtime.config import RunConfig
from trivet.runtime.disk import DirectoryStorage
from trivet.runtime.loop import NodeRunner, mono_ms, wall_ms

SWITCH_INTERVAL_S = 0.0005
"""How long the loop may keep the interpreter from a disk thread whose sync is done."""
SPARE_FILES = 64

_logger = logging.getLogger("trivet.node")


def run_node(config: RunConfig) -> int:
    """Run one node until it is told to stop (SIGTERM, SIGINT) or must; the exit code."""
    logs.set_up(config.node.node, config.settings.log_level, config.settings.log_format)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _allow_open_files(config.node.limits.connections_max + config.node.limits.peer_links_max + SPARE_FILES)
    try:
        storage = DirectoryStorage(config.data)
        seed = int.from_bytes(os.urandom(32), "little")
        node = Node(config.node, storage, seed, mono_ms(), wall_ms())
        gc.collect()
        gc.freeze()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            exit_code = runner.run(_serve(node, config, storage))
    except StartError as error:
        _logger.critical("cannot start: %s", error)
        return 1
    storage.close()
    return exit_code


async def _serve(node: Node, config: RunConfig, storage: DirectoryStorage) -> int:
    loop = asyncio.get_running_loop()
    runner = NodeRunner(loop, node, config, storage)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runner.stop)
    return await runner.run()


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop


def _allow_open_files(wanted: int) -> None:
    """Ask for as many sockets as the limits promise, within what the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
