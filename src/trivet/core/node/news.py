"""News: what a group's turn has for others than those who asked (stations 6 and 7 of a write).

On the path: after every turn of a group that has any; the clients of this node, and its peers, hear of it.
"""

from trivet.core.command.events import event_messages
from trivet.core.group.face import Replica
from trivet.core.node.client_list import describe
from trivet.core.node.front import Front
from trivet.core.raft.state import Role


def take_news(front: Front, group: Replica) -> None:
    """Take from ``group`` what it has."""
    misrouted = group.misrouted
    if misrouted:
        for run in misrouted:
            front.rerouting.take(run, front.map_epoch, front.now_ms)
        misrouted.clear()
    if group.denied:
        _note_denied(front, group)
    if group.woken or group.jumped:
        _wake(front, group)
    if group.published or group.events:
        _broadcast(front, group)


def _note_denied(front: Front, group: Replica) -> None:
    """Calls in transactions and scripts that were refused go into this node's ACL LOG."""
    denied, group.denied = group.denied, []
    for one in denied:
        session = front.sessions.get(one.client)
        client = "" if session is None else describe(front, session)
        front.guard.note(one.denial, one.context, one.user, client, front.now_ms)


def _wake(front: Front, group: Replica) -> None:
    """Clients in calls that wait: the group has news for them."""
    if group.jumped:
        group.jumped = False
        front.blocked.jumped(group)
    woken, group.woken = group.woken, []
    for conn in woken:
        front.blocked.woken(conn, group)
    front.unparked = True


def _broadcast(front: Front, group: Replica) -> None:
    """What applied entries say to subscribers: members tell their own, the leader nodes that are none.

    What is done where nobody leads only this node knows, and tells all others.
    """
    hub = front.pubsub
    held = front.groups.get(group.settings.group)
    leads = held is not None and held.raft.role is Role.LEADER
    apart = hub.apart_from(held.raft.membership.members()) if held is not None and leads else []
    if group.settings.group in front.leaderless:
        apart = hub.apart_from((front.config.node,))
    said, group.published = group.published, []
    events, group.events = group.events, []
    if hub.subscribers or apart:
        notifies = front.system.machine.settings.notifies
        said += [(False, *one) for one in event_messages(events, notifies)]
    for shard, channel, message in said:
        hub.deliver(shard, channel, message)
        if apart:
            hub.relay(apart, shard, channel, message)
