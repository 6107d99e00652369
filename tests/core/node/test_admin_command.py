"""What administrators' tools ask of a Redis."""

from tests.core.node.bench import Bench
from trivet.core.node.admin_command import ADMIN_NAMES
from trivet.core.node.session_commands import HANDLERS


def test_what_already_holds_succeeds():
    Bench().talk(
        """
        a> SET k 1 | SAVE | BGSAVE | BGSAVE SCHEDULE | BGREWRITEAOF | LASTSAVE | REPLICAOF NO ONE | SLAVEOF no one
        +OK
        +OK
        +Background saving started
        +Background saving started
        +Background append only file rewriting started
        1700000000
        +OK
        +OK
        a> MODULE LIST | BGSAVE x | FAILOVER ABORT | SHUTDOWN ABORT
        []
        -ERR syntax error
        -ERR No failover in progress.
        -ERR No shutdown in progress.
        """
    )


def test_what_can_not_be_done_is_refused_with_what_to_do():
    bench = Bench()
    for line, word in (
        ("REPLICAOF 10.0.0.1 7", "trivet join"),
        ("PSYNC a b", "trivet join"),
        ("SYNC", "trivet join"),
        ("REPLCONF x", "trivet join"),
        ("FAILOVER", "SIGTERM"),
        ("SHUTDOWN", "SIGTERM"),
        ("SHUTDOWN NOSAVE", "SIGTERM"),
        ("SHUTDOWN what", "syntax error"),
        ("SHUTDOWN ABORT NOW", "syntax error"),
        ("MODULE LOAD x", "modules are not served"),
        ("MODULE NOSUCH", "Try MODULE HELP"),
        ("MODULE LIST x", "wrong number"),
    ):
        told = bench.ask("a", line)
        assert told.startswith("-ERR ")
        assert word in told, line
    assert "LIST" in bench.ask("a", "MODULE HELP")
    assert bench.ask("a", "PING") == "+PONG"


def test_all_are_handled():
    assert all(name in HANDLERS for name in ADMIN_NAMES)
