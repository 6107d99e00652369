"""Permission: asked for each command of a user to whom something is refused. More in ``test_guard``."""

from tests.core.node.bench import Bench
from tests.core.node.test_guard import session_of
from trivet.core.node.permission import Permission, on_behalf, permission
from trivet.core.node.routes import ROUTES
from trivet.core.wire.reply import Error


def ask(bench: Bench, name: str, *args: bytes):
    front = bench.node(bench.clients[name].node).front
    return permission(front, session_of(bench, name), ROUTES[args[0]], list(args))


def restricted(nodes: int = 1) -> Bench:
    bench = Bench(nodes)
    bench.say("root", "ACL SETUSER bob on nopass ~k +get +config|get +multi +watch +exec")
    bench.say("bob", "AUTH bob x")
    return bench


def test_given():
    assert ask(restricted(), "bob", b"GET", b"k") is Permission.GIVEN
    assert ask(restricted(), "bob", b"CONFIG", b"get", b"x") is Permission.GIVEN
    assert ask(restricted(), "bob", b"AUTH", b"x") is Permission.GIVEN


def test_a_refusal_is_sure_or_it_is_none():
    """Rule A4: the first time the node asks the group, the second time it answers."""
    bench = restricted()
    assert ask(bench, "bob", b"GET", b"x") is Permission.UNSURE
    session = session_of(bench, "bob")
    assert session.barrier is not None
    assert ask(bench, "bob", b"GET", b"x") is Permission.UNSURE, "it still does"
    bench.servers[1].dirty = True
    bench.settle()
    assert session.fresh
    assert isinstance(ask(bench, "bob", b"GET", b"x"), Error)
    assert [entry.object for entry in bench.node(1).front.guard.log.entries] == [b"x"]


def test_what_is_no_command_goes_no_further():
    bench = restricted()
    assert ask(bench, "bob", b"CONFIG", b"nosuch") == Error(
        "ERR unknown subcommand 'nosuch'. Try CONFIG HELP."
    )
    assert ask(bench, "bob", b"CONFIG", b"GET") == Error(
        "ERR wrong number of arguments for 'config|get' command"
    )


def test_an_exec_that_is_refused_ends_the_transaction_and_its_watches():
    bench = restricted()
    bench.say("bob", "WATCH k | MULTI | GET k")
    bench.say("root", "ACL SETUSER bob -exec")
    assert bench.say("bob", "EXEC | GET k") == [
        "-EXECABORT Transaction discarded because of: NOPERM this user has no permissions to run the 'exec' command",
        "nil",
    ]
    assert not session_of(bench, "bob").watching
    assert not bench.node(1).group.machine.watches.watchers


def test_on_behalf():
    bench = restricted()
    bob, root = session_of(bench, "bob"), session_of(bench, "root")
    conn = b"%d" % bob.conn
    assert on_behalf(bob, [b"EXEC", b"x"]) == [b"AS", b"bob", conn, b"EXEC", b"x"]
    assert on_behalf(bob, [b"GET", b"x"]) == [b"GET", b"x"]
    assert on_behalf(root, [b"EXEC", b"x"]) == [b"EXEC", b"x"]
