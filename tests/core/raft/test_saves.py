"""What waits for the disk, and what the disk's reports are worth (R7, R8, R14)."""

import pytest

from trivet.core.raft.messages import AppendReply, HeartbeatReply, Message
from trivet.core.raft.saves import SaveQueue


def free(saves: SaveQueue) -> list[tuple[int, Message]]:
    messages: list[tuple[int, Message]] = []
    saves.release(messages)
    return messages


def test_messages_leave_in_order_when_their_save_is_durable() -> None:
    saves = SaveQueue(0, 10)
    saves.dirty = True
    assert saves.latest() == 1
    saves.hold(saves.latest(), 2, AppendReply(1, True, 3))
    assert saves.started(3) == 1
    assert saves.latest() == 1
    saves.dirty = True
    saves.hold(saves.latest(), 2, AppendReply(1, True, 5))
    assert saves.started(5) == 2
    assert free(saves) == []
    saves.finished(1)
    assert free(saves) == [(2, AppendReply(1, True, 3))]
    assert (saves.stable, saves.outstanding_count, saves.held_count) == (3, 1, 1)
    saves.finished(2)
    assert free(saves) == [(2, AppendReply(1, True, 5))]
    assert saves.stable == 5


def test_reports_may_skip_and_repeat_but_not_invent() -> None:
    saves = SaveQueue(0, 10)
    for last in (1, 2, 3):
        saves.started(last)
    saves.finished(3)
    saves.finished(2)
    assert (saves.stable, saves.saved_id) == (3, 3)
    with pytest.raises(AssertionError):
        saves.finished(4)


def test_overwritten_entries_are_not_durable_though_their_save_is() -> None:
    saves = SaveQueue(2, 10)
    saves.started(6)
    saves.overwritten(4)
    assert (saves.stable, saves.unsaved_from) == (2, 4)
    saves.started(5)
    saves.finished(1)
    assert saves.stable == 3
    saves.finished(2)
    assert saves.stable == 5
    saves.overwritten(3)
    assert saves.stable == 2


def test_a_snapshot_makes_everything_before_it_void() -> None:
    saves = SaveQueue(2, 10)
    saves.started(6)
    saves.restarted(20)
    assert (saves.stable, saves.unsaved_from, saves.dirty) == (0, 21, True)
    saves.started(20)
    saves.finished(1)
    assert saves.stable == 0
    saves.finished(2)
    assert saves.stable == 20


def test_a_changed_vote_names_the_save_that_holds_it() -> None:
    saves = SaveQueue(0, 10)
    saves.hard_changed()
    assert saves.hard_id == 1
    saves.started(0)
    saves.dirty = True
    assert (saves.hard_id, saves.latest()) == (1, 2)


def test_one_acknowledgement_per_save_and_leader() -> None:
    saves = SaveQueue(0, 10)
    saves.hold(1, 2, AppendReply(1, True, 3))
    saves.hold(1, 2, AppendReply(1, True, 4))
    assert saves.held_count == 1
    saves.hold(1, 2, AppendReply(1, True, 2))
    saves.hold(1, 3, AppendReply(1, True, 9))
    saves.hold(1, 3, AppendReply(2, True, 9))
    saves.hold(1, 3, HeartbeatReply(2, 9))
    saves.hold(1, 3, AppendReply(2, True, 9))
    saves.hold(2, 3, AppendReply(2, True, 9))
    saves.started(9)
    saves.finished(1)
    assert [m.index for _, m in free(saves) if isinstance(m, AppendReply)] == [4, 2, 9, 9, 9]
    assert saves.held_count == 1


def test_what_waits_has_a_limit() -> None:
    saves = SaveQueue(0, 2)
    for seq in range(5):
        saves.hold(1, 2, HeartbeatReply(1, 0, seq))
    assert saves.held_count == 2


def test_time_passes_for_the_oldest_save() -> None:
    saves = SaveQueue(0, 2)
    saves.tick()
    assert saves.waiting_ticks == 0
    saves.started(1)
    saves.started(2)
    saves.tick()
    saves.tick()
    assert saves.waiting_ticks == 2
    saves.finished(1)
    assert saves.waiting_ticks == 0
    saves.tick()
    assert saves.waiting_ticks == 1
