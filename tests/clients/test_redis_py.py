"""redis-py 8 and 5, RESP2 and RESP3, sync and async, as a new user would try them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]
OLD = Path(sys.prefix) / "redis5"


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("version", [8, 5])
def test_a_newcomers_tour(cluster, version, protocol, kind):
    if version == 5 and not OLD.exists():
        pytest.skip("redis-py 5 is not installed: make setup")
    environment = {**os.environ, "PYTHONPATH": str(OLD) if version == 5 else ""}
    ports = ",".join(str(port) for port in cluster.ports)
    script = str(Path(__file__).with_name("newcomer.py"))
    done = subprocess.run(
        [sys.executable, script, ports, kind, str(protocol)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"fine {version}.")
