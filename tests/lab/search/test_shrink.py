"""The shrinker: on failures whose smallest form is known, and on a real run."""

from collections.abc import Callable, Iterable, Iterator

import msgspec
from failing_runs import impatient

from trivet.lab.judges.complaint import Complaint
from trivet.lab.runner import RunResult
from trivet.lab.search.shrink import Shrinker, Shrunk, TimeUp, fault_of
from trivet.lab.search.simplify import complications, differences, fault_kinds, simplest
from trivet.lab.search.workers import RunOutcome, perform
from trivet.lab.world.options import RunOptions, draw_options


def pretend(options: RunOptions, complaint: Complaint | None, events: int = 100) -> RunOutcome:
    """An outcome without a run."""
    result = msgspec.structs.replace(
        BLANK, options=options, complaints=[complaint] if complaint else [], events=events
    )
    return RunOutcome(options, result)


BLANK = RunResult(
    options=RunOptions(seed=0), digest="", ok=0, failed=0, indefinite=0, virtual_ms=1000, real_ms=0,
    events=0, faults={}, reached={}, unknown=0, complaints=[], trace_tail=[],
)  # fmt: skip


def world(fails: Callable[[RunOptions], str]) -> Callable[[Iterable[RunOptions]], Iterator[RunOutcome]]:
    """Runs that fail with the judge that ``fails`` names."""

    def evaluate(tasks: Iterable[RunOptions]) -> Iterator[RunOutcome]:
        for options in tasks:
            judge = fails(options)
            yield pretend(options, Complaint(judge, "so it is") if judge else None)

    return evaluate


BUSY = msgspec.structs.replace(
    draw_options(4, 5, 300), drop_rate=0.04, partition_every_ms=2000, kill_every_ms=1500, weight_counters=3
)


def shrink(fails: Callable[[RunOptions], str], batch: int = 1) -> Shrunk:
    first = next(world(fails)([BUSY]))
    return Shrinker(first, world(fails), batch).shrink()


def needs_three_things(options: RunOptions) -> str:
    needed = options.drop_rate > 0 and options.partition_every_ms > 0 and options.weight_counters > 0
    return "durability" if needed and options.ops >= 7 and options.clients >= 2 else ""


def test_what_does_not_matter_goes_and_what_matters_stays() -> None:
    shrunk = shrink(needs_three_things)
    best = shrunk.best.options
    assert shrunk.complete
    assert complications(best) == ["drop_rate", "partition_every_ms", "weight_counters"]
    assert (best.ops, best.clients, best.nodes) == (7, 2, 3)
    assert fault_kinds(best) == ["drop_rate", "partition_every_ms"]
    assert best.drop_rate < BUSY.drop_rate
    assert best.partition_every_ms > BUSY.partition_every_ms
    assert best.weight_counters == 1
    assert "kill_every_ms" not in [name for name, _, _ in differences(best)]


def test_equal_runs_shrink_equally_by_any_number_of_processes() -> None:
    def by_luck(options: RunOptions) -> str:
        return needs_three_things(options) if options.seed % 3 == 1 else ""

    assert BUSY.seed % 3 == 1
    alone, again, four = shrink(by_luck), shrink(by_luck), shrink(by_luck, 4)
    assert alone.best == again.best == four.best
    assert alone.runs == again.runs
    assert len(complications(alone.best.options)) == 3


def test_another_judges_complaint_is_another_failure() -> None:
    def slips(options: RunOptions) -> str:
        return "durability" if options.kill_every_ms else "liveness"

    assert complications(shrink(slips).best.options) == ["kill_every_ms"]


def test_crashes_are_told_apart_by_what_was_raised() -> None:
    def crash(sentence: str) -> str:
        return fault_of(pretend(BUSY, Complaint("crash", sentence)))

    assert crash("node 1 raised in its turn: AssertionError: 5 < 7") == crash(
        "node 3 raised in peer: AssertionError: 6 < 9"
    )
    assert crash("node 1 raised in its turn: KeyError: 5") != crash(
        "node 1 raised in its turn: IndexError: 5"
    )


def test_it_stops_when_told_to_and_keeps_what_it_has() -> None:
    tries = 0

    def hurry() -> None:
        nonlocal tries
        tries += 1
        if tries > 20:
            raise TimeUp

    first = next(world(needs_three_things)([BUSY]))
    shrunk = Shrinker(first, world(needs_three_things), hurry=hurry).shrink()
    assert not shrunk.complete
    assert fault_of(shrunk.best) == "durability"
    assert shrunk.best.options != BUSY


def test_workloads_named_are_dropped_one_by_one() -> None:
    def bank(options: RunOptions) -> str:
        return "sums" if {"bank", "queue"} <= set(options.workloads.split(",")) else ""

    named = msgspec.structs.replace(BUSY, workloads="register,bank,lock,queue,expiry")
    first = next(world(bank)([named]))
    assert Shrinker(first, world(bank)).shrink().best.options.workloads == "bank,queue"


def test_every_option_has_a_simplest_value_of_its_own_type() -> None:
    for field in msgspec.structs.fields(RunOptions):
        if field.name != "seed":
            assert type(simplest(field.name)) in (int, float, str, bool)
    assert complications(RunOptions(seed=1, weight_registers=0, weight_counters=0)) == [
        name
        for name in complications(RunOptions(seed=1))
        if name not in ("weight_registers", "weight_counters")
    ]


def test_a_real_run_that_always_fails_shrinks_to_next_to_nothing() -> None:
    first = perform(impatient())
    assert fault_of(first) == "liveness"
    shrunk = Shrinker(first, lambda tasks: map(perform, tasks)).shrink()
    best = shrunk.best
    assert (best.options.ops, best.options.clients) == (1, 1)
    assert fault_kinds(best.options) == []
    assert fault_of(best) == "liveness"
    assert perform(best.options).result.digest == best.result.digest
