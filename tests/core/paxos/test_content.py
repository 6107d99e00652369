"""Contents and their drafts: versions, done entries, what is forgotten, checksums."""

from trivet.core.paxos.content import (
    Content,
    Done,
    Draft,
    is_sound,
    is_tombstone,
    seal,
    size_bytes,
    unsound,
    value_start,
)
from trivet.core.paxos.operation import UNCHANGED, Operation


def operation(origin: int, seq: int, since: int = 0) -> Operation:
    return Operation(0, b"k", lambda value, version: UNCHANGED, False, origin, seq, since)


def test_what_is_sealed_can_be_read() -> None:
    done = [Done(7, 1, 3, b"r"), Done(9, 5, 2, b"")]
    for value in (b"x" * 1000, b"", None):
        sealed = seal(b"k", 3, value, done, 2)
        content = Content(sealed)
        assert (content.version, content.value, content.done, content.forgotten) == (3, value, done, 2)
        assert is_tombstone(sealed) == (value is None)
        assert content.crc == int.from_bytes(sealed[-4:], "little")


def test_a_checksum_covers_everything_and_the_key() -> None:
    sealed = seal(b"k", 3, b"x", (Done(7, 1, 3, b"r"),), 2)
    assert is_sound(b"k", sealed)
    assert not is_sound(b"j", sealed)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        assert not is_sound(b"k", bytes(changed))
    assert not is_sound(b"k", sealed[:-1])
    assert not is_sound(b"k", b"")
    assert seal(b"k", 1, None, (), 0) != seal(b"k", 1, b"", (), 0)


def test_of_many_those_that_are_damaged_are_named() -> None:
    keys = [b"a", b"b", b"c", b"d"]
    contents = [seal(key, 3, b"x", (), 2) for key in keys]
    assert list(unsound(keys, contents)) == list(unsound([], [])) == []
    contents[1], contents[3] = contents[0], b""
    assert list(unsound(keys, contents)) == [1, 3]
    assert list(unsound([b"", b"k"], [b"\xff" * 4, bytes(4)])) == [0, 1]


def test_no_bytes_too_few_are_sound_by_chance() -> None:
    for key in (b"", b"k"):
        for count in range(8):
            assert not is_sound(key, b"\xff" * count)
            assert not is_sound(key, bytes(count))


def test_a_draft_of_nothing_begins_at_the_floor() -> None:
    draft = Draft(None, 5, 16)
    assert (draft.version, draft.value, draft.forgotten, draft.changed) == (5, None, 5, False)
    draft.change(b"x", operation(7, 1), b"r", {})
    content = Content(draft.sealed(b"k"))
    assert (content.version, content.value, content.forgotten) == (6, b"x", 5)
    assert content.done == [Done(7, 1, 6, b"r")]


def test_versions_rise_above_what_the_origin_knew() -> None:
    draft = Draft(seal(b"k", 3, b"x", (), 0), 0, 16)
    assert (draft.version, draft.value) == (3, b"x")
    draft.change(b"y", operation(7, 1, since=10), b"", {})
    assert draft.version == 11


def test_a_draft_of_a_tombstone_has_no_value() -> None:
    draft = Draft(seal(b"k", 3, None, (Done(7, 1, 3, b"r"),), 2), 0, 16)
    assert (draft.version, draft.value, draft.forgotten, draft.last_of(7)) == (
        3,
        None,
        2,
        Done(7, 1, 3, b"r"),
    )


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


def test_the_size_counts_value_and_replies() -> None:
    assert size_bytes(seal(b"k", 1, b"x" * 1000, (Done(1, 1, 1, b"r" * 100),), 0)) > 1100


def test_the_start_of_a_value() -> None:
    assert value_start(seal(b"k", 1, b"0123456789", (), 0), 4) == b"0123"
    assert (value_start(seal(b"k", 1, b"01", (), 0), 4) or b"")[:2] == b"01"
    assert value_start(seal(b"k", 1, None, (), 0), 4) is None
