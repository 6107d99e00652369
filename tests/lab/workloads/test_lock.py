"""The judges of the lock and of its resource."""

import msgspec
import pytest
from told import Told

from trivet.lab.history import FOREVER_US
from trivet.lab.resp import OK
from trivet.lab.runner import run
from trivet.lab.workloads.lock import Resource, ResourceWrite, judge_fence, judge_lock, judge_resource
from trivet.lab.world.options import draw_options


def take(value: str, ttl_ms: int = 100) -> str:
    return f"SET k:0 {value} NX PX {ttl_ms}"


GOOD = {
    "after its end": Told().ok(0, 1, take("a"), OK).ok(100, 101, take("b"), OK),
    "given back": Told().ok(0, 1, take("a"), OK).ok(5, 6, "CAD k:0 a", 1).ok(7, 8, take("b"), OK),
    "perhaps given back": Told().ok(0, 1, take("a"), OK).open(5, "CAD k:0 a").ok(7, 8, take("b"), OK),
    "giving back meanwhile": Told().ok(0, 1, take("a"), OK).ok(5, 9, "CAD k:0 a", 1).ok(6, 7, take("b"), OK),
    "busy": Told().ok(0, 1, take("a"), OK).ok(7, 8, take("b"), None),
    "an open one": Told().ok(0, 1, take("a"), OK).open(7, take("b")),
    "a slow one": Told().ok(0, 1, take("a"), OK).ok(7, 200, take("b"), OK),
}

BROKEN = {
    "twice": Told().ok(0, 1, take("a"), OK).ok(50, 51, take("b"), OK),
    "twice at once": Told().ok(0, 9, take("a"), OK).ok(1, 8, take("b"), OK),
    "given back too late": Told().ok(0, 1, take("a"), OK).ok(7, 8, take("b"), OK).ok(9, 10, "CAD k:0 a", 1),
    "refused to give back": Told().ok(0, 1, take("a"), OK).failed(2, 3, "CAD k:0 a").ok(7, 8, take("b"), OK),
    "another gave back": Told().ok(0, 1, take("a"), OK).ok(2, 3, "CAD k:0 z", 1).ok(7, 8, take("b"), OK),
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert judge_lock("k:0", GOOD[name], 0) == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    sentence = "k:0: granted twice within one lease"
    assert [c.sentence for c in judge_lock("k:0", BROKEN[name], 0)] == [sentence]


def test_clocks_that_say_nothing_excuse_any_grant() -> None:
    assert judge_lock("k:0", BROKEN["twice"], FOREVER_US) == []
    assert judge_lock("k:0", BROKEN["twice"], 48_000) == judge_lock("k:0", BROKEN["twice"], 0) != []
    assert judge_lock("k:0", BROKEN["twice"], 49_000) == []


def test_a_guarded_delete_finds_its_key() -> None:
    history = Told().ok(0, 1, take("a"), OK).ok(5, 6, "CAD k:0 a", 0)
    assert [c.sentence for c in judge_lock("k:0", history, 0)] == ["k:0: a guarded delete found nothing"]


def test_the_resource_refuses_old_tokens() -> None:
    resource = Resource()
    assert [resource.write(b"a", 1), resource.write(b"b", 2), resource.write(b"a", 1)] == [True, True, False]
    assert resource.write(b"b", 2)
    assert judge_resource("k:0", resource.writes) == []


def test_tokens_are_nobody_elses() -> None:
    resource = Resource()
    assert resource.write(b"a", 1)
    assert resource.write(b"b", 1)
    assert [c.sentence for c in judge_resource("k:0", resource.writes)] == [
        "k:0: token 1 was given to two holders"
    ]


def test_a_resource_without_fencing_shows() -> None:
    writes = [ResourceWrite(b"a", 1, True), ResourceWrite(b"b", 2, True), ResourceWrite(b"a", 1, True)]
    assert [c.sentence for c in judge_resource("k:0", writes)] == [
        "k:0: the resource accepted token 1 after 2"
    ]


def fenced(value: str) -> str:
    return take(value) + "; FENCE k:0"


FENCES = {
    "rising": (Told().ok(0, 1, fenced("a"), OK, 5).ok(2, 3, fenced("b"), OK, 6), ""),
    "at once": (Told().ok(0, 9, fenced("a"), OK, 7).ok(1, 8, fenced("b"), OK, 6), ""),
    "refused": (Told().ok(0, 1, fenced("a"), OK, 5).ok(2, 3, fenced("b"), None, 5), ""),
    "nobody knows": (Told().open(0, fenced("a")).ok(2, 3, fenced("b"), OK, 1), ""),
    "twice": (
        Told().ok(0, 9, fenced("a"), OK, 5).ok(1, 8, fenced("b"), OK, 5),
        "k:0: 5 came with two grants",
    ),
    "no higher": (
        Told().ok(0, 1, fenced("a"), None, 5).ok(2, 3, fenced("b"), OK, 5),
        "k:0: 5 was told before 5, which came with a grant",
    ),
    "falling": (
        Told().ok(0, 1, fenced("a"), OK, 5).ok(2, 3, fenced("b"), None, 4),
        "k:0: 4 was told after 5, which came with a grant",
    ),
    "asked alone": (
        Told().ok(0, 1, fenced("a"), OK, 5).ok(2, 3, "FENCE k:0", 5).ok(4, 5, "FENCE k:0", 6),
        "",
    ),
    "asked alone too late": (
        Told().ok(0, 1, "FENCE k:0", 5).ok(2, 3, fenced("a"), OK, 5),
        "k:0: 5 was told before 5, which came with a grant",
    ),
    "falling while nobody takes it": (
        Told().ok(0, 1, "FENCE k:0", 6).ok(2, 3, "FENCE k:0", 5),
        "k:0: 5 was told after 6, which came without",
    ),
}


@pytest.mark.parametrize("name", FENCES)
def test_fences(name: str) -> None:
    history, sentence = FENCES[name]
    assert [c.sentence for c in judge_fence("k:0", history)] == ([sentence] if sentence else [])


@pytest.mark.parametrize("seed", range(1, 4))
def test_where_there_is_a_log_fences_are_tokens_too(seed: int) -> None:
    """Slots move, leaders fall, walls are wrong: none of it brings a number back."""
    drawn = draw_options(seed, 3, 120)
    assert drawn.fence_rate == 0
    options = msgspec.structs.replace(
        drawn, workloads="lock", fence_rate=1.0, clients=4, readers=0, second_rate=1.0, second_shards=2,
        second_replicas=3, spread_rate=1.0, move_every_ms=400, wall_offset_ms_max=10_000, clock_jump_every_ms=600,
        rest_rate=0.0, think_ms_max=60, safety_ms_max=20_000,
    )  # fmt: skip
    result = run(options)
    assert result.complaints == [] and result.metrics["lock.grants"] > 5
