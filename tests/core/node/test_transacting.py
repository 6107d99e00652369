"""Calls over several groups, as clients see them: whole or not at all, in order, whatever gets in the way."""

import pytest

from tests.core.node.bench import encode
from tests.core.node.crossing import (
    A,
    B,
    Between,
    Nobody,
    call,
    is_clean,
    leader_of,
    lock,
    sharded,
    transactions,
)
from tests.core.node.founded import founded
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.node import transacting
from trivet.core.node.router import NO_DATABASE, NOT_IN_REACH
from trivet.core.steward.settings import StewardSettings
from trivet.core.transaction.coordinator import End
from trivet.core.transaction.words import FinishRequest, ResolveRequest, TransactionId, pack
from trivet.core.wire.reply import NOT_HERE, Error


def talk(script: str, nodes: int = 1) -> None:
    bench = sharded(nodes)
    bench.talk(script)
    bench.wait(100)
    assert is_clean(bench)


# -- what they do --------------------------------------------------------------------------------


def test_commands_with_keys_of_several_groups():
    talk("""
        c> MSET a 1 b 2 c 3 d 4 | MGET a b c d | RENAME a e | RENAMENX e b | RENAME nope b | EXISTS a e
        +OK
        ["1" "2" "3" "4"]
        +OK
        0
        -ERR no such key
        1
        c> MSETNX a 1 b 2 | MSETNX a 1 x 2 | MGET a x | DEL a b nope | UNLINK c d | DBSIZE
        0
        1
        ["1" "2"]
        2
        2
        2
        c> SADD a x y z | SADD b y z w | SINTERSTORE c a b | SMEMBERS c | SUNION a b | SMOVE a b x | SINTERCARD 2 a b
        3
        3
        2
        ["y" "z"]
        ["x" "y" "z" "w"]
        1
        2
        c> ZADD d 1 y 2 q | ZUNIONSTORE f 2 d a | ZRANGE f 0 -1 | PFADD p 1 2 | PFADD q 2 3 | PFCOUNT p q
        2
        3
        ["z" "q" "y"]
        1
        1
        3
        c> RPUSH l x y | LMOVE l m LEFT RIGHT | RPOPLPUSH l m | LRANGE m 0 -1 | COPY m n | LRANGE n 0 -1 | COPY m n
        2
        "x"
        "y"
        ["y" "x"]
        1
        ["y" "x"]
        0
    """)


def test_transactions_and_scripts():
    talk("""
        c> MULTI | SET a 1 | INCR b | PING | GET a | LPUSH a x | EXEC
        +OK
        +QUEUED
        +QUEUED
        +QUEUED
        +QUEUED
        +QUEUED
        [+OK 1 +PONG "1" -WRONGTYPE Operation against a key holding the wrong kind of value]
        c> EVAL "return redis.call('INCRBY', KEYS[1], redis.call('GET', KEYS[2]))" 2 a b | EVAL_RO "return redis.call('GET', KEYS[1])" 2 a b
        2
        "2"
        c> MULTI | SELECT 0 | SET k v | SELECT 3 | GET a | EXEC | SELECT 0 | GET k
        +OK
        +QUEUED
        +QUEUED
        +QUEUED
        +QUEUED
        [+OK +OK +OK "2"]
        +OK
        "v"
        c> MOVE k 3 | SELECT 3 | GET k
        1
        +OK
        "v"
    """)


@pytest.mark.parametrize("nodes", [1, 3])
def test_they_take_effect_in_the_order_in_which_they_were_sent(nodes):
    """Rule Z1."""
    talk(
        """
        c> SET a 1 | MSET a 2 b 2 | GET a | RENAME b c | GET c | INCR c | DEL a c | EXISTS a | PING
        +OK
        +OK
        "2"
        +OK
        "2"
        3
        2
        0
        +PONG
        """,
        nodes,
    )


def test_a_transaction_may_watch_keys_of_several_groups():
    talk("""
        c> WATCH a b | SET d 1 | MULTI | SET c 1 | SET d 2 | EXEC | WATCH a b | UNWATCH
        +OK
        +OK
        +OK
        +QUEUED
        +QUEUED
        [+OK +OK]
        +OK
        +OK
        c> WATCH a b c | MULTI | SET a 5 | SET b 6 | EXEC | WATCH a | WATCH b | MULTI | DISCARD
        +OK
        +OK
        +QUEUED
        +QUEUED
        [+OK +OK]
        +OK
        +OK
        +OK
        +OK
        c> WATCH a b
        +OK
        d> SELECT 3 | SET b 7
        +OK
        +OK
        c> MULTI | SET c 9 | EXEC | GET c | MULTI | SET c 9 | EXEC
        +OK
        +QUEUED
        nil*
        "1"
        +OK
        +QUEUED
        [+OK]
        c> WATCH a | MULTI | SET b 8 | EXEC
        +OK
        +OK
        +QUEUED
        [+OK]
    """)


def test_who_goes_away_watches_nothing_any_more():
    bench = sharded()
    bench.ask("c", "WATCH a b c d")
    assert not is_clean(bench)
    bench.hang_up_client("c")
    bench.wait(40)
    assert is_clean(bench)


def test_a_watch_in_a_keyspace_that_is_gone_is_lost():
    bench = sharded()
    bench.ask("c", "WATCH a b")
    bench.answer("x", "KEYSPACE DROP 3 FORCE")
    bench.wait(200)
    assert bench.say("c", "MULTI | SELECT 0 | SET k 1 | EXEC")[-1] == "nil*"


def test_subscribers_and_waiting_clients_hear_of_it():
    bench = sharded(3)
    bench.answer("c", "CONFIG SET notify-keyspace-events EA")
    bench.wait(100)
    bench.say("s@2", "PSUBSCRIBE *")
    bench.say("w@3", "SELECT 3 | BLPOP b 0")
    bench.wait(100)
    bench.say("c", "RPUSH a 1 2")
    bench.wait(100)
    bench.events = []
    bench.send("c", encode("MULTI | LMOVE a b LEFT RIGHT | PUBLISH news hello | EXEC"))
    bench.wait(200)
    heard = [text for name, text in bench.events if name == "s"]
    assert '["pmessage" "*" "news" "hello"]' in heard
    assert {text.split('"')[5] for text in heard if "__" in text} == {
        "__keyevent@3__:lpop", "__keyevent@3__:rpush", "__keyevent@3__:del",
    }  # fmt: skip
    assert ("w", '["b" "1"]') in bench.events
    bench.wait(100)
    assert is_clean(bench)


def test_who_has_read_a_key_hears_that_it_changes():
    bench = sharded()
    bench.say("t", "HELLO 3 | SELECT 3 | CLIENT TRACKING ON | GET a | SINTER a c")
    bench.send("c", encode("MSET a 1 b 2"))
    bench.wait(40)
    assert ("t", '>["invalidate" ["a"]]') in bench.events


def test_the_users_rights_bound_what_is_inside():
    bench = sharded()
    bench.say("c", "ACL SETUSER ann on nopass ~* +@all -incr")
    bench.wait(40)
    bench.say("u", "AUTH ann x | SELECT 3")
    bench.say("u", "MULTI | SET a 1 | SET b 1 | EXEC")
    (answer,) = bench.say(
        "u", "EVAL \"redis.call('SET', KEYS[1], 'x') return redis.call('INCR', KEYS[2])\" 2 a b"
    )
    assert answer.startswith("-ERR The user executing the script can't run this command")
    assert "incr" in bench.ask("c", "ACL LOG") and bench.ask("c", "GET a") == '"x"'


def test_nodes_without_replicas_run_them_too():
    """Each group is on one node; what the others say goes through it."""
    bench = founded(3, "3 SHARDS 4 REPLICAS 1")
    for number in (1, 2, 3):
        name = f"c{number}"
        bench.ask(f"{name}@{number}", "SELECT 3")
        assert bench.answer(name, "MSET a 1 b 2 c 3 d 4") == "+OK"
        assert bench.answer(name, "RENAME a z") == "+OK"
        assert bench.answer(name, "WATCH z b") == "+OK"
        said = bench.say(name, "MULTI | INCR z | INCR b | EXEC")
        bench.wait(100)
        assert (said + [text for _, text in bench.events])[-1] == "[2 3]"
        script = "return redis.call('DEL', 'b', 'c') + redis.call('DEL', 'd', 'z')"
        assert bench.answer(name, f'EVAL "{script}" 0') == "4"
        assert bench.answer(name, "DBSIZE") == "0"
    bench.wait(200)
    assert is_clean(bench)


# -- scripts -------------------------------------------------------------------------------------


def test_scripts_and_functions_that_were_taught_anywhere_are_known():
    """Rule Z4."""
    bench = sharded(3)
    bench.say("d@2", "SELECT 3")
    name = bench.answer("c", "SCRIPT LOAD \"return redis.call('MSET', KEYS[1], 1, KEYS[2], 2)\"").strip('"')
    assert bench.answer("d", f"EVALSHA {name} 2 a b") == "+OK"
    code = "#!lua name=lib\\nredis.register_function('f', function(keys) return redis.call('DEL', unpack(keys)) end)"
    assert bench.answer("d", f'FUNCTION LOAD "{code}"') == '"lib"'
    assert bench.answer("c", "FCALL f 2 a b") == "2"
    assert bench.answer("c", "EVALSHA nope 2 a b").startswith("-NOSCRIPT")


def test_keys_that_were_not_declared_are_locked_as_they_are_met():
    bench = sharded()
    script = "for i = 1, 9 do redis.call('INCR', 'k' .. i) end return redis.call('GET', KEYS[1])"
    bench.answer("c", "SET a 7")
    assert bench.answer("c", f'EVAL "{script}" 2 a b') == '"7"'
    assert bench.ask("c", "MGET k1 k9") == '["1" "1"]'
    bench.wait(40)
    assert is_clean(bench)


@pytest.mark.parametrize("keys", ["0", "1 b"])
def test_a_script_that_leaves_its_group_runs_over_groups(keys):
    """It was sent to one group, which has undone what it did there."""
    bench = sharded()
    bench.answer("c", "MSET a 1 b 1 c 1 d 1")
    script = "redis.call('INCR', 'b') redis.call('INCR', 'a') return redis.call('MGET', 'c', 'd')"
    assert bench.answer("c", f'EVAL "{script}" {keys}') == '["1" "1"]'
    assert bench.answer("c", "MGET a b") == '["2" "2"]'
    bench.answer("c", "WATCH b")
    said = bench.say("c", f'MULTI | EVAL "{script}" {keys} | GET b | EXEC')
    bench.wait(100)
    assert (said + [text for _, text in bench.events])[-1] == '[["1" "1"] "3"]'
    assert is_clean(bench)


def test_a_lock_that_turns_out_to_be_too_weak_is_taken_anew():
    bench = sharded()
    bench.answer("c", "SET d 1")
    assert bench.answer("c", "EVAL \"redis.call('GET', 'd') redis.call('INCR', 'd') return 1\" 2 a b") == "1"
    assert bench.ask("c", "GET d") == '"2"'


def test_a_script_that_names_other_keys_each_time_is_given_up(monkeypatch):
    monkeypatch.setattr(transacting, "ROUNDS_MAX", 4)
    bench = sharded()
    bench.answer("c", "MSET " + " ".join(f"k{i} k{i + 1}" for i in range(9)))
    script = "local k = 'k0' for i = 1, 9 do k = redis.call('GET', k) or 'k' end redis.call('SET', 'a', k)"
    answer = bench.answer("c", f'EVAL "{script}" 2 a b')
    assert answer.startswith("-TXNRETRY the script names other keys")
    bench.wait(40)
    assert bench.ask("c", "DBSIZE") == "9" and is_clean(bench)


def test_keys_that_a_script_did_not_declare_are_locked_at_once(monkeypatch):
    monkeypatch.setattr(transacting, "ROUNDS_MAX", 1)
    bench = sharded()
    assert bench.answer("c", "EVAL \"for i = 1, 99 do redis.call('INCR', 'k' .. i) end\" 2 a b") == "nil"
    assert bench.ask("c", "DBSIZE") == "99" and is_clean(bench)


# -- locks ---------------------------------------------------------------------------------------


def test_nobody_sees_half_of_it():
    """The client has its reply; until the other group has its part, whoever asks for that waits."""
    bench = sharded()
    bench.ask("c", "MSET a 1 b 1 d 1")
    bench.wait(40)
    late = Between(bench, B, b"FINISH")
    assert bench.answer("c", "MSET a 2 b 2") == "+OK"
    for name, line in (("r", "GET b"), ("w", "INCR b"), ("e", "EXISTS b"), ("n", "DBSIZE")):
        bench.ask(name, "SELECT 3")
        assert bench.say(name, line) == []
    assert bench.say("c", "GET a | GET d | GET b") == ['"2"', '"1"']
    bench.wait(100)
    bench.events = []
    late.release()
    bench.wait(40)
    assert sorted(bench.events) == [
        ("c", '"2"'), ("e", "1"), ("n", "3"), ("r", '"2"'), ("w", "3"),
    ]  # fmt: skip


def test_a_read_of_whole_databases_waits_for_what_was_there_before_it_only():
    """Else it could be overtaken for ever."""
    bench = sharded()
    first = lock(bench, B, b"b")
    bench.ask("n", "SELECT 3")
    assert bench.say("n", "DBSIZE") == []
    lock(bench, B, b"k", age=5)
    assert first.replies is not None
    run = call(bench, B, b"TXN", b"FINISH", finish(1))
    bench.wait(100)
    assert run.replies is not None and ("n", "0") in bench.events


def finish(number: int) -> bytes:
    return pack(FinishRequest(TransactionId(9, 1, number), False))


def test_a_read_that_the_leader_runs_for_a_full_node_waits_too():
    """Rule L3 of the group: who asked is told nothing of it, and the call is sent again."""
    bench = sharded(3)
    bench.ask("n@2", "SELECT 3")
    bench.servers[2].disk.full = True
    for number in range(10):
        bench.say("c", f"SET {{b}}{number} {'v' * 20_000}")
    assert bench.node(2).groups[B].disk_full
    first = lock(bench, B, b"b")
    assert first.replies is not None
    assert bench.say("n", "GET b") == []
    call(bench, B, b"TXN", b"FINISH", finish(1))
    bench.wait(100)
    assert bench.events == [("n", "nil")]
    assert bench.answer("n", "DBSIZE") == bench.answer("c", "DBSIZE")


def test_plain_calls_give_up_in_time():
    bench = sharded(command_timeout_ms=1_000)
    lock(bench, B, b"b")
    assert bench.answer("c", "GET b").startswith("-TXNRETRY the keys are held by a transaction")
    assert bench.answer("c", "GET a") == "nil"


def test_an_older_one_waits_and_a_younger_one_comes_again():
    """Rule Z3: both get there when the holder goes."""
    for age, end in ((10**15, None), (0, End.DIED)):
        bench = sharded()
        lock(bench, B, b"b", age=age)
        assert bench.say("c", "MSET a 1 b 2") == []
        bench.wait(300)
        counts = transactions(bench).counts
        assert counts.commits == 0 and (end is None or counts.refused[end] > 2)
        assert end is not None or sum(counts.refused.values()) == 0
        bench.events = []
        call(bench, B, b"TXN", b"FINISH", finish(age + 1))
        bench.wait(300)
        assert bench.events == [("c", "+OK")]


def test_many_clients_want_the_same_keys():
    bench = sharded(3)
    for number in range(12):
        bench.ask(f"x{number}@{1 + number % 3}", "SELECT 3")
    for number in range(12):
        keys = ("a b", "b c", "c a", "d a")[number % 4].split()
        bench.send(f"x{number}", encode("MULTI | " + " | ".join(f"INCR {key}" for key in keys) + " | EXEC"))
    bench.events = []
    bench.until(lambda: sum(text.startswith("[") for _, text in bench.events) == 12)
    assert bench.answer("c", "MGET a b c d") == '["9" "6" "6" "3"]'
    bench.wait(200)
    assert is_clean(bench)


def test_what_takes_too_long_before_the_decision_is_not_done():
    """Rule Z2."""
    bench = sharded(command_timeout_ms=1_000)
    lock(bench, B, b"b")
    assert bench.answer("c", "MSET a 1 b 2").startswith("-TXNRETRY the keys were held by other transactions")
    assert bench.answer("c", "SET a 5") == "+OK"
    assert transactions(bench).counts.timeouts == 1


def test_what_takes_too_long_after_it_may_be_done():
    """Rule Z2: and is gone on with, whoever waits for it."""
    bench = sharded(command_timeout_ms=1_000)
    late = Between(bench, A, b"DECIDE")
    assert bench.answer("c", "WATCH a b") == "+OK"
    answer = bench.say("c", "MULTI | SET a 1 | SET b 2 | EXEC")
    bench.until(lambda: ("c", "TIMEOUT") in [(name, text[1:8]) for name, text in bench.events])
    assert answer[0] == "+OK"
    late.release()
    bench.wait(200)
    assert is_clean(bench) and not transactions(bench).running


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


# -- limits --------------------------------------------------------------------------------------


def test_too_many_at_once_are_refused(monkeypatch):
    monkeypatch.setattr(transacting, "UNDER_WAY_MAX", 1)
    bench = sharded()
    late = Between(bench, A, b"LOCK")
    bench.ask("d", "SELECT 3")
    assert bench.say("c", "MSET a 1 b 2") == []
    assert bench.answer("d", "MSET c 1 d 2").startswith("-TXNRETRY too many")
    bench.events = []
    late.release()
    assert ("c", "+OK") in bench.events


def test_what_changes_too_much_is_refused():
    bench = sharded(limits=Limits(segment_bytes=64 * 1024, call_bytes_max=1_000))
    big = "x" * 700
    bench.answer("c", f"SET a {big}")
    bench.answer("c", f"SET b {big}")
    answer = bench.say("c", "MULTI | APPEND a y | APPEND b y | EXEC")[-1]
    assert answer.startswith("-ERR what the transaction changes is larger than call_bytes_max")
    assert bench.answer("c", "STRLEN a") == "700"
    bench.wait(40)
    assert is_clean(bench)


def test_too_many_keys_are_refused(monkeypatch):
    monkeypatch.setattr(transacting, "KEYS_MAX", 2)
    assert sharded().answer("c", "DEL a b {b}1 {b}2").startswith("-ERR a transaction over groups may lock")


def test_a_node_that_stops_takes_no_more():
    bench = sharded(3)
    bench.node(1).front.stopping = True
    assert bench.answer("c", "MSET a 1 b 2").startswith("-CLUSTERDOWN this node is stopping")
    assert bench.answer("c", "SINTER a b") == "[]", "reads go on, as long as they need no locks"


def test_a_disconnected_client_does_not_stop_it():
    bench = sharded()
    late = Between(bench, A, b"LOCK")
    bench.say("c", "MSET a 1 b 2")
    bench.hang_up_client("c")
    late.release()
    bench.wait(100)
    bench.ask("d", "SELECT 3")
    assert bench.answer("d", "MGET a b") == '["1" "2"]' and is_clean(bench)


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
