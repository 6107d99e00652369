"""Memberships: what is sound, and which one of a log counts (§4.1)."""

import pytest

from trivet.core.base.entry import MEMBERSHIP, Entry
from trivet.core.raft.membership import (
    MEMBERS_MAX,
    MEMBERSHIP_BYTES_MAX,
    NOBODY,
    VOTERS_MAX,
    Membership,
    Memberships,
    decode_membership,
    encode_membership,
    problem_of,
)

FOUNDERS = Membership((1, 2, 3))
JOINT = Membership((1, 2, 4), (1, 2, 3), (3, 5))
LATER = Membership((1, 2, 4), (), (3, 5))


def change(membership: Membership) -> Entry:
    return Entry(1, encode_membership(membership), MEMBERSHIP)


def a_log() -> Memberships:
    """Entries 11 to 15 after a snapshot at 10; 12 and 14 bring memberships."""
    data = Entry(1, b"x")
    return Memberships(10, FOUNDERS, [data, change(JOINT), data, change(LATER), data])


def test_bytes_and_back() -> None:
    for membership in (FOUNDERS, JOINT, LATER, NOBODY):
        assert decode_membership(encode_membership(membership)) == membership
    largest = Membership((1,), (), tuple(range((1 << 62), (1 << 62) + MEMBERS_MAX - 1)))
    assert problem_of(largest) == ""
    assert len(encode_membership(largest)) <= MEMBERSHIP_BYTES_MAX


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"\xc0", b"\x93\x91\x01\x90", bytes(MEMBERSHIP_BYTES_MAX + 1), b"\x93" * 5000],
)
def test_what_is_no_membership_is_none(data: bytes) -> None:
    assert decode_membership(data) is None


@pytest.mark.parametrize(
    ("membership", "words"),
    [
        (NOBODY, "at least one voter"),
        (Membership((), (), (1,)), "at least one voter"),
        (Membership((0, 1)), "numbered from 1"),
        (Membership((2, 1)), "in order"),
        (Membership((1, 1)), "once"),
        (Membership((1, 1 << 63)), "numbered"),
        (Membership((1, 2), (), (2,)), "node 2 is to be both"),
        (Membership(tuple(range(1, VOTERS_MAX + 2))), f"at most {VOTERS_MAX} voters"),
        (Membership((1,), tuple(range(1, VOTERS_MAX + 2))), f"at most {VOTERS_MAX} voters"),
        (Membership((1,), (), tuple(range(2, MEMBERS_MAX + 2))), f"at most {MEMBERS_MAX} members"),
    ],
)
def test_what_is_wrong_is_said(membership: Membership, words: str) -> None:
    assert words in problem_of(membership)
    if membership != NOBODY:
        assert decode_membership(encode_membership(membership)) is None


def test_an_outgoing_voter_may_stay_as_a_learner() -> None:
    assert problem_of(JOINT) == ""
    assert JOINT.members() == (1, 2, 3, 4, 5)
    assert [JOINT.is_voter(node) for node in (1, 3, 4, 5)] == [True, True, True, False]


def test_the_newest_counts_committed_or_not() -> None:
    log = a_log()
    assert (log.index, log.latest, log.before_latest()) == (14, LATER, JOINT)
    log.add(16, FOUNDERS)
    assert (log.index, log.latest) == (16, FOUNDERS)
    with pytest.raises(AssertionError):
        log.add(16, LATER)


def test_what_counted_when() -> None:
    log = a_log()
    assert [log.at(i) for i in (10, 11, 12, 13, 14, 99)] == [FOUNDERS, FOUNDERS, JOINT, JOINT, LATER, LATER]


def test_truncation_goes_back_to_the_one_before() -> None:
    log = a_log()
    assert not log.truncate(15)
    assert log.truncate(13)
    assert (log.index, log.latest) == (12, JOINT)
    assert log.truncate(11)
    assert (log.index, log.latest, log.before_latest()) == (10, FOUNDERS, FOUNDERS)


def test_compaction_keeps_what_counts_at_the_snapshot() -> None:
    log = a_log()
    log.compact(13)
    assert log.at(13) == JOINT
    assert log.changes() == [(14, LATER)]
    assert log.truncate(14)
    assert log.latest == JOINT


def test_a_snapshot_replaces_everything_or_corrects_the_beginning() -> None:
    log = a_log()
    log.restart(20, FOUNDERS)
    assert (log.index, log.latest, log.changes()) == (20, FOUNDERS, [])
    log = a_log()
    assert not log.correct(13, JOINT), "nothing new"
    assert not log.correct(13, FOUNDERS), "what follows counts in any case"
    assert (log.at(13), log.latest) == (FOUNDERS, LATER)
    assert log.correct(15, FOUNDERS)
    assert (log.index, log.latest) == (15, FOUNDERS)


def test_unsound_memberships_do_not_get_into_a_log() -> None:
    with pytest.raises(AssertionError):
        Memberships(0, FOUNDERS, [Entry(1, b"x", MEMBERSHIP)])
