"""The verdict on a call: may this user do it, and if not, why not.

A call is allowed when one selector of the user allows its command, each of its keys for what
the command does to it, and its channels. Of several refusals the one is told that came furthest.
"""

from enum import IntEnum
from typing import Final

import msgspec

from trivet.core.access.commands import BOTH, COMMANDS, READ, WRITE, Command
from trivet.core.access.selector import Selector
from trivet.core.access.user import User
from trivet.core.command.arguments import printable
from trivet.core.command.table import Flag, Row
from trivet.core.wire.reply import Error


class Reason(IntEnum):
    """What was refused; the higher, the further the call had come."""

    COMMAND = 1
    KEY = 2
    AUTH = 3
    CHANNEL = 4


class Denial(msgspec.Struct, frozen=True):
    """A refusal: of what."""

    reason: Reason
    object: bytes
    """The command's name, the key or the channel."""


_SUBSCRIBES: Final = {"subscribe": False, "ssubscribe": False, "psubscribe": True}
"""Their channels are all arguments; True: as patterns."""
_PUBLISHES: Final = ("publish", "spublish")


def denial(user: User, row: Row, args: list[bytes]) -> Denial | None:
    """Why ``user`` may not call ``args``; None: it may. The row is the subcommand's; the arity is checked."""
    if user.everything:
        return None
    command = COMMANDS[row.name]
    keys = _keys(command, row, args) if command.keys else []
    reason, position = Reason.COMMAND, 0
    for selector in user.selectors:
        refusal, at = _ask(selector, command, row, args, keys)
        if refusal is None:
            return None
        if refusal > reason or (refusal is reason and at > position):
            reason, position = refusal, at
    return Denial(reason, row.name.encode() if reason is Reason.COMMAND else args[position])


def may_listen(user: User, channels: list[bytes], patterns: list[bytes]) -> bool:
    """Whether ``user`` may go on listening to these: each by some selector."""
    if user.everything:
        return True
    return all(
        any(_allows_channel(selector, name, is_pattern) for selector in user.selectors)
        for names, is_pattern in ((channels, False), (patterns, True))
        for name in names
    )


def reads_every_key(user: User) -> bool:
    """Whether every key may be read: what the patterns of ``SORT`` need."""
    return any(
        selector.all_keys or (b"*" in selector.keys and selector.keys[b"*"][0] & READ)
        for selector in user.selectors
    )


def _ask(
    selector: Selector, command: Command, row: Row, args: list[bytes], keys: list[tuple[int, int]]
) -> tuple[Reason | None, int]:
    """One selector: what it refuses, and which argument that is."""
    if not (selector.commands & command.bit or Flag.NO_AUTH in row.flags):
        arguments = selector.first_args.get(command.name)
        if arguments is None or len(args) < 2:
            return Reason.COMMAND, 0
        if args[1].lower() not in [argument.lower() for argument in arguments]:
            return Reason.COMMAND, 0
    if not selector.all_keys:
        for position, need in keys:
            if not _allows_key(selector, args[position], need):
                return Reason.KEY, position
    if not selector.all_channels:
        for position in _channels(command, args):
            if not _allows_channel(selector, args[position], _SUBSCRIBES.get(command.name, False)):
                return Reason.CHANNEL, position
    return None, 0


def _allows_key(selector: Selector, key: bytes, need: int) -> bool:
    return any(access & need == need and pattern.matches(key) for access, pattern in selector.keys.values())


def _allows_channel(selector: Selector, channel: bytes, is_pattern: bool) -> bool:
    """A pattern must be one of those allowed, to the letter; a channel must match one."""
    if selector.all_channels:
        return True
    if is_pattern:
        return channel in selector.channels
    return any(pattern.matches(channel) for pattern in selector.channels.values())


def _channels(command: Command, args: list[bytes]) -> range:
    if command.name in _PUBLISHES:
        return range(1, 2)
    return range(1, len(args) if command.name in _SUBSCRIBES else 1)


def _keys(command: Command, row: Row, args: list[bytes]) -> list[tuple[int, int]]:
    """Where the keys stand, and what the command needs for each."""
    if row.key_finder is not None:
        positions = row.key_finder(args)
    else:
        last = row.last_key if row.last_key >= 0 else len(args) + row.last_key
        positions = list(range(row.first_key, last + 1, row.key_step))
    needs = command.keys
    if command.name == "set":
        needs = (BOTH,) if b"GET" in [arg.upper() for arg in args[3:]] else (WRITE,)
    elif command.name == "bitfield" and _only_reads(args):
        needs = (READ,)
    last_need = len(needs) - 1
    return [(position, needs[min(number, last_need)]) for number, position in enumerate(positions)]


_BITFIELD_STEPS: Final = {b"GET": 3, b"OVERFLOW": 2}


def _only_reads(args: list[bytes]) -> bool:
    """Whether a ``BITFIELD`` has no operation that writes."""
    at = 2
    while at < len(args):
        step = _BITFIELD_STEPS.get(args[at].upper())
        if step is None or at + step > len(args):
            return False
        at += step
    return True


# -- in words ---------------------------------------------------------------------------------------

_IN_EXEC: Final = {
    Reason.COMMAND: "no permission to execute the command or subcommand",
    Reason.KEY: "no permission to touch the specified keys",
    Reason.CHANNEL: "no permission to access one of the channels used as arguments to the command",
}
_IN_SCRIPT: Final = {
    Reason.COMMAND: "The user executing the script can't run this command or subcommand",
    Reason.KEY: "The user executing the script can't access at least one of the keys mentioned in the "
    "command arguments",
    Reason.CHANNEL: "The user executing the script can't publish to the channel mentioned in the command",
}


def refusal(found: Denial) -> Error:
    """The reply to a call that is refused."""
    if found.reason is Reason.COMMAND:
        return Error(f"NOPERM this user has no permissions to run the '{printable(found.object)}' command")
    what = "keys" if found.reason is Reason.KEY else "channels"
    return Error(f"NOPERM this user has no permissions to access one of the {what} used as arguments")


def refusal_in_exec(found: Denial) -> Error:
    """The reply to a call that was queued and is refused now."""
    return Error(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. "
        f"This command is no longer allowed for the following reason: {_IN_EXEC[found.reason]}"
    )


def refusal_in_script(found: Denial) -> Error:
    """The error of a call from a script."""
    return Error("ERR " + _IN_SCRIPT[found.reason])


def dry_refusal(found: Denial) -> bytes:
    """What ACL DRYRUN tells."""
    if found.reason is Reason.COMMAND:
        return b"This user has no permissions to run the '%b' command" % found.object
    what = b"key" if found.reason is Reason.KEY else b"channel"
    return b"This user has no permissions to access the '%b' %b" % (found.object, what)
