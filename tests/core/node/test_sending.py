"""What a turn has for peers: messages of groups, and what there is beside."""

from tests.core.node.bench import Bench
from trivet.core.group.messages import NotLeader
from trivet.core.node.effects import Effects
from trivet.core.node.peers import NODE_GROUP, Stranger, encode_message
from trivet.core.node.sending import collect_for_peers, collect_from_group


def collected(bench: Bench, is_open: bool = True) -> Effects:
    node = bench.node(1)
    effects = Effects()
    collect_for_peers(effects, node._peers, node.front, node.steward, is_open)
    return effects


def test_what_several_peers_are_told_is_encoded_once():
    bench = Bench(3)
    node = bench.node(1)
    group = node.group
    effects = Effects()
    one, other = NotLeader(5, 1), NotLeader(5, 1)
    group.outgoing = [(2, one), (3, one), (9, other), (2, other)]
    collect_from_group(effects, node._peers.up, group)
    data = encode_message(group.settings.group, one)
    assert effects.sends == [(2, data), (3, data), (2, data)], "9 can't be reached"
    assert effects.sends[0][1] is effects.sends[1][1]
    assert not group.outgoing


def test_most_often_there_is_nothing():
    bench = Bench(3)
    effects = collected(bench)
    assert not (effects.sends or effects.redials or effects.link_closes)


def test_who_is_no_more_who_it_was_is_told_so_if_it_can_be_reached():
    bench = Bench(3)
    peers = bench.node(1)._peers
    peers.strangers = [2, 9]
    assert collected(bench).sends == [(2, encode_message(NODE_GROUP, Stranger(peers.birth_of(2))))]
    assert not peers.strangers


def test_who_has_come_back_is_dialed_at_once():
    bench = Bench(3)
    peers = bench.node(1)._peers
    peers.returned = [2, 9]
    assert collected(bench).redials == [9], "the link to 2 is up"
    assert not peers.returned


def test_what_the_node_says_waits_until_it_may_speak():
    bench = Bench(3)
    said = bench.node(1).steward.outgoing
    said += [(2, Stranger(1)), (9, Stranger(1))]
    assert collected(bench, is_open=False).sends == []
    assert collected(bench).sends == [(2, encode_message(NODE_GROUP, Stranger(1)))]


def test_links_that_are_refused_are_closed_and_their_peers_heard_no_more():
    bench = Bench(3)
    node = bench.node(1)
    assert 2 in node.front.pubsub.peers
    link = node._peers._link_of.pop(2)
    node._peers.closes = [link]
    node._peers.refused = 3
    assert collected(bench).link_closes == [link]
    assert 2 not in node.front.pubsub.peers and node.front.counters.peers_refused == 3
