"""The power goes on all three nodes at once, under load: everything acknowledged is there afterwards."""

import contextlib
import os
import time

import pytest

from tests.cluster import powercut
from tests.cluster.harness import HOST, wait_until
from tests.cluster.load import Load, connect

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


@pytest.fixture
def disks(tmp_path):
    reason = powercut.why_not(tmp_path)
    if reason:
        pytest.skip(reason)
    made = []
    data = tmp_path / "data"
    data.mkdir()
    # `trivet up` takes a directory that has a cluster.json; the nodes' directories are mount points in it.
    (data / "cluster.json").write_text('{"cluster": "ab", "supervisor": 0, "nodes": [{"id": 1}, {}, {}]}')
    made.extend(powercut.Disk(tmp_path / f"disk{n}.img", data / f"node-{n}") for n in (1, 2, 3))
    yield made
    for disk in made:
        disk.unmount()


def test_power_cut_under_load(disks, make):
    cluster = make()
    load = Load({node: (HOST, cluster.port(node)) for node in cluster.nodes}).start()
    wait_until(lambda: load.acknowledged() > 1000, "load under way")
    at_s = time.monotonic()
    pids = [cluster.pid(node) for node in cluster.nodes]
    for disk in disks:
        disk.cut()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # the failed write may have stopped it already
            os.kill(pid, 9)
    for client in load.clients:
        client.stopping.set()
    cluster.process.kill()
    cluster.process.wait()
    load.stop()
    for node in cluster.nodes:
        load.note_down(node, at_s, time.monotonic())
    for disk in disks:
        disk.unmount()
        assert disk.mount()
    again = make(port=cluster.ports[0])
    again.wait_whole()
    for node in again.nodes:
        with connect(again.port(node)) as client:
            assert load.judge(client.mget) == []
    with connect(again.port(1)) as client:
        assert client.set("after", "the cut")
