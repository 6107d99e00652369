"""The judge of streams: jobs ``a b`` under ids ``1-0 2-0`` in ``d:0``, a group ``workers``."""

import pytest
from told import Told

from trivet.lab.workloads.stream import claimed_entries, judge_stream, new_entries

TAKE = "XREADGROUP GROUP workers c1 COUNT 1 STREAMS d:0 >"
CLAIM = "XAUTOCLAIM d:0 workers c2 0 0 COUNT 3"
PENDING = "XPENDING d:0 workers - + 100000"


def entry(number: int, job: str) -> tuple[object, ...]:
    return (b"%d-0" % number, (b"job", job.encode()))


def taken(*entries: tuple[object, ...]) -> tuple[object, ...]:
    return ((b"d:0", entries),)


def two() -> Told:
    return Told().ok(0, 1, "XADD d:0 * job a", b"1-0").ok(2, 3, "XADD d:0 * job b", b"2-0")


def end(history: Told, *pending: bytes, entries: tuple[object, ...] = (entry(1, "a"), entry(2, "b"))) -> Told:
    history.ok(90, 91, "XRANGE d:0 - +", entries, final=True)  # type: ignore[arg-type]
    rows = tuple((entry_id, b"c1", 5, 1) for entry_id in pending)
    return history.ok(92, 93, PENDING, rows, final=True)


ONE = taken(entry(1, "a"))
OTHER = taken(entry(2, "b"))

GOOD = {
    "untouched": end(two()),
    "handed out": end(two().ok(4, 5, TAKE, ONE).ok(6, 7, TAKE, OTHER), b"1-0", b"2-0"),
    "nothing new": end(two().ok(4, 5, TAKE, None)),
    "done": end(two().ok(4, 5, TAKE, ONE).ok(6, 7, "XACK d:0 workers 1-0", 1)),
    "perhaps done": end(two().ok(4, 5, TAKE, ONE).open(6, "XACK d:0 workers 1-0")),
    "at once, in any order": end(two().ok(4, 9, TAKE, OTHER).ok(4, 9, TAKE, ONE), b"1-0", b"2-0"),
    "claimed": end(two().ok(4, 5, TAKE, ONE).ok(6, 7, CLAIM, (b"0-0", (entry(1, "a"),), ())), b"1-0"),
    "claimed from one whose answer never came": end(
        two().open(4, TAKE).ok(6, 7, CLAIM, (b"0-0", (entry(1, "a"),), ())), b"1-0"
    ),
    "an open add": end(Told().open(0, "XADD d:0 * job a"), entries=(entry(7, "a"),)),
}  # fmt: skip

BROKEN = {
    "twice as new": (
        end(two().ok(4, 5, TAKE, ONE).ok(6, 7, TAKE, ONE), b"1-0"), "an entry was handed out twice as new",
    ),
    "backwards": (
        end(two().ok(4, 5, TAKE, OTHER).ok(6, 7, TAKE, ONE), b"1-0", b"2-0"),
        "an entry was handed out after a later one",
    ),
    "still pending": (
        end(two().ok(4, 5, TAKE, ONE).ok(6, 7, "XACK d:0 workers 1-0", 1), b"1-0"),
        "an acknowledged entry is still pending",
    ),
    "not pending": (end(two().ok(4, 5, TAKE, ONE)), "an entry that nobody acknowledged is not pending"),
    "acknowledged twice": (
        end(two().ok(4, 5, TAKE, ONE).ok(6, 7, "XACK d:0 workers 1-0", 1).ok(8, 9, "XACK d:0 workers 1-0", 1)),
        "an entry was acknowledged twice",
    ),
    "lost": (end(two(), entries=(entry(2, "b"),)), "an entry is lost"),
    "another id": (end(two(), entries=(entry(1, "a"), entry(3, "b"))), "an entry is lost"),
    "there twice": (
        end(two(), entries=(entry(1, "a"), entry(2, "b"), entry(3, "b"))), "a job is there twice at the end",
    ),
    "out of order": (
        end(two(), entries=(entry(2, "b"), entry(1, "a"))),
        "entries are not in the order of their ids at the end",
    ),
    "ids fall": (
        end(Told().ok(0, 1, "XADD d:0 * job a", b"2-0").ok(2, 3, "XADD d:0 * job b", b"1-0"), entries=()),
        "an id is not above that of an earlier entry",
    ),
    "from nowhere": (end(two().ok(4, 5, TAKE, taken(entry(1, "x"))), b"1-0"), "a job was delivered that nobody added"),
    "too early": (
        end(Told().ok(0, 1, TAKE, ONE).ok(2, 3, "XADD d:0 * job a", b"1-0"), b"1-0", entries=(entry(1, "a"),)),
        "a job was delivered before it was added",
    ),
    "refused": (
        end(Told().failed(0, 1, "XADD d:0 * job a").ok(2, 3, TAKE, ONE), b"1-0", entries=()),
        "a job was refused for certain, yet delivered",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_what_may_happen(name):
    assert judge_stream("d:0", GOOD[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_may_not(name):
    history, sentence = BROKEN[name]
    complaints = judge_stream("d:0", history)
    assert complaints, "nothing was noticed"
    assert complaints[0].sentence.endswith(sentence), complaints


def test_both_protocols_read_alike():
    rows = ((b"1-0", (b"job", b"a")),)
    assert new_entries(((b"d:0", rows),)) == new_entries((b"d:0", rows)) == [(b"1-0", b"a")]
    assert new_entries(None) == [] and claimed_entries((b"0-0", rows, ())) == [(b"1-0", b"a")]
