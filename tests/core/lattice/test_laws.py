"""The laws of a lattice, over states that histories of three replicas lead to."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.lattice.histories import KEYS, World, image, joined, shown, twin
from tests.core.lattice.judging import SCENES, collect

EXAMPLES = int(os.environ.get("TRIVET_LATTICE_EXAMPLES", "300"))

histories = st.tuples(st.integers(0, 2**40), st.integers(1, 40))


def world(history, **options) -> World:
    seed, steps = history
    made = World(seed, **options)
    made.run(steps)
    return made


LAWS = []


def law(test):
    LAWS.append(test)
    return settings(max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 300, database=None)(
        given(histories)(test)
    )


@law
def test_join_is_commutative(history):
    one, other, _ = [replica.lattice for replica in world(history).replicas]
    assert image(joined(one, other)) == image(joined(other, one))


@law
def test_join_is_associative(history):
    one, two, three = [replica.lattice for replica in world(history).replicas]
    assert image(joined(joined(one, two), three)) == image(joined(one, joined(two, three)))


@law
def test_join_is_idempotent(history):
    one, other, _ = [replica.lattice for replica in world(history).replicas]
    both = joined(one, other)
    assert image(joined(one, one)) == image(one)
    assert image(joined(both, other)) == image(both) == image(joined(both, one))


@law
def test_join_is_inflationary(history):
    """What was joined is below: joining it again gives nothing new; and nothing goes but what was removed."""
    one, other, _ = [replica.lattice for replica in world(history).replicas]
    both = joined(one, other)
    assert both.clock.covers(one.clock) and both.clock.covers(other.clock)
    assert both.tree.root == twin(both).tree.root


@law
def test_updates_and_states_come_to_the_same(history):
    """Rows K1, K2: whatever came, in whatever order, as updates or as states, or both."""
    made = world(history)
    by_states = joined(joined(made.replicas[0].lattice, made.replicas[1].lattice), made.replicas[2].lattice)
    made.deliver_all()
    images = [image(replica.lattice) for replica in made.replicas]
    assert images[0] == images[1] == images[2] == image(by_states)
    assert shown(by_states) == made.expected(frozenset(made.by_dot))


@law
def test_each_replica_shows_what_it_has_seen(history):
    """Row K3: exact sums, at every moment, whatever was removed beside what was added."""
    seed, steps = history
    made = World(seed, parts=False)
    for _ in range(steps):
        made.run(1)
        for replica in made.replicas:
            assert shown(replica.lattice) == made.expected(made.seen_by(replica)), replica.actor


@law
def test_memories_go_when_everybody_has_seen_the_removal(history):
    """Rows K4, K6: nothing comes back when bases are forgotten in between, and none stays."""
    seed, steps = history
    made = World(seed, parts=False)
    told = {replica.actor: replica.lattice.clock.copy() for replica in made.replicas}
    for _ in range(steps):
        made.run(1)
        for replica in made.replicas:
            if made.prng.chance(0.3):
                told[replica.actor] = replica.lattice.clock.copy()
            if made.prng.chance(0.5):
                collect(replica, made.replicas, told)
            assert shown(replica.lattice) == made.expected(made.seen_by(replica)), replica.actor
    made.deliver_all()
    told = {replica.actor: replica.lattice.clock.copy() for replica in made.replicas}
    for replica in made.replicas:
        collect(replica, made.replicas, told)
        assert shown(replica.lattice) == made.expected(frozenset(made.by_dot))
        for key in KEYS:
            state = replica.lattice.state(key)
            assert state is None or shown(replica.lattice), "nothing is held of what is not there"
    images = [image(replica.lattice) for replica in made.replicas]
    assert images[0] == images[1] == images[2]


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("test", LAWS)
def test_for_long(test):
    settings(max_examples=max(10_000, EXAMPLES), deadline=None, database=None)(given(histories)(test))()


@pytest.mark.parametrize("seed", range(20))
def test_what_is_kept_is_what_is_counted(seed):
    """Bytes and digests are kept as things change; a state that is made anew has the same."""
    made = world((seed, 60))
    for replica in made.replicas:
        again = twin(replica.lattice)
        assert again.bytes_in_memory == replica.lattice.bytes_in_memory
        assert again.tree.root == replica.lattice.tree.root
        assert len(again) == len(replica.lattice)


@pytest.mark.parametrize("scene", SCENES)
def test_scenes(scene):
    assert scene() == ""
