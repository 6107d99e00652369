"""Walks over keys: pages of several members make one."""

from types import ModuleType

import pytest

from trivet.core.base.prng import Prng
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.messages import PageItem, PageReply, Standing
from trivet.core.paxos.proposer import Proposer
from trivet.core.paxos.scans import INTERNAL, Scans
from trivet.core.paxos.settings import PaxosSettings


def make(**settings: int) -> Scans:
    proposer = Proposer(PaxosSettings(node=1, proposer=1, **settings), Prng(1))
    proposer.learn(GroupConfig(1, (1, 2, 3)))
    return Scans(proposer)


def reply(items: list[tuple[bytes, int, bool]], more: bool, hearsay: bool = False) -> PageReply:
    pages = [PageItem(key, (9, 1), (counter, 1), there, None, hearsay) for key, counter, there in items]
    return PageReply(1, 1, Standing(), 1, pages, more)


def test_a_page_reaches_as_far_as_the_shortest_that_is_not_the_end() -> None:
    scans = make()
    scans.start(4, None, 2)
    out: list[tuple[int, object]] = []
    scans.flush(out)
    assert [to for to, _ in out] == [1, 2, 3]
    scans.on_page_reply(1, reply([(b"a", 1, True), (b"d", 1, True)], True))
    assert not scans.results
    scans.on_page_reply(3, reply([(b"a", 1, True), (b"b", 2, True)], True))
    (result,) = scans.results
    assert (result.scan_id, result.ok, result.keys, result.unsure, result.cursor) == (
        4,
        True,
        [b"a"],
        [b"b"],
        b"b",
    )


@pytest.mark.parametrize(
    ("one", "other", "keys", "unsure"),
    [
        ((1, True), (1, True), [b"k"], []),
        ((1, False), (1, False), [], []),
        ((1, True), (2, False), [], [b"k"]),
        ((2, True), (1, False), [], [b"k"]),
    ],
)  # fmt: skip
def test_a_key_is_there_when_a_quorum_agrees(
    one: tuple[int, bool], other: tuple[int, bool], keys: list[bytes], unsure: list[bytes]
) -> None:
    scans = make()
    scans.start(4, None, 2)
    scans.on_page_reply(1, reply([(b"k", *one)], False))
    scans.on_page_reply(2, reply([(b"k", *other)], False))
    assert (scans.results[0].keys, scans.results[0].unsure, scans.results[0].cursor) == (keys, unsure, None)


def test_hearsay_leaves_it_unsure() -> None:
    scans = make()
    scans.start(4, None, 2)
    scans.on_page_reply(1, reply([(b"k", 1, True)], False))
    scans.on_page_reply(2, reply([(b"k", 1, True)], False, True))
    assert (scans.results[0].keys, scans.results[0].unsure) == ([], [b"k"])


def test_the_rescan_is_told_of_tombstones() -> None:
    scans = make()
    scans.start(INTERNAL, None, 2)
    scans.on_page_reply(1, reply([(b"k", 1, False)], False))
    scans.on_page_reply(2, reply([(b"k", 1, False)], False))
    assert scans.results[0].keys == [b"k"]


def test_who_is_silent_is_asked_again_and_in_the_end_it_fails() -> None:
    scans = make(operation_ticks=8)
    scans.start(4, b"c", 2)
    scans.flush([])
    scans.on_page_reply(1, reply([], False))
    for _ in range(8):
        scans._proposer.now += 1
        scans.tick()
        out: list[tuple[int, object]] = []
        scans.flush(out)
        assert [to for to, _ in out] in ([], [2, 3])
    assert (scans.results[0].ok, scans.results[0].cursor) == (False, b"c")
    assert scans.underway == 0


def test_there_are_only_so_many() -> None:
    scans = make(scans_max=1)
    scans.start(4, None, 2)
    scans.start(5, None, 2)
    assert (scans.results[0].scan_id, scans.results[0].ok) == (5, False)
    scans.stop(4)
    assert scans.underway == 0


def test_after_a_loss_all_are_asked_again() -> None:
    scans = make()
    scans.start(4, None, 2)
    scans.flush([])
    scans.on_page_reply(1, reply([], False))
    scans.restart()
    scans.on_page_reply(2, reply([], False))
    assert not scans.results, "an answer to what was asked before"
    out: list[tuple[int, object]] = []
    scans.flush(out)
    assert [to for to, _ in out] == [1, 2, 3]


def test_a_whole_walk(harness: ModuleType) -> None:
    group = harness.Group(3)
    for number in range(7):
        key = b"k%d" % number
        operation = harness.Operation(
            number, key, harness.change_of((b"SET", key, b"x")), False, 7, number, 0, True
        )
        group.submit(1, operation)
    group.desks[2].live.scan(1, None, 2)
    for _ in range(30):
        flights, group.flights = group.flights, []
        for flight in flights:
            group.deliver(flight)
        for node in group.desks:
            group.sync(node)
    group.scans.clear()
    group.desks[2].live.scan(1, None, 2)
    group.turn(2)
    for _ in range(30):
        flights, group.flights = group.flights, []
        for flight in flights:
            group.deliver(flight)
    assert group.scans[1] == [b"k%d" % number for number in range(7)]
