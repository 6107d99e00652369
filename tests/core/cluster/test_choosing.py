"""Zones first, then the least to do, then the lowest id."""

from hypothesis import given
from hypothesis import strategies as st

from tests.core.cluster.conversation import founders
from trivet.core.cluster.choosing import Founders, choose, load_of, system_voters, zones_of
from trivet.core.cluster.map import genesis


def test_different_zones_come_first():
    zones = {1: "a", 2: "a", 3: "b", 4: "c"}
    assert choose(3, [1, 2, 3, 4], zones, {1: 0, 2: 0, 3: 9, 4: 9}, []) == [1, 3, 4]
    assert choose(1, [1, 2, 3, 4], zones, {4: 1}, [2, 3]) == [4]


def test_then_those_with_the_least_to_do():
    assert choose(2, [1, 2, 3], {}, {1: 5, 2: 1, 3: 1}, []) == [2, 3]


def test_there_may_be_too_few():
    assert choose(3, [1, 2], {}, {}, [1]) == [2]
    assert choose(0, [1, 2], {}, {}, []) == []


def test_founders_are_up_and_counted():
    cluster = genesis("ab12", founders(4), 3)
    for text in (b"ZONE 1 a", b"ZONE 2 a", b"ZONE 3 b", b"DRAIN 4"):
        cluster.change([b"MAP", *text.split()], 0)
    assert zones_of(cluster) == {1: "a", 2: "a", 3: "b", 4: ""}
    assert load_of(cluster) == {1: 1, 2: 1, 3: 1, 4: 0}
    two = Founders(cluster, 2, [])
    assert [two.choose() for _ in range(3)] == [[1, 3], [2, 3], [1, 3]]
    assert Founders(cluster, 3, [1, 4]).choose() == [1]
    assert Founders(cluster, 3, [4]).choose() == []


@given(
    st.lists(
        st.tuples(st.integers(1, 20), st.sampled_from("abc"), st.integers(0, 5)), unique_by=lambda n: n[0]
    ),
    st.integers(0, 6),
    st.lists(st.integers(1, 20), max_size=3, unique=True),
)
def test_each_choice_is_the_best_there_is(nodes, count, kept):
    zones = {node: zone for node, zone, _ in nodes}
    load = {node: its_load for node, _, its_load in nodes}
    before = list(kept)
    for node in choose(count, list(zones), zones, load, kept):
        crowds = [zones.get(one, "") for one in before]
        rank = {one: (crowds.count(zones[one]), load[one], one) for one in zones if one not in before}
        assert rank[node] == min(rank.values())
        before.append(node)
    assert len(before) - len(kept) == min(count, len([one for one in zones if one not in kept]))


def test_the_system_group_has_an_odd_number_of_voters_but_for_two():
    assert [system_voters(nodes) for nodes in range(8)] == [1, 1, 2, 3, 3, 5, 5, 5]
