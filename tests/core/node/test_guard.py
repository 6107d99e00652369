"""The guard: who a client is, and when its commands are looked at."""

import pytest

from tests.core.node.bench import Bench
from trivet.core.access.verdict import Denial, Reason
from trivet.core.base.prng import Prng
from trivet.core.command.table import ROWS
from trivet.core.node.guard import Grievance, GrievanceLog
from trivet.core.node.session import LOGIN, USER


def session_of(bench: Bench, name: str):
    client = bench.clients[name]
    return bench.node(client.node).front.sessions[client.conn]


def test_nothing_is_looked_at_for_whom_everything_is_allowed():
    """Rule A1."""
    bench = Bench()
    bench.say("a", "PING")
    assert session_of(bench, "a").vet == 0
    bench.say(
        "root", "ACL SETUSER root on nopass ~* &* +@all | AUTH root x | ACL SETUSER default -@dangerous"
    )
    bench.say("a", "PING")
    assert session_of(bench, "a").vet == USER
    bench.say("b", "PING")
    assert session_of(bench, "b").vet == USER
    assert session_of(bench, "root").vet & USER == 0
    bench.say("root", "ACL SETUSER default +@all")
    assert session_of(bench, "b").vet == 0


def test_the_file_s_password_until_default_is_changed():
    bench = Bench(password="secret")
    bench.talk(
        """
        a> ACL WHOAMI | AUTH secret | ACL SETUSER default -@dangerous | ACL SETUSER default >second | PING
        -NOAUTH Authentication required.
        +OK
        +OK
        -NOPERM this user has no permissions to run the 'acl|setuser' command
        +PONG
        b> AUTH second
        -WRONGPASS invalid username-password pair or user is disabled.
        b> AUTH secret | AUTH default secret
        +OK
        +OK
        """
    )


def test_nodes_with_different_files_agree_once_default_is_changed():
    """C8: users are the same on every replica, whatever their files say."""
    bench = Bench(3, password="secret")
    bench.say("a", "AUTH secret | ACL SETUSER default >second")
    states = [bench.node(number).group.machine.users.state() for number in (1, 2, 3)]
    bench.wait(200)
    assert states[0].users
    for number in (1, 2, 3):
        assert bench.say(f"b{number}@{number}", "AUTH second | PING") == ["+OK", "+PONG"]
        assert bench.say(f"c{number}@{number}", "AUTH secret | PING") == ["+OK", "+PONG"]
        assert bench.node(number).group.machine.users.state() == states[0]


def test_clients_stay_in():
    """Rule A3: a password is for coming in."""
    bench = Bench()
    bench.talk(
        """
        a> PING
        +PONG
        b> ACL SETUSER default resetpass >secret
        +OK
        a> PING
        +PONG
        c> PING | AUTH nosuch | AUTH secret | PING
        -NOAUTH Authentication required.
        -WRONGPASS invalid username-password pair or user is disabled.
        +OK
        +PONG
        a> RESET | PING
        +RESET
        -NOAUTH Authentication required.
        """
    )


def test_a_client_waiting_to_come_in_is_let_in_by_nopass():
    bench = Bench(password="secret")
    bench.talk(
        """
        a> PING
        -NOAUTH Authentication required.
        b> AUTH secret | ACL SETUSER default nopass
        +OK
        +OK
        a> PING
        +PONG
        b> ACL SETUSER default resetpass >x
        +OK
        a> PING
        -NOAUTH Authentication required.
        """
    )
    assert session_of(bench, "a").vet & LOGIN
    assert not session_of(bench, "a").parser.authenticated


def test_default_off_lets_nobody_in():
    Bench().talk(
        """
        a> ACL SETUSER bob on >pw +@all ~* | ACL SETUSER default off
        +OK
        +OK
        b> PING | AUTH x | AUTH bob pw | PING
        -NOAUTH Authentication required.
        -ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
        +OK
        +PONG
        c> HELLO 3 | HELLO 3 AUTH bob pw
        -NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time
        {"server": "redis", "version": "7.0.15", "proto": 3, "id": 3, "mode": "standalone", "role": "master", "modules": []}
        """
    )


def test_every_way_of_calling_is_looked_at():
    bench = Bench()
    bench.say("a", "RPUSH l 1 2 3 | RPUSH ok 1 | ACL SETUSER bob on nopass ~ok +@all -@dangerous -exec")
    bench.talk(
        """
        b> AUTH bob x | blpop l 0 | BLPOP ok 0 | BLMOVE ok l LEFT LEFT 0 | KEYS * | CLIENT LIST | CLIENT NOSUCH
        +OK
        -NOPERM this user has no permissions to access one of the keys used as arguments
        ["ok" "1"]
        -NOPERM this user has no permissions to access one of the keys used as arguments
        -NOPERM this user has no permissions to run the 'keys' command
        -NOPERM this user has no permissions to run the 'client|list' command
        -ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.
        b> WATCH l | OBJECT ENCODING l | CLIENT KILL TYPE normal | CONFIG | READONLY | LRANGE l 0 -1
        -NOPERM this user has no permissions to access one of the keys used as arguments
        -NOPERM this user has no permissions to access one of the keys used as arguments
        -NOPERM this user has no permissions to run the 'client|kill' command
        -ERR wrong number of arguments for 'config' command
        +OK
        -NOPERM this user has no permissions to access one of the keys used as arguments
        b> MULTI | LLEN ok | EXEC | LLEN ok
        +OK
        +QUEUED
        -EXECABORT Transaction discarded because of: NOPERM this user has no permissions to run the 'exec' command
        0
        """
    )


def test_client_list_tells_the_user():
    bench = Bench()
    bench.say("a", "ACL SETUSER bob on nopass +client ~*")
    assert "user=bob" in bench.say("b", "AUTH bob x | CLIENT INFO")[1]
    assert "user=default" in bench.ask("a", "CLIENT INFO")
    assert bench.ask("a", "CLIENT KILL USER bob").splitlines() == ["1", "b: cut off"]


def test_equal_refusals_are_one():
    log = GrievanceLog()

    def add(thing: bytes, at_ms: int) -> None:
        log.add(Grievance("key", "toplevel", thing, b"bob", f"at {at_ms}", at_ms))

    add(b"x", 0)
    add(b"y", 10)
    add(b"x", 60_000)
    assert [(entry.object, entry.count, entry.client) for entry in log.entries] == [
        (b"x", 2, "at 60000"),
        (b"y", 1, "at 10"),
    ]
    add(b"x", 120_001)
    assert [entry.count for entry in log.entries] == [1, 2, 1], "too long after"
    for number in range(300):
        add(b"%d" % number, 200_000)
    assert len(log.entries) == GrievanceLog.SIZE_MAX


def test_passwords_come_from_the_driver_s_chance():
    first, same, other = Bench(seed=1).node(1), Bench(seed=1).node(1), Bench(seed=2).node(1)
    assert first.front.guard.password(64) == same.front.guard.password(64)
    assert first.front.guard.password(64) != other.front.guard.password(64)
    assert len(first.front.guard.password(5)) == 5


def test_notes_carry_the_reason():
    guard = Bench().node(1).front.guard
    guard.note(Denial(Reason.CHANNEL, b"c"), "lua", b"bob", "client", 5)
    assert guard.log.entries == [Grievance("channel", "lua", b"c", b"bob", "client", 5)]


@pytest.mark.parametrize("seed", range(6))
def test_users_change_under_load_while_leaders_die(seed: int):
    """C8: whatever is going on, all replicas end with the same users and the same digest."""
    chance = Prng(seed)
    bench = Bench(3, seed=seed + 1)
    rules = [
        "on",
        "off",
        "nopass",
        ">a",
        ">b",
        "~k",
        "+@all",
        "-@write",
        "+get",
        "-get",
        "reset",
        "(+set ~x)",
        "foo",
    ]
    for step in range(60):
        number = chance.between(1, 3)
        if bench.servers[number].node is None:
            bench.start(number)
            bench.wait(1500)
            continue
        client = f"c{number}x{step // 10}x{bench.servers[number].lives}"
        if chance.below(15) == 0:
            bench.crash(number)
            bench.wait(2500)
            continue
        if client not in bench.clients:
            bench.connect(client, number)
        name = f"user{chance.below(3)}"
        some = " ".join(rules[chance.below(len(rules))] for _ in range(chance.between(1, 4)))
        if not bench.clients[client].open:
            continue
        bench.say(
            client, f"ACL SETUSER {name} {some.replace('(', chr(39) + '(').replace(')', ')' + chr(39))}"
        )
        bench.say(
            client,
            [f"ACL DELUSER {name}", f"AUTH {name} a", "SET k 1", "GET k", "MULTI | SET k 2 | EXEC"][
                chance.below(5)
            ],
        )
    for number in (1, 2, 3):
        if bench.servers[number].node is None:
            bench.start(number)
    bench.until(lambda: bench.leader() != 0)
    bench.wait(3000)
    machines = [bench.node(number).group.machine for number in (1, 2, 3)]
    assert len({machine.applied_index for machine in machines}) == 1
    assert machines[0].users.births > 0
    for machine in machines[1:]:
        assert machine.users.state() == machines[0].users.state()
        assert machine.digest == machines[0].digest


def test_what_strangers_write_into_the_log_is_cut():
    bench = Bench()
    bench.say("a", "AUTH " + "n" * 5000 + " x")
    bench.say("a", "ACL SETUSER bob on nopass +get")
    bench.say("b", "AUTH bob x | GET " + "k" * 5000)
    for entry in bench.node(1).front.guard.log.entries:
        assert max(len(entry.object), len(entry.user), len(entry.client)) <= GrievanceLog.TEXT_BYTES_MAX


def test_who_has_not_come_in_may_send_little():
    """The limits before a login hold whenever ``default`` is closed, not only with a password in the file."""
    bench = Bench()
    bench.say("a", "ACL SETUSER bob on nopass +@all ~* | ACL SETUSER default off")
    bench.connect("b")
    bench.events = []
    bench.send("b", b"*11\r\n")
    bench.settle()
    assert bench.events == [("b", "-ERR Protocol error: unauthenticated multibulk length"), ("b", "closed")]
    assert bench.say("c", "AUTH bob x | MSET a 1 b 2 c 3 d 4 e 5 f 6") == ["+OK", "+OK"]


# -- where other rooms ask the guard: each of these runs as soon as the command is served ---------------


def needs(name: bytes):
    return pytest.mark.skipif(name not in ROWS, reason=f"{name.decode()} is not served")


@needs(b"EVAL")
def test_scripts_are_bound_by_the_rights_of_who_calls_them():
    bench = Bench(3)
    bench.say("root", "ACL SETUSER bob on nopass ~k +get +eval +eval_ro +multi +exec | SET x 1")
    assert bench.say("bob@2", "AUTH bob x") == ["+OK"]
    refused = (
        """EVAL "return redis.call('set','k','1')" 1 k""",
        """EVAL "return redis.call('get','x')" 0""",
        """EVAL_RO "return redis.call('get','x')" 0""",
    )
    for call in refused:
        assert bench.ask("bob", call).startswith("-ERR The user executing the script can't "), call
        assert "-ERR The user executing the script can't " in bench.ask("bob", f"MULTI | {call} | EXEC"), call
    assert bench.ask("bob", """EVAL "return redis.call('get','k')" 0""") == "nil"
    bench.wait(200)
    assert '"context" "lua"' in bench.ask("root2@2", "ACL LOG")


@needs(b"SORT")
def test_sorting_by_other_keys_needs_the_right_to_read_all():
    bench = Bench()
    bench.say("root", "ACL SETUSER bob on nopass ~k +sort | RPUSH k 2 1")
    assert bench.say("bob", "AUTH bob x | SORT k | SORT k BY w_* | SORT k GET w_*") == [
        "+OK",
        '["1" "2"]',
        "-ERR BY option of SORT denied due to insufficient ACL permissions.",
        "-ERR GET option of SORT denied due to insufficient ACL permissions.",
    ]
    assert bench.say("root", "ACL SETUSER bob %R~*") == ["+OK"]
    assert bench.ask("bob", "SORT k BY w_*").startswith('["')


@needs(b"SUBSCRIBE")
def test_channels():
    Bench(3).talk(
        """
        root> ACL SETUSER bob on nopass +@all ~* &news* &pat*
        +OK
        bob@2> AUTH bob x | SUBSCRIBE other | SSUBSCRIBE other | PSUBSCRIBE new* | PUBLISH other m | PUBLISH news m
        +OK
        -NOPERM this user has no permissions to access one of the channels used as arguments
        -NOPERM this user has no permissions to access one of the channels used as arguments
        -NOPERM this user has no permissions to access one of the channels used as arguments
        -NOPERM this user has no permissions to access one of the channels used as arguments
        0
        bob> MULTI | PUBLISH news m | SPUBLISH other m | EXEC
        +OK
        +QUEUED
        -NOPERM this user has no permissions to access one of the channels used as arguments
        -EXECABORT Transaction discarded because of previous errors.
        bob> SUBSCRIBE news1 news2 | PSUBSCRIBE pat*
        ["subscribe" "news1" 1]
        ["subscribe" "news2" 2]
        ["psubscribe" "pat*" 3]
        root> ACL SETUSER bob &more
        +OK
        root> PUBLISH news2 hello
        1
        bob: ["message" "news2" "hello"]
        root> ACL SETUSER bob resetchannels &news* &pat
        bob: cut off
        +OK
        """
    )


def test_requirepass_changes_default_on_every_node():
    bench = Bench(3)
    if bench.ask("root", "CONFIG SET requirepass secret") != "+OK":
        pytest.skip("CONFIG SET is not served")
    assert bench.say("a@2", "PING | AUTH bad | AUTH secret | PING") == [
        "-NOAUTH Authentication required.",
        "-WRONGPASS invalid username-password pair or user is disabled.",
        "+OK",
        "+PONG",
    ]
    assert "secret" not in bench.ask("root", "CONFIG GET *")
    assert bench.ask("root", 'CONFIG SET requirepass ""') == "+OK"
    assert bench.ask("b@3", "PING") == "+PONG"


def test_no_password_is_shown_to_those_who_look_on():
    bench = Bench()
    if bench.ask("root", "CONFIG SET slowlog-log-slower-than 0") != "+OK":
        pytest.skip("CONFIG SET is not served")
    bench.say("spy", "MONITOR")
    seen = bench.say("root", "ACL SETUSER bob on >topsecret | AUTH bob topsecret | RESET | SLOWLOG GET 100")
    seen += bench.say(
        "root", "HELLO 3 AUTH bob topsecret | RESET | SLOWLOG GET 100 | INFO everything | ACL LOG"
    )
    assert "topsecret" not in "\n".join(seen)
