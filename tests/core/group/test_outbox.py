"""This node's writes until they are applied: order, giving up, skipping (Rules O1 to O3)."""

import pytest

from trivet.core.group.outbox import NO_LEADER_ERROR, TIMEOUT_ERROR, Outbox
from trivet.core.group.run import Run
from trivet.core.machine.entry import decode_batch
from trivet.core.machine.sessions import NodeSession, NodeSessions


class Client:
    def __init__(self, name: str) -> None:
        self.name = name
        self.runs: list[Run] = []
        self.told = 0

    def run_done(self) -> None:
        self.told += 1

    def write(self, *values: str) -> Run:
        run = Run(self, True)
        for value in values:
            run.add((0, [b"SET", self.name.encode(), value.encode()]), 10)
        self.runs.append(run)
        return run


def outbox(in_flight_max: int = 64, batch_bytes_max: int = 1000) -> Outbox:
    return Outbox(7, 99, in_flight_max, batch_bytes_max)


def words(parcel) -> tuple[int, int, list[bytes]]:
    """(sequence, acknowledged, values) of what leaves."""
    batch = decode_batch(parcel.data)
    assert (batch.node, batch.incarnation, batch.sequence) == (7, 99, parcel.sequence)
    return batch.sequence, batch.acknowledged, [args[2] for _, args in batch.calls]


def test_the_runs_of_a_turn_make_one_parcel():
    box, a, b = outbox(), Client("a"), Client("b")
    box.stage(a.write("1", "2"), 0)
    box.stage(b.write("3"), 0)
    assert box.has_staged()
    assert [words(parcel) for parcel in box.pack()] == [(1, 0, [b"1", b"2", b"3"])]
    assert not box.has_staged()
    assert box.pack() == []


def test_replies_go_to_their_runs():
    box, a, b = outbox(), Client("a"), Client("b")
    box.stage(a.write("1", "2"), 0)
    box.stage(b.write("3"), 0)
    (parcel,) = box.pack()
    assert box.applied(1, [b"x", b"y", b"z"]) is parcel
    assert (a.runs[0].replies, b.runs[0].replies) == ([b"x", b"y"], [b"z"])
    assert not box.under_way
    assert box.pending_bytes == 0


def test_a_run_that_grew_after_it_was_staged_is_packed_whole():
    box, a = outbox(), Client("a")
    run = a.write("1")
    box.stage(run, 0)
    run.add((0, [b"SET", b"a", b"2"]), 10)
    assert words(box.pack()[0])[2] == [b"1", b"2"]
    assert box.pending_bytes == 20
    box.applied(1, [None, None])
    assert box.pending_bytes == 0


def test_pending_bytes_are_counted_when_the_turn_ends():
    """Also without a leader, when nothing can be packed."""
    box, a = outbox(), Client("a")
    run = Run(a, True)
    box.stage(run, 0)
    run.add((0, [b"SET", b"a", b"1"]), 10)
    box.close_turn()
    assert box.pending_bytes == 10
    box.close_turn()
    box.expire(1)
    assert box.pending_bytes == 0
    assert run.replies == [NO_LEADER_ERROR]


def test_large_turns_make_several_parcels_and_a_larger_run_goes_alone():
    box, a = outbox(batch_bytes_max=25), Client("a")
    for values in ("12", "3", "4", "56789", "0"):
        box.stage(a.write(*values), 0)
    parcels = [words(parcel)[2] for parcel in box.pack()]
    assert parcels == [[b"1", b"2"], [b"3", b"4"], [b"5", b"6", b"7", b"8", b"9"], [b"0"]]
    assert [parcel.sequence for parcel in box.under_way] == [1, 2, 3, 4]


def test_only_so_many_are_under_way():
    box, a = outbox(in_flight_max=2), Client("a")
    box.stage(a.write("1"), 0)
    box.pack()
    box.stage(a.write("2"), 0)
    box.pack()
    box.stage(a.write("3"), 0)
    assert box.pack() == []
    box.applied(1, [None])
    assert [words(parcel) for parcel in box.pack()] == [(3, 1, [b"3"])]


def test_what_is_applied_is_acknowledged_with_the_next_batch():
    box, a = outbox(), Client("a")
    for value in "123":
        box.stage(a.write(value), 0)
        box.pack()
    box.applied(1, [None])
    box.stage(a.write("4"), 0)
    assert words(box.pack()[0])[1] == 1
    for number in (2, 3, 4):
        box.applied(number, [None])
    box.stage(a.write("5"), 0)
    assert words(box.pack()[0])[1] == 4


def test_applied_twice_is_heard_once():
    box, a = outbox(), Client("a")
    box.stage(a.write("1"), 0)
    box.pack()
    box.applied(1, [b"x"])
    assert box.applied(1, [b"y"]) is None
    assert a.runs[0].replies == [b"x"]


def test_a_gap_would_be_a_defect():
    box, a = outbox(), Client("a")
    for value in "12":
        box.stage(a.write(value), 0)
        box.pack()
    with pytest.raises(AssertionError):
        box.applied(2, [None])


def test_what_never_left_is_withdrawn_with_a_definite_error():
    """O1."""
    box, a = outbox(), Client("a")
    box.stage(a.write("1"), 0)
    box.stage(a.write("2"), 50)
    box.expire(50)
    assert [run.replies for run in a.runs] == [[NO_LEADER_ERROR], None]
    box.close_turn()
    assert box.pending_bytes == 10
    assert words(box.pack()[0]) == (1, 0, [b"2"]), "nothing of it has a number"


def test_what_grows_after_a_tick_is_counted_whole():
    box, a = outbox(), Client("a")
    run = a.write("1")
    box.stage(run, 50)
    box.expire(50)
    run.add((0, [b"SET", b"k", b"2"]), 10)
    box.close_turn()
    assert box.pending_bytes == run.size_bytes == 20
    box.pack()
    box.applied(1, [b"x", b"y"])
    assert box.pending_bytes == 0
    late = a.write("3")
    box.stage(late, 50)
    box.expire(60)
    box.close_turn()
    assert late.replies == [NO_LEADER_ERROR] and box.pending_bytes == 0


def test_what_has_left_ends_with_an_indefinite_error_and_stays_under_way():
    """O1, O3: its successors can't be applied before it."""
    box, a = outbox(), Client("a")
    for value, at_ms in (("1", 0), ("2", 50)):
        box.stage(a.write(value), at_ms)
        box.pack()
    box.expire(50)
    box.expire(50)
    assert [run.replies for run in a.runs] == [[TIMEOUT_ERROR], None]
    assert a.told == 1
    assert [parcel.sequence for parcel in box.under_way] == [1, 2]
    assert box.pending_bytes == 20
    box.applied(1, [b"x"])
    box.applied(2, [b"y"])
    assert [run.replies for run in a.runs] == [[TIMEOUT_ERROR], [b"y"]]
    assert box.pending_bytes == 0


def test_errors_say_how_certain_they_are():
    assert TIMEOUT_ERROR.text.startswith("TIMEOUT ")
    assert NO_LEADER_ERROR.text.startswith("CLUSTERDOWN ")


def test_batches_whose_replies_are_lost_are_given_up():
    box, a = outbox(), Client("a")
    for value in "123":
        box.stage(a.write(value), 0)
        box.pack()
    assert [parcel.sequence for parcel in box.skipped_to(2)] == [1, 2]
    assert [run.replies for run in a.runs] == [[TIMEOUT_ERROR], [TIMEOUT_ERROR], None]
    assert box.skipped_to(2) == []
    box.applied(3, [b"z"])
    assert a.runs[2].replies == [b"z"]
    assert box.pending_bytes == 0


def test_batches_that_a_state_contains_are_answered_from_it():
    """S2: replies that are remembered, and an error in doubt where they are not."""
    sessions = NodeSessions()
    box, a = outbox(), Client("a")
    for value in ("1", "2", "3"):
        box.stage(a.write(value), 0)
        box.pack()
    box.catch_up(sessions)
    session = sessions.by_node[7] = NodeSession(98)
    session.last_sequence, session.replies = 2, {1: [b"of another life"]}
    box.catch_up(sessions)
    assert [run.replies for run in a.runs] == [None, None, None]
    session.incarnation = 99
    session.replies = {1: [b"x"]}
    box.catch_up(sessions)
    assert [run.replies for run in a.runs] == [[b"x"], [TIMEOUT_ERROR], None]
    assert [parcel.sequence for parcel in box.under_way] == [3]
