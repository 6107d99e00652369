"""The bank's judge: two accounts ``o:0 o:1`` of 100 each."""

import pytest
from told import Told

from trivet.lab.resp import OK
from trivet.lab.workloads import Context
from trivet.lab.workloads.bank import judge_bank

AUDIT = "GET o:0 ; GET o:1"
ACCOUNTS = [b"o:0", b"o:1"]


def move(amount: int) -> str:
    return f"DECRBY o:0 {amount} ; INCRBY o:1 {amount}"


def judged(history: Told, floor: int | None = None) -> str:
    context = Context(0)
    complaints = judge_bank(history, ACCOUNTS, floor, context)
    assert context.unknown == 0
    return complaints[0].sentence if complaints else ""


GOOD = {
    "opening": Told().ok(0, 1, "SET o:0 100 NX ; SET o:1 100 NX", OK, OK).ok(2, 3, AUDIT, b"100", b"100"),
    "a transfer": Told().ok(0, 1, move(30), 70, 130).ok(2, 3, AUDIT, b"70", b"130"),
    "one under way, not yet": Told().ok(0, 9, move(30), 70, 130).ok(2, 3, AUDIT, b"100", b"100"),
    "one under way, already": Told().ok(0, 9, move(30), 70, 130).ok(2, 3, AUDIT, b"70", b"130"),
    "one open": Told().open(0, move(30)).ok(2, 3, AUDIT, b"100", b"100").ok(8, 9, AUDIT, b"70", b"130"),
    "one refused": Told().failed(0, 1, move(30)).ok(2, 3, AUDIT, b"100", b"100"),
    "a debt": Told().ok(0, 1, move(130), -30, 230).ok(2, 3, AUDIT, b"-30", b"230"),
}

BROKEN = {
    "half a transfer": (
        Told().ok(0, 1, move(30), 70, 130).ok(2, 3, AUDIT, b"70", b"100"),
        "an audit finds 170 in all, not 200",
    ),
    "an account is gone": (Told().ok(2, 3, AUDIT, b"200", None), "an account is missing"),
    "applied twice": (
        Told().ok(0, 1, move(30), 70, 130).ok(2, 3, AUDIT, b"40", b"160"),
        "no choice of the open transfers explains what an audit found",
    ),
    "acknowledged and lost": (
        Told().ok(0, 1, move(30), 70, 130).ok(2, 3, AUDIT, b"100", b"100"),
        "no choice of the open transfers explains what an audit found",
    ),
    "seen before it began": (
        Told().ok(0, 1, AUDIT, b"70", b"130").ok(2, 3, move(30), 70, 130),
        "no choice of the open transfers explains what an audit found",
    ),
    "refused, yet applied": (
        Told().failed(0, 1, move(30)).ok(2, 3, AUDIT, b"70", b"130"),
        "no choice of the open transfers explains what an audit found",
    ),
    "open ones that do not add up": (
        Told().open(0, move(30)).open(0, move(20)).ok(2, 3, AUDIT, b"60", b"140"),
        "no choice of the open transfers explains what an audit found",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert judged(GOOD[name]) == ""


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    history, sentence = BROKEN[name]
    assert judged(history) == sentence


def test_a_guarded_account_has_a_limit() -> None:
    assert judged(GOOD["a debt"], floor=0) == "an account fell to -30, below its limit of 0"
    assert judged(Told().ok(0, 1, "GET o:0", b"-1"), floor=0) == "an account fell to -1, below its limit of 0"
    assert judged(GOOD["a transfer"], floor=0) == ""


def test_what_is_too_hard_is_unknown() -> None:
    history = Told()
    for place in range(34):
        history.open(0, move(1 << place))
    context = Context(0)
    assert judge_bank(history.ok(1, 2, AUDIT, b"90", b"110"), ACCOUNTS, None, context) == []
    assert context.unknown == 1
