"""Users in the machine: changes of them, questions about them, and calls on their behalf.

A call that has others in it (``EXEC``, a script) of a user to whom not everything is allowed
comes as ``AS user client call…``. What is in it is checked as it runs, by the users as they are at that
entry, so every replica refuses the same.
"""

from typing import Final

import msgspec

from trivet.core.access.user import User
from trivet.core.access.users import Users, facts_of
from trivet.core.access.verdict import (
    Denial,
    denial,
    dry_refusal,
    reads_every_key,
    refusal_in_exec,
    refusal_in_script,
)
from trivet.core.base.ids import ConnectionId, NodeId
from trivet.core.command.arguments import printable
from trivet.core.command.lookup import find_row
from trivet.core.command.table import ROWS, SUBROWS
from trivet.core.machine.collecting import COLLECT, COLLECTED, is_collect
from trivet.core.machine.entry import Call
from trivet.core.machine.scanning import SCANPART, SLOTKEYS
from trivet.core.wire.reply import OK, Error, Reply

REQUIREPASS: Final = b"requirepass"
"""The setting that is none: its value, the hash of a password or nothing, changes ``default``."""
AS: Final = b"AS"
USERS: Final = b"USERS"
"""``USERS SET name initial rule…``, ``USERS DELETE name…``, and the questions ``USERS GET name initial``,
``USERS LIST initial``, ``USERS NAMES``, ``USERS TRY name initial call…``. ``initial``: see ``Users``."""


class Denied(msgspec.Struct, frozen=True):
    """A refusal inside a transaction (``multi``) or a script (``lua``), for the log of its node."""

    node: NodeId
    """0: this one, in a read."""
    client: ConnectionId
    user: bytes
    context: str
    denial: Denial


class Rights:
    """The rights of one user while one call runs on its behalf (an ``Access``)."""

    def __init__(
        self, users: Users, name: bytes, node: NodeId, client: ConnectionId, denied: list[Denied]
    ) -> None:
        self._user = users.find(name, b"") or User(name, 0)  # one that is gone may do nothing
        self._node = node
        self._client = client
        self._denied = denied

    def refuses_in_exec(self, args: list[bytes]) -> Error | None:
        """See ``Access``."""
        found = self._ask(args, "multi")
        return None if found is None else refusal_in_exec(found)

    def refuses_in_script(self, args: list[bytes]) -> Error | None:
        """See ``Access``."""
        found = self._ask(args, "lua")
        return None if found is None else refusal_in_script(found)

    def reads_every_key(self) -> bool:
        """See ``Access``."""
        return reads_every_key(self._user)

    def _ask(self, args: list[bytes], context: str) -> Denial | None:
        row = ROWS[args[0].upper()]
        if len(args) > 1:
            row = SUBROWS.get(args[0].upper(), {}).get(args[1].upper(), row)
        found = denial(self._user, row, args)
        if found is not None:
            self._denied.append(Denied(self._node, self._client, self._user.name, context, found))
        return found


def change_users(users: Users, args: list[bytes]) -> Reply:
    """``USERS SET`` and ``USERS DELETE``."""
    if args[1] == b"SET":
        return users.set_user(args[2], args[3], args[4:])
    assert args[1] == b"DELETE"
    return users.delete(args[2:])


def answer_about_users(users: Users, args: list[bytes]) -> Reply:
    """The questions."""
    question = args[1]
    if question == b"LIST":
        return users.lines(args[2])
    if question == b"NAMES":
        return [*users.names()]
    user = users.find(args[2], args[3])
    if question == b"GET":
        return None if user is None else facts_of(user)
    assert question == b"TRY"
    if user is None:
        return Error(f"ERR User '{printable(args[2])}' not found")
    return _try(user, args[4:])


def _try(user: User, args: list[bytes]) -> Reply:
    """``ACL DRYRUN``."""
    row = find_row(args)
    if isinstance(row, Error):
        if row.text.startswith("ERR unknown"):
            return Error(f"ERR Command '{printable(args[0])}' not found")
        return row
    found = denial(user, row, args)
    return OK if found is None else dry_refusal(found)


def is_question(args: list[bytes]) -> bool:
    """Whether ``args`` changes nothing and is no command: of ``USERS``, scans, slots, reads over groups."""
    if args[0] == SCANPART:
        return True
    if args[0] == SLOTKEYS:
        return len(args) in (2, 3) and all(len(arg) <= 20 and arg.isdigit() for arg in args[1:])
    if args[0] in (COLLECT, COLLECTED):
        return is_collect(args)
    return args[0] == USERS and len(args) > 1 and args[1] in (b"GET", b"LIST", b"NAMES", b"TRY")


def inner_call(call: Call) -> list[bytes]:
    """The call itself, without on whose behalf it runs."""
    args = call[1]
    return args[3:] if args and args[0] == AS else args
