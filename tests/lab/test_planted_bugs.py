"""Every planted bug is noticed by a judge of safety; that a broken cluster also gets stuck does not count."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from planted_bugs import PLANTED, Planted

SOURCE = Path(__file__).parents[2] / "src" / "trivet"

SEEDS_MAX = 150

LOOK = """
import json, sys, msgspec, trivet
from trivet.lab.options import draw_options
from trivet.lab.runner import run
root, first, seeds, focus = json.loads(sys.argv[1])
assert trivet.__file__.startswith(root), trivet.__file__
for seed in range(first, first + seeds):
    result = run(msgspec.structs.replace(draw_options(seed, focus["nodes"], focus["ops"]), **focus))
    complaints = [c for c in result.complaints if c.judge != "liveness"]
    if complaints:
        print(json.dumps([seed, complaints[0].judge, complaints[0].sentence]))
        break
"""


def plant(bug: Planted, root: Path) -> None:
    """A copy of the sources with the bug in it."""
    target = root / "trivet"
    shutil.copytree(SOURCE, target, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for edit in bug.edits:
        file = target / edit.file
        text = file.read_text()
        assert text.count(edit.old) == 1, f"{bug.row}: the place to plant it in {edit.file} has changed"
        file.write_text(text.replace(edit.old, edit.new))


def look(bug: Planted, root: Path, first_seed: int, seeds: int) -> tuple[int, str, str] | None:
    """(seed, judge, sentence) of the first complaint."""
    task = json.dumps([str(root), first_seed, seeds, bug.focus])
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, task],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    if not done.stdout:
        return None
    seed, judge, sentence = json.loads(done.stdout)
    return seed, judge, sentence


@pytest.mark.parametrize("bug", PLANTED, ids=[f"{bug.row}-{i}" for i, bug in enumerate(PLANTED)])
def test_planted(bug: Planted, tmp_path: Path) -> None:
    plant(bug, tmp_path)
    found = look(bug, tmp_path, bug.first_seed, SEEDS_MAX)
    assert found is not None, f"{bug.row}: nobody noticed that {bug.what}"
    print(f"{bug.row}: seed {found[0]}, {found[1]}: {found[2]}")
