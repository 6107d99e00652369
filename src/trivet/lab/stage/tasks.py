"""Several functions "at the same time" in virtual time: one thread each, and one baton.

Exactly one thread runs at any moment; a switch happens only where a function waits in virtual time. So
what the functions do is as deterministic as the simulation: the threads are only their stacks. Whoever
runs the simulation hands the baton to a task when its condition holds, after the event that made it so.
"""

import threading
from collections.abc import Callable

from trivet.lab.world.sim import Simulation

Condition = Callable[[], object]
Tell = Callable[[str, str], None]
"""Called with a task's name and what befell it."""


class TaskEnded(BaseException):
    """Raised inside a task that is still waiting when its stage closes; not for catching."""


class Task:
    """One function on its way. ``pause`` stalls it where it waits, as a stopped process stalls."""

    def __init__(self, name: str, work: Callable[[], object], tell: Tell) -> None:
        self.name = name
        self._tell = tell
        self.done = False
        self.paused = False
        self.error: BaseException | None = None
        self._value: object = None
        self._work = work
        self._go = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._condition: Condition = lambda: True
        self._deadline_us = 0
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._started = False
        self.told = False
        """Its error has been raised somewhere: no need to raise it again when the stage closes."""

    @property
    def thread(self) -> int | None:
        """Its thread's identity; None before it begins."""
        return self._thread.ident

    def pause(self) -> None:
        """Stall: replies may arrive and time passes, but the function does not go on."""
        if not self.paused and not self.done:
            self.paused = True
            self._tell(self.name, "stands still")

    def resume(self) -> None:
        """Go on where it stalled."""
        if self.paused:
            self.paused = False
            self._tell(self.name, "goes on")

    def result(self) -> object:
        """What the function returned; raises what it raised. Only once ``done``."""
        assert self.done, f"task {self.name} has not ended"
        if self.error is not None:
            self.told = True
            raise self.error
        return self._value

    # -- the baton

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self._ending:
                self._value = self._work()
        except TaskEnded:
            pass
        except BaseException as error:
            self.error = error
        self.done = True
        self._back.release()

    def ready(self, now_us: int) -> bool:
        """Whether it would go on now."""
        return not self.done and not self.paused and (now_us >= self._deadline_us or bool(self._condition()))

    def take_baton(self) -> None:
        """Let it run until it waits again or ends. By the thread that runs the simulation."""
        if not self._started:
            self._started = True
            self._thread.start()
        self._go.release()
        self._back.acquire()

    def give_baton(self, condition: Condition, deadline_us: int) -> None:
        """Wait. By its own thread."""
        self._condition = condition
        self._deadline_us = deadline_us
        self._back.release()
        self._go.acquire()
        if self._ending:
            raise TaskEnded

    def end(self) -> None:
        """Unwind its stack, so that its thread ends."""
        self._ending = True
        while self._started and not self.done:
            self.take_baton()
        self.done = True
        if self._started:
            self._thread.join()


class Tasks:
    """All tasks of one simulation, and the only way in which anything waits for virtual time."""

    def __init__(self, simulation: Simulation, check: Callable[[], None], tell: Tell) -> None:
        """``check`` is called whenever somebody begins to wait, and may raise."""
        self._tell = tell
        self.all: list[Task] = []
        self._check = check
        self._simulation = simulation
        self._running: Task | None = None

    def spawn(self, name: str, work: Callable[[], object], delay_us: int) -> Task:
        """A new task that begins ``delay_us`` from now."""
        task = Task(name, work, self._tell)
        task._condition = lambda: False
        task._deadline_us = self._simulation.now_us + delay_us
        self._simulation.after(delay_us, _nothing)
        self.all.append(task)
        return task

    def wait(self, condition: Condition, within_us: int) -> bool:
        """Let virtual time pass until ``condition`` holds; False when ``within_us`` passed first."""
        simulation = self._simulation
        self._check()
        if condition():
            return True
        deadline_us = simulation.now_us + max(1, within_us)
        task = self._running
        if task is not None:
            simulation.at(deadline_us, _nothing)
            task.give_baton(condition, deadline_us)
            return bool(condition())

        def after_event() -> bool:
            self._hand_over()
            return bool(condition())

        return after_event() or simulation.run_until(deadline_us, after_event)

    @property
    def inside(self) -> bool:
        """Whether a task has the baton, and not the director."""
        return self._running is not None

    def owns(self, thread: int) -> bool:
        """Whether the thread of this identity is the one with the baton."""
        return self._running is not None and self._running.thread == thread

    def _hand_over(self) -> None:
        """Run every task whose time has come, in the order in which they were spawned, until all wait."""
        went = True
        while went:
            went = False
            for task in self.all:
                if task.ready(self._simulation.now_us):
                    self._running = task
                    try:
                        task.take_baton()
                    finally:
                        self._running = None
                    went = True

    def end(self) -> None:
        """End all tasks."""
        for task in self.all:
            self._running = task
            try:
                task.end()
            finally:
                self._running = None


def _nothing() -> None:
    """An event that only makes time stop by here."""
