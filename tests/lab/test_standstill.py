"""Where members are about to change, a whole majority of the present ones is not enough."""

import pytest

from tests.core.cluster.conversation import founders
from trivet.core.cluster.map import ClusterMap
from trivet.core.raft.membership import Membership
from trivet.lab.world.standstill import came_elsewhere, has_majority, stays_as_it_is


class Seen:
    """Of an observation what is looked at."""

    def __init__(self, membership: Membership) -> None:
        self.membership = membership


def look(*voters: int, outgoing: tuple[int, ...] = ()) -> Seen:
    return Seen(Membership(voters, outgoing))


def row_of(cluster: ClusterMap):
    return cluster.groups[1]


@pytest.mark.parametrize(
    ("core", "is_there"), [([1, 2], True), ([3], False), ([3, 4, 5], False), ([2, 3], True)]
)
def test_most_members_are_in_it(core, is_there):
    assert has_majority(row_of(ClusterMap("ab12", founders(5), replicas=3)), core) is is_there


def test_a_group_that_nobody_changes_stays():
    cluster = ClusterMap("ab12", founders(3), replicas=3)
    assert stays_as_it_is(row_of(cluster), cluster, [look(1, 2, 3), look(1, 2)])
    assert stays_as_it_is(cluster.groups[0], cluster, [])


def test_one_that_changes_or_is_about_to_does_not():
    cluster = ClusterMap("ab12", founders(3), replicas=3)
    row = row_of(cluster)
    assert not stays_as_it_is(row, cluster, [look(1, 2, 3), look(1, 2, outgoing=(1, 2, 3))])
    row.target = [1, 2]
    assert not stays_as_it_is(row, cluster, [])
    row.target, row.incoming = [1, 2, 3], [4]
    assert not stays_as_it_is(row, cluster, [])
    row.incoming = []
    cluster.keyspaces[row.keyspace].replicas = 1
    assert not stays_as_it_is(row, cluster, []), "somebody asked for fewer"


def test_a_group_that_came_since_is_not_for_the_core_to_serve():
    cluster = ClusterMap("ab12", founders(3), replicas=3)
    known = dict.fromkeys(cluster.groups)
    assert not came_elsewhere(known, None, [2, 3])
    cluster.groups[1].members = [1]
    assert not came_elsewhere(known, cluster, [2, 3]), "who has lost members since is to blame"
    del known[1]
    assert came_elsewhere(known, cluster, [2, 3]) and not came_elsewhere(known, cluster, [1, 2])
