"""The judges of groups: replicas come and go, members change, quorums meet."""

import msgspec
import pytest

from trivet.core.raft.membership import Membership
from trivet.lab.judges.groups import GroupJudges
from trivet.lab.judges.quorums import disjoint


class Looks(msgspec.Struct):
    membership: Membership
    term: int = 1
    role: str = "follower"
    leader: int = 0
    commit: int = 0
    applied: int = 0
    first_index: int = 1
    last_index: int = 0
    matches: tuple[tuple[int, int], ...] = ()
    incomplete: bool = False
    last_term: int = 0
    membership_index: int = 0
    suspect: bool = False
    losses: tuple[tuple[int, int, int], ...] = ()


class Watched:
    """Logs by hand, as text: ``"112"`` is the terms of the entries from index 1 on."""

    def __init__(self, *nodes: int) -> None:
        self.judges = GroupJudges()
        for node in nodes:
            self.judges.booted(node)

    def look(self, node: int, members: str, log: str = "", group: int = 7, **facts: object) -> None:
        """``members``: voters, outgoing, learners, as in ``"12 3"``."""
        sets = [tuple(int(n) for n in part) for part in (members + "  ").split(" ")[:3]]
        terms = [int(term) for term in log]
        seen = Looks(Membership(*sets), last_index=len(log), last_term=(terms or [0])[-1], **facts)  # type: ignore[arg-type]

        def entry(index: int) -> tuple[int, int] | None:
            return (terms[index - 1], 5) if 1 <= index <= len(terms) else None

        self.judges.observed(node, group, seen, entry, lambda whole: 0)

    def sentences(self) -> list[str]:
        return [c.sentence for c in self.judges.complaints]


def test_quorums_apart() -> None:
    three, four = Membership((1, 2, 3)), Membership((1, 2, 3, 4))
    assert disjoint(three, [1, 2, 3], four, [1, 2, 3, 4]) is None
    assert disjoint(Membership((1, 2)), [1, 2], Membership((3, 4)), [3, 4]) == ((1, 2), (3, 4))
    assert disjoint(Membership((1, 2)), [1], Membership((3, 4)), [3, 4]) is None
    joint = Membership((3, 4, 5), (1, 2, 3))
    assert disjoint(joint, [1, 2, 3, 4, 5], three, [1, 2, 3]) is None


def test_each_group_has_terms_of_its_own() -> None:
    watched = Watched(1, 2)
    watched.look(1, "12", group=7, role="leader")
    watched.look(2, "12", group=8, role="leader")
    assert watched.sentences() == []
    watched.look(2, "12", group=7, role="leader")
    assert watched.sentences() == ["election safety: nodes 1 and 2 both led term 1 (group 7)"]


def test_a_change_that_did_not_wait_for_an_entry_of_its_term() -> None:
    """Ongaro's message of 2015 to raft-dev: one adds, the other adds another, from one membership."""
    for waits in (False, True):
        watched = Watched(1, 2, 3, 4, 5, 6)
        for node in (1, 2, 3, 4):
            watched.look(node, "1234", "1", commit=1)
        watched.look(1, "12345", "12", term=2, role="leader", commit=1, membership_index=2)
        watched.look(5, "12345", "12", term=2, membership_index=2)
        for node in (2, 3, 4):
            watched.look(node, "1234", "13" if waits else "1", term=3, commit=1)
        watched.look(6, "12346", "133", term=3, membership_index=3)
        assert watched.sentences() == []
        watched.look(2, "12346", "133", term=3, role="leader", commit=1, membership_index=3)
        assert ["membership safety: nodes" in s for s in watched.sentences()] == ([] if waits else [True])


@pytest.mark.parametrize("when", ["never", "before the group was seen", "after it was seen"])
def test_a_wiped_node_counts_for_nobody(when: str) -> None:
    """It starts as what the configuration says it is, and whoever knows the node's birth refuses it."""
    watched = Watched(1, 2, 3, 4, 5)
    if when.startswith("before"):
        watched.judges.wiped(1)
    watched.look(2, "124  5", "1", commit=1, membership_index=1)
    watched.look(1, "145", "111", commit=3, membership_index=3)
    watched.look(5, "145", "111", commit=3, membership_index=3)
    watched.look(4, "145", "111", role="leader", commit=3, membership_index=3)
    assert watched.sentences() == []
    if when.startswith("after"):
        watched.judges.wiped(1)
    watched.judges.booted(1)
    watched.look(1, "123", term=0)
    assert ["membership safety: nodes" in s for s in watched.sentences()] == (
        [True] if when == "never" else []
    )


def test_a_commit_without_a_quorum() -> None:
    watched = Watched(1)
    watched.look(1, "123  4", "11", role="leader", matches=((2, 0), (3, 0), (4, 2)))
    watched.look(1, "123  4", "11", role="leader", commit=2, matches=((2, 0), (3, 0), (4, 2)))
    assert watched.sentences() == [
        "node 1, leader of term 1, commits index 2, which by its belief only nodes [1, 4] hold: no quorum of "
        "voters [1, 2, 3], learners [4] (group 7)"
    ]


@pytest.mark.parametrize(
    ("reached", "known", "losses", "more", "is_fine"),
    [
        ("111", (), ((2, 1, 3),), (), True),
        ("111", ((2, 1, 2),), ((2, 2, 3),), (), True),
        ("11", (), ((2, 1, 3),), (), False),  # its log never had it
        ("111", (), ((2, 1, 2),), (), False),  # it was counted for less
        ("111", ((2, 1, 3),), ((2, 1, 3),), (), False),  # that was known before
        ("111", (), (), (), False),  # it has said nothing
        ("111", (), ((2, 1, 3),), (4, 5), False),  # nor does it excuse the others
    ],
)
def test_a_commit_with_one_that_has_lost_it_since(reached, known, losses, more, is_fine) -> None:  # type: ignore[no-untyped-def]
    """In one turn it may be counted and then say that it lost it; the judge sees the end of the turn."""
    voters = "".join(str(node) for node in (1, 2, 3, *more))
    nobody = tuple((node, 0) for node in (2, 3, *more))
    watched = Watched(1, 2)
    watched.look(2, voters, reached)
    watched.look(1, voters, "111", role="leader", commit=2, matches=nobody, losses=known)
    watched.look(1, voters, "111", role="leader", commit=3, matches=nobody, losses=losses)
    alone = [s for s in watched.sentences() if "commits index 3" in s]
    assert bool(alone) is not is_fine, watched.sentences()


def test_replicas_that_go_and_come_back() -> None:
    watched = Watched(1, 2, 3)
    watched.look(1, "123", "111", commit=3)
    watched.look(3, "123", "111", commit=3)
    watched.look(1, "12", "11111", commit=5, membership_index=5)
    watched.judges.left(3, 7, False)
    watched.look(3, "", term=1, incomplete=True)
    assert watched.sentences() == []
    watched.judges.left(2, 7, True)
    assert watched.sentences() == [], "its group is no more"
    watched.judges.left(1, 7, False)
    assert watched.sentences() == [
        "node 1 drops its replica, but is a voter since 5: voters [1, 2] (group 7)"
    ]
    assert watched.judges.members_of(7, [1, 2, 3]) == [1, 2]
    assert watched.judges.members_of(9, [1, 2, 3]) == [1, 2, 3]


def test_a_replica_that_comes_back_as_if_it_had_never_gone() -> None:
    for lives in (1, 2):
        watched = Watched(1, 2, 3)
        for node in (1, 2, 3):
            watched.look(node, "123", "11", term=4, commit=2)
        watched.look(1, "12", "111", term=4, commit=3, membership_index=3)
        for node in (2, 3):
            watched.judges.left(node, 7, False)
        if lives == 2:  # a power cut may have taken the going, and with it what the replica was when it went
            watched.judges.booted(2)
            watched.judges.booted(3)
        watched.look(3, "", term=3)
        watched.look(2, "123", term=4)
        assert watched.sentences()[1:] == (
            []
            if lives == 2
            else [
                "node 3 had term 4 when its replica went, and comes back with term 3 (group 7)",
                "node 2 comes back with nothing and votes by voters [1, 2, 3] (group 7)",
            ]
        )
