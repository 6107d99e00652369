"""The card's clients: at each node one that writes, and one that only reads.

A write that hangs so keeps nobody from reading. Everything that a client writes can be recognised in what
others read, so that a read tells what it missed:

- register ``r:N``: written by the writer of node N only, with rising version numbers, read by all;
- counter ``c``: increased by all, never set;
- set ``s:T``: the members that were added in second T of the run, each of them once, none removed.

A client asks at a steady beat, one thing at a time. It hangs up when an answer takes too long
(``PATIENCE_MS``, which is longer than the store's own limit), and goes to the next node when its own does not
accept connections.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.resp import OK, ReplyError, request
from trivet.lab.stage.conversation import Conversation
from trivet.lab.stage.stage import Stage

DATABASE: Final = b"1"
BEAT_MS: Final = 50
PATIENCE_MS: Final = 6_000
BOUND_MS: Final = 500
"""Whoever has a good answer within this was served."""
SECOND_US: Final = 1_000_000

COUNTER: Final = b"c"
READER: Final = 10
"""The reader of node N is client N + this."""


class Ask(msgspec.Struct):
    """One wish of a client, from its beat to the next. ``operation`` None: nobody accepted a connection."""

    client: int
    home: NodeId
    begun_us: int
    ended_us: int = FOREVER_US
    operation: Operation | None = None
    gave_up: bool = False
    """Whether it hung up without an answer."""

    def is_served(self) -> bool:
        """Whether it was answered well and in time."""
        asked = self.operation
        return (
            asked is not None
            and asked.outcome is Outcome.OK
            and not isinstance(asked.replies[0], ReplyError)
            and asked.return_us - asked.invoke_us <= BOUND_MS * 1000
        )


class Wishes:
    """What one client wants, one thing after the other; the same on the stage and on real processes."""

    def __init__(self, seed: int, home: NodeId, nodes: Sequence[NodeId], is_reader: bool) -> None:
        self.number = home + READER if is_reader else home
        self.prng = Prng(seed * 0x9E3779B1 + self.number)
        self._home = home
        self._nodes = nodes
        self._is_reader = is_reader
        self._version = 0
        self._members = 0

    def words(self, second: int) -> list[bytes]:
        """The next command; ``second``: since the run began."""
        return self._read(second) if self._is_reader else self._write(second)

    def _write(self, second: int) -> list[bytes]:
        roll = self.prng.below(10)
        if roll < 4:
            self._version += 1
            return [b"SET", b"r:%d" % self._home, b"%d" % self._version]
        if roll < 7:
            return [b"INCR", COUNTER]
        self._members += 1
        return [b"SADD", b"s:%d" % second, b"%d.%d" % (self._home, self._members)]

    def _read(self, second: int) -> list[bytes]:
        prng, roll = self.prng, self.prng.below(10)
        if roll < 5:
            return [b"GET", b"r:%d" % self._nodes[prng.below(len(self._nodes))]]
        if roll < 8:
            return [b"GET", COUNTER]
        return [b"SMEMBERS", b"s:%d" % max(0, second - prng.below(2))]


class Caller:
    """One client."""

    def __init__(
        self, stage: Stage, home: NodeId, greeting: tuple[tuple[bytes, ...], ...], is_reader: bool
    ) -> None:
        self.home = home
        self._wants = Wishes(stage.options.seed, home, stage.nodes, is_reader)
        self.number = self._wants.number
        self.asks: list[Ask] = []
        self._stage = stage
        self._talk = stage.conversation(self.number)
        self._talk.hear = self._hear
        self._greetings = [[b"SELECT", DATABASE], *[list(words) for words in greeting]]
        self._greeted = 0
        """How many greetings have been answered well on this connection."""
        self._said: Operation | None = None
        self._began_us = stage.simulation.now_us
        self._stopping = False
        self._waits = 0
        """Number of the wish whose answer is awaited; 0: none is."""
        self._wishes = 0
        stage.simulation.after(self._wants.prng.between(1, BEAT_MS * 1000), self._wish)

    def stop(self) -> None:
        """No more wishes."""
        self._stopping = True

    @property
    def idle(self) -> bool:
        """Whether it wants nothing any more."""
        return self._stopping and not self._waits

    def _wish(self) -> None:
        now_us = self._stage.simulation.now_us
        if self.asks:
            self.asks[-1].ended_us = min(self.asks[-1].ended_us, now_us)
        if self._stopping:
            self._talk.close()
            return
        self._wishes += 1
        ask = Ask(self.number, self.home, now_us)
        self.asks.append(ask)
        if not self._talk.open and not self._connect():
            self._again()
            return
        self._waits = number = self._wishes
        self._speak()
        self._stage.simulation.after(PATIENCE_MS * 1000, lambda: self._lose_patience(number))

    def _speak(self) -> None:
        """The next greeting of a new connection, or the wish itself."""
        if self._greeted < len(self._greetings):
            self._said = self._talk.write(request(self._greetings[self._greeted]))[0]
        else:
            second = (self._stage.simulation.now_us - self._began_us) // SECOND_US
            self._said = self._talk.write(request(self._wants.words(second)))[0]
            self.asks[-1].operation = self._said

    def _connect(self) -> bool:
        self._greeted = 0
        nodes = self._stage.nodes
        first = nodes.index(self.home)
        return any(self._talk.connect(node) for node in [*nodes[first:], *nodes[:first]])

    def _hear(self, data: bytes) -> None:
        if not self._waits or self._said is None or self._said.outcome is Outcome.PENDING:
            return
        if self._talk.open and self._greeted < len(self._greetings):
            if self._said.replies == (OK,):
                self._greeted += 1
                self._speak()
                return
            self._talk.close()  # a node that does not know the keyspace yet
        self._waits = 0
        self._again()

    def _again(self) -> None:
        """At the next beat."""
        beat_us = BEAT_MS * 1000
        late_us = (self._stage.simulation.now_us - self.asks[-1].begun_us) % beat_us
        self._stage.simulation.after(beat_us - late_us, self._wish)

    def _lose_patience(self, number: int) -> None:
        if self._waits == number:
            self._waits = 0
            self.asks[-1].gave_up = True
            self._talk.close()
            self._again()


def read_everything(stage: Stage, node: NodeId, keys: list[bytes]) -> list[Operation]:
    """Read all keys through one node, as a client of its own; nothing when not all of it came back."""
    talk: Conversation = stage.conversation(100 + node)
    if not talk.connect(node):
        return []
    talk.write(request([b"SELECT", DATABASE]))
    reads = []
    for key in keys:
        reads += talk.write(request([b"SMEMBERS" if key[:2] == b"s:" else b"GET", key]))
    stage.simulation.run_until(
        stage.simulation.now_us + PATIENCE_MS * 1000, lambda: not talk.waiting or not talk.open
    )
    talk.close()
    for operation in reads:
        operation.final = True
    return reads if all(o.outcome is Outcome.OK for o in reads) else []
