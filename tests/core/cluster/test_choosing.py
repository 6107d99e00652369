"""Zones first, then the least to do, then the lowest id."""

from tests.core.cluster.conversation import founders
from trivet.core.cluster.choosing import choose, load_of, system_voters, zones_of
from trivet.core.cluster.choosing import founders as choose_founders
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
    load = load_of(cluster)
    assert load == {1: 1, 2: 1, 3: 1, 4: 0}
    assert choose_founders(cluster, 2, [], load) == [1, 3]
    assert choose_founders(cluster, 2, [], load) == [2, 3]
    assert choose_founders(cluster, 3, [1, 4], load) == [1]
    assert load == {1: 3, 2: 2, 3: 3, 4: 0}


def test_the_system_group_has_an_odd_number_of_voters_but_for_two():
    assert [system_voters(nodes) for nodes in range(8)] == [1, 1, 2, 3, 3, 5, 5, 5]
