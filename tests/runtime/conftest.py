"""``perform``: a scene on the stage, under both event loops."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from tests.runtime.stage import DEADLINE_S, Stage
from trivet.runtime.loop import NodeRunner
from trivet.runtime.room import Room


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
