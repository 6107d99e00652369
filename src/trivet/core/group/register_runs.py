"""Runs of clients, split by key: each register answers for itself, and the replies are put together again.

On the path: a run -> **parts** -> errands. The calls of one run that concern one register are one task, in
order; those of different keys go side by side.

- Rule U1: what can't be done is refused here, before anything is begun of that call.
- Rule U2: a few commands with several keys, which nobody takes for atomic, are asked of each key.
- Rule U3: a script travels as its text: who runs it need not have seen it. By its name it is known to the
  node that has seen the text; what was taught (``SCRIPT LOAD``, functions) every node knows.
"""

from collections.abc import Callable
from typing import ClassVar, Final

from trivet.core.base.ids import ConnectionId, Instant
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.register_keys import db_of, key_of, place_key
from trivet.core.group.register_watches import RegisterWatches
from trivet.core.group.run import Run
from trivet.core.machine.checking import WHOLE
from trivet.core.machine.entry import Call, decode_calls, encode_calls
from trivet.core.machine.register import Registers, Task
from trivet.core.machine.register_place import SEVERAL, register_of, simple_place
from trivet.core.machine.rights import AS
from trivet.core.machine.scanning import SLOTKEYS
from trivet.core.script.scripts import Scripts, sha1_of
from trivet.core.wire.reply import NOT_HERE, NULL_ARRAY, OK, Error, NotHere, Reply

CALL_BYTES: Final = 32
"""What a call takes beside its words."""


class Part:
    """Calls that concern one register, and who wants their replies."""

    __slots__ = ("before_writes", "follows", "patient", "size_bytes", "staged_ms", "task")

    behind_writes: ClassVar[bool] = False
    """It reads, and comes after the writes of the key that are under way at this node."""

    def __init__(self, task: Task, size_bytes: int, staged_ms: Instant, patient: bool = False) -> None:
        self.task = task
        self.size_bytes = size_bytes
        self.staged_ms = staged_ms
        self.patient = patient
        self.before_writes = False
        """It reads, and its client writes the key behind it: what it sees is what was there before that."""
        self.follows = False
        """It would only read, and goes along with writes; see ``Errands``."""

    def done(self, replies: list[Reply], version: int, there: bool) -> None:
        """One reply per call.

        ``version``: of the register; ``there``: whether the key was, which only who reads is told surely.
        """
        raise NotImplementedError

    def failed(self, error: Error) -> None:
        """Each call is answered with ``error``."""
        raise NotImplementedError

    def moved(self) -> None:
        """The group does not serve the register's slot: nothing was done, and the calls go elsewhere."""
        raise NotImplementedError

    def rehome(self, misrouted: list[Run]) -> None:
        """Another group goes on with it: the runs that it has to do with come back there (Rule M4)."""


class WalkCall:
    """A call about a whole database."""

    __slots__ = ("_parts", "_position", "args", "db")

    def __init__(self, parts: "RunParts", position: int, db: int, args: list[bytes]) -> None:
        self._parts = parts
        self._position = position
        self.db = db
        self.args = args

    @property
    def epoch(self) -> int:
        """Of the cluster map by which the group was chosen."""
        return self._parts.run.epoch

    def done(self, reply: Reply) -> None:
        """Its reply."""
        self._parts.answer(self._position, reply)
        self._parts.look()


class RunPart(Part):
    """Of a run."""

    __slots__ = ("_parts", "positions")

    def __init__(self, parts: "RunParts", task: Task, now_ms: Instant, patient: bool) -> None:
        super().__init__(task, 0, now_ms, patient)
        self._parts = parts
        self.positions: list[int] = []

    def add(self, position: int, call: Call) -> None:
        """One more call of the same register; its reply is the one at ``position``."""
        self.positions.append(position)
        self.task.calls.append(call)
        self.size_bytes += sum(map(len, call[1])) + CALL_BYTES

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

    def moved(self) -> None:
        """As ``Part``."""
        parts = self._parts
        for position in self.positions:
            parts.answer(position, NOT_HERE)
        parts.look()

    def rehome(self, misrouted: list[Run]) -> None:
        """As ``Part``."""
        self._parts.misrouted = misrouted


class WatchPart(RunPart):
    """``WATCH``: nothing but a look, after what the client has written before."""

    __slots__ = ("_watches",)

    behind_writes: ClassVar[bool] = True

    def __init__(
        self, parts: "RunParts", task: Task, now_ms: Instant, patient: bool, watches: RegisterWatches
    ) -> None:
        super().__init__(parts, task, now_ms, patient)
        self._watches = watches

    def done(self, replies: list[Reply], version: int, there: bool) -> None:
        """As ``Part``."""
        task = self.task
        assert task.key is not None
        if not isinstance(replies[0], Error):
            # ``there`` is not told where the look went along with a write.
            self._watches.note(task.client, place_key(task.db, task.key), version, replies[0] == 1)
            replies = [OK]
        super().done(replies, version, there)

    def moved(self) -> None:
        """As ``Part``: it looks elsewhere."""
        self._watches.give_up(self.task.client)
        super().moved()


class LonePart(Part):
    """Of a run that is one call about one key: most are."""

    __slots__ = ("_misrouted", "_run", "_tracked")

    def __init__(
        self, run: Run, task: Task, now_ms: Instant, tracked: list[Run], misrouted: list[Run]
    ) -> None:
        super().__init__(task, sum(map(len, task.calls[0][1])) + CALL_BYTES, now_ms, run.patient)
        self._run = run
        self._tracked = tracked
        self._misrouted = misrouted

    def done(self, replies: list[Reply], version: int, there: bool) -> None:
        """As ``Part``."""
        run = self._run
        if run.tracks and run.replies is None:
            self._tracked.append(run)
        run.finish(replies)

    def failed(self, error: Error) -> None:
        """As ``Part``."""
        self._run.finish([error])

    def moved(self) -> None:
        """As ``Part``."""
        run = self._run
        if run.replies is None:
            run.sent = self.task.calls
            if run.finish_in_part([NOT_HERE]):
                self._misrouted.append(run)

    def rehome(self, misrouted: list[Run]) -> None:
        """As ``Part``."""
        self._misrouted = misrouted


class Gathered:
    """A call whose keys are asked one by one (Rule U2)."""

    __slots__ = ("left", "name", "position", "replies")

    def __init__(self, name: bytes, position: int, count: int) -> None:
        self.name = name
        self.position = position
        self.replies: list[Reply] = [None] * count
        self.left = count

    def whole(self) -> Reply:
        """One reply, when all are there. Where keys have moved the call is sent anew, if that is harmless."""
        for reply in self.replies:
            if isinstance(reply, Error):
                return reply
        if any(isinstance(reply, NotHere) for reply in self.replies):
            has_removed = self.name in _REMOVES and any(reply == 1 for reply in self.replies)
            return TIMEOUT_ERROR if has_removed else NOT_HERE
        return _MERGES[self.name](self.replies)


class RunParts:
    """A run, split."""

    __slots__ = (
        "_calls", "_gathered", "_left", "_replies", "_tracked", "has_failed", "misrouted", "parts", "run",
        "walks",
    )  # fmt: skip

    def __init__(self, run: Run, calls: list[Call], tracked: list[Run], misrouted: list[Run]) -> None:
        self.run = run
        self.misrouted = misrouted
        """Gets the run if some of its calls have to go elsewhere."""
        self._calls = calls
        self._left = run.count
        self._replies: list[Reply] = [None] * run.count
        self._tracked = tracked
        self._gathered: list[tuple[Gathered, int]] = []
        """Where replies belong whose positions are those of no call."""
        self.has_failed = False
        self.parts: list[RunPart] = []
        self.walks: list[WalkCall] = []

    def position_of(self, gathered: Gathered, place: int) -> int:
        """A position for one of the replies of a call that is asked in parts."""
        self._gathered.append((gathered, place))
        return len(self._replies) + len(self._gathered) - 1

    def answer(self, position: int, reply: Reply) -> None:
        """One call has its reply; ``look`` follows."""
        if position < len(self._replies):
            self._replies[position] = reply
            self._left -= 1
            return
        gathered, place = self._gathered[position - len(self._replies)]
        gathered.replies[place] = reply
        gathered.left -= 1
        if not gathered.left:
            self.answer(gathered.position, gathered.whole())

    def look(self) -> None:
        """Whether all have."""
        run = self.run
        if self._left or run.replies is not None:
            return
        if any(type(reply) is NotHere for reply in self._replies):
            run.sent = self._calls
            if run.finish_in_part(self._replies):
                self.misrouted.append(run)
            return
        if run.tracks and not self.has_failed:
            self._tracked.append(run)
        run.finish(self._replies)


class _Splitting:
    """Splits one run."""

    __slots__ = ("_by_place", "_looks", "_now_ms", "_parts", "_registers", "_watches")

    def __init__(
        self, parts: RunParts, registers: Registers, watches: RegisterWatches, now_ms: Instant
    ) -> None:
        self._parts = parts
        self._registers = registers
        self._watches = watches
        self._now_ms = now_ms
        self._by_place: dict[tuple[int, bytes | None], RunPart] = {}
        self._looks: dict[tuple[int, bytes | None], RunPart] = {}
        """Of ``WATCH``: what comes later of such a key stays behind it (Rule W3)."""

    def take(self, position: int, call: Call) -> None:
        """One call."""
        db, args = call
        name = args[0]
        special = _SPECIAL.get(name)
        if special is not None:
            special(self, position, call)
            return
        if name in _SCRIPTED and (named := _with_text(self._registers.scripts, call)) is not call:
            if isinstance(named, Error):
                self._parts.answer(position, named)
                return
            call = named
        found = register_of([call])
        if isinstance(found, Error):
            if found is SEVERAL and name in _MERGES:
                self._gather(position, call)
            else:
                self._parts.answer(position, found)
        elif name == b"EXEC" and args[2]:
            self._watched(position, call, found, int(args[2]))
        elif name == AS and args[3] == b"EXEC" and args[5]:
            self._watched(position, call, found, int(args[5]))
        else:
            self._part((db, None) if found is None else found).add(position, call)

    def _part(self, place: tuple[int, bytes | None]) -> RunPart:
        part = self._by_place.get(place)
        if part is None:
            run = self._parts.run
            task = Task(place[0], place[1], [], reads_only=not run.writes)
            part = self._by_place[place] = RunPart(self._parts, task, self._now_ms, run.patient)
            self._parts.parts.append(part)
            look = self._looks.get(place)
            if look is not None:
                look.before_writes = True
        return part

    def _gather(self, position: int, call: Call) -> None:
        """Rule U2."""
        db, args = call
        gathered = Gathered(args[0], position, len(args) - 1)
        for place, key in enumerate(args[1:]):
            part = self._part((db, key))
            part.add(self._parts.position_of(gathered, place), (db, [args[0], key]))

    def walk(self, position: int, call: Call) -> None:
        """About a whole database."""
        self._parts.walks.append(WalkCall(self._parts, position, *call))

    def taught(self, position: int, call: Call) -> None:
        """``SCRIPT``, ``FUNCTION``: what is taught comes from the system group, the rest is answered here."""
        db, args = call
        if len(args) > 1 and args[1].upper() in _TAUGHT:
            self._parts.answer(position, OK)
        else:
            self._part((db, None)).add(position, call)

    def watch(self, position: int, call: Call) -> None:
        """``WATCH client key…``."""
        db, args = call
        client, key = int(args[1]), args[2]
        problem = SEVERAL if any(other != key for other in args[3:]) else None
        problem = problem or self._watches.begin(client, place_key(db, key))
        if problem is not None:
            self._parts.answer(position, problem)
            return
        task = Task(db, key, [], client, None, True)
        part = WatchPart(self._parts, task, self._now_ms, self._parts.run.patient, self._watches)
        part.add(position, (db, [b"EXISTS", key]))
        self._parts.parts.append(part)
        self._by_place.pop((db, key), None)
        self._looks[(db, key)] = part

    def unwatch(self, position: int, call: Call) -> None:
        """``UNWATCH client``."""
        self._watches.forget(int(call[1][1]))
        self._parts.answer(position, OK)

    def _watched(
        self, position: int, call: Call, found: tuple[int, bytes] | None, client: ConnectionId
    ) -> None:
        """``EXEC`` of a client that watches (Rules W1, W2)."""
        seen = self._watches.take(client)
        if seen is None:
            self._parts.answer(position, NULL_ARRAY)
            return
        place, version, there = seen
        if found is not None and place_key(*found) != place:
            self._parts.answer(position, SEVERAL)
            return
        db, key = found or (db_of(place), key_of(place))
        task = Task(db, key, [], client, (version, there), False)
        part = RunPart(self._parts, task, self._now_ms, self._parts.run.patient)
        part.add(position, call)
        self._parts.parts.append(part)


def lone_part(run: Run, tracked: list[Run], misrouted: list[Run], now_ms: Instant) -> LonePart | None:
    """The whole of ``run``, if that is one call whose first argument is its only key; else ``split_run``."""
    if run.count != 1:
        return None
    place = simple_place(run.calls[0])
    if place is None:
        return None
    calls = list(run.calls) if run.tracks else run.take_calls()
    task = Task(place[0], place[1], calls, 0, None, not run.writes)
    return LonePart(run, task, now_ms, tracked, misrouted)


def split_run(
    run: Run, registers: Registers, watches: RegisterWatches, tracked: list[Run], misrouted: list[Run],
    now_ms: Instant,
) -> RunParts:  # fmt: skip
    """The parts of ``run``, none of which has begun; what can be answered at once is."""
    calls = list(run.calls) if run.tracks else run.take_calls()
    parts = RunParts(run, calls, tracked, misrouted)
    splitting = _Splitting(parts, registers, watches, now_ms)
    for position, call in enumerate(calls):
        splitting.take(position, call)
    parts.look()
    return parts


# -- scripts ------------------------------------------------------------------------------------

_SCRIPTED: Final = {b"EVAL": 1, b"EVAL_RO": 1, b"EVALSHA": 1, b"EVALSHA_RO": 1, b"EXEC": 1, AS: 1}
_BY_NAME: Final = {b"EVALSHA": b"EVAL", b"EVALSHA_RO": b"EVAL_RO"}
NOSCRIPT: Final = Error("NOSCRIPT No matching script. Please use EVAL.")


def _with_text(scripts: Scripts, call: Call) -> Call | Error:
    """Rule U3: the same call, with texts in place of names; texts that it brings are remembered."""
    db, args = call
    name = args[0]
    if name == AS:
        inner = _with_text(scripts, (db, args[3:]))
        return inner if isinstance(inner, Error) else (db, [*args[:3], *inner[1]])
    if name == b"EXEC":
        calls = decode_calls(args[1])
        if not any(inner[1][0] in _BY_NAME for inner in calls):
            return call
        found = [_with_text(scripts, inner) for inner in calls]
        # What has no text stays as it is: its reply is the error, and the others run.
        changed = [inner if isinstance(one, Error) else one for one, inner in zip(found, calls, strict=True)]
        return (db, [name, encode_calls(changed), *args[2:]])
    if len(args) < 2:
        return call
    if name in (b"EVAL", b"EVAL_RO"):
        scripts.remember(sha1_of(args[1]), args[1], False)
    elif name in _BY_NAME:
        text = scripts.script(args[1].lower())
        return NOSCRIPT if text is None else (db, [_BY_NAME[name], text, *args[2:]])
    return call


# -- tables -------------------------------------------------------------------------------------

_TAUGHT: Final = {b"LOAD": 1, b"FLUSH": 1, b"DELETE": 1, b"RESTORE": 1}

_SPECIAL: Final[dict[bytes, Callable[[_Splitting, int, Call], None]]] = {
    **dict.fromkeys((*WHOLE, SLOTKEYS), _Splitting.walk),
    b"SCRIPT": _Splitting.taught,
    b"FUNCTION": _Splitting.taught,
    b"WATCH": _Splitting.watch,
    b"UNWATCH": _Splitting.unwatch,
}


def _sum(replies: list[Reply]) -> Reply:
    return sum([reply for reply in replies if isinstance(reply, int)])


def _joined(replies: list[Reply]) -> Reply:
    joined: list[Reply] = []
    for reply in replies:
        if isinstance(reply, list):
            joined.extend(reply)
    return joined


_REMOVES: Final = (b"DEL", b"UNLINK")

_MERGES: Final[dict[bytes, Callable[[list[Reply]], Reply]]] = {
    b"MGET": _joined, b"EXISTS": _sum, b"TOUCH": _sum, b"DEL": _sum, b"UNLINK": _sum,
}  # fmt: skip
