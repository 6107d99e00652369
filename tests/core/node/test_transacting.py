"""Calls over several groups, as clients see them: whole or not at all, and in order."""

import pytest

from tests.core.node.bench import encode
from tests.core.node.crossing import A, Between, is_clean, sharded
from tests.core.node.founded import founded
from trivet.core.base.limits import Limits
from trivet.core.node import transacting


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
