import trivet.core.command.all_rows  # noqa: F401
from tests.core.machine.replicas import call, execute
from trivet.core.machine.keys_read import keys_read


def test_the_keys_of_reads_and_of_no_writes():
    calls = [call("GET a"), call("2:MGET b c"), call("SET d 1"), call("PING"), call("DBSIZE")]
    assert keys_read(calls) == [(0, b"a"), (2, b"b"), (2, b"c")]


def test_those_of_a_transaction():
    queued = execute(["GET a", "SET b 1", "3:HGET h f"])
    assert keys_read([queued]) == [(0, b"a"), (3, b"h")]
    assert keys_read([(-1, [b"+", b"OK"])]) == []


def test_a_question_about_users_names_none():
    assert keys_read([(0, [b"USERS", b"NAMES"])]) == []
