import pytest

from tests.security.collisions import colliding
from trivet.core.base.prng import Prng
from trivet.core.values.deadlines import NEVER, Deadlines


def drain(deadlines: Deadlines, now_ms: int, limit: int = 1000) -> list[bytes]:
    drained: list[bytes] = []
    while keys := deadlines.due(now_ms, limit):
        for key in keys:
            deadlines.drop(key)
        drained += keys
    return drained


def test_nothing_is_due_at_first():
    deadlines = Deadlines()
    assert (len(deadlines), deadlines.next_ms(), deadlines.due(10**15, 10)) == (0, NEVER, [])


def test_keys_fall_due_in_the_order_of_their_deadlines():
    deadlines = Deadlines()
    for number in (5, 3, 9, 1, 7):
        deadlines.put(b"%d" % number, number)
    assert (deadlines.next_ms(), deadlines.due(0, 10)) == (1, [])
    assert drain(deadlines, 5) == [b"1", b"3", b"5"]
    assert (deadlines.next_ms(), len(deadlines)) == (7, 2)


def test_a_deadline_can_move_both_ways_and_go():
    deadlines = Deadlines()
    deadlines.put(b"a", 10)
    deadlines.put(b"a", 5)
    assert deadlines.next_ms() == 5
    deadlines.put(b"a", 20)
    assert deadlines.next_ms() == 20
    assert deadlines.get(b"a") == 20
    assert deadlines.drop(b"a")
    assert not deadlines.drop(b"a")
    assert (deadlines.next_ms(), deadlines.get(b"a")) == (NEVER, None)


def test_many_keys_at_one_instant_come_in_portions():
    deadlines = Deadlines()
    for number in range(500):
        deadlines.put(b"%d" % number, 7)
    portion = deadlines.due(7, 3)
    assert 1 <= len(portion) <= 3
    assert len(drain(deadlines, 7, 3)) == 500


def test_the_order_does_not_depend_on_how_the_deadlines_came_about():
    prng = Prng(3)
    pairs = [(b"%d" % number, 1 + prng.below(40)) for number in range(700)]
    one, other = Deadlines(), Deadlines()
    for key, deadline_ms in pairs:
        one.put(key, deadline_ms)
    for number in range(5000):
        other.put(b"gone:%d" % number, 5)
    for key, deadline_ms in reversed(pairs):
        other.put(key, 100 - deadline_ms)
    for number in range(5000):
        other.drop(b"gone:%d" % number)
    for key, deadline_ms in pairs:
        other.put(key, deadline_ms)
    one.check_invariants()
    other.check_invariants()
    assert drain(one, 20, 7) == drain(other, 20, 7)
    assert drain(one, 100) == drain(other, 100)


@pytest.mark.parametrize("seed", range(10))
def test_agrees_with_a_plain_dict(seed: int):
    prng = Prng(seed)
    deadlines, model = Deadlines(), {}
    now_ms = 0
    for _ in range(3000):
        key = b"%d" % prng.below(400)
        match prng.below(8):
            case 0:
                assert deadlines.drop(key) == (model.pop(key, None) is not None)
            case 1:
                now_ms += prng.below(30)
                due = sorted(key for key, at in model.items() if at <= now_ms)
                drained = drain(deadlines, now_ms, 1 + prng.below(5))
                times = [model.pop(key) for key in drained]
                assert sorted(drained) == due
                assert times == sorted(times)
            case _:
                model[key] = now_ms + 1 + prng.below(2000)
                deadlines.put(key, model[key])
        assert deadlines.next_ms() == min(model.values(), default=NEVER)
    deadlines.check_invariants()


def test_dead_entries_stay_few():
    deadlines = Deadlines()
    for number in range(20_000):
        deadlines.put(b"lock", 30_000 + number)
        deadlines.drop(b"lock")
        deadlines.put(b"falling", 100_000 - number)
    assert len(deadlines._heap) < 200


def test_a_crowded_bucket_keeps_its_deadlines_sorted():
    """Keys whose hashes are equal; more of it in ``tests/security/test_collisions.py``."""
    deadlines = Deadlines()
    keys = list(colliding(1000))
    for number, key in enumerate(keys):
        deadlines.put(key, 1000 - number)
    deadlines.check_invariants()
    deadlines.put(keys[0], 0)
    deadlines.put(keys[1], 5000)
    assert deadlines.due(2, 10) == [keys[0]]
    assert drain(deadlines, 1000) == [keys[0], *keys[:1:-1]]
    assert (deadlines.next_ms(), len(deadlines)) == (5000, 1)
    deadlines.check_invariants()
