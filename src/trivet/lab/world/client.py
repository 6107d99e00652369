"""One simulated client: connects somewhere, sends calls, writes down what came back.

It waits for its whole batch (one call, or a pipeline), thinks, and goes on. When its
connection breaks, everything unanswered is indefinite, and it connects to another node.
"""

# ruff: noqa: D102 (the small protocols say what their names say)

from collections import deque
from collections.abc import Callable
from typing import Protocol

from trivet.core.base.ids import ConnectionId, NodeId
from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, IN_ORDER, Operation, Outcome, classify
from trivet.lab.resp import ProtocolError, ReplyError, ReplyParser, Value, request
from trivet.lab.world.options import RunOptions
from trivet.lab.world.sim import Simulation
from trivet.lab.world.wires import Wires


class Call:
    """What is sent at once and answered by ``len(wire)`` replies; ``commands`` is what history says of it.

    ``pick`` takes the history's replies out of the wire's; None: the call ended with the error in ``error``,
    or (when that is None too) had no effect. ``then`` makes the next call from the replies.
    """

    def __init__(
        self,
        commands: list[list[bytes]],
        keys: list[bytes],
        wire: list[list[bytes]] | None = None,
        pick: Callable[[list[Value]], "Picked"] | None = None,
        then: Callable[[tuple[Value, ...]], "Call | None"] | None = None,
        final: bool = False,
        hears: bool = False,
        leaves: bool = False,
        lane: int = IN_ORDER,
    ) -> None:
        self.lane = lane
        """What its connection answers in the order in which it was sent, as ``Operation`` has it."""
        self.leaves = leaves
        """When it is answered, and nothing else is under way, the client hangs up: it goes on elsewhere."""
        self.hears = hears
        """Until it is answered, messages of a subscription may come in between: they become operations."""
        self.commands = tuple(tuple(command) for command in commands)
        self.keys = tuple(keys)
        self.wire = commands if wire is None else wire
        self.pick = _plain if pick is None else pick
        self.then = then
        self.final = final


def _is_sent_away(replies: list[Value]) -> bool:
    """Whether the node can't do that for now: to a session (``CLIENT CAUSAL``) it says so each time."""
    return any(isinstance(reply, ReplyError) and reply.code() == "TRYAGAIN" for reply in replies)


def _is_message(reply: Value) -> bool:
    return isinstance(reply, tuple) and len(reply) == 3 and reply[0] == b"message"


Picked = tuple[Outcome, tuple[Value, ...]]


def _plain(replies: list[Value]) -> Picked:
    for reply in replies:
        outcome = classify(reply)
        if outcome is not Outcome.OK:
            return outcome, ()
    return Outcome.OK, tuple(replies)


class Source(Protocol):
    """Where a client's calls come from; an empty list: nothing left to do."""

    def next_calls(self, client: int, prng: Prng) -> list[Call]: ...


class Once:
    """The source of one final reader: each call once, the last first."""

    def __init__(self, calls: list[Call]) -> None:
        self.calls = calls

    def next_calls(self, client: int, prng: Prng) -> list[Call]:
        """The next that was not made."""
        return [self.calls.pop()] if self.calls else []


class _Waiting:
    def __init__(self, call: Call, operation: Operation) -> None:
        self.call = call
        self.operation = operation
        self.replies: list[Value] = []


class Client:
    """A caller of the wires; drives itself with the simulation."""

    def __init__(
        self, number: int, simulation: Simulation, wires: Wires, source: Source, options: RunOptions,
        prng: Prng, history: list[Operation], complain: Callable[[str, str, list[str]], None],
    ) -> None:  # fmt: skip
        self.number = number
        self.idle = True
        self.finished = False
        self.succeeded = 0
        self.home: NodeId = 0
        """Connect only to this node when not 0."""
        self.among: list[NodeId] = list(range(1, options.nodes + 1))
        """Connect to one of these."""
        self.hasty = False
        """Neither thinks nor rests between calls."""
        self._simulation = simulation
        self._wires = wires
        self._source = source
        self._options = options
        self._prng = prng
        self._history = history
        self._complain = complain
        self._conn: ConnectionId = 0
        self._node: NodeId = 0
        self._parser = ReplyParser()
        self._waiting: deque[_Waiting] = deque()
        self._greeting = 0
        self._patience_ends_us = 0
        self._watched = False

    def start(self, delay_us: int) -> None:
        """Begin, or begin again after ``finished``."""
        self.finished = False
        self._simulation.after(delay_us, self._next)

    def _next(self) -> None:
        if self.finished or self._waiting:
            return
        if not self._conn and not self._connect():
            self._simulation.after(self._prng.between(5_000, 60_000), self._next)
            return
        calls = self._source.next_calls(self.number, self._prng)
        if not calls:
            self.finished = True
            self.idle = True
            return
        self.idle = False
        self._send(calls)
        self._patience_ends_us = self._simulation.now_us + self._options.client_timeout_ms * 1000
        if not self._watched:
            self._watch()

    def _connect(self) -> bool:
        node = self.home or self.among[self._prng.below(len(self.among))]
        self._conn = self._wires.connect(self, node)
        self._parser = ReplyParser()
        self._node = node
        self._greeting = 0
        if self._conn and self._prng.chance(self._options.resp3_rate):
            self._greeting = 1
            self._wires.send(self._conn, request([b"HELLO", b"3"]))
        return self._conn != 0

    def _send(self, calls: list[Call]) -> None:
        data: list[bytes] = []
        for call in calls:
            operation = Operation(
                number=len(self._history), client=self.number, conn=self._conn, node=self._node,
                commands=call.commands, keys=call.keys, invoke_us=self._simulation.now_us, final=call.final,
                lane=call.lane,
            )  # fmt: skip
            if call.commands:
                self._history.append(operation)
            self._waiting.append(_Waiting(call, operation))
            data.extend(request(command) for command in call.wire)
        self._wires.send(self._conn, b"".join(data))

    # -- what comes back

    def on_bytes(self, conn: ConnectionId, data: bytes) -> None:
        """Bytes from the node."""
        if conn != self._conn:
            return
        try:
            replies = self._parser.feed(data)
        except ProtocolError as error:
            self._complain(
                "protocol", f"client {self.number} cannot read a reply of node {self._node}: {error}", []
            )
            self.drop()
            return
        for reply in replies:
            if self._greeting:
                self._greeting -= 1
            elif self._waiting and self._waiting[0].call.hears and _is_message(reply):
                self._hear(reply)
            elif not self._waiting:
                self._complain("protocol", f"node {self._node} answered more than it was asked", [str(reply)])
            else:
                self._answered(reply)

    def _hear(self, reply: Value) -> None:
        """A message of a subscription."""
        assert isinstance(reply, tuple)
        channel, message = reply[1], reply[2]
        assert isinstance(channel, bytes) and isinstance(message, bytes)
        now_us = self._simulation.now_us
        self._history.append(
            Operation(
                number=len(self._history), client=self.number, conn=self._conn, node=self._node,
                commands=((b"HEAR", channel, message),), keys=(channel,), invoke_us=now_us, return_us=now_us,
                outcome=Outcome.OK, replies=(None,),
            )
        )  # fmt: skip

    def _answered(self, reply: Value) -> None:
        waiting = self._waiting[0]
        waiting.replies.append(reply)
        if len(waiting.replies) < len(waiting.call.wire):
            return
        self._waiting.popleft()
        outcome, replies = waiting.call.pick(waiting.replies)
        operation = waiting.operation
        operation.outcome = outcome
        operation.replies = replies
        if outcome is not Outcome.INFO:
            operation.return_us = self._simulation.now_us
        self.succeeded += outcome is Outcome.OK
        follow = (
            waiting.call.then(replies) if waiting.call.then is not None and outcome is Outcome.OK else None
        )
        if follow is not None:
            self._send([follow])
        elif not self._waiting and (waiting.call.leaves or _is_sent_away(waiting.replies)):
            self.drop()
        elif not self._waiting:
            self._think()

    def _think(self) -> None:
        self.idle = True
        self._simulation.after(1000 * self._pause_ms(), self._next)

    def _pause_ms(self) -> int:
        options = self._options
        if self.hasty:
            return 1
        if options.rest_rate and self._prng.chance(options.rest_rate):
            return self._prng.between(0, options.rest_ms_max)
        return self._prng.between(0, options.think_ms_max)

    def on_closed(self, conn: ConnectionId) -> None:
        """The connection is gone: what was unanswered is indefinite."""
        if conn != self._conn:
            return
        self._conn = 0
        for waiting in self._waiting:
            waiting.operation.outcome = Outcome.INFO
            waiting.operation.return_us = FOREVER_US
        self._waiting.clear()
        self._think()

    @property
    def node(self) -> NodeId:
        """The node of the present connection; 0: none."""
        return self._node if self._conn else 0

    def drop(self) -> None:
        """Hang up without waiting for anything."""
        if self._conn:
            self._wires.close(self._conn)
            self.on_closed(self._conn)

    def _watch(self) -> None:
        """One timer at a time, set again when it ends early: most calls need none of their own."""
        left_us = self._patience_ends_us - self._simulation.now_us
        self._watched = bool(self._waiting) and left_us > 0
        if self._watched:
            self._simulation.after(left_us, self._watch)
        elif self._waiting:
            self.drop()


def transaction(commands: list[list[bytes]], keys: list[bytes]) -> Call:
    """``MULTI … EXEC`` in one pipeline."""
    return Call(
        commands, keys, [[b"MULTI"], *commands, [b"EXEC"]], lambda replies: _exec(replies, len(commands))
    )


def _exec(replies: list[Value], count: int) -> Picked:
    answer = replies[-1]
    if isinstance(answer, ReplyError):
        # An EXEC refused because queueing failed, like any error but TIMEOUT, is definite.
        return (Outcome.INFO if classify(answer) is Outcome.INFO else Outcome.FAIL), ()
    if isinstance(answer, tuple) and len(answer) == count:
        return Outcome.OK, answer
    return Outcome.FAIL, ()


def guarded(told: list[list[bytes]], commands: list[list[bytes]], keys: list[bytes]) -> Call:
    """``MULTI … EXEC`` under a ``WATCH``; ``told`` is what history calls it, answered like ``commands``."""
    return Call(told, keys, [[b"MULTI"], *commands, [b"EXEC"]], lambda replies: _exec(replies, len(commands)))


def watched_read(key: bytes, then: Callable[[tuple[Value, ...]], Call | None]) -> Call:
    """``WATCH`` and ``GET``; ``then`` makes the guarded call of what was read, or one with ``UNWATCH``."""
    return Call([[b"GET", key]], [key], [[b"WATCH", key], [b"GET", key]], _watched, then)


def compare_and_set(key: bytes, new: bytes) -> Call:
    """``WATCH``, read, and ``MULTI SET EXEC`` that must fail when the key changed in between."""

    def after_read(replies: tuple[Value, ...]) -> Call | None:
        seen = replies[0]
        if isinstance(seen, ReplyError):
            return Call([], [], [[b"UNWATCH"]])
        expected = [b"nil"] if seen is None else [b"is", seen if isinstance(seen, bytes) else b"?"]
        return guarded([[b"CAS", key, new, *expected]], [[b"SET", key, new]], [key])

    return watched_read(key, after_read)


def _watched(replies: list[Value]) -> Picked:
    if isinstance(replies[0], ReplyError):
        return Outcome.FAIL, ()  # not watched: what was read must not be built upon
    outcome = classify(replies[1])
    return outcome, ((replies[1],) if outcome is Outcome.OK else ())
