"""Planted bugs: a copy of the sources with one of them, and a program that looks for it there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def plant(file: str, old: str, new: str, root: Path) -> None:
    """A copy of the sources at ``root/trivet``, with ``new`` in place of the one ``old`` in a file.

    What Python has compiled of the others is copied, too: that saves half a second.
    """
    shutil.copytree(
        REPOSITORY / "src" / "trivet",
        root / "trivet",
        ignore=shutil.ignore_patterns("*.so", "*.pyc.*"),
    )
    path = root / "trivet" / file
    text = path.read_text()
    assert text.count(old) == 1, f"the place to plant it in {file} has changed"
    path.write_text(text.replace(old, new))
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()


def look(program: str, root: Path) -> str:
    """What ``program`` says that finds the copy at ``root`` and the tests of this tree."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{root}{os.pathsep}{REPOSITORY}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
