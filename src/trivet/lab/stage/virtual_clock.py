"""Python's clock in virtual time: for code under test that calls ``time.sleep`` or ``time.time`` itself.

Only the threads of one stage see virtual time, and only while it is installed; all others keep the real one.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol
from unittest import mock


class Timed(Protocol):
    """What the clock needs of a stage."""

    @property
    def now_ms(self) -> float:
        """Virtual time since the start."""
        ...

    @property
    def wall_s(self) -> float:
        """Virtual Unix time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        ...

    def owns_thread(self) -> bool:
        """Whether the running thread is one of its tasks."""
        ...


class VirtualClock:
    """Replaces functions of ``time`` for the threads of one stage."""

    def __init__(self, stage: Timed) -> None:
        self._stage = stage

    @contextmanager
    def installed(self, thread: int) -> Iterator[None]:
        """``thread`` is the identity of the directing thread."""
        stage = self._stage

        def mine() -> bool:
            return threading.get_ident() == thread or stage.owns_thread()

        def either(virtual: Callable[[], float], real: Callable[[], float]) -> Callable[[], float]:
            return lambda: virtual() if mine() else real()

        real_sleep = time.sleep

        def sleep(seconds: float) -> None:
            (stage.sleep if mine() else real_sleep)(seconds)

        monotonic = either(lambda: stage.now_ms / 1000, time.monotonic)
        with (
            mock.patch.object(time, "sleep", sleep),
            mock.patch.object(time, "time", either(lambda: stage.wall_s, time.time)),
            mock.patch.object(time, "monotonic", monotonic),
            mock.patch.object(time, "perf_counter", either(lambda: stage.now_ms / 1000, time.perf_counter)),
        ):
            yield
