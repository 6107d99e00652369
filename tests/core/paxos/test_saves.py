"""Answers wait for the save that makes them true, and for no other."""

import pytest

from trivet.core.base.ids import NodeId
from trivet.core.paxos.messages import Message, Refusal
from trivet.core.paxos.saves import SaveQueue


def test_answers_wait_for_their_save() -> None:
    saves = SaveQueue(10)
    out: list[tuple[NodeId, Message]] = []
    saves.dirty = True
    assert saves.latest() == 1
    saves.send(0, 2, Refusal(1, 0), out)
    saves.send(1, 2, Refusal(1, 1), out)
    assert saves.started() == 1
    assert (saves.dirty, saves.latest()) == (False, 1)
    saves.dirty = True
    saves.send(saves.latest(), 2, Refusal(1, 2), out)
    saves.started()
    assert [m.epoch for _, m in out] == [0]
    saves.finished(1)
    saves.release(out)
    assert [m.epoch for _, m in out] == [0, 1]
    saves.send(1, 2, Refusal(1, 9), out)
    saves.finished(2)
    saves.release(out)
    assert [m.epoch for _, m in out] == [0, 1, 9, 2]
    assert saves.held_count == 0


def test_too_many_are_lost_as_on_a_network() -> None:
    saves = SaveQueue(2)
    out: list[tuple[NodeId, Message]] = []
    saves.dirty = True
    for epoch in range(4):
        saves.send(1, 2, Refusal(1, epoch), out)
    assert saves.held_count == 2
    saves.finished(saves.started())
    saves.release(out)
    assert [m.epoch for _, m in out] == [0, 1]


def test_what_was_never_handed_out_cannot_be_durable() -> None:
    with pytest.raises(AssertionError):
        SaveQueue(1).finished(1)
