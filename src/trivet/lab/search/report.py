"""What is said of runs: a line each, everything about one that fails, and the sum of a campaign."""

import textwrap
from pathlib import Path
from typing import TextIO

import msgspec

from trivet.lab.runner import RunResult
from trivet.lab.search.code import code_version
from trivet.lab.search.simplify import differences
from trivet.lab.search.workers import RunOutcome
from trivet.lab.world.options import RunOptions
from trivet.lab.world.sometimes import NEVER_MAY_BE_ZERO

CAMPAIGN_SEEDS_MIN = 500
"""A campaign of so many seeds must have reached all that is interesting."""
TRACE_LINES_MAX = 60
WIDTH = 110
RARE = "buggify "
"""How a reached state is named that is a rarer way through the core, taken on purpose."""
COMPLAINTS_MAX = 5


def never_may_be_zero() -> tuple[str, ...]:
    """The states that every campaign must reach."""
    return NEVER_MAY_BE_ZERO


class RunLine(msgspec.Struct, frozen=True):
    """A run in a campaign's JSON."""

    seed: int
    verdict: str
    """good, complaint or error."""
    digest: str = ""
    events: int = 0
    virtual_ms: int = 0
    complaint: str = ""
    replay: str = ""
    """The replay file, when there is one."""


class Summary(msgspec.Struct, kw_only=True):
    """A campaign, summed up; what ``--json`` writes."""

    code: str
    first_seed: int
    seeds: int
    """How many were asked for."""
    nodes: int
    ops: int
    overrides: dict[str, int | float | str] = {}
    """Options that replaced drawn ones."""
    done: int = 0
    complaints: int = 0
    errors: int = 0
    unknown: int = 0
    """Parts of histories that were too hard to judge."""
    operations: int = 0
    events: int = 0
    virtual_ms: int = 0
    real_s: float = 0.0
    cpu_s: float = 0.0
    """CPU time of all processes; 0 where the system does not say."""
    events_per_s: int = 0
    virtual_s_per_s: float = 0.0
    virtual_s_per_cpu_s: float = 0.0
    """The same per core: what a busy machine does not change much."""
    interrupted: bool = False
    faults: dict[str, int] = {}
    reached: dict[str, int] = {}
    metrics: dict[str, int] = {}
    """What the workloads counted."""
    never: list[str] = []
    """Interesting states that no run reached."""
    runs: list[RunLine] = []

    def add(self, outcome: RunOutcome, replay: str = "") -> None:
        """Count one more run."""
        self.done += 1
        result = outcome.result
        if result is None:
            self.errors += 1
            line = RunLine(outcome.options.seed, "error", complaint=last_line(outcome.error), replay=replay)
            self.runs.append(line)
            return
        self.events += result.events
        self.virtual_ms += result.virtual_ms
        self.unknown += result.unknown
        self.operations += result.ok + result.failed + result.indefinite
        _sum(self.faults, result.faults)
        _sum(self.reached, result.reached)
        _sum(self.metrics, result.metrics)
        complaint = (
            f"{result.complaints[0].judge}: {result.complaints[0].sentence}" if result.complaints else ""
        )
        self.complaints += bool(complaint)
        verdict = "complaint" if complaint else "good"
        self.runs.append(
            RunLine(
                result.options.seed,
                verdict,
                result.digest,
                result.events,
                result.virtual_ms,
                complaint,
                replay,
            )
        )

    def end(self, real_s: float, cpu_s: float = 0.0) -> None:
        """All runs are in."""
        self.real_s = round(real_s, 3)
        self.cpu_s = round(cpu_s, 3)
        self.virtual_s_per_cpu_s = round(self.virtual_ms / 1000 / cpu_s, 1) if cpu_s > 0 else 0.0
        self.events_per_s = int(self.events / max(real_s, 1e-9))
        self.virtual_s_per_s = round(self.virtual_ms / 1000 / max(real_s, 1e-9), 1)
        self.never = [name for name in never_may_be_zero() if not self.reached.get(name)]

    def too_narrow(self) -> bool:
        """Whether a large campaign, drawn as usual, missed something that it had to reach."""
        return bool(self.never) and self.done >= CAMPAIGN_SEEDS_MIN and not self.overrides

    def exit_code(self) -> int:
        """130: interrupted; 3: a run has no result; 1: a judge spoke, or too little was reached; else 0."""
        if self.interrupted:
            return 130
        if self.errors:
            return 3
        return 1 if self.complaints or self.too_narrow() else 0

    def text(self) -> str:
        """For people: some lines."""
        counted = f"{self.done} seeds" if self.done == self.seeds else f"{self.done} of {self.seeds} seeds"
        verdict = f"{self.complaints} with complaints"
        verdict += f", {self.errors} without a result" if self.errors else ""
        speed = f"{self.events_per_s:,} events/s, {self.virtual_s_per_s:,.0f} virtual seconds per second, "
        speed += f"{self.virtual_s_per_cpu_s:,.0f} per second of CPU time"
        rare = {n.removeprefix(RARE): c for n, c in self.reached.items() if n.startswith(RARE)}
        reached = {n: c for n, c in self.reached.items() if not n.startswith(RARE)}
        rows = [
            f"{counted}{' (interrupted)' * self.interrupted}: {verdict}, {self.unknown} parts unknown",
            f"  ran      {self.operations:,} operations, {_duration(self.virtual_ms / 1000)} of virtual time "
            f"and {self.events:,} events in {_duration(self.real_s)}: {speed}",
            f"  faults   {_counts(self.faults)}",
            f"  reached  {_counts(reached)}",
            f"  rare     {_counts(rare)}",
            f"  counted  {_counts(self.metrics)}",
        ]
        lines = [line for row in rows if not row.endswith(" none") for line in _wrapped(row)]
        if self.never:
            must = " (a campaign of this size has to)"
            which = ", ".join(self.never)
            lines += _wrapped(f"  NEVER    {which}{must}" if self.too_narrow() else f"  not yet  {which}")
        failing = [run for run in self.runs if run.verdict != "good"]
        for run in failing[:20]:
            where = f"; {run.replay}" if run.replay else ""
            lines.append(f"  seed {run.seed}: {run.complaint}{where}")
        if len(failing) > 20:
            lines.append(f"  and {len(failing) - 20} more")
        return "\n".join(lines)


def _sum(into: dict[str, int], counts: dict[str, int]) -> None:
    for name, count in counts.items():
        into[name] = into.get(name, 0) + count


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {counts[name]:,}" for name in sorted(counts) if counts[name]) or "none"


def _wrapped(row: str) -> list[str]:
    return textwrap.wrap(row, WIDTH, subsequent_indent=" " * 11, break_on_hyphens=False)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def last_line(error: str) -> str:
    """The exception of a traceback."""
    lines = error.strip().splitlines()
    return lines[-1] if lines else ""


def report(result: RunResult, out: TextIO) -> None:
    """Print a run's line; before it, on a complaint, all that is needed to repeat and understand it."""
    if result.complaints:
        lines = [f"options {options_text(result.options)}", f"code {code_version().text()}"]
        lines += ["    " + line for line in result.trace_tail[-TRACE_LINES_MAX:]]
        lines += [complaint.text() for complaint in result.complaints[:COMPLAINTS_MAX]]
        out.write("\n".join(lines) + "\n")
    out.write(result.line() + "\n")
    out.flush()


def report_error(outcome: RunOutcome, out: TextIO) -> None:
    """Print a run that has no result: the options, the code, what befell it."""
    lines = [f"options {options_text(outcome.options)}", f"code {code_version().text()}"]
    lines += ["    " + line for line in outcome.error.strip().splitlines()]
    lines.append(f"seed {outcome.options.seed} ERROR {last_line(outcome.error)}")
    out.write("\n".join(lines) + "\n")
    out.flush()


def report_outcome(outcome: RunOutcome, out: TextIO) -> None:
    """Print a run, with or without a result."""
    if outcome.result is None:
        report_error(outcome, out)
    else:
        report(outcome.result, out)


def options_text(options: RunOptions) -> str:
    """The whole option set on one line."""
    return msgspec.json.encode(options).decode()


def differences_text(options: RunOptions) -> list[str]:
    """The options that differ from the defaults, a line each; weights of 0 share one."""
    rows = [row for row in differences(options) if row[1] or not row[0].startswith("weight_")]
    width = max((len(name) for name, _, _ in rows), default=0)
    lines = [f"    {name:{width}}  {value!r:>8}   (default {default!r})" for name, value, default in rows]
    if any(name.startswith("weight_") for name, _, _ in rows):
        lines.append("    every other weight is 0")
    return lines


def write_json(path: Path, summary: Summary) -> None:
    """Write a campaign's summary. Raises ``OSError``."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
