"""One run: options in, what happened and what the judges say of it out. Many runs are ``search/``."""

import re
import time
from collections.abc import Callable

import msgspec

from trivet.lab import asides
from trivet.lab.cluster import SimulatedCluster
from trivet.lab.history import FOREVER_US, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.recording import Recorder
from trivet.lab.seam import NodeFactory
from trivet.lab.workloads import Context
from trivet.lab.world.options import RunOptions

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
    metrics: dict[str, int] = {}
    """What the workloads counted, by ``workload.what``."""
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


def run(
    options: RunOptions,
    make: MakeFactory | None = None,
    verbose: bool = False,
    recorder: Recorder | None = None,
) -> RunResult:
    """One run of one option set, judged. A ``recorder`` then holds the whole picture, complaints included."""
    factory = _real(options) if make is None else make(options)
    started = time.perf_counter()
    cluster = SimulatedCluster(options, factory, verbose, recorder)
    cluster.run()
    complaints = cluster.complaints + cluster.invariants.complaints
    history, unknown = cluster.history, 0
    if not complaints:
        context = Context(clock_slack_us(options, cluster.simulation.now_us), cluster.quiet_since_us())
        context.failovers = cluster.invariants.reached.get("failovers", 0)
        if options.primary_rate:
            context.set_aside, complaints = asides.read(cluster.processes)
        complaints = complaints + cluster.mix.check(history, context)
        unknown = context.unknown
    if recorder is not None:
        _say(cluster, recorder, complaints)
    return RunResult(
        options=options,
        digest=cluster.trace.digest(),
        ok=sum(o.outcome is Outcome.OK for o in history),
        failed=sum(o.outcome is Outcome.FAIL for o in history),
        indefinite=sum(o.outcome in (Outcome.INFO, Outcome.PENDING) for o in history),
        virtual_ms=cluster.simulation.now_us // 1000,
        real_ms=int((time.perf_counter() - started) * 1000),
        events=cluster.simulation.events,
        faults=cluster.faults(),
        reached=cluster.reached(),
        unknown=unknown,
        metrics=cluster.mix.metrics(history),
        complaints=complaints,
        trace_tail=list(cluster.trace.lines) if complaints or verbose else [],
    )


def _real(options: RunOptions) -> NodeFactory:
    from trivet.lab.world.real import RealNodes

    return RealNodes(options)


def clock_slack_us(options: RunOptions, virtual_us: int) -> int:
    """How far the log's time may be from virtual time; for ever when wall clocks jump."""
    if options.clock_jump_every_ms:
        return FOREVER_US
    drift_us = 2 * virtual_us * options.drift_ppm_max // 1_000_000
    return 2000 * options.wall_offset_ms_max + drift_us + CLOCK_SLACK_US


_OPERATION = re.compile(r"\bop (\d+) client \d+")


def _say(cluster: SimulatedCluster, recorder: Recorder, complaints: list[Complaint]) -> None:
    """Put what the judges say into the picture, beside the operations that their evidence names."""
    recording = cluster.recording()
    operations = {operation.number: operation for operation in recording.operations}
    for complaint in complaints:
        named = [int(number) for line in complaint.evidence for number in _OPERATION.findall(line)]
        named = [number for number in dict.fromkeys(named) if number in operations]
        for number in named:
            operations[number].verdict = complaint.judge
        at_us = max((operations[number].invoke_us for number in named), default=recording.ended_us)
        recorder.say(at_us, complaint.judge, complaint.sentence, named)
