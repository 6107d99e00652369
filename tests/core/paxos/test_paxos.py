"""The whole member: long random runs with every fault, judged; and what only the whole can show."""

import os
from types import ModuleType

import pytest

from trivet.core.base.prng import Prng
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.operation import Change, Operation, Outcome
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.ready import SavedRecord
from trivet.core.paxos.settings import PaxosSettings


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_random_runs(runs: ModuleType, harness: ModuleType, first: int) -> None:
    counts: dict[str, int] = {}
    revived = removed = 0
    for seed in range(first, first + 20):
        one = runs.run(harness, seed)
        for what, count in one.counts.items():
            counts[what] = counts.get(what, 0) + count
        revived += one.group.revived
        removed += sum(desk.live.collector.removed for desk in one.group.desks.values())
    # The runs must reach what they are there for.
    assert counts["OK"] > 400
    assert counts["DEFINITE"] > 5
    assert counts["INDEFINITE"] > 2
    assert counts["crashes"] > 50
    assert counts["changes"] > 1
    assert revived > 4
    assert removed > 10
    assert "unknown" not in counts, "too hard for the judge"


@pytest.mark.soak
def test_many_random_runs(runs: ModuleType, harness: ModuleType) -> None:
    """``TRIVET_PAXOS_SEEDS`` says how many."""
    for seed in range(1000, 1000 + int(os.environ.get("TRIVET_PAXOS_SEEDS", "3000"))):
        runs.run(harness, seed)


def test_equal_seeds_give_equal_runs(runs: ModuleType, harness: ModuleType) -> None:
    trails = []
    for _ in range(2):
        one = runs.Run(harness, 11)
        one.group.events = []
        for _ in range(1000):
            one.step()
        trails.append(one.group.events)
    assert trails[0] == trails[1]
    assert len(trails[0]) > 100


def increment(value: bytes | None, version: int) -> Change:
    number = int(value or b"0") + 1
    return Change(True, b"%d" % number, b":%d" % number)


class Alone:
    """A group of one: everything it says, it says to itself."""

    def __init__(self, records: list[SavedRecord] | None = None, life: int = 1, **settings: int) -> None:
        self.records = list(records or [])
        self.paxos = Paxos(PaxosSettings(node=1, proposer=life, **settings), Prng(1), self.records)
        self.finished: list[Operation] = []
        self.paxos.learn(GroupConfig(1, (1,)))
        self.turn()

    def turn(self) -> None:
        for _ in range(20):
            ready = self.paxos.ready()
            self.paxos.check_invariants()
            if ready is None:
                return
            assert not ready.messages
            self.finished += ready.finished
            if ready.save is not None:
                self.records += ready.save.records
                self.paxos.saved(ready.save.save_id)

    def increment(self, key: bytes, seq: int) -> Operation:
        operation = Operation(seq, key, increment, False, 7, seq, 0, True)
        self.paxos.submit(operation)
        self.turn()
        return operation


def test_a_group_of_one_works() -> None:
    alone = Alone()
    assert [alone.increment(b"k", seq).reply for seq in (1, 2, 3)] == [b":1", b":2", b":3"]
    assert alone.paxos.underway == 0
    assert alone.paxos.quiet
    assert alone.paxos.bytes_in_memory > 0
    again = Alone(alone.records, 2)
    assert again.increment(b"k", 4).reply == b":4"


def test_a_log_can_begin_with_records_of_the_present_state() -> None:
    alone = Alone()
    for number in range(10):
        alone.increment(b"k%d" % number, number)
    records: list[SavedRecord] = []
    cursor = None
    while page := alone.paxos.records(cursor, 3):
        records += page
        cursor = page[-1].key if hasattr(page[-1], "key") else b""
    assert len(records) == 11
    again = Alone(records, 2)
    assert again.increment(b"k7", 20).reply == b":2"


def test_a_deletion_leaves_nothing_in_the_end() -> None:
    alone = Alone(tombstone_ticks=3)
    alone.increment(b"k", 1)
    delete = Operation(2, b"k", lambda value, version: Change(True, None, b"gone"), False, 7, 2, 0, True)
    alone.paxos.submit(delete)
    alone.turn()
    assert not alone.paxos.quiet, "there is a tombstone to be removed"
    for _ in range(5):
        alone.paxos.tick()
        alone.turn()
    assert alone.paxos.quiet
    assert len(alone.paxos.acceptor.registers) == 0
    assert alone.paxos.floor_version == 2
    assert alone.increment(b"k", 3).version == 3
    alone.paxos.collecting = False


def test_a_group_of_one_that_lost_its_disk_stays_silent() -> None:
    paxos = Paxos(PaxosSettings(node=1, proposer=2, operation_ticks=8), Prng(1), [], True)
    paxos.learn(GroupConfig(1, (1,)))
    operation = Operation(1, b"k", increment, False, 7, 1, 0, True)
    paxos.submit(operation)
    for _ in range(10):
        paxos.tick()
        while ready := paxos.ready():
            if ready.save is not None:
                paxos.saved(ready.save.save_id)
    assert paxos.doubtful
    assert operation.outcome is Outcome.DEFINITE
