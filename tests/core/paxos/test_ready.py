"""Outcomes: when there is something, and records as bytes."""

import msgspec

from trivet.core.paxos.content import seal
from trivet.core.paxos.messages import Refusal
from trivet.core.paxos.ready import (
    Marks,
    Ready,
    Save,
    SavedPromise,
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
        SavedRegister(b"k", (3, 7), (0, 0), None), SavedPromise(b"k", (3, 7)), SavedRemoval(b"k"), SavedWipe(),
    ):  # fmt: skip
        assert decoder.decode(msgspec.msgpack.encode(record)) == record
