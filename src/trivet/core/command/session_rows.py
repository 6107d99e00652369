"""The commands that the node answers itself: connection, transactions, cluster, introspection.

Only their rows: arity, flags and keys. The node room holds the functions.
"""

from typing import Final

from trivet.core.command.table import Flag, session_command

_NONE: Final = Flag(0)
_FAST: Final = Flag.FAST
_ALWAYS: Final = Flag.LOADING | Flag.STALE
_QUICK: Final = _ALWAYS | Flag.FAST
_OWN: Final = _ALWAYS | Flag.NOSCRIPT
_ADMIN: Final = _OWN | Flag.ADMIN
_BEGIN: Final = _OWN | Flag.FAST | Flag.ALLOW_BUSY
_LOGIN: Final = _BEGIN | Flag.NO_AUTH
_STALE: Final = Flag.STALE
_ADMINS: Final = Flag.STALE | Flag.ADMIN | Flag.NOSCRIPT
_ADMINS_THERE: Final = Flag.STALE | Flag.ADMIN
_CHANGES_THERE: Final = _ADMINS_THERE | Flag.NO_ASYNC_LOADING
_HERE: Final = "Trivet"
"""*Since* of what Redis does not have."""

_LIKE_WATCH: Final = (1, -1, 1)
_BY_SUBCOMMAND: Final = "By subcommand."

_SessionRow = tuple[str, int, Flag, str, str, str]
"""(name, arity, flags, since, complexity, summary)."""

_CONNECTION: Final[tuple[_SessionRow, ...]] = (
    ("ping", -1, _FAST, "1.0.0", "O(1)", "Answers PONG, or the argument."),
    ("echo", 2, _QUICK, "1.0.0", "O(1)", "Answers its argument."),
    ("quit", -1, _LOGIN, "1.0.0", "O(1)", "Closes the connection."),
    ("select", 2, _QUICK, "1.0.0", "O(1)", "Chooses the connection's database."),
    ("reset", 1, _LOGIN, "6.2.0", "O(1)", "Makes the connection as new."),
    ("hello", -1, _LOGIN, "6.0.0", "O(1)", "Chooses the protocol version; may authenticate and name."),
    ("auth", -2, _LOGIN, "1.0.0", "O(1)", "Authenticates the connection."),
    ("client", -2, _NONE, "2.4.0", _BY_SUBCOMMAND, "Holds subcommands about connections."),
    ("client|getname", 2, _OWN, "2.6.9", "O(1)", "Gives the connection's name."),
    ("client|setname", 3, _OWN, "2.6.9", "O(1)", "Names the connection."),
    ("client|setinfo", 4, _OWN, "7.2.0", "O(1)", "Notes which library the client uses."),
    ("client|id", 2, _OWN, "5.0.0", "O(1)", "Gives the connection's number."),
    ("client|info", 2, _OWN, "6.2.0", "O(1)", "Describes the connection."),
    ("client|list", -2, _ADMIN, "2.4.0", "O(N), N connections", "Describes all connections of this node."),
    ("client|kill", -3, _ADMIN, "2.4.0", "O(N), N connections", "Closes connections of this node."),
    ("client|caching", 3, _OWN, "6.0.0", "O(1)", "Tells whether the next command's reads are tracked."),
    ("client|causal", -3, _OWN, _HERE, "O(N), N nodes", "Carries what was seen (mode eventual)."),
    ("client|getredir", 2, _OWN, "6.0.0", "O(1)", "Tells who hears of changes in place of this client."),
    ("client|no-touch", 3, _OWN, "7.2.0", "O(1)", "Accepted; see OBJECT IDLETIME."),
    ("client|pause", -3, _ADMIN, "2.9.50", "O(1)", "Holds the commands of this node's clients for a while."),
    ("client|tracking", -3, _OWN, "6.0.0", "O(1)", "Tells the client when what it has read changes."),
    ("client|trackinginfo", 2, _OWN, "6.2.0", "O(1)", "Describes how the connection tracks."),
    ("client|unblock", -3, _ADMIN, "5.0.0", "O(1)", "Ends a waiting call of another connection."),
    ("client|unpause", 2, _ADMIN, "6.2.0", "O(N), N connections", "Ends CLIENT PAUSE."),
    ("client|reply", 3, _OWN, "3.2.0", "O(1)", "Turns the replies of the connection on or off."),
    ("client|no-evict", 3, _ADMIN, "7.0.0", "O(1)", "Accepted; connections are not evicted here."),
    ("client|help", 2, _ALWAYS, "5.0.0", "O(1)", "Lists the subcommands."),
)

_SERVER: Final[tuple[_SessionRow, ...]] = (
    ("command", -1, _ALWAYS, "2.8.13", "O(N), N commands", "Describes all commands."),
    ("command|count", 2, _ALWAYS, "2.8.13", "O(1)", "Counts the commands."),
    ("command|info", -2, _ALWAYS, "2.8.13", "O(N), N commands", "Tells commands' arity, flags and keys."),
    ("command|docs", -2, _ALWAYS, "7.0.0", "O(N), N commands", "Describes commands in words."),
    ("command|list", -2, _ALWAYS, "7.0.0", "O(N), N commands", "Lists the commands' names."),
    ("command|getkeys", -4, _ALWAYS, "2.8.13", "O(N), N arguments", "Gives the keys of a whole command."),
    ("command|help", 2, _ALWAYS, "5.0.0", "O(1)", "Lists the subcommands."),
    ("info", -1, _ALWAYS, "1.0.0", "O(1)", "Tells figures about the node."),
    ("config", -2, _NONE, "2.0.0", _BY_SUBCOMMAND, "Holds subcommands about settings."),
    ("config|get", -3, _ADMIN, "2.0.0", "O(N), N settings", "Gives settings by pattern."),
    ("config|set", -4, _ADMIN, "2.0.0", "O(N), N settings", "Changes settings."),
    ("config|resetstat", 2, _ADMIN, "2.0.0", "O(1)", "Sets the counters of INFO to zero."),
    ("config|rewrite", 2, _ADMIN, "2.8.0", "O(1)", "Would write the settings to their file."),
    ("config|help", 2, _ALWAYS, "5.0.0", "O(1)", "Lists the subcommands."),
    ("role", 1, _OWN | _FAST, "2.8.12", "O(1)", "Tells the node's role as a Redis client sees it."),
    ("lolwut", -1, Flag.READONLY | _FAST, "5.0.0", "O(1)", "Draws something, and tells the version."),
)

_ACL: Final[tuple[_SessionRow, ...]] = (
    ("acl", -2, _NONE, "6.0.0", _BY_SUBCOMMAND, "Holds subcommands about users and what they may do."),
    ("acl|cat", -2, _OWN, "6.0.0", "O(N), N commands", "Lists the categories, or the commands of one."),
    ("acl|deluser", -3, _ADMIN, "6.0.0", "O(N), N users and connections", "Deletes users."),
    ("acl|dryrun", -4, _ADMIN, "7.0.0", "O(1)", "Tells whether a user may call a command."),
    ("acl|genpass", -2, _OWN, "6.0.0", "O(1)", "Makes a password."),
    ("acl|getuser", 3, _ADMIN, "6.0.0", "O(N), N rules", "Tells what there is to know of a user."),
    ("acl|help", 2, _ALWAYS, "6.0.0", "O(1)", "Lists the subcommands."),
    ("acl|list", 2, _ADMIN, "6.0.0", "O(N), N users", "Lists all users with their rules."),
    ("acl|load", 2, _ADMIN, "6.0.0", "O(1)", "Would read users from a file; they are in the log."),
    ("acl|log", -2, _ADMIN, "6.0.0", "O(N), N entries", "Tells what this node has refused lately."),
    ("acl|save", 2, _ADMIN, "6.0.0", "O(1)", "Would write users to a file; they are in the log."),
    ("acl|setuser", -3, _ADMIN, "6.0.0", "O(N), N rules and connections", "Makes or changes a user."),
    ("acl|users", 2, _ADMIN, "6.0.0", "O(N), N users", "Lists the names of all users."),
    ("acl|whoami", 2, _OWN, "6.0.0", "O(1)", "Tells the connection's user."),
)

_TRANSACTIONS: Final[tuple[_SessionRow, ...]] = (
    ("multi", 1, _BEGIN, "1.2.0", "O(1)", "Starts a transaction: commands are queued."),
    ("exec", 1, _OWN | Flag.SKIP_SLOWLOG, "1.2.0", "By the commands.", "Runs the queued commands as one."),
    ("discard", 1, _BEGIN, "2.0.0", "O(N), N queued commands", "Forgets the queued commands."),
    ("watch", -2, _BEGIN, "2.2.0", "O(1) per key", "Lets the next EXEC fail if one of the keys has changed."),
    ("unwatch", 1, _BEGIN, "2.2.0", "O(1)", "Forgets all watched keys."),
)

_GENERIC: Final[tuple[_SessionRow, ...]] = (
    (
        "wait",
        3,
        Flag.NOSCRIPT,
        "3.0.0",
        "O(1)",
        "Waits until so many other nodes have the connection's writes.",
    ),
)

_CLUSTER: Final[tuple[_SessionRow, ...]] = (
    ("readonly", 1, _QUICK, "3.0.0", "O(1)", "Allows reads on this connection that may be stale."),
    ("readwrite", 1, _QUICK, "3.0.0", "O(1)", "Ends READONLY."),
    ("asking", 1, _FAST, "3.0.0", "O(1)", "Accepted; there is no ASK redirect."),
    ("cluster", -2, _NONE, "3.0.0", _BY_SUBCOMMAND, "Holds subcommands about the cluster."),
    ("cluster|info", 2, _STALE, "3.0.0", "O(N), N groups", "Tells figures about the cluster."),
    ("cluster|nodes", 2, _STALE, "3.0.0", "O(N), N nodes", "Lists the nodes."),
    ("cluster|slots", 2, _STALE, "3.0.0", "O(N), N nodes", "Tells which nodes serve which slots."),
    ("cluster|shards", 2, _STALE, "7.0.0", "O(N), N nodes", "Tells which nodes serve which slots, and how."),
    ("cluster|links", 2, _STALE, "7.0.0", "O(N), N nodes", "Lists this node's links to others."),
    ("cluster|myid", 2, _STALE, "3.0.0", "O(1)", "Gives this node's id."),
    ("cluster|keyslot", 3, _STALE, "3.0.0", "O(N), N bytes", "Gives the slot of a key."),
    ("cluster|countkeysinslot", 3, _STALE, "3.0.0", "O(N), N keys held", "Counts the keys of a slot."),
    ("cluster|getkeysinslot", 4, _STALE, "3.0.0", "O(N), N keys held", "Gives keys of a slot."),
    ("cluster|replicas", 3, _ADMINS_THERE, "5.0.0", "O(N), N nodes", "Lists the nodes that follow a node."),
    ("cluster|slaves", 3, _ADMINS_THERE, "3.0.0", "O(N), N nodes", "As CLUSTER REPLICAS."),
    (
        "cluster|count-failure-reports",
        3,
        _ADMINS_THERE,
        "3.0.0",
        "O(1)",
        "Tells whether a node is not heard.",
    ),
    ("cluster|saveconfig", 2, _CHANGES_THERE, "3.0.0", "O(1)", "Nothing to do: the map is in the log."),
    ("cluster|help", 2, _ALWAYS, "5.0.0", "O(1)", "Lists the subcommands."),
)

_BY_ITSELF: Final = "Refused, with what to say instead."
_REFUSED: Final[tuple[_SessionRow, ...]] = tuple(
    (f"cluster|{name}", arity, _ADMINS if name == "reset" else _CHANGES_THERE, since, "O(1)", _BY_ITSELF)
    for name, arity, since in (
        ("addslots", -3, "3.0.0"),
        ("addslotsrange", -4, "7.0.0"),
        ("bumpepoch", 2, "3.0.0"),
        ("delslots", -3, "3.0.0"),
        ("delslotsrange", -4, "7.0.0"),
        ("failover", -2, "3.0.0"),
        ("flushslots", 2, "3.0.0"),
        ("forget", 3, "3.0.0"),
        ("meet", -4, "3.0.0"),
        ("replicate", 3, "3.0.0"),
        ("reset", -2, "3.0.0"),
        ("set-config-epoch", 3, "3.0.0"),
        ("setslot", -4, "3.0.0"),
    )
)

_OURS: Final[tuple[_SessionRow, ...]] = (
    ("cluster|state", 2, _ADMINS, _HERE, "O(N), N groups", "Tells all nodes, keyspaces, groups and moves."),
    ("cluster|plan", 2, _ADMINS, _HERE, "O(N), N groups", "Tells what the cluster would do next, and why."),
    ("cluster|join", -8, _ADMINS, _HERE, "O(N), N nodes", "Adds a node: its id, and where the others are."),
    ("cluster|drain", 3, _ADMINS, _HERE, "O(1)", "Empties a node."),
    ("cluster|undrain", 3, _ADMINS, _HERE, "O(1)", "Lets a node stay after all."),
    ("cluster|leave", -3, _ADMINS, _HERE, "O(N), N groups", "Removes a node that is drained, or dead."),
    ("cluster|replace", 4, _ADMINS, _HERE, "O(1)", "Lets a new node take the place of a dead one."),
    ("cluster|split", -3, _ADMINS, _HERE, "O(1)", "Begins to move slots into a new group."),
    ("cluster|merge", 4, _ADMINS, _HERE, "O(1)", "Begins to move all slots of a group into another."),
    ("cluster|move", -4, _ADMINS, _HERE, "O(1)", "Begins to move slots to another group; aborts a move."),
    ("cluster|lead", 4, _ADMINS, _HERE, "O(1)", "Lets another member lead a group."),
    ("keyspace", -2, _NONE, _HERE, _BY_SUBCOMMAND, "Holds subcommands about databases with own groups."),
    ("keyspace|create", -3, _ADMINS, _HERE, "O(N), N shards", "Gives a database groups of its own."),
    ("keyspace|alter", -3, _ADMINS, _HERE, "O(1)", "Changes what a keyspace shall be."),
    ("keyspace|drop", -3, _ADMINS, _HERE, "O(N), N groups", "Removes a keyspace."),
    ("keyspace|list", 2, _STALE, _HERE, "O(N), N keyspaces", "Tells about all keyspaces."),
    ("keyspace|info", 3, _STALE, _HERE, "O(N), N groups", "Tells about one keyspace."),
    ("keyspace|help", 2, _ALWAYS, _HERE, "O(1)", "Lists the subcommands."),
    ("txn", -2, _NONE, _HERE, _BY_SUBCOMMAND, "Holds subcommands about transactions over groups."),
    ("txn|list", 2, _STALE, _HERE, "O(N), N transactions", "Tells about transactions over groups here."),
    ("txn|help", 2, _ALWAYS, _HERE, "O(1)", "Lists the subcommands."),
)


def _declare(group: str, rows: tuple[_SessionRow, ...]) -> None:
    for name, arity, flags, since, complexity, summary in rows:
        keys = _LIKE_WATCH if name == "watch" else (0, 0, 0)
        session_command(
            name,
            arity=arity,
            flags=flags,
            group=group,
            summary=summary,
            since=since,
            complexity=complexity,
            keys=keys,
        )


_declare("connection", _CONNECTION)
_declare("server", _SERVER)
_declare("server", _ACL)
_declare("transactions", _TRANSACTIONS)
_declare("generic", _GENERIC)
_declare("cluster", _CLUSTER)
_declare("cluster", _REFUSED)
_declare("cluster", _OURS)
