"""ACL on a whole node, and between nodes."""

import pytest

from tests.core.node.bench import Bench
from trivet.core.access.user import hash_of


def test_who_am_i():
    Bench().talk(
        """
        a> ACL WHOAMI | ACL SETUSER bob on >pw +acl|whoami | AUTH bob pw | ACL WHOAMI | RESET | ACL WHOAMI
        "default"
        +OK
        +OK
        "bob"
        +RESET
        "default"
        """
    )


def test_what_there_is_to_know_of_users():
    Bench().talk(
        """
        a> ACL SETUSER bob on nopass ~k* &c +get (+set %W~d) | ACL USERS | ACL LIST
        +OK
        ["bob" "default"]
        ["user bob on nopass ~k* resetchannels &c -@all +get (%W~d resetchannels -@all +set)" "user default on nopass ~* &* +@all"]
        a> ACL GETUSER bob | ACL GETUSER nosuch
        ["flags" ["on" "nopass"] "passwords" [] "commands" "-@all +get" "keys" "~k*" "channels" "&c" "selectors" [["commands" "-@all +set" "keys" "%W~d" "channels" ""]]]
        nil
        """
    )


def test_errors_of_setuser():
    Bench().talk(
        """
        a> ACL SETUSER bob foo | ACL SETUSER bob +nosuch | ACL SETUSER bob (+get | ACL SETUSER "a b" | ACL USERS
        -ERR Error in ACL SETUSER modifier 'foo': Syntax error
        -ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL
        -ERR Unmatched parenthesis in acl selector starting at '(+get'.
        -ERR Usernames can't contain spaces or null characters
        ["default"]
        a> ACL SETUSER bob allkeys ~a | ACL SETUSER bob <nosuch foo
        -ERR Error in ACL SETUSER modifier '~a': Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns
        -ERR Error in ACL SETUSER modifier '<nosuch': The password you are trying to remove from the user does not exist
        """
    )


def test_a_password_never_leaves_the_node_that_was_told_it():
    bench = Bench(3)
    frames: list[bytes] = []
    bench.on_send = lambda sender, to, frame: frames.append(frame)
    bench.say(
        "a@2", "ACL SETUSER bob on >verysecret | ACL SETUSER bob (>verysecret) | ACL SETUSER bob <verysecret"
    )
    assert frames
    assert not [frame for frame in frames if b"verysecret" in frame]
    assert [frame for frame in frames if hash_of(b"verysecret") in frame]
    for server in bench.servers.values():
        assert b"verysecret" not in b"".join(map(bytes, _contents(server.disk)))


def _contents(disk: object) -> list[bytes]:
    return [content for content in vars(disk).values() if isinstance(content, bytes | bytearray)] + [
        data
        for value in vars(disk).values()
        if isinstance(value, dict)
        for data in value.values()
        if isinstance(data, bytes | bytearray)
    ]


def test_a_user_is_known_on_every_node_at_once():
    """Before a refusal a node makes sure that it knows the newest users (Rule A4)."""
    bench = Bench(3)
    assert bench.say("a@1", "ACL SETUSER bob on >pw ~k +get +acl|whoami") == ["+OK"]
    assert bench.say("b@2", "AUTH bob pw | GET k | GET x | ACL WHOAMI") == [
        "+OK",
        "nil",
        "-NOPERM this user has no permissions to access one of the keys used as arguments",
        '"bob"',
    ]
    assert bench.say("a", "ACL SETUSER bob +set") == ["+OK"]
    assert bench.say("b", "SET k 1 | GET k") == ["+OK", '"1"']
    assert bench.say("c@3", "HELLO 3 AUTH bob no") == [
        "-WRONGPASS invalid username-password pair or user is disabled."
    ]


def test_what_is_taken_from_a_user_counts_everywhere_soon():
    """The leader tells its followers of a change of users at once, not with the next heartbeat."""
    bench = Bench(3)
    bench.say("a@1", "ACL SETUSER bob on >pw >old ~k +get +set")
    assert bench.say("b@2", "AUTH bob old | SET k 1") == ["+OK", "+OK"]
    bench.say("a", "ACL SETUSER bob <old -set")
    assert bench.say("b", "SET k 2 | AUTH bob old") == [
        "-NOPERM this user has no permissions to run the 'set' command",
        "-WRONGPASS invalid username-password pair or user is disabled.",
    ]


def test_a_node_that_can_t_know_says_so():
    bench = Bench(3)
    bench.connect("a", 3)
    bench.cut(3)
    found = bench.answer("a", "AUTH bob pw")
    assert found == "-CLUSTERDOWN no majority confirmed the read in time; nothing was done"


def test_what_comes_after_a_change_is_judged_by_it():
    Bench().talk(
        """
        a> ACL SETUSER default -get | GET k | SET k 1 | ACL SETUSER default +get | GET k
        +OK
        -NOPERM this user has no permissions to run the 'get' command
        +OK
        +OK
        "1"
        """
    )


def test_deleting_a_user_ends_its_connections():
    Bench(3).talk(
        """
        a> ACL SETUSER bob on nopass +@all ~* | ACL SETUSER eve on nopass +@all ~*
        +OK
        +OK
        b> AUTH bob x | PING
        +OK
        +PONG
        e> AUTH eve x | BLPOP l 0
        +OK
        f@2> AUTH eve x | PING
        +OK
        +PONG
        a> ACL DELUSER bob nosuch
        1
        b: cut off
        a> ACL DELUSER eve | ACL SETUSER eve on nopass
        1
        e: cut off
        f: cut off
        +OK
        a> AUTH bob x
        -WRONGPASS invalid username-password pair or user is disabled.
        """
    )


def test_who_deletes_itself_hears_of_it():
    Bench().talk(
        """
        a> ACL SETUSER bob on nopass +@all | AUTH bob x | ACL DELUSER bob | PING
        +OK
        +OK
        1
        closed
        """
    )


def test_default_stays():
    Bench().talk(
        """
        a> ACL SETUSER bob | ACL DELUSER bob default | ACL USERS
        +OK
        -ERR The 'default' user cannot be removed
        ["bob" "default"]
        """
    )


def test_a_disabled_user_s_connections_go_on():
    Bench().talk(
        """
        a> ACL SETUSER bob on nopass +ping
        +OK
        b> AUTH bob x
        +OK
        a> ACL SETUSER bob off
        +OK
        b> PING
        +PONG
        c> AUTH bob x
        -WRONGPASS invalid username-password pair or user is disabled.
        """
    )


def test_trying():
    Bench().talk(
        """
        a> ACL SETUSER bob ~k +get | ACL DRYRUN bob get k | ACL DRYRUN bob GET x | ACL DRYRUN bob nosuch | ACL DRYRUN eve get k
        +OK
        +OK
        "This user has no permissions to access the 'x' key"
        -ERR Command 'nosuch' not found
        -ERR User 'eve' not found
        """
    )


def test_categories():
    bench = Bench()
    assert bench.ask("a", "ACL CAT").startswith('["keyspace" "read" "write" "set"')
    transaction = bench.ask("a", "ACL CAT Transaction")
    assert sorted(transaction[1:-1].replace('"', "").split()) == [
        "discard",
        "exec",
        "multi",
        "unwatch",
        "watch",
    ]
    assert bench.ask("a", "ACL CAT nosuch") == "-ERR Unknown category 'nosuch'"
    assert bench.ask("a", "ACL CAT a b") == "-ERR wrong number of arguments for 'acl|cat' command"


def test_passwords():
    bench = Bench()
    passwords = bench.say("a", "ACL GENPASS | ACL GENPASS | ACL GENPASS 5 | ACL GENPASS 4096")
    assert [len(password) - 2 for password in passwords] == [64, 64, 2, 1024]
    assert passwords[0] != passwords[1]
    assert bench.say("a", "ACL GENPASS 0 | ACL GENPASS 4097 | ACL GENPASS x | ACL GENPASS 1 2") == [
        "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
        "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
        "-ERR value is not an integer or out of range",
        "-ERR wrong number of arguments for 'acl|genpass' command",
    ]


def test_files():
    bench = Bench()
    assert bench.say("a", "ACL SAVE") == ["+OK"]
    assert bench.ask("a", "ACL LOAD").startswith(
        "-ERR This Redis instance is not configured to use an ACL file. You may want to specify users via"
    )


def test_what_was_refused():
    bench = Bench()
    bench.say("a", "ACL SETUSER bob on nopass ~k +get +multi")
    bench.say("b", "AUTH bob x | GET x | GET x | SET k 1 | MULTI | DEL k | RESET | AUTH nosuch x")
    bench.wait(1500)
    log = bench.ask("a", "ACL LOG")
    entries = [entry.split('" "client-info"')[0] for entry in log.split('["count" ')[1:]]
    assert entries == [
        '1 "reason" "auth" "context" "toplevel" "object" "auth" "username" "nosuch" "age-seconds" "1.5',
        '1 "reason" "command" "context" "multi" "object" "del" "username" "bob" "age-seconds" "1.5',
        '1 "reason" "command" "context" "toplevel" "object" "set" "username" "bob" "age-seconds" "1.5',
        '2 "reason" "key" "context" "toplevel" "object" "x" "username" "bob" "age-seconds" "1.5',
    ]
    assert "cmd=set user=bob" in log
    assert bench.ask("a", "ACL LOG 1").count('"reason"') == 1
    assert bench.say("a", "ACL LOG -1 | ACL LOG x | ACL LOG RESET | ACL LOG") == [
        "[]",
        "-ERR value is not an integer or out of range",
        "+OK",
        "[]",
    ]


def test_refusals_in_a_transaction_of_another_node_s_client_are_in_its_log():
    bench = Bench(3)
    bench.say("a", "ACL SETUSER bob on nopass ~k +set +get +multi +exec")
    bench.say("b@2", "AUTH bob x | MULTI | SET k 1")
    bench.say("a", "ACL SETUSER bob -set")
    assert "no permission to execute the command or subcommand" in bench.ask("b", "EXEC")
    bench.wait(200)
    assert '"context" "multi" "object" "set"' in bench.ask("c@2", "ACL LOG")
    assert bench.ask("d@1", "ACL LOG") == "[]"
    bench.say("b", "MULTI | GET k")
    bench.say("a", "ACL SETUSER bob resetkeys")
    assert "no permission to touch the specified keys" in bench.ask("b", "EXEC"), "and so with reads alone"


def test_help_and_what_is_no_subcommand():
    bench = Bench()
    assert bench.ask("a", "ACL HELP").startswith("[+ACL <subcommand>")
    assert bench.say("a", "ACL NOSUCH | ACL | ACL WHOAMI x | ACL DELUSER") == [
        "-ERR unknown subcommand 'NOSUCH'. Try ACL HELP.",
        "-ERR wrong number of arguments for 'acl' command",
        "-ERR wrong number of arguments for 'acl|whoami' command",
        "-ERR wrong number of arguments for 'acl|deluser' command",
    ]


def test_users_survive_a_restart_and_a_snapshot():
    bench = Bench(3)
    bench.say("a", "ACL SETUSER bob on >pw ~k +@all -@dangerous")
    bench.crash(3)
    bench.say("a", "ACL SETUSER eve on nopass")
    bench.start(3)
    bench.wait(2000)
    assert bench.ask("c@3", "ACL USERS") == '["bob" "default" "eve"]'
    states = [bench.node(number).group.machine.users.state() for number in (1, 2, 3)]
    assert states[0] == states[1] == states[2]


@pytest.mark.parametrize("number", [1, 2])
def test_a_full_disk_asks_the_leader(number: int):
    bench = Bench(3)
    bench.say("a", "ACL SETUSER bob on nopass ~k +get +multi +exec")
    bench.servers[2].disk.full = True
    big = "SET x " + "v" * 20_000
    for _ in range(40):
        bench.say("a", big)
    assert bench.ask(f"b{number}@{number}", "ACL USERS") == '["bob" "default"]'
    assert bench.say(f"b{number}", "AUTH bob x | MULTI | GET k | EXEC | GET x") == [
        "+OK",
        "+OK",
        "+QUEUED",
        "[nil]",
        "-NOPERM this user has no permissions to access one of the keys used as arguments",
    ]


def test_a_refusal_while_uses_of_keys_are_noted():
    """It asks the leader who the users are: a read that names no key, and once ended the node."""
    bench = Bench(3)
    bench.say("a", "CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lru")
    bench.say("a", "ACL SETUSER bob on nopass ~a* +get +auth")
    bench.say("b@2", "AUTH bob x")
    assert bench.say("b", "GET b")[0].startswith("-NOPERM")
    assert bench.say("b", "GET a") == ["nil"]
