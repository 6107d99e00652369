"""The other judges, each with a good history and broken ones."""

import msgspec
from hand_made import failed, op

from trivet.core.raft.membership import NOBODY, Membership
from trivet.lab.history import Operation
from trivet.lab.judges import durability, exactly_once
from trivet.lab.judges.invariants import InvariantJudge
from trivet.lab.resp import OK


def test_counters_count_acknowledged_increments_once() -> None:
    increments = [op(1, 0, 1, "INCR c:0", 1), op(2, 2, None, "INCR c:0"), op(3, 3, 4, "INCR c:0", 2)]

    def ends_at(total: bytes) -> list[str]:
        final = op(9, 90, 91, "GET c:0", total, final=True)
        return [c.sentence for c in exactly_once.judge([*increments, final])]

    assert ends_at(b"2") == []
    assert ends_at(b"3") == []
    assert "ends at 4" in ends_at(b"4")[0]
    assert "ends at 1" in ends_at(b"1")[0]
    twice = [op(1, 0, 1, "INCR c:0", 1), op(2, 2, 3, "INCR c:0", 1)]
    assert "one number" in exactly_once.judge(twice)[0].sentence


def test_tokens_are_there_once_and_in_order() -> None:
    history = [
        op(1, 0, 1, "RPUSH t:0 a", 1, conn=5),
        op(2, 0, 1, "RPUSH t:0 b", 2, conn=5),
        op(3, 2, None, "RPUSH t:0 c", conn=6),
        failed(4, 2, 3, "RPUSH t:0 d"),
    ]

    def ends_with(*tokens: bytes) -> list[str]:
        final = op(9, 90, 91, "LRANGE t:0 0 -1", tokens, final=True)
        return [c.sentence for c in exactly_once.judge([*history, final])]

    assert ends_with(b"a", b"b") == []
    assert ends_with(b"a", b"c", b"b") == []
    assert "is lost" in ends_with(b"a")[0]
    assert "2 times" in ends_with(b"a", b"b", b"c", b"c")[0]
    assert "refused for certain" in ends_with(b"a", b"b", b"d")[0]
    assert "nobody wrote" in ends_with(b"a", b"b", b"x")[0]
    assert "out of order" in ends_with(b"b", b"a")[0]


def test_acknowledged_writes_are_there_at_the_end() -> None:
    history = [op(1, 0, 1, "SET u:1 a", OK), op(2, 0, None, "SET u:2 b"), failed(3, 0, 1, "SET u:3 c")]

    def reads(*values: bytes | None) -> list[str]:
        finals: list[Operation] = [
            op(10 + i, 90, 91, f"GET u:{i + 1}", value, final=True) for i, value in enumerate(values)
        ]
        return [c.sentence for c in durability.judge(history + finals)]

    assert reads(b"a", None, None) == []
    assert reads(b"a", b"b", None) == []
    assert "miss an acknowledged write" in reads(None, b"b", None)[0]
    assert "failed for certain" in reads(b"a", None, b"c")[0]


class Looks(msgspec.Struct):
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
    membership: Membership = NOBODY
    suspect: bool = False
    losses: tuple[tuple[int, int, int], ...] = ()


class Watched:
    """Logs by hand, as text: ``"1 1 2"`` is the terms of the entries from index 1 on."""

    def __init__(self) -> None:
        self.judge = InvariantJudge()
        self.logs: dict[int, list[tuple[int, int]]] = {}

    def boot(self, *nodes: int) -> None:
        for node in nodes:
            self.judge.booted(node)

    def look(self, node: int, log: str, crc: int = 7, digest: object = 0, **facts: object) -> None:
        entries = [(int(term), crc) for term in log.split()]
        self.logs[node] = entries
        last_term = entries[-1][0] if entries else 0
        seen = Looks(last_index=len(entries), last_term=last_term, **facts)  # type: ignore[arg-type]

        def entry(index: int) -> tuple[int, int] | None:
            held = self.logs[node]
            return held[index - 1] if 1 <= index <= len(held) else None

        self.judge.observed(node, seen, entry, lambda whole: digest)

    def sentences(self) -> list[str]:
        return [c.sentence for c in self.judge.complaints]


def test_a_leader_elected_late_need_not_hold_what_a_later_term_committed() -> None:
    """Its votes were on their way while a leader of the next term was elected and committed."""
    watched = Watched()
    watched.boot(1, 2, 3)
    watched.look(1, "1", term=2)
    watched.look(3, "1 3", term=3, role="leader")
    watched.look(2, "1 3", term=3)
    watched.look(3, "1 3", term=3, role="leader", commit=2, applied=2)
    watched.look(1, "1 2", term=2, role="leader")
    assert watched.sentences() == []
    watched.look(2, "1", term=4, role="leader")
    assert "leader completeness: node 2 leads term 4 with a log to 1" in watched.sentences()[0]


def test_a_match_index_that_falls() -> None:
    watched = Watched()
    watched.boot(1, 2)
    watched.look(2, "1 1 1")
    watched.look(1, "1 1 1", role="leader", matches=((2, 2),))
    watched.look(1, "1 1 1", role="leader", matches=((2, 3),))
    assert watched.sentences() == []
    watched.look(1, "1 1 1", role="leader", matches=((2, 2),))
    assert watched.sentences() == ["the match index of node 2 falls from 3 to 2 at node 1, leader of term 1"]


def test_a_match_index_that_is_not_true() -> None:
    watched = Watched()
    watched.boot(1, 2)
    watched.look(2, "1 1", term=2)
    watched.look(1, "1 2 2", term=2, role="leader", matches=((2, 1),))
    assert watched.sentences() == []
    watched.look(1, "1 2 2", term=2, role="leader", matches=((2, 2),))
    watched.look(1, "1 2 2", term=2, role="leader", matches=((2, 3),))
    claim = "node 1, leader of term 2, believes that node 2 holds its entries up to"
    assert watched.sentences() == [
        f"{claim} 2, but entry 2 is of term 1 there, of term 2 here",
        f"{claim} 3, but that log ends at 2",
    ]


def test_a_new_leader_or_a_damaged_log_excuses_a_match_index() -> None:
    watched = Watched()
    watched.boot(1, 2, 3)
    watched.look(1, "1 1 1", role="leader", matches=((2, 3), (3, 3)))
    watched.look(2, "1", incomplete=True)
    watched.look(1, "1 1 1", role="leader", matches=((2, 1), (3, 3)))
    watched.look(3, "1", term=2)
    watched.look(1, "1 1 1 3", term=3, role="leader", matches=((2, 0), (3, 0)))
    assert watched.sentences() == []


def test_an_orderly_group_raises_no_complaint() -> None:
    watched = Watched()
    watched.boot(1, 2, 3)
    watched.look(1, "1", role="leader")
    watched.look(2, "1")
    watched.look(1, "1", role="leader", commit=1, applied=1, digest=b"x")
    watched.look(2, "1", commit=1, applied=1, digest=b"x")
    watched.look(3, "")
    watched.look(2, "1 2", term=2, role="leader", commit=1, applied=1, digest=b"x")
    watched.look(1, "1 1", term=1, role="leader", commit=1, applied=1, digest=b"x")
    watched.look(1, "1 2", term=2, commit=1, applied=1, digest=b"x")
    assert watched.sentences() == []
    assert watched.judge.reached["elections"] == 2


def test_two_leaders_in_one_term() -> None:
    watched = Watched()
    watched.boot(1, 2)
    watched.look(1, "1", role="leader")
    watched.look(2, "1", role="leader")
    assert "election safety" in watched.sentences()[0]


def test_terms_and_commits_only_rise_within_a_life() -> None:
    watched = Watched()
    watched.boot(1)
    watched.look(1, "1 1", term=3, commit=2, applied=2)
    watched.look(1, "1 1", term=2, commit=1, applied=2)
    assert [s.split()[0] for s in watched.sentences()] == ["term", "commit", "node"]
    watched = Watched()
    watched.boot(1)
    watched.look(1, "1 1", term=3, commit=2, applied=2)
    watched.boot(1)
    watched.look(1, "1 1", term=3, commit=0)
    assert watched.sentences() == []


def test_one_entry_per_index_and_term() -> None:
    watched = Watched()
    watched.boot(1, 2)
    watched.look(1, "1 2", term=2)
    watched.look(2, "1 2", crc=8, term=2)
    assert "log matching" in watched.sentences()[0]
    watched = Watched()
    watched.boot(1, 2)
    watched.look(1, "1 3", term=3)
    watched.look(2, "2 3", term=3)
    assert "log matching" in watched.sentences()[0]


def test_a_leader_without_a_committed_entry() -> None:
    watched = Watched()
    watched.boot(1, 2)
    watched.look(1, "1 1", role="leader", commit=2, applied=2)
    watched.look(2, "1", term=2, role="leader")
    assert "leader completeness" in watched.sentences()[0]


def test_a_commit_that_a_later_leader_lacks() -> None:
    watched = Watched()
    watched.boot(1, 2)
    watched.look(2, "2", term=2, role="leader")
    watched.look(1, "1", term=1, role="leader")
    watched.look(1, "1", term=1, role="leader", commit=1)
    assert "leader completeness" in watched.sentences()[0]


def test_two_commits_at_one_index() -> None:
    watched = Watched()
    watched.boot(1, 2)
    watched.look(1, "1", commit=1)
    watched.look(2, "2", term=2, commit=1)
    assert any("commits another entry" in s for s in watched.sentences())


def test_one_state_per_applied_index() -> None:
    watched = Watched()
    watched.boot(1, 2)
    watched.look(1, "1", commit=1, applied=1, digest=b"x")
    watched.look(2, "1", commit=1, applied=1, digest=b"y")
    assert "another state" in watched.sentences()[0]
