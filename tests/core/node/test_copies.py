"""A keyspace of mode ``eventual`` on whole nodes: what docs/eventual.md promises, on two sides of a cut."""

import pytest

from tests.core.node.founded import founded
from trivet.core.group.eventual_group import EventualGroup
from trivet.core.node import manners

FIRST = 2


def with_copies(nodes: int = 3, options: str = "REPLICAS 3"):
    """Clients ``a`` (at node 1), ``b`` and ``c`` have chosen database 7."""
    bench = founded(nodes, f"7 MODE eventual {options}")
    for name, number in (("a", 1), ("b", 2), ("c", 3)):
        if number <= nodes:
            assert bench.answer(f"{name}@{number}", "SELECT 7") == "+OK"
    return bench


def copies(bench, number: int, group: int = FIRST) -> EventualGroup:
    found = bench.node(number).front.leaderless[group]
    assert isinstance(found, EventualGroup)
    return found


def are_equal(bench) -> bool:
    """Whether all members have seen the same."""
    clocks = [copies(bench, number).executor.lattice.clock.encode() for number in bench.servers]
    roots = [copies(bench, number).executor.lattice.tree.root for number in bench.servers]
    return all(clock == clocks[0] for clock in clocks) and all(root == roots[0] for root in roots)


def healed(bench) -> None:
    bench.heal()
    bench.until(lambda: are_equal(bench))


BOTH = {
    "counter": ("SET n 5", "INCRBY n 3", "INCR n", "GET n", '"9"'),
    "a value beside an addition": ("SET n 1", "SET n 10", "INCR n", "GET n", '"11"'),
    "an addition wins over a removal": ("SADD s red", "SREM s red", "SADD s red", "SMEMBERS s", '["red"]'),
    "fields": ("HSET h z 0", "HSET h a 1", "HSET h b 2", "HMGET h a b z", '["1" "2" "0"]'),
    "a field that adds up": ("HSET h n 1", "HINCRBY h n 2", "HINCRBY h n 3", "HGET h n", '"6"'),
    "scores add up": ("ZADD z 1 ann", "ZINCRBY z 5 ann", "ZINCRBY z 2 ann", "ZSCORE z ann", '"8"'),
    "both pops": ("RPUSH l a b", "LPOP l", "LPOP l", "LRANGE l 0 -1", '["b"]'),
    "bits": ("SETBIT b 1 1", "SETBIT b 3 1", "SETBIT b 5 1", "BITCOUNT b", "3"),
    "a guess of many": ("PFADD p a", "PFADD p b", "PFADD p c", "PFCOUNT p", "3"),
    "what a removal had not seen": ("SADD cart fig", "DEL cart", "SADD cart pear", "SMEMBERS cart", '["pear"]'),
    "what it had seen": ("SET k v", "DEL k", "GET k", "GET k", "nil"),
    "both remove": ("SADD s a b", "SREM s a", "SREM s a", "SMEMBERS s", '["b"]'),
    "entries": ("XADD x 1-1 f v", "XADD x 2-1 f v", "XADD x 3-1 f v", "XLEN x", "3"),
    "two tries to be the first": ("SET o 1", "SET k a NX", "SET k b NX", "EXISTS k", "1"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOTH)
def test_on_both_sides_of_a_cut(name):
    before, one, other, look, seen = BOTH[name]
    bench = with_copies()
    bench.ask("a", before)
    bench.until(lambda: are_equal(bench))
    bench.cut(3)
    for client, words in (("a", one), ("c", other)):
        assert not bench.ask(client, words).startswith("-"), "each side serves"
    healed(bench)
    assert {bench.answer(client, look) for client in "abc"} == {seen}


def test_the_last_writer_wins_and_it_is_the_same_everywhere():
    bench = with_copies()
    bench.cut(3)
    assert bench.answer("a", "SET name Ann") == bench.answer("c", "SET name Anna") == "+OK"
    healed(bench)
    (won,) = {bench.answer(client, "GET name") for client in "abc"}
    assert won in ('"Ann"', '"Anna"')


def test_of_two_types_one_is_shown_and_both_are_removed():
    bench = with_copies()
    bench.cut(3)
    assert bench.answer("a", "SADD k x") == bench.answer("c", "HSET k f v") == "1"
    healed(bench)
    (shown,) = {bench.answer(client, "TYPE k") for client in "abc"}
    assert shown in ("+set", "+hash")
    assert bench.answer("b", "DEL k") == "1"
    bench.until(lambda: are_equal(bench))
    assert {bench.answer(client, "EXISTS k") for client in "abc"} == {"0"}


def test_what_was_removed_while_a_node_was_away_does_not_return():
    bench = with_copies()
    for n in range(20):
        bench.ask("a", f"SADD s {n} | HSET h{n} f v")
    bench.until(lambda: are_equal(bench))
    bench.crash(3)
    for n in range(20):
        bench.ask("b", f"SREM s {n} | DEL h{n}")
    bench.wait(3_000)
    bench.start(3)
    bench.connect_all()
    bench.until(lambda: FIRST in bench.node(3).front.leaderless and are_equal(bench))
    assert bench.answer("d@3", "SELECT 7") == "+OK"
    assert bench.answer("d", "DBSIZE") == "0"


def test_the_last_member_alive_serves():
    bench = with_copies()
    bench.crash(1)
    bench.crash(2)
    assert bench.answer("c", "INCR n") == "1"
    assert bench.answer("c", "GET n") == '"1"'
    assert bench.answer("c", "MGET n m") == '["1" nil]'


def test_keys_of_several_groups():
    bench = with_copies(3, "REPLICAS 3 SHARDS 3")
    bench.talk(
        """
        a> MSET foo 1 bar 2 baz 3 qux 4 | MGET qux baz bar foo none | EXISTS foo bar none | DBSIZE
        +OK
        ["4" "3" "2" "1" nil]
        2
        4
        a> DEL foo qux none | TOUCH bar baz foo | DBSIZE
        2
        2
        2
        a> MSET a 1 b
        -ERR wrong number of arguments for 'mset' command
        """
    )
    for words in ("SUNION foo bar", "MSETNX foo 1 bar 2", "WATCH foo bar"):
        assert bench.answer("a", words) == "-" + manners.SEVERAL.text
    assert bench.say("a", "MULTI | SET foo 1 | SET bar 2 | EXEC")[-1] == "-" + manners.SEVERAL.text
    assert bench.say("a", "MULTI | SET {t}a 1 | INCR {t}a | EXEC")[-1] == "[+OK 2]"
    assert bench.answer("a", "BLPOP l 1") == "-" + manners.WAITS.text
    assert bench.answer("a", "FLUSHDB") == "+OK"
    assert bench.answer("a", "DBSIZE") == "0"


def test_a_transaction_and_a_watch_at_one_node():
    bench = with_copies()
    assert bench.say("a", "SET k 1 | WATCH k")[-1] == "+OK"
    assert bench.answer("a2@1", "SELECT 7") == "+OK"
    assert bench.answer("a2", "SET k 2") == "+OK"
    assert bench.say("a", "MULTI | SET k 3 | EXEC")[-1] == "nil*"
    assert bench.say("a", "WATCH k | MULTI | SET k 3 | GET k | EXEC")[-1] == '[+OK "3"]'


def test_wait_tells_how_many_others_have_it():
    bench = with_copies()
    assert bench.answer("a", "SET k v") == "+OK"
    assert bench.answer("a", "WAIT 2 1000") == "2"
    bench.cut(3)
    assert bench.answer("a", "SET k w") == "+OK"
    bench.ask("a", "WAIT 2 300")
    bench.wait(400)
    assert bench.events[-1] == ("a", "1")


def test_who_has_no_copy_is_served_by_a_member():
    bench = with_copies(5, "REPLICAS 2 ON 1 2")
    assert bench.answer("c", "SET k v") == "+OK"
    assert bench.answer("c", "GET k") == '"v"'
    assert bench.say("c", "WATCH k | MULTI | APPEND k w | EXEC")[-1] == "[2]"
    assert copies(bench, 3).keys == 0
    bench.crash(1)
    bench.until(lambda: bench.answer("c", "GET k") == '"vw"')
    bench.crash(2)
    bench.ask("c", "GET k")
    bench.wait(6_000)
    assert bench.events[-1][1].startswith("-CLUSTERDOWN no node that holds this database")


def test_scripts_are_taught_beside_and_refused_here():
    bench = with_copies()
    loaded = bench.answer("a", "SCRIPT LOAD return")
    assert loaded.startswith('"')
    assert bench.answer("a", f"SCRIPT EXISTS {loaded[1:-1]}") == "[1]"
    assert bench.answer("a", "EVAL return 0").startswith("-ERR EVAL is not for a keyspace of mode eventual")
    assert bench.say("a", "SELECT 0 | EVAL return 0")[-1] == "nil"


def test_what_there_is_to_see():
    bench = with_copies(3, "REPLICAS 3 NAME carts")
    bench.say("a", "SET k v | EXPIRE k 100 | SADD s a")
    bench.until(lambda: are_equal(bench))
    told = bench.answer("b", "INFO groups keyspace cluster")
    assert f"trivet_copies{FIRST}:keyspace=7,mode=eventual,epoch=1,members=1/2/3,keys=2,bytes=" in told
    assert "db7:keys=2,expires=1" in told and "trivet_copies_here:1" in told
    assert '"mode" "eventual"' in bench.answer("c", "KEYSPACE INFO carts")
    assert bench.answer("c", "CLUSTER SLOTS").startswith("[[0 16383 [")
    assert bench.answer("c", "CLUSTER INFO").find("cluster_state:ok") >= 0


def test_a_keyspace_is_dropped_and_nothing_is_left():
    bench = with_copies()
    bench.say("a", "SET k v | SADD s a")
    assert bench.answer("a", "KEYSPACE DROP 7").startswith("-ERR a keyspace of mode eventual is dropped with")
    assert bench.answer("a", "KEYSPACE DROP 7 FORCE") == "+OK"
    bench.wait(200)
    assert all(not bench.node(number).front.leaderless for number in bench.servers)
    assert bench.answer("a", "GET k") == "nil", "the database is the default keyspace's again"
