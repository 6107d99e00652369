"""A whole node among others: failures, leader changes, stopping (Rules D1 to D3)."""

import pytest

from tests.core.node.bench import Bench, Limits
from trivet.core.base.disk import Prepare, Sync, Write
from trivet.core.base.prng import Prng
from trivet.core.steward.settings import StewardSettings

TIMEOUT = "-TIMEOUT no majority confirmed the command in time: it may have taken effect, or still may"
NO_LEADER = "-CLUSTERDOWN no leader: this node is cut off from the majority; nothing was done"
NO_READ = "-CLUSTERDOWN no majority confirmed the read in time; nothing was done"


# -- any client, any node


def test_every_node_serves_every_client():
    Bench(3).talk(
        """
        a@1> SET k 1 | INCR n
        +OK
        1
        b@2> GET k | INCR n
        "1"
        2
        c@3> GET k | INCR n | GET n
        "1"
        3
        "3"
        """
    )


@pytest.mark.parametrize("size", [1, 3, 5])
def test_groups_of_one_three_and_five(size):
    bench = Bench(size)
    assert bench.say("a", "SET k 1") == ["+OK"]
    assert bench.say(f"b@{size}", "GET k") == ['"1"']


def test_five_nodes_bear_the_loss_of_two():
    bench = Bench(5)
    bench.crash(1)
    bench.crash(2)
    assert bench.say("a@3", "INCR n") == []
    bench.until(lambda: bench.node(3).group.raft.leader not in (0, 1, 2))
    bench.wait(100)
    assert bench.act("wait 20") == ["a: 1"]


# -- a leader dies


def test_clients_of_living_nodes_see_a_pause_and_no_error():
    bench = Bench(3)
    bench.say("a@2", "SET k 1")
    bench.crash(1)
    assert bench.say("a", "INCR k | GET k") == []
    assert bench.say("b@3", "GET k | INCR k") == []
    took_ms = bench.until(lambda: len(bench.events) == 4)
    assert took_ms <= 200, "the broken connections say it at once, no time-out is waited for"
    assert sorted(bench._outcome("")) in (
        ['a: "2"', "a: 2", 'b: "1"', "b: 3"],
        ['a: "2"', "a: 2", 'b: "2"', "b: 3"],
        ['a: "3"', "a: 2", 'b: "2"', "b: 3"],
        ['a: "3"', "a: 3", 'b: "1"', "b: 2"],
    )


def test_a_leader_that_hangs_is_given_up_in_time():
    bench = Bench(3)
    bench.cut(1)
    bench.say("a@2", "INCR n")
    took_ms = bench.until(lambda: bench.events != [], 3000)
    assert 900 <= took_ms <= 2500
    assert bench._outcome("a") == ["1"]


def test_a_deposed_leader_learns_of_it_and_its_clients_lose_nothing():
    bench = Bench(3)
    bench.cut(1)
    assert bench.say("a@1", "INCR n | GET n") == []
    bench.say("b@2", "INCR n")
    bench.until(lambda: bench.events != [], 3000)
    bench.heal()
    bench.wait(1000)
    assert sorted(bench._outcome("")) == ['a: "2"', "a: 2", "b: 1"]
    assert bench.say("b", "GET n") == ['"2"']


class Counting:
    """Clients of every node that count, and what may truly be the sum."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.waiting: dict[str, int] = {}
        """By open connection: increments without an answer."""
        self.acknowledged = 0
        self.unknown = 0
        """Increments whose connection died with its node: once or not at all."""

    def count(self, times: int) -> None:
        served = {self.bench.clients[name].node for name in self.waiting}
        for server in self.bench.servers.values():
            if server.node is not None and server.number not in served:
                name = f"c{len(self.bench.clients)}"
                self.bench.connect(name, server.number)
                self.waiting[name] = 0
        for name in self.waiting:
            self.bench.send(name, b"INCR n\r\n" * times)
            self.waiting[name] += times

    def hear(self) -> None:
        for name, text in self.bench.events:
            if text == "closed":
                self.unknown += self.waiting.pop(name)
            else:
                assert text.isdigit(), f"{name} saw {text}"
                self.waiting[name] -= 1
                self.acknowledged += 1
        self.bench.events = []


def _trouble(bench: Bench, prng: Prng) -> None:
    draw = prng.below(10)
    number = 1 + prng.below(3)
    if draw == 0:
        bench.cut(number)
    elif draw <= 2:
        bench.heal()
    elif draw == 3 and bench.servers[number].node is not None:
        bench.crash(number, power=prng.chance(0.5))
    elif draw <= 5 and bench.servers[number].node is None:
        bench.start(number)
    elif draw == 6 and (number, number % 3 + 1) in bench.links:
        bench.hang_up(number, number % 3 + 1)
        bench.settle()
        bench.dial(number, number % 3 + 1)
    elif draw == 7:
        (bench.release if bench.servers[number].disk.held else bench.hold)(number)
    elif draw == 8 and (leading := bench.servers[number].node) is not None:
        leading.group.raft.transfer(number % 3 + 1)


@pytest.mark.parametrize("seed", range(16))
def test_increments_count_exactly_once(seed):
    """C1: crashes, cuts, lost connections, hanging disks, handovers; clients of living nodes see no error."""
    prng = Prng(seed)
    limits = Limits(
        segment_bytes=65536, snapshot_log_bytes=4000, snapshot_chunk_bytes=200, log_memory_bytes=1500
    )
    bench = Bench(3, seed=seed + 1, limits=limits, command_timeout_ms=120_000)
    clients = Counting(bench)
    for _ in range(80):
        clients.count(1 + prng.below(3))
        _trouble(bench, prng)
        bench.wait(20 * (1 + prng.below(20)))
        clients.hear()
    for server in bench.servers.values():
        bench.release(server.number)
        if server.node is None:
            bench.start(server.number)
    bench.heal()
    bench.until(lambda: clients.hear() is None and not any(clients.waiting.values()))
    total = int(bench.answer("z", "GET n").strip('"'))
    assert clients.acknowledged <= total <= clients.acknowledged + clients.unknown
    assert clients.acknowledged > 0
    bench.until(lambda: len({bench.node(n).state_digest() for n in (1, 2, 3)}) == 1)


# -- cut off from the majority


def test_what_never_left_is_refused_for_certain():
    bench = Bench(3, command_timeout_ms=2000)
    bench.cut(3)
    bench.until(lambda: bench.node(3).group.raft.leader == 0)
    bench.connect("a", 3)
    bench.connect("b", 3)
    assert bench.say("a", "SET k 1 | INCR k") == []
    assert bench.say("b", "GET k | PING") == []
    bench.wait(1900)
    assert bench._outcome("") == []
    bench.wait(300)
    assert sorted(bench._outcome("")) == [f"a: {NO_LEADER}", f"a: {NO_LEADER}", "b: +PONG", f"b: {NO_READ}"]
    bench.heal()
    bench.until(lambda: bench.leader() != 0)
    assert bench.say("a", "GET k | SET k 2 | GET k") == ["nil", "+OK", '"2"'], "and indeed nothing was done"


def test_what_has_left_may_still_take_effect():
    bench = Bench(3, command_timeout_ms=2000)
    bench.cut(3)
    assert bench.say("a@3", "INCR n") == []
    bench.wait(2200)
    assert bench._outcome("a") == [TIMEOUT]
    bench.heal()
    bench.wait(3000)
    assert bench.say("a", "INCR n") == ["2"], "it did, once, and before its successor"


def test_the_minority_goes_on_reading_nothing_new():
    """L2: no linearizable read from a leader without a majority, not even at once."""
    bench = Bench(3)
    bench.say("a@1", "SET k old")
    bench.cut(1)
    bench.say("b@2", "SET k new")
    bench.until(lambda: ("b", "+OK") in bench.events)
    assert bench.say("a", "GET k") == []
    bench.wait(6000)
    assert bench._outcome("a") == [NO_READ]


# -- the disk


@pytest.mark.parametrize("kind", [Write, Sync])
def test_a_log_that_fails_is_the_end(kind):
    """D3: and nothing that waited for it is answered."""
    bench = Bench()
    bench.say("a", "SET k 1")
    bench.servers[1].disk.fails = kind
    assert bench.say("a", "SET k 2") == ["closed"]
    assert bench.servers[1].end == "fatal simulated failed"
    bench.start(1)
    bench.elect(1)
    assert bench.say("b", "GET k") in (['"1"'], ['"2"'])


def test_a_failed_preparation_is_the_end_too():
    bench = Bench(limits=Limits(segment_bytes=8192))
    bench.servers[1].disk.fails = Prepare
    for _ in range(10):
        if bench.servers[1].node is not None:
            bench.say("a", "SET k " + "v" * 2000)
    assert bench.servers[1].end.startswith("fatal ")


def test_after_a_fatal_failure_others_take_over():
    bench = Bench(3)
    bench.say("b@2", "SET k 1")
    bench.unsynced(1)
    assert bench.say("a@1", "SET k 2") == ["closed"]
    assert bench.servers[1].end.startswith("fatal")
    bench.say("b", "GET k")
    bench.until(lambda: bench.events != [])
    assert bench._outcome("b")[0] in ('"1"', '"2"')


def test_nothing_enters_or_leaves_before_the_log_is_known_to_be_durable():
    """D2."""
    bench = Bench(3)
    bench.say("a@2", "SET k 1")
    bench.crash(3)
    bench.hold(3)
    bench.start(3)
    bench.effects.clear()
    bench.connect("c", 3)
    assert bench.say("c", "PING | GET k") == []
    bench.wait(500)
    others = [frame for number, effects in bench.effects if number == 3 for frame in effects.sends]
    assert len(others) == 2, "the two introductions"
    bench.release(3)
    bench.wait(200)
    assert bench._outcome("c") == ["+PONG", '"1"']


def test_a_report_of_nobody():
    bench = Bench()
    bench.node(1).on_disk_done(10**9, [])
    bench.settle()
    assert bench.say("a", "PING") == ["+PONG"]


# -- stopping


def test_a_graceful_stop_hands_leadership_over():
    bench = Bench(3)
    bench.say("a@2", "SET k 1")
    bench.act("stop 1")
    assert bench.node(2).group.raft.leader in (2, 3), "at once, without an election time-out"
    bench.wait(200)
    assert bench.servers[1].end == "finished"
    assert bench.say("a", "INCR k | GET k") == ["2", '"2"']


def test_a_graceful_stop_waits_for_writes_under_way():
    bench = Bench(3)
    bench.hold(2)
    bench.hold(3)
    assert bench.say("a@1", "SET k 1") == []
    bench.act("stop 1")
    bench.wait(300)
    assert bench.servers[1].end == ""
    bench.release(2)
    bench.release(3)
    bench.wait(1000)
    assert "a: +OK" in bench._outcome("")
    assert bench.servers[1].end == "finished"


def test_a_graceful_stop_is_not_for_ever():
    bench = Bench(3)
    bench.cut(1)
    bench.act("stop 1")
    took_ms = bench.until(lambda: bench.servers[1].end != "")
    assert took_ms <= 2000
    assert bench.servers[1].end == "finished"
    alone = Bench(1)
    alone.act("stop 1")
    alone.act("stop 1")
    assert alone.until(lambda: alone.servers[1].end != "") <= 100


# -- what people are told


def test_leaders_are_told_in_the_log():
    bench = Bench(3)
    bench.crash(1)
    bench.until(lambda: bench.leader() in (2, 3))
    leader = bench.leader()
    assert f"group 1, term {bench.node(2).group.raft.term}: node {leader} leads" in bench.servers[2].log
    assert any(line.endswith("nobody leads") for line in bench.servers[2].log)


def test_a_client_whose_command_was_parked_and_then_waited_is_read_from_again():
    bench = Bench(3)
    assert bench.say("a", "SET k 1 | WAIT 5 40") == ["+OK"]
    assert bench.act("wait 60") == ["a: 2"]
    assert bench.say("a", "GET k | BLPOP q 0.05") == ['"1"']
    assert bench.act("wait 100") == ["a: nil*"]
    assert bench.say("a", "GET k") == ['"1"']


# -- slots that move


def test_slots_move_while_clients_write():
    """Nobody sees an error; every key is where the map says, once."""
    bench = Bench(3, steward=StewardSettings(split_after_ms=0))
    bench.wait(6_000)
    bench.say("a", "KEYSPACE CREATE 20 SHARDS 1")
    assert bench.act("wait 2000") == ["a: +OK"]
    assert bench.say("a", "SELECT 20") == ["+OK"]
    assert bench.say("b@2", "SELECT 20") == ["+OK"]
    for number in range(200):
        bench.say("a", f"SET k{number} v{number}")
    assert bench.say("a", "KEYSPACE ALTER 20 SHARDS 2") == ["+OK"]
    for number in range(200):
        assert [*bench.say("ab"[number % 2], f"APPEND k{number} +"), *bench.act("wait 20")] != []
    cluster = bench.node(1).system.machine.cluster
    assert cluster is not None
    owners = [row for row in cluster.groups.values() if row.keyspace == 20]
    assert len(owners) == 2
    assert not cluster.moves
    assert bench.say("b", "DBSIZE") == ["200"]
    for number in range(200):
        assert bench.say("b", f"GET k{number}") == [f'"v{number}+"'], number
    held = [len(bench.node(3).groups[row.id].machine.databases.open(20).values) for row in owners]
    assert sum(held) == 200
    assert min(held) > 50
