"""What ``KEYSPACE LIST`` and ``KEYSPACE INFO`` show."""

from tests.core.cluster.conversation import hold_back
from tests.core.cluster.test_codec import full
from trivet.core.cluster.views import keyspace, keyspaces


def test_all_keyspaces_in_order():
    cluster = full()
    cluster.change(b"MAP MOVE ABORT 2".split(), 0)
    hold_back(cluster, cluster.change(b"MAP KEYSPACE CREATE 3 TOGETHER NAME three".split(), 0))
    shown = keyspaces(cluster)
    assert [row[b"number"] for row in shown] == [0, 3, 9]
    assert shown[1] == {
        b"number": 3, b"name": b"three", b"mode": b"raft", b"replicas": 3, b"shards": b"auto", b"together": 1, b"groups": 1,
    }  # fmt: skip
    assert [row[b"groups"] for row in shown] == [2, 1, 2]


def test_one_keyspace_with_all_that_is_its():
    cluster = full()
    shown = keyspace(cluster, cluster.keyspaces[9])
    assert shown[b"databases"] == [9]
    assert shown[b"placement"][0] == {
        b"group": 2, b"slots": b"100-8191", b"epoch": 7, b"leader": 0, b"voters": [1, 2], b"learners": [], b"target": [1],
    }  # fmt: skip
    assert shown[b"moves"] == [
        {
            b"move": 1,
            b"from": 2,
            b"to": 3,
            b"slots": b"0-99",
            b"phase": b"handed",
            b"started-ms": 5,
            b"reason": b"r",
        }
    ]
    assert keyspace(cluster, cluster.keyspaces[0])[b"databases"] == [db for db in range(16) if db != 9]
