"""What a judge sees of a node."""

from tests.core.node.bench import Bench
from trivet.core.node.observe import Observation, digest_of_state, observe
from trivet.core.raft.membership import Membership


def test_an_observation():
    bench = Bench(3)
    bench.say("a", "SET k 1")
    bench.wait(200)
    everyone = Membership((1, 2, 3))
    assert bench.node(1).observe() == Observation(
        1, "leader", 1, 2, 2, 2, 1, ((2, 2), (3, 2)), False, 1, 0, everyone
    )
    assert observe(bench.node(2).group) == Observation(
        1, "follower", 1, 2, 2, 2, 1, (), False, 1, 0, everyone
    )
    assert bench.node(3).group_numbers() == [0, 1]


def test_equal_indexes_have_equal_digests():
    bench = Bench(3)
    bench.say("a", "SET k 1 | SADD s a b c | RPUSH l 1 2")
    bench.wait(200)
    digests = [bench.node(n).state_digest() for n in (1, 2, 3)]
    assert digests[0] == digests[1] == digests[2]
    assert digests[0] == digest_of_state(bench.node(1).group)
    bench.say("a", "SET k 2")
    assert bench.node(1).state_digest() != digests[0]


def test_entries_and_facts():
    bench = Bench(3)
    bench.say("a", "SET k 1")
    bench.wait(200)
    assert bench.node(1).log_entry(2) == bench.node(3).log_entry(2)
    assert bench.node(1).log_entry(1) == (1, 0)
    assert bench.node(1).log_entry(3) is None
    assert bench.node(1).facts() == {
        "role": "leader", "term": 1, "leader": 1, "commit": 2, "applied": 2, "last": 2, "keys": 1, "connections": 1,
        "calls": 1,
    }  # fmt: skip
