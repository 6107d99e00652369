"""Logs of earlier versions: bytes that such a version has written are read."""

import msgspec
import pytest

from trivet.core.paxos.acceptor import Acceptor
from trivet.core.paxos.content import Done, seal
from trivet.core.paxos.former import decode_records
from trivet.core.paxos.ready import Marks, SavedPromises, SavedRegister, SavedRemoval
from trivet.core.paxos.settings import PaxosSettings

FORMER = bytes.fromhex(
    "979901030209c29092000000c09602c4016b9207099206099504c40576616c75659294050203c4016194060104"
    "c40001ce121c0ec7c29602c404676f6e659205099205099508c09007ceac06451ac29602c40462617265920209"
    "920000c0c29602c404746f6c649204089204089501c4009000cec179c60ec39204c4026b329303c4016b920b08"
)
"""What was written in format 2: marks, a value, a tombstone, a promise alone, what others told, a removal."""


def test_former_registers_are_what_they_were() -> None:
    records = decode_records(FORMER)
    assert records == [
        Marks(3, 2, 9),
        SavedRegister(
            b"k", (7, 9), (6, 9), seal(b"k", 4, b"value", [Done(5, 2, 3, b"a"), Done(6, 1, 4, b"")], 1)
        ),
        SavedRegister(b"gone", (5, 9), (5, 9), seal(b"gone", 8, None, [], 7)),
        SavedRegister(b"bare", (2, 9), (0, 0), None),
        SavedRegister(b"told", (4, 8), (4, 8), seal(b"told", 1, b"", [], 0), True),
        SavedRemoval(b"k2"),
        SavedPromises(8, [b"k"], [11]),
    ]
    acceptor = Acceptor(PaxosSettings(node=1, proposer=9), records, life=9)
    assert not acceptor.doubtful


def test_what_was_damaged_is_found() -> None:
    at = FORMER.index(b"value")
    records = decode_records(FORMER[:at] + b"W" + FORMER[at + 1 :])
    assert Acceptor(PaxosSettings(node=1, proposer=9), records, life=9).doubtful


def test_nonsense_is_none_of_them() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_records(b"\x91\x92\x02\xc0")
