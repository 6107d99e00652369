"""What a node counts about commands: calls, errors, how long they took, which were slow.

Strategy: a call costs one addition to a list. Time is measured per run, not per command, and
only for runs that are not answered in the turn in which they came: from that turn to the one
of the answer, by the driver's clock, in whole milliseconds. So what is called the time of a
command here is the time until its run was *acknowledged*, majority and disk included, not
processor time; it stands under the name of the command that opened the run.
"""

from collections import deque
from typing import Final

from trivet.core.base.ids import Instant, WallMs
from trivet.core.group.run import Run
from trivet.core.machine.rights import AS
from trivet.core.node.routes import ROUTES
from trivet.core.wire.reply import Error, Reply

TURNS_MAX: Final = 4096
"""Turns whose time is remembered: a run that took longer counts from the oldest of them."""
EVENTS_MAX: Final = 160
"""Per latency event, as in Redis."""
ERROR_CODES_MAX: Final = 128
SLOW_ARGS_MAX: Final = 32
SLOW_ARG_BYTES_MAX: Final = 128
_NEVER_MS: Final = 1 << 62
BUCKETS: Final = 24
"""Of a histogram: bucket n counts runs of less than 2**n ms; the first those answered at once."""


class Slow:
    """One entry of the slow log."""

    __slots__ = ("address", "args", "name", "number", "took_us", "unix_s")

    def __init__(
        self, number: int, unix_s: int, took_us: int, args: list[bytes], address: str, name: bytes
    ) -> None:
        self.number = number
        self.unix_s = unix_s
        self.took_us = took_us
        self.args = args
        self.address = address
        self.name = name


class Stats:
    """Counts since the start or since ``CONFIG RESETSTAT``."""

    def __init__(self) -> None:
        self.calls: list[int] = [0] * len(ROUTES)
        """By the number of the route."""
        self.took_ms: dict[str, int] = {}
        """By name; as the ones below."""
        self.failed: dict[str, int] = {}
        self.histograms: dict[str, list[int]] = {}
        self.errors: dict[str, int] = {}
        """By the code that an error starts with."""
        self.turn = 0
        self.now_ms: Instant = 0
        self.wall_ms: WallMs = 0
        self._times: list[Instant] = [0] * TURNS_MAX
        self.slow_us = -1
        """Runs that took at least this long go to the slow log; -1: none."""
        self.slow_max = 0
        self.slow: deque[Slow] = deque()
        self._slow_number = 0
        self.latency_ms = 0
        self._notable_ms = _NEVER_MS
        """Runs that took less are neither slow nor a latency event."""
        """Runs that took at least this long are latency events; 0: none."""
        self.latency: dict[str, deque[tuple[int, int]]] = {}
        """By event: (Unix time in s, ms), one per second."""
        self.input_bytes = 0
        self.output_bytes = 0
        self.reads = 0
        """Commands that read only."""
        self.misses = 0
        """Those that answered nothing."""
        self.peak_bytes = 0
        """The most memory that ``INFO`` has ever shown."""
        self.calls_per_second = 0
        self._rated: tuple[Instant, int] = (0, 0)
        self._last_turn = -1
        """Of the run looked at last: its turn, opener, time, and where that is counted; -1: none yet."""
        self._last_opener = ""
        self._last_ms = 0
        self._last_histogram: list[int] = []
        self._last_bucket = 0

    def begin_turn(self, turn: int, now_ms: Instant, wall_ms: WallMs) -> None:
        """A turn has begun: what came since the last one came now."""
        self.turn = turn
        self.now_ms = now_ms
        self.wall_ms = wall_ms
        self._times[turn % TURNS_MAX] = now_ms
        self._last_turn = -1

    def reset(self) -> None:
        """``CONFIG RESETSTAT``."""
        self.calls = [0] * len(ROUTES)
        self.took_ms = {}
        self.failed = {}
        self.histograms = {}
        self.errors = {}
        self._last_turn = -1
        self.input_bytes = self.output_bytes = 0
        self.reads = self.misses = 0

    def follow(self, slow_us: int, slow_max: int, latency_ms: int) -> None:
        """The settings have changed."""
        self.slow_us = slow_us
        self.slow_max = slow_max
        self.latency_ms = latency_ms
        slow_ms = -(-slow_us // 1000) if slow_us >= 0 else _NEVER_MS
        self._notable_ms = min(slow_ms, latency_ms or _NEVER_MS)
        while len(self.slow) > slow_max:
            self.slow.pop()

    # -- runs ------------------------------------------------------------------------------

    def took(self, run: Run, address: str, name: bytes) -> None:
        """A run of a later turn than it came in has its answers."""
        if run.turn != self._last_turn or run.opener != self._last_opener:
            self._look_up(run)
        ms = self._last_ms
        if ms:
            self.took_ms[run.opener] += ms
            self._last_histogram[self._last_bucket] += run.count
        if ms >= self._notable_ms:
            if 0 <= self.slow_us <= ms * 1000:
                self._note_slow(run, ms, address, name)
            if self.latency_ms and ms >= self.latency_ms:
                self.note_latency("command", ms)

    def _look_up(self, run: Run) -> None:
        """Most runs that are answered together came together: what they share is looked up once."""
        turn, opener = run.turn, run.opener
        began_ms = self._times[(turn if self.turn - turn < TURNS_MAX else self.turn + 1) % TURNS_MAX]
        ms = self.now_ms - began_ms
        self._last_turn, self._last_opener, self._last_ms = turn, opener, ms
        if ms:
            histogram = self.histograms.get(opener)
            if histogram is None:
                histogram = self.histograms[opener] = [0] * BUCKETS
                self.took_ms[opener] = 0
            self._last_histogram = histogram
            self._last_bucket = min(ms.bit_length(), BUCKETS - 1)

    def _note_slow(self, run: Run, ms: int, address: str, name: bytes) -> None:
        if not self.slow_max or opener_is_private(run.opener):
            return
        args = run.calls[0][1] if run.calls else run.first
        if args is not None and args[0] == AS:
            args = args[3:]
        shown = shorten(args) if args is not None else [run.opener.encode()]
        self._slow_number += 1
        entry = Slow(self._slow_number - 1, self.wall_ms // 1000, ms * 1000, shown, address, name)
        self.slow.appendleft(entry)
        if len(self.slow) > self.slow_max:
            self.slow.pop()

    def note_latency(self, event: str, ms: int) -> None:
        """Something took longer than ``latency-monitor-threshold``."""
        samples = self.latency.setdefault(event, deque(maxlen=EVENTS_MAX))
        unix_s = self.wall_ms // 1000
        if samples and samples[-1][0] == unix_s:
            samples[-1] = (unix_s, max(ms, samples[-1][1]))
        else:
            samples.append((unix_s, ms))

    # -- errors -----------------------------------------------------------------------------

    def run_failed(self, run: Run, replies: list[Reply]) -> None:
        """Some of the replies are errors."""
        for reply in replies:
            for each in reply if isinstance(reply, list) else [reply]:
                if isinstance(each, Error):
                    self.count_error(each)
                    self.failed[run.opener] = self.failed.get(run.opener, 0) + 1

    def count_error(self, error: Error) -> None:
        """An error goes to a client."""
        code = error.text.split(" ", 1)[0]
        if code in self.errors or len(self.errors) < ERROR_CODES_MAX:
            self.errors[code] = self.errors.get(code, 0) + 1

    # -- what INFO and LATENCY show ---------------------------------------------------------

    def calls_total(self) -> int:
        """All commands taken."""
        return sum(self.calls)

    def look_at_rate(self, now_ms: Instant) -> None:
        """Once a second: how many calls there were."""
        since_ms, before = self._rated
        if now_ms - since_ms >= 1000:
            total = self.calls_total()
            self.calls_per_second = max(0, total - before) * 1000 // (now_ms - since_ms)
            self._rated = (now_ms, total)

    def by_name(self) -> list[tuple[str, int]]:
        """Commands that were called, and how often."""
        return [
            (route.shown, self.calls[route.number]) for route in ROUTES.values() if self.calls[route.number]
        ]


def opener_is_private(opener: str) -> bool:
    """Commands that never enter the slow log: their arguments are secrets, or they are no call."""
    return opener in ("acl", "auth", "config", "hello", "exec")


def shorten(args: list[bytes]) -> list[bytes]:
    """Arguments as the slow log keeps them: so many, of so many bytes."""
    shown: list[bytes] = []
    for at, arg in enumerate(args):
        if at == SLOW_ARGS_MAX - 1 and len(args) > SLOW_ARGS_MAX:
            shown.append(b"... (%d more arguments)" % (len(args) - at))
            break
        if len(arg) > SLOW_ARG_BYTES_MAX:
            more = len(arg) - SLOW_ARG_BYTES_MAX
            arg = arg[:SLOW_ARG_BYTES_MAX] + b"... (%d more bytes)" % more
        shown.append(arg)
    return shown
