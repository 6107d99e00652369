"""What the placement is told, and what it aims at."""

from trivet.core.cluster.facts import Facts, GroupFacts, Policy


def test_nothing_is_known_at_first():
    assert Facts() == Facts(dead_ms={}, groups={})
    assert GroupFacts().leader == 0
    assert Facts().groups is not Facts().groups


def test_what_is_merged_is_not_split_at_once():
    policy = Policy()
    assert policy.merge_bytes * 2 < policy.split_bytes
    assert policy.merge_ops * 2 < policy.split_ops
