"""Slots of groups of mode ``paxos`` move on whole nodes, while clients write and nodes die."""

import pytest

from tests.core.node.registers import FIRST, registers, with_registers
from trivet.core.cluster.facts import Policy
from trivet.core.cluster.rows import SEAL
from trivet.core.cluster.slots import slot_of
from trivet.core.steward.register_mover import STUCK_MS
from trivet.core.steward.settings import StewardSettings
from trivet.core.wire.reply import Error

MANUAL = StewardSettings(plans=False, retry_ms=100)
PLANS = StewardSettings(
    policy=Policy(grace_ms=3_000), warm_ms=1_000, plan_ms=300, report_ms=200, silent_ms=1_000,
    merge_after_ms=500, rest_ms=1_000,
)  # fmt: skip
SECOND = FIRST + 1
UPPER = "8192-16383"
KEYS = [f"k{n}" for n in range(60)]


def cluster(bench, number=0):
    return bench.node(number or bench.leader()).front.cluster


def start(bench, source=FIRST, target="NEW", ranges=UPPER, more="ON 1 2 3"):
    words = f"MOVE START {source} {target} {ranges} r" + (f" {more}" if target == "NEW" else "")
    reply = bench.change_map(bench.leader(), words)
    assert not isinstance(reply, Error), reply
    return reply


def over(bench):
    return bench.leader() and not cluster(bench).moves


def has_moved(bench, number=0):
    """The upper half is the second group's, by that node's map."""
    return bench.leader() and cluster(bench, number).group_of(7, 16383) != FIRST


def fill(bench):
    for n, key in enumerate(KEYS):
        assert bench.answer("abc"[n % 3], f"SET {key} {n}") == "+OK"
    assert bench.answer("a", "DEL k3 k4") == "2"


def all_there(bench, names="abc"):
    for name in names:
        wanted = " ".join("nil" if n in (3, 4) else f'"{n}"' for n in range(len(KEYS)))
        assert bench.answer(name, "MGET " + " ".join(KEYS)) == f"[{wanted}]"
        assert bench.answer(name, "DBSIZE") == str(len(KEYS) - 2)


def held_apart(bench):
    """No node holds a register in a group that has not its slot."""
    for number, server in bench.servers.items():
        if server.node is None:
            continue
        for group, one in bench.node(number).front.leaderless.items():
            for place, _ in one.paxos.acceptor.registers.after(None):
                assert cluster(bench, number).group_of(7, slot_of(place[6:])) == group


def upper_key(bench):
    return next(key for key in KEYS if slot_of(key.encode()) > 8191)


def test_a_group_is_split_and_nothing_is_lost():
    bench = with_registers(steward=MANUAL)
    fill(bench)
    start(bench)
    bench.until(lambda: has_moved(bench) and over(bench))
    assert cluster(bench).groups[SECOND].ranges == [(8192, 16383)]
    all_there(bench)
    bench.wait(200)
    held_apart(bench)
    assert registers(bench, 1, SECOND).keys > 10
    assert bench.node(bench.leader()).steward.pause_ms >= 0


def test_groups_become_one_again_and_the_empty_one_goes():
    bench = with_registers(3, "REPLICAS 3 SHARDS 2", steward=PLANS)
    fill(bench)
    assert bench.answer("a", "KEYSPACE ALTER 7 SHARDS 1") == "+OK"
    bench.until(lambda: bench.leader() and len(cluster(bench).groups_in(7)) == 1, 30_000)
    all_there(bench)
    held_apart(bench)


def test_as_many_groups_as_are_asked_for():
    bench = with_registers(steward=PLANS)
    fill(bench)
    assert bench.answer("b", "KEYSPACE ALTER 7 SHARDS 4") == "+OK"
    bench.until(lambda: bench.leader() and len(cluster(bench).groups_of(7)) == 4 and over(bench), 30_000)
    all_there(bench)


def test_the_new_group_may_stand_on_other_nodes():
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3", steward=MANUAL)
    fill(bench)
    start(bench, more="ON 3 4 5")
    bench.until(lambda: has_moved(bench))
    bench.wait(200)
    assert cluster(bench).groups[SECOND].members == [3, 4, 5]
    all_there(bench)
    held_apart(bench)


def test_calls_under_way_go_along():
    """Clients of all nodes write without pause: each write is done once, and no error is seen."""
    bench = with_registers(steward=MANUAL)
    key = upper_key(bench)
    assert bench.answer("a", f"SET {key} 0") == "+OK"
    start(bench)
    count = 0
    for name, number in (("d", 1), ("e", 2), ("f", 3)):
        assert bench.answer(f"{name}@{number}", "SELECT 7") == "+OK"
    while not has_moved(bench, 1):
        assert count < 2_000
        for name in "def":
            bench.send(name, f"*2\r\n$4\r\nINCR\r\n${len(key)}\r\n{key}\r\n".encode())
            count += 1
        bench.wait(5)
    bench.until(lambda: len([e for e in bench.events if e[0] in "def" and e[1] != "+OK"]) >= count)
    told = [text for name, text in bench.events if name in "def" and text != "+OK"]
    assert sorted(map(int, told)) == list(range(1, count + 1))
    assert bench.answer("c", f"GET {key}") == f'"{count}"'


def test_what_is_watched_goes_along():
    bench = with_registers(steward=MANUAL)
    key, other = upper_key(bench), "k1"
    assert bench.answer("a", f"SET {key} 1") == "+OK"
    assert bench.answer("a", f"WATCH {key}") == "+OK"
    assert bench.answer("b", f"WATCH {key}") == "+OK"
    start(bench)
    bench.until(lambda: has_moved(bench, 1) and has_moved(bench, 2))
    assert bench.say("a", f"MULTI | INCR {key} | EXEC")[-1] == "[2]"
    assert bench.say("b", f"MULTI | INCR {key} | EXEC")[-1] == "nil*"
    assert bench.answer("b", f"GET {key}") == '"2"'
    assert bench.answer("b", f"SET {other} 5") == "+OK"


def test_versions_do_not_fall():
    bench = with_registers(steward=MANUAL)
    key = upper_key(bench)
    last = 0
    for _ in range(3):
        token = int(bench.say("a", f"MULTI | SET {key} x | FENCE {key} | EXEC")[-1].strip("[]").split()[-1])
        assert token > last
        last = token
        assert bench.answer("a", f"DEL {key}") == "1"
    start(bench)
    bench.until(lambda: has_moved(bench, 1))
    bench.wait(100)
    token = int(bench.say("a", f"MULTI | SET {key} x | FENCE {key} | EXEC")[-1].strip("[]").split()[-1])
    assert token > last


def test_who_carries_dies_and_another_begins_anew():
    """R6."""
    bench = with_registers(steward=MANUAL)
    fill(bench)
    start(bench)
    bench.until(lambda: bench.leader() and any(m.generation for m in cluster(bench).moves.values()))
    first = bench.leader()
    bench.crash(first)
    bench.until(lambda: bench.leader() not in (0, first))
    bench.until(lambda: has_moved(bench) and over(bench), 20_000)
    bench.start(first)
    bench.connect_all()
    bench.until(lambda: has_moved(bench, first), 20_000)
    names = [name for name, number in (("a", 1), ("b", 2), ("c", 3)) if number != first]
    all_there(bench, names)
    bench.wait(300)
    held_apart(bench)


def test_a_target_without_a_majority_is_given_up():
    """R9: then the group serves as before."""
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3", steward=MANUAL)
    fill(bench)
    bench.crash(4)
    bench.crash(5)
    bench.until(lambda: bench.leader() in (1, 2, 3))
    start(bench, more="ON 3 4 5")
    bench.until(lambda: over(bench), 2 * STUCK_MS)
    assert not has_moved(bench)
    all_there(bench)
    bench.wait(200)
    held_apart(bench)


def test_slots_are_sealed_for_a_bounded_time():
    """R9: the target loses its majority in the moment of the seal."""
    settings = StewardSettings(plans=False, retry_ms=100, pause_ms_max=400)
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3", steward=settings)
    fill(bench)
    start(bench, more="ON 3 4 5")
    bench.until(lambda: any(move.phase == SEAL for move in cluster(bench).moves.values()))
    lost = [node for node in (4, 5, 3) if node != bench.leader()][:2]
    for node in lost:
        bench.crash(node)
    bench.until(lambda: bench.leader() not in (0, *lost), 20_000)
    bench.until(lambda: over(bench), 60_000)
    key = next(key for key in KEYS if cluster(bench).group_of(7, slot_of(key.encode())) == FIRST)
    assert bench.answer("a", f"INCR {key}") == str(int(key[1:]) + 1)


def test_members_stay_while_slots_move():
    """V8."""
    bench = with_registers(5, "REPLICAS 3 ON 1 2 3", steward=MANUAL)
    fill(bench)
    start(bench)
    reply = bench.change_map(bench.leader(), f"GROUP TARGET {FIRST} 1 2 4")
    assert not isinstance(reply, Error)
    bench.until(lambda: over(bench))
    bench.until(lambda: cluster(bench).groups[FIRST].members == [1, 2, 4])
    all_there(bench)


def test_of_several_moves_of_a_group_one_goes_on_at_a_time():
    """R10."""
    bench = with_registers(steward=MANUAL)
    fill(bench)
    start(bench, ranges="0-4095")
    start(bench, ranges="4096-8191")
    start(bench, ranges="8192-12287")
    bench.until(lambda: over(bench), 30_000)
    assert len(cluster(bench).groups_of(7)) == 4
    all_there(bench)
    held_apart(bench)


def test_walks_over_slots_that_move_see_each_key_once():
    bench = with_registers(steward=MANUAL)
    fill(bench)
    start(bench)
    for _ in range(2_000):
        if has_moved(bench, 1):
            break
        assert bench.answer("a", "DBSIZE") == str(len(KEYS) - 2)
        bench.wait(2)
    assert has_moved(bench, 1)
    for name in "abc":
        found = bench.answer(name, "KEYS *")
        assert found.count('"') == 2 * (len(KEYS) - 2)


@pytest.mark.parametrize("command", ["FLUSHDB", "FLUSHALL"])
def test_all_goes_while_slots_move(command):
    bench = with_registers(steward=MANUAL)
    fill(bench)
    start(bench)
    bench.wait(15)
    assert bench.answer("a", command) == "+OK"
    bench.until(lambda: over(bench))
    assert bench.answer("b", "DBSIZE") == "0"


def test_a_keyspace_goes_with_its_moves():
    bench = with_registers(steward=MANUAL)
    fill(bench)
    start(bench)
    assert bench.answer("a", "KEYSPACE DROP 7 FORCE") == "+OK"
    bench.wait(300)
    assert not cluster(bench).moves
    assert not bench.node(1).front.leaderless
