"""`make check`: runs every gate, prints what those that complain say, and names them at the end.

All gates run even when one fails, two at a time (two cores is what we count on).
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

GATES: dict[str, list[str]] = {
    "mypy --strict": [str(BIN / "mypy"), "--strict", "--cache-dir", ".mypy_cache/src", "-p", "trivet"],
    "mypy (tools, bench)": [
        str(BIN / "mypy"),
        "--strict",
        "--explicit-package-bases",  # whatever lies above the checkout
        "--cache-dir",
        ".mypy_cache/tools",
        "tools",
        "bench",
    ],
    "imports": [str(BIN / "lint-imports")],
    "ruff check": [str(BIN / "ruff"), "check", "."],
    "ruff format": [str(BIN / "ruff"), "format", "--check", "."],
    "sizes, docstrings, mirrored tests, cycles, core rules": [sys.executable, "tools/gates.py"],
}


def run(name: str) -> tuple[str, bool, str, float]:
    """Run one gate; its name, whether it passed, what it said, and how long it took in seconds."""
    start = time.monotonic()
    done = subprocess.run(GATES[name], cwd=ROOT, capture_output=True, text=True, check=False)
    return name, done.returncode == 0, (done.stdout + done.stderr).strip(), time.monotonic() - start


def main() -> int:
    """Run all gates; 0 when every one passed."""
    failed = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for name, passed, said, seconds in pool.map(run, GATES):
            print(f"{'ok  ' if passed else 'FAIL'}  {name}  ({seconds:.1f} s)", flush=True)
            if not passed:
                failed.append(name)
                print(said, flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
