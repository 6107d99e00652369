"""Runs over processes: option sets in, outcomes out in the same order, and no end without a word.

A worker is a fresh process at the end of a pipe, and works on one run at a time. So when it dies (killed for
its memory, say) it is known which run it had; that run's outcome says so, and another worker takes its place.
"""

import contextlib
import multiprocessing
import signal
import time
import traceback
from collections.abc import Generator, Iterable, Iterator
from multiprocessing.connection import Connection, wait

import msgspec

from trivet.lab.runner import RunResult, run
from trivet.lab.world.options import RunOptions

AHEAD_MAX = 32
"""So many outcomes per worker, at most, wait for a slow run before them."""
RUN_SECONDS_MAX = 900.0
"""Real time after which a run is taken to hang. It only guards a campaign; no run depends on it."""
GLANCE_SECONDS = 5.0


class RunOutcome(msgspec.Struct, frozen=True):
    """A run's result, or why there is none."""

    options: RunOptions
    result: RunResult | None
    error: str = ""
    """A traceback, or what befell the worker."""

    def failed(self) -> bool:
        """Whether somebody should look at it."""
        return self.result is None or bool(self.result.complaints)


def perform(options: RunOptions) -> RunOutcome:
    """One run in this process; what it raises is its outcome."""
    try:
        return RunOutcome(options, run(options))
    except Exception:
        return RunOutcome(options, None, traceback.format_exc())


def outcomes(tasks: Iterable[RunOptions], jobs: int) -> Generator[RunOutcome, None, None]:
    """The outcome of every task, in their order, by ``jobs`` worker processes; 0: in this process.

    Close the iterator to end the workers early.
    """
    if jobs == 0:
        yield from map(perform, tasks)
        return
    crew = Crew(jobs)
    try:
        yield from crew.work_on(iter(tasks))
    finally:
        crew.dismiss()


def _work(pipe: Connection) -> None:
    """The life of a worker: ends when its master does."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            options = msgspec.msgpack.decode(pipe.recv_bytes(), type=RunOptions)
            pipe.send_bytes(msgspec.msgpack.encode(perform(options)))


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """What is started here does not hear Ctrl-C: the master does, and ends its workers."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not in the main thread: nobody presses keys at us
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Worker:
    """One process, and the run it has."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,), daemon=True, name="trivet-lab")
        with _deaf():
            self.process.start()
        theirs.close()
        self.number = 0
        self.options: RunOptions | None = None
        self.since_s = 0.0

    def give(self, number: int, options: RunOptions) -> None:
        """Let it run ``options``. Should it be dead, ``take`` will find out."""
        self.number, self.options, self.since_s = number, options, time.monotonic()
        with contextlib.suppress(OSError):
            self.pipe.send_bytes(msgspec.msgpack.encode(options))

    def take(self) -> RunOutcome:
        """What came of it. A worker without ``options`` afterwards is free, else it is dead."""
        assert self.options is not None
        try:
            outcome = msgspec.msgpack.decode(self.pipe.recv_bytes(), type=RunOutcome)
        except (EOFError, OSError):
            self.process.join(GLANCE_SECONDS)
            return RunOutcome(self.options, None, f"the worker process died: {self._last_words()}")
        self.options = None
        return outcome

    def _last_words(self) -> str:
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"exit code {code}"
        name = signal.Signals(-code).name
        return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")

    def end(self) -> None:
        """Kill it; it has nothing to save."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


class Crew:
    """Some workers, and the outcomes that are not due yet. To be dismissed when the work is done."""

    def __init__(self, jobs: int) -> None:
        self.workers = [_Worker() for _ in range(jobs)]
        self._early: dict[int, RunOutcome] = {}

    def work_on(self, tasks: Iterator[RunOptions]) -> Iterator[RunOutcome]:
        """Outcomes in the order of the tasks."""
        given = due = 0
        more = True
        while True:
            for worker in self.workers:
                if more and worker.options is None and given - due < AHEAD_MAX * len(self.workers):
                    options = next(tasks, None)
                    if options is None:
                        more = False
                    else:
                        worker.give(given, options)
                        given += 1
            while due in self._early:
                yield self._early.pop(due)
                due += 1
            if due == given and not more:
                return
            if due < given:
                self._gather()

    def _gather(self) -> None:
        busy = {worker.pipe: place for place, worker in enumerate(self.workers) if worker.options is not None}
        for pipe in wait(list(busy), GLANCE_SECONDS):
            assert isinstance(pipe, Connection)
            self._take(busy.pop(pipe))
        for place in busy.values():
            worker = self.workers[place]
            if time.monotonic() - worker.since_s > RUN_SECONDS_MAX and worker.options is not None:
                sentence = f"the run did not end within {RUN_SECONDS_MAX:.0f} s of real time"
                self._early[worker.number] = RunOutcome(worker.options, None, sentence)
                self._replace(place)

    def _take(self, place: int) -> None:
        worker = self.workers[place]
        self._early[worker.number] = worker.take()
        if worker.options is not None:
            self._replace(place)

    def _replace(self, place: int) -> None:
        self.workers[place].end()
        self.workers[place] = _Worker()

    def dismiss(self) -> None:
        """End all of them."""
        for worker in self.workers:
            worker.end()
