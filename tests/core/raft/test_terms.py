"""How terms are made up."""

from trivet.core.raft.terms import GENERATION_MAX, first_term, generation_of


def test_every_term_of_a_generation_is_above_those_of_the_ones_before() -> None:
    assert generation_of(0) == 0
    assert generation_of(first_term(1) - 1) == 0
    assert generation_of(first_term(1)) == 1
    assert first_term(2) > first_term(1) + 1_000_000
    assert first_term(GENERATION_MAX) < 2**62, "terms are reported up to there"
