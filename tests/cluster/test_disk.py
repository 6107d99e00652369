"""Disks that fill up and syncs that fail, under real processes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cluster.harness import wait_until
from tests.cluster.load import connect

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]

MIB = 1 << 20
SMALL = "[limits]\nsegment_bytes = 1048576\nsnapshot_log_bytes = 67108864\n"


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 64 MiB where the cluster keeps its data."""
    data = tmp_path / "data"
    data.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(data)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a file system needs root")
    # `trivet up` takes a directory that has a cluster.json.
    (data / "cluster.json").write_text('{"cluster": "ab", "supervisor": 0, "nodes": [{"id": 1}, {}, {}]}')
    yield data
    subprocess.run(["umount", "-l", str(data)], check=True)


def test_a_full_disk_refuses_writes_keeps_reads_and_recovers(small_disk, make):
    cluster = make(settings=SMALL)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(16 * MIB))
    kept = []
    with connect(cluster.port(1)) as client:
        refusal = ""
        for number in range(4000):
            try:
                assert client.set(f"k{number}", f"{number}-" + "x" * 20_000)
                kept.append(number)
            except Exception as error:
                refusal = str(error)
                # What was under way when the followers' disks filled up is answered as indefinite; and a
                # machine that is busy may have kept the leader from beating for a moment.
                if "may have taken effect" not in refusal and "CLUSTERDOWN" not in refusal:
                    break
        assert "OOM" in refusal or "disk" in refusal, refusal
        assert "full" in refusal
        for node in cluster.nodes:
            with connect(cluster.port(node)) as other:
                assert other.get("k0") == b"0-" + b"x" * 20_000, "reads go on"
        assert all(cluster.pid(node) for node in cluster.nodes), "no node died of it"
        ballast.unlink()

        def writes_again():
            try:
                return client.set("after", "1")
            except Exception:
                return False

        wait_until(writes_again, "writes again by themselves")
        for number in kept:
            assert client.get(f"k{number}") == f"{number}-".encode() + b"x" * 20_000


def test_a_failed_sync_stops_the_node_and_loses_nothing(make, tmp_path, monkeypatch):
    library = Path("/usr/lib/fiu")
    if not shutil.which("fiu-ctrl") or not (library / "fiu_posix_preload.so").exists():
        pytest.skip("fiu-utils is not installed")
    control = str(tmp_path / "fiu")
    monkeypatch.setenv("LD_PRELOAD", f"{library}/fiu_run_preload.so {library}/fiu_posix_preload.so")
    monkeypatch.setenv("FIU_CTRL_FIFO", control)
    cluster = make(restart=False)
    monkeypatch.delenv("LD_PRELOAD")
    monkeypatch.delenv("FIU_CTRL_FIFO")
    leader = cluster.wait_leader()
    pid = cluster.pid(leader)
    other = next(node for node in cluster.nodes if node != leader)
    with connect(cluster.port(other)) as client:
        for number in range(50):
            assert client.set(f"k{number}", number)
        subprocess.run(
            ["fiu-ctrl", "-f", control, "-c", "enable name=posix/io/sync/fdatasync,failinfo=5", str(pid)],
            check=True,
            capture_output=True,
            timeout=20,
        )
        for number in range(50, 100):
            assert client.set(f"k{number}", number), "clients of living nodes see a pause only"
        wait_until(lambda: not cluster.pid(leader), "the node with the failed sync has stopped")
        assert "sync" in cluster.node_log(leader)
        assert [int(v) for v in client.mget([f"k{number}" for number in range(100)])] == list(range(100))
