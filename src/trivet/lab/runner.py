"""Runs: one seed to one result, and many seeds over processes."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TextIO

import msgspec

from trivet.lab.cluster import SimulatedCluster
from trivet.lab.history import FOREVER_US, Outcome
from trivet.lab.judges import durability, exactly_once, linearizability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.options import RunOptions, draw_options
from trivet.lab.seam import NodeFactory

MakeFactory = Callable[[RunOptions], NodeFactory]

CLOCK_SLACK_US = 50_000
"""Beyond skew and drift: ticks and turns."""


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did, and what the judges say."""

    options: RunOptions
    digest: str
    ok: int
    failed: int
    indefinite: int
    virtual_ms: int
    real_ms: int
    events: int
    faults: dict[str, int]
    reached: dict[str, int]
    unknown: int
    complaints: list[Complaint]
    trace_tail: list[str]

    def line(self) -> str:
        """One line for people; the same for the same seed, on every machine."""
        options = self.options
        faults = ",".join(f"{name}={count}" for name, count in self.faults.items()) or "none"
        verdict = "COMPLAINT" if self.complaints else "good"
        unknown = f" unknown {self.unknown}" if self.unknown else ""
        return (
            f"seed {options.seed} nodes {options.nodes} ops {options.ops} {verdict}{unknown} "
            f"ok {self.ok} failed {self.failed} indefinite {self.indefinite} "
            f"virtual {self.virtual_ms / 1000:.1f}s events {self.events} faults {faults} digest {self.digest}"
        )


def run(options: RunOptions, make: MakeFactory | None = None, verbose: bool = False) -> RunResult:
    """One run of one option set, judged."""
    factory = _real(options) if make is None else make(options)
    started = time.perf_counter()
    cluster = SimulatedCluster(options, factory, verbose)
    cluster.run()
    complaints = cluster.complaints + cluster.invariants.complaints
    history, unknown = cluster.history, 0
    if not complaints:
        found, unknown = linearizability.judge(history, clock_slack_us(options, cluster.simulation.now_us))
        complaints = found + exactly_once.judge(history) + durability.judge(history)
    return RunResult(
        options=options,
        digest=cluster.trace.digest(),
        ok=sum(o.outcome is Outcome.OK for o in history),
        failed=sum(o.outcome is Outcome.FAIL for o in history),
        indefinite=sum(o.outcome in (Outcome.INFO, Outcome.PENDING) for o in history),
        virtual_ms=cluster.simulation.now_us // 1000,
        real_ms=int((time.perf_counter() - started) * 1000),
        events=cluster.simulation.events,
        faults=_faults(cluster),
        reached=cluster.invariants.reached,
        unknown=unknown,
        complaints=complaints,
        trace_tail=list(cluster.trace.lines) if complaints or verbose else [],
    )


def _real(options: RunOptions) -> NodeFactory:
    from trivet.lab.real import RealNodes

    return RealNodes(options)


def _faults(cluster: SimulatedCluster) -> dict[str, int]:
    faults = dict(sorted(cluster.nemesis.counts.items()))
    network = cluster.network
    counts = {"drop": network.dropped, "duplicate": network.duplicated, "reorder": network.reordered}
    faults |= {name: count for name, count in counts.items() if count}
    return faults


def clock_slack_us(options: RunOptions, virtual_us: int) -> int:
    """How far the log's time may be from virtual time; for ever when wall clocks jump."""
    if options.clock_jump_every_ms:
        return FOREVER_US
    drift_us = 2 * virtual_us * options.drift_ppm_max // 1_000_000
    return 2000 * options.wall_offset_ms_max + drift_us + CLOCK_SLACK_US


def _run_seed(task: tuple[int, int, int]) -> RunResult:
    return run(draw_options(*task))


def run_many(seeds: Iterable[int], nodes: int, ops: int, jobs: int) -> Iterator[RunResult]:
    """Results of many seeds, in their order, by ``jobs`` processes at a time."""
    tasks = [(seed, nodes, ops) for seed in seeds]
    if jobs <= 1:
        yield from map(_run_seed, tasks)
        return
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        yield from pool.map(_run_seed, tasks)


def report(result: RunResult, out: TextIO) -> None:
    """Print a run's line; on a complaint everything that is needed to replay and to understand it."""
    if result.complaints:
        lines = [f"options {msgspec.json.encode(result.options).decode()}", f"code {code_version()}"]
        lines += ["    " + line for line in result.trace_tail[-60:]]
        lines += [complaint.text() for complaint in result.complaints[:5]]
        out.write("\n".join(lines) + "\n")
    out.write(result.line() + "\n")
    out.flush()


def code_version() -> str:
    """The version, and the commit when an environment says it."""
    from trivet import __version__

    commit = os.environ.get("TRIVET_COMMIT", "")
    return f"trivet {__version__}" + (f" commit {commit}" if commit else "")
