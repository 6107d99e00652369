"""``KEYSPACE``: what a client may say, read into one struct.

| command | |
|---|---|
| ``KEYSPACE CREATE db [option …]`` | database ``db`` gets groups of its own |
| ``KEYSPACE ALTER db-or-name [option …]`` | |
| ``KEYSPACE DROP db-or-name [FORCE]`` | |
| ``KEYSPACE LIST``, ``KEYSPACE INFO db-or-name`` | |

Options: ``MODE raft|local|paxos|eventual|primary``, ``NAME name``, ``REPLICAS count``, ``SHARDS count|AUTO``,
``TOGETHER``; of mode ``eventual`` ``WRITE QUORUM count`` and ``READ QUORUM count``. Only ``ALTER`` has
``APART``, the opposite of ``TOGETHER``. Only ``CREATE`` has ``ON node …``, which comes last: the nodes to
choose the first members from.
"""

from typing import Final

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.cluster import fields
from trivet.core.cluster.rows import (
    COPIES_MAX,
    DATABASE_MAX,
    EVENTUAL,
    LOCAL,
    MODES,
    MODES_LATER,
    REPLICAS_MAX,
    SHARDS_MAX,
)
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import Error, Reply

HELP: Final[list[Reply]] = [
    line.encode()
    for line in (
        "KEYSPACE <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CREATE <db> [MODE raft|local|paxos|eventual|primary] [NAME <name>] [REPLICAS <n>]",
        "    [SHARDS <n>|AUTO] [TOGETHER] [WRITE QUORUM <n>] [READ QUORUM <n>]",
        "    Give database <db> groups of its own.",
        "ALTER <db>|<name> [NAME <name>] [REPLICAS <n>] [SHARDS <n>|AUTO] [TOGETHER|APART]",
        "    [WRITE QUORUM <n>] [READ QUORUM <n>]",
        "    Change what a keyspace shall be.",
        "DROP <db>|<name> [FORCE]",
        "    Remove a keyspace: an empty one, or FORCE: with all that is in it.",
        "INFO <db>|<name>",
        "    Tell about one keyspace.",
        "LIST",
        "    Tell about all keyspaces.",
        "HELP",
        "    Print this help.",
    )
]
DATABASE_RANGE: Final = Error(f"ERR DB index is out of range: 0 to {DATABASE_MAX}")
REPLICAS_RANGE: Final = Error(
    f"ERR invalid number of replicas: 1 to {REPLICAS_MAX}, of mode {EVENTUAL} 1 to {COPIES_MAX}"
)
_COUNTS: Final[dict[bytes, tuple[int, int]]] = {
    b"CREATE": (3, 0), b"ALTER": (3, 0), b"DROP": (3, 4), b"INFO": (3, 3), b"LIST": (2, 2), b"HELP": (2, 2),
}  # fmt: skip
"""The fewest and the most arguments; 0: any number."""
_ANY_MODE: Final = f"{', '.join(MODES[:-1])} or {MODES[-1]}"
_ARGUMENTS_MAX: Final = 16 + fields.IDS_MAX


class KeyspaceCall(msgspec.Struct, kw_only=True):
    """A ``KEYSPACE`` command. What was not said is None."""

    action: bytes
    number: int | None = None
    called: str | None = None
    """The name in place of the number."""
    mode: str | None = None
    name: str | None = None
    replicas: int | None = None
    shards: int | None = None
    """0: ``AUTO``."""
    together: bool | None = None
    write_quorum: int | None = None
    read_quorum: int | None = None
    on: list[NodeId] = []
    force: bool = False
    """Also what is not empty: for who asks the map, which does not know."""


def parse(args: list[bytes]) -> KeyspaceCall | Error:
    """The command, ``args[0]`` being ``KEYSPACE``; or what is wrong with it."""
    if len(args) < 2:
        return Error("ERR wrong number of arguments for 'keyspace' command")
    action = args[1].upper()
    counts = _COUNTS.get(action)
    if counts is None:
        return Error(f"ERR unknown subcommand '{_shown(args[1])}'. Try KEYSPACE HELP.")
    low, high = counts
    if len(args) < low or (high and len(args) > high):
        return Error(f"ERR wrong number of arguments for 'keyspace|{action.decode().lower()}' command")
    call = KeyspaceCall(action=action)
    if low == 2:
        return call
    problem = _subject(call, args[2])
    if problem is None and action in (b"CREATE", b"ALTER"):
        problem = _options(call, args)
    elif problem is None and len(args) == 4:
        call.force = args[3].upper() == b"FORCE"
        problem = None if call.force else fields.SYNTAX
    return call if problem is None else problem


def _subject(call: KeyspaceCall, word: bytes) -> Error | None:
    number = parse_int(word)
    if number is not None:
        call.number = number
        return None if 0 <= number <= DATABASE_MAX else DATABASE_RANGE
    if call.action == b"CREATE":
        return fields.NOT_AN_INTEGER
    name = fields.name(word)
    if isinstance(name, Error):
        return name
    call.called = name
    return None


def _options(call: KeyspaceCall, args: list[bytes]) -> Error | None:
    if len(args) > _ARGUMENTS_MAX:
        return fields.SYNTAX
    said: list[bytes] = []
    at = 3
    while at < len(args):
        option = args[at].upper()
        if option in said:
            return fields.SYNTAX
        said.append(option)
        if option == b"ON" and call.action == b"CREATE":
            nodes = fields.identities(args[at + 1 :])
            if isinstance(nodes, Error):
                return nodes
            call.on = nodes
            return _fits(call) if nodes else fields.SYNTAX
        if option == b"TOGETHER" or (option == b"APART" and call.action == b"ALTER"):
            if call.together is not None:
                return fields.SYNTAX
            call.together = option == b"TOGETHER"
            at += 1
            continue
        if at + 1 == len(args):
            return fields.SYNTAX
        if option in (b"WRITE", b"READ"):
            problem = _quorum(call, args[at : at + 3])
            if problem is not None:
                return problem
            at += 3
            continue
        problem = _option(call, option, args[at + 1])
        if problem is not None:
            return problem
        at += 2
    return _fits(call)


def _option(call: KeyspaceCall, option: bytes, value: bytes) -> Error | None:
    """One option with a value."""
    if option == b"MODE" and call.action == b"CREATE":
        mode = _mode(value)
        if isinstance(mode, Error):
            return mode
        call.mode = mode
    elif option == b"MODE":
        return Error("ERR the mode of a keyspace cannot be changed: create another one")
    elif option == b"NAME":
        name = fields.name(value)
        if isinstance(name, Error):
            return name
        call.name = name
    elif option == b"REPLICAS":
        replicas = fields.number(value, 1, COPIES_MAX)
        if isinstance(replicas, Error):
            return REPLICAS_RANGE
        call.replicas = replicas
    elif option == b"SHARDS":
        shards = 0 if value.upper() == b"AUTO" else fields.number(value, 1, SHARDS_MAX)
        if isinstance(shards, Error):
            return Error(f"ERR invalid number of shards: 1 to {SHARDS_MAX}, or AUTO")
        call.shards = shards
    else:
        return fields.SYNTAX
    return None


def _quorum(call: KeyspaceCall, words: list[bytes]) -> Error | None:
    """``WRITE QUORUM count`` or ``READ QUORUM count``."""
    if len(words) < 3 or words[1].upper() != b"QUORUM":
        return fields.SYNTAX
    count = fields.number(words[2], 1, COPIES_MAX)
    if isinstance(count, Error):
        return Error(f"ERR invalid quorum: 1 to {COPIES_MAX}, and no more than REPLICAS")
    if words[0].upper() == b"WRITE":
        call.write_quorum = count
    else:
        call.read_quorum = count
    return None


def _mode(value: bytes) -> str | Error:
    mode = value[:16].decode("latin-1").lower()
    if mode in MODES:
        return mode
    if mode in MODES_LATER:
        return Error(f"ERR mode {mode} is not there yet: {_ANY_MODE}")
    return Error(f"ERR unknown mode '{_shown(value)}': {_ANY_MODE}")


def _fits(call: KeyspaceCall) -> Error | None:
    """What no keyspace can be, whatever it is now."""
    if call.together and call.shards is not None and call.shards > 1:
        return Error("ERR a keyspace that stays together has one shard")
    if call.action == b"CREATE" and call.mode != EVENTUAL and (call.replicas or 0) > REPLICAS_MAX:
        return REPLICAS_RANGE
    if call.mode == LOCAL and call.replicas is not None and call.replicas > 1:
        return Error("ERR a local keyspace has one replica")
    return None


def _shown(word: bytes) -> str:
    return word[:64].split(b"\0", 1)[0].decode("utf-8", "replace")
