"""What a turn has for peers: messages of groups, nodes' own words, and links to open and to close.

On the path: the end of every turn.
"""

from trivet.core.base.ids import NodeId
from trivet.core.group.face import Replica
from trivet.core.node.effects import Effects
from trivet.core.node.front import Front
from trivet.core.node.peers import NODE_GROUP, Peers, Stranger, encode_message
from trivet.core.steward.steward import Steward


def collect_from_group(effects: Effects, up: dict[NodeId, None], group: Replica) -> None:
    """Take its messages; of one that stands several times in a row, for several peers, the bytes are one."""
    number = group.settings.group
    encoded: object = None
    data = b""
    for peer, message in group.outgoing:
        if peer in up:
            if message is not encoded:
                encoded, data = message, encode_message(number, message)
            effects.sends.append((peer, data))
    group.sent()


def collect_for_peers(effects: Effects, peers: Peers, front: Front, steward: Steward, is_open: bool) -> None:
    """Take the rest; most often there is nothing. ``is_open``: this node may speak already (Rule D2)."""
    up = peers.up
    if peers.strangers:
        strangers, peers.strangers = peers.strangers, []
        for peer in [peer for peer in strangers if peer in up]:
            effects.sends.append((peer, encode_message(NODE_GROUP, Stranger(peers.birth_of(peer)))))
    if peers.returned:
        returned, peers.returned = peers.returned, []
        effects.redials.extend([peer for peer in returned if peer not in up])
    if is_open:
        for peer, said in front.pubsub.take_sends():
            effects.sends.append((peer, encode_message(NODE_GROUP, said)))
        if steward.outgoing:
            words, steward.outgoing = steward.outgoing, []
            for peer, word in [(peer, word) for peer, word in words if peer in up]:
                effects.sends.append((peer, encode_message(NODE_GROUP, word)))
    if peers.closes:
        # Among them may be links that were refused in the middle: those peers are heard no more.
        for peer in [peer for peer in front.pubsub.peers if not peers.hears(peer)]:
            front.pubsub.on_peer_silent(peer)
        effects.link_closes.extend(peers.closes)
        peers.closes = []
    front.counters.peers_refused = peers.refused
