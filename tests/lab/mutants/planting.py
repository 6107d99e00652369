"""Plants a mutant into a copy of the sources and runs the lab there until a judge speaks.

The copy runs in a process of its own that finds no other ``trivet``; what it prints is the outcome. Nothing of
the tree under test is touched.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from mutants.model import Mutant

TESTS = Path(__file__).resolve().parents[1]
SOURCE = TESTS.parents[1] / "src" / "trivet"

SEEDS_MAX = 150
"""So many seeds are tried from ``first_seed`` on before a mutant counts as not caught."""


class Found(NamedTuple):
    """The outcome of a search; ``seed`` -1: nobody spoke."""

    seed: int
    seeds: int
    """How many were tried."""
    judge: str
    sentence: str
    cpu_s: float


def plant(mutant: Mutant, root: Path, source: Path = SOURCE) -> None:
    """A copy of the sources with the bug in it, at ``root/trivet``."""
    copy_sources(root, source)
    for edit in mutant.edits:
        replace(root, edit.file, edit.old, edit.new)


def copy_sources(root: Path, source: Path = SOURCE) -> None:
    """A copy of the sources at ``root/trivet``, with what Python has compiled of them: that saves half a second."""
    shutil.copytree(source, root / "trivet", ignore=shutil.ignore_patterns("*.so", "*.pyc.*"))


def replace(root: Path, name: str, old: str, new: str) -> None:
    """Change one place of a copy."""
    file = root / "trivet" / name
    text = file.read_text()
    assert text.count(old) == 1, f"the place to plant it in {name} has changed"
    file.write_text(text.replace(old, new))
    for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
        compiled.unlink()


def look(mutant: Mutant, root: Path, first_seed: int, seeds: int, timeout_s: int = 1_800) -> Found:
    """Run the lab in the copy at ``root`` over ``seeds`` seeds, until somebody speaks."""
    task = json.dumps(
        {
            "root": str(root), "first": first_seed, "seeds": seeds, "focus": mutant.focus,
            "liveness": mutant.liveness, "scene": mutant.scene,
        }
    )  # fmt: skip
    path = os.pathsep.join([str(root), str(TESTS), str(TESTS.parents[1])])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "mutants.looking", task],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{mutant.row}: the search failed: {done.stderr[-2_000:]}")
    return Found(*json.loads(done.stdout.splitlines()[-1]))


def place(mutant: Mutant, source: Path = SOURCE) -> list[str]:
    """What is wrong with the places of its edits: nothing when all of them are there once."""
    problems = []
    for edit in mutant.edits:
        count = (source / edit.file).read_text().count(edit.old)
        if count != 1:
            problems.append(f"{mutant.row} ({mutant.what}): {count} places in {edit.file} for {edit.old!r}")
    return problems
