"""Reads on their way: batched per turn, confirmed, held for time entries (Rules L1 and L2)."""

from trivet.core.group.messages import ReadReplies
from trivet.core.group.reads import READ_TIMEOUT_ERROR, ReadQueue
from trivet.core.group.run import Run
from trivet.core.machine.plain_reply import encode_replies


class Client:
    def run_done(self) -> None:
        pass


def read() -> Run:
    run = Run(Client(), False)
    run.add((0, [b"GET", b"k"]), 10)
    return run


def staged(queue: ReadQueue, now_ms: int = 0) -> Run:
    run = read()
    queue.stage(run, now_ms)
    queue.close_turn()
    return run


def test_the_reads_of_a_turn_share_one_question():
    queue = ReadQueue()
    first, second = read(), read()
    queue.stage(first, 0)
    queue.stage(second, 0)
    queue.close_turn()
    number = queue.ask()
    assert not queue.unasked
    queue.confirm(number, 5)
    assert queue.runnable(5) == [first, second]
    assert queue.runnable(5) == []


def test_turns_that_could_not_ask_share_the_next_question():
    queue = ReadQueue()
    first, second = staged(queue), staged(queue)
    queue.confirm(queue.ask(), 0)
    assert queue.runnable(0) == [first, second]


def test_a_batch_runs_only_at_its_index():
    """L1. Batches need not be confirmed in the order of their indexes."""
    queue = ReadQueue()
    late = staged(queue)
    queue.confirm(queue.ask(), 7)
    early = staged(queue)
    queue.confirm(queue.ask(), 5)
    assert queue.runnable(4) == []
    assert queue.runnable(5) == [early]
    assert queue.runnable(6) == []
    assert queue.runnable(9) == [late]


def test_a_batch_whose_leader_is_gone_asks_again():
    """L5: no read is silently dropped at a leader change."""
    queue = ReadQueue()
    run = staged(queue)
    number = queue.ask()
    queue.dropped(number)
    again = queue.ask()
    assert again != number
    queue.confirm(number, 1)
    assert queue.runnable(9) == [], "an answer to the old question counts no more"
    queue.confirm(again, 2)
    assert queue.runnable(9) == [run]
    queue.dropped(again)
    queue.confirm(99, 1)
    assert queue.runnable(9) == []


def test_reads_wait_for_a_time_entry():
    """L2."""
    queue = ReadQueue()
    run = staged(queue)
    queue.hold_until(8)
    queue.release_held(7)
    assert not queue.unasked
    queue.release_held(8)
    queue.confirm(queue.ask(), 8)
    assert queue.runnable(8) == [run]


def test_later_time_entries_do_not_starve_a_read():
    """L2: one that waited once asks when its own entry is applied, whatever else has come due."""
    queue = ReadQueue()
    first = staged(queue)
    queue.hold_until(8)
    second = staged(queue)
    queue.hold_until(9)
    queue.release_held(8)
    queue.confirm(queue.ask(), 8)
    assert queue.runnable(8) == [first]
    queue.release_held(9)
    queue.confirm(queue.ask(), 9)
    assert queue.runnable(9) == [second]


def test_a_new_leader_writes_its_own_time_entries():
    queue = ReadQueue()
    run = staged(queue)
    queue.hold_until(8)
    queue.leader_changed()
    queue.confirm(queue.ask(), 3)
    assert queue.runnable(3) == [run]


def test_stale_reads_run_at_once():
    queue = ReadQueue()
    run = read()
    queue.stage_stale(run)
    queue.close_turn()
    assert not queue.unasked
    assert queue.runnable(0) == [run]


def test_every_stage_times_out():
    queue = ReadQueue()
    confirmed = staged(queue)
    queue.confirm(queue.ask(), 100)
    asked = staged(queue)
    number = queue.ask()
    held = staged(queue)
    queue.hold_until(100)
    unasked = staged(queue)
    kept = staged(queue, 10)
    old = [confirmed, asked, held, unasked]
    queue.expire(0)
    assert [run.replies for run in old] == [None] * 4
    queue.expire(1)
    assert [run.replies for run in old] == [[READ_TIMEOUT_ERROR]] * 4
    assert kept.replies is None
    assert READ_TIMEOUT_ERROR.text.startswith("CLUSTERDOWN "), "definite: reads change nothing"
    queue.confirm(number, 1)
    queue.confirm(queue.ask(), 1)
    assert queue.runnable(200) == [kept]


def test_the_leader_runs_the_reads_of_a_full_node():
    """L3: asked as one batch, answered as one, each run with its own replies."""
    queue = ReadQueue()
    first, second = staged(queue), staged(queue)
    number, calls = queue.ask_leader(100)
    assert calls == first.calls + second.calls
    batch = queue.answered(ReadReplies(number, encode_replies([b"1", b"2"])), 0)
    assert batch is not None and batch.parts is not None
    assert (batch.runs, batch.parts.replies) == ([first, second], [b"1", b"2"])
    assert queue.answered(ReadReplies(number, encode_replies([b"3", b"4"])), 0) is None, (
        "a late duplicate answers nothing"
    )


def test_reads_with_a_leader_that_does_not_answer_are_asked_again():
    """L3: after a while, and at once when the leader changes."""
    queue = ReadQueue()
    run = staged(queue)
    lost, _ = queue.ask_leader(100)
    queue.retry(100)
    assert not queue.unasked
    queue.retry(101)
    again, _ = queue.ask_leader(700)
    assert queue.answered(ReadReplies(lost, encode_replies([b"late"])), 0) is None
    queue.leader_changed()
    assert queue.answered(ReadReplies(again, encode_replies([b"late"])), 0) is None
    last, _ = queue.ask_leader(800)
    assert queue.answered(ReadReplies(last, encode_replies([b"1", b"one too many"])), 0) is None
    assert queue.answered(ReadReplies(last, b"\xc1"), 0) is None
    batch = queue.answered(ReadReplies(last, encode_replies([b"1"])), 0)
    assert batch is not None and batch.runs == [run]


def test_everything_without_a_reply_can_be_taken_away():
    queue = ReadQueue()
    runs = [staged(queue)]
    queue.confirm(queue.ask(), 9)
    runs.append(staged(queue))
    queue.ask()
    runs.append(staged(queue))
    queue.hold_until(7)
    runs.append(staged(queue))
    queue.stage_stale(stale := read())
    assert sorted(map(id, queue.drain())) == sorted(map(id, [*runs, stale]))
    assert queue.drain() == [] and not queue.may_run()
