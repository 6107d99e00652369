"""The CAP report card on real processes: every promise is kept, and nothing is left behind."""

import json
import subprocess
import sys

import pytest

from tests.cluster.harness import code_under_test
from trivet.lab.cap.modes import present

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


@pytest.mark.soak
def test_every_promise_is_kept(tmp_path):
    file = tmp_path / "card.json"
    done = subprocess.run(
        [sys.executable, "-m", "trivet", "cap", "--real", "--json", str(file)],
        capture_output=True, text=True, timeout=240, check=False,
        env={**code_under_test(), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every promise is kept" in done.stdout
    card = json.loads(file.read_text())
    assert {row["mode"] for row in card["squares"]} == {mode.name for mode in present()}
    assert {row["trouble"] for row in card["squares"]} == {"healthy", "cut", "crash"}
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]
    cut = next(row for row in card["squares"] if (row["mode"], row["trouble"]) == ("raft", "cut"))
    assert cut["sides"][0]["availability"] < 0.2
    assert cut["sides"][1]["availability"] > 0.3
