import pytest

from trivet.core.paxos import messages as paxos
from trivet.core.paxos.ballot import NOTHING, after_all_of, proposer_of
from trivet.core.paxos.content import Done, seal
from trivet.lab.pictures.ballot_words import ballot_words, content_text

N1, N2 = proposer_of(1, 7), proposer_of(2, 9)
RED = seal(b"k", 4, b"red", (Done(7, 2, 4, b"OK"),), 0)
GONE = seal(b"k", 5, None, (), 0)
STANDING = paxos.Standing(1, (), after_all_of(6), 5)

SPOKEN = [
    (paxos.Prepare(N1, 1, 1, [b"k"], [3]), "prepare 3.n1"),
    (paxos.Prepare(N1, 2, 1, [b"k"] * 5, [3] * 5), "e2 prepare 3.n1; prepare 3.n1; prepare 3.n1 (+2)"),
    (paxos.Promises(N1, 1, STANDING, 1, 0, [NOTHING], [None], [], []), "promise"),
    (paxos.Promises(N1, 1, STANDING, 1, 0, [(2, N2)], [RED], [], []), "promise (red of 2.n2)"),
    (paxos.Promises(N1, 1, STANDING, 1, 4, [NOTHING] * 2, [None] * 2, [paxos.Refused(5, after_all_of(6))], []),
     "promise; no: promised 6+"),
    (paxos.Accept(N1, 1, 1, [b"k"], [3], [4], [RED]), "accept 3.n1 red (next 4.n1)"),
    (paxos.Accept(N1, 1, 1, [b"k"], [3], [0], [GONE]), "accept 3.n1 tombstone"),
    (paxos.Accepted(N1, 1, STANDING, 1, [], []), "accepted"),
    (paxos.Accepted(N1, 1, STANDING, 1, [], [paxos.PromisedSince(0, (5, N2))]), "accepted"),
    (paxos.Accepted(N1, 1, STANDING, 1, [paxos.Refused(0, (5, N2))], []), "no: promised 5.n2"),
    (paxos.Accepted(N1, 1, STANDING, 1, [paxos.Refused(0, NOTHING)], []), "no: damaged"),
    (paxos.Read(N1, 1, 1, [b"k"], [(2, N2)], True), "read"),
    (paxos.ReadReply(N1, 1, STANDING, 1, 0, 1, []), "the same"),
    (paxos.ReadReply(N1, 1, STANDING, 1, 0, 1, [paxos.Other(0, (3, N1), RED)]), "red of 3.n1"),
    (paxos.ReadReply(N1, 1, STANDING, 1, 0, 1, [paxos.Other(0, (3, N1))]), "of 3.n1"),
    (paxos.ReadReply(N1, 1, STANDING, 1, 0, 1, [paxos.Other(0, NOTHING)]), "nothing"),
    (paxos.Remove(N1, 1, [paxos.RemoveItem(b"k", (3, N1))]), "drop tombstone 3.n1"),
    (paxos.Page(N1, 2, 1, None, 100), "e2 which keys?"),
    (paxos.Page(N1, 1, 1, None, 100, 3), "all you have?"),
    (paxos.PageReply(N1, 2, STANDING, 1, [paxos.PageItem(b"k", (3, N1), (3, N1), True)], False), "e2 keys: k"),
    (paxos.PageReply(N1, 2, STANDING, 1, [], False), "e2 keys: none"),
    (paxos.Raise(N1, 2, 1, after_all_of(6), 5), "e2 floor 6+"),
    (paxos.Raise(N1, 2, 1, NOTHING, 0), "e2 floor: none yet"),
    (paxos.Raised(N1, 2, STANDING, 1), "e2 raised"),
    (paxos.Refusal(N1, 2), "e2 not my epoch"),
    (paxos.Refusal(N1, 1, True), "I may have forgotten"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "label"), SPOKEN)
def test_each_message_has_words(message, label):
    said, fields = ballot_words(message)
    assert said == label
    assert fields["epoch"] == str(message.epoch)
    assert all(isinstance(value, str) for value in fields.values())


def test_every_message_of_the_room_is_among_them():
    assert {type(message) for message, _ in SPOKEN} == set(paxos.Message.__args__)


def test_an_acceptance_says_what_is_done():
    fields = ballot_words(paxos.Accept(N1, 1, 1, [b"k"], [3], [4], [RED]))[1]
    assert fields["done"] == "7:2 → OK"
    assert fields["version"] == "4"


def test_values_are_short_and_readable():
    assert content_text(None) == "nothing"
    assert content_text(seal(b"k", 1, b"x" * 100, (), 0)) == "x" * 23 + "…"
    assert content_text(seal(b"k", 1, b"\x00\x01\x02", (), 0)) == "<3 bytes>"
