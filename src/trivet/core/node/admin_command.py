"""What administrators' tools ask of a Redis: saving, replication, modules, the end.

Much of it has no work to do here: what has been answered is durable on a majority, and every
node replicates by the log. Such a command succeeds if what it wants already holds, and is
refused otherwise, with what to do instead.
"""

from typing import Final

from trivet.core.command.arguments import unknown_subcommand, wrong_arity
from trivet.core.node.front import Front
from trivet.core.node.session import Session
from trivet.core.wire.reply import OK, Error, Reply, Simple

_SYNTAX: Final = Error("ERR syntax error")
_NO_REPLICATION: Final = Error(
    "ERR nodes replicate by their own log, not by Redis' replication: a new node says CLUSTER JOIN "
    "(trivet join)"
)
_NO_SHUTDOWN: Final = Error(
    "ERR SHUTDOWN is not served: end a node's process with SIGTERM; it hands its leadership over first, and "
    "the others go on"
)
_NO_MODULES: Final = Error("ERR modules are not served")
_MODULE_HELP: Final = (
    "MODULE <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "LIST",
    "    An empty list: there are no modules.",
    "HELP",
    "    This text.",
)


def admin(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer one of the commands below; False: when the session is idle."""
    if args[0] in (b"SAVE", b"LASTSAVE") and not session.idle:
        return False
    session.answer_reply(_ANSWERS[args[0]](front, args))
    return True


def _save(front: Front, args: list[bytes]) -> Reply:
    return OK


def _bgsave(front: Front, args: list[bytes]) -> Reply:
    if len(args) > 2 or (len(args) == 2 and args[1].upper() != b"SCHEDULE"):
        return _SYNTAX
    return Simple("Background saving started")


def _rewrite(front: Front, args: list[bytes]) -> Reply:
    return Simple("Background append only file rewriting started")


def _lastsave(front: Front, args: list[bytes]) -> Reply:
    return front.wall_ms // 1000


def _replicaof(front: Front, args: list[bytes]) -> Reply:
    if args[1].upper() == b"NO" and args[2].upper() == b"ONE":
        return OK
    return _NO_REPLICATION


def _replication(front: Front, args: list[bytes]) -> Reply:
    return _NO_REPLICATION


def _failover(front: Front, args: list[bytes]) -> Reply:
    if len(args) == 2 and args[1].upper() == b"ABORT":
        return Error("ERR No failover in progress.")
    return Error("ERR FAILOVER is not served: leaders are elected; SIGTERM to a node makes it hand over")


def _shutdown(front: Front, args: list[bytes]) -> Reply:
    words = [arg.upper() for arg in args[1:]]
    if any(word not in (b"SAVE", b"NOSAVE", b"NOW", b"FORCE", b"ABORT") for word in words):
        return _SYNTAX
    if b"ABORT" in words:
        return Error("ERR No shutdown in progress.") if len(words) == 1 else _SYNTAX
    return _NO_SHUTDOWN


def _module(front: Front, args: list[bytes]) -> Reply:
    action = args[1].upper()
    if action in (b"LIST", b"HELP"):
        if len(args) != 2:
            return wrong_arity(f"module|{action.decode().lower()}")
        return [] if action == b"LIST" else [Simple(line) for line in _MODULE_HELP]
    if action in (b"LOAD", b"LOADEX", b"UNLOAD"):
        return _NO_MODULES
    return unknown_subcommand(args[0], args[1])


_ANSWERS: Final = {
    b"SAVE": _save,
    b"BGSAVE": _bgsave,
    b"BGREWRITEAOF": _rewrite,
    b"LASTSAVE": _lastsave,
    b"REPLICAOF": _replicaof,
    b"SLAVEOF": _replicaof,
    b"PSYNC": _replication,
    b"SYNC": _replication,
    b"REPLCONF": _replication,
    b"FAILOVER": _failover,
    b"SHUTDOWN": _shutdown,
    b"MODULE": _module,
}
ADMIN_NAMES: Final = tuple(_ANSWERS)
