"""Publish/subscribe: unique messages on a few channels, and clients that listen for a while.

What is heard stands in the history as ``HEAR channel message``, one operation per message, by the
listener's connection. Messages may be lost, but only on their way to another node: whoever listens on
the very node that answered a ``PUBLISH`` has heard it before it stops listening. On other nodes it is heard
when the links between nodes were whole: a node says that a client listens when the others know it.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import Value
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call
from trivet.lab.world.options import RunOptions


class PubSub(Base):
    """``j:`` channels; no key ever has such a name."""

    prefixes = (b"j:",)
    weights = ("weight_pubsub",)
    is_placed = False
    reads: ClassVar[dict[bytes, list[bytes]]] = {}

    def start(self, client: int, prng: Prng) -> Call:
        """Publish, or listen while some more round trips go by."""
        channel = self.key(b"j:", prng)
        if prng.below(4):
            self.count("publishes")
            return Call([[b"PUBLISH", channel, self.fresh(client)]], [channel])
        self.count("listens")
        return listen(channel, prng.between(1, 40))

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """Each channel by itself."""
        by_channel: dict[bytes, list[Operation]] = {}
        for operation in history:
            by_channel.setdefault(operation.keys[0], []).append(operation)
            self.count("hears", int(operation.commands[0][0] == b"HEAR"))
        quiet = Quiet(context.quiet_since_us, _patience_us(self.options))
        found = [c for name in by_channel for c in judge_pubsub(name.decode(), by_channel[name], quiet)]
        self.count("owed", quiet.owed)
        return found


class Quiet:
    """When the links between nodes are whole, and what is owed to listeners then."""

    def __init__(self, since_us: int, patience_us: int) -> None:
        self.since_us = since_us
        self.patience_us = patience_us
        """How long a message may take from one node to another."""
        self.owed = 0
        """Messages of other nodes that had to be heard."""


def _patience_us(options: RunOptions) -> int:
    slow_us = options.net_slow_us_max if options.net_slow_rate else 0
    return options.net_us_max + slow_us + 10 * options.turn_us_max + 1_000


def listen(channel: bytes, turns: int) -> Call:
    """``SUBSCRIBE``, some ``PING``, ``UNSUBSCRIBE``: one after the other, each when the last is answered."""

    def next_turn(left: int) -> Call:
        if left:
            return Call([], [], [[b"PING"]], then=lambda replies: next_turn(left - 1), hears=True)
        return Call([[b"UNSUBSCRIBE", channel]], [channel], hears=True)

    def subscribed(replies: tuple[Value, ...]) -> Call | None:
        return next_turn(turns)

    return Call([[b"SUBSCRIBE", channel]], [channel], then=subscribed, hears=True)


class _Listening:
    """What one connection did and heard on one channel."""

    def __init__(self) -> None:
        self.heard: dict[bytes, Operation] = {}
        self.spans: list[tuple[Operation, Operation]] = []
        """From the answer to ``SUBSCRIBE`` to the call of ``UNSUBSCRIBE``; those that ended in order only."""
        self.subscribed: Operation | None = None


NEVER_QUIET: Final = Quiet(FOREVER_US, 0)


def judge_pubsub(name: str, operations: Sequence[Operation], quiet: Quiet = NEVER_QUIET) -> list[Complaint]:
    """Complaints about one channel."""
    complaints: list[Complaint] = []
    published: dict[bytes, Operation] = {}
    listeners: dict[int, _Listening] = {}
    for operation in operations:
        command = operation.commands[0]
        if command[0] == b"PUBLISH":
            published[command[2]] = operation
            continue
        listening = listeners.setdefault(operation.conn, _Listening())
        if command[0] == b"HEAR":
            if command[2] in listening.heard:
                evidence = [listening.heard[command[2]].text(), operation.text()]
                complaints.append(_complaint(name, "a message was heard twice", evidence))
            listening.heard[command[2]] = operation
        elif operation.outcome is Outcome.OK and command[0] == b"SUBSCRIBE":
            listening.subscribed = operation
        elif operation.outcome is Outcome.OK and command[0] == b"UNSUBSCRIBE":
            if listening.subscribed is not None:
                listening.spans.append((listening.subscribed, operation))
            listening.subscribed = None
    for listening in listeners.values():
        complaints += _sources(name, listening, published)
        complaints += _order(name, listening, published)
        complaints += _missed(name, listening, published)
        complaints += _owed(name, listening, published, quiet)
    return complaints


def _complaint(name: str, sentence: str, evidence: list[str]) -> Complaint:
    return Complaint("pubsub", f"channel {name}: {sentence}", evidence)


def _sources(name: str, listening: _Listening, published: dict[bytes, Operation]) -> list[Complaint]:
    """Nothing is heard from nowhere."""
    complaints: list[Complaint] = []
    for message, heard in listening.heard.items():
        source = published.get(message)
        if source is None:
            complaints.append(_complaint(name, "a message was heard that nobody published", [heard.text()]))
        elif source.invoke_us > heard.invoke_us or source.outcome is Outcome.FAIL:
            sentence = "a message was heard before it was published, or though it was refused"
            complaints.append(_complaint(name, sentence, [source.text(), heard.text()]))
    return complaints


def _order(name: str, listening: _Listening, published: dict[bytes, Operation]) -> list[Complaint]:
    """Messages of one connection are heard in the order in which it sent them."""
    last: dict[int, Operation] = {}
    complaints: list[Complaint] = []
    for message, heard in listening.heard.items():
        source = published.get(message)
        if source is None:
            continue
        before = last.get(source.conn)
        if before is not None and before.number > source.number:
            evidence = [source.text(), before.text(), heard.text()]
            complaints.append(
                _complaint(name, "messages of one connection were heard out of order", evidence)
            )
        last[source.conn] = source
    return complaints


def _missed(name: str, listening: _Listening, published: dict[bytes, Operation]) -> list[Complaint]:
    """What the listener's own node has answered is heard."""
    complaints: list[Complaint] = []
    for begin, end in listening.spans:
        for message, source in published.items():
            if (
                source.outcome is Outcome.OK
                and source.node == begin.node
                and source.invoke_us > begin.return_us
                and source.return_us < end.invoke_us
                and message not in listening.heard
            ):
                evidence = [begin.text(), source.text(), end.text()]
                complaints.append(
                    _complaint(name, "a message on the listener's own node was not heard", evidence)
                )
    return complaints


def _owed(
    name: str, listening: _Listening, published: dict[bytes, Operation], quiet: Quiet
) -> list[Complaint]:
    """What another node has answered is heard, too, while the links are whole."""
    complaints: list[Complaint] = []
    for begin, end in listening.spans:
        if begin.invoke_us <= quiet.since_us:
            continue
        for message, source in published.items():
            if (
                source.outcome is Outcome.OK
                and source.node != begin.node
                and source.invoke_us > begin.return_us
                and source.return_us + quiet.patience_us < end.invoke_us
            ):
                quiet.owed += 1
                if message not in listening.heard:
                    evidence = [begin.text(), source.text(), end.text()]
                    sentence = "a message of another node was not heard, though all links were whole"
                    complaints.append(_complaint(name, sentence, evidence))
    return complaints
