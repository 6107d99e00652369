"""KEYSPACE: databases with groups of their own."""

from types import SimpleNamespace

from tests.core.node.bench import Bench
from tests.core.node.founded import founded, reply
from trivet.core.cluster.rows import JOINING, UP
from trivet.core.node.keyspace_command import leader_of, on_alive
from trivet.core.raft.state import Role


def names(bench: Bench, client: str) -> list[str]:
    return [row["name"] for row in reply(bench, client, "KEYSPACE LIST")]


def test_a_keyspace_is_made_used_and_dropped():
    bench = founded()
    assert bench.answer("a", "KEYSPACE CREATE 20 NAME carts") == "+OK"
    bench.talk(
        """
        a> SELECT 20 | SET k 1 | DBSIZE | SELECT carts | GET k | SELECT 0 | GET k
        +OK
        +OK
        1
        +OK
        "1"
        +OK
        nil
        a> KEYSPACE DROP carts
        -ERR the keyspace holds 1 keys: empty it first, or say FORCE
        a> SELECT carts | DEL k
        +OK
        1
        """
    )
    assert bench.answer("a", "KEYSPACE DROP carts") == "+OK"
    assert bench.answer("a", "SELECT carts") == "-ERR value is not an integer or out of range"
    assert bench.answer("a", "DBSIZE") == "-ERR there is no such database (any more): see KEYSPACE LIST"
    assert bench.answer("a", "SELECT 20") == "-ERR DB index is out of range"


def test_it_is_answered_when_the_new_groups_serve():
    bench = founded()
    said = bench.say("a", "KEYSPACE CREATE 20 SHARDS 3 | SELECT 20 | MSET a 1 b 2 c 3 | DBSIZE")
    assert said == [], "nobody leads the groups yet"
    bench.until(lambda: len([1 for name, _ in bench.events if name == "a"]) == 4)
    assert [text for _, text in bench.events] == ["+OK", "+OK", "+OK", "3"]
    front = bench.node(1).front
    assert all(leader_of(front, row) for row in front.cluster.groups_in(20))


def test_groups_without_a_majority_are_said_to_be_missing():
    bench = founded(3, command_timeout_ms=3_000)
    bench.say("a", "KEYSPACE CREATE 20 REPLICAS 3")
    assert bench.node(1).front.cluster.keyspace_named("db20"), "the map has it at once"
    bench.cut(1)
    answer = _eventually(bench, "a")
    assert answer.startswith(
        "-ERR keyspace 20 is there, but not all of its groups serve yet: commands wait ("
    )
    bench.heal()
    assert bench.answer("b@2", "SELECT 20") == "+OK"
    assert bench.answer("b", "SET k 1") == "+OK"


def _eventually(bench: Bench, name: str) -> str:
    bench.until(lambda: any(who == name for who, _ in bench.events))
    return next(text for who, text in bench.events if who == name)


def test_what_was_answered_on_one_node_is_known_on_all():
    bench = founded()
    assert bench.answer("a", "KEYSPACE CREATE 20 NAME carts") == "+OK"
    for number in (2, 3):
        assert bench.answer(f"b{number}@{number}", "SELECT carts") == "+OK"
        assert bench.answer(f"b{number}", "INCR k") == f"{number - 1}"
        assert names(bench, f"c{number}@{number}") == ["default", "carts"]
    assert bench.answer("a", "KEYSPACE DROP carts FORCE") == "+OK"
    assert names(bench, "c2") == ["default"]


def test_a_node_that_has_not_heard_of_a_keyspace_asks_before_it_says_no():
    bench = founded()
    bench.hold(3)
    assert bench.answer("a", "KEYSPACE CREATE 20") == "+OK"
    bench.say("b@3", "SELECT 20 | SET k 1")
    bench.release(3)
    assert _eventually(bench, "b") == "+OK"
    assert bench.answer("b", "GET k") == '"1"'


def test_only_what_is_empty_gets_groups():
    bench = founded()
    bench.say("a", "SELECT 3 | SET k 1")
    assert bench.answer("b@2", "KEYSPACE CREATE 3") == "-ERR database 3 holds 1 keys: empty it first"
    bench.say("a", "DEL k")
    assert bench.answer("b", "KEYSPACE CREATE 3 NAME three") == "+OK"
    assert bench.answer("a", "SET k 2") == "+OK"
    assert bench.node(1).groups[1].machine.databases.open(3).get(b"k") is None
    assert bench.node(1).groups[2].machine.databases.open(3).get(b"k") == b"2"
    row = reply(bench, "c", "KEYSPACE INFO default")
    assert row["databases"] == [0, 1, 2, *range(4, 16)]


def test_what_there_is_to_know():
    bench = founded(3, "20 NAME carts REPLICAS 1 SHARDS 2")
    bench.say("a", "SELECT 20")
    assert bench.answer("a", "MSET foo 1 bar 2 baz 3") == "+OK"
    listed = reply(bench, "b@2", "KEYSPACE LIST")[1]
    assert listed == {
        "number": 20, "name": "carts", "mode": "raft", "replicas": 1, "shards": 2, "together": 0,
        "databases": [20], "groups": 2,
    }  # fmt: skip
    told = reply(bench, "b", "KEYSPACE INFO 20")
    assert {**told, "groups": 2} == {**listed, "keys": 3}
    assert [(one["id"], one["slots"]) for one in told["groups"]] == [(2, "0-8191"), (3, "8192-16383")]
    assert all(one["leader"] in (0, *one["members"]) for one in told["groups"]), "0: not heard yet"
    assert reply(bench, "b", "KEYSPACE INFO carts")["keys"] == 3


def test_what_cannot_be():
    bench = founded(3, "20 NAME carts")
    bench.talk(
        """
        a> KEYSPACE CREATE 20
        -ERR keyspace 20 exists already
        a> KEYSPACE CREATE 21 NAME carts
        -ERR a keyspace named carts exists already
        a> KEYSPACE CREATE 10000 | KEYSPACE CREATE 21 REPLICAS 9 | KEYSPACE NOSUCH | KEYSPACE INFO nosuch
        -ERR DB index is out of range: 0 to 9999
        -ERR invalid number of replicas: 1 to 7, of mode eventual 1 to 9
        -ERR unknown subcommand 'NOSUCH'. Try KEYSPACE HELP.
        -ERR no such keyspace: nosuch
        a> KEYSPACE DROP default FORCE | KEYSPACE DROP 21 | KEYSPACE DROP 20 NOW
        -ERR the default keyspace cannot be dropped
        -ERR no such keyspace: 21
        -ERR syntax error
        a> MULTI | KEYSPACE LIST | EXEC
        +OK
        -ERR Command not allowed inside a transaction
        -EXECABORT Transaction discarded because of previous errors.
        """
    )


def test_alter():
    bench = founded(3, "20 NAME carts")
    bench.talk(
        """
        a> KEYSPACE ALTER carts NAME baskets SHARDS 4 | SELECT carts | SELECT baskets
        +OK
        -ERR value is not an integer or out of range
        +OK
        a> KEYSPACE ALTER nosuch SHARDS 2 | KEYSPACE ALTER 20 MODE local
        -ERR no such keyspace: nosuch
        -ERR the mode of a keyspace cannot be changed: create another one
        """
    )
    assert reply(bench, "b", "KEYSPACE INFO baskets")["shards"] == 4


def test_a_user_without_the_right_changes_nothing():
    bench = founded()
    bench.say("a", "ACL SETUSER ann on nopass +@all -@admin ~*")
    bench.talk(
        """
        b> AUTH ann x | KEYSPACE CREATE 20
        +OK
        -NOPERM this user has no permissions to run the 'keyspace|create' command
        """
    )
    assert names(bench, "b2") == ["default"]
    assert bench.ask("b", "KEYSPACE HELP").startswith('["KEYSPACE <subcommand>')


def test_on_which_nodes_a_new_group_is_founded():
    """Those that are heard before those that are not: most of them must be there for it to begin."""
    up, joining = SimpleNamespace(state=UP, zone=""), SimpleNamespace(state=JOINING, zone="")
    cluster = SimpleNamespace(members={1: up, 2: up, 3: up, 4: joining, 5: up}, groups={})
    heard = {1: True, 3: True, 4: True}
    front = SimpleNamespace(cluster=cluster, alive=lambda node: heard.get(node, False))
    assert on_alive(front, 2) == [b"ON", b"1", b"3"]
    # Not on fewer because somebody joins, who gets nothing yet.
    assert on_alive(front, 3) == [b"ON", b"1", b"3", b"2"]
    assert on_alive(front, 0) == on_alive(front, 3)
    # The one with less to do.
    cluster.groups[7] = SimpleNamespace(id=7, target=[1, 2, 3])
    assert on_alive(front, 3) == [b"ON", b"1", b"3", b"5"]
    assert on_alive(front, 5) == [b"ON", b"1", b"3", b"5", b"2"]


def test_one_copy_is_not_put_on_a_node_that_is_away():
    """All have as little to do, and of those the first is taken: it is not there."""
    bench = founded(3)
    bench.crash(1)
    bench.until(lambda: any(bench.node(n).system.raft.role is Role.LEADER for n in (2, 3)))
    bench.ask("a@2", "KEYSPACE CREATE 5 MODE local")
    bench.until(lambda: ("a", "+OK") in bench.events)
    assert bench.node(2).front.cluster.groups_in(5)[0].members == [2]
