"""The judge of sessions, by histories told by hand; and the calls of the workload."""

import msgspec
import pytest
from told import Told, items

from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Outcome
from trivet.lab.resp import OK, ReplyError
from trivet.lab.workloads.mix import COPIES_DATABASE, Mix, has_copies
from trivet.lab.workloads.sessions import ON, TOKEN, TRIES_MAX, Sessions
from trivet.lab.workloads.workload import Context
from trivet.lab.world.options import RunOptions

HERE = RunOptions(seed=1, eventual_rate=1.0, eventual_replicas=3, nodes=3)
X, Y, FAR = "K:{0}0", "K:{0}1", "K:{1}0"


def judge(told: Told, **changes: object) -> list[str]:
    workload = Sessions(msgspec.structs.replace(HERE, **changes), Prng(1))
    for operation in told:
        operation.keys = tuple(command[1] for command in operation.commands[1:])
    return [c.sentence for c in workload.check(told, [], Context(FOREVER_US))]


def wrote(act: int = 1, after: str = "", key: str = X, element: str = "a") -> Told:
    return Told().ok(0, 1, f"ACT {act} {after};SADD {key} {element}", OK, 1)


def sees(told: Told, act: str, key: str, *elements: str, at: int = 9) -> Told:
    return told.ok(at, at + 1, f"ACT {act};SMEMBERS {key}", OK, items(*elements))


def followed() -> Told:
    """Act 2 has seen ``a`` of the plain client, and writes ``b`` into another set."""
    told = Told().ok(0, 1, f"ACT 0;SADD {X} a", OK, 1).ok(2, 3, f"ACT 1;SMEMBERS {X}", OK, items("a"))
    return told.ok(4, 5, f"ACT 2 1;SADD {Y} b", OK, 1)


def two_writes() -> Told:
    return wrote().ok(2, 3, f"ACT 2 1;SADD {Y} b", OK, 1)


def removed(reply: int = 1) -> Told:
    return wrote().ok(2, 3, f"ACT 2 1;SREM {X} a", OK, reply)


def together() -> Told:
    """What was read in a transaction came before what it wrote."""
    told = Told().ok(0, 1, f"ACT 0;SADD {X} a", OK, 1)
    return told.ok(2, 3, f"ACT 1;SMEMBERS {X};SADD {Y} b", OK, items("a"), 1)


GOOD = {
    "its own write": sees(wrote(), "2 1", X, "a"),
    "another session sees nothing": sees(wrote(), "2", X),
    "nor does a plain client": sees(wrote(), "0", X),
    "what it had read": sees(sees(wrote(), "2", X, "a", at=5), "3 2", X, "a"),
    "both writes": sees(sees(two_writes(), "3", Y, "b", at=5), "4 3", X, "a"),
    "the first of them only": sees(sees(two_writes(), "3", X, "a", at=5), "4 3", Y),
    "what the writer had seen": sees(sees(followed(), "3", Y, "b", at=5), "4 3", X, "a"),
    "without its session it may see less": sees(sees(followed(), "3", Y, "b", at=5), "4", X),
    "somebody has removed it": sees(wrote().ok(5, 6, f"ACT 0;SREM {X} a", OK, 1), "2 1", X),
    "somebody may have removed it": sees(wrote().open(5, f"ACT 0;SREM {X} a"), "2 1", X),
    "of other families nothing is promised": sees(
        sees(wrote().ok(2, 3, f"ACT 2 1;SADD {FAR} b", OK, 1), "3", FAR, "b", at=5), "4 3", X
    ),
    "but of one's own": sees(wrote(), "2 1", FAR),
    "a write that nobody knows of is seen, or not": sees(sees(Told().open(0, f"ACT 1;SADD {X} a"), "2", X, "a"),
                                                         "3", X, at=12),
    "a removal of nothing": sees(removed(0), "3 2", X, "a"),
    "read and written at once": sees(sees(together(), "2", Y, "b", at=5), "3 2", X, "a"),
}  # fmt: skip

BAD = {
    "read your writes": sees(wrote(), "2 1", X),
    "monotonic reads": sees(sees(wrote(), "2", X, "a", at=5), "3 2", X),
    "monotonic writes": sees(sees(two_writes(), "3", Y, "b", at=5), "4 3", X),
    "writes follow reads": sees(sees(followed(), "3", Y, "b", at=5), "4 3", X),
    "read your writes: K:{0}0 shows a again": sees(removed(), "3 2", X, "a"),
    "monotonic reads: K:{0}0 shows a again": sees(sees(removed(), "3 1", X, at=5), "4 3", X, "a"),
    "nobody had added": sees(wrote(), "0", X, "a", "z"),
    "nothing was done": sees(Told().failed(0, 1, f"ACT 1;SADD {X} a"), "0", X, "a"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_may_be(name: str) -> None:
    assert judge(GOOD[name], bit_rot_every_ms=1) == []


@pytest.mark.parametrize("name", BAD)
def test_what_may_not_be(name: str) -> None:
    assert any(name in sentence for sentence in judge(BAD[name], bit_rot_every_ms=1))


def test_a_second_write_of_one_read_shows_what_its_writer_had_seen() -> None:
    """In the very same read."""
    told = wrote().ok(2, 3, f"ACT 2 1;SADD {X} b", OK, 1)
    assert any("monotonic writes" in one for one in judge(sees(told, "3", X, "b"), bit_rot_every_ms=1))


def test_what_was_read_in_a_transaction_comes_before_what_it_wrote() -> None:
    found = judge(sees(sees(together(), "2", Y, "b", at=5), "3 2", X), bit_rot_every_ms=1)
    assert any("writes follow reads" in one for one in found)


def test_sessions_that_were_joined_have_seen_both() -> None:
    told = wrote().ok(0, 1, f"ACT 2;SADD {X} b", OK, 1)
    assert judge(sees(told, "3 1 2", X, "a", "b"), bit_rot_every_ms=1) == []
    assert len(judge(sees(wrote().ok(0, 1, f"ACT 2;SADD {X} b", OK, 1), "3 1 2", X), bit_rot_every_ms=1)) == 2


def test_in_the_end_nothing_is_lost_where_no_disk_loses_anything() -> None:
    told = wrote().ok(9, 9, f"ACT 0;SMEMBERS {X}", OK, items(), final=True)
    assert judge(told) == ["K:{0}0: a was added and is lost"]
    assert judge(told, bit_rot_every_ms=1) == []
    assert judge(wrote().ok(9, 9, f"ACT 0;SMEMBERS {X}", OK, items("a"), final=True)) == []


QUORUMS: dict[str, object] = {"eventual_write_quorum": 2, "eventual_read_quorum": 2, "bit_rot_every_ms": 1}

MET = {
    "what was acknowledged": sees(wrote(), "0", X, "a"),
    "what is written meanwhile": sees(Told().ok(9, 12, f"ACT 1;SADD {X} a", OK, 1), "0", X),
    "what nobody knows of": sees(Told().open(0, f"ACT 1;SADD {X} a"), "0", X),
    "what is removed meanwhile": sees(wrote().ok(9, 12, f"ACT 0;SREM {X} a", OK, 1), "0", X),
    "a transaction that writes": wrote().ok(9, 10, f"ACT 0;SMEMBERS {X};SADD {Y} b", OK, items(), 1),
}  # fmt: skip
UNMET = {
    "does not show a": sees(wrote(), "0", X),
    "still shows a": sees(removed(), "0", X, "a"),
}


@pytest.mark.parametrize("name", MET)
def test_where_quorums_meet_what_was_acknowledged_is_read(name: str) -> None:
    assert judge(MET[name], **QUORUMS) == []


@pytest.mark.parametrize("name", UNMET)
def test_and_nothing_else(name: str) -> None:
    assert any(name in sentence for sentence in judge(UNMET[name], **QUORUMS))
    assert judge(UNMET[name], bit_rot_every_ms=1) == [], "without quorums nobody was promised anything"


# -- the workload -------------------------------------------------------------------------------------


def answered(workload: Sessions, client: int, token: bytes, reply: object = 1) -> list[list[bytes]]:
    """The next call with a session and one command; what went over the wire."""
    prng = Prng(client)
    while True:
        call = workload.start(client, prng)
        workload.note(call)
        if len(call.wire) == 3 and call.wire[-1] == TOKEN:
            call.pick([OK, reply, token])  # type: ignore[list-item]
            return call.wire


def test_a_client_takes_its_token_along_and_gives_up_in_the_end() -> None:
    workload = Sessions(HERE, Prng(1))
    assert answered(workload, 1, b"t1")[0] == ON
    assert answered(workload, 1, b"t2")[0] == [*ON, b"t1"]
    for _ in range(TRIES_MAX):
        assert answered(workload, 1, b"t3", ReplyError("TRYAGAIN x"))[0] == [*ON, b"t2"]
    assert answered(workload, 1, b"t4")[0] == ON, "a new session"
    assert workload.metrics()["refused"] == TRIES_MAX and workload.metrics()["sessions ended"] == 1
    opening = workload.finals()[0].wire[:-1]
    assert sorted(words[-1] for words in opening) == [b"t2", b"t4"]


def test_what_came_without_the_session_is_not_of_it() -> None:
    workload = Sessions(HERE, Prng(1))
    call = workload.start(1, Prng(3))
    while len(call.wire) != 3 or call.wire[-1] != TOKEN:
        call = workload.start(1, Prng(call is None or len(call.wire)))
    assert call.pick([ReplyError("ERR x"), 1, b"t"])[0] is Outcome.INFO
    assert call.pick([ReplyError("ERR x"), ReplyError("TRYAGAIN x"), b"t"])[0] is Outcome.FAIL


def test_it_lives_in_a_database_of_its_mode() -> None:
    mix = Mix(msgspec.structs.replace(HERE, workloads="sessions", ops=50, eventual_rate=0.0))
    assert has_copies(msgspec.structs.replace(HERE, workloads="sessions", eventual_rate=0.0))
    (call,) = mix.next_calls(1, Prng(1))
    assert call.wire[0] == [b"SELECT", b"%d" % COPIES_DATABASE]
    hops = [call.leaves for _ in range(49) for call in mix.next_calls(1, Prng(_))]
    assert any(hops) and not all(hops)
