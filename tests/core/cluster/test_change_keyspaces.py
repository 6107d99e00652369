"""Verbs about keyspaces, as a conversation; and the limits."""

from tests.core.cluster.conversation import founders, hold_back
from trivet.core.cluster.map import genesis
from trivet.core.wire.reply import Error


def test_conversation(replay):
    replay("keyspaces")


def test_there_is_a_limit_to_groups_and_keyspaces():
    cluster = genesis("ab12", founders(3))
    replies = [
        hold_back(
            cluster, cluster.change([b"MAP", b"KEYSPACE", b"CREATE", b"%d" % db, b"SHARDS", b"1024"], 0)
        )
        for db in range(1, 11)
    ]
    assert [isinstance(reply, Error) for reply in replies] == [False] * 9 + [True]
    assert replies[-1] == Error("ERR there are too many groups: at most 10000")
    assert len(cluster.groups) == 2 + 9 * 1024
    cluster.check_invariants()
    for db in range(1, 10):
        cluster.change([b"MAP", b"KEYSPACE", b"DROP", b"%d" % db, b"FORCE"], 0)
        cluster.change([b"MAP", b"CLAIM", b"OVER", b"%d" % cluster.epoch], 0)
    for db in range(1, 1001):
        reply = hold_back(cluster, cluster.change([b"MAP", b"KEYSPACE", b"CREATE", b"%d" % db], 0))
    assert reply == Error("ERR there are 1000 keyspaces already")
    cluster.check_invariants()
