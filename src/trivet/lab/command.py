"""``trivet lab run`` without its command line: seeds in, lines and an exit code out."""

import time
from typing import TextIO

from trivet.lab.runner import report, run_many

WORTH_REACHING = ("elections", "truncations", "compactions", "snapshots installed")
"""A campaign that never reached one of these has tested less than it seems."""


def lab_run(seed: int, seeds: int, nodes: int, ops: int, jobs: int, out: TextIO) -> int:
    """Run ``seeds`` seeds from ``seed`` on; exit code 1 when a judge spoke, else 0."""
    started = time.perf_counter()
    events = virtual_ms = spoken = unknown = 0
    reached: dict[str, int] = {}
    for result in run_many(range(seed, seed + seeds), nodes, ops, jobs):
        report(result, out)
        events += result.events
        virtual_ms += result.virtual_ms
        unknown += result.unknown
        spoken += bool(result.complaints)
        for name, count in result.reached.items():
            reached[name] = reached.get(name, 0) + count
    if seeds > 1:
        real_s = time.perf_counter() - started
        never = [name for name in WORTH_REACHING if name not in reached]
        counts = ", ".join(f"{name} {count}" for name, count in sorted(reached.items()))
        speed = f"{events / real_s:.0f} events/s, {virtual_ms / 1000 / real_s:.0f} virtual seconds per second"
        out.write(
            f"{seeds} seeds, {spoken} with complaints, {unknown} parts unknown; {speed}; reached: {counts}"
            + (f"; NEVER reached: {', '.join(never)}" if never else "")
            + "\n"
        )
    return 1 if spoken else 0
