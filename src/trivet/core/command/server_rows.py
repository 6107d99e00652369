"""What administrators' tools ask of a server, answered by the node: only the rows (see ``session_rows``)."""

from typing import Final

from trivet.core.command.table import Flag, session_command

_ALWAYS: Final = Flag.LOADING | Flag.STALE
_NONE: Final = Flag(0)
_ADMIN: Final = Flag.ADMIN | Flag.NOSCRIPT
_TOOL: Final = _ADMIN | _ALWAYS
_LOG: Final = Flag.ADMIN | _ALWAYS
_LOAD: Final = _ADMIN | Flag.NO_ASYNC_LOADING
_BY_SUBCOMMAND: Final = "By subcommand."

_ROWS: Final[tuple[tuple[str, int, Flag, str, str], ...]] = (
    ("slowlog", -2, _NONE, "2.2.12", "Holds subcommands about the calls that took longest."),
    ("slowlog|get", -2, _LOG, "2.2.12", "Gives the newest entries of the slow log."),
    ("slowlog|len", 2, _LOG, "2.2.12", "Counts the entries of the slow log."),
    ("slowlog|reset", 2, _LOG, "2.2.12", "Empties the slow log."),
    ("slowlog|help", 2, _ALWAYS, "6.2.0", "Lists the subcommands."),
    ("latency", -2, _NONE, "2.8.13", "Holds subcommands about how long clients wait."),
    ("latency|latest", 2, _TOOL, "2.8.13", "Gives the newest sample of every event."),
    ("latency|history", 3, _TOOL, "2.8.13", "Gives the samples of an event."),
    ("latency|reset", -2, _TOOL, "2.8.13", "Forgets samples."),
    ("latency|doctor", 2, _TOOL, "2.8.13", "Tells about latency in words."),
    ("latency|graph", 3, _TOOL, "2.8.13", "Draws the samples of an event."),
    ("latency|histogram", -2, _TOOL, "7.0.0", "Tells how long commands took until their answers."),
    ("latency|help", 2, _ALWAYS, "2.8.13", "Lists the subcommands."),
    ("monitor", 1, _TOOL, "1.0.0", "Shows every command that this node takes."),
    ("debug", -2, _TOOL, "1.0.0", "Holds subcommands for tests."),
    ("save", 1, _LOAD | Flag.NO_MULTI, "1.0.0", "Succeeds: what was answered is durable."),
    ("bgsave", -1, _LOAD, "1.0.0", "Succeeds: what was answered is durable."),
    ("bgrewriteaof", 1, _LOAD, "1.0.0", "Succeeds: the log is cut by itself."),
    ("lastsave", 1, _ALWAYS | Flag.FAST, "1.0.0", "Gives the present time: nothing answered is unsaved."),
    ("replicaof", 3, _ADMIN | Flag.STALE | Flag.NO_ASYNC_LOADING, "5.0.0", "Succeeds for NO ONE only."),
    ("slaveof", 3, _ADMIN | Flag.STALE | Flag.NO_ASYNC_LOADING, "1.0.0", "Succeeds for NO ONE only."),
    ("psync", -3, _LOAD | Flag.NO_MULTI, "2.8.0", "Refused: nodes replicate by their own log."),
    ("sync", 1, _LOAD | Flag.NO_MULTI, "1.0.0", "Refused: nodes replicate by their own log."),
    ("replconf", -1, _TOOL | Flag.ALLOW_BUSY, "3.0.0", "Refused: nodes replicate by their own log."),
    ("failover", -1, _ADMIN | Flag.STALE, "6.2.0", "Refused: leaders are elected."),
    ("shutdown", -1, _TOOL | Flag.NO_MULTI | Flag.ALLOW_BUSY, "1.0.0", "Refused: a node ends by a signal."),
    ("module", -2, _NONE, "4.0.0", "Holds subcommands about modules, of which there are none."),
    ("module|list", 2, _ADMIN, "4.0.0", "Lists no modules."),
    ("module|load", -3, _LOAD, "4.0.0", "Refused."),
    ("module|loadex", -3, _LOAD, "7.0.0", "Refused."),
    ("module|unload", 3, _LOAD, "4.0.0", "Refused."),
    ("module|help", 2, _ALWAYS, "5.0.0", "Lists the subcommands."),
)

for _name, _arity, _flags, _since, _summary in _ROWS:
    session_command(
        _name,
        arity=_arity,
        flags=_flags,
        group="server",
        summary=_summary,
        since=_since,
        complexity="O(1)",
    )
session_command(
    "waitaof",
    arity=4,
    flags=Flag.NOSCRIPT,
    group="generic",
    summary="Waits until the connection's writes are on so many disks.",
    since="7.2.0",
)
