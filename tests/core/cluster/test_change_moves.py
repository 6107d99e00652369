"""Verbs about moves, as a conversation; and the limits."""

from tests.core.cluster.conversation import founders, hold_back
from trivet.core.cluster.map import genesis
from trivet.core.wire.reply import Error


def test_conversation(replay):
    replay("moves")


def say(cluster, text):
    return hold_back(cluster, cluster.change([b"MAP", *text.encode().split()], 1234))


def test_a_move_knows_when_it_started():
    cluster = genesis("ab12", founders(3))
    say(cluster, "MOVE START 1 NEW 5 r")
    assert cluster.moves[1].started_ms == 1234


def test_there_is_a_limit_to_moves():
    cluster = genesis("ab12", founders(3))
    say(cluster, "MOVE START 1 NEW 16383 r")
    for slot in range(999):
        assert say(cluster, f"MOVE START 1 2 {slot} r") == slot + 2
    assert say(cluster, "MOVE START 1 2 2000 r") == Error("ERR there are 1000 moves already")
    cluster.check_invariants()


def test_a_group_owns_a_limited_number_of_ranges():
    cluster = genesis("ab12", founders(3))
    first = ",".join(str(slot) for slot in range(0, 1000, 2))
    assert say(cluster, f"MOVE START 1 NEW {first} r") == 1
    assert not isinstance(say(cluster, "MOVE DONE 1"), Error)
    for slot in range(1001, 1023, 2):
        move = say(cluster, f"MOVE START 1 2 {slot} r")
        assert not isinstance(say(cluster, f"MOVE DONE {move}"), Error)
        cluster.check_invariants()
    epoch = cluster.epoch
    move = say(cluster, "MOVE START 1 2 1101,1103 r")
    assert say(cluster, f"MOVE DONE {move}").text.startswith("ERR a group owns at most 512 ranges")
    assert say(cluster, f"MOVE ABORT {move}").text == "OK"
    assert cluster.epoch == epoch + 2
    assert cluster.group_of(0, 1101) == 1


def test_a_new_group_of_a_local_keyspace_has_one_member():
    cluster = genesis("ab12", founders(3))
    say(cluster, "KEYSPACE CREATE 9 MODE local")
    say(cluster, "MOVE START 2 NEW 5 r")
    assert len(cluster.groups[3].members) == 1
    cluster.check_invariants()


def test_nobody_may_be_up():
    cluster = genesis("ab12", founders(2))
    say(cluster, "DRAIN 1")
    assert say(cluster, "MOVE START 1 NEW 5 r ON 1") == Error("ERR no node is there for it: none is up")
    assert say(cluster, "MOVE START 1 NEW 5 r ON 2") == 1
