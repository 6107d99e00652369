"""Primaries that the map names, as a conversation (Rule G9)."""

from trivet.core.cluster.rows import GENERATION_MAX, INDEX_BITS
from trivet.core.raft import terms


def test_conversation(replay):
    replay("primaries")


def test_stamps_fit_what_the_map_may_be_told():
    assert INDEX_BITS == terms.INDEX_BITS
    assert GENERATION_MAX == terms.GENERATION_MAX
    assert terms.stamp_of(GENERATION_MAX, 2**INDEX_BITS - 1) < 2**63
