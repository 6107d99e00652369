"""The questions of a turn: one object for all members, in portions, and again to those who are silent."""

from trivet.core.base.ids import NodeId
from trivet.core.paxos.content import seal
from trivet.core.paxos.messages import AcceptItem, Message, PrepareItem, ReadItem, RemoveItem
from trivet.core.paxos.outbox import Outbox

CONTENT = seal(b"k", 1, b"x" * 500, (), 0)


def test_all_members_get_the_same_object() -> None:
    outbox = Outbox(7, 1000)
    out: list[tuple[NodeId, Message]] = []
    outbox.prepare(PrepareItem(1, b"k", 2))
    outbox.prepare(PrepareItem(2, b"j", 3))
    outbox.read(ReadItem(3, b"k", True))
    outbox.remove(RemoveItem(b"k", (1, 7)))
    outbox.flush(4, (1, 2), out)
    assert [(to, type(m).__name__, len(m.items), m.epoch) for to, m in out] == [
        (1, "Prepare", 2, 4), (2, "Prepare", 2, 4), (1, "Read", 1, 4), (2, "Read", 1, 4),
        (1, "Remove", 1, 4), (2, "Remove", 1, 4),
    ]  # fmt: skip
    assert out[0][1] is out[1][1]
    out.clear()
    outbox.flush(4, (1, 2), out)
    assert not out


def test_messages_have_a_size() -> None:
    outbox = Outbox(7, 1000)
    out: list[tuple[NodeId, Message]] = []
    for number in range(5):
        outbox.accept(AcceptItem(number, b"k", 1, 2, CONTENT))
    outbox.flush(1, (1,), out)
    assert [[item.round_id for item in m.items] for _, m in out] == [[0, 1], [2, 3], [4]]


def test_who_is_silent_is_asked_alone() -> None:
    outbox = Outbox(7, 1000)
    out: list[tuple[NodeId, Message]] = []
    outbox.again(3, PrepareItem(1, b"k", 2))
    outbox.again(2, AcceptItem(2, b"k", 2, 0, CONTENT))
    outbox.again(3, ReadItem(3, b"k", False))
    outbox.flush(1, (1, 2, 3), out)
    assert [(to, type(m).__name__) for to, m in out] == [(3, "Prepare"), (3, "Read"), (2, "Accept")]


def test_what_belongs_to_an_epoch_that_is_over_is_dropped() -> None:
    outbox = Outbox(7, 1000)
    out: list[tuple[NodeId, Message]] = []
    outbox.prepare(PrepareItem(1, b"k", 2))
    outbox.again(3, PrepareItem(1, b"k", 2))
    outbox.clear()
    outbox.flush(1, (1,), out)
    assert not out
