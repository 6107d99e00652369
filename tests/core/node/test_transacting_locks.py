"""Locks of calls over several groups: what others see meanwhile, who waits, and who gives up."""

from tests.core.node.bench import encode
from tests.core.node.crossing import A, B, Between, call, is_clean, leader_of, lock, sharded, transactions
from trivet.core.transaction.coordinator import End
from trivet.core.transaction.words import FinishRequest, TransactionId, pack


def test_nobody_sees_half_of_it():
    """The client has its reply; until the other group has its part, whoever asks for that waits."""
    bench = sharded()
    bench.ask("c", "MSET a 1 b 1 d 1")
    bench.wait(40)
    late = Between(bench, B, b"FINISH")
    assert bench.answer("c", "MSET a 2 b 2") == "+OK"
    for name, line in (("r", "GET b"), ("w", "INCR b"), ("e", "EXISTS b"), ("n", "DBSIZE")):
        bench.ask(name, "SELECT 3")
        assert bench.say(name, line) == []
    assert bench.say("c", "GET a | GET d | GET b") == ['"2"', '"1"']
    bench.wait(100)
    bench.events = []
    late.release()
    bench.wait(40)
    assert sorted(bench.events) == [
        ("c", '"2"'), ("e", "1"), ("n", "3"), ("r", '"2"'), ("w", "3"),
    ]  # fmt: skip


def test_a_read_of_whole_databases_waits_for_what_was_there_before_it_only():
    """Else it could be overtaken for ever."""
    bench = sharded()
    first = lock(bench, B, b"b")
    bench.ask("n", "SELECT 3")
    assert bench.say("n", "DBSIZE") == []
    lock(bench, B, b"k", age=5)
    assert first.replies is not None
    run = call(bench, B, b"TXN", b"FINISH", finish(1))
    bench.wait(100)
    assert run.replies is not None and ("n", "0") in bench.events


def finish(number: int) -> bytes:
    return pack(FinishRequest(TransactionId(9, 1, number), False))


def test_a_read_that_the_leader_runs_for_a_full_node_waits_too():
    """Rule L3 of the group: who asked is told nothing of it, and the call is sent again."""
    bench = sharded(3)
    bench.ask("n@2", "SELECT 3")
    bench.servers[2].disk.full = True
    for number in range(10):
        bench.say("c", f"SET {{b}}{number} {'v' * 20_000}")
    assert bench.node(2).groups[B].disk_full
    first = lock(bench, B, b"b")
    assert first.replies is not None
    assert bench.say("n", "GET b") == []
    call(bench, B, b"TXN", b"FINISH", finish(1))
    bench.wait(100)
    assert bench.events == [("n", "nil")]
    assert bench.answer("n", "DBSIZE") == bench.answer("c", "DBSIZE")


def test_plain_calls_give_up_in_time():
    bench = sharded(command_timeout_ms=1_000)
    lock(bench, B, b"b")
    assert bench.answer("c", "GET b").startswith("-TXNRETRY the keys are held by a transaction")
    assert bench.answer("c", "GET a") == "nil"


def test_an_older_one_waits_and_a_younger_one_comes_again():
    """Rule Z3: both get there when the holder goes, at once."""
    for age, end in ((10**15, None), (0, End.DIED)):
        bench = sharded()
        lock(bench, B, b"b", age=age)
        assert bench.say("c", "MSET a 1 b 2") == []
        bench.wait(300)
        counts = transactions(bench).counts
        assert counts.commits == 0 and (end is None or 1 <= counts.refused[end] <= 3)
        assert end is not None or sum(counts.refused.values()) == 0
        bench.events = []
        call(bench, B, b"TXN", b"FINISH", finish(age + 1))
        bench.settle()
        assert bench.events == [("c", "+OK")]


def test_all_nodes_see_at_once_that_a_lock_is_gone():
    """No time passes here, so nobody hears of it by a heartbeat."""
    bench = sharded(3)
    lock(bench, B, b"b", age=7)
    bench.wait(300)
    held = [bench.node(number).groups[B].machine.intents.locks.held for number in (1, 2, 3)]
    assert all((3, b"b") in locks for locks in held)
    call(bench, B, b"TXN", b"FINISH", finish(8))
    bench.settle()
    assert held == [{}, {}, {}]


def test_who_waits_gives_way_as_soon_as_somebody_older_is_seen_in_its_way():
    """It holds up others meanwhile: what it holds in another group is free at once."""
    bench = sharded()
    lock(bench, B, b"b", age=10**15)
    assert bench.say("c", "MSET a 1 b 2") == []
    held = bench.node(1).groups[A].machine.intents.locks.held
    assert (3, b"a") in held
    lock(bench, B, b"b", age=7)
    assert (3, b"a") not in held and transactions(bench).counts.refused[End.DIED] == 1


def test_the_oldest_of_many_begins_when_the_key_is_free():
    """And no other: what the others would ask for is in vain."""
    bench = sharded()
    lock(bench, B, b"b")
    for number in range(8):
        bench.ask(f"x{number}", "SELECT 3")
        assert bench.say(f"x{number}", f"MSET a {number} b {number}") == []
    assert not transactions(bench).live, "nobody has asked: a lock of somebody older is seen"
    bench.events = []
    call(bench, B, b"TXN", b"FINISH", finish(1))
    bench.settle()
    assert [name for name, _ in bench.events] == [f"x{number}" for number in range(8)]
    assert transactions(bench).counts.refused[End.DIED] == 0


def test_all_nodes_hear_at_once_that_a_lock_is_gone():
    """Clients there may wait for it: they do not wait for the next message of the group as well."""
    bench = sharded(3)
    lock(bench, B, b"b", number=leader_of(bench, B))
    bench.wait(100)
    tables = [bench.node(number).groups[B].machine.intents.locks.held for number in (1, 2, 3)]
    assert all(tables)
    call(bench, B, b"TXN", b"FINISH", finish(1), number=leader_of(bench, B))
    bench.settle()
    assert not any(tables)


def test_many_clients_want_the_same_keys():
    bench = sharded(3)
    for number in range(12):
        bench.ask(f"x{number}@{1 + number % 3}", "SELECT 3")
    for number in range(12):
        keys = ("a b", "b c", "c a", "d a")[number % 4].split()
        bench.send(f"x{number}", encode("MULTI | " + " | ".join(f"INCR {key}" for key in keys) + " | EXEC"))
    bench.events = []
    bench.until(lambda: sum(text.startswith("[") for _, text in bench.events) == 12)
    assert bench.answer("c", "MGET a b c d") == '["9" "6" "6" "3"]'
    bench.wait(200)
    assert is_clean(bench)


def test_what_takes_too_long_before_the_decision_is_not_done():
    """Rule Z2."""
    bench = sharded(command_timeout_ms=1_000)
    lock(bench, B, b"b")
    assert bench.answer("c", "MSET a 1 b 2").startswith("-TXNRETRY the keys were held by other transactions")
    assert bench.answer("c", "SET a 5") == "+OK"
    assert transactions(bench).counts.timeouts == 1


def test_what_takes_too_long_after_it_may_be_done():
    """Rule Z2: and is gone on with, whoever waits for it."""
    bench = sharded(command_timeout_ms=1_000)
    late = Between(bench, A, b"DECIDE")
    assert bench.answer("c", "WATCH a b") == "+OK"
    answer = bench.say("c", "MULTI | SET a 1 | SET b 2 | EXEC")
    bench.until(lambda: ("c", "TIMEOUT") in [(name, text[1:8]) for name, text in bench.events])
    assert answer[0] == "+OK"
    late.release()
    bench.wait(200)
    assert is_clean(bench) and not transactions(bench).running
