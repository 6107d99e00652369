"""Users as state of the machine; calls on a user's behalf."""

from tests.core.machine.replicas import Replica, call, execute, follow
from tests.core.machine.test_snapshot import chunks_of, restored
from trivet.core.access.user import hash_of
from trivet.core.access.verdict import Denial, Reason
from trivet.core.base.prng import Prng
from trivet.core.command.table import Context
from trivet.core.machine.machine import Machine
from trivet.core.machine.rights import Denied, Rights, inner_call, is_question
from trivet.core.machine.snapshot import SnapshotWalk
from trivet.core.wire.reply import OK, Error

NO_COMMAND = Error(
    "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command "
    "is no longer allowed for the following reason: no permission to execute the command or subcommand"
)


def set_user(name: str, *rules: str) -> tuple[int, list[bytes]]:
    return 0, [b"USERS", b"SET", name.encode(), b"", *(rule.encode() for rule in rules)]


def on_behalf(user: str, inner: tuple[int, list[bytes]], client: int = 7) -> tuple[int, list[bytes]]:
    return inner[0], [b"AS", user.encode(), b"%d" % client, *inner[1]]


def ask(machine: Machine, *words: bytes) -> object:
    return machine.read([(0, [b"USERS", *words])], machine.now_ms, Prng(1))[0]


def test_users_are_changed_by_entries_and_asked_by_reads():
    replica = Replica()
    assert replica.run(set_user("ann", "on", "+get"), set_user("ann", "foo")) == [
        OK,
        Error("ERR Error in ACL SETUSER modifier 'foo': Syntax error"),
    ]
    assert ask(replica.machine, b"NAMES") == [b"ann", b"default"]
    assert ask(replica.machine, b"LIST", b"") == [
        b"user ann on resetchannels -@all +get",
        b"user default on nopass ~* &* +@all",
    ]
    assert ask(replica.machine, b"GET", b"nosuch", b"") is None
    assert ask(replica.machine, b"GET", b"ann", b"")[b"commands"] == b"-@all +get"
    assert replica.one((0, [b"USERS", b"DELETE", b"ann", b"nosuch"])) == 1
    assert ask(replica.machine, b"NAMES") == [b"default"]


def test_trying():
    replica = Replica()
    replica.one(set_user("ann", "~a", "+get", "+config|get"))

    def attempt(line: str, name: bytes = b"ann") -> object:
        return ask(replica.machine, b"TRY", name, b"", *call(line)[1])

    assert attempt("get a") == OK
    assert attempt("GET b") == b"This user has no permissions to access the 'b' key"
    assert attempt("config set a b") == b"This user has no permissions to run the 'config|set' command"
    assert attempt("nosuch") == Error("ERR Command 'nosuch' not found")
    assert attempt("config nosuch") == Error("ERR Command 'config' not found")
    assert attempt("get") == Error("ERR wrong number of arguments for 'get' command")
    assert attempt("get a", b"bob") == Error("ERR User 'bob' not found")


def test_a_transaction_is_bound_by_the_rights_at_its_entry():
    replica = Replica()
    replica.one(set_user("ann", "~a", "+get", "+set"))
    transaction = on_behalf("ann", execute(["SET a 1", "GET a", "GET b"]))
    first = replica.one(transaction)
    assert first[:2] == [OK, b"1"]
    assert first[2].text.endswith("no permission to touch the specified keys")
    assert replica.run(set_user("ann", "-set"), transaction)[1][:2] == [NO_COMMAND, b"1"]
    assert replica.run((0, [b"USERS", b"DELETE", b"ann"]), transaction)[1] == [NO_COMMAND] * 3
    assert replica.machine._writes.access is None


def test_what_the_node_itself_has_answered_in_a_transaction_is_no_call():
    replica = Replica()
    replica.one(set_user("ann"))
    calls = execute(["-1:+ PONG"])
    assert replica.one(on_behalf("ann", (0, calls[1]))) != [NO_COMMAND]


def test_reads_on_behalf():
    replica = Replica()
    replica.run(set_user("ann", "~a", "+get"), "SET a 1", "SET b 2")
    reads = [on_behalf("ann", execute(["GET a", "GET b", "TTL a"])), on_behalf("ann", call("GET b"))]
    replies, single = replica.machine.read(reads, replica.machine.now_ms, Prng(1))
    assert replies[0] == b"1"
    assert replies[1].text.endswith("no permission to touch the specified keys")
    assert replies[2] == NO_COMMAND
    assert single == b"2", "the call itself was looked at before it was sent"
    assert [denied.context for denied in replica.machine.take_denied()] == ["multi", "multi"]


def test_refusals_are_noted_once():
    replica = Replica()
    replica.one(set_user("ann", "+get"))
    replica.one(on_behalf("ann", execute(["SET a 1"]), 42))
    assert replica.machine.take_denied() == [Denied(1, 42, b"ann", "multi", Denial(Reason.COMMAND, b"set"))]
    assert replica.machine.take_denied() == []


def test_rights_as_a_script_asks():
    replica = Replica()
    replica.one(set_user("ann", "~a", "+get", "+config|get"))
    denied: list[Denied] = []
    rights = Rights(replica.machine.users, b"ann", 1, 7, denied)
    assert rights.refuses_in_script([b"get", b"a"]) is None
    assert rights.refuses_in_script([b"GET", b"b"]) == Error(
        "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments"
    )
    assert rights.refuses_in_script([b"config", b"set", b"a", b"b"]) == Error(
        "ERR The user executing the script can't run this command or subcommand"
    )
    assert rights.refuses_in_script([b"config", b"get", b"a"]) is None
    assert not rights.reads_every_key()
    assert [one.context for one in denied] == ["lua", "lua"]
    context = Context(replica.machine.databases)
    context.access = rights  # it is an Access


def test_the_setting_requirepass_changes_default():
    replica = Replica()
    assert replica.one((0, [b"SETTING", b"requirepass", hash_of(b"secret"), b"maxmemory", b"1"])) == OK
    assert replica.machine.users.find(b"default", b"").knows(b"secret")
    assert not replica.machine.users.find(b"default", b"").knows(b"other")
    assert list(replica.machine.settings.values) == [b"maxmemory"]


def test_an_unknown_call_on_behalf_does_no_harm():
    replica = Replica()
    assert replica.one(on_behalf("ann", (0, [b"NOSUCH"]))) == Error("ERR unknown command in the log")


def test_replicas_and_snapshots_agree():
    replica = Replica()
    replica.run(
        set_user("ann", "on", "#" + "a" * 64, "%R~a", "+@all", "-@write"), set_user("default", "-@dangerous")
    )
    twin = Machine(100)
    follow(replica.log, twin)
    copy = restored(chunks_of(SnapshotWalk(replica.machine, 100)))
    more = on_behalf("ann", execute(["GET a", "SET a 1"]))
    replica.run(set_user("ann", "+set", "~b"), more)
    for machine in (twin, copy):
        follow(replica.log, machine)
        assert machine.users.state() == replica.machine.users.state()
        assert machine.digest == replica.machine.digest


def test_shapes_of_calls():
    assert is_question([b"USERS", b"NAMES"])
    assert not is_question([b"USERS", b"SET", b"ann", b""])
    assert is_question([b"SCANPART", b"0"])
    assert is_question([b"SLOTKEYS", b"7"]) and is_question([b"SLOTKEYS", b"7", b"10"])
    assert not is_question([b"SLOTKEYS"]) and not is_question([b"SLOTKEYS", b"x"])
    assert not is_question([b"USERS"])
    assert not is_question([b"GET", b"NAMES"])
    assert inner_call((0, [b"AS", b"ann", b"1", b"GET", b"a"])) == [b"GET", b"a"]
    assert inner_call((0, [b"GET", b"a"])) == [b"GET", b"a"]
    assert inner_call((0, [])) == []
