"""The whole member: long random runs with every fault, judged; and what only the whole can show."""

import os
from types import ModuleType, UnionType
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from trivet.core.base.prng import Prng
from trivet.core.paxos.ballot import NUMBER_MAX, proposer_of
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import Done, Sealed, seal
from trivet.core.paxos.messages import Message, Page
from trivet.core.paxos.operation import Change, Operation, Outcome
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.ready import Marks, SavedRecord, ScanResult
from trivet.core.paxos.scans import INTERNAL
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


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_random_losses(runs: ModuleType, harness: ModuleType, first: int) -> None:
    revived = 0
    for seed in range(first, first + 20):
        revived += runs.run(harness, seed, "losses").group.revived
    assert revived == 20 * 12


@pytest.mark.parametrize("first", (0, 10))
def test_random_changes(runs: ModuleType, harness: ModuleType, first: int) -> None:
    changes = 0
    for seed in range(first, first + 10):
        changes += runs.run(harness, seed, "changes").counts["changes"]
    assert changes > 30


SEEDS = int(os.environ.get("TRIVET_PAXOS_SEEDS", "3000"))
"""How many `make soak` runs of each kind."""


@pytest.mark.soak
@pytest.mark.timeout(SEEDS)
@pytest.mark.parametrize("theme", ["", "losses", "changes"])
def test_many_random_runs(runs: ModuleType, harness: ModuleType, theme: str) -> None:
    for seed in range(1000, 1000 + SEEDS):
        runs.run(harness, seed, theme)


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
        self.paxos = Paxos(
            PaxosSettings(node=1, proposer=proposer_of(1, life), **settings), Prng(1), self.records
        )
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


def test_who_may_have_forgotten_and_is_no_member_waits_for_nothing() -> None:
    outside = Paxos(PaxosSettings(node=2, proposer=proposer_of(2, 1)), Prng(1), doubtful=True)
    outside.learn(GroupConfig(1, (1,)))
    while outside.ready() is not None:
        outside.saved(outside.acceptor.saves.next_id - 1)
    assert outside.doubtful and outside.quiet
    outside.learn(GroupConfig(2, (1,), (1, 2), ((2, 2),)))
    assert outside.doubtful and not outside.quiet, "as a member it is to catch up"


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
    paxos = Paxos(PaxosSettings(node=1, proposer=proposer_of(1, 2), operation_ticks=8), Prng(1), [], True)
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


def test_a_full_disk_takes_nothing_and_goes_on_to_tell() -> None:
    alone = Alone(operation_ticks=8)
    alone.increment(b"k", 1)
    alone.paxos.full = True
    assert alone.paxos.full
    write = Operation(2, b"k", increment, False, 7, 2, 0, True)
    read = Operation(3, b"k", lambda value, version: Change(False, None, value or b""), True)
    alone.paxos.submit(write)
    alone.turn()
    alone.paxos.submit(Operation(4, b"other", increment, False, 7, 3, 0, True))
    for _ in range(4):
        alone.paxos.tick()
        alone.turn()
    assert [operation.op_id for operation in alone.finished] == [1], "the writes wait"
    alone.paxos.full = False
    for _ in range(4):
        alone.paxos.tick()
        alone.turn()
    assert write.outcome is Outcome.OK
    alone.paxos.full = True
    alone.paxos.submit(read)
    alone.turn()
    assert (read.outcome, read.reply) == (Outcome.OK, b"2")


class Noise:
    """Messages that get past the decoder, and make no sense."""

    def __init__(self, seed: int) -> None:
        self.prng = Prng(seed)
        self.rows = 0
        """Of the lists of a message: its columns are of one length."""

    def number(self) -> int:
        return (0, 1, 2, 3, 7, 1 << 32, (1 << 62) + 1, NUMBER_MAX, self.prng.u64() >> 1)[self.prng.below(9)]

    def key(self) -> bytes:
        return (b"", b"k", b"k", b"j", b"x" * 2000)[self.prng.below(5)]

    def make(self, kind: object) -> object:
        """Anything of that type."""
        prng = self.prng
        origin = get_origin(kind)
        if origin is Annotated:
            return self.number()
        if origin is list or (origin is tuple and get_args(kind)[-1] is Ellipsis):
            count = self.rows if origin is list else prng.below(4)
            items = [self.make(get_args(kind)[0]) for _ in range(count)]
            return items if origin is list else tuple(items)
        if origin is tuple:
            return tuple(self.make(part) for part in get_args(kind))
        if origin in (Union, UnionType):
            return self.make(get_args(kind)[prng.below(len(get_args(kind)))])
        if kind is bytes:
            return self.key()
        if kind is bool:
            return prng.below(2) == 1
        if kind is type(None):
            return None
        rows, self.rows = self.rows, prng.below(4)
        made = kind(*[self.field(kind, name) for name in kind.__struct_fields__])
        self.rows = rows
        return made

    def field(self, kind: object, name: str) -> object:
        """Of a message: contents are mostly sound."""
        if name == "content" and self.prng.below(4):
            return self.content()
        if name == "contents" and self.prng.below(4):
            return [self.content() for _ in range(self.rows)]
        return self.make(get_type_hints(kind, include_extras=True)[name])

    def content(self) -> Sealed:
        prng = self.prng
        done = [Done(self.number(), self.number(), self.number(), b"r") for _ in range(prng.below(3))]
        return seal(b"k", self.number(), (None, b"1")[prng.below(2)], done, self.number())


@pytest.mark.parametrize("seed", range(12))
def test_nothing_that_peers_send_crashes_a_member(seed: int) -> None:
    noise = Noise(seed)
    settings = PaxosSettings(
        node=1, proposer=proposer_of(1, 7), key_bytes_max=1000, bare_max=5, patience_ticks=2, tombstone_ticks=1, held_messages_max=20
    )  # fmt: skip
    paxos = Paxos(settings, Prng(seed), [], seed % 3 == 0)
    paxos.learn(GroupConfig(1, (1, 2, 3), (3, 4) if seed % 2 else ()))
    encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Message)
    for step in range(1500):
        message = noise.make(get_args(Message)[noise.prng.below(12)])
        if noise.prng.below(4):
            changes: dict[str, object] = {"epoch": 1}
            changes |= {"proposer": 7} if noise.prng.below(2) else {}
            message = msgspec.structs.replace(message, **changes)
        paxos.step(1 + noise.prng.below(5), decoder.decode(encoder.encode(message)))
        if step % 5 == 0:
            paxos.submit(Operation(step, b"k", increment, False, 9, step, 0, True))
            paxos.tick()
        if step % 50 == 0:
            paxos.scan(1, None, 5)
            paxos.rescan()
            paxos.collect(b"k")
        while ready := paxos.ready():
            if ready.save is not None and noise.prng.below(4):
                paxos.saved(ready.save.save_id)
        paxos.check_rest()
        paxos.check_invariants()
    assert paxos.acceptor.saves.held_count <= 20
    assert paxos.underway <= settings.operations_max


def test_a_doubt_does_not_end_by_an_older_config() -> None:
    """Rule P26: what others held in that epoch may be registers of slots that have come anew since."""
    settings = PaxosSettings(node=1, proposer=proposer_of(1, 2))
    paxos = Paxos(settings, Prng(1), [Marks(3, 1, proposer_of(1, 1), True)], True)
    paxos.learn(GroupConfig(2, (1, 2, 3)))
    ready = paxos.ready()
    assert ready is None or not ready.messages
    paxos.learn(GroupConfig(3, (1, 2, 3)))
    ready = paxos.ready()
    assert ready is not None
    assert [(to, type(message)) for to, message in ready.messages] == [(2, Page), (3, Page)]


def test_a_rescan_begins_with_its_own_first_page(harness: ModuleType) -> None:
    """A page of an earlier epoch may come in the very turn in which the members change and a rescan begins."""
    group = harness.Group(1, page_keys_max=1)
    for number, key in enumerate((b"a", b"b", b"c")):
        change = harness.change_of((b"INCR", key))
        group.submit(1, Operation(number, key, change, False, 9, number + 1, 0, True))
        group.sync(1)
    live = group.desks[1].live
    live.rescan()
    live.ready()  # the first page is on its way to itself
    live.scans.results.append(live.scans.results[0] if live.scans.results else _page(b"a", b"b"))
    live.rescan()
    assert not live.scans.results


def _page(*keys: bytes) -> ScanResult:
    return ScanResult(INTERNAL, True, list(keys), keys[-1], [])


def test_without_input_there_is_no_outcome(harness: ModuleType) -> None:
    """``ready`` need not look: what waits for others, or for room, does so until it hears of something."""
    group = harness.Group(1, flights_max=1)
    live = group.desks[1].live
    for number in range(4):
        change = harness.change_of((b"INCR", b"%d" % number))
        live.submit(Operation(number, b"%d" % number, change, False, 9, number + 1, 0, True))
        assert (live.ready() is not None) == (number == 0), "the others wait for room"
        assert live.ready() is None
        live.check_rest()
    live.tick()
    assert live.ready() is None
