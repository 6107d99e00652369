"""Publish/subscribe: the commands, between a session and the node's hub (room ``pubsub``).

All of them wait until the session is idle (Rule C1): so what a client has written before is there
when a subscriber hears of it, and a message never overtakes the answer to its subscription.
"""

from collections.abc import Callable
from typing import Final

from trivet.core.command.arguments import PATTERN_TOO_LONG
from trivet.core.command.lookup import find_row
from trivet.core.node.front import Front
from trivet.core.node.session import SUBSCRIBED, Session
from trivet.core.node.vetting import call_bytes
from trivet.core.pubsub.hearing import Confirmation
from trivet.core.pubsub.messages import Kind
from trivet.core.values.glob import PATTERN_BYTES_MAX
from trivet.core.wire.reply import Error, Push, Reply, Simple

_HELP: Final = (
    "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CHANNELS [<pattern>]",
    "    The channels that somebody listens to, on any node.",
    "NUMPAT",
    "    How many patterns somebody listens to, on any node.",
    "NUMSUB [<channel> ...]",
    "    How many clients listen to each channel, on all nodes, those by pattern not counted.",
    "SHARDCHANNELS [<pattern>]",
    "    The sharded channels that somebody listens to, on any node.",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    How many clients listen to each sharded channel, on all nodes.",
    "HELP",
    "    This text.",
)

_Handler = Callable[[Front, Session, list[bytes]], bool]


def _subscriber(kind: Kind, word: bytes) -> _Handler:
    def subscribe(front: Front, session: Session, args: list[bytes]) -> bool:
        if not session.idle:
            return False
        refusal = front.pubsub.refuse(session.conn, kind, args[1:])
        if refusal is not None:
            if session.held is not None:
                return False
            session.answer_reply(refusal)
            return True
        if session.held is not None or not front.pubsub.are_known(kind, args[1:]):
            session.held = session.held or bytearray()
            front.pubsub.subscribe_and_wait(session.conn, session, kind, word, args[1:], front.now_ms)
            return True
        for name in args[1:]:
            count = front.pubsub.subscribe(session.conn, session, kind, name)
            session.answer_reply(Push([word, name, count]))
        _note(front, session)
        return True

    return subscribe


def confirm(front: Front) -> None:
    """Answer those of whom all peers have heard (Rule H7), and those for whom too much came meanwhile."""
    hub = front.pubsub
    most_bytes = front.limits.client_output_pubsub_pause_bytes
    for confirmation in hub.confirmations.values():
        if len(front.sessions[confirmation.conn].held or b"") > most_bytes:
            confirmation.wait_for_nobody()
    for confirmation in hub.take_confirmed():
        _confirm(front, front.sessions[confirmation.conn], confirmation)


def confirm_at_last(front: Front, session: Session) -> None:
    """Answer a session that is about to be closed, whoever has heard."""
    _confirm(front, session, front.pubsub.confirmations.pop(session.conn))


def _confirm(front: Front, session: Session, confirmation: Confirmation) -> None:
    for answer in confirmation.answers:
        session.answer_reply(answer)
    session.subscribed()
    _note(front, session)


def may_follow(front: Front, session: Session, requests: list[list[bytes]], position: int) -> bool:
    """Whether the next command may join the ``SUBSCRIBE`` that waits: peers then hear of both at once."""
    if session.held is None or session.vet & ~SUBSCRIBED or front.vet or position == len(requests):
        return False
    args = requests[position]
    return len(args) > 1 and args[0].upper() in _SUBSCRIBERS


def _unsubscriber(kind: Kind, word: bytes) -> _Handler:
    def unsubscribe(front: Front, session: Session, args: list[bytes]) -> bool:
        if not session.idle:
            return False
        names = args[1:] or front.pubsub.names(session.conn, kind)
        for name in names:
            count = front.pubsub.unsubscribe(session.conn, kind, name)
            session.answer_reply(Push([word, name, count]))
        if not names:
            session.answer_reply(Push([word, None, front.pubsub.count(session.conn, kind)]))
        _note(front, session)
        return True

    return unsubscribe


def _note(front: Front, session: Session) -> None:
    """What the session itself knows of its subscriptions."""
    subscriber = front.pubsub.subscribers.get(session.conn)
    if subscriber is None:
        session.subscriptions = (0, 0, 0)
        session.vet &= ~SUBSCRIBED
    else:
        channels, patterns, shard_channels = subscriber.names
        session.subscriptions = (len(channels), len(patterns), len(shard_channels))
        session.vet |= SUBSCRIBED


def _publisher(shard: bool) -> _Handler:
    def publish(front: Front, session: Session, args: list[bytes]) -> bool:
        if not session.idle:
            return False
        limit = front.limits.call_bytes_max
        if call_bytes(args) > limit:
            session.answer_reply(Error(f"ERR the command is larger than call_bytes_max ({limit})"))
        else:
            session.answer_reply(front.pubsub.publish(shard, args[1], args[2]))
        return True

    return publish


def _pubsub(front: Front, session: Session, args: list[bytes]) -> bool:
    row = find_row(args)
    if isinstance(row, Error):
        session.answer_reply(row)
    elif not session.idle:
        return False
    else:
        session.answer_reply(_about(front, args[1].upper(), args[2:]))
    return True


def _about(front: Front, action: bytes, args: list[bytes]) -> Reply:
    """The reply to ``PUBSUB action args``."""
    hub = front.pubsub
    if action == b"HELP":
        return [Simple(line) for line in _HELP]
    if action == b"NUMPAT":
        return len(hub.channels(Kind.PATTERN, None))
    kind = Kind.SHARD if action.startswith(b"SHARD") else Kind.CHANNEL
    if action.endswith(b"CHANNELS"):
        if len(args) > 1:
            word = action.decode().lower()
            return Error(
                f"ERR unknown subcommand or wrong number of arguments for '{word}'. Try PUBSUB HELP."
            )
        if args and len(args[0]) > PATTERN_BYTES_MAX:
            return PATTERN_TOO_LONG
        return [*hub.channels(kind, args[0] if args else None)]
    counts: list[Reply] = []
    for name in args:
        counts += [name, hub.clients_of(kind, name)]
    return counts


def unsubscribe_from_everything(front: Front, session: Session) -> None:
    """Without a word, as ``RESET`` does."""
    front.pubsub.forget(session.conn)
    _note(front, session)


_SUBSCRIBERS: Final = {b"SUBSCRIBE": 1, b"PSUBSCRIBE": 1, b"SSUBSCRIBE": 1}
PUBSUB_HANDLERS: Final[dict[bytes, _Handler]] = {
    b"SUBSCRIBE": _subscriber(Kind.CHANNEL, b"subscribe"),
    b"UNSUBSCRIBE": _unsubscriber(Kind.CHANNEL, b"unsubscribe"),
    b"PSUBSCRIBE": _subscriber(Kind.PATTERN, b"psubscribe"),
    b"PUNSUBSCRIBE": _unsubscriber(Kind.PATTERN, b"punsubscribe"),
    b"SSUBSCRIBE": _subscriber(Kind.SHARD, b"ssubscribe"),
    b"SUNSUBSCRIBE": _unsubscriber(Kind.SHARD, b"sunsubscribe"),
    b"PUBLISH": _publisher(False),
    b"SPUBLISH": _publisher(True),
    b"PUBSUB": _pubsub,
}
