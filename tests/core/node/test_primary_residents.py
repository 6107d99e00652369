"""Mode ``primary`` in a whole cluster: who is the primary, failover, what is set aside, WAIT (Rules G9, K12, Z1)."""

from tests.core.node.bench import Bench
from trivet.core.group.set_aside import read_file
from trivet.core.raft.state import Role
from trivet.core.wire.reply import OK

GROUP = 2
DB = 5


def with_primary(nodes: int = 3, words: str = "", **settings) -> Bench:
    bench = Bench(nodes, **settings)
    bench.found()
    assert bench.change_map(1, f"KEYSPACE CREATE {DB} MODE primary REPLICAS 3{words}") == OK
    bench.until(lambda: primary_of(bench) != 0)
    bench.wait(500)
    return bench


def primary_of(bench: Bench) -> int:
    """Who leads it in the newest term."""
    best = (0, 0)
    for server in bench.servers.values():
        if server.node is not None and GROUP in server.node.groups:
            raft = server.node.groups[GROUP].raft
            if raft.role is Role.LEADER and raft.term_at(raft.commit) == raft.term:
                best = max(best, (raft.term, server.number))
    return best[1]


def waited(bench: Bench, number: int) -> str:
    """What ``WAIT 2`` says at a node after a write there."""
    bench.say(f"w@{number}", f"SELECT {DB} | SET waited 1")
    return bench.answer(f"w@{number}", "WAIT 2 1000")


def test_commands_work_everywhere_and_wait_counts_backups():
    bench = with_primary()
    primary = primary_of(bench)
    for number in bench.servers:
        assert bench.say(f"c{number}@{number}", f"SELECT {DB} | INCR n | GET n") == [
            "+OK",
            str(number),
            f'"{number}"',
        ]
    assert waited(bench, primary) == "2"


def asides(bench: Bench, number: int) -> list[str]:
    return [file for file in bench.servers[number].disk.names() if file.startswith("set-aside-")]


def content(bench: Bench, number: int) -> list[list[bytes]]:
    """The commands that a node has set aside."""
    found: list[list[bytes]] = []
    disk = bench.servers[number].disk
    for file in asides(bench, number):
        head, rows = read_file(disk.read(file, 0, 1 << 24))
        assert head.entries == len(rows)
        calls = [call[1] for row in rows for batch in row.batches for call in batch.calls]
        assert head.calls == len(calls)
        found += calls
    return found


def info(bench: Bench, number: int) -> dict[str, str]:
    text = "\n".join(bench.say(f"i@{number}", "INFO cluster"))
    return dict(line.split(":", 1) for line in text.replace("\\r\\n", "\n").split("\n") if ":" in line)


def fail_over(bench: Bench, more: int = 0) -> tuple[int, int]:
    """The primary is cut off and takes two writes, then another is named; (old, new)."""
    old = primary_of(bench)
    bench.say(f"a@{old}", f"SELECT {DB} | SET kept 1")
    assert waited(bench, old) == "2"
    bench.cut(old)
    assert bench.say(f"a@{old}", "SET lost 1 | INCR kept") == ["+OK", "2"]
    for number in range(more):
        assert bench.say(f"a@{old}", f"SET more{number} {'v' * 400}") == ["+OK"]
    bench.until(lambda: primary_of(bench) != old)
    return old, primary_of(bench)


def test_failover_sets_aside_what_the_new_primary_does_not_have():
    bench = with_primary()
    old, new = fail_over(bench)
    assert bench.say(f"b@{new}", f"SELECT {DB} | GET kept | GET lost | INCR kept")[1:] == ['"1"', "nil", "2"]
    assert bench.say(f"a@{old}", "GET lost") == ['"1"'], "it has not heard yet: that is the mode"
    bench.heal()
    bench.until(lambda: asides(bench, old))
    bench.wait(3_000)
    assert bench.say(f"a@{old}", "GET kept | GET lost | SET x 1") == ['"2"', "nil", "+OK"]
    assert content(bench, old) == [[b"SET", b"lost", b"1"], [b"INCR", b"kept"]]
    assert all(not asides(bench, number) for number in bench.servers if number != old)
    counts = info(bench, old)
    assert (counts["trivet_primary_set_aside_files"], counts["trivet_primary_set_aside_calls"]) == ("1", "2")
    bench.wait(1_000)
    machines = [bench.node(number).groups[GROUP].machine for number in bench.servers]
    assert len({(machine.applied_index, machine.digest) for machine in machines}) == 1


def test_who_was_killed_sets_aside_when_he_comes_back_and_counts_it_after_another_start():
    bench = with_primary()
    old, _ = fail_over(bench)
    bench.crash(old)
    bench.heal()
    bench.wait(500)
    bench.start(old)
    bench.until(lambda: asides(bench, old))
    bench.wait(3_000)
    assert content(bench, old) == [[b"SET", b"lost", b"1"], [b"INCR", b"kept"]]
    bench.crash(old)
    bench.start(old)
    bench.wait(3_000)
    assert info(bench, old)["trivet_primary_set_aside_calls"] == "2"
    assert bench.say(f"z@{old}", f"SELECT {DB} | GET kept | INCR kept")[1:] == ['"1"', "2"]


def test_a_primary_that_is_back_in_time_stays_it_and_loses_nothing():
    bench = with_primary()
    old = primary_of(bench)
    bench.cut(old)
    assert bench.say(f"a@{old}", f"SELECT {DB} | SET only here")[1:] == ["+OK"]
    bench.crash(old)
    bench.heal()
    bench.start(old)
    bench.until(lambda: primary_of(bench) != 0)
    assert primary_of(bench) == old
    bench.wait(1_000)
    assert bench.say(f"b@{old % 3 + 1}", f"SELECT {DB} | GET only")[1:] == ['"here"']
    assert bench.node(old).groups[GROUP].raft.generation == 0


def test_leadership_is_handed_over_without_loss():
    bench = with_primary()
    old = primary_of(bench)
    to = old % 3 + 1
    for number in range(20):
        bench.say(f"a@{old}", f"SELECT {DB} | RPUSH l {number}")
        if number == 10:
            assert bench.node(old).steward.lead(GROUP, to)
    bench.until(lambda: primary_of(bench) == to)
    bench.wait(1_000)
    assert bench.say(f"b@{to}", f"SELECT {DB} | LLEN l")[1:] == ["20"]
    assert bench.node(to).groups[GROUP].raft.generation == 0
    assert bench.node(1).front.cluster.groups[GROUP].primary == to
    assert not any(asides(bench, number) for number in bench.servers)


def test_a_primary_that_is_drained_hands_over_before_it_goes():
    bench = with_primary(5)
    old = primary_of(bench)
    members = bench.node(1).front.cluster.groups[GROUP].members
    spare = next(number for number in bench.servers if number not in members)
    bench.say(f"a@{old}", f"SELECT {DB} | SET k v")
    target = sorted([spare, *[number for number in members if number != old]])
    assert bench.change_map(1, f"GROUP TARGET {GROUP} {' '.join(map(str, target))}") == OK
    bench.until(lambda: bench.node(1).front.cluster.groups[GROUP].members == target)
    bench.wait(2_000)
    assert GROUP not in bench.node(old).groups
    assert bench.say(f"a@{old}", "GET k | SET k w | GET k") == ['"v"', "+OK", '"w"']
    assert not any(asides(bench, number) for number in bench.servers)


def test_transactions_scripts_and_waiting_calls_run_as_ever():
    bench = with_primary()
    bench.talk(
        f"""
        a@1> SELECT {DB} | MULTI | SET k 1 | INCR k | EXEC
        +OK
        +OK
        +QUEUED
        +QUEUED
        [+OK 2]
        b@2> SELECT {DB} | BLPOP l 0
        +OK
        a@1> LPUSH l x
        1
        b: ["l" "x"]
        """
    )
