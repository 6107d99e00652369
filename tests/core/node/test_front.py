"""What sessions share: how many there may be, when writes are refused, who is cut off."""

import pytest

from tests.core.node.bench import SMALL, Bench, Limits, encode
from tests.core.node.founded import founded
from trivet.core.base.limits import KIB

FULL = "-OOM the disk of this node is full: writes are refused until space returns, reads go on; nothing was done"
BUSY = "-OOM too many writes wait for a majority (limit pending_bytes_max); nothing was done"


def test_one_client_too_many():
    bench = Bench(limits=Limits(segment_bytes=65536, connections_max=2))
    bench.talk(
        """
        a> PING
        +PONG
        b> PING
        +PONG
        c> PING
        -ERR max number of clients reached
        closed
        a> QUIT
        +OK
        closed
        d> PING
        +PONG
        """
    )
    assert bench.node(1).front.counters.connections_refused == 1


def test_a_full_disk_refuses_growth_and_nothing_else():
    bench = Bench()
    bench.ask("a", "SET k 1 | SADD s m")
    bench.servers[1].disk.full = True
    big = "SET big " + "v" * 5000
    for _ in range(40):
        bench.say("a", big)
    assert bench.say("a", f"{big} | GET k | PING | INCR k") == [FULL, '"1"', "+PONG", FULL]
    assert bench.say("a", "DEL k | GET k | WATCH k") == [FULL, '"1"', FULL], (
        "even this would need room in the log"
    )
    assert bench.say("a", "MULTI | SET k 1 | EXEC")[1:] == [
        FULL,
        "-EXECABORT Transaction discarded because of previous errors.",
    ]
    assert "trivet_disk_full:1" in bench.ask("a", "INFO persistence")
    bench.wait(2000)
    assert bench.say("a", big) == [FULL]
    bench.servers[1].disk.full = False
    bench.wait(2000)
    assert bench.say("a", f"{big} | STRLEN big") == ["+OK", "5000"], "it recovers by itself"


def test_a_leader_with_a_full_disk_hands_over():
    """Clients of the node with the full disk are refused, those of the others served."""
    bench = Bench(3, limits=SMALL)
    bench.servers[1].disk.full = True
    for _ in range(40):
        bench.say("a@2", "SET big " + "v" * 5000)
    bench.until(lambda: bench.leader() in (2, 3))
    bench.wait(1000)
    assert set(bench._outcome("a")) == {"+OK"}
    assert bench.say("a", "SET k 1") == ["+OK"]
    assert bench.say("b@1", "SET k 2 | DEL k | READONLY | GET k") == [FULL, FULL, "+OK", "nil"]


def test_writes_that_wait_for_a_majority_are_bounded():
    bench = Bench(3, limits=Limits(segment_bytes=65536, pending_bytes_max=10 * KIB))
    bench.cut(1)
    for name in ("a", "b"):
        assert bench.say(name, "SET k " + "v" * 6000) == []
    assert bench.say("c", "SET k 1 | PING | WATCH k") == [BUSY, "+PONG", BUSY]
    assert "trivet_pending_bytes:12" in bench.ask("c", "INFO memory")
    bench.heal()
    assert bench.act("wait 1500") == ["a: +OK", "b: +OK"]
    assert bench.say("c", "SET k 1") == ["+OK"]


def test_a_stopping_node_takes_no_writes():
    bench = Bench(3)
    bench.hold(1)
    bench.hold(2)
    bench.hold(3)
    bench.node(1).stop()
    assert bench.say("a", "SET k 1 | GET k")[:1] == ["-CLUSTERDOWN this node is stopping; nothing was done"]


def test_a_client_that_reads_too_slowly_is_not_read_from():
    bench = Bench()
    bench.say("a", "PING")
    bench.backlog("a", 2 * 1024 * KIB)
    bench.settle()
    assert bench.clients["a"].paused
    assert bench.say("a", "PING") == []
    bench.backlog("a", 3 * 1024 * KIB)
    bench.wait(1000)
    assert bench.clients["a"].paused
    bench.backlog("a", 0)
    assert bench._outcome("a") == ["+PONG"]
    assert not bench.clients["a"].paused


def test_a_little_backlog_does_not_matter():
    bench = Bench()
    bench.say("a", "PING")
    bench.backlog("a", 100 * KIB)
    assert bench.say("a", "PING") == ["+PONG"]


def test_a_client_that_never_reads_is_cut_off_at_a_limit():
    bench = Bench()
    bench.say("a", "PING")
    bench.backlog("a", 257 * 1024 * KIB)
    assert bench._outcome("a") == ["cut off"]
    assert any("was cut off" in line for line in bench.servers[1].log)
    assert "trivet_clients_cut_off:1" in bench.ask("b", "INFO stats")


def test_a_client_that_stopped_reading_is_cut_off_in_time():
    bench = Bench()
    bench.say("a", "PING")
    bench.say("b", "PING")
    bench.backlog("a", 2 * 1024 * KIB)
    bench.backlog("b", 2 * 1024 * KIB)
    bench.wait(30_000)
    bench.backlog("b", 0)
    bench.wait(30_000)
    assert bench._outcome("") == ["a: cut off"]
    assert bench.say("b", "PING") == ["+PONG"]


def test_a_backlog_of_nobody():
    bench = Bench()
    bench.node(1).on_client_backlog(999, 1 << 40)
    bench.node(1).on_client_bytes(999, b"PING\r\n")
    bench.node(1).on_client_closed(999)
    bench.settle()


def test_chance_of_reads_differs_from_one_to_the_next():
    front = Bench().node(1).front
    assert front.prng().u64() != front.prng().u64()


def test_a_node_with_a_full_disk_reads_at_the_leader():
    """L3: its copy falls behind, its clients' reads do not."""
    bench = Bench(3)
    bench.servers[2].disk.full = True
    big = "SET k " + "v" * 20_000
    for _ in range(40):
        bench.say("a", big)
    assert bench.node(2).group.disk_full
    bench.say("a", "SET k new | HSET h f 1")
    assert bench.node(2).group.machine.applied_index < bench.node(1).group.machine.applied_index
    assert bench.say("b@2", "GET k | HGETALL h | MULTI | GET k | EXEC") == [
        '"new"',
        '["f" "1"]',
        "+OK",
        "+QUEUED",
        '["new"]',
    ]


# -- groups that a node does not know yet


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("SET k 1 | GET k", ["+OK", '"1"']),
        ("MULTI | SET k 1 | EXEC", ["+OK", "+QUEUED", "[+OK]"]),
        ("WATCH k | UNWATCH", ["+OK", "+OK"]),
        ("RPUSH q x | BLPOP q 1", ["1", '["q" "x"]']),
        ("BLPOP none 0.1", ["nil*"]),
        ("DBSIZE | CLUSTER COUNTKEYSINSLOT 1", ["0", "0"]),
    ],
)
def test_a_command_waits_until_its_group_is_known(line, replies):
    bench = founded(3, "20")
    bench.ask("a", "SELECT 20")
    front = bench.node(1).front
    group = front.replicas.pop(2)
    front.homes_changed()
    said = bench.say("a", line)
    bench.wait(100)
    said += [text for _, text in bench.events]
    bench.events = []
    assert len(said) < len(replies)
    front.replicas[2] = group
    front.homes_changed()
    bench.until(lambda: len(said) + len(bench.events) == len(replies))
    assert said + [text for _, text in bench.events] == replies
    bench.wait(40)
    assert not front.adrift


def test_it_does_not_wait_for_ever_and_is_forgotten_with_its_client():
    bench = founded(3, "20", command_timeout_ms=2_000)
    bench.ask("a", "SELECT 20")
    bench.ask("b", "SELECT 20")
    front = bench.node(1).front
    front.replicas.pop(2)
    front.homes_changed()
    assert bench.say("a", "GET k") == [] and bench.say("b", "GET k") == []
    bench.hang_up_client("b")
    assert 1_900 <= bench.until(lambda: bench.events) <= 2_100
    ((name, text),) = bench.events
    assert name == "a" and text.startswith("-CLUSTERDOWN this node does not know yet who holds these keys")
    assert not front.adrift


class Patient:
    """Steps that wait for time to pass."""

    def __init__(self):
        self.looks = 0

    def look(self):
        self.looks += 1
        assert self.looks < 1_000, "a turn without an end"
        return False


def test_a_turn_ends_while_one_waits_for_a_group_and_another_for_its_time():
    """Who waits for the map looks when time has passed: in a turn it would be parked again, and the turn go on."""
    bench = founded(3, "20")
    bench.ask("a", "SELECT 20")
    front = bench.node(1).front
    group = front.replicas.pop(2)
    front.homes_changed()
    patient = Patient()
    front.steps.append(patient)
    assert bench.say("a", "SET k 1") == []
    bench.wait(100)
    assert front.adrift and 0 < patient.looks < 50
    front.replicas[2] = group
    front.homes_changed()
    bench.until(lambda: [text for _, text in bench.events] == ["+OK"])


def test_what_is_put_into_another_keyspace():
    founded(3, "3").talk(
        """
        a> SET k 1 | COPY k k2 DB 3 | MOVE k 3 | SWAPDB 0 3 | DBSIZE | SELECT 3 | MGET k k2
        +OK
        1
        1
        -CROSSSLOT SWAPDB can't be done in several groups at once: it works as long as all data is in one group; nothing was done
        0
        +OK
        ["1" "1"]
        a> MULTI | MOVE k 0 | GET k | DBSIZE | EXEC | MULTI | MOVE k 0 | GET k | EXEC | SELECT 0 | GET k
        +OK
        +QUEUED
        +QUEUED
        +QUEUED
        -CROSSSLOT SCRIPT, FUNCTION and commands about whole databases (DBSIZE, KEYS, ...) can't be part of a transaction over several groups: say them outside of MULTI; nothing was done
        +OK
        +QUEUED
        +QUEUED
        [1 nil]
        +OK
        "1"
        """
    )


def test_a_write_behind_a_read_that_was_answered_in_its_turn_is_a_call_of_its_own():
    """Over several groups each has one run per turn; one that was answered takes no more calls."""
    bench = founded(1, "20 SHARDS 2")
    said = bench.say("a", "SELECT 20 | GET a | INCR a | GET b | INCR b | GET a | MGET a b")
    assert said == ["+OK", "nil", "1", "nil", "1", '"1"', '["1" "1"]']


@pytest.mark.parametrize("sharded", [False, True])
def test_what_a_late_tick_has_answered_is_joined_by_nothing(sharded):
    """A machine that stood still: bytes, the tick that gives them up, and more bytes in one turn."""
    bench = founded(3, *(["7 SHARDS 2"] if sharded else []))
    assert bench.say("a", "SELECT 7") == ["+OK"]
    bench.cut(1)
    bench.wait(3_000)
    assert bench.node(1).group.raft.leader == 0
    node, client = bench.node(1), bench.connect("b", 1)
    bench.send("b", encode("SELECT 7"))
    bench.settle()
    bench.events.clear()
    node.on_client_bytes(client.conn, encode("SET k 1"))
    node.on_tick(bench.mono_ms + 10_000, bench.wall_ms + 10_000)
    node.on_client_bytes(client.conn, encode("SET k 2 | PING"))
    bench.mono_ms += 10_000
    bench.settle()
    bench.wait(6_000)
    said = [text for who, text in bench.events if who == "b"]
    assert len(said) == 3 and said[-1] == "+PONG"
    assert all(text.startswith("-CLUSTERDOWN") for text in said[:2])
    assert node.front.pending_bytes == 0
