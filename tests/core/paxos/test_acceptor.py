"""The acceptor: durable before it is told, ballots that only rise, what the disk gives back."""

from collections.abc import Callable

import msgspec
import pytest

from trivet.core.paxos.acceptor import HANDLERS, Acceptor
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import seal
from trivet.core.paxos.messages import (
    Accept,
    AcceptItem,
    Page,
    PageReply,
    Prepare,
    PrepareItem,
    Raise,
    Read,
    ReadItem,
    Refusal,
    Remove,
    RemoveItem,
)
from trivet.core.paxos.ready import Marks, SavedPromise, SavedRecord, SavedRegister, SavedRemoval, SavedWipe
from trivet.core.paxos.settings import PaxosSettings

ONE = GroupConfig(1, (1, 2, 3))


@pytest.mark.parametrize("name", ["durable", "refuses", "bare"])
def test_conversations(replay: Callable[[str], None], name: str) -> None:
    replay(f"acceptor/{name}")


def make(records: list[SavedRecord] | None = None, doubtful: bool = False, **settings: int) -> Acceptor:
    return Acceptor(PaxosSettings(node=1, proposer=1, **settings), records or [], doubtful, 9)


def member(**settings: int) -> Acceptor:
    acceptor = make(**settings)
    acceptor.learn(ONE)
    return acceptor


def saved(acceptor: Acceptor) -> list[SavedRecord]:
    """Everything goes to the disk; the records."""
    acceptor.flush()
    save = acceptor.take_save()
    if save is None:
        return []
    acceptor.saved(save.save_id)
    return save.records


def accept(key: bytes, counter: int, value: bytes | None, version: int = 1) -> Accept:
    return Accept(7, 1, [AcceptItem(1, key, counter, 0, seal(key, version, value, (), 0))])


def test_every_question_has_a_handler() -> None:
    assert [kind.__name__ for kind in HANDLERS] == ["Prepare", "Accept", "Read", "Remove", "Page", "Raise"]


def test_it_wakes_up_with_what_the_disk_remembers() -> None:
    acceptor = member()
    records = saved(acceptor)
    for message in (
        accept(b"a", 1, b"x"), accept(b"b", 1, None), accept(b"c", 1, b"y"), Prepare(7, 1, [PrepareItem(2, b"a", 5)]),
        accept(b"d", 1, None), Remove(7, 1, [RemoveItem(b"d", (1, 7))]), Prepare(7, 1, [PrepareItem(2, b"d", 6)]),
    ):  # fmt: skip
        acceptor.step(2, message)
        records += saved(acceptor)
    decoder = msgspec.msgpack.Decoder(list[SavedRecord])
    again = make(decoder.decode(msgspec.msgpack.encode(records)))
    for key in (b"a", b"b", b"c", b"d"):
        one, other = acceptor.registers.get(key), again.registers.get(key)
        assert one is not None
        assert other is not None
        assert (one.promised, one.accepted, one.content) == (other.promised, other.accepted, other.content)
    assert (again.epoch, again.joined, again.floor, again.floor_version) == (1, 1, acceptor.floor, 1)
    assert list(again.registers.tombstones) == [b"b"]
    assert not again.doubtful


def test_a_removal_and_a_new_promise_in_one_save() -> None:
    acceptor = member()
    acceptor.step(2, accept(b"k", 1, None))
    records = saved(acceptor)
    acceptor.step(2, Remove(7, 1, [RemoveItem(b"k", (1, 7))]))
    acceptor.step(2, Prepare(7, 1, [PrepareItem(2, b"k", 6)]))
    records += saved(acceptor)
    register = make(records).registers.get(b"k")
    assert register is not None
    assert (register.promised, register.accepted, register.content) == ((6, 7), (0, 0), None)


def test_everyone_has_a_life() -> None:
    fresh = make()
    assert (fresh.life, fresh.standing.life) == (9, 9)
    assert make([Marks(1, 1, 4)]).life == 4, "the disk is still the same"
    assert make([Marks(1, 1, 4)], True).life == 9


def test_damage_makes_it_doubtful() -> None:
    content = seal(b"k", 1, b"x", (), 0)
    acceptor = make([Marks(1, 1), SavedRegister(b"j", (1, 7), (1, 7), content)])
    assert (acceptor.doubtful, acceptor.life) == (True, 9)
    assert make([Marks(1, 1), SavedRegister(b"k", (1, 7), (0, 0), content)]).doubtful
    assert not make([Marks(1, 1), SavedRegister(b"k", (1, 7), (1, 7), content)]).doubtful


def test_records_one_by_one() -> None:
    content = seal(b"k", 1, b"x", (), 0)
    register = SavedRegister(b"k", (1, 7), (1, 7), content, True)
    acceptor = make([register, SavedPromise(b"k", (3, 7)), SavedPromise(b"j", (2, 7))])
    found = acceptor.registers.get(b"k")
    assert found is not None
    assert (found.promised, found.accepted, found.hearsay) == ((3, 7), (1, 7), True)
    assert len(make([register, SavedRemoval(b"k"), SavedRemoval(b"z")]).registers) == 0
    assert len(make([register, SavedWipe()]).registers) == 0


def test_damaged_values_get_no_answer() -> None:
    acceptor = member()
    saved(acceptor)
    bad = seal(b"k", 1, b"x", (), 0).replace(b"x", b"y")
    acceptor.step(2, Accept(7, 1, [AcceptItem(1, b"k", 1, 0, bad)]))
    acceptor.step(2, Prepare(7, 1, [PrepareItem(1, b"k" * 100_000, 1)]))
    assert not saved(acceptor)
    assert not acceptor.out


@pytest.mark.parametrize("message", [accept(b"k", 1, b"x"), Read(7, 1, [ReadItem(1, b"k", True)])])
def test_other_epochs_are_refused(message: Accept | Read) -> None:
    stranger = make()
    stranger.step(2, message)
    assert stranger.out == [(2, Refusal(7, 0))]
    assert stranger.epoch_wanted == 1
    later = make()
    later.learn(GroupConfig(3, (1, 2, 3)))
    later.step(2, message)
    assert later.out == [(2, Refusal(7, 3))]
    assert later.epoch_wanted == 0


def test_an_epoch_is_durable_before_anything_is_answered_in_it() -> None:
    acceptor = member()
    acceptor.step(2, Read(7, 1, [ReadItem(1, b"k", True)]))
    acceptor.flush()
    assert not acceptor.out
    saved(acceptor)
    assert len(acceptor.out) == 1


def test_who_leaves_forgets_and_who_comes_back_is_new() -> None:
    acceptor = member()
    acceptor.step(2, accept(b"k", 1, b"x"))
    records = saved(acceptor)
    acceptor.learn(GroupConfig(5, (1, 2, 3), (), ((1, 4),)))
    records += saved(acceptor)
    assert len(acceptor.registers) == 0
    assert len(make(records).registers) == 0
    assert make(records).joined == 4
    acceptor.learn(GroupConfig(6, (2, 3)))
    assert acceptor.joined == 0


def test_no_config_ends_a_doubt() -> None:
    """The map that a node has after a loss may be older than what it has lost."""
    lost = make(doubtful=True)
    lost.learn(GroupConfig(2, (2, 3, 4)))
    assert lost.doubtful
    lost.learn(GroupConfig(3, (1, 2, 3), (), ((1, 3),)))
    assert (lost.doubtful, lost.joined) == (True, 3)
    lost.learn(GroupConfig(6, (1, 2, 3), (), ((1, 5),)))
    assert (lost.doubtful, lost.joined) == (True, 5)
    message = Accept(7, 6, [AcceptItem(1, b"k", 1, 0, seal(b"k", 1, b"x", (), 0))])
    lost.step(2, message)
    assert lost.out == [(2, Refusal(7, 6, True))]
    assert saved(lost)
    assert len(lost.registers) == 0


def test_pages_have_limits() -> None:
    acceptor = member(page_keys_max=3, page_bytes_max=1000)
    for number in range(5):
        acceptor.step(2, accept(b"k%d" % number, 1, b"x" * 400))
    acceptor.step(2, Prepare(7, 1, [PrepareItem(1, b"a", 1)]))
    saved(acceptor)
    acceptor.out.clear()

    def page(cursor: bytes | None, limit: int, life: int = 0) -> PageReply:
        acceptor.step(2, Page(7, 1, 5, cursor, limit, life))
        saved(acceptor)
        message = acceptor.out.pop()[1]
        assert isinstance(message, PageReply)
        return message

    names = page(None, 100)
    assert [item.key for item in names.items] == [b"k0", b"k1", b"k2"], "without bare ones"
    assert names.more
    assert names.items[0].content is None
    assert [item.key for item in page(b"k2", 2).items] == [b"k3", b"k4"]
    assert not page(b"k2", 2).more
    whole = page(None, 100, 5)
    assert [item.key for item in whole.items] == [b"a", b"k0", b"k1"], "by bytes"
    assert whole.standing.lives == ((2, 5),)
    assert len(page(None, 0).items) == 1


def test_floors_are_raised_on_demand() -> None:
    acceptor = member()
    acceptor.step(2, Raise(7, 1, 5, (9, 1), 4))
    assert (acceptor.floor, acceptor.floor_version) == ((9, 1), 4)
    acceptor.step(2, Raise(7, 1, 6, (8, 1), 3))
    assert (acceptor.floor, acceptor.floor_version) == ((9, 1), 4)
    acceptor.flush()
    assert not acceptor.out, "not before it is durable"
    saved(acceptor)
    assert len(acceptor.out) == 2


def test_long_answers_are_cut() -> None:
    acceptor = member(message_bytes_max=500)
    for number in range(4):
        acceptor.step(2, accept(b"k%d" % number, 1, b"x" * 400))
    saved(acceptor)
    acceptor.out.clear()
    acceptor.step(2, Read(7, 1, [ReadItem(n, b"k%d" % n, True) for n in range(4)]))
    acceptor.step(2, Prepare(7, 1, [PrepareItem(n, b"k%d" % n, 4) for n in range(4)]))
    saved(acceptor)
    assert [len(m.items) for _, m in acceptor.out] == [2, 2, 2, 2]


def test_a_full_disk_drops_what_would_have_to_be_written() -> None:
    acceptor = member()
    acceptor.step(2, accept(b"k", 1, b"v"))
    saved(acceptor)
    acceptor.out.clear()
    acceptor.full = True
    acceptor.step(2, Prepare(7, 1, [PrepareItem(1, b"k", 4)]))
    acceptor.step(2, accept(b"l", 1, b"v"))
    acceptor.step(2, Remove(7, 1, [RemoveItem(b"k", (1, 7))]))
    acceptor.step(2, Raise(7, 1, 6, (8, 1), 3))
    assert saved(acceptor) == [] and not acceptor.out
    acceptor.step(2, Read(7, 1, [ReadItem(1, b"k", True)]))
    acceptor.step(2, Page(7, 1, 5, None, 100))
    acceptor.step(2, Prepare(7, 2, [PrepareItem(1, b"k", 4)]))
    acceptor.flush()
    assert sorted(type(message).__name__ for _, message in acceptor.out) == [
        "PageReply",
        "ReadReply",
        "Refusal",
    ]
