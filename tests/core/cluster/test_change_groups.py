"""Verbs about groups, as a conversation."""

from tests.core.cluster.conversation import founders
from trivet.core.cluster.map import genesis
from trivet.core.wire.reply import Error


def test_conversation(replay):
    replay("groups")


def test_the_system_group_has_at_most_five_voters():
    cluster = genesis("ab12", founders(7), 3)
    reply = cluster.change(b"MAP GROUP TARGET 0 1 2 3 4 5 6".split(), 0)
    assert reply == Error("ERR group 0 has at most 5 members")
    assert cluster.change(b"MAP GROUP TARGET 0 1 2 3 4 6".split(), 0).text == "OK"


def test_a_report_may_name_a_node_that_has_left():
    """The leader says what is so; it may not have heard yet."""
    cluster = genesis("ab12", founders(4), 3)
    cluster.change(b"MAP GROUP TARGET 0 1 2 3".split(), 0)
    cluster.change(b"MAP MEMBERS 0 5 1 2 3 / 4".split(), 0)
    cluster.change(b"MAP DRAIN 4".split(), 0)
    assert cluster.change(b"MAP LEFT 4".split(), 0).text == "OK"
    assert cluster.change(b"MAP MEMBERS 1 9 1 2 3 / 4".split(), 0).text == "OK"
    cluster.check_invariants()
    assert cluster.nodes[4].state == "gone"
