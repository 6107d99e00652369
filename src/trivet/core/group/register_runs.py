"""Runs of clients, split by key: each register answers for itself, and the replies are put together again.

On the path: a run -> **parts** -> errands. The calls of one run that concern one register are one task, in
order; those of different keys go side by side.
"""

from trivet.core.base.ids import ConnectionId, Instant
from trivet.core.group.register_keys import place_key
from trivet.core.group.register_watches import RegisterWatches
from trivet.core.group.run import Run
from trivet.core.machine.checking import WHOLE
from trivet.core.machine.entry import Call
from trivet.core.machine.register import Registers, Task
from trivet.core.machine.register_place import SEVERAL, register_of
from trivet.core.wire.reply import NULL_ARRAY, OK, Error, Reply


class Part:
    """Calls that concern one register, and who wants their replies."""

    __slots__ = ("patient", "size_bytes", "staged_ms", "task")

    def __init__(self, task: Task, size_bytes: int, staged_ms: Instant, patient: bool = False) -> None:
        self.task = task
        self.size_bytes = size_bytes
        self.staged_ms = staged_ms
        self.patient = patient

    def done(self, replies: list[Reply], version: int, there: bool) -> None:
        """One reply per call.

        ``version``: of the register; ``there``: whether the key was, which only who reads is told surely.
        """
        raise NotImplementedError

    def failed(self, error: Error) -> None:
        """Each call is answered with ``error``."""
        raise NotImplementedError


class WalkCall:
    """A call about a whole database."""

    __slots__ = ("_parts", "_position", "args", "db")

    def __init__(self, parts: "RunParts", position: int, db: int, args: list[bytes]) -> None:
        self._parts = parts
        self._position = position
        self.db = db
        self.args = args

    def done(self, reply: Reply) -> None:
        """Its reply."""
        self._parts.answer(self._position, reply)
        self._parts.look()


class RunPart(Part):
    """Of a run."""

    __slots__ = ("_parts", "positions")

    def __init__(self, parts: "RunParts", db: int, key: bytes | None, run: Run, now_ms: Instant) -> None:
        super().__init__(Task(db, key, [], 0, None, not run.writes), 0, now_ms, run.patient)
        self._parts = parts
        self.positions: list[int] = []

    def done(self, replies: list[Reply], version: int, there: bool) -> None:
        """As ``Part``."""
        parts = self._parts
        for position, reply in zip(self.positions, replies, strict=True):
            parts.answer(position, reply)
        parts.look()

    def failed(self, error: Error) -> None:
        """As ``Part``."""
        self._parts.has_failed = True
        self.done([error] * len(self.positions), 0, False)


class WatchPart(RunPart):
    """``WATCH``: nothing but a look."""

    __slots__ = ("_client", "_place", "_watches")

    def __init__(
        self, parts: "RunParts", db: int, key: bytes, run: Run, now_ms: Instant, watches: RegisterWatches,
        client: ConnectionId,
    ) -> None:  # fmt: skip
        super().__init__(parts, db, key, run, now_ms)
        self.task = Task(db, key, [(db, [b"EXISTS", key])], client, None, True)
        self._watches = watches
        self._client = client
        self._place = place_key(db, key)

    def done(self, replies: list[Reply], version: int, there: bool) -> None:
        """As ``Part``."""
        if type(replies[0]) is Error:
            super().done(replies, version, there)
            return
        problem = self._watches.note(self._client, self._place, version, there)
        super().done([OK if problem is None else problem], version, there)


class RunParts:
    """A run, split."""

    __slots__ = ("_left", "_replies", "_run", "_tracked", "has_failed", "parts", "walks")

    def __init__(self, run: Run, tracked: list[Run]) -> None:
        self._run = run
        self._left = run.count
        self._replies: list[Reply] = [None] * run.count
        self._tracked = tracked
        self.has_failed = False
        self.parts: list[RunPart] = []
        self.walks: list[WalkCall] = []

    def answer(self, position: int, reply: Reply) -> None:
        """One call has its reply; ``look`` follows."""
        self._replies[position] = reply
        self._left -= 1

    def look(self) -> None:
        """Whether all have."""
        if not self._left and self._run.replies is None:
            if self._run.tracks and not self.has_failed:
                self._tracked.append(self._run)
            self._run.finish(self._replies)


def split_run(
    run: Run, registers: Registers, watches: RegisterWatches, tracked: list[Run], now_ms: Instant
) -> RunParts:
    """The parts of ``run``, none of which has begun; what can be answered at once is."""
    calls = list(run.calls) if run.tracks else run.take_calls()
    parts = RunParts(run, tracked)
    by_place: dict[tuple[int, bytes | None], RunPart] = {}
    for position, call in enumerate(calls):
        db, args = call
        name = args[0]
        if name in WHOLE:
            if name == b"WATCH":
                _watch(parts, position, db, args, run, watches, now_ms)
            else:
                parts.walks.append(WalkCall(parts, position, db, args))
            continue
        if name == b"UNWATCH":
            watches.forget(int(args[1]))
            parts.answer(position, OK)
            continue
        found = register_of([call])
        if isinstance(found, Error):
            parts.answer(position, found)
        elif name == b"EXEC" and args[2]:
            _watched(parts, position, call, found, run, watches, now_ms)
        else:
            place = (db, None) if found is None else found
            part = by_place.get(place)
            if part is None:
                part = by_place[place] = RunPart(parts, place[0], place[1], run, now_ms)
                parts.parts.append(part)
            _add(part, position, call)
    parts.look()
    return parts


def _add(part: RunPart, position: int, call: Call) -> None:
    part.positions.append(position)
    part.task.calls.append(call)
    part.size_bytes += sum(map(len, call[1])) + 32


def _watch(
    parts: RunParts, position: int, db: int, args: list[bytes], run: Run, watches: RegisterWatches,
    now_ms: Instant,
) -> None:  # fmt: skip
    if any(key != args[2] for key in args[3:]):
        parts.answer(position, SEVERAL)
        return
    part = WatchPart(parts, db, args[2], run, now_ms, watches, int(args[1]))
    part.positions.append(position)
    parts.parts.append(part)


def _watched(
    parts: RunParts, position: int, call: Call, found: tuple[int, bytes] | None, run: Run,
    watches: RegisterWatches, now_ms: Instant,
) -> None:  # fmt: skip
    """``EXEC`` of a client that watches."""
    client = int(call[1][2])
    watched = watches.take(client)
    if watched is None:
        parts.answer(position, NULL_ARRAY)
        return
    place, version, there = watched
    if found is None or place_key(*found) != place:
        parts.answer(position, SEVERAL)
        return
    part = RunPart(parts, found[0], found[1], run, now_ms)
    part.task = Task(found[0], found[1], [call], client, (version, there), False)
    part.positions.append(position)
    parts.parts.append(part)
