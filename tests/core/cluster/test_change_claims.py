"""Verbs about claims, as a conversation; and the limits."""

from tests.core.cluster.conversation import founders, hold_back
from trivet.core.cluster.map import decode, genesis
from trivet.core.wire.reply import OK, Error


def say(cluster, text):
    reply = cluster.change([b"MAP", *text.encode().split()], 0)
    cluster.check_invariants()
    return reply


def test_conversation(replay):
    replay("claims")


def test_there_is_a_limit_to_claims():
    cluster = genesis("ab12", founders(3))
    for db in range(100, 133):
        say(cluster, f"KEYSPACE CREATE {db}")
    replies = [say(cluster, f"KEYSPACE DROP {db}") for db in range(100, 133)]
    assert [isinstance(reply, Error) for reply in replies] == [False] * 32 + [True]
    assert replies[-1] == Error("TRYAGAIN 32 databases are changing hands already")
    assert decode(cluster.encode()).claims == cluster.claims


def test_only_the_newest_ends_are_remembered():
    cluster = genesis("ab12", founders(3))
    for _ in range(50):
        assert hold_back(cluster, say(cluster, "KEYSPACE CREATE 3")) == OK
        assert hold_back(cluster, say(cluster, "KEYSPACE DROP 3")) == OK
    assert len(cluster.settled) == 64
    assert decode(cluster.encode()).settled == cluster.settled


def test_every_group_is_asked():
    cluster = genesis("ab12", founders(3))
    say(cluster, "KEYSPACE CREATE 20 SHARDS 3")
    (_, token) = say(cluster, "KEYSPACE DROP 20")
    for group in (2, 3):
        say(cluster, f"CLAIM HELD {token} {group}")
    assert cluster.keyspaces[20]
    assert not cluster.is_decided(token)
    say(cluster, f"CLAIM HELD {token} 4")
    assert 20 not in cluster.keyspaces
    assert cluster.is_decided(token)
    assert not cluster.was_given(20, token)
