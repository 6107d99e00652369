"""Calls over several groups while answers are lost, nodes die and slots move: whole or not at all."""

import pytest

from tests.core.node.bench import encode
from tests.core.node.crossing import A, B, Between, Nobody, call, is_clean, leader_of, sharded, transactions
from tests.core.node.founded import founded
from trivet.core.base.prng import Prng
from trivet.core.node.router import NO_DATABASE, NOT_IN_REACH
from trivet.core.steward.settings import StewardSettings
from trivet.core.transaction.coordinator import End
from trivet.core.transaction.words import ResolveRequest, pack
from trivet.core.wire.reply import NOT_HERE, Error

# -- lost answers, moves -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "verb"), [(A, b"LOCK"), (B, b"LOCK"), (A, b"DECIDE"), (B, b"FINISH"), (A, b"FORGET")]
)
def test_an_answer_is_lost(group, verb):
    """The word has been applied; what is said instead comes to the same."""
    bench = sharded()
    between = Between(bench, group, verb)
    between.lose()
    assert bench.answer("c", "MSET a 1 b 2") == "+OK"
    bench.wait(300)
    assert not between.times and bench.answer("c", "MGET a b") == '["1" "2"]' and is_clean(bench)


def test_the_answer_of_the_home_is_lost_twice():
    bench = sharded()
    asks = Between(bench, A, b"RESOLVE")
    asks.answer(Error("TIMEOUT"), times=2)
    decides = Between(bench, A, b"DECIDE")
    decides.group, decides.front.replicas[A] = asks, decides
    decides.lose()
    assert bench.answer("c", "MSET a 1 b 2") == "+OK"
    bench.wait(100)
    assert not asks.times and bench.answer("c", "MGET a b") == '["1" "2"]'


@pytest.mark.parametrize("reply", [NOT_HERE, NO_DATABASE, Error("TIMEOUT"), b"\xc1", 7])
def test_a_participant_says_something_else(reply):
    """Its keys are on their way, or it is no more, or nobody understands it: again, by the map as it is then."""
    bench = sharded()
    between = Between(bench, B, b"LOCK")
    between.answer(reply, times=2)
    assert bench.answer("c", "MSET a 1 b 2") == "+OK"
    bench.wait(200)
    assert not between.times and bench.answer("c", "MGET a b") == '["1" "2"]' and is_clean(bench)


def test_the_home_is_gone():
    bench = sharded()
    Between(bench, A, b"DECIDE").answer(NO_DATABASE)
    assert bench.answer("c", "MSET a 1 b 2").startswith("-TIMEOUT")
    bench.wait(200)
    assert bench.answer("c", "GET b") == "nil"


def test_the_home_has_aborted_it():
    bench = sharded()
    late = Between(bench, A, b"DECIDE")
    bench.say("c", "MSET a 1 b 2")
    (live,) = transactions(bench).live.values()
    asked = call(bench, A, b"TXN", b"RESOLVE", pack(ResolveRequest(live.coordinator.id, B)))
    bench.settle()
    assert asked.replies == [[b"ABORT"]]
    late.release()
    bench.wait(200)
    assert ("c", "+OK") in bench.events and transactions(bench).counts.refused[End.STALE] == 1
    assert bench.answer("c", "MGET a b") == '["1" "2"]' and is_clean(bench)


def test_a_group_that_this_node_does_not_know_yet_is_waited_for():
    bench = sharded(command_timeout_ms=1_000)
    front = bench.node(1).front
    group = front.replicas.pop(B)
    assert bench.say("c", "MSET a 1 b 2") == []
    front.replicas[B] = group
    bench.wait(40)
    assert ("c", "+OK") in bench.events
    bench.wait(200)
    front.replicas.pop(B)
    run = transactions(bench).begin(Nobody(), (3, [b"MSET", b"a", b"1", b"b", b"2"]), 0, [])
    assert run is not None
    bench.until(lambda: run.replies is not None)
    assert run.replies == [NOT_IN_REACH] and not transactions(bench).live


def test_a_call_whose_keys_have_moved_apart_runs_over_groups():
    """It went to the group that had all of them."""
    bench = sharded()
    front = bench.node(1).front
    front.replicas[A], kept = front.replicas[B], front.replicas[A]
    front.map_epoch, epoch = 0, front.map_epoch
    bench.send("c", encode("MSET a 1 b 2"))  # this node thinks that group B has both
    front.replicas[A], front.map_epoch = kept, epoch
    bench.wait(100)
    assert ("c", "+OK") in bench.events
    assert bench.answer("c", "MGET a b") == '["1" "2"]'


# -- crashes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [1, 3, 5, 7, 9, 11, 13])
@pytest.mark.parametrize("coordinator", [1, 2])
def test_the_coordinator_dies_after_so_many_frames(coordinator, frames):
    """Node 1 leads all groups, node 2 none. Whole or not at all, and nothing stays locked."""
    bench = founded(3, "3 SHARDS 4")
    bench.ask(f"x@{coordinator}", "SELECT 3")
    bench.answer("x", "MSET a 100 b 100")
    bench.wait(200)
    left = [frames]

    def count(sender: int, to: int, frame: bytes) -> None:
        if sender == coordinator:
            left[0] -= 1
            if left[0] == 0:
                bench.cut(coordinator)

    bench.on_send = count
    bench.events = []
    bench.send("x", encode("MULTI | DECRBY a 10 | INCRBY b 10 | EXEC"))
    bench.settle()
    answered = ("x", "[90 110]") in bench.events
    bench.on_send = lambda sender, to, frame: None
    bench.cuts.clear()
    bench.lost = []
    bench.crash(coordinator)
    bench.until(lambda: leader_of(bench, A) not in (0, coordinator))
    bench.until(lambda: is_clean(bench), 2_500)
    bench.ask("y@3", "SELECT 3")
    found = bench.answer("y", "MGET a b")
    assert found in (['["90" "110"]'] if answered else ['["90" "110"]', '["100" "100"]'])
    assert bench.answer("y", "MSET a 1 b 2") == "+OK"
    bench.start(coordinator)
    bench.wait(1_000)
    assert bench.answer("y", "MGET a b") == '["1" "2"]'
    assert is_clean(bench)


# -- moves ---------------------------------------------------------------------------------------


def test_no_money_is_lost_while_slots_move():
    """Splits and merges under transfers from three nodes; every read over all accounts sees the whole."""
    bench = founded(3, "3 SHARDS 2", steward=StewardSettings(plans=False))
    accounts = [f"acc{number}" for number in range(6)]
    for number in (1, 2, 3):
        bench.ask(f"c{number}@{number}", "SELECT 3")
    bench.answer("c1", "MSET " + " ".join(f"{name} 100" for name in accounts))
    prng = Prng(7)
    changes = {4: "CLUSTER SPLIT 2", 12: "CLUSTER SPLIT 3", 30: "CLUSTER MERGE 4 3", 34: "CLUSTER MERGE 2 3"}
    seen = []
    bench.ask("m@2", "PING")
    bench.events = []
    for step in range(60):
        for number in (1, 2, 3):
            give, take = accounts[prng.below(6)], accounts[prng.below(6)]
            line = (
                f"MULTI | DECRBY {give} 5 | INCRBY {take} 5 | EXEC",
                f"EVAL \"redis.call('DECRBY', '{give}', 5) return redis.call('INCRBY', '{take}', 5)\" 0",
                "EVAL_RO \"return redis.call('MGET', unpack(KEYS))\" 6 " + " ".join(accounts),
            )[prng.below(3)]
            bench.send(f"c{number}", encode(line))
        if step in changes:
            bench.send("m", encode(changes[step]))
        bench.wait(20 * (1 + prng.below(3)))
    cluster = bench.node(1).front.cluster
    bench.until(lambda: not cluster.moves and is_clean(bench), 20_000)
    assert cluster.next_move >= 4
    for name, text in bench.events:
        if name != "m" and text.count('"') == 12:
            seen.append(sum(int(word) for word in text.strip("[]").replace('"', "").split()))
    assert len(seen) > 20 and dict.fromkeys(seen) == {600: None}
    assert not [text for name, text in bench.events if name != "m" and text.startswith("-")]
