"""``ACL``: users, their rules, and what was refused.

Changes and questions about users go through the group, so that they are exact on every node:
a change is an entry of the log, a question a linearizable read. What was refused (``ACL LOG``) is
this node's own.
"""

from collections.abc import Callable
from typing import Final

from trivet.core.access.catalogue import CATEGORIES
from trivet.core.access.commands import CATEGORY_MASKS, COMMANDS
from trivet.core.access.rules import are_well_formed, change, hashed, merged
from trivet.core.access.selector import has_blanks
from trivet.core.access.user import User
from trivet.core.command.arguments import exact
from trivet.core.command.lookup import find_row
from trivet.core.command.table import ROWS, SUBROWS
from trivet.core.node.front import Front
from trivet.core.node.session import HELD, Session
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import OK, Error, Reply, Simple

_BAD_NAME: Final = Error("ERR Usernames can't contain spaces or null characters")
_NOT_AN_INTEGER: Final = Error("ERR value is not an integer or out of range")
_BITS_MAX: Final = 4096
_BAD_BITS: Final = Error(
    "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to "
    f"{_BITS_MAX}"
)
_NO_FILE: Final = Error(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL "
    "SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in "
    "order to store users in the Redis configuration."
)
_HELP: Final = (
    "ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CAT [<category>]",
    "    The categories, or the commands of one.",
    "DELUSER <username> [<username> ...]",
    "    Delete users, and end their connections.",
    "DRYRUN <username> <command> [<arg> ...]",
    "    Whether the user may call this, without calling it.",
    "GETUSER <username>",
    "    What there is to know of a user.",
    "GENPASS [<bits>]",
    "    A new password, of 256 bits unless told otherwise.",
    "LIST",
    "    All users with their rules.",
    "LOAD",
    "    Always an error: users are in the log, not in a file.",
    "LOG [<count> | RESET]",
    "    What this node has refused lately.",
    "SAVE",
    "    Nothing to do: users are in the log.",
    "SETUSER <username> <attribute> [<attribute> ...]",
    "    Make or change a user.",
    "USERS",
    "    The names of all users.",
    "WHOAMI",
    "    The user of this connection.",
    "HELP",
    "    This text.",
)


def acl(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer any ``ACL`` command."""
    row = find_row(args)
    if isinstance(row, Error):
        session.answer_reply(row)
        return True
    return _ANSWERS[args[1].upper()](front, session, args)


# -- through the group --------------------------------------------------------------------------


def _set_user(front: Front, session: Session, args: list[bytes]) -> bool:
    name = args[2]
    rules = merged(args[3:])
    refusal: Reply = None
    if has_blanks(name):
        refusal = _BAD_NAME
    elif isinstance(rules, Error):
        refusal = rules
    elif not are_well_formed(rules):
        # Wrong for every user. By which rule first may depend on the user: this node's copy will do.
        user = front.guard.user_named(name)
        refusal = change(user.copy() if user is not None else User(name, 0), rules)
    else:
        return _change(front, session, [b"SET", name, front.guard.initial, *hashed(rules)])
    session.answer_reply(refusal)
    return True


def _delete_users(front: Front, session: Session, args: list[bytes]) -> bool:
    return _change(front, session, [b"DELETE", *args[2:]])


def _change(front: Front, session: Session, words: list[bytes]) -> bool:
    """Propose a change of users; what the client says next waits until it is known here."""
    refusal = front.refuse_write()
    if refusal is not None:
        session.answer_reply(refusal)
        return True
    if not front.change_shared(session, [b"USERS", *words]):
        return False
    session.vet |= HELD
    return True


def _ask(*words: bytes) -> Callable[[Front, Session, list[bytes]], bool]:
    def ask(front: Front, session: Session, args: list[bytes]) -> bool:
        call = [b"USERS", *words, *args[2:3], front.guard.initial, *args[3:]]
        return front.call_group(session, False, call)

    return ask


# -- here ---------------------------------------------------------------------------------------


def _at_once(
    answer: Callable[[Front, Session, list[bytes]], Reply],
) -> Callable[[Front, Session, list[bytes]], bool]:
    def give(front: Front, session: Session, args: list[bytes]) -> bool:
        session.answer_reply(answer(front, session, args))
        return True

    return give


def _cat(front: Front, session: Session, args: list[bytes]) -> Reply:
    if len(args) == 2:
        return [category.encode() for category in CATEGORIES]
    if len(args) > 3:
        return _wrong_arity("cat")
    mask = CATEGORY_MASKS.get(args[2].decode("latin-1").lower())
    if mask is None:
        return Error(f"ERR Unknown category '{exact(args[2])}'")
    rows = [*ROWS.values(), *(row for subrows in SUBROWS.values() for row in subrows.values())]
    return [row.name.encode() for row in rows if COMMANDS[row.name].bit & mask]


def _generate_password(front: Front, session: Session, args: list[bytes]) -> Reply:
    bits: int | None = 256
    if len(args) > 3:
        return _wrong_arity("genpass")
    if len(args) == 3:
        bits = parse_int(args[2])
        if bits is None:
            return _NOT_AN_INTEGER
        if not 0 < bits <= _BITS_MAX:
            return _BAD_BITS
    assert bits is not None
    return front.guard.password((bits + 3) // 4)


def _log(front: Front, session: Session, args: list[bytes]) -> Reply:
    log = front.guard.log
    count: int | None = 10
    if len(args) > 3:
        return _wrong_arity("log")
    if len(args) == 3:
        if args[2].upper() == b"RESET":
            log.entries.clear()
            return OK
        count = parse_int(args[2])
        if count is None:
            return _NOT_AN_INTEGER
    assert count is not None
    return [
        {
            b"count": entry.count,
            b"reason": entry.reason.encode(),
            b"context": entry.context.encode(),
            b"object": entry.object,
            b"username": entry.user,
            b"age-seconds": (front.now_ms - entry.at_ms) / 1000,
            b"client-info": entry.client.encode("latin-1"),
        }
        for entry in log.entries[: max(count, 0)]
    ]


def _wrong_arity(subcommand: str) -> Error:
    return Error(f"ERR wrong number of arguments for 'acl|{subcommand}' command")


_ANSWERS: Final[dict[bytes, Callable[[Front, Session, list[bytes]], bool]]] = {
    b"SETUSER": _set_user,
    b"DELUSER": _delete_users,
    b"GETUSER": _ask(b"GET"),
    b"LIST": _ask(b"LIST"),
    b"USERS": _ask(b"NAMES"),
    b"DRYRUN": _ask(b"TRY"),
    b"WHOAMI": _at_once(lambda front, session, args: session.user),
    b"CAT": _at_once(_cat),
    b"GENPASS": _at_once(_generate_password),
    b"LOG": _at_once(_log),
    b"SAVE": _at_once(lambda front, session, args: OK),
    b"LOAD": _at_once(lambda front, session, args: _NO_FILE),
    b"HELP": _at_once(lambda front, session, args: [Simple(line) for line in _HELP]),
}
