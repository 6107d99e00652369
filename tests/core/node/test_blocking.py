"""Calls that wait, on nodes: served through the log, claimed, ended, given back (rules B1 to B4)."""

from types import SimpleNamespace

from tests.core.node.bench import Bench
from tests.core.node.test_router import halved
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.run import Run
from trivet.core.node.blocking import BlockedClients
from trivet.core.node.router import NO_DATABASE
from trivet.core.wire.reply import NOT_HERE, Blocked


def test_a_call_that_finds_something_does_not_wait():
    Bench().talk(
        """
        a> RPUSH q 1 2 3
        3
        a> BLPOP none q 0 | BRPOP q 0 | LLEN q
        ["q" "1"]
        ["q" "3"]
        1
        """
    )


def test_a_call_waits_for_a_push_through_any_node():
    Bench(3).talk(
        """
        a@2> BLPOP q 0 | PING
        b@3> RPUSH q x | LLEN q
        1
        0
        a: ["q" "x"]
        a: +PONG
        """
    )


def test_the_one_who_has_waited_longest_is_served_first():
    Bench(3).talk(
        """
        a@2> BLPOP q 0
        b@3> BRPOP other q 0
        c@1> BLMOVE q done LEFT RIGHT 0
        d> RPUSH q 1 2 3 4 | LRANGE q 0 -1 | LRANGE done 0 -1
        4
        ["3"]
        ["2"]
        c: "2"
        a: ["q" "1"]
        b: ["q" "4"]
        """
    )


def test_a_transaction_serves_when_it_is_over():
    Bench(3).talk(
        """
        a@2> BLPOP q 0
        b@3> MULTI | RPUSH q x | LPUSH q y | BLPOP none 0 | EXEC | LRANGE q 0 -1
        +OK
        +QUEUED
        +QUEUED
        +QUEUED
        [1 2 nil*]
        ["x"]
        a: ["q" "y"]
        """
    )


def test_time_is_over():
    bench = Bench(3)
    bench.talk(
        """
        a@2> BLPOP q 0.1
        """
    )
    bench.wait(60)
    assert bench.events == []
    bench.wait(100)
    assert bench.events == [("a", "nil*")]
    assert not bench.node(1).group.machine.waiting.by_client


def test_what_was_served_to_a_client_that_is_gone_goes_to_the_next():
    bench = Bench(3)
    bench.talk(
        """
        a@2> BLPOP q 0
        b@3> BLPOP q 0
        """
    )
    bench.hang_up_client("a")
    bench.talk(
        """
        c@1> RPUSH q x | LLEN q
        1
        0
        b: ["q" "x"]
        """
    )


def test_a_dead_node_keeps_nothing():
    bench = Bench(3)
    bench.talk(
        """
        a@2> BLPOP q 0
        b@3> BLPOP q 0
        """
    )
    bench.crash(2)
    bench.talk(
        """
        c@1> RPUSH q x y | LRANGE q 0 -1
        2
        ["y"]
        b: ["q" "x"]
        """
    )


def test_a_dead_leader_keeps_nothing():
    bench = Bench(3)
    bench.talk(
        """
        a@1> BLPOP q 0
        b@3> BLPOP q 0
        """
    )
    bench.crash(1)
    bench.elect(2)
    bench.talk(
        """
        c@2> RPUSH q x y
        2
        c> LRANGE q 0 -1
        ["y"]
        b: ["q" "x"]
        """
    )


def test_a_node_that_was_thought_dead_asks_again():
    bench = Bench(3)
    bench.talk(
        """
        a@2> BLPOP q 0
        """
    )
    bench.cut(2)
    bench.talk(
        """
        c@1> RPUSH q x
        1
        """
    )
    bench.wait(5000)
    machine = bench.node(1).group.machine
    assert not machine.waiting.by_client, "given up"
    bench.heal()
    bench.wait(2000)
    assert bench.events == [("a", '["q" "x"]')]
    bench.events.clear()
    bench.talk(
        """
        c@1> LLEN q
        0
        """
    )


def test_a_move_for_a_node_that_was_thought_dead_is_made_once():
    """B4: it asks again only for what went back; an item that was moved stays where it was moved to."""
    bench = Bench(3)
    bench.talk(
        """
        a@2> BLMOVE q p LEFT RIGHT 0
        """
    )
    bench.cut(2)
    bench.talk(
        """
        c@1> RPUSH q x
        1
        """
    )
    bench.wait(5000)
    machine = bench.node(1).group.machine
    assert bench.node(1).group.raft.is_silent(2)
    assert [call.served for call in machine.waiting.by_client.values()] == [True]
    bench.talk(
        """
        c@1> RPUSH q y
        1
        """
    )
    bench.heal()
    bench.wait(2000)
    assert bench.events == [("a", '"x"')]
    bench.events.clear()
    bench.talk(
        """
        c@1> LRANGE q 0 -1 | LRANGE p 0 -1
        ["y"]
        ["x"]
        """
    )
    assert not machine.waiting.by_client


# -- the group is no more


class Group:
    """Takes what is sent to it."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.settings = SimpleNamespace(group=7)

    def write(self, run: Run, now_ms: int) -> None:
        self.runs.append(run)


def test_whoever_waits_in_a_group_that_is_no_more_goes_where_the_keys_are():
    """Without a home anywhere the rerouting tells them. A claim under way may have taken what nobody remembers."""
    blocked = BlockedClients(5_000, halved()[0])
    gone, other = Group(), Group()
    for conn, group in ((1, gone), (2, gone), (3, other), (4, gone)):
        blocked.begin(conn, 20, [b"BLPOP", b"q", b"0"], group)  # type: ignore[arg-type]
    for conn in (1, 2, 3):
        blocked.waits(conn, Blocked(0, [b"BLPOP", b"q", b"0"]), 0)
    blocked.woken(2, gone)  # type: ignore[arg-type]
    (claim,) = gone.runs
    claim.fail(NO_DATABASE, whoever=True)
    blocked.group_is_gone(gone)  # type: ignore[arg-type]
    assert blocked.settle()
    assert blocked.answers == [(2, TIMEOUT_ERROR)]
    blocked.waits(4, Blocked(0, [b"BLPOP", b"q", b"0"]), 0)
    assert [run.calls[0][1] for run in blocked.homeless] == [
        [b"BLOCK", b"1", b"BLPOP", b"q", b"0"], [b"BLOCK", b"4", b"BLPOP", b"q", b"0"],
    ]  # fmt: skip
    blocked.moved(1, other, None)  # type: ignore[arg-type]
    blocked.homeless[0].put_right(0, Blocked(0, [b"BLPOP", b"q", b"0"]))
    blocked.settle()
    blocked.woken(1, other)  # type: ignore[arg-type]
    assert [call[1] for call in other.runs[-1].calls] == [[b"CLAIM", b"1"]]
    other.runs[-1].finish_in_part([NOT_HERE])
    blocked.settle()
    assert len(blocked.homeless) == 3
    assert list(blocked.by_client) == [1, 3, 4]
