"""CLIENT: what a connection says of itself, and how to get rid of others."""

import pytest

from tests.core.node.bench import Bench
from trivet.core.node.client_command import is_client_name


def test_names():
    Bench().talk(
        """
        a> CLIENT ID | CLIENT GETNAME | CLIENT SETNAME worker-1 | CLIENT GETNAME | CLIENT SETNAME "" | CLIENT GETNAME
        1
        nil
        +OK
        "worker-1"
        +OK
        nil
        a> CLIENT SETNAME "a b" | CLIENT SETNAME "a\\x00" | CLIENT SETNAME "\\xff"
        -ERR Client names cannot contain spaces, newlines or special characters.
        -ERR Client names cannot contain spaces, newlines or special characters.
        -ERR Client names cannot contain spaces, newlines or special characters.
        a> CLIENT SETINFO LIB-NAME redis-py | CLIENT SETINFO lib-ver 8.0 | CLIENT SETINFO NOSUCH x
        +OK
        +OK
        -ERR Unrecognized option 'NOSUCH'
        a> CLIENT SETINFO LIB-NAME "a b" | CLIENT NO-EVICT on | CLIENT NO-EVICT maybe
        -ERR lib-name cannot contain spaces, newlines or special characters.
        +OK
        -ERR syntax error
        """
    )


@pytest.mark.parametrize("words", ["ID x", "SETNAME", "INFO x", "KILL", "NO-EVICT", "SETINFO LIB-NAME"])
def test_wrong_numbers_of_arguments(words):
    name = words.split()[0].lower()
    assert Bench().ask("a", f"CLIENT {words}") == (
        f"-ERR wrong number of arguments for 'client|{name}' command"
    )


def test_what_is_no_subcommand():
    assert Bench().ask("a", "CLIENT NOSUCH") == "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP."


def test_help_names_every_subcommand():
    text = Bench().ask("a", "CLIENT HELP")
    for word in ("GETNAME", "ID", "INFO", "KILL", "LIST", "NO-EVICT", "SETINFO", "SETNAME"):
        assert f"+{word}" in text


def test_info_is_one_line_about_this_connection():
    bench = Bench()
    bench.say("a", "CLIENT SETNAME me | CLIENT SETINFO LIB-NAME lib | CLIENT SETINFO LIB-VER 1 | SELECT 3")
    bench.wait(5000)
    bench.say("a", "WATCH k | MULTI | SET k 1 | DISCARD")
    bench.wait(2000)
    line = bench.ask("a", "CLIENT INFO").strip('"').replace("\\n", "")
    fields = dict(field.split("=", 1) for field in line.split(" "))
    assert fields["name"] == "me"
    assert fields["addr"] == "127.0.0.1:40001"
    assert (fields["db"], fields["flags"], fields["multi"], fields["cmd"]) == ("3", "N", "-1", "client|info")
    assert (fields["age"], fields["resp"], fields["lib-name"], fields["lib-ver"]) == ("7", "2", "lib", "1")


def test_a_line_has_every_field_that_redis_writes_in_its_order():
    """Client libraries turn some of them into numbers without asking whether they are there (RQ's do)."""
    line = Bench().ask("a", "CLIENT LIST").strip('"').replace("\\n", "")
    names = [field.partition("=")[0] for field in line.split(" ")]
    redis = (
        "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp obl "
        "oll omem tot-mem events cmd user redir resp"
    )
    assert names[: len(redis.split())] == redis.split()


def test_list():
    bench = Bench()
    for name in ("a", "b", "c"):
        bench.say(name, "MULTI | PING" if name == "c" else "PING")
    assert bench.ask("a", "CLIENT LIST").count("id=") == 3
    assert "flags=x" in bench.ask("a", "CLIENT LIST ID 3")
    assert "multi=1" in bench.ask("a", "CLIENT LIST ID 3")
    assert bench.ask("a", "CLIENT LIST ID 2 3 99").count("id=") == 2
    assert bench.ask("a", "CLIENT LIST TYPE normal").count("id=") == 3
    assert bench.say(
        "a", "CLIENT LIST TYPE pubsub | CLIENT LIST TYPE nosuch | CLIENT LIST ID x | CLIENT LIST what"
    ) == [
        '""',
        "-ERR Unknown client type 'nosuch'",
        "-ERR Invalid client ID",
        "-ERR syntax error",
    ]


def test_kill_by_address():
    bench = Bench()
    bench.say("a", "PING")
    bench.say("b", "PING")
    assert bench.say("a", "CLIENT KILL 127.0.0.1:40002 | PING") == ["+OK", "+PONG", "b: closed"]
    assert bench.say("a", "CLIENT KILL 127.0.0.1:40002 | CLIENT KILL 127.0.0.1:40001 | PING") == [
        "-ERR No such client",
        "+OK",
        "closed",
    ]


def test_kill_by_filter():
    bench = Bench()
    for name in ("a", "b", "c", "d"):
        bench.say(name, "PING")
    assert bench.say("a", "CLIENT KILL ID 2") == ["1", "b: cut off"]
    assert (
        bench.say("a", "CLIENT KILL ID 2 | CLIENT KILL ID 1 | CLIENT KILL TYPE pubsub | CLIENT KILL LADDR x")
        == ["0"] * 4
    )
    assert bench.say("a", "CLIENT KILL ADDR 127.0.0.1:40003 ID 4 | CLIENT KILL USER nosuch") == [
        "0",
        "-ERR No such user 'nosuch'",
    ]
    assert bench.say("a", "CLIENT KILL TYPE normal USER default") == ["2", "c: cut off", "d: cut off"]
    assert bench.say(
        "a", "CLIENT KILL ID 1 SKIPME maybe | CLIENT KILL ID x | CLIENT KILL NOSUCH 1 | CLIENT KILL ID 1 2"
    ) == [
        "-ERR syntax error",
        "-ERR client-id should be greater than 0",
        "-ERR syntax error",
        "-ERR syntax error",
    ]
    assert bench.say("a", "CLIENT KILL ID 1 SKIPME no | PING") == ["1", "closed"]


@pytest.mark.parametrize(
    "state", ["MULTI | SET k 1", "WATCH k", "SET k 1 | GET k", "WAIT 7 0", "SET k 1 | WAIT 7 0 | GET k"]
)
def test_a_client_is_killed_whatever_it_is_doing(state):
    bench = Bench(3)
    bench.cut(2)
    bench.say("b@2", state)
    bench.connect("a", 2)
    killed = bench.say("a", f"CLIENT KILL ID {bench.clients['b'].conn}")
    assert killed == ["1", "b: cut off"]
    bench.heal()
    bench.wait(2000)
    assert bench._outcome("") == []
    front = bench.node(2).front
    assert (len(front.sessions), front.waiting, front.backlogged) == (1, {}, {})


def test_what_is_a_name():
    assert is_client_name(b"worker:1")
    assert is_client_name(b"")
    assert not is_client_name(b"a b")
    assert not is_client_name(b"a\n")
    assert not is_client_name(b"\x80")


def test_what_is_parked_behind_a_command_without_a_reply_goes_on():
    bench = Bench(3)
    assert bench.say("a", "CLIENT REPLY OFF | WAIT 9 40 | BLPOP q 0.05 | SET k 1 | CLIENT REPLY ON") == []
    assert bench.act("wait 200") == ["a: +OK"]
    assert bench.say("a", "GET k") == ['"1"']
