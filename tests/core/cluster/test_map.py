"""Who the nodes are, in whatever order they were written down."""

import msgspec
import pytest

from trivet.core.cluster.map import ClusterMap, Member

MEMBERS = [Member(id=n, host=f"10.0.0.{n}", client_port=7000 + n, peer_port=17000 + n) for n in (3, 1, 2)]


def test_members_stand_in_the_order_of_their_ids():
    cluster = ClusterMap("ab12", MEMBERS)
    assert list(cluster.members) == [1, 2, 3]
    assert cluster.voters == (1, 2, 3)
    assert cluster.members[2].host == "10.0.0.2"


def test_node_names_are_what_redis_cluster_clients_expect():
    cluster = ClusterMap("ab12" * 10, MEMBERS)
    names = [cluster.node_name(node) for node in (1, 2, 300)]
    assert [len(name) for name in names] == [40, 40, 40]
    assert names[0] == ("ab12" * 8) + "00000001"
    assert names[2].endswith("0000012c")
    assert ClusterMap("ab12", MEMBERS).node_name(1) == "ab12" + "0" * 28 + "00000001"


def test_a_member_has_no_other_fields():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": 1, "host": "h", "client_port": 1, "peer_port": 2, "zone": "a"}, Member)
