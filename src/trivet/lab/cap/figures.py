"""From what clients saw to the figures of the card: who was served, what was lost, what was stale.

Nothing here knows a mode: a write is lost when no later state shows it, a read is stale when it misses what
had been acknowledged before the read began, whatever the store's reasons.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import msgspec

from trivet.core.base.ids import NodeId
from trivet.lab.cap.traffic import COUNTER, Ask
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.resp import ReplyError, Value

MS = 1000


class Side(msgspec.Struct, kw_only=True):
    """The clients on one side of a trouble, while it lasts."""

    name: str
    clients: int
    availability: float
    """The share of the time in which they were served."""
    pause_ms: int
    """The longest that one of them went without a good answer."""
    refused: int
    """Wishes that got an error that says that nothing was done."""
    unsure: int
    """Wishes after which nobody knows: an answer that says so, or a connection that broke."""
    silent: int
    """Wishes that got no answer at all, so that the client hung up."""


class Stale(msgspec.Struct, kw_only=True):
    """Reads that missed what had been acknowledged before they began."""

    reads: int = 0
    stale: int = 0
    ms_max: float = 0.0
    versions_max: int = 0
    last_us: int = 0
    """When the last of them began that missed something from before healing; 0: there was none."""


def is_good(operation: Operation) -> bool:
    """Whether it was answered, and not with an error."""
    return operation.outcome is Outcome.OK and not isinstance(operation.replies[0], ReplyError)


def side_of(name: str, nodes: list[NodeId], asks: Iterable[Ask], begin_us: int, end_us: int) -> Side:
    """What the clients at home on ``nodes`` got between two moments."""
    wanted = served = refused = unsure = silent = 0
    pause_us = 0
    last_us: dict[int, int] = {}
    for ask in asks:
        span_us = min(ask.ended_us, end_us) - ask.begun_us
        if ask.home not in nodes or ask.begun_us < begin_us or span_us <= 0:
            continue
        wanted += span_us
        waits_us = last_us.setdefault(ask.client, begin_us)
        asked = ask.operation
        if asked is not None and is_good(asked):
            pause_us = max(pause_us, min(asked.return_us, end_us) - waits_us)
            last_us[ask.client] = max(waits_us, asked.return_us)
        served += span_us if ask.is_served() else 0
        refused += asked is None or asked.outcome is Outcome.FAIL or _is_error(asked)
        silent += ask.gave_up
        unsure += asked is not None and asked.outcome is Outcome.INFO and not ask.gave_up
    pause_us = max([pause_us, *(end_us - us for us in last_us.values())])
    share = served / wanted if wanted else 0.0
    return Side(
        name=name, clients=len(last_us), availability=round(share, 4), pause_ms=pause_us // MS,
        refused=refused, unsure=unsure, silent=silent,
    )  # fmt: skip


def _is_error(operation: Operation) -> bool:
    return operation.outcome is Outcome.OK and not is_good(operation)


class Book:
    """What was acknowledged, when, of every key."""

    def __init__(self, history: Sequence[Operation]) -> None:
        self.reads: list[Operation] = []
        self.acknowledged = 0
        self._versions: dict[bytes, list[tuple[int, int]]] = {}
        """Of each register: (version, when it was acknowledged), rising."""
        self._increments: list[int] = []
        self._members: dict[bytes, dict[bytes, int]] = {}
        for operation in history:
            if operation.keys and is_good(operation):
                self._enter(operation)
        self._increments.sort()

    @property
    def keys(self) -> list[bytes]:
        """Every key that was written."""
        return [*self._versions, *([COUNTER] if self._increments else []), *self._members]

    def _enter(self, operation: Operation) -> None:
        words, key = operation.commands[0], operation.keys[0]
        if words[0] in (b"GET", b"SMEMBERS"):
            if not operation.final:
                self.reads.append(operation)
            return
        self.acknowledged += 1
        if words[0] == b"SET":
            self._versions.setdefault(key, []).append((int(words[2]), operation.return_us))
        elif words[0] == b"INCR":
            self._increments.append(operation.return_us)
        else:
            self._members.setdefault(key, {})[words[2]] = operation.return_us

    def lost(self, finals: Iterable[Operation]) -> int:
        """Acknowledged writes that the final state does not show; they are forgotten here, never stale."""
        count = 0
        for final in finals:
            count += self._lost_of(final.keys[0], final.replies[0])
        return count

    def _lost_of(self, key: bytes, value: Value) -> int:
        if key in self._members:
            held = dict.fromkeys(_members(value))
            gone = [member for member in self._members[key] if member not in held]
            for member in gone:
                del self._members[key][member]
            return len(gone)
        if key in self._versions:
            kept = [row for row in self._versions[key] if row[0] <= _number(value)]
            gone_count = len(self._versions[key]) - len(kept)
            self._versions[key] = kept
            return gone_count
        gone_count = max(0, len(self._increments) - _number(value))
        del self._increments[len(self._increments) - gone_count :]
        return gone_count

    def stale(self, healed_us: int) -> Stale:
        """All reads, and how much each of them missed."""
        found = Stale()
        for read in self.reads:
            found.reads += 1
            missed, since_us = self._missed(read, read.invoke_us)
            if missed:
                found.stale += 1
                found.versions_max = max(found.versions_max, missed)
                found.ms_max = max(found.ms_max, round((read.invoke_us - since_us) / MS, 1))
            if read.invoke_us > healed_us and self._missed(read, healed_us)[0]:
                found.last_us = max(found.last_us, read.invoke_us)
        return found

    def _missed(self, read: Operation, before_us: int) -> tuple[int, int]:
        """How many writes acknowledged before ``before_us`` a read misses, and when the first of them was."""
        key, value = read.keys[0], read.replies[0]
        if key in self._members:
            held = dict.fromkeys(_members(value))
            late = [us for name, us in self._members[key].items() if us < before_us and name not in held]
            return len(late), min(late, default=0)
        if key in self._versions:
            late = [us for version, us in self._versions[key] if version > _number(value) and us < before_us]
            return len(late), min(late, default=0)
        if key != COUNTER:
            return 0, 0
        stood = bisect_left(self._increments, before_us)
        seen = _number(value)
        return (stood - seen, self._increments[seen]) if stood > seen else (0, 0)


def _members(value: Value) -> list[bytes]:
    return [member for member in value if isinstance(member, bytes)] if isinstance(value, tuple) else []


def _number(value: Value) -> int:
    return int(value) if isinstance(value, bytes | int) else 0


def recovery_ms(asks: Iterable[Ask], healed_us: int) -> int:
    """How long after healing the last of the clients got its first good answer; -1: never."""
    first_us: dict[int, int] = {}
    for ask in asks:
        asked, known_us = ask.operation, first_us.setdefault(ask.client, FOREVER_US)
        if asked is not None and is_good(asked) and asked.return_us > healed_us:
            first_us[ask.client] = min(known_us, asked.return_us)
    latest_us = max(first_us.values(), default=FOREVER_US)
    return -1 if latest_us == FOREVER_US else (latest_us - healed_us) // MS


def percentile_ms(operations: Iterable[Operation], share: float) -> float | None:
    """How long so many of the good answers took at most; None: there were none."""
    took = sorted(o.return_us - o.invoke_us for o in operations if is_good(o))
    return round(took[max(0, math.ceil(share * len(took)) - 1)] / MS, 2) if took else None


def is_write(operation: Operation) -> bool:
    """Whether it changes anything."""
    return operation.commands[0][0] not in (b"GET", b"SMEMBERS")
