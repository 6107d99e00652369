"""A campaign: many seeds, judged, counted, and the failing ones written down."""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TextIO

import msgspec

from trivet.lab.search.code import code_version
from trivet.lab.search.progress import Silent
from trivet.lab.search.replay import ReplayError, replay_of, write_replay
from trivet.lab.search.report import Summary, report_outcome
from trivet.lab.search.simplify import Value, changed
from trivet.lab.search.workers import RunOutcome, outcomes
from trivet.lab.world.options import RunOptions, draw_options

REPLAYS_MAX = 100
"""A campaign writes so many replay files at most: the rest says the same."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign is to run."""

    seed: int = 1
    seeds: int = 1
    nodes: int = 3
    ops: int = 300
    jobs: int = 0
    """Worker processes; 0: none, all in this process."""
    overrides: dict[str, Value] = {}
    """Options that replace drawn ones in every run."""
    out: str = ""
    """The folder for replay files; empty: none are written."""

    def options(self, seed: int) -> RunOptions:
        """The options of one seed."""
        drawn = draw_options(seed, self.nodes, self.ops)
        return changed(drawn, self.overrides) if self.overrides else drawn

    def tasks(self) -> Iterator[RunOptions]:
        """The options of every seed."""
        return map(self.options, range(self.seed, self.seed + self.seeds))


class Campaign:
    """Runs a plan once; afterwards ``summary`` and ``first_failure`` tell."""

    def __init__(self, plan: Plan, out: TextIO, progress: Silent) -> None:
        self.plan = plan
        self.first_failure: RunOutcome | None = None
        self.first_replay = ""
        self.summary = Summary(
            code=code_version().text(),
            first_seed=plan.seed,
            seeds=plan.seeds,
            nodes=plan.nodes,
            ops=plan.ops,
            overrides=plan.overrides,
        )
        self._out = out
        self._progress = progress
        self._replays = 0

    def run(self) -> Summary:
        """All seeds, or as many as come before Ctrl-C."""
        started, cpu_s = time.perf_counter(), _cpu_s()
        jobs = min(self.plan.jobs, self.plan.seeds)
        try:
            with closing(outcomes(self.plan.tasks(), jobs)) as results:
                for outcome in results:
                    self._take(outcome)
        except KeyboardInterrupt:
            self.summary.interrupted = True
        self.summary.end(time.perf_counter() - started, _cpu_s() - cpu_s)
        return self.summary

    def _take(self, outcome: RunOutcome) -> None:
        replay = self._write(outcome) if outcome.failed() else ""
        if outcome.failed() and self.first_failure is None:
            self.first_failure, self.first_replay = outcome, replay
        self.summary.add(outcome, replay)
        if outcome.failed() or not self._progress.moves:
            report_outcome(outcome, self._out)
            if replay:
                self._out.write(f"written to {replay}\n")
        self._progress.update(self.summary.done, _note(self.summary))

    def _write(self, outcome: RunOutcome) -> str:
        if not self.plan.out or self._replays >= REPLAYS_MAX:
            return ""
        self._replays += 1
        path = Path(self.plan.out) / f"trivet-lab-seed-{outcome.options.seed}.json"
        try:
            write_replay(path, replay_of(outcome))
        except ReplayError as error:
            self._out.write(f"{error}\n")
            return ""
        return str(path)


def _cpu_s() -> float:
    """CPU time of this process and of the workers that have ended."""
    return sum(os.times()[:4])


def _note(summary: Summary) -> str:
    failed = summary.complaints + summary.errors
    return "all good so far" if not failed else f"{failed} failed"
