"""Contents and their drafts: versions, done entries, what is forgotten, checksums."""

import msgspec
import pytest

from trivet.core.paxos.content import Content, Done, Draft, is_sound, seal
from trivet.core.paxos.operation import UNCHANGED, Operation


def operation(origin: int, seq: int, since: int = 0) -> Operation:
    return Operation(0, b"k", lambda value, version: UNCHANGED, False, origin, seq, since)


def test_a_checksum_covers_everything_and_the_key() -> None:
    content = seal(b"k", 3, b"x", (Done(7, 1, 3, b"r"),), 2)
    assert is_sound(b"k", content)
    assert not is_sound(b"j", content)
    replace = msgspec.structs.replace
    for changed in (
        replace(content, version=4), replace(content, value=b"y"), replace(content, value=None),
        replace(content, forgotten=1), replace(content, done=()),
        replace(content, done=(Done(7, 1, 3, b"s"),)), replace(content, done=(Done(7, 2, 3, b"r"),)),
        replace(content, crc=content.crc ^ 1),
    ):  # fmt: skip
        assert not is_sound(b"k", changed)
    assert seal(b"k", 1, None, (), 0).crc != seal(b"k", 1, b"", (), 0).crc


def test_a_draft_of_nothing_begins_at_the_floor() -> None:
    draft = Draft(None, 5, 16)
    assert (draft.version, draft.value, draft.forgotten, draft.changed) == (5, None, 5, False)
    draft.change(b"x", operation(7, 1), b"r", {})
    content = draft.sealed(b"k")
    assert (content.version, content.value, content.forgotten) == (6, b"x", 5)
    assert content.done == (Done(7, 1, 6, b"r"),)


def test_versions_rise_above_what_the_origin_knew() -> None:
    draft = Draft(seal(b"k", 3, b"x", (), 0), 0, 16)
    draft.change(b"y", operation(7, 1, since=10), b"", {})
    assert draft.version == 11


def test_an_origin_has_one_entry_the_last() -> None:
    draft = Draft(None, 0, 16)
    draft.change(b"x", operation(7, 1), b"a", {})
    draft.change(b"y", operation(8, 1), b"b", {})
    draft.change(b"z", operation(7, 2), b"c", {})
    assert draft.last_of(7) == Done(7, 2, 3, b"c")
    assert draft.last_of(9) is None
    assert [entry.origin for entry in draft.done] == [8, 7]
    assert draft.forgotten == 0, "an entry that its own origin replaced is not missed"


def test_the_oldest_entry_goes_and_that_is_told() -> None:
    draft = Draft(None, 0, 2)
    for origin in (7, 8, 9):
        draft.change(b"x", operation(origin, 1), b"", {})
    assert ([entry.origin for entry in draft.done], draft.forgotten) == ([8, 9], 1)


def test_what_is_settled_goes_first() -> None:
    draft = Draft(None, 0, 2)
    for origin in (7, 8):
        draft.change(b"x", operation(origin, 1), b"", {})
    draft.change(b"x", operation(9, 1), b"", {8: 2})
    assert ([entry.origin for entry in draft.done], draft.forgotten) == ([7, 9], 2)


@pytest.mark.parametrize(
    "body", [[1, b"x", [], 0], [-1, b"x", [], 0, 0], [1, b"x", [[1, 2]], 0, 0], [1, 5, [], 0, 0]]
)
def test_nonsense_is_refused(body: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(body), type=Content)


def test_the_size_counts_value_and_replies() -> None:
    assert seal(b"k", 1, b"x" * 1000, (Done(1, 1, 1, b"r" * 100),), 0).size_bytes > 1100
    assert seal(b"k", 1, None, (), 0).is_tombstone
