"""``TXN LIST``, and what ``INFO`` tells about transactions over groups."""

import pytest

from tests.core.node.crossing import A, B, Between, lock, sharded
from tests.core.node.founded import reply
from trivet.core.node.resolver import PATIENCE_MS


def facts(bench) -> dict[str, int]:
    bench.settle()
    lines = bench.ask("i", "INFO transactions").strip('"').split("\\r\\n")
    return {name: int(value) for name, _, value in (line.partition(":") for line in lines) if value}


def test_what_runs_here_and_what_stands_in_groups_led_here():
    bench = sharded()
    assert reply(bench, "l", "TXN LIST") == []
    kept = Between(bench, A, b"DECIDE")
    bench.say("c", "MSET a 1 b 2")
    bench.wait(200)
    rows = reply(bench, "l", "TXN LIST")
    assert [(row["state"], row["home"], row["groups"], row["keys"]) for row in rows] == [
        ("deciding", A, [A, B], 2), ("prepared", A, [B], 1), ("prepared", A, [A], 1),
    ]  # fmt: skip
    assert all(row["id"].startswith("1-") and 100 <= row["age_ms"] <= 200 for row in rows)
    assert (facts(bench)["txn_running"], facts(bench)["txn_prepared_here"]) == (1, 2)
    late = Between(bench, B, b"FINISH")
    kept.release()
    rows = reply(bench, "l", "TXN LIST")
    assert [(row["state"], row["groups"]) for row in rows] == [
        ("finishing", [A, B]), ("prepared", [B]), ("committed", [B]),
    ]  # fmt: skip
    late.release()
    bench.wait(100)
    assert reply(bench, "l", "TXN LIST") == []
    told = facts(bench)
    assert (told["txn_commits"], told["txn_running"], told["txn_records_here"]) == (1, 0, 0)
    bench.ask("c", "MGET a b")
    assert (facts(bench)["txn_reads"], facts(bench)["txn_reads_locked"]) == (1, 0)


def test_what_is_in_doubt():
    bench = sharded()
    lock(bench, B, b"b")
    bench.wait(PATIENCE_MS + 200)
    (row,) = reply(bench, "l", "TXN LIST")
    assert (row["id"], row["state"], row["home"]) == ("9-1-1", "in-doubt", 77)
    assert facts(bench)["txn_in_doubt_here"] == 1


def test_one_that_is_between_two_attempts():
    bench = sharded(command_timeout_ms=1_000)
    lock(bench, B, b"b", age=0)
    bench.say("c", "MSET a 1 b 2")
    seen = []
    for _ in range(30):
        bench.wait(20)
        seen += [row["state"] for row in reply(bench, "l", "TXN LIST") if row["id"].startswith("1-") or True]
    assert "between-attempts" in seen
    bench.wait(1_000)
    told = facts(bench)
    assert told["txn_timeouts"] == 1 and told["txn_retries"] == told["txn_aborts_died"] > 1


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("TXN", "-ERR wrong number of arguments for 'txn' command"),
        ("TXN NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try TXN HELP."),
        ("TXN LIST x", "-ERR wrong number of arguments for 'txn|list' command"),
        ("TXN LOCK x", "-ERR unknown subcommand 'LOCK'. Try TXN HELP."),
    ],
)
def test_mistakes(line, answer):
    assert sharded().ask("c", line) == answer


def test_help_and_not_in_a_transaction():
    bench = sharded()
    assert '"TXN <subcommand>. Subcommands are:"' in bench.ask("c", "TXN HELP")
    assert bench.say("c", "MULTI | TXN LIST")[-1] == "-ERR Command not allowed inside a transaction"
