"""Publish/subscribe: the rows, and ``PUBLISH`` inside transactions and scripts.

The node answers these commands (``node/pubsub_commands``). What a transaction or a script
publishes is part of its entry: every node finds it in ``context.published`` and delivers it to
its own subscribers. How many those are nobody knows there, so the answer is 0.
"""

from typing import Final

from trivet.core.command.table import Context, Flag, session_command
from trivet.core.wire.reply import Reply

_ALWAYS: Final = Flag.LOADING | Flag.STALE
_PUBSUB: Final = _ALWAYS | Flag.PUBSUB
_LISTEN: Final = _PUBSUB | Flag.NOSCRIPT
_TALK: Final = _PUBSUB | Flag.FAST
_SHARD_CHANNELS: Final = (1, -1, 1)
_SHARD_CHANNEL: Final = (1, 1, 1)
_NO_KEYS: Final = (0, 0, 0)
_PER_NAME: Final = "O(N), N names"
_PER_CHANNEL: Final = "O(N), N channels"


def publish(context: Context, args: list[bytes]) -> Reply:
    """``PUBLISH channel message`` in a transaction or a script."""
    context.published.append((False, args[1], args[2]))
    return 0


def spublish(context: Context, args: list[bytes]) -> Reply:
    """``SPUBLISH channel message`` in a transaction or a script."""
    context.published.append((True, args[1], args[2]))
    return 0


_ROWS: Final = (
    ("subscribe", -2, _LISTEN, _NO_KEYS, "2.0.0", _PER_NAME, "Listens to channels."),
    ("unsubscribe", -1, _LISTEN, _NO_KEYS, "2.0.0", _PER_NAME, "Listens to channels no longer."),
    ("psubscribe", -2, _LISTEN, _NO_KEYS, "2.0.0", _PER_NAME, "Listens to all channels that match patterns."),
    ("punsubscribe", -1, _LISTEN, _NO_KEYS, "2.0.0", _PER_NAME, "Listens to patterns no longer."),
    ("ssubscribe", -2, _LISTEN, _SHARD_CHANNELS, "7.0.0", _PER_NAME, "Listens to sharded channels."),
    ("sunsubscribe", -1, _LISTEN, _SHARD_CHANNELS, "7.0.0", _PER_NAME, "Ends SSUBSCRIBE."),
    ("pubsub", -2, Flag(0), _NO_KEYS, "2.8.0", "By subcommand.", "Holds subcommands about who listens."),
    ("pubsub|channels", -2, _PUBSUB, _NO_KEYS, "2.8.0", _PER_CHANNEL, "Lists channels with listeners."),
    ("pubsub|numsub", -2, _PUBSUB, _NO_KEYS, "2.8.0", _PER_NAME, "Counts the listeners of channels."),
    ("pubsub|numpat", 2, _PUBSUB, _NO_KEYS, "2.8.0", "O(N), N patterns", "Counts the patterns listened to."),
    (
        "pubsub|shardchannels",
        -2,
        _PUBSUB,
        _NO_KEYS,
        "7.0.0",
        _PER_CHANNEL,
        "Lists sharded channels with listeners.",
    ),
    ("pubsub|shardnumsub", -2, _PUBSUB, _NO_KEYS, "7.0.0", _PER_NAME, "Counts their listeners."),
    ("pubsub|help", 2, _ALWAYS, _NO_KEYS, "6.2.0", "O(1)", "Lists the subcommands."),
)  # fmt: skip

for _name, _arity, _flags, _keys, _since, _complexity, _summary in _ROWS:
    session_command(
        _name,
        arity=_arity,
        flags=_flags,
        keys=_keys,
        group="pubsub",
        since=_since,
        complexity=_complexity,
        summary=_summary,
    )
session_command(
    "publish",
    arity=3,
    flags=_TALK,
    group="pubsub",
    since="2.0.0",
    complexity="O(N+M), N listeners of the channel, M patterns",
    summary="Sends a message to all that listen to a channel.",
    run=publish,
)
session_command(
    "spublish",
    arity=3,
    flags=_TALK,
    keys=_SHARD_CHANNEL,
    group="pubsub",
    since="7.0.0",
    complexity="O(N), N listeners",
    summary="Sends a message to all that listen to a sharded channel.",
    run=spublish,
)
