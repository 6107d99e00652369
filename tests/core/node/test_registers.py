"""Databases of mode ``paxos`` on whole nodes: any of them serves, whoever is gone."""

import pytest

from tests.core.node.bench import Limits
from tests.core.node.registers import FIRST, is_at_rest, members, registers, with_registers

# -- commands


@pytest.mark.parametrize("number", [1, 2, 3])
def test_any_node_serves_what_concerns_one_key(number):
    bench = with_registers()
    bench.talk(
        f"""
        x@{number}> SELECT 7 | SET k 1 | GET k | INCR k | APPEND k 0 | GET k | DEL k | GET k | EXISTS k
        +OK
        +OK
        "1"
        2
        2
        "20"
        1
        nil
        0
        x> HSET h f v g w | HGETALL h | EXPIRE h 100 | TTL h | TYPE h | PERSIST h | TTL h
        2
        {{"f" "v" "g" "w"}}
        1
        100
        +hash
        1
        -1
        x> EVAL "return redis.call('INCRBY', KEYS[1], ARGV[1])" 1 n 5 | EVAL "return 7" 0 | RPUSH l a b | LRANGE l 0 -1
        5
        7
        2
        ["a" "b"]
        x> SET k v NX | SET k w NX | SET k w XX GET | OBJECT ENCODING k | GETDEL k | SADD s 1 2 | SCARD s | LPOP l
        +OK
        nil
        "v"
        "embstr"
        "w"
        2
        2
        "a"
        """.replace('{"f" "v" "g" "w"}', '["f" "v" "g" "w"]')
    )


def test_what_one_node_was_told_all_nodes_know():
    bench = with_registers(5)
    assert len(members(bench)) == 3
    for number in bench.servers:
        name = f"x{number}"
        assert bench.answer(f"{name}@{number}", "SELECT 7") == "+OK"
        assert bench.say(name, f"INCR n | GET n | SET k{number} v{number}") == [
            str(number), f'"{number}"', "+OK",
        ]  # fmt: skip
    for number in bench.servers:
        assert bench.say(f"x{number}", "MGET k1 k2 k3 k4 k5 none") == ['["v1" "v2" "v3" "v4" "v5" nil]']
        assert bench.say(f"x{number}", "EXISTS k1 k2 none | DBSIZE") == ["2", "6"]
    assert is_at_rest(bench)


def test_transactions_of_one_key_and_what_is_watched():
    bench = with_registers()
    bench.talk(
        """
        a> MULTI | SET k 1 | INCR k | GET k | EXEC
        +OK
        +QUEUED
        +QUEUED
        +QUEUED
        [+OK 2 "2"]
        a> WATCH k | GET k
        +OK
        "2"
        b> INCR k
        3
        a> MULTI | SET k 9 | EXEC | GET k
        +OK
        +QUEUED
        nil*
        "3"
        a> WATCH k | MULTI | SET k 9 | EXEC | GET k
        +OK
        +OK
        +QUEUED
        [+OK]
        "9"
        a> WATCH k | UNWATCH | MULTI | GET k | EXEC
        +OK
        +OK
        +OK
        +QUEUED
        ["9"]
        """
    )


CROSS = "-CROSSSLOT each key stands for itself in a keyspace of mode paxos"


def test_what_concerns_several_keys_is_refused_before_anything_is_done():
    bench = with_registers()
    for line in (
        "MSET a 1 b 2",
        "RENAME a b",
        "SINTER a b",
        "COPY a b",
        "EVAL 'return 1' 2 a b",
        "SMOVE a b x",
    ):
        assert bench.answer("a", line).startswith(CROSS), line
    for line in ("MOVE a 0", "COPY a a DB 0"):
        assert "moved or copied" in bench.answer("a", line), line
    assert bench.answer("a", "BLPOP l 0").startswith("-ERR calls that wait")
    assert bench.say("a", "MULTI | SET a 1 | SET b 2 | EXEC")[-1].startswith(CROSS)
    assert bench.say("a", "WATCH a b")[-1].startswith(CROSS)
    assert bench.say("a", "WATCH a | MULTI | SET b 2 | EXEC")[-1].startswith(CROSS)
    assert bench.say("a", "MULTI | SELECT 0 | GET a | SELECT 7 | GET a | EXEC")[-1].startswith(CROSS)
    assert bench.say("a", "SELECT 0 | WATCH a | SELECT 7 | MULTI | GET a | EXEC")[-1].startswith(CROSS)
    assert (
        bench.say("a", "SELECT 0 | SET k v | MOVE k 7 | COPY k k DB 7 | SWAPDB 0 7")[2:4]
        == [bench.answer("a", "MOVE k 7")] * 2
    )
    assert bench.say("a", "GET k | SELECT 7 | DBSIZE") == ['"v"', "+OK", "0"]


def test_walks_over_whole_databases():
    bench = with_registers()
    for n in range(20):
        bench.ask("abc"[n % 3], f"SET k{n} {n}")
    bench.ask("a", "DEL k3")
    assert bench.answer("b", "DBSIZE") == "19"
    assert len(bench.answer("c", "KEYS k1*").split()) == 11
    found: list[str] = []
    cursor = "0"
    while True:
        head, _, rest = bench.answer("b", f"SCAN {cursor} COUNT 4").partition(" ")
        found += rest.strip("[]").split()
        cursor = head.strip('["')
        if cursor == "0":
            break
    assert sorted(found) == sorted(f'"k{n}"' for n in range(20) if n != 3)
    assert bench.answer("a", "RANDOMKEY").startswith('"k')
    assert bench.answer("a", "FLUSHDB") == "+OK"
    bench.until(lambda: bench.answer("b", "DBSIZE") == "0")


def test_several_groups_of_registers():
    bench = with_registers(3, "SHARDS 4")
    for n in range(12):
        assert bench.answer("abc"[n % 3], f"SET k{n} {n}") == "+OK"
    assert bench.answer("a", "MGET k11 k1 k5 k0 none k1") == '["11" "1" "5" "0" nil "1"]'
    assert bench.say("b", "DBSIZE | DEL k0 k1 k2 none | EXISTS k0 k3 k4 | DBSIZE") == ["12", "3", "2", "9"]
    assert bench.answer("c", "MSET k1 1 k2 2").startswith(CROSS)
    assert bench.say("c", "MULTI | SET k3 x | GET k3 | EXEC")[-1] == '[+OK "x"]'
    assert bench.say("c", "WATCH k3 k4")[-1].startswith(CROSS)
    assert len(bench.answer("a", "KEYS *").split()) == 9


# -- faults


@pytest.mark.parametrize("power", [False, True])
def test_any_node_may_die(power):
    bench = with_registers()
    bench.say("a", "SET k 1 | HSET h f v")
    for number, name in ((1, "b"), (2, "c"), (3, "a")):
        bench.crash(number, power)
        assert bench.answer(name, "INCR k") == str(number + 1)
        assert bench.answer(name, "HGET h f") == '"v"'
        bench.start(number)
        bench.wait(500)
        dead = {1: "a", 2: "b", 3: "c"}[number]
        del bench.clients[dead]
        assert bench.say(f"{dead}@{number}", "SELECT 7") == ["+OK"]
        assert bench.answer(dead, "GET k") == f'"{number + 1}"'


@pytest.mark.parametrize("power", [False, True])
def test_all_nodes_restart(power):
    bench = with_registers()
    bench.say("a", "SET k 1 | INCR k | DEL gone | SET l x")
    for number in (1, 2, 3):
        bench.crash(number, power)
    for number in (1, 2, 3):
        bench.start(number)
    bench.elect(1)
    bench.clients.clear()
    assert bench.answer("a", "SELECT 7") == "+OK"
    assert bench.answer("a", "GET k") == '"2"'
    assert bench.say("a", "GET l | INCR k | DBSIZE") == ['"x"', "3", "2"]
    assert not registers(bench, 1).doubtful


def test_without_a_majority_nothing_is_done():
    bench = with_registers(command_timeout_ms=1000)
    bench.say("a", "SET k 1")
    bench.crash(2)
    bench.crash(3)
    said = bench.answer("a", "SET k 2")
    assert said.startswith(("-CLUSTERDOWN", "-TIMEOUT"))
    bench.start(2)
    bench.wait(1000)
    assert bench.answer("a", "GET k") in ('"1"', '"2"')


def test_a_log_that_is_compacted_keeps_all_registers():
    limits = Limits(segment_bytes=64 * 1024, snapshot_log_bytes=20_000, snapshot_chunk_bytes=2_000)
    bench = with_registers(limits=limits)
    for n in range(300):
        bench.ask("abc"[n % 3], f"SET k{n % 30} {'v' * 300}{n}")
    assert all(any(f.startswith(f"snap-{FIRST}-") for f in s.disk.names()) for s in bench.servers.values())
    for number in (1, 2, 3):
        bench.crash(number)
    for number in (1, 2, 3):
        bench.start(number)
    bench.elect(1)
    bench.clients.clear()
    bench.answer("a", "SELECT 7")
    assert bench.answer("a", "DBSIZE") == "30"
    assert bench.answer("a", "GET k29").endswith('v299"')


# -- coming and going


def test_a_keyspace_that_is_dropped_leaves_nothing():
    bench = with_registers(5)
    bench.say("a", "SET k 1")
    assert bench.answer("a", "KEYSPACE DROP 7").startswith(
        "-ERR a keyspace of mode paxos is dropped with FORCE"
    )
    assert bench.answer("a", "KEYSPACE DROP 7 FORCE") == "+OK"
    bench.wait(200)
    for server in bench.servers.values():
        node = server.node
        assert not node.front.leaderless and FIRST not in node.front.replicas
        assert "group 2 leaves this node" in server.log
    assert bench.say("a", "SELECT 7 | GET k") == ["+OK", "nil"], "it is the default keyspace's again"
    assert bench.answer("a", "KEYSPACE CREATE 7 MODE paxos") == "+OK"
    assert bench.say("b", "SELECT 7 | GET k | SET k 2") == ["+OK", "nil", "+OK"]
    for number in bench.servers:
        bench.crash(number)
    for number in bench.servers:
        bench.start(number)
    bench.elect(1)
    bench.clients.clear()
    bench.answer("d@4", "SELECT 7")
    assert bench.answer("d", "GET k") == '"2"'


# -- what else clients use


def test_scripts_and_functions_are_known_on_every_node():
    bench = with_registers()
    sha = bench.answer("a", "SCRIPT LOAD \"return redis.call('INCR', KEYS[1])\"").strip('"')
    assert [bench.answer(name, f"EVALSHA {sha} 1 n") for name in "abc"] == ["1", "2", "3"]
    assert bench.answer("b", f"EVALSHA {'0' * 40} 1 n").startswith("-NOSCRIPT")
    assert bench.answer("b", f"SCRIPT EXISTS {sha} {'0' * 40}") == "[1 0]"
    library = "#!lua name=lib\\nredis.register_function('add', function(k, a) return redis.call('INCRBY', k[1], a[1]) end)"
    assert bench.answer("a", f'FUNCTION LOAD "{library}"') == '"lib"'
    assert [bench.answer(name, "FCALL add 1 n 10") for name in "abc"] == ["13", "23", "33"]
    assert bench.say("c", f"MULTI | EVALSHA {sha} 1 n | GET n | EXEC")[-1] == '[34 "34"]'
    assert "CROSSSLOT" in bench.answer("a", "EVAL \"return redis.call('GET', 'other')\" 1 n")


def test_a_user_may_do_in_a_script_what_it_may_do():
    bench = with_registers()
    bench.ask("a", "ACL SETUSER ann on nopass +@all -incr ~*")
    bench.ask("b", "AUTH ann x")
    script = "EVAL \"return redis.pcall('INCR', KEYS[1])\" 1"
    for key in ("k1", "k2", "k3", "k4", "k5"):
        assert "can't run this command" in bench.answer("b", f"{script} {key}") or "NOPERM" in bench.answer(
            "b", f"{script} {key}"
        )
        assert bench.answer("a", f"GET {key}") == "nil"
    assert bench.answer("b", "INCR k1").startswith("-NOPERM")


def test_events_and_messages_reach_all_nodes():
    bench = with_registers()
    bench.ask("a", "CONFIG SET notify-keyspace-events KEA")
    for name, number in (("s", 2), ("t", 3)):
        bench.ask(f"{name}@{number}", "PSUBSCRIBE __keyspace@7__:* news")
    bench.wait(100)
    for name in "abc":
        said = bench.say(name, f"SET {name} 1")
        for who in "st":
            assert f'{who}: ["pmessage" "__keyspace@7__:*" "__keyspace@7__:{name}" "set"]' in said
    said = bench.say("a", "EVAL \"redis.call('PUBLISH', 'news', 'x') return redis.call('DEL', KEYS[1])\" 1 a")
    for who in "st":
        assert f'{who}: ["pmessage" "news" "news" "x"]' in said
        assert f'{who}: ["pmessage" "__keyspace@7__:*" "__keyspace@7__:a" "del"]' in said


def test_who_caches_is_told_at_once():
    bench = with_registers()
    bench.ask("x@1", "HELLO 3")
    bench.ask("x", "SELECT 7 | CLIENT TRACKING ON")
    said = bench.say("x", "GET k")
    assert '>["invalidate" ["k"]]' in said and "nil3" in said
    bench.ask("y@2", "HELLO 3")
    bench.ask("y", "SELECT 7 | CLIENT TRACKING ON BCAST PREFIX k")
    bench.wait(100)
    assert 'y: >["invalidate" ["k"]]' in bench.say("a", "SET k 1")


def test_deadlines_pass_on_all_nodes():
    bench = with_registers()
    bench.ask("a", "SET k v PX 300 | SET l v PX 100000 | HSET h f v")
    assert bench.answer("b", "PTTL k") != "-1"
    bench.wait(400)
    for name in "abc":
        assert bench.answer(name, "GET k") == "nil"
        assert bench.answer(name, "GET l") == '"v"'
    bench.wait(3_000)
    assert bench.answer("c", "DBSIZE") == "2"
    assert sum(registers(bench, number).keys for number in bench.servers) <= 9


def test_what_clients_of_redis_cluster_ask():
    bench = with_registers()
    bench.say("a", "SET k v | SET {k}2 w")
    slot = bench.answer("a", "CLUSTER KEYSLOT k")
    assert bench.answer("b", f"CLUSTER COUNTKEYSINSLOT {slot}") == "2"
    assert sorted(bench.answer("b", f"CLUSTER GETKEYSINSLOT {slot} 5").strip("[]").split()) == [
        '"k"',
        '"{k}2"',
    ]
    assert bench.answer("c", "CLUSTER SLOTS").startswith('[[0 16383 ["10.0.0.3"')
    assert "cluster_state:ok" in bench.answer("c", "CLUSTER INFO")
    assert bench.say("c", "READONLY | GET k | ASKING | GET k") == ["+OK", '"v"', "+OK", '"v"']
    assert bench.answer("a", "WAIT 1 1000") == "1"


def test_what_is_shown_of_them():
    bench = with_registers()
    bench.say("a", "SET k v | SET l w")
    bench.wait(100)
    info = bench.answer("a", "INFO groups")
    assert "trivet_registers2:keyspace=7,mode=paxos,epoch=1,members=1/2/3,incoming=,keys=" in info
    assert "trivet_registers_here:1" in bench.answer("a", "INFO cluster")
    assert "db7:keys=2" in bench.answer("a", "INFO keyspace")
    told = bench.answer("b", "KEYSPACE INFO 7")
    assert '"keys" 2' in told and '"incoming" []' in told and '"leader" 0' in told
    assert '"mode" "paxos"' in bench.answer("b", "KEYSPACE LIST")


def test_memory_that_is_short_refuses_growth_and_evicts_nothing():
    bench = with_registers()
    bench.say("a", f"SET k {'v' * 100_000}")
    bench.ask("a", "CONFIG SET maxmemory 1100000")
    bench.wait(200)
    assert bench.answer("a", f"SET l {'v' * 100_000}") in ("+OK", bench.answer("a", "SET m x"))
    bench.wait(200)
    assert bench.answer("a", "SET n x").startswith("-OOM")
    assert bench.say("a", "STRLEN k | DEL k l")[0] == "100000"
    bench.wait(200)
    bench.ask("a", "CONFIG SET maxmemory 0")
    bench.wait(200)
    assert bench.answer("a", "SET n x") == "+OK"


def test_a_node_that_stops_answers_what_is_under_way():
    bench = with_registers()
    bench.say("a", "SET k 1")
    bench.stop(1)
    assert bench.answer("a", "SET k 2").startswith("-CLUSTERDOWN this node is stopping")
    bench.wait(3_000)
    assert bench.servers[1].end == "finished"
    assert bench.answer("b", "INCR k") == "2"


@pytest.mark.parametrize("options", ["REPLICAS 3", "REPLICAS 3 SHARDS 3"])
def test_what_is_pipelined_around_a_flush_keeps_its_place(options):
    """C1: a flush goes from key to key, and must not meet what was sent after it."""
    bench = with_registers(3, options)
    for name in ("a", "b", "c", "a", "b"):
        pipeline = "SET j 0 | SET k 0 | FLUSHDB ASYNC | SET k 1 | GET k | DBSIZE | GET j"
        assert bench.say(name, pipeline) == ["+OK", "+OK", "+OK", "+OK", '"1"', "1", "nil"]
        assert bench.say(name, "INCR k | FLUSHALL | INCR k | GET k") == ["2", "+OK", "1", '"1"']
    assert bench.say("a", "SELECT 0 | SET k 1 | FLUSHDB | SET k 2 | GET k | DBSIZE")[2:] == [
        "+OK",
        "+OK",
        '"2"',
        "1",
    ]
