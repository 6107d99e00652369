"""python-socketio: two servers at two nodes, asyncio and threads; what one emits reaches the clients of the other."""

import pytest

from tests.libraries.running import python

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]


@pytest.mark.parametrize("part", ["async", "threads"])
def test_socketio(run, part):
    run(python(), "socketio_servers.py", part)
