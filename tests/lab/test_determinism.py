"""Equal seeds give equal digests: in any process, under any hash seed."""

import os
import subprocess
import sys

RUN = """
import sys
from trivet.lab.command import lab_run
sys.exit(lab_run(int(sys.argv[1]), 3, int(sys.argv[2]), 120, 1, sys.stdout))
"""


def lines(hash_seed: str, first_seed: int, nodes: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(first_seed), str(nodes)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line.startswith("seed ")]


def test_two_processes_with_two_hash_seeds() -> None:
    for nodes in (3, 5):
        first = lines("0", 900, nodes)
        assert first == lines("4711", 900, nodes)
        digests = [line.split("digest ")[1] for line in first]
        assert len(dict.fromkeys(digests)) == 3
        assert all(len(digest) == 32 for digest in digests)
