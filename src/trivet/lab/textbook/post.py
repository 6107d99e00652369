"""The post: carries letters between textbook machines in virtual time, and lets a script break things.

Every letter takes a drawn time, so letters overtake each other; it may be lost or repeated, meet a wall,
or find its receiver dead. A ``Recorder`` writes everything down for the pictures. Requests of clients
are handed over at once: the story is about what the machines say to each other.
"""

from collections.abc import Callable, Iterable

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US
from trivet.lab.recording import ClientOperation, Fate, Message, Recorder, Recording
from trivet.lab.textbook.machine import Letter, Machine, Send, Steps
from trivet.lab.world.sim import Simulation

MS = 1000


class PostOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the post behaves. Rates are probabilities per letter."""

    delay_us_min: int = 8_000
    delay_us_max: int = 12_000
    sync_us: int = 0
    """What writing down costs before a letter that waits for it leaves."""
    drop_rate: float = 0.0
    duplicate_rate: float = 0.0
    duplicate_us_max: int = 400_000
    """A copy arrives up to so much later than the letter."""


class _Seat:
    """One machine's place: whether it is up, and in which life."""

    def __init__(self, machine: Machine, name: str, skew_ms: int) -> None:
        self.machine = machine
        self.name = name
        self.skew_ms = skew_ms
        self.up = False
        self.life = 0


class Post:
    """Machines at their seats, and the letters between them."""

    def __init__(
        self, seed: int, options: PostOptions | None = None, recorder: Recorder | None = None
    ) -> None:
        chance = Prng(seed)
        self.simulation = Simulation()
        self.options = options if options is not None else PostOptions()
        self.recorder = recorder if recorder is not None else Recorder(seed=seed)
        self.operations: list[ClientOperation] = []
        self.delivered: list[tuple[int, NodeId, NodeId, Letter]] = []
        """(time in µs, sender, receiver, letter) of every delivery, for scripts and judges."""
        self._delays, self._faults = chance.fork(), chance.fork()
        self._seats: dict[NodeId, _Seat] = {}
        self._slow_us: dict[tuple[NodeId, NodeId], int] = {}
        self._walls: list[tuple[NodeId, NodeId]] = []
        self._wall_number = 0

    # -- machines

    def seat(self, machine: Machine, name: str, skew_ms: int = 0) -> None:
        """Give a machine a place and start it. ``skew_ms``: how far its clock is ahead."""
        self._seats[machine.number] = _Seat(machine, name, skew_ms)
        self.recorder.lane(machine.number, name)
        self.start(machine.number)

    def start(self, number: NodeId) -> None:
        """Start a machine, or start it again after a crash."""
        seat = self._seats[number]
        if not seat.up:
            seat.up = True
            seat.life += 1
            self.recorder.point(self.now_us, number, "start", f"start {seat.life}")
            self._input(seat, seat.machine.start)

    def crash(self, number: NodeId) -> None:
        """The machine stops; what it had not written down is gone with its timers."""
        seat = self._seats[number]
        if seat.up:
            seat.up = False
            seat.machine.take()
            self.recorder.point(self.now_us, number, "crash", "killed")
            self.recorder.state(self.now_us, number, "down")

    def is_up(self, number: NodeId) -> bool:
        """Whether the machine runs."""
        return self._seats[number].up

    # -- time

    @property
    def now_us(self) -> int:
        """Virtual time since the start, in µs."""
        return self.simulation.now_us

    def run_for(self, ms: int) -> None:
        """Let ``ms`` of virtual time pass."""
        self.simulation.run_until(self.now_us + ms * MS)

    def run_until(self, condition: Callable[[], bool], within_ms: int = 10_000) -> bool:
        """Run until the condition holds (True), or for ``within_ms`` (False)."""
        return condition() or self.simulation.run_until(self.now_us + within_ms * MS, condition)

    # -- walls

    def partition(self, *sides: Iterable[NodeId]) -> None:
        """Nothing passes between the sides until ``heal``."""
        groups = [list(side) for side in sides]
        pairs = [(a, b) for one in groups for two in groups if one is not two for a in one for b in two]
        self._walls += pairs
        self._wall_number += 1
        text = " | ".join("{" + ", ".join(map(str, group)) + "}" for group in groups)
        self.recorder.wall(self.now_us, self._wall_number, pairs, text)

    def heal(self) -> None:
        """All walls fall."""
        self._walls = []
        self.recorder.wall_falls(self.now_us, self._wall_number)

    def slow(self, source: NodeId, target: NodeId, ms: int) -> None:
        """What leaves on this way from now on takes so much longer; 0: no longer than other letters."""
        self._slow_us[source, target] = ms * MS

    # -- clients

    def touch(self, number: NodeId, action: Callable[[], None]) -> None:
        """Something befalls a machine that is neither a letter nor a client's request."""
        self._input(self._seats[number], action)

    def request(self, client: int, number: NodeId, *words: str, text: str = "") -> ClientOperation:
        """A client asks a machine; the operation fills in when the answer comes. A dead one refuses.

        ``text`` is what pictures say instead of the words.
        """
        operation = ClientOperation(
            len(self.operations), client, number, self.now_us, FOREVER_US, text or " ".join(words), "info"
        )
        self.operations.append(operation)
        seat = self._seats[number]
        if seat.up:
            self._input(seat, lambda: seat.machine.on_request(operation.number, words))
        else:
            operation.return_us, operation.outcome = self.now_us, "fail"
            operation.reply = "connection refused"
        return operation

    def say(self, who: str, text: str, operations: list[int] | None = None) -> None:
        """A sentence of the story about this moment."""
        self.recorder.say(self.now_us, who, text, operations)

    def recording(self) -> Recording:
        """What has happened so far."""
        recording = self.recorder.end(self.now_us)
        recording.operations = list(self.operations)
        return recording

    # -- the way of a letter

    def _input(self, seat: _Seat, action: Callable[[], None]) -> None:
        machine = seat.machine
        machine.now_ms = self.now_us // MS + seat.skew_ms
        action()
        steps = machine.take()
        self.recorder.state(self.now_us, machine.number, machine.role, machine.term, machine.label)
        self._perform(seat, steps)

    def _perform(self, seat: _Seat, steps: Steps) -> None:
        number, life = seat.machine.number, seat.life
        for note in steps.notes:
            self.recorder.point(self.now_us, number, "note", note)
        for reply in steps.replies:
            operation = self.operations[reply.number]
            if operation.return_us == FOREVER_US:
                operation.return_us, operation.reply = self.now_us, reply.text
                operation.outcome = "ok" if reply.ok else "fail"
        for timer in steps.timers:
            self.simulation.after(
                timer.after_ms * MS, lambda name=timer.name: self._ring(seat, life, name)  # type: ignore[misc]
            )  # fmt: skip
        for send in steps.sends:
            if send.sync and self.options.sync_us:
                self.simulation.after(
                    self.options.sync_us, lambda send=send: self._leave(seat, life, send)  # type: ignore[misc]
                )  # fmt: skip
            else:
                self._leave(seat, life, send)

    def _ring(self, seat: _Seat, life: int, name: str) -> None:
        if seat.up and seat.life == life:
            self._input(seat, lambda: seat.machine.on_timer(name))

    def _leave(self, seat: _Seat, life: int, send: Send) -> None:
        if not seat.up or seat.life != life:
            return
        note = self._noted(seat.machine.number, send)
        slow_us = self._slow_us.get((seat.machine.number, send.target), 0)
        delay_us = self._delay_us() + slow_us
        note.delayed = slow_us > 0
        if self.options.drop_rate and self._faults.chance(self.options.drop_rate):
            self.recorder.ends(note, self.now_us + delay_us // 2, Fate.DROPPED)
            return
        self.simulation.after(delay_us, lambda: self._arrive(seat.machine.number, send, note))
        if self.options.duplicate_rate and self._faults.chance(self.options.duplicate_rate):
            copy = self._noted(seat.machine.number, send)
            copy.duplicate = True
            late_us = delay_us + self._faults.below(self.options.duplicate_us_max)
            self.simulation.after(late_us, lambda: self._arrive(seat.machine.number, send, copy))

    def _noted(self, source: NodeId, send: Send) -> Message:
        note = self.recorder.sent(self.now_us, source, send.target)
        letter = send.letter
        note.kind, note.label, note.routine = letter.kind(), letter.label(), letter.routine
        note.fields = letter.told()
        return note

    def _arrive(self, source: NodeId, send: Send, note: Message) -> None:
        seat = self._seats[send.target]
        if (source, send.target) in self._walls:
            self.recorder.ends(note, self.now_us, Fate.BLOCKED)
        elif not seat.up:
            self.recorder.ends(note, self.now_us, Fate.LOST)
        else:
            self.recorder.ends(note, self.now_us, Fate.DELIVERED)
            self.delivered.append((self.now_us, source, send.target, send.letter))
            self._input(seat, lambda: seat.machine.on_message(source, send.letter))

    def _delay_us(self) -> int:
        return self._delays.between(self.options.delay_us_min, self.options.delay_us_max)
