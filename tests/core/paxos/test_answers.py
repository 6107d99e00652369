"""The answers of a turn: one message per kind, each with the save that it needs."""

from trivet.core.base.ids import NodeId
from trivet.core.paxos.answers import Answers
from trivet.core.paxos.content import seal
from trivet.core.paxos.messages import AcceptedItem, Message, PromiseItem, ReadReplyItem, Standing
from trivet.core.paxos.saves import SaveQueue


def test_reads_do_not_wait_for_the_saves_of_others() -> None:
    saves = SaveQueue(10)
    saves.dirty = True
    out: list[tuple[NodeId, Message]] = []
    answers = Answers(2, 7, 1)
    answers.promise(PromiseItem(1, True, (2, 7)), 1)
    answers.promise(PromiseItem(2, True, (2, 7)), 0)
    answers.accepted(AcceptedItem(3, True, (2, 7)), 0)
    answers.read(ReadReplyItem(4, (0, 0)), 0)
    answers.send(Standing(), 0, saves, out)
    assert [type(m).__name__ for _, m in out] == ["Accepted", "ReadReply"]
    saves.finished(saves.started())
    saves.release(out)
    assert [len(m.items) for _, m in out] == [1, 1, 2]


def test_all_wait_for_what_is_beside_the_registers() -> None:
    saves = SaveQueue(10)
    saves.dirty = True
    out: list[tuple[NodeId, Message]] = []
    answers = Answers(2, 7, 1)
    answers.read(ReadReplyItem(4, (0, 0)), 0)
    answers.send(Standing(), 1, saves, out)
    assert not out


def test_long_ones_are_sent_in_between() -> None:
    answers = Answers(2, 7, 1)
    assert not answers.is_long(1000)
    answers.read(ReadReplyItem(4, (1, 7), seal(b"k", 1, b"x" * 1000, (), 0)), 0)
    assert answers.is_long(1000)
