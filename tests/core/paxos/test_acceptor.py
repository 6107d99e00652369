"""The acceptor: durable before it is told, ballots that only rise, what the disk gives back."""

from collections.abc import Callable

import msgspec
import pytest

from trivet.core.paxos.acceptor import HANDLERS, Acceptor
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import seal
from trivet.core.paxos.messages import (
    Accept,
    Accepted,
    Message,
    Other,
    Page,
    PageReply,
    Prepare,
    PromisedSince,
    Promises,
    Raise,
    Read,
    ReadReply,
    Refusal,
    Refused,
    Remove,
    RemoveItem,
)
from trivet.core.paxos.ready import (
    Marks,
    SavedAccepts,
    SavedPromises,
    SavedRecord,
    SavedRegister,
    SavedRemoval,
    SavedWipe,
)
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
    save = acceptor.take_save()
    if save is None:
        return []
    acceptor.saved(save.save_id)
    return save.records


def accept(key: bytes, counter: int, value: bytes | None, version: int = 1) -> Accept:
    return Accept(7, 1, 1, [key], [counter], [0], [seal(key, version, value, (), 0)])


def prepare(key: bytes, counter: int) -> Prepare:
    return Prepare(7, 1, 2, [key], [counter])


def read(*keys: bytes) -> Read:
    return Read(7, 1, 3, [*keys], [(0, 0)] * len(keys), True)


def told(acceptor: Acceptor) -> list[Message]:
    """What it says when everything is on the disk."""
    saved(acceptor)
    out, acceptor.out = acceptor.out, []
    return [message for _, message in out]


def test_every_question_has_a_handler() -> None:
    assert [kind.__name__ for kind in HANDLERS] == ["Prepare", "Accept", "Read", "Remove", "Page", "Raise"]


def test_it_wakes_up_with_what_the_disk_remembers() -> None:
    acceptor = member()
    records = saved(acceptor)
    for message in (
        accept(b"a", 1, b"x"), accept(b"b", 1, None), accept(b"c", 1, b"y"), prepare(b"a", 5),
        accept(b"d", 1, None), Remove(7, 1, [RemoveItem(b"d", (1, 7))]), prepare(b"d", 6),
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
    acceptor.step(2, prepare(b"k", 6))
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
    assert make([Marks(1, 1), SavedAccepts(7, [b"k", b"j"], [1, 1], [2, 2], [content, content])]).doubtful
    assert not make([Marks(1, 1), SavedAccepts(7, [b"k"], [1], [2], [content])]).doubtful
    assert not make([Marks(1, 1), SavedRegister(b"k", (1, 7), (1, 7), content)]).doubtful


def test_records_one_by_one() -> None:
    content = seal(b"k", 1, b"x", (), 0)
    register = SavedRegister(b"k", (1, 7), (1, 7), content, True)
    acceptor = make([register, SavedPromises(7, [b"k", b"j"], [3, 2])])
    found = acceptor.registers.get(b"k")
    assert found is not None
    assert (found.promised, found.accepted, found.hearsay) == ((3, 7), (1, 7), True)
    accepts = SavedAccepts(7, [b"k", b"l"], [4, 4], [6, 0], [content, seal(b"l", 2, None, (), 0)])
    acceptor = make([register, SavedPromises(8, [b"k"], [3]), accepts])
    one, other = acceptor.registers.get(b"k"), acceptor.registers.get(b"l")
    assert one is not None
    assert other is not None
    assert (one.promised, one.accepted, one.content, one.hearsay) == ((6, 7), (4, 7), content, False)
    assert (other.promised, other.accepted, other.is_tombstone) == ((4, 7), (4, 7), True)
    assert len(make([register, SavedRemoval(b"k"), SavedRemoval(b"z")]).registers) == 0
    assert len(make([register, SavedWipe()]).registers) == 0


def test_damaged_values_are_not_looked_at() -> None:
    acceptor = member()
    saved(acceptor)
    bad = seal(b"k", 1, b"x", (), 0).replace(b"x", b"y")
    long = b"k" * 100_000
    acceptor.step(2, Accept(7, 1, 5, [b"k", long], [1, 1], [0, 0], [bad, seal(long, 1, b"x", (), 0)]))
    acceptor.step(2, prepare(long, 1))
    assert not saved(acceptor)
    accepted, promises = told(acceptor)
    assert isinstance(accepted, Accepted)
    assert isinstance(promises, Promises)
    assert accepted.refused == [Refused(0, (0, 0)), Refused(1, (0, 0))]
    assert promises.refused == [Refused(0, (0, 0))]
    assert len(acceptor.registers) == 0


def test_of_what_is_accepted_together_only_exceptions_are_told() -> None:
    acceptor = member()
    acceptor.step(2, accept(b"b", 5, b"x"))
    acceptor.step(2, prepare(b"c", 9))
    copy = seal(b"b", 1, b"x", (), 0)
    contents = [
        seal(b"a", 1, b"x", (), 0),
        copy,
        seal(b"c", 1, b"x", (), 0),
        b"bad",
        seal(b"e", 1, b"y", (), 0),
    ]
    keys = [b"a", b"b", b"c", b"d", b"e"]
    acceptor.step(2, Accept(7, 1, 5, keys, [5] * 5, [6] * 5, contents))
    records = saved(acceptor)
    assert records[-1] == SavedAccepts(7, [b"a", b"e"], [5, 5], [6, 6], [contents[0], contents[4]])
    answer = acceptor.out[-1][1]
    assert isinstance(answer, Accepted)
    assert answer.refused == [Refused(2, (9, 7)), Refused(3, (0, 0))]
    assert answer.since == [PromisedSince(1, (5, 7))], "a copy, which asks for one promise more"


def test_reads_tell_only_what_the_asker_does_not_hold() -> None:
    acceptor = member()
    contents = {key: seal(key, 1, b"x", (), 0) for key in (b"a", b"b")}
    for key, content in contents.items():
        acceptor.step(2, Accept(7, 1, 1, [key], [5], [6], [content]))
    told(acceptor)
    keys, held = [b"a", b"b", b"c", b"d"], [(5, 7), (4, 7), (0, 0), (4, 7)]
    acceptor.step(2, Read(7, 1, 3, keys, held, True))
    acceptor.step(2, Read(7, 1, 4, keys, held, False))
    whole, bare = told(acceptor)
    assert isinstance(whole, ReadReply)
    assert isinstance(bare, ReadReply)
    assert (whole.start, whole.end) == (0, 4)
    assert whole.others == [Other(1, (5, 7), contents[b"b"]), Other(3, (0, 0))]
    assert bare.others == [Other(1, (5, 7)), Other(3, (0, 0))]


@pytest.mark.parametrize("message", [accept(b"k", 1, b"x"), read(b"k")])
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
    acceptor.step(2, read(b"k"))
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
    message = msgspec.structs.replace(accept(b"k", 1, b"x"), epoch=6)
    lost.step(2, message)
    assert lost.out == [(2, Refusal(7, 6, True))]
    assert saved(lost)
    assert len(lost.registers) == 0


def test_pages_have_limits() -> None:
    acceptor = member(page_keys_max=3, page_bytes_max=1000)
    for number in range(5):
        acceptor.step(2, accept(b"k%d" % number, 1, b"x" * 400))
    acceptor.step(2, prepare(b"a", 1))
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
    assert not acceptor.out, "not before it is durable"
    saved(acceptor)
    assert len(acceptor.out) == 2


def test_long_answers_are_cut() -> None:
    acceptor = member(message_bytes_max=500)
    for number in range(4):
        acceptor.step(2, accept(b"k%d" % number, 1, b"x" * 400))
    saved(acceptor)
    acceptor.out.clear()
    keys = [b"k%d" % n for n in range(4)]
    acceptor.step(2, read(*keys))
    acceptor.step(2, Prepare(7, 1, 4, keys, [4] * 4))
    parts = told(acceptor)
    assert [(m.start, m.end) for m in parts if isinstance(m, ReadReply)] == [(0, 2), (2, 4)]
    assert [(m.start, len(m.accepted)) for m in parts if isinstance(m, Promises)] == [(0, 2), (2, 2)]


def test_a_full_disk_drops_what_would_have_to_be_written() -> None:
    acceptor = member()
    acceptor.step(2, accept(b"k", 1, b"v"))
    saved(acceptor)
    acceptor.out.clear()
    acceptor.full = True
    acceptor.step(2, prepare(b"k", 4))
    acceptor.step(2, accept(b"l", 1, b"v"))
    acceptor.step(2, Remove(7, 1, [RemoveItem(b"k", (1, 7))]))
    acceptor.step(2, Raise(7, 1, 6, (8, 1), 3))
    assert saved(acceptor) == [] and not acceptor.out
    acceptor.step(2, read(b"k"))
    acceptor.step(2, Page(7, 1, 5, None, 100))
    acceptor.step(2, msgspec.structs.replace(prepare(b"k", 4), epoch=2))
    assert sorted(type(message).__name__ for _, message in acceptor.out) == [
        "PageReply",
        "ReadReply",
        "Refusal",
    ]
