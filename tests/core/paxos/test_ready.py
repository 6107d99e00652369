"""Outcomes: when there is something, and records as bytes."""

import msgspec
import pytest

from trivet.core.paxos.content import seal
from trivet.core.paxos.messages import Refusal
from trivet.core.paxos.ready import (
    Marks,
    Ready,
    Save,
    SavedAccepts,
    SavedPromises,
    SavedRecord,
    SavedRegister,
    SavedRemoval,
    SavedWipe,
    ScanResult,
)


def test_anything_makes_it_worth_handing_out() -> None:
    assert Ready().is_empty()
    for name, value in (
        ("messages", [(2, Refusal(1, 1))]), ("save", Save(1, [])), ("finished", [None]), ("rescanned", 2),
        ("scans", [ScanResult(1, True, [], None, [])]), ("epoch_wanted", 2), ("revived", True),
    ):  # fmt: skip
        ready = Ready()
        setattr(ready, name, value)
        assert not ready.is_empty(), name


def test_every_record_comes_back_equal() -> None:
    decoder = msgspec.msgpack.Decoder(SavedRecord)
    for record in (
        Marks(2, 1, 9, True, ((3, 5),), (4, 1), 3), SavedRegister(b"k", (3, 7), (2, 7), seal(b"k", 1, b"x", (), 0), True),
        SavedRegister(b"k", (3, 7), (0, 0), None), SavedPromises(7, [b"k", b"l"], [3, 4]), SavedRemoval(b"k"), SavedWipe(),
        SavedAccepts(7, [b"k"], [3], [4], [seal(b"k", 1, b"x", (), 0)]),
    ):  # fmt: skip
        assert decoder.decode(msgspec.msgpack.encode(record)) == record


@pytest.mark.parametrize(
    "body", [[8, 7, [b"k"], []], [6, 7, [b"k"], [1], [2], []], [6, 7, [], [1], [2], [b""]]]
)
def test_columns_have_one_length(body: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(body), type=SavedRecord)
