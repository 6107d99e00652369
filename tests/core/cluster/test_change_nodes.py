"""Verbs about nodes, as a conversation; and the limits."""

from tests.core.cluster.conversation import founders
from trivet.core.cluster.change_nodes import NODE_VERBS
from trivet.core.cluster.map import genesis
from trivet.core.wire.reply import Error


def test_conversation(replay):
    replay("nodes")


def test_there_is_a_limit_to_the_nodes():
    cluster = genesis("ab12", founders(1))
    for birth in range(1, 1000):
        assert (
            cluster.change([b"MAP", b"JOIN", b"h%d" % birth, b"1", b"2", b"", b"", b"%d" % birth], 0)
            == birth + 1
        )
    refused = cluster.change([b"MAP", b"JOIN", b"h", b"1", b"2", b"", b"", b"1000"], 0)
    assert refused == Error("ERR the cluster has 1000 nodes already")
    assert cluster.change([b"MAP", b"JOIN", b"h", b"1", b"2", b"", b"", b"5"], 0) == 6, "it is one of them"


def test_a_place_is_taken_more_than_once():
    cluster = genesis("ab12", founders(3))
    for birth, replaced in ((1, 3), (2, 4), (3, 5)):
        words = b"JOIN 10.0.0.3 7003 17003".split()
        node = cluster.change([b"MAP", *words, b"", b"", b"%d" % birth, b"%d" % replaced], 0)
        assert node == 3 + birth
        cluster.check_invariants()
    assert [row.state for row in cluster.nodes.values()] == ["up", "up", *["draining"] * 3, "joining"]


def test_every_verb_wants_its_arguments():
    cluster = genesis("ab12", founders(1))
    for verb in NODE_VERBS:
        for count in (0, 1, 2, 3, 4, 5):
            reply = cluster.change([b"MAP", verb, *[b"x"] * count], 0)
            assert isinstance(reply, Error)
