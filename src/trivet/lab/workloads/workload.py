"""A workload: the four verbs that every one has, and what most of them share.

Where it stands: between a client, which asks for its next call, and the judges, which get the history.
Strategy: a workload owns the keys of its prefixes and nobody else touches them, so its check reads its own
operations and no others. ``Base`` keeps counts, makes unique values and reads keys by their prefix.
"""

# ruff: noqa: D102 (the small protocols say what their names say)

from collections.abc import Sequence
from typing import ClassVar, Protocol

from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.world.client import Call
from trivet.lab.world.options import RunOptions


class Context:
    """What a check may know beside the history, and what it leaves undecided."""

    def __init__(self, slack_us: int, quiet_since_us: int = FOREVER_US) -> None:
        self.quiet_since_us = quiet_since_us
        """From then on all links between nodes were whole."""
        self.slack_us = slack_us
        """How far the log's time may be from virtual time; ``FOREVER_US``: clocks say nothing."""
        self.set_aside: dict[bytes, int] = {}
        """Keys in files of what primaries had and their successors had not: how often they stand there."""
        self.failovers = 0
        self.unknown = 0
        """Parts of the history that no judge could decide within its budget."""


class Workload(Protocol):
    """``setup``, ``start``, ``check``, ``metrics``; ``read`` and ``finals`` serve ``start`` and ``check``."""

    @property
    def prefixes(self) -> tuple[bytes, ...]:
        """How the keys of this workload begin: two bytes each."""
        ...

    @property
    def weights(self) -> tuple[str, ...]:
        """The options whose sum is its share of all calls."""
        ...

    @property
    def together(self) -> tuple[bytes, ...]:
        """The prefixes whose keys are used together, so that they must share a slot."""
        ...

    @property
    def may_spread(self) -> bool:
        """Whether these may also be in several groups."""
        ...

    @property
    def is_placed(self) -> bool:
        """Whether its keys live in a database."""
        ...

    @property
    def on_registers(self) -> bool:
        """Whether its keys can live in a keyspace of mode ``paxos``."""
        ...

    @property
    def may_lose(self) -> bool:
        """Whether its judge knows what a keyspace of mode ``primary`` may lose."""
        ...

    @property
    def on_copies(self) -> bool:
        """Whether its keys live in a keyspace of mode ``eventual``, and only there."""
        ...

    @property
    def used(self) -> dict[bytes, None]:
        """Every key of a call that was made."""
        ...

    def setup(self) -> list[Call]:
        """Calls that prepare. Each is repeated until it succeeds, so each must be harmless to repeat."""
        ...

    def keep_to_one_key(self) -> None:
        """It lives on registers: no call of it, or transaction, has more than one key."""
        ...

    def live_with_loss(self) -> None:
        """It lives in a keyspace of mode ``primary``: what a failover may do to it is no complaint."""
        ...

    def start(self, client: int, prng: Prng) -> Call:
        """The next call of ``client``."""
        ...

    def read(self, client: int, prng: Prng) -> Call:
        """The next call of a client that only reads."""
        ...

    def finals(self) -> list[Call]:
        """Reads of everything that was ever touched: the operations that ``check`` gets as ``finals``."""
        ...

    def note(self, call: Call) -> None:
        """``call`` is about to be made."""
        ...

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """What cannot be true of a correct store, from all operations on this workload's keys."""
        ...

    def metrics(self) -> dict[str, int]:
        """Counts for the summary; no count is a complaint."""
        ...


class Base:
    """What most workloads share."""

    prefixes: ClassVar[tuple[bytes, ...]] = ()
    weights: ClassVar[tuple[str, ...]] = ()
    together: ClassVar[tuple[bytes, ...]] = ()
    may_spread: ClassVar[bool] = False
    is_placed: ClassVar[bool] = True
    on_registers: ClassVar[bool] = False
    may_lose: ClassVar[bool] = False
    on_copies: ClassVar[bool] = False
    reads: ClassVar[dict[bytes, list[bytes]]] = {}
    """How to read a key, by prefix, with an empty word for the key itself; GET for all others."""

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        self.options = options
        self.prng = prng
        self.used: dict[bytes, None] = {}
        self._counts: dict[str, int] = {}
        self._value = 0
        self.has_one_key = False
        self.may_be_lost = False

    def setup(self) -> list[Call]:
        return []

    def keep_to_one_key(self) -> None:
        self.has_one_key = True

    def live_with_loss(self) -> None:
        self.may_be_lost = True

    def is_beyond_judging(self, context: Context) -> bool:
        """Whether a failover has come between what it does: its promises hold up to that only."""
        if self.may_be_lost and context.failovers:
            self.count("not judged: failovers")
            return True
        return False

    def read(self, client: int, prng: Prng) -> Call:
        key = self.key(self.prefixes[0], prng)
        return self._read_of(key)

    def note(self, call: Call) -> None:
        for key in call.keys:
            self.used[key] = None

    def finals(self) -> list[Call]:
        return [self._read_of(key, final=True) for key in self.used]

    def _read_of(self, key: bytes, final: bool = False) -> Call:
        words = self.reads.get(key[:2], [b"GET", b""])
        return Call([[word or key for word in words]], [key], final=final)

    def metrics(self) -> dict[str, int]:
        return self._counts

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a metric."""
        self._counts[name] = self._counts.get(name, 0) + amount

    def fresh(self, client: int) -> bytes:
        """A value that this workload never writes again."""
        self._value += 1
        return b"v%d.%d" % (client, self._value)

    def key(self, prefix: bytes, prng: Prng) -> bytes:
        """One of the few keys of ``prefix``."""
        return b"%s%d" % (prefix, prng.below(self.options.keys_per_kind))


def operations_on(history: Sequence[Operation], prefixes: Sequence[bytes]) -> list[Operation]:
    """The operations whose first key has one of the two-byte ``prefixes``."""
    wanted = tuple(prefixes)
    return [o for o in history if o.keys and o.keys[0][:2] in wanted]


def is_open(operation: Operation) -> bool:
    """Whether nobody knows if it took effect."""
    return operation.outcome in (Outcome.INFO, Outcome.PENDING)


def before(first: Operation, second: Operation) -> bool:
    """Whether ``first`` took effect before ``second`` for certain: by time, or by their one connection."""
    if first.return_us < second.invoke_us:
        return True
    return first.conn == second.conn and first.number < second.number
