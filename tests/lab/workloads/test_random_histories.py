"""Histories of a tiny store that is right raise no complaint, however calls overlap or lose their answers.

The store takes each operation at one moment between its beginning and its end (or long after, or never, when
nobody heard the answer), so what it answers is right by construction. Spoilt in one way, it is noticed.
"""

from collections.abc import Callable

import pytest

from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import OK, Value
from trivet.lab.workloads import Context
from trivet.lab.workloads.bank import judge_bank
from trivet.lab.workloads.expiry import judge_pair
from trivet.lab.workloads.lock import judge_lock
from trivet.lab.workloads.queue import judge_queue
from trivet.lab.workloads.unique import judge_set

Command = tuple[bytes, ...]


class Store:
    """Strings with deadlines, and lists; ``spoilt`` makes it wrong now and then."""

    def __init__(self, prng: Prng, spoilt: str) -> None:
        self.values: dict[bytes, bytes] = {b"o:0": b"100", b"o:1": b"100"}
        self.deadlines_us: dict[bytes, int] = {}
        self.lists: dict[bytes, list[bytes]] = {}
        self.now_us = 0
        self.prng = prng
        self.spoilt = spoilt

    def strikes(self, spoilt: str) -> bool:
        return self.spoilt == spoilt and self.prng.chance(0.2)

    def run(self, commands: tuple[Command, ...], now_us: int) -> tuple[Value, ...]:
        self.now_us = now_us
        for key, deadline_us in list(self.deadlines_us.items()):
            if deadline_us <= now_us - (8_000 if self.spoilt == "late" else 0):
                del self.deadlines_us[key], self.values[key]
        if len(commands) > 1 and self.strikes("half"):
            self.run(commands[:1], now_us)
            return tuple(0 for _ in commands)
        if self.strikes("twice"):
            for command in commands:
                self._one(command)
        return tuple(self._one(command) for command in commands)

    def _one(self, command: Command) -> Value:
        name, key = command[:2]
        items = self.lists.setdefault(key, [])
        if name in (b"RPUSH", b"SADD"):
            if not self.strikes("lost"):
                items.append(command[2])
            return 1 if name == b"SADD" else len(items)
        if name in (b"LRANGE", b"SMEMBERS"):
            return tuple(items)
        if name in (b"LPOP", b"LMOVE"):
            return self._pop(command, items)
        if name == b"LREM":
            found = command[3] in items
            if found:
                items.remove(command[3])
            return int(found)
        return self._string(command)

    def _pop(self, command: Command, items: list[bytes]) -> Value:
        if not items or self.strikes("empty"):
            return None
        item = items.pop(-1 if self.strikes("order") else 0)
        if command[0] == b"LMOVE" and not self.strikes("lost"):
            self.lists.setdefault(command[2], []).append(item)
        return item

    def _string(self, command: Command) -> Value:
        name, key = command[:2]
        if name == b"GET":
            return self.values.get(key)
        if name == b"PTTL":
            left_us = self.deadlines_us.get(key, self.now_us) - self.now_us
            return max(0, left_us // 1000) if key in self.values else -2
        if name == b"CAD":
            self.deadlines_us.pop(key)
            del self.values[key]
            return 1
        if name == b"SET":
            if b"NX" in command and key in self.values and not self.strikes("overwrite"):
                return None
            self.values[key] = command[2]
            if b"PX" in command:
                self.deadlines_us[key] = self.now_us + int(command[-1]) * 1000
            return OK
        amount = int(command[2]) * (-1 if name == b"DECRBY" else 1)
        held = int(self.values[key]) + (0 if self.strikes("lost") else amount)
        self.values[key] = b"%d" % held
        return held


Make = Callable[[Prng, int], tuple[Command, ...]]


def history(prng: Prng, make: Make, store: Store, finals: list[tuple[Command, ...]]) -> list[Operation]:
    """Forty operations of four clients, then reads when all is quiet."""
    operations: list[Operation] = []
    moments: list[tuple[int, int]] = []
    free_us = [0] * 4
    for number in range(40):
        client = prng.below(4)
        start = free_us[client] + prng.between(1, 3_000)
        moment = start + prng.between(1, 4_000)
        end = moment + prng.between(1, 4_000)
        commands = make(prng, number)
        fate = prng.below(10)
        open_call = fate == 0
        outcome = Outcome.INFO if open_call else Outcome.FAIL if fate == 1 else Outcome.OK
        if outcome is not Outcome.FAIL and not (open_call and prng.chance(0.5)):
            moments.append((moment + (prng.below(30_000) if open_call else 0), number))
        free_us[client] = end
        keys = [command[1] for command in commands] + [c[2] for c in commands if c[0] == b"LMOVE"]
        operations.append(
            Operation(
                number=number, client=client, conn=100 + number if open_call else client, node=1,
                commands=commands, keys=tuple(dict.fromkeys(keys)), invoke_us=start,
                return_us=FOREVER_US if open_call else end, outcome=outcome,
            )
        )  # fmt: skip
    for moment, number in sorted(moments):
        replies = _guarded(store, operations[number], moment)
        if operations[number].outcome is Outcome.OK:
            operations[number].replies = replies
    for commands in finals:
        operations.append(
            Operation(
                number=len(operations), client=9, conn=9, node=1, commands=commands,
                keys=tuple(command[1] for command in commands), invoke_us=10**6, return_us=10**6 + 1,
                outcome=Outcome.OK, replies=store.run(commands, 10**6), final=True,
            )
        )  # fmt: skip
    return operations


def _guarded(store: Store, operation: Operation, moment: int) -> tuple[Value, ...]:
    """A guarded delete by one that does not hold the lock has no effect, and says so."""
    command = operation.commands[0]
    if command[0] == b"CAD" and (
        store.values.get(command[1]) != command[2] or store.deadlines_us.get(command[1], 0) <= moment
    ):
        operation.outcome = Outcome.FAIL if operation.outcome is Outcome.OK else operation.outcome
        return ()
    return store.run(operation.commands, moment)


def bank(prng: Prng, number: int) -> tuple[Command, ...]:
    if prng.chance(0.5):
        return (b"GET", b"o:0"), (b"GET", b"o:1")
    amount = b"%d" % prng.between(1, 60)
    return (b"DECRBY", b"o:0", amount), (b"INCRBY", b"o:1", amount)


def queue(prng: Prng, number: int) -> tuple[Command, ...]:
    roll = prng.below(10)
    if roll < 5:
        return ((b"RPUSH", b"q:0", b"%d" % number),)
    return ((b"LPOP", b"q:0") if roll < 8 else (b"LMOVE", b"q:0", b"w:0", b"LEFT", b"RIGHT"),)


def lock(prng: Prng, number: int) -> tuple[Command, ...]:
    if number and prng.chance(0.5):
        return ((b"CAD", b"k:0", b"%d" % (number - 1 - prng.below(min(number, 4)))),)
    return ((b"SET", b"k:0", b"%d" % number, b"NX", b"PX", b"%d" % prng.between(1, 30)),)


def growing(prng: Prng, number: int) -> tuple[Command, ...]:
    return ((b"SMEMBERS", b"i:0") if prng.chance(0.5) else (b"SADD", b"i:0", b"%d" % number),)


def expiry(prng: Prng, number: int) -> tuple[Command, ...]:
    keys = (b"x:0:short", b"x:0:long")
    if number == 0:
        return (b"SET", keys[0], b"v", b"PX", b"20"), (b"SET", keys[1], b"v", b"PX", b"40")
    return (*((b"GET", key) for key in keys), *((b"PTTL", key) for key in keys))


def audited(operations: list[Operation]) -> list[Complaint]:
    return judge_bank(operations, [b"o:0", b"o:1"], None, Context(0))


QUEUE_ENDS: list[tuple[Command, ...]] = [
    ((b"LRANGE", b"q:0", b"0", b"-1"),),
    ((b"LRANGE", b"w:0", b"0", b"-1"),),
]
Case = tuple[Make, list[tuple[Command, ...]], Callable[[list[Operation]], list[Complaint]]]

CASES: dict[str, Case] = {
    "bank": (bank, [((b"GET", b"o:0"), (b"GET", b"o:1"))], audited),
    "queue": (queue, QUEUE_ENDS, lambda operations: judge_queue("0", operations)),
    "lock": (lock, [], lambda operations: judge_lock("k:0", operations, 0)),
    "set": (growing, [((b"SMEMBERS", b"i:0"),)], lambda operations: judge_set(b"i:0", operations)),
    "expiry": (expiry, [], lambda operations: judge_pair(operations, 1_000)),
}  # fmt: skip


def found(name: str, seed: int, spoilt: str = "") -> list[Complaint]:
    make, finals, judge = CASES[name]
    prng = Prng(seed)
    return judge(history(prng, make, Store(prng.fork(), spoilt), finals))


@pytest.mark.parametrize("name", CASES)
def test_a_store_that_is_right_raises_no_complaint(name: str) -> None:
    for seed in range(400):
        assert [c.text() for c in found(name, seed)] == [], seed


@pytest.mark.parametrize(
    ("name", "spoilt"),
    [
        ("bank", "half"), ("bank", "lost"), ("bank", "twice"), ("queue", "lost"), ("queue", "empty"),
        ("queue", "order"), ("queue", "twice"), ("lock", "overwrite"), ("set", "lost"), ("set", "twice"),
        ("expiry", "late"), ("expiry", "half"),
    ],
)  # fmt: skip
def test_a_spoilt_store_is_noticed(name: str, spoilt: str) -> None:
    noticed = sum(bool(found(name, seed, spoilt)) for seed in range(100))
    assert noticed > 30, noticed
