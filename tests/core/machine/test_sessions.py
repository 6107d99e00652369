"""Rules S1 to S4: a batch is applied once, in its turn, in its life."""

from tests.core.machine.replicas import Replica, call
from tests.core.machine.two_groups import through_snapshot
from trivet.core.machine.entry import Batch
from trivet.core.machine.sessions import NodeSessions
from trivet.core.wire.reply import OK

INCR = [call("INCR n")]


def batch(sequence: int, incarnation: int = 1, acknowledged: int = 0, node: int = 1) -> Batch:
    return Batch(node, incarnation, sequence, acknowledged, INCR)


def sequences(replica: Replica, *batches: Batch) -> list[int]:
    return [applied.sequence for applied in replica.entry(list(batches))]


def test_batches_apply_in_their_order():
    replica = Replica()
    assert sequences(replica, batch(1), batch(2)) == [1, 2]
    assert sequences(replica, batch(3)) == [3]
    assert replica.machine.databases.open(0).get(b"n") == b"3"


def test_a_duplicate_is_not_applied():
    """S1: however late it comes, and in the same entry too (C1: INCR twice on a retry)."""
    replica = Replica()
    assert sequences(replica, batch(1), batch(1)) == [1]
    assert sequences(replica, batch(2)) == [2]
    assert sequences(replica, batch(1), batch(2)) == []
    assert replica.machine.databases.open(0).get(b"n") == b"2"


def test_a_batch_whose_predecessor_is_missing_is_not_applied():
    replica = Replica()
    assert sequences(replica, batch(1), batch(3)) == [1]
    assert sequences(replica, batch(2), batch(3)) == [2, 3]
    assert replica.machine.databases.open(0).get(b"n") == b"3"


def test_a_new_life_begins_with_its_first_batch():
    """S3."""
    replica = Replica()
    assert sequences(replica, batch(1), batch(2)) == [1, 2]
    assert sequences(replica, batch(2, incarnation=5)) == []
    assert sequences(replica, batch(3)) == [3], "a life without a first batch ends nothing"
    assert sequences(replica, batch(1, incarnation=5), batch(2, incarnation=5)) == [1, 2]


def test_a_dead_process_is_never_heard_again():
    """S3."""
    replica = Replica()
    assert sequences(replica, batch(1, incarnation=5)) == [1]
    assert sequences(replica, batch(1, incarnation=4), batch(2, incarnation=4)) == []
    assert sequences(replica, batch(2, incarnation=5)) == [2]


def test_nodes_do_not_mix():
    replica = Replica()
    assert sequences(replica, batch(1, node=1), batch(1, node=2), batch(2, node=1)) == [1, 1, 2]


def test_replies_are_remembered_until_acknowledged():
    """S2."""
    replica = Replica()
    sequences(replica, batch(1), batch(2), batch(3))
    session = replica.machine.sessions.by_node[1]
    assert session.replies == {1: [1], 2: [2], 3: [3]}
    sequences(replica, batch(4, acknowledged=2))
    assert session.replies == {3: [3], 4: [4]}
    sequences(replica, batch(4, acknowledged=4))
    assert session.replies == {3: [3], 4: [4]}, "a batch that is not applied acknowledges nothing"


def test_what_is_admitted_is_the_session_it_belongs_to():
    sessions = NodeSessions()
    session = sessions.admit(batch(1))
    assert session is sessions.by_node[1]
    assert session.last_sequence == 0, "it is not applied yet: nobody is to take it for done"
    session.applied(1, [OK])
    assert sessions.admit(batch(1)) is None
    assert sessions.admit(batch(2, acknowledged=1)) is session
    assert session.replies == {}


def test_a_node_that_has_left_for_ever_is_forgotten():
    """S4: and what comes late of it is not applied, not even as the beginning of a life."""
    replica = Replica()
    assert sequences(replica, batch(1, node=7), batch(1, node=2)) == [1, 1]
    assert replica.run("FORGET 7", "FORGET 7", "FORGET 1") == [OK, OK, OK]
    assert list(replica.machine.sessions.by_node) == [2, 1]
    replica.machine = through_snapshot(replica.machine)
    assert sequences(replica, batch(1, node=7)) == []
    assert sequences(replica, batch(1, 9, node=7), batch(2, 9, node=7)) == []
    assert sequences(replica, batch(2, node=2)) == [2]
    assert replica.machine.databases.open(0).get(b"n") == b"3"


def test_what_its_clients_were_served_goes_with_it():
    """S4: also what could not be put back, and would wait for its claim for ever."""
    replica = Replica()
    replica.entry([replica.batch([call("BLOCK 1 BLMOVE a b LEFT RIGHT 0"), call("BLOCK 2 BLPOP c 0")], 7)])
    replica.run("RPUSH a x", "RPUSH c y", "NODEDOWN 7 1")
    assert list(replica.machine.waiting.by_client) == [(7, 1)]
    replica.run("FORGET 7")
    assert not replica.machine.waiting.by_client
    assert replica.run("LRANGE b 0 -1", "LRANGE c 0 -1") == [[b"x"], [b"y"]]


def test_whose_predecessors_were_answered_is_next_though_they_are_not_known():
    """Rule S5: they were lost with a primary."""
    sessions = NodeSessions()
    session = sessions.admit(Batch(2, 7, 5, 4, []))
    assert session is not None
    session.applied(5, [])
    assert sessions.admit(Batch(2, 7, 8, 6, [])) is None, "the seventh is under way"
    assert sessions.admit(Batch(2, 7, 8, 7, [])) is session
    session.applied(8, [])
    assert sessions.admit(Batch(2, 7, 8, 7, [])) is None, "a duplicate"
    assert sessions.admit(Batch(2, 7, 6, 5, [])) is None, "a lower number never counts"
    sessions.forget(2)
    assert sessions.admit(Batch(2, 7, 9, 8, [])) is None
