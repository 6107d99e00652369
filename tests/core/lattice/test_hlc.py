from trivet.core.lattice.hlc import COUNT_BITS, DRIFT_MS_MAX, Hlc, wall_of


def test_it_only_rises():
    clock = Hlc()
    one = clock.now(1000)
    assert wall_of(one) == 1000
    assert clock.now(1000) == one + 1
    assert clock.now(500) == one + 2, "the wall clock went back"
    assert clock.now(1001) == 1001 << COUNT_BITS


def test_what_comes_after_what_was_seen_is_above_it():
    clock = Hlc()
    seen = (1000 + DRIFT_MS_MAX) << COUNT_BITS
    assert clock.observe(seen, 1000)
    assert clock.now(1000) > seen


def test_a_stamp_from_too_far_ahead_is_refused_and_counted():
    """Rule L8, row K5."""
    clock = Hlc()
    assert not clock.observe((1001 + DRIFT_MS_MAX) << COUNT_BITS, 1000)
    assert (clock.refused, clock.last) == (1, 0)
    assert clock.observe((1001 + DRIFT_MS_MAX) << COUNT_BITS, 1001)
    assert clock.observe(5, 0), "what is below needs no look at the wall clock"
