"""Final states that agree and hold what was acknowledged, and such that do not."""

from trivet.lab.judges.convergence import judge

ACKNOWLEDGED = {"cart": ["milk", "bread"], "seen": ["a"]}
ATTEMPTED = {"cart": ["milk", "bread", "salt"], "seen": ["a"]}


def sentences(*finals: dict[str, list[str]], removed: dict[str, list[str]] | None = None) -> list[str]:
    named = {f"n{i}": state for i, state in enumerate(finals, 1)}
    return [c.sentence for c in judge(named, ACKNOWLEDGED, ATTEMPTED, removed)]


def test_equal_and_complete() -> None:
    state = {"cart": ["bread", "milk"], "seen": ["a"]}
    assert sentences(state, {"seen": ["a"], "cart": ["milk", "bread"]}) == []
    with_indefinite = {"cart": ["bread", "milk", "salt"], "seen": ["a"]}
    assert sentences(with_indefinite, with_indefinite) == []
    assert sentences({"cart": ["milk"], "seen": ["a"]}, removed={"cart": ["bread"]}) == []


def test_different_ends() -> None:
    one, two = {"cart": ["milk", "bread"], "seen": ["a"]}, {"cart": ["milk", "bread", "salt"], "seen": ["a"]}
    assert sentences(one, two) == ["the replicas end with different states"]


def test_a_lost_update_is_lost_everywhere() -> None:
    state = {"cart": ["milk"], "seen": ["a"]}
    assert sentences(state, state) == ["acknowledged updates are missing in the end"]
    assert sentences({}, {}) == ["acknowledged updates are missing in the end"]


def test_what_nobody_wrote_and_what_is_there_twice() -> None:
    ghost = {"cart": ["milk", "bread", "caviar"], "seen": ["a"]}
    assert sentences(ghost) == ["the final state holds what it must not"]
    assert sentences({"cart": ["milk", "bread", "milk"], "seen": ["a"]}) == [
        "the final state holds what it must not"
    ]
