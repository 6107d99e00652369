"""What the benchmarks share: load in a process of its own, medians, command line, the head of the tables."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from bench.peers import PeerError
from bench.report import Measurement

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "performance.md"


# -- load -----------------------------------------------------------------------------------------------


def generate(
    module: str, words: Iterable[str], addresses: Iterable[str], seconds: float, grace_s: float = 60.0
) -> Measurement:
    """One cell: what a load generator says that ends after so many seconds, `grace_s` later at the latest."""
    command = [*_command(module, words, addresses), "--seconds", str(seconds)]
    limit_s = grace_s + seconds
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=limit_s)
    if done.returncode:
        raise PeerError(f"load generator: {(done.stderr.strip().splitlines() or ['no output'])[-1]}")
    row: Measurement = json.loads(done.stdout)
    return row


def begin_load(module: str, words: Iterable[str], addresses: Iterable[str]) -> "subprocess.Popen[str]":
    """Paced load that ends when its standard input does; it has begun by now."""
    pipe = subprocess.PIPE
    command = _command(module, words, addresses)
    process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "begun\n":
        raise PeerError("the load did not begin")
    return process


def _command(module: str, words: Iterable[str], addresses: Iterable[str]) -> list[str]:
    places = [word for address in addresses for word in ("--address", address)]
    return [sys.executable, "-m", module, *words, *places]


def complain(row: Measurement) -> None:
    """Say what went wrong in a cell, if anything did."""
    if row["errors"] or row["lost"]:
        print(f"    {row['errors']} errors ({row['first_error']}), {row['lost']} lost connections")


def median_of(rows: list[Measurement]) -> Measurement:
    """The medians of a cell's rounds; errors are summed."""
    return {
        "ops_per_s": statistics.median(row["ops_per_s"] for row in rows),
        "p50_ms": statistics.median(row["p50_ms"] for row in rows),
        "p99_ms": statistics.median(row["p99_ms"] for row in rows),
        "errors": sum(row["errors"] for row in rows),
        "first_error": next((row["first_error"] for row in rows if row["first_error"]), ""),
        "lost": sum(row["lost"] for row in rows),
    }


# -- the command line, and what stands above the tables -------------------------------------------------


def parser_of(name: str, doc: str | None, rounds: str | None = None) -> argparse.ArgumentParser:
    """The words that all take who write a part of the page; `doc` is that of the module `bench.name`."""
    words = (doc or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=words)
    parser.add_argument("--rounds", type=int, default=3, help=rounds)
    parser.add_argument("--dir", type=Path, default=ROOT / "bench" / "results" / name)
    parser.add_argument("--quick", action="store_true", help="a smoke test; writes nothing")
    return parser


def prepare() -> float:
    """Processes that are started find this tree; how many processes wanted each core until now."""
    os.environ["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    return wanted()


def wanted() -> float:
    """So many processes wanted each core in the last minute."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def measured() -> str:
    """How the line above the tables begins."""
    return f"Measured {time.strftime('%Y-%m-%d')} on {machine()}, load generators included"


def measured_by(name: str, options: argparse.Namespace, before: float) -> str:
    """The whole line of a benchmark of rounds, `before` which so many processes wanted each core."""
    rounds = f"python -m bench.{name} --rounds {options.rounds} --seconds {options.seconds:g}"
    return f"{measured()}, by `{rounds}`; before it began, {before:.1f} processes wanted each core."


def machine() -> str:
    """What it ran on, in a few words."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    system = f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({model}), {system}"
