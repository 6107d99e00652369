"""Transactions over lists: every anomaly by hand, under every consistency model that must or must not see it."""

import pytest
from transactions_by_hand import said

from trivet.lab.judges.serializability import (
    CONSISTENCIES,
    READ_COMMITTED,
    SERIALIZABLE,
    SNAPSHOT_ISOLATION,
    STRICT,
    STRONG_SESSION,
    Unusable,
    judge,
    judge_operations,
)

GOOD = {
    "one after the other": """
        1..2   append x 1
        3..4   read x [1], append x 2
        5..6   read x [1 2]""",
    "a transaction sees its own appends": """
        1..2   append x 1, read x [1], append x 2, read x [1 2]""",
    "concurrent, in either order": """
        1..9   append x 1
        2..8   append x 2
        10..11 read x [2 1]""",
    "a concurrent read sees it or not": """
        1..9   append x 1, append y 1
        2..3   read x [], read y []
        4..5   read x [1], read y [1]""",
    "an indefinite transaction that happened": """
        1..?   append x 1, append y 1
        2..3   read x [], read y []
        8..9   read y [1], read x [1]""",
    "an indefinite transaction that did not": """
        1..?   append x 1
        2..3   append x 2
        4..5   read x [2]""",
    "a failed transaction left nothing": """
        1..2   failed append x 1
        3..4   read x []""",
    "an append that nobody read": """
        1..2   append x 1
        1..2   append x 2
        3..4   append x 3""",
}

BROKEN = {
    "G0: two transactions interleave their writes": ("G0", READ_COMMITTED, """
        1..9   append x 1, append y 1
        1..9   append x 2, append y 2
        10..11 read x [1 2], read y [2 1]"""),
    "G1a: a failed transaction was read": ("G1a", READ_COMMITTED, """
        1..2   failed append x 1
        3..4   read x [1]"""),
    "G1b: between two appends of one transaction": ("G1b", READ_COMMITTED, """
        1..9   append x 1, append x 2
        2..3   read x [1]"""),
    "G1c: two transactions each read what the other wrote": ("G1c", READ_COMMITTED, """
        1..9   append x 1, read y [1]
        1..9   append y 1, read x [1]"""),
    "incompatible orders": ("incompatible-order", READ_COMMITTED, """
        1..9   append x 1
        1..9   append x 2
        10..11 read x [1 2]
        10..11 read x [2 1]"""),
    "an element twice": ("duplicate-elements", READ_COMMITTED, """
        1..2   append x 1
        3..4   read x [1 1]"""),
    "an element from nowhere": ("garbage-read", READ_COMMITTED, """
        1..2   append x 1
        3..4   read x [1 7]"""),
    "two different reads in one transaction": ("internal", SNAPSHOT_ISOLATION, """
        1..9   read x [], read x [1]
        1..9   append x 1"""),
    "a transaction misses its own append": ("internal", SNAPSHOT_ISOLATION, """
        1..9   append x 1, read x []"""),
    "lost update": ("lost-update", SNAPSHOT_ISOLATION, """
        1..9   read x [], append x 1
        1..9   read x [], append x 2
        10..11 read x [1 2]"""),
    "lost update that nobody read afterwards": ("lost-update", SNAPSHOT_ISOLATION, """
        1..9   read x [], append x 1
        1..9   read x [], append x 2"""),
    "G-single: half of a transaction is seen": ("G-single", SNAPSHOT_ISOLATION, """
        1..9   append x 1, append y 1
        1..9   read x [1], read y []
        10..11 read y [1]"""),
    "G-nonadjacent: two readers see two writes in different orders": ("G-nonadjacent", SNAPSHOT_ISOLATION, """
        1..9   append x 1
        1..9   append y 1
        2..8   read x [1], read y []
        2..8   read x [], read y [1]"""),
    "G2: write skew": ("G2", SERIALIZABLE, """
        1..9   read x [], append y 1
        1..9   read y [], append x 1
        10..11 read x [1], read y [1]"""),
    "a process does not see its own write": ("G-single-process", STRONG_SESSION, """
        1..2   p7 append x 1
        3..4   p7 read x []
        5..6   read x [1]"""),
    "a stale read": ("G-single-realtime", STRICT, """
        1..2   append x 1
        3..4   read x []
        5..6   read x [1]"""),
    "an acknowledged append is never seen": ("G-single-realtime", STRICT, """
        1..2   append x 1
        3..4   read x []"""),
    "writes against real time": ("G0-realtime", STRICT, """
        1..2   append x 1
        3..4   append x 2
        5..6   read x [2 1]"""),
    "read before it was written": ("G1c-realtime", STRICT, """
        1..2   read x [1]
        3..4   append x 1"""),
    "two stale reads that time closes": ("G2-realtime", STRICT, """
        1..2   append y 1
        1..9   append x 1, read y []
        3..4   read x []"""),
    "an indefinite transaction happened, but only half of it": ("G-single-realtime", STRICT, """
        1..?   append x 1, append y 1
        2..3   read x [1]
        4..5   read y []"""),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    for consistency in CONSISTENCIES:
        assert judge(said(GOOD[name]), consistency) == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    anomaly, weakest, text = BROKEN[name]
    for consistency in CONSISTENCIES:
        found = [complaint.sentence.split(":")[0] for complaint in judge(said(text), consistency)]
        seen = CONSISTENCIES.index(consistency) >= CONSISTENCIES.index(weakest)
        assert bool(found) == seen, (consistency, found)
        if consistency == weakest:
            assert anomaly in found, found


def test_a_cycle_is_told_in_sentences() -> None:
    (complaint,) = judge(said(BROKEN["G2: write skew"][2]), SERIALIZABLE)
    assert complaint.text().splitlines() == [
        "serializability: G2: no serial order is possible: T1 before T2 before T1",
        "    T1 = read(x) = []  append(y, 1)  (ok)",
        "    T2 = read(y) = []  append(x, 1)  (ok)",
        "    because T1 read x as [], before T2 appended 1",
        "    but T2 read y as [], before T1 appended 1",
    ]
    (complaint,) = judge(said(BROKEN["a stale read"][2]))
    assert complaint.evidence[-2:] == [
        "because T2 read x as [], before T1 appended 1",
        "but T1 had returned before T2 began",
    ]


def test_the_cycle_shown_is_the_shortest() -> None:
    """A long chain closes a cycle of 30; two of its transactions close one of 2."""
    chain = "\n".join(f"1..9 append k{i} 1, read k{i - 1} [1]" for i in range(1, 30))
    text = f"{chain}\n1..9 append k0 1, read k29 [1]"
    (complaint,) = judge(said(text), SERIALIZABLE)
    assert len(complaint.evidence) == 60
    (complaint,) = judge(
        said(text + ", append k31 1\n1..9 read k31 [1], append k32 1\n1..9 read k32 [1]"), SERIALIZABLE
    )
    assert len(complaint.evidence) == 60
    short = text.replace("append k7 1, read k6 [1]", "append k7 1, read k6 [1], read k8 [1]")
    (complaint,) = judge(said(short), SERIALIZABLE)
    assert len(complaint.evidence) == 4


def test_values_must_be_unique() -> None:
    with pytest.raises(Unusable, match="1 is appended to x twice"):
        judge(said("1..2 append x 1\n3..4 append x 1"))


def test_operations_of_the_store_are_judged_alike() -> None:
    from hand_made import failed, op

    written = op(1, 0, 1, "RPUSH a:0 1 ; RPUSH a:1 2", 1, 1)
    good = op(2, 2, 3, "LRANGE a:0 0 -1 ; LRANGE a:1 0 -1", (b"1",), (b"2",))
    half = op(2, 2, 3, "LRANGE a:0 0 -1 ; LRANGE a:1 0 -1", (b"1",), ())
    assert judge_operations([written, good, op(3, 0, 9, "SET r:1 1", 1)], b"a:") == []
    (complaint,) = judge_operations([written, half], b"a:")
    assert "G-single" in complaint.sentence
    assert "op 1 client 0" in complaint.evidence[0] + complaint.evidence[1]
    assert judge_operations([failed(1, 0, 1, "RPUSH a:0 1"), op(2, 2, 3, "LRANGE a:0 0 -1", (b"1",))], b"a:")
    wrong_length = [op(1, 0, 1, "RPUSH a:0 1", 2), op(2, 2, 3, "LRANGE a:0 0 -1", (b"1",))]
    assert "answered with length 2" in judge_operations(wrong_length, b"a:")[0].sentence
