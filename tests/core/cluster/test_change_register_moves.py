"""Moves between groups of mode ``paxos``, as a conversation; and the limits."""

from tests.core.cluster.conversation import founders, hold_back
from trivet.core.cluster.change_register_moves import ABORT_IT
from trivet.core.cluster.map import ClusterMap, genesis
from trivet.core.cluster.spans import SPANS_MAX
from trivet.core.wire.reply import Error


def test_conversation(replay):
    replay("register_moves")


def say(cluster: ClusterMap, text: str):
    reply = hold_back(cluster, cluster.change([b"MAP", *text.encode().split()], 1))
    cluster.check_invariants()
    return reply


def carried(cluster: ClusterMap, start: str) -> None:
    move = say(cluster, start)
    generation = say(cluster, f"MOVE BEGIN {move}")
    assert not isinstance(say(cluster, f"MOVE SEAL {move} {generation}"), Error)
    assert not isinstance(say(cluster, f"MOVE DONE {move} {generation} 1"), Error)


def test_what_will_never_be_handed_over_is_not_begun():
    cluster = genesis("ab12", founders(3))
    say(cluster, "KEYSPACE CREATE 20 MODE paxos")
    ranges = ",".join(str(slot) for slot in range(0, 1024, 2))
    move = say(cluster, f"MOVE START 2 NEW {ranges} r")
    reply = say(cluster, f"MOVE BEGIN {move}")
    assert isinstance(reply, Error)
    assert ABORT_IT in reply.text
    assert say(cluster, f"MOVE ABORT {move}").text == "OK"


def test_spans_are_limited_though_ranges_join():
    cluster = genesis("ab12", founders(3))
    say(cluster, "KEYSPACE CREATE 20 MODE paxos")
    carried(cluster, "MOVE START 2 NEW 0-1 r")
    for slot in range(2, SPANS_MAX + 1):
        carried(cluster, f"MOVE START 2 3 {slot} r")
    assert cluster.groups[3].ranges == [(0, SPANS_MAX)]
    assert len(cluster.groups[3].spans) == SPANS_MAX
    move = say(cluster, "MOVE START 2 3 5000 r")
    assert ABORT_IT in say(cluster, f"MOVE BEGIN {move}").text


def test_a_map_with_spans_comes_back_from_its_bytes():
    cluster = genesis("ab12", founders(3))
    say(cluster, "KEYSPACE CREATE 20 MODE paxos")
    carried(cluster, "MOVE START 2 NEW 0-99 r")
    assert cluster.groups[3].spans == [(0, 99, 2, 1)]
    assert cluster.groups[3].floor_version == 1
