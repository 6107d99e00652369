"""Reads over several groups without locks: as of one moment, or left to a transaction (Rule V4)."""

from tests.core.node.bench import Bench
from tests.core.node.crossing import A, B, is_clean, lock, sharded, transactions
from tests.core.node.founded import founded
from trivet.core.group.run import Run
from trivet.core.node import collecting
from trivet.core.wire.reply import Error


def counts(bench: Bench) -> tuple[int, int]:
    collects = transactions(bench).collects
    return collects.count, collects.count_of_failed


class Meanwhile:
    """Between a node and the reads of a group: does something when the next one of a kind comes."""

    def __init__(self, bench: Bench, group: int, word: bytes, act) -> None:
        self.group = bench.node(1).front.replicas[group]
        self.word = word
        self.act = act
        bench.node(1).front.replicas[group] = self

    def __getattr__(self, name: str):
        return getattr(self.group, name)

    def read(self, run: Run, now_ms: int) -> None:
        act = self.act
        if run.calls[0][1][0] == self.word and act is not None:
            self.act = None
            if act(run):
                return
        self.group.read(run, now_ms)


def test_reads_over_groups_take_no_locks():
    bench = sharded()
    bench.talk("""
        c> MSET a 1 b 2 | SADD sa x y | SADD sb y z | HSET ha f v
        +OK
        2
        2
        1
    """)
    commits = transactions(bench).counts.commits
    applied = [group.machine.applied_index for group in bench.node(1).groups.values()]
    bench.talk("""
        c> MGET b none a b | EXISTS a b none a | TOUCH a b none | SUNION sa sb | SINTERCARD 2 sa sb | MGET a sa ha
        ["2" nil "1" "2"]
        3
        2
        ["x" "y" "z"]
        1
        ["1" nil nil]
        c> MULTI | GET a | PING | GET b | SMEMBERS sb | INCRBY a x | EXEC
        +OK
        +QUEUED
        +QUEUED
        +QUEUED
        +QUEUED
        +QUEUED
        ["1" +PONG "2" ["y" "z"] -ERR value is not an integer or out of range]
        c> MULTI | GET a | GET b | EXEC | EVAL_RO "return redis.call('GET', KEYS[2])" 2 a b | SUNION a sb
        +OK
        +QUEUED
        +QUEUED
        ["1" "2"]
        "2"
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)
    assert counts(bench) == (9, 0)
    assert transactions(bench).counts.commits == commits + 1, "one of them might have written"
    assert sum(group.machine.applied_index for group in bench.node(1).groups.values()) < sum(applied) + 20
    assert not any(group.machine.collects.watches.watchers for group in bench.node(1).groups.values())
    assert is_clean(bench)


def test_also_through_other_nodes():
    bench = sharded(3)
    for number in (1, 2, 3):
        bench.ask(f"c{number}@{number}", "SELECT 3")
        assert bench.answer(f"c{number}", f"MSET a {number} b {number}") == "+OK"
        assert bench.answer(f"c{number}", "MGET a b") == f'["{number}" "{number}"]'
        assert transactions(bench, number).collects.count == 1


def test_what_changes_between_the_two_is_read_with_locks():
    """Rule V4: what changes after a group has confirmed was not so at the moment that counts."""
    for word, group, reply, failed in (
        (b"COLLECT", B, '["2" "1"]', 1),
        (b"COLLECTED", A, '["2" "1"]', 1),
        (b"COLLECTED", B, '["1" "1"]', 0),
        (b"COLLECT", A, '["2" "1"]', 0),
    ):
        bench = sharded()
        bench.ask("c", "MSET a 1 b 1")
        bench.ask("w", "SELECT 3")
        kept: list[Run] = []

        def act(run: Run, kept=kept) -> bool:
            kept.append(run)
            return True

        held = Meanwhile(bench, group, word, act)
        assert bench.ask("c", "MGET a b") == ""
        assert bench.ask("w", "INCR a") == "2"
        held.group.read(kept[0], bench.mono_ms)
        bench.servers[1].dirty = True
        bench.settle()
        assert bench.events == [("c", reply)]
        assert counts(bench) == (1 - failed, failed)
        bench.wait(100)
        assert is_clean(bench)


def test_locked_keys_are_waited_for():
    bench = sharded(command_timeout_ms=1_000)
    bench.ask("c", "MSET a 1 b 1")
    lock(bench, B, b"b", age=1)
    assert bench.answer("c", "MGET a b").startswith("-TXNRETRY")
    assert counts(bench) == (0, 1)


def test_reads_that_fail_and_answers_that_are_none():
    bench = sharded()
    bench.ask("c", "MSET a 1 b 1")
    for word, reply in (
        (b"COLLECT", Error("CLUSTERDOWN")),
        (b"COLLECT", [1, 2]),
        (b"COLLECTED", 0),
        (b"COLLECTED", None),
    ):
        failed = counts(bench)[1]

        def act(run: Run, reply=reply) -> bool:
            run.finish([reply])
            return True

        Meanwhile(bench, A, word, act)
        assert bench.answer("c", "MGET a b") == '["1" "1"]'
        assert counts(bench)[1] == failed + 1


def test_what_is_not_read_so(monkeypatch):
    """Scripts by name, other keys than were named, watches, too many keys: with locks, and as right."""
    bench = sharded()
    bench.ask("c", "MSET a 1 b 2 c 3")
    bench.talk("""
        c> EVAL_RO "return redis.call('GET', 'c')" 2 a b | WATCH a b | MULTI | GET c | GET b | EXEC
        "3"
        +OK
        +OK
        +QUEUED
        +QUEUED
        ["3" "2"]
    """)
    assert counts(bench) == (0, 1)
    monkeypatch.setattr(collecting, "KEYS_MAX", 2)
    assert bench.answer("c", "MGET a b c") == '["1" "2" "3"]'
    assert counts(bench) == (0, 1)
    bench.wait(100)
    assert is_clean(bench)


def test_a_node_without_copies_reads_elsewhere():
    bench = founded(5, "3 SHARDS 2 REPLICAS 3")
    held = [
        number for number in bench.servers if 3 in bench.node(number).groups or 2 in bench.node(number).groups
    ]
    for number in bench.servers:
        name = f"c{number}"
        bench.ask(f"{name}@{number}", "SELECT 3")
        assert bench.answer(name, f"MSET a {number} b {number} c {number}") == "+OK"
        assert bench.answer(name, "MGET a b c") == f'["{number}" "{number}" "{number}"]'
        assert transactions(bench, number).collects.count == 1, (number, held)
