"""CLUSTER: what it knows by itself, and what it refuses."""

import pytest

from tests.core.node.bench import Bench
from tests.core.node.founded import founded, reply
from trivet.core.cluster.slots import slot_of

NAMES = ["c0ffee" + "0" * 26 + f"0000000{n}" for n in (1, 2, 3)]


def test_who_and_where():
    Bench(3).talk(
        f"""
        a@2> CLUSTER MYID | CLUSTER KEYSLOT foo | cluster keyslot {{foo}}bar
        "{NAMES[1]}"
        12182
        12182
        a> CLUSTER NOSUCH | CLUSTER KEYSLOT | CLUSTER MYID x | CLUSTER
        -ERR unknown subcommand 'NOSUCH'. Try CLUSTER HELP.
        -ERR wrong number of arguments for 'cluster|keyslot' command
        -ERR wrong number of arguments for 'cluster|myid' command
        -ERR wrong number of arguments for 'cluster' command
        """
    )
    told = Bench().ask("a", "CLUSTER HELP")
    assert told.startswith("[+CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
    assert "+SPLIT <group> [<slot>]" in told


def test_what_the_cluster_does_by_itself_is_refused_with_what_to_say_instead():
    bench = Bench()
    for words, instead in (
        ("MEET 10.0.0.9 7000", "JOIN"),
        ("FORGET " + NAMES[0], "LEAVE"),
        ("ADDSLOTS 1", "MOVE"),
        ("ADDSLOTSRANGE 1 2", "MOVE"),
        ("DELSLOTS 1", "MOVE"),
        ("DELSLOTSRANGE 1 2", "MOVE"),
        ("FLUSHSLOTS", "MOVE"),
        ("SETSLOT 1 STABLE", "MOVE"),
        ("FAILOVER", "LEAD"),
        ("REPLICATE " + NAMES[0], "KEYSPACE ALTER"),
        ("RESET", "DRAIN"),
        ("BUMPEPOCH", "epoch"),
        ("SET-CONFIG-EPOCH 1", "epoch"),
    ):
        answer = bench.ask("a", "CLUSTER " + words)
        assert answer.startswith("-ERR the cluster does this by itself: ") and instead in answer
    assert bench.ask("a", "CLUSTER SAVECONFIG") == "+OK"


@pytest.mark.parametrize("create", ["20 SHARDS 1", "20 SHARDS 3", "20 REPLICAS 1 SHARDS 2"])
def test_the_keys_of_a_slot_wherever_they_are(create):
    bench = founded(3, create)
    bench.say("a@3", "SELECT 20")
    for key in ("{foo}1", "{foo}2", "{foo}3", "bar"):
        assert bench.answer("a", f"SET {key} x") == "+OK"
    slot = slot_of(b"foo")
    assert bench.answer("a", f"CLUSTER COUNTKEYSINSLOT {slot}") == "3"
    assert sorted(reply(bench, "a", f"CLUSTER GETKEYSINSLOT {slot} 10")) == ["{foo}1", "{foo}2", "{foo}3"]
    assert len(reply(bench, "a", f"CLUSTER GETKEYSINSLOT {slot} 2")) == 2
    assert bench.answer("b", f"CLUSTER COUNTKEYSINSLOT {slot}") == "0", "of database 0"


def test_slots_that_there_are_not():
    Bench().talk(
        """
        a> CLUSTER COUNTKEYSINSLOT 16384 | CLUSTER COUNTKEYSINSLOT x | CLUSTER GETKEYSINSLOT 1 -1
        -ERR Invalid or out of range slot
        -ERR Invalid or out of range slot
        -ERR Invalid number of keys
        """
    )


def test_failure_reports_and_replicas():
    bench = founded(3)
    bench.crash(3)
    bench.wait(200)
    bench.talk(
        f"""
        a> CLUSTER COUNT-FAILURE-REPORTS {NAMES[1]} | CLUSTER COUNT-FAILURE-REPORTS 3 | CLUSTER REPLICAS x
        0
        1
        -ERR Unknown node x
        """
    )


def test_who_asks_for_the_topology_is_redirected_and_may_ask_to_read_here():
    bench = founded(3)
    assert bench.answer("a@2", "SET foo 1") == "+OK"
    bench.ask("b@2", "CLUSTER SLOTS")
    bench.talk(
        """
        b> GET foo | SET foo 2 | GET bar
        -MOVED 12182 10.0.0.1:7001
        -MOVED 12182 10.0.0.1:7001
        -MOVED 5061 10.0.0.1:7001
        b> READONLY | GET foo | SET foo 2 | READWRITE | GET foo
        +OK
        "1"
        -MOVED 12182 10.0.0.1:7001
        +OK
        -MOVED 12182 10.0.0.1:7001
        c@2> ASKING | GET foo
        +OK
        -MOVED 12182 10.0.0.1:7001
        """
    )


def test_a_redirect_names_the_leader_of_the_keys_own_group():
    bench = founded(3, "20 SHARDS 4")
    front = bench.node(1).front
    bench.ask("a", "SELECT 20")
    bench.ask("a", "CLUSTER SHARDS")
    for key in ("foo", "bar", "hello", "user1"):
        slot = slot_of(key.encode())
        leader = front.replicas[front.cluster.group_of(20, slot)].leader
        wanted = "+OK" if leader == 1 else f"-MOVED {slot} 10.0.0.{leader}:700{leader}"
        assert bench.answer("a", f"SET {key} 1") == wanted


def test_without_a_replica_here_even_stale_reads_are_sent_on():
    bench = founded(3, "20 REPLICAS 1")
    (member,) = bench.node(1).front.cluster.groups[2].members
    other = next(number for number in (1, 2, 3) if number != member)
    bench.say(f"a@{other}", "SELECT 20")
    assert bench.answer("a", "SET foo 1") == "+OK"
    bench.ask("a", "CLUSTER NODES")
    bench.say("a", "READONLY")
    assert bench.answer("a", "GET foo") == f"-MOVED 12182 10.0.0.{member}:700{member}"
