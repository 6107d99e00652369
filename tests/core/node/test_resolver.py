"""Transactions whose coordinator says no more are brought to their end by whoever leads the groups."""

import pytest

from tests.core.node.bench import Bench
from tests.core.node.crossing import A, B, Between, C, call, is_clean, leader_of, sharded, transactions
from trivet.core.node.resolver import DEAD_MS, PATIENCE_MS
from trivet.core.transaction.words import (
    DecideRequest,
    Effects,
    LockRequest,
    Stamp,
    TransactionId,
    pack,
)
from trivet.core.wire.reply import Error


def number(bench: Bench) -> TransactionId:
    """Of the present life of node 1, which knows nothing of it."""
    return TransactionId(1, bench.node(1).system.settings.incarnation, 700)


def locked(bench: Bench, *groups: int, home: int = A) -> None:
    for group in groups:
        key = {A: b"a", B: b"b", C: b"c"}[group]
        word = LockRequest(number(bench), home, Stamp(5, 1, 1), 0, -1, [(3, key, 1)])
        call(bench, group, b"TXN", b"LOCK", pack(word))
    bench.settle()


def decided(bench: Bench, *groups: int) -> None:
    effects = [(group, pack(Effects(5, b"", [], [(False, b"ch", b"%d" % group)]))) for group in groups]
    call(bench, A, b"TXN", b"DECIDE", pack(DecideRequest(number(bench), 0, effects)))
    bench.settle()


def intents(bench: Bench, group: int):
    return bench.node(1).groups[group].machine.intents


def test_what_was_not_decided_is_aborted():
    """The mark at the home, that it was, is there for ever, for whoever comes too late."""
    bench = sharded()
    locked(bench, B, C)
    bench.wait(PATIENCE_MS - 200)
    assert intents(bench, B).by_id and not is_clean(bench)
    bench.wait(500)
    assert is_clean(bench) and transactions(bench).resolver.count == 2
    locked(bench, A)
    assert not intents(bench, A).by_id, "it comes too late"


def test_the_home_itself_is_released_too():
    bench = sharded()
    locked(bench, A)
    bench.wait(PATIENCE_MS + 300)
    assert is_clean(bench)


def test_what_was_decided_is_finished_everywhere():
    bench = sharded()
    bench.say("s", "SUBSCRIBE ch")
    locked(bench, A, B, C)
    decided(bench, A, B, C)
    bench.events = []
    assert list(intents(bench, A).records) == [number(bench)]
    bench.wait(PATIENCE_MS + 400)
    assert is_clean(bench)
    heard = sorted(text for name, text in bench.events if name == "s")
    assert heard == [f'["message" "ch" "{group}"]' for group in sorted((B, C))], "once each"


def test_a_participant_alone_asks_its_home():
    """Whoever leads the home may not care: here its words are kept."""
    bench = sharded()
    locked(bench, A, B)
    decided(bench, A, B)
    homes_word = Between(bench, B, b"FINISH")
    homes_word.times = 1
    bench.wait(PATIENCE_MS + 400)
    assert homes_word.kept and not intents(bench, B).by_id
    homes_word.release()
    bench.wait(300)
    assert is_clean(bench)


@pytest.mark.parametrize("verb", [b"RESOLVE", b"FINISH", b"FORGET"])
def test_answers_that_are_lost(verb):
    bench = sharded()
    locked(bench, A, B)
    decided(bench, A, B)
    betweens = [Between(bench, group, verb) for group in (A, B)]
    for between in betweens:
        between.answer(Error("TIMEOUT"), times=1)
    bench.wait(PATIENCE_MS + 600)
    assert is_clean(bench) and any(not between.times for between in betweens)


def test_a_home_that_is_no_more_has_aborted():
    bench = sharded()
    bench.answer("x", "KEYSPACE CREATE 5")
    gone = max(bench.node(1).front.cluster.groups)
    bench.answer("x", "KEYSPACE DROP 5")
    bench.wait(100)
    locked(bench, B, home=gone)
    bench.wait(PATIENCE_MS + 300)
    assert is_clean(bench)


def test_a_home_that_this_node_does_not_know_yet_is_waited_for():
    bench = sharded()
    locked(bench, B, home=77)
    bench.wait(PATIENCE_MS + 600)
    assert intents(bench, B).by_id


def test_those_of_a_dead_node_are_looked_at_soon():
    bench = sharded(3)
    bench.ask("d@2", "SELECT 3")
    kept = Between(bench, A, b"DECIDE", number=2)
    bench.say("d", "MSET a 1 b 2")
    assert kept.kept and intents(bench, B).by_id
    bench.crash(2)
    bench.wait(DEAD_MS + 300)
    assert is_clean(bench) and bench.answer("c", "MSET a 3 b 4") == "+OK"


def test_the_present_coordinator_is_left_in_peace_for_a_while():
    """And then overtaken: its decision comes too late, and it begins again."""
    bench = sharded(3)
    kept = Between(bench, A, b"DECIDE")
    bench.say("c", "MSET a 1 b 2")
    bench.wait(PATIENCE_MS - 300)
    assert intents(bench, B).by_id
    bench.wait(600)
    assert not intents(bench, B).by_id
    bench.events = []
    kept.release()
    bench.wait(200)
    assert ("c", "+OK") in bench.events and bench.answer("c", "MGET a b") == '["1" "2"]'
    bench.wait(200)
    assert is_clean(bench)


def test_a_new_leader_takes_over():
    bench = sharded(3)
    kept = Between(bench, A, b"DECIDE")
    bench.say("c", "MSET a 1 b 2")
    assert kept.kept
    old = leader_of(bench, B)
    bench.crash(1)
    bench.until(lambda: leader_of(bench, B) not in (0, old))
    bench.until(lambda: is_clean(bench), 2_500)
