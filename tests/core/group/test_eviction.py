"""What a leader proposes when there is too much."""

from tests.core.machine.replicas import Replica, execute
from trivet.core.base.prng import Prng
from trivet.core.group.eviction import VICTIMS_MAX, Evictor
from trivet.core.values.sizes import BASE_BYTES
from trivet.core.wire.reply import OK

OOM = "OOM command not allowed when used memory > 'maxmemory'."


def replica_with(policy: str, over_bytes: int, lines: list[str]) -> Replica:
    """It takes so many bytes more than are allowed."""
    replica = Replica()
    replica.run(
        f"SETTING maxmemory-policy {policy} maxmemory 1000000000", "SETTING notify-keyspace-events KEA"
    )
    replica.run(*lines)
    memory = replica.machine.memory
    assert memory is not None
    replica.one(f"SETTING maxmemory {memory.total - over_bytes}")
    return replica


def carry_out(replica: Replica, evictor: Evictor) -> list[bytes]:
    """Look, and apply what is proposed."""
    run = evictor.look(replica.machine, replica.now_ms)
    if run is None:
        return []
    assert evictor.look(replica.machine, replica.now_ms) is None, "one at a time (Rule E1)"
    (call,) = run.calls
    run.finish([replica.one(call)])
    return call[1]


def test_nothing_without_a_limit_or_below_it():
    replica = Replica()
    assert Evictor(Prng(1)).look(replica.machine, 0) is None
    replica.one("SETTING maxmemory 100000000")
    assert Evictor(Prng(1)).look(replica.machine, 0) is None


def test_noeviction_refuses_growth_until_there_is_room():
    replica = replica_with("noeviction", 1, ["SET a 1", "SET b 2"])
    evictor = Evictor(Prng(1))
    assert carry_out(replica, evictor) == [b"EVICT", b"1"]
    assert carry_out(replica, evictor) == []
    refused, removed, read = replica.run("SET c 3", "DEL a", "GET b")
    assert (refused.text, removed, read) == (OOM, 1, b"2")
    assert (
        replica.one(execute(["GET b", "SET c 3"])).text
        == f"EXECABORT Transaction discarded because of: {OOM}"
    )
    assert replica.one(execute(["GET b", "DEL b"])) == [b"2", 1]
    assert replica.one("BLOCK 7 BLMOVE l m LEFT RIGHT 0").text == OOM
    assert carry_out(replica, evictor) == [b"EVICT", b"0"]
    assert replica.one("SET c 3") == OK


def test_a_policy_evicts_until_there_is_room():
    replica = replica_with("allkeys-random", 3000, [f"SET k{n} 1" for n in range(100)])
    evictor = Evictor(Prng(1))
    call = carry_out(replica, evictor)
    assert call[:2] == [b"EVICT", b"0"]
    assert carry_out(replica, evictor) == []
    memory = replica.machine.memory
    assert memory is not None
    assert memory.total <= replica.machine.settings.maxmemory_bytes
    assert 0 < replica.machine.evicted_count < 100
    events = [event for event in replica.machine.take_events() if event[2] == b"evicted"]
    assert [key for _, _, _, key in events] == call[3::2]


def test_one_proposal_is_bounded():
    replica = replica_with("allkeys-random", 0, [f"SET k{n} 1" for n in range(3000)])
    replica.one(f"SETTING maxmemory {BASE_BYTES}")
    assert len(carry_out(replica, Evictor(Prng(1)))) == 2 + 2 * VICTIMS_MAX


def test_without_a_victim_growth_is_refused():
    replica = replica_with("volatile-ttl", 50, ["SET a 1"])
    evictor = Evictor(Prng(1))
    assert carry_out(replica, evictor) == [b"EVICT", b"1"]
    assert replica.one("SET c 3 EX 100").text == OOM
    replica.one("PEXPIRE a 100000")
    assert carry_out(replica, evictor) == [b"EVICT", b"0", b"0", b"a"]


def test_a_failed_proposal_is_made_again():
    replica = replica_with("noeviction", 1, ["SET a 1"])
    evictor = Evictor(Prng(1))
    run = evictor.look(replica.machine, 0)
    assert run is not None
    run.fail(OK)
    assert evictor.look(replica.machine, 0) is not None


def test_while_it_is_not_counted_nothing_is_allowed_again():
    replica = replica_with("noeviction", 1, ["SET a 1"])
    carry_out(replica, Evictor(Prng(1)))
    replica.machine.memory.counted = False
    replica.machine.memory.total = 0
    assert Evictor(Prng(1)).look(replica.machine, 0) is None


def test_what_other_replicas_of_the_node_take_counts():
    """E3: and each group removes its share."""
    replica = replica_with("allkeys-random", -1_000, [f"SET k{i} {'v' * 1000}" for i in range(100)])
    machine = replica.machine
    before = machine.memory.total - BASE_BYTES
    machine.beside_bytes = before  # as much again, and all of it too much but 1,000
    carry_out(replica, Evictor(Prng(1)))
    gone = before - (machine.memory.total - BASE_BYTES)
    assert before // 2 - 2_000 < gone < before // 2 + 2_000
    machine.beside_bytes = 0
    assert carry_out(replica, Evictor(Prng(1))) == []
    assert not machine.settings.refuses_growth


def test_nothing_that_may_go_and_others_take_too_much():
    replica = replica_with("noeviction", -1_000, ["SET a 1"])
    evictor = Evictor(Prng(1))
    replica.machine.beside_bytes = 2_000_000_000
    assert carry_out(replica, evictor) == [b"EVICT", b"1"]
    replica.machine.beside_bytes = 0
    assert carry_out(replica, evictor) == [b"EVICT", b"0"]
    empty = replica_with("allkeys-lru", -1_000, [])
    empty.machine.beside_bytes = 2_000_000_000
    assert carry_out(empty, evictor) == [], "it has nothing to give, and others do"
