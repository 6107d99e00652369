"""The shrinker: from a run that fails to the smallest that still does, with a complaint of the same judge.

Delta debugging (Zeller & Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", TSE 2002) over
the option set: halves, quarters, ... of all that is not simple are made simple, and stay so when the run
still fails. Sizes shrink by bisection before and after.

Any change of the options changes what chance does with the same seed, so a failure may vanish by luck alone.
Each candidate therefore gets some tries, with its own seed and then fresh ones: more, the shorter the runs
have become. Which candidates and seeds are tried depends on the first run only: equal runs shrink equally, by
however many processes.
"""

import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

from trivet.lab.search.simplify import SIZES, Value, changed, complications, steps, value_of, without
from trivet.lab.search.workers import RunOutcome
from trivet.lab.world.options import RunOptions

TRIES = 6
TRIES_MAX = 30
FINAL_TRIES = 30
"""So many seeds of the smallest option set are tried for the shortest run."""
ROUNDS_MAX = 5

Evaluate = Callable[[Iterable[RunOptions]], Iterator[RunOutcome]]
"""Outcomes of option sets, in their order."""


class TimeUp(Exception):
    """No more candidates, please."""


class Shrunk(msgspec.Struct):
    """What has been reached so far; ``best`` always fails as the first run did."""

    first: RunOutcome
    best: RunOutcome
    runs: int = 0
    """How many runs it took."""
    complete: bool = False
    """Whether nothing simpler was left to try."""


def fault_of(outcome: RunOutcome) -> str:
    """What went wrong, so that two runs can be told to fail alike; empty: nothing."""
    if outcome.result is None:
        return "error " + _shape(outcome.error.strip().splitlines()[-1])
    if not outcome.result.complaints:
        return ""
    complaint = outcome.result.complaints[0]
    # Crashes have many causes, so there the exception counts too; other judges know what they judge.
    return complaint.judge + (" " + _shape(complaint.sentence) if complaint.judge == "crash" else "")


def _shape(sentence: str) -> str:
    return re.sub(r"raised in [^:]*", "raised", re.sub(r"\d+", "0", sentence))


class Shrinker:
    """Shrinks one failing run. ``tell`` hears of every step, ``hurry`` may raise ``TimeUp``."""

    def __init__(
        self,
        first: RunOutcome,
        evaluate: Evaluate,
        batch: int = 1,
        tell: Callable[[str, Shrunk], None] = lambda step, shrunk: None,
        hurry: Callable[[], None] = lambda: None,
    ) -> None:
        self._fault = fault_of(first)
        assert self._fault, "only a run that fails can be shrunk"
        self.shrunk = Shrunk(first, first)
        self._evaluate = evaluate
        self._batch = batch
        self._tell = tell
        self._hurry = hurry
        self._fresh_seed = 0
        self._refused: set[bytes] = set()
        """Option sets (seed aside) that did not fail: not tried again."""

    def shrink(self) -> Shrunk:
        """All the way, or until ``hurry`` says stop."""
        try:
            self._cut_the_unused()
            for _ in range(ROUNDS_MAX):
                before = self.shrunk.best.options
                self._fewer_sizes()
                self._fewer_complications()
                self._smaller_values()
                if self.shrunk.best.options == before:
                    break
            self._shortest()
            self.shrunk.complete = True
        except TimeUp:
            pass
        return self.shrunk

    # -- candidates

    def _cut_the_unused(self) -> None:
        """Most runs end long before the time they are allowed: the same run, told more honestly."""
        best = self.shrunk.best
        if best.result is not None and best.result.virtual_ms < best.options.safety_ms_max:
            limit = {"safety_ms_max": max(1, best.result.virtual_ms)}
            self._try("no more time than it needs", changed(best.options, {**limit}))

    def _fewer_sizes(self) -> None:
        for name in SIZES:
            self._descend(name)
        self._descend("workloads")

    def _fewer_complications(self) -> None:
        """The paper's ddmin over what is not simple: drop ever smaller parts of it."""
        names = complications(self.shrunk.best.options)
        parts = 1
        while names:
            size = -(-len(names) // parts)
            chunks = [names[start : start + size] for start in range(0, len(names), size)]
            for chunk in chunks:
                if self._try(f"without {_listed(chunk)}", without(self.shrunk.best.options, chunk)):
                    names = [name for name in names if name not in chunk]
            if size == 1:
                return
            parts = min(len(names), 2 * parts)

    def _smaller_values(self) -> None:
        """What must stay may still be less."""
        for name in complications(self.shrunk.best.options):
            self._descend(name)

    def _descend(self, name: str) -> None:
        """Take the smallest of an option's steps that still fails, and on from there."""
        while True:
            options = self.shrunk.best.options
            now = value_of(options, name)
            for value in steps(options, name):
                if self._try(f"{name} {now} -> {value}", changed(options, {name: value})):
                    break
            else:
                return

    def _shortest(self) -> None:
        """The same options, another seed, fewer events."""
        options = self.shrunk.best.options
        for outcome in self._attempts([self._reseeded(options) for _ in range(FINAL_TRIES)]):
            if fault_of(outcome) == self._fault and _length(outcome) < _length(self.shrunk.best):
                self.shrunk.best = outcome
                self._tell(f"seed {outcome.options.seed} is shorter", self.shrunk)

    # -- trying

    def _try(self, step: str, options: RunOptions) -> bool:
        key = msgspec.json.encode(changed(options, {"seed": 0}))
        if key in self._refused:
            return False
        candidates = [options] + [self._reseeded(options) for _ in range(self._tries() - 1)]
        self._tell(step, self.shrunk)
        for outcome in self._attempts(candidates):
            if fault_of(outcome) == self._fault:
                self.shrunk.best = outcome
                self._tell(f"{step}: still fails", self.shrunk)
                return True
        self._refused.add(key)
        return False

    def _tries(self) -> int:
        """As many as cost about what the first run's did."""
        ratio = _length(self.shrunk.first) // max(1, _length(self.shrunk.best))
        return min(TRIES_MAX, TRIES * max(1, ratio))

    def _attempts(self, candidates: list[RunOptions]) -> Iterator[RunOutcome]:
        for start in range(0, len(candidates), self._batch):
            self._hurry()
            batch = list(self._evaluate(candidates[start : start + self._batch]))
            self.shrunk.runs += len(batch)
            yield from batch

    def _reseeded(self, options: RunOptions) -> RunOptions:
        self._fresh_seed += 1
        return changed(options, {"seed": self._fresh_seed})


def _length(outcome: RunOutcome) -> int:
    return outcome.result.events if outcome.result is not None else 0


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def value_text(value: Value) -> str:
    """An option's value for people."""
    return f"'{value}'" if isinstance(value, str) else str(value)
