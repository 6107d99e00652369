"""One replica between its node and Raft: forwarding, resending, reads and time (Rules G1 to G3, L1, L2)."""

import pytest

from tests.core.node.bench import Bench, Limits, encode
from trivet.core.group.messages import Forward
from trivet.core.group.outbox import Outbox
from trivet.core.group.run import Run
from trivet.core.machine.entry import Batch, decode_body, encode_batch
from trivet.core.machine.machine import DIGEST_INTERVAL
from trivet.core.node.blocking import Nobody
from trivet.core.node.peers import encode_message
from trivet.core.wire.reply import OK


def batches_in_log(bench: Bench, number: int) -> list[int]:
    """How many batches each entry in memory carries; -1: a no-op of a new leader."""
    raft = bench.node(number).group.raft
    entries = [raft.entry_at(index) for index in range(raft.first_index, raft.last_index + 1)]
    return [len(decode_body(entry.payload).batches) if entry.payload else -1 for entry in entries if entry]


def forward(bench: Bench, sender: int, to: int, *batches: Batch) -> None:
    data = b"".join(encode_message(1, Forward(encode_batch(batch))) for batch in batches)
    bench.node(to).on_link_bytes(bench.links[(sender, to)], data)
    bench.servers[to].dirty = True
    bench.settle()


def batch(sequence: int, key: str = "n", incarnation: int = 1 << 50, node: int = 2) -> Batch:
    return Batch(node, incarnation, sequence, 0, [(0, [b"INCR", key.encode()])])


# -- one entry for the writes of a turn


def test_the_writes_of_a_turn_are_one_entry():
    bench = Bench(3)
    for name in ("a", "b", "c"):
        bench.connect(name)
        bench.send(name, b"INCR n\r\n" * 5)
    bench.settle()
    assert batches_in_log(bench, 1) == [-1, 1]
    assert bench.ask("a", "GET n") == '"15"'


def test_writes_of_all_nodes_share_an_entry_when_they_come_together():
    bench = Bench(3)
    for number in (1, 2, 3):
        bench.connect(f"c{number}", number)
        bench.send(f"c{number}", b"INCR n\r\n")
    for number in (2, 3):
        bench._perform(bench.servers[number], bench.node(number).turn(bench.mono_ms, bench.wall_ms))
    bench._deliver()
    bench.settle()
    assert batches_in_log(bench, 1) == [-1, 3]


def test_a_large_turn_makes_several_entries():
    bench = Bench(3, limits=Limits(segment_bytes=65536, batch_bytes_max=1000))
    for name in ("a", "b", "c"):
        bench.connect(name)
        bench.send(name, b"*3\r\n$3\r\nSET\r\n$1\r\n%b\r\n$600\r\n%b\r\n" % (name.encode(), b"v" * 600))
    bench.settle()
    assert batches_in_log(bench, 1) == [-1, 1, 1, 1]
    assert bench.ask("a", "STRLEN c") == "600"


def test_the_follower_s_client_is_answered_without_waiting_for_a_heartbeat():
    bench = Bench(3)
    before_ms = bench.mono_ms
    assert bench.say("a@2", "INCR n") == ["1"]
    assert bench.mono_ms == before_ms


# -- G1: each batch once per term


def test_a_batch_that_comes_twice_is_proposed_once():
    bench = Bench(3)
    forward(bench, 2, 1, batch(1), batch(1), batch(2))
    forward(bench, 2, 1, batch(1), batch(2))
    assert batches_in_log(bench, 1) == [-1, 2]
    assert bench.ask("a", "GET n") == '"2"'


def test_a_batch_out_of_order_is_left_out_and_comes_again():
    bench = Bench(3)
    forward(bench, 2, 1, batch(1), batch(3))
    assert batches_in_log(bench, 1) == [-1, 1]
    forward(bench, 2, 1, batch(2), batch(3))
    assert batches_in_log(bench, 1) == [-1, 1, 2]
    assert bench.ask("a", "GET n") == '"3"'


def test_a_batch_that_got_in_without_its_predecessor_blocks_nobody():
    """The first one heard in a term may be too late a one: the machine passes it over, and all come again."""
    bench = Bench(3)
    forward(bench, 2, 1, batch(2))
    assert bench.ask("a", "GET n") == "nil"
    forward(bench, 2, 1, batch(1), batch(2), batch(3))
    assert bench.ask("a", "GET n") == '"3"'
    forward(bench, 2, 1, batch(1), batch(2), batch(3))
    assert batches_in_log(bench, 1) == [-1, 1, 3]


def test_a_new_life_of_a_node_starts_anew():
    bench = Bench(3)
    forward(bench, 2, 1, batch(1), batch(2))
    forward(bench, 2, 1, batch(1, incarnation=1 << 51), batch(2, incarnation=1 << 51))
    forward(bench, 2, 1, batch(3))
    assert bench.ask("a", "GET n") == '"4"'


def test_a_forwarded_batch_that_is_none_is_left_out():
    bench = Bench(3)
    data = encode_message(1, Forward(b"\xc1")) + encode_message(1, Forward(encode_batch(batch(1))))
    bench.node(1).on_link_bytes(bench.links[(2, 1)], data)
    bench.servers[1].dirty = True
    bench.settle()
    assert bench.ask("a", "GET n") == '"1"'


def test_a_follower_takes_no_batches():
    bench = Bench(3)
    forward(bench, 1, 2, batch(1))
    bench.wait(200)
    assert batches_in_log(bench, 2) == [-1]


# -- F1: a replica takes over from what stood for it


def test_what_a_replica_had_to_say_itself_goes_through_the_outbox_that_it_adopts():
    bench = Bench(1)
    group = bench.node(1).group
    told: list[str] = []
    before = group.outbox
    group.outbox = Outbox(1, group.settings.incarnation, 8, 1000)
    group.write(said := run_of(told, b"SET", b"own", b"1"), bench.mono_ms)
    before.stage(run_of(told, b"SET", b"k", b"1"), bench.mono_ms)
    group.adopt(before)
    assert group.outbox is before
    bench.servers[1].dirty = True
    bench.settle()
    assert told == ["done", "done"] and said.replies == [OK]
    assert bench.say("a", "MGET own k") == ['["1" "1"]']


def test_a_replica_that_stands_by_says_nothing_before_it_adopts():
    """It may lead already, and have turns: what it numbered itself would be no batch of this node's session."""
    bench = Bench(1)
    group = bench.node(1).group
    told: list[str] = []
    before = group.outbox
    group.outbox = Outbox(1, group.settings.incarnation, 8, 1000)
    group.stands_by = True
    group.write(said := run_of(told, b"SET", b"own", b"1"), bench.mono_ms)
    bench.servers[1].dirty = True
    bench.settle()
    assert said.replies is None and not group.outbox.under_way
    group.adopt(before)
    bench.servers[1].dirty = True
    bench.settle()
    assert said.replies == [OK]


class Waiting:
    def __init__(self, told: list[str]) -> None:
        self.told = told

    def run_done(self) -> None:
        self.told.append("done")


def run_of(told: list[str], *words: bytes) -> Run:
    run = Run(Waiting(told), True)
    run.add((0, list(words)), 20)
    return run


def test_a_replica_is_as_before_when_it_has_applied_its_log():
    bench = Bench(3)
    assert bench.node(3).group.is_as_before, "its log was empty"
    bench.say("a", "SET k 1 | SET k 2")
    for number in (1, 2, 3):
        bench.crash(number)
    bench.start(3)
    bench.settle()
    assert not bench.node(3).group.is_as_before, "nobody says what of it is committed"
    bench.start(1)
    bench.start(2)
    bench.until(lambda: bench.node(3).group.is_as_before)
    assert bench.node(3).group.machine.databases.key_count() == 1


# -- G2: what is under way is sent again


def test_a_forward_that_was_lost_is_sent_again_in_time():
    bench = Bench(3, resend_ms=300)
    bench.cuts[(2, 1)] = None
    assert bench.say("a@2", "INCR n | INCR n") == []
    del bench.cuts[(2, 1)]
    took_ms = bench.until(lambda: bench.events)
    assert 260 <= took_ms <= 340
    assert bench._outcome("a") == ["1", "2"]


def test_a_broken_link_to_the_leader_is_answered_at_once():
    bench = Bench(3)
    bench.cuts[(2, 1)] = None
    assert bench.say("a@2", "INCR n") == []
    bench.cuts.clear()
    bench.hang_up(2, 1)
    bench.settle()
    bench.dial(2, 1)
    assert bench._outcome("a") == ["1"]


def test_writes_survive_a_handover_that_comes_to_nothing():
    """Nothing is taken while the leader hands over; what came then is sent again, in order."""
    bench = Bench(3)
    bench.say("a", "INCR n")
    bench.say("b@3", "INCR n")
    bench.cut(2)
    bench.wait(100)
    bench.node(1).group.raft.transfer(2)
    bench.wait(300)
    assert bench.say("a", "INCR n") == []
    assert bench.say("b", "INCR n") == []
    bench.until(lambda: not bench.node(1).group.raft.transferring)
    # These come before anything is sent again, and have no business being first.
    bench.connect("c", 1)
    bench.connect("d", 3)
    bench.send("c", b"INCR n\r\n")
    bench.send("d", b"INCR n\r\n")
    bench.wait(1000)
    assert sorted(text for _, text in bench.events) == ["3", "4", "5", "6"]
    assert bench.answer("a", "GET n") == '"6"'


@pytest.mark.parametrize("uncommitted_max", [300, 2000])
def test_more_than_may_be_uncommitted_waits(uncommitted_max):
    bench = Bench(3, limits=Limits(segment_bytes=65536, uncommitted_bytes_max=uncommitted_max))
    for number in (1, 2, 3):
        bench.hold(number)
    for i in range(20):
        name = f"c{i}"
        bench.connect(name, 1 + i % 3)
        bench.send(name, encode("INCR n | SET big " + "v" * 100))
        bench.wait(20)
    for number in (1, 2, 3):
        bench.release(number)
    bench.until(lambda: len(bench.events) == 40, 30_000)
    assert sorted(int(text) for _, text in bench.events if text.isdigit()) == list(range(1, 21))


def test_a_long_log_is_applied_in_slices():
    """The node stays in touch while it catches up."""
    bench = Bench(limits=Limits(segment_bytes=65536, apply_bytes_max=1000))
    for i in range(100):
        bench.say("a", f"SET k{i} {'v' * 100}")
    bench.crash(1)
    bench.start(1)
    bench.effects.clear()
    bench.elect(1)
    assert sum(effects.again for _, effects in bench.effects) > 5
    assert bench.say("b", "DBSIZE") == ["100"]


# -- reads


def test_reads_write_nothing():
    bench = Bench(3)
    bench.say("a", "SET k 1")
    last = bench.node(1).group.raft.last_index
    for number in (1, 2, 3):
        assert bench.say(f"r{number}@{number}", "GET k | EXISTS k | GET k") == ['"1"', "1", '"1"']
    assert bench.node(1).group.raft.last_index == last


def test_a_read_at_a_follower_sees_every_write_that_was_acknowledged_anywhere():
    """L1, L2: whoever acknowledged it."""
    bench = Bench(3)
    for i in range(10):
        writer, reader = 1 + i % 3, 1 + (i + 1) % 3
        assert bench.say(f"w{writer}@{writer}", f"SET k {i}") == ["+OK"]
        assert bench.say(f"r{reader}@{reader}", "GET k") == [f'"{i}"']


def test_a_new_leader_reads_only_after_its_own_first_entry():
    """L1: before that it does not know what is committed."""
    bench = Bench(3)
    bench.say("a", "SET k 1")
    bench.cuts[(1, 2)] = bench.cuts[(1, 3)] = None
    bench.say("a", "SET k 2")
    bench.cuts.clear()
    bench.crash(1)
    assert bench.say("b@2", "GET k") == []
    bench.until(lambda: bench.events)
    assert bench._outcome("b") == ['"1"'], "what was acknowledged, and nothing that was not"


def test_reads_asked_of_a_leader_that_dies_are_asked_again():
    """L5."""
    bench = Bench(3)
    bench.say("a@2", "SET k 1")
    bench.cut(1)
    assert bench.say("a", "GET k") == []
    bench.crash(1)
    bench.until(lambda: bench.events)
    assert bench._outcome("a") == ['"1"']


# -- time


@pytest.mark.parametrize("place", [1, 2])
def test_a_key_is_never_read_past_its_deadline(place):
    """Rule L2 of reads: nobody wrote anything since."""
    bench = Bench(3)
    bench.say(f"a@{place}", "SET k 1 PX 1000 | SET j 1 | PEXPIRE j 1500")
    bench.wait(999)
    assert bench.say("a", "GET k | PTTL k | DBSIZE") == ['"1"', "1", "2"]
    bench.wait(1)
    assert bench.say("a", "GET k | PTTL k | EXISTS k j") == ["nil", "-2", "1"]
    assert batches_in_log(bench, 1)[-1] == 0, "a time entry"
    entries = bench.node(1).group.raft.last_index
    assert bench.say("a", "GET k | GET j") == ["nil", '"1"']
    assert bench.node(1).group.raft.last_index == entries, "nothing is due: no other time entry"
    bench.wait(500)
    assert bench.say("a", "GET j") == ["nil"]


def test_only_the_leader_s_clock_counts():
    bench = Bench(3)
    bench.servers[2].wall_skew_ms = 60_000
    bench.servers[3].wall_skew_ms = -60_000
    bench.say("a@2", "SET k 1 PX 1000")
    bench.wait(980)
    assert bench.say("a", "GET k") == ['"1"']
    assert bench.say("b@3", "GET k") == ['"1"']
    bench.wait(20)
    assert bench.say("b", "GET k") == ["nil"]
    assert bench.say("a", "GET k") == ["nil"]


def test_a_leader_whose_clock_is_behind_does_not_bring_keys_back():
    bench = Bench(3)
    bench.servers[2].wall_skew_ms = -3_600_000
    bench.say("a@3", "SET k 1 PX 1000")
    bench.wait(1000)
    assert bench.say("a", "GET k") == ["nil"]
    bench.crash(1)
    bench.until(lambda: bench.leader() != 0)
    bench.elect(2)
    assert bench.answer("a", "GET k") == "nil"


@pytest.mark.parametrize("seed", range(1, 7))
def test_a_new_leader_learns_the_deadlines_before_it_lets_anybody_read(seed):
    """L2: the key was acknowledged by the old leader; the new one has yet to apply it."""
    bench = Bench(3, seed=seed)
    bench.say("a@2", "SET k 1 PX 30")
    deadline_ms = bench.wall_ms + 30
    bench.crash(1)
    bench.connect("b", 3)
    assert bench.say("b", "GET k") == []
    bench.until(lambda: bench.events)
    assert bench._outcome("b") == ["nil" if bench.wall_ms >= deadline_ms else '"1"']


def test_reads_wait_when_the_log_cannot_tell_the_time():
    """L2: a leader that hands over takes no time entry."""
    bench = Bench(3)
    bench.say("a", "SET k 1 PX 100")
    bench.cut(2)
    bench.node(1).group.raft.transfer(2)
    bench.wait(80)
    assert bench.say("a", "GET k") == ['"1"']
    bench.wait(20)
    assert bench.say("a", "GET k") == []
    assert bench.say("b@3", "GET k") == []
    bench.until(lambda: len(bench.events) == 2, 2000)
    assert sorted(bench._outcome("")) == ["a: nil", "b: nil"]


def test_no_read_starves_while_many_keys_are_due():
    bench = Bench(3, limits=Limits(segment_bytes=65536, expire_per_entry_max=3))
    bench.say("a", " | ".join(f"SET k{i} 1 PX 100" for i in range(60)))
    bench.wait(100, [])
    assert bench.say("a", "GET k0 | GET k59") == ["nil", "nil"]
    assert bench.say("b@2", "GET k0 | GET k59") == ["nil", "nil"]
    assert bench.node(1).group.machine.databases.key_count() > 30, "most of them are still there"
    bench.wait(1000)
    assert bench.say("b", "DBSIZE") == ["0"]


def test_expiry_is_the_same_everywhere():
    """C4, M1."""
    bench = Bench(3)
    bench.servers[2].wall_skew_ms = 5000
    for i in range(40):
        bench.say("a", f"SET k{i} {i} PX {50 + i * 20}")
    for _ in range(20):
        bench.wait(40)
        bench.say("b@2", "SPOP s | RANDOMKEY | SADD s a b c d e")
    bench.wait(200)
    digests = [bench.node(n).state_digest() for n in (1, 2, 3)]
    assert digests[0] == digests[1] == digests[2]
    assert [bench.node(n).group.machine.databases.open(0).expired_count for n in (1, 2, 3)][1:] == [
        bench.node(1).group.machine.databases.open(0).expired_count
    ] * 2


# -- G3


def test_a_replica_that_differs_stops():
    bench = Bench(3)
    bench.node(3).group.machine.databases.open(0).set(b"stray", b"1")
    for _ in range(2 * DIGEST_INTERVAL + 2):
        bench.say("a", "INCR n")
        bench.wait(20)
    assert bench.servers[3].end.startswith("fatal this replica differs from the leader's at index 64")
    assert bench.servers[1].end == bench.servers[2].end == ""
    assert bench.say("a", "GET n | GET stray") == [f'"{2 * DIGEST_INTERVAL + 2}"', "nil"]


def test_reads_at_one_node_make_no_replica_differ():
    bench = Bench(3)
    bench.say("r@3", "SELECT 7 | GET k | SELECT 9 | DBSIZE")
    for _ in range(2 * DIGEST_INTERVAL + 2):
        bench.say("a", "INCR n")
        bench.wait(20)
    assert [server.end for server in bench.servers.values()] == ["", "", ""]


def test_a_defect_of_a_command_is_told_and_harms_nobody(monkeypatch):
    import msgspec

    from trivet.core.command.table import ROWS

    def broken(context, args):
        raise ZeroDivisionError("a planted defect")

    monkeypatch.setitem(ROWS, b"SETRANGE", msgspec.structs.replace(ROWS[b"SETRANGE"], run=broken))
    bench = Bench(3)
    assert bench.say("a@2", "SETRANGE k 0 x | SET k 1") == [
        "-ERR internal error: this command failed by a defect, please report it",
        "+OK",
    ]
    bench.wait(200)
    for server in bench.servers.values():
        assert any("ZeroDivisionError" in line for line in server.log)


# -- memory (maxmemory) ------------------------------------------------------------------------


def all_equal(bench: Bench) -> None:
    bench.wait(400)
    digests = {bench.node(number).state_digest() for number in bench.servers}
    assert len(digests) == 1, digests


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
def test_replicas_evict_the_same_keys(policy):
    bench = Bench(3)
    bench.say("a", f"CONFIG SET maxmemory 1124kb maxmemory-policy {policy} notify-keyspace-events KEA")
    for number in range(300):
        assert bench.say("a", f"SET k{number} {'x' * 300}") == ["+OK"]
        bench.say("b@2", "GET k0")
    all_equal(bench)
    left = int(bench.ask("a", "DBSIZE"))
    assert 100 < left < 250
    for number in (1, 2, 3):
        machine = bench.node(number).group.machine
        assert machine.evicted_count == 300 - left
        assert machine.memory.total <= 1124 * 1024 + 500


def test_keys_without_a_deadline_stay():
    bench = Bench(3)
    bench.say("a", "CONFIG SET maxmemory 1104kb maxmemory-policy volatile-lru")
    for number in range(40):
        bench.say("a", f"SET stays{number} {'x' * 300} | SET goes{number} {'x' * 300} EX 1000")
    bench.wait(100)
    told = bench.say("a", "SET stays 1 | " + " | ".join(f"EXISTS stays{number}" for number in range(40)))
    assert told == ["+OK", *["1"] * 40]
    # Nothing is left to evict: growth is refused, as with noeviction.
    for number in range(200):
        bench.say("a", f"SET more{number} {'x' * 300}")
    assert bench.ask("a", "SET k 1") == "-OOM command not allowed when used memory > 'maxmemory'."
    assert bench.ask("a", "DEL stays1") == "1"
    all_equal(bench)


def test_a_new_leader_goes_on_with_it():
    bench = Bench(3)
    bench.say("a@2", "CONFIG SET maxmemory 1104kb maxmemory-policy noeviction")
    for number in range(200):
        bench.say("a", f"SET k{number} {'x' * 300}")
    bench.wait(100)
    assert bench.ask("a", "SET k 1").startswith("-OOM")
    bench.crash(1)
    bench.elect(2)
    assert bench.ask("a", "SET k 1").startswith("-OOM")
    bench.say("a", "CONFIG SET maxmemory-policy allkeys-random")
    bench.wait(100)
    assert bench.ask("a", "SET k 1") == "+OK"
    bench.start(1)
    bench.wait(2000)
    all_equal(bench)


def test_a_limit_that_is_lifted():
    bench = Bench(3)
    bench.say("a", "CONFIG SET maxmemory 1")
    bench.wait(40)
    assert bench.say("a", "SET k 1 | MULTI | SET k 1") == [
        "-OOM command not allowed when used memory > 'maxmemory'.",
        "+OK",
        "-OOM command not allowed when used memory > 'maxmemory'.",
    ]
    assert bench.ask("a", "EXEC") == "-EXECABORT Transaction discarded because of previous errors."
    bench.say("b@3", "CONFIG SET maxmemory 0")
    assert bench.ask("a", "SET k 1") == "+OK"
    all_equal(bench)


# -- slots that come and go


def test_what_the_same_entry_makes_right_is_still_not_answered_with_nothing():
    """The call found its slot sealed; behind it in its entry the seal is lifted. It is sent again, not lost."""
    bench = Bench(1)
    group = bench.node(1).group

    def say(*words: bytes) -> None:
        run = Run(Nobody(), True, patient=True)
        run.add((0, list(words)), 100)
        group.write(run, bench.mono_ms)
        bench.servers[1].dirty = True

    say(b"SEAL", b"1", b"0-16383")
    bench.settle()
    bench.connect("a")
    bench.send("a", b"INCR n\r\n")
    say(b"UNSEAL", b"1")
    bench.settle()
    bench.wait(100)
    assert bench.say("a", "INCR n") == ["2"]
