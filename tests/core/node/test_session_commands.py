"""Commands that the node answers itself, as conversations."""

import pytest

from tests.core.node.bench import Bench
from tests.core.node.founded import founded
from trivet.core.node.session_commands import parse_integer


def test_the_small_ones():
    Bench().talk(
        """
        a> PING | PING hello | ping a b | ECHO hi | LOLWUT
        +PONG
        "hello"
        -ERR wrong number of arguments for 'ping' command
        "hi"
        "Trivet: three legs stand firm on uneven ground.\\nRedis ver. 7.0.15\\n"
        a> ROLE
        ["master" 1 []]
        a> COMMAND GETKEYS MSET a 1 b 2
        ["a" "b"]
        """
    )


def test_databases():
    Bench().talk(
        """
        a> SET k 0 | SELECT 15 | SET k 15 | GET k | SELECT 0 | GET k
        +OK
        +OK
        +OK
        "15"
        +OK
        "0"
        a> SELECT 16 | SELECT -1 | SELECT x | SELECT 99999999999999999999
        -ERR DB index is out of range
        -ERR DB index is out of range
        -ERR value is not an integer or out of range
        -ERR value is not an integer or out of range
        b> GET k
        "0"
        """
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"0", 0),
        (b"-7", -7),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"9223372036854775808", None),
        (b"9" * 5000, None),
        (b"", None),
        (b"-", None),
        (b"+1", None),
        (b"01", None),
        (b"1.0", None),
        (b" 1", None),
        ("²".encode(), None),
    ],
)
def test_integers_have_one_spelling(text, number):
    assert parse_integer(text) == number


# -- HELLO, AUTH, RESET, QUIT


def test_hello_chooses_the_protocol():
    Bench().talk(
        """
        a> HSET h f v | HGETALL h | HELLO 3 | HGETALL h | GET missing | HELLO 2 | HGETALL h
        1
        ["f" "v"]
        {"server": "redis", "version": "7.0.15", "proto": 3, "id": 1, "mode": "standalone", "role": "master", "modules": []}
        {"f": "v"}
        nil3
        ["server" "redis" "version" "7.0.15" "proto" 2 "id" 1 "mode" "standalone" "role" "master" "modules" []]
        ["f" "v"]
        """
    )


def test_hello_without_a_version_only_tells():
    assert Bench().ask("a", "HELLO").startswith('["server" "redis"')


def test_hello_that_is_refused_changes_nothing():
    Bench().talk(
        """
        a> HELLO 4 | HELLO 1 | HELLO x | HELLO 3 NOSUCH | HELLO 3 AUTH a | HELLO 3 SETNAME "a b"
        -NOPROTO unsupported protocol version
        -NOPROTO unsupported protocol version
        -ERR Protocol version is not an integer or out of range
        -ERR Syntax error in HELLO option 'NOSUCH'
        -ERR Syntax error in HELLO option 'AUTH'
        -ERR Client names cannot contain spaces, newlines or special characters.
        a> HGETALL h | CLIENT GETNAME
        []
        nil
        """
    )


def test_hello_names_and_authenticates():
    bench = Bench(password="secret")
    bench.talk(
        """
        a> HELLO 3 AUTH default wrong SETNAME me
        -WRONGPASS invalid username-password pair or user is disabled.
        a> HELLO 3 AUTH nosuch secret
        -WRONGPASS invalid username-password pair or user is disabled.
        a> HELLO
        -NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time
        a> CLIENT GETNAME
        -NOAUTH Authentication required.
        """
    )
    assert '"proto": 3' in bench.ask("a", "HELLO 3 AUTH default secret SETNAME me")
    assert bench.ask("a", "CLIENT GETNAME") == '"me"'


def test_auth():
    Bench().talk(
        """
        a> AUTH secret | AUTH default secret | AUTH nosuch secret | AUTH a b c
        -ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
        +OK
        -WRONGPASS invalid username-password pair or user is disabled.
        -ERR syntax error
        """
    )
    Bench(password="secret").talk(
        """
        a> AUTH wrong | AUTH default wrong | AUTH nosuch secret | GET k
        -WRONGPASS invalid username-password pair or user is disabled.
        -WRONGPASS invalid username-password pair or user is disabled.
        -WRONGPASS invalid username-password pair or user is disabled.
        -NOAUTH Authentication required.
        a> AUTH secret | GET k | AUTH wrong | GET k
        +OK
        nil
        -WRONGPASS invalid username-password pair or user is disabled.
        nil
        """
    )


def test_reset_makes_the_connection_as_new():
    bench = Bench(password="secret")
    assert "proto" in bench.ask("a", "HELLO 3 AUTH default secret SETNAME me")
    bench.talk(
        """
        a> SELECT 3 | WATCH k | MULTI | SET k 1 | RESET
        +OK
        +OK
        +OK
        +QUEUED
        +RESET
        a> GET k
        -NOAUTH Authentication required.
        a> AUTH secret | CLIENT GETNAME | GET missing | EXEC
        +OK
        nil
        nil
        -ERR EXEC without MULTI
        """
    )
    assert bench.node(1).group.machine.watches.watchers == {}


def test_quit_closes_after_the_replies():
    Bench(3).talk(
        """
        a@2> SET k 1 | QUIT | SET k 2
        +OK
        +OK
        closed
        b@2> GET k | GET k | QUIT
        "1"
        "1"
        +OK
        closed
        """
    )


# -- MULTI, EXEC, WATCH


def test_transactions():
    Bench(3).talk(
        """
        a@2> MULTI | SET k 1 | INCR k | GET k | LPUSH k x | EXEC
        +OK
        +QUEUED
        +QUEUED
        +QUEUED
        +QUEUED
        [+OK 2 "2" -WRONGTYPE Operation against a key holding the wrong kind of value]
        a> MULTI | EXEC
        +OK
        []
        a> MULTI | GET k | EXEC
        +OK
        +QUEUED
        ["2"]
        a> MULTI | SET k 9 | DISCARD | GET k
        +OK
        +QUEUED
        +OK
        "2"
        a> EXEC | DISCARD
        -ERR EXEC without MULTI
        -ERR DISCARD without MULTI
        a> MULTI | MULTI | WATCH k | SET k 3 | EXEC
        +OK
        -ERR MULTI calls can not be nested
        -ERR WATCH inside MULTI is not allowed
        +QUEUED
        [+OK]
        """
    )


def test_a_transaction_with_an_error_while_queueing_is_discarded():
    Bench().talk(
        """
        a> MULTI | SET k 1 | NOSUCH | SET k | CLIENT ID | EXEC | GET k
        +OK
        +QUEUED
        -ERR unknown command 'NOSUCH', with args beginning with:
        -ERR wrong number of arguments for 'set' command
        -ERR Command not allowed inside a transaction
        -EXECABORT Transaction discarded because of previous errors.
        nil
        a> MULTI | SET k 1 | EXEC
        +OK
        +QUEUED
        [+OK]
        """
    )


def test_what_the_node_answers_keeps_its_place_in_a_transaction():
    Bench().talk(
        """
        a> MULTI | PING | SELECT 2 | SET k two | SELECT 99 | ECHO hi | PING there | EXEC | GET k | SELECT 0 | GET k
        +OK
        +QUEUED
        +QUEUED
        +QUEUED
        +QUEUED
        +QUEUED
        +QUEUED
        [+PONG +OK +OK -ERR DB index is out of range "hi" "there"]
        "two"
        +OK
        nil
        """
    )


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ("SET k 2", "nil*"),
        ("DEL k", "nil*"),
        ("FLUSHALL", "nil*"),
        ("SWAPDB 0 4", "nil*"),
        ("PEXPIRE k 100000", "nil*"),
        ("SET other 2", "[+OK]"),
        ("GET k", "[+OK]"),
    ],
)
def test_watch(change, outcome):
    bench = Bench(3)
    bench.talk(
        """
        a@2> SET k 1 | WATCH k j | GET k | MULTI | SET done 1
        +OK
        +OK
        "1"
        +OK
        +QUEUED
        """
    )
    bench.ask("b@3", change)
    assert bench.ask("a", "EXEC") == outcome
    assert bench.ask("a", "MULTI | SET done 2 | EXEC") == "+OK\n+QUEUED\n[+OK]", (
        "the watch is over either way"
    )


def test_watch_and_a_deadline():
    bench = Bench()
    bench.ask("a", "SET k 1 PX 1000 | WATCH k")
    bench.wait(1000)
    assert bench.ask("a", "MULTI | SET done 1 | EXEC").endswith("nil*")


def test_unwatch_and_discard_end_the_watch():
    for words in ("UNWATCH", "MULTI | DISCARD", "MULTI | NOSUCH | EXEC", "RESET"):
        bench = Bench(3)
        bench.ask("a@2", f"SET k 1 | WATCH k | {words} | WATCH j")
        bench.ask("b@3", "SET k 2")
        assert bench.ask("a", "MULTI | SET done 1 | EXEC").endswith("[+OK]"), words
        bench.wait(200)
        assert bench.node(3).group.machine.watches.watchers == {}


def test_a_watch_again_after_unwatch_in_one_write_holds():
    bench = Bench(3)
    bench.ask("a@2", "WATCH x | UNWATCH | WATCH k")
    bench.ask("b@3", "SET k 1")
    assert bench.ask("a", "MULTI | SET done 1 | EXEC").endswith("nil*")


def test_the_watches_of_a_client_that_left_are_forgotten():
    bench = Bench(3)
    bench.ask("a@2", "WATCH k")
    bench.hang_up_client("a")
    bench.wait(100)
    for number in (1, 2, 3):
        assert bench.node(number).group.machine.watches.watchers == {}


def test_a_watch_that_never_reached_the_log_aborts():
    """Rule W3: its client was told that nothing was done, but may not have listened."""
    bench = Bench(3, command_timeout_ms=2000)
    bench.cut(1)
    bench.until(lambda: bench.node(1).group.raft.leader == 0)
    bench.connect("a")
    assert bench.say("a", "WATCH k") == []
    bench.wait(2500)
    assert bench.act("wait 20") == [
        "a: -CLUSTERDOWN no leader: this node is cut off from the majority; nothing was done"
    ]
    bench.heal()
    bench.until(bench.leader)
    assert bench.ask("a", "MULTI | SET done 1 | EXEC").endswith("nil*")


def test_exec_of_reads_writes_nothing():
    bench = Bench()
    bench.ask("a", "SET k 1")
    last = bench.node(1).group.raft.last_index
    assert bench.ask("a", "MULTI | GET k | EXEC").endswith('["1"]')
    assert bench.node(1).group.raft.last_index == last


# -- WAIT


def test_wait_is_over_at_once_when_enough_have_it():
    Bench(3).talk(
        """
        a> SET k 1 | WAIT 2 0 | WAIT 0 0 | WAIT 1 100 | GET k
        +OK
        2
        2
        2
        "1"
        a> WAIT x 1 | WAIT 1 x | WAIT 1 -1
        -ERR value is not an integer or out of range
        -ERR value is not an integer or out of range
        -ERR timeout is negative
        b@2> SET k 1 | WAIT 1 0
        +OK
        1
        """
    )


def test_wait_ends_when_the_last_one_has_it():
    Bench(3).talk(
        """
        * hold 3
        a> SET k 1 | WAIT 2 0 | GET k | PING
        +OK
        * wait 200
        * release 3
        * wait 20
        a: 2
        a: "1"
        a: +PONG
        """
    )


def test_wait_ends_in_time():
    Bench(3).talk(
        """
        * hold 3
        a> SET k 1 | WAIT 2 100 | GET k
        +OK
        * wait 80
        * wait 20
        a: 1
        a: "1"
        a> WAIT 7 40
        * wait 40
        a: 1
        """
    )


def test_a_client_that_leaves_while_it_waits():
    bench = Bench(3)
    bench.hold(3)
    assert bench.say("a", "SET k 1 | WAIT 2 0") == ["+OK"]
    bench.hang_up_client("a")
    bench.wait(100)
    assert bench.node(1).front.waiting == {}


# -- READONLY, ASKING


def test_readonly_reads_what_is_here():
    """A node that is cut off answers, with what it has."""
    bench = Bench(3)
    bench.talk(
        """
        a> SET k old
        +OK
        * wait 100
        * cut 3
        a> SET k new
        +OK
        b@3> READONLY | GET k
        +OK
        "old"
        b> READWRITE | GET k
        +OK
        """
    )
    bench.heal()
    bench.wait(1000)
    assert bench.act("wait 20") == ['b: "new"']


def test_a_write_and_a_stale_read_of_one_client_stay_in_order():
    Bench(3).talk(
        """
        a@2> READONLY | SET k 1 | GET k | SET k 2 | GET k
        +OK
        +OK
        "1"
        +OK
        "2"
        """
    )


# -- several keyspaces


def test_wait_counts_what_this_client_has_written_in_all_groups():
    bench = founded(3, "20 MODE local", "21")
    assert bench.answer("a", "WAIT 2 100") == "2", "it has written nothing"
    bench.say("a", "SELECT 21")
    assert bench.answer("a", "SET k 1") == "+OK"
    assert bench.answer("a", "WAIT 1 100") in ("1", "2")
    (member,) = bench.node(1).front.cluster.groups[2].members
    bench.say(f"b@{member}", "SET k 1 | SELECT 20")
    assert bench.answer("b", "SET k 1") == "+OK"
    assert bench.answer("b", "WAIT 1 40") == "0", "a local keyspace is on one node only"


def test_select_by_name_also_in_a_transaction():
    bench = founded(3, "3 NAME carts")
    assert bench.answer("a", "SELECT carts") == "+OK"
    bench.talk(
        """
        a> SELECT default | MULTI | SELECT carts | SET k 1 | SELECT nosuch | EXEC
        +OK
        +OK
        +QUEUED
        +QUEUED
        +QUEUED
        [+OK +OK -ERR DB index is out of range]
        a> SELECT carts | GET k
        +OK
        "1"
        """
    )
