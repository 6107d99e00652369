"""A selector: one set of commands, keys and channels that are allowed together.

A user has a root selector and may have more; a call is allowed when one of them allows all
of it. ``change`` understands one rule, with the results and errors of redis-server 7.0.
"""

from enum import Enum
from typing import Final

from trivet.core.access.commands import (
    BOTH,
    CATEGORY_MASKS,
    COMMANDS,
    EVERYTHING,
    READ,
    WRITE,
    Command,
    command_named,
)
from trivet.core.values.glob import Glob


class Problem(Enum):
    """What is wrong with a rule."""

    UNKNOWN = "Unknown command or category name in ACL"
    SYNTAX = "Syntax error"
    ALL_KEYS = (
        "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any "
        "effect. Try 'resetkeys' to start with an empty list of patterns"
    )
    ALL_CHANNELS = (
        "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any "
        "effect. Try 'resetchannels' to start with an empty list of channels"
    )
    NO_PASSWORD = "The password you are trying to remove from the user does not exist"
    BAD_HASH = (
        "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
    )
    FIRST_ARGUMENT = "Allowing first-arg of a subcommand is not supported"

    @property
    def is_of_state(self) -> bool:
        """Whether the same rule may be right for another user."""
        return self in (Problem.ALL_KEYS, Problem.ALL_CHANNELS, Problem.NO_PASSWORD)


_BLANKS: Final = b" \t\n\v\f\r\0"
_ACCESS_LETTERS: Final = {"R": READ, "W": WRITE}
_ACCESS_SHOWN: Final = {READ: b"%R~", WRITE: b"%W~", BOTH: b"~"}


def has_blanks(text: bytes) -> bool:
    """Whether a name or pattern holds what none may hold."""
    return any(byte in _BLANKS for byte in text)


class Selector:
    """See the module. Two selectors with equal fields allow the same."""

    __slots__ = ("all_channels", "all_keys", "channels", "commands", "first_args", "keys")

    def __init__(self) -> None:
        self.commands = 0
        self.first_args: dict[str, list[bytes]] = {}
        """By command that is not allowed as such: what may be its first argument, lower case."""
        self.all_keys = False
        self.keys: dict[bytes, tuple[int, Glob]] = {}
        """Patterns, with what they allow."""
        self.all_channels = False
        self.channels: dict[bytes, Glob] = {}

    def copy(self) -> "Selector":
        """Another one that allows the same."""
        twin = Selector()
        twin.commands = self.commands
        twin.first_args = {name: list(args) for name, args in self.first_args.items()}
        twin.all_keys = self.all_keys
        twin.keys = dict(self.keys)
        twin.all_channels = self.all_channels
        twin.channels = dict(self.channels)
        return twin

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left to be refused."""
        return self.commands == EVERYTHING and self.all_keys and self.all_channels

    # -- rules --------------------------------------------------------------------------------

    def change(self, rule: bytes) -> Problem | None:
        """Carry out one rule, or say what is wrong with it (then nothing has changed)."""
        word = rule.lower()
        if word in (b"allkeys", b"~*"):
            self.all_keys = True
            self.keys = {}
        elif word == b"resetkeys":
            self.all_keys = False
            self.keys = {}
        elif word in (b"allchannels", b"&*"):
            self.all_channels = True
            self.channels = {}
        elif word == b"resetchannels":
            self.all_channels = False
            self.channels = {}
        elif word in (b"allcommands", b"+@all"):
            self.allow(EVERYTHING)
        elif word in (b"nocommands", b"-@all"):
            self.forbid(EVERYTHING)
        elif word[:1] in (b"~", b"%"):
            return self._add_keys(rule)
        elif word[:1] == b"&":
            return self._add_channels(rule[1:])
        elif word[:2] in (b"+@", b"-@"):
            return self._change_category(word)
        elif word[:1] == b"+":
            return self._add_command(rule[1:])
        elif word[:1] == b"-":
            command = command_named(rule[1:])
            if command is None:
                return Problem.UNKNOWN
            self.forbid(command.mask)
        else:
            return Problem.SYNTAX
        return None

    def allow(self, mask: int) -> None:
        """These commands, whatever their first argument."""
        self.commands |= mask
        self._forget_first_args(mask)

    def forbid(self, mask: int) -> None:
        """None of these commands."""
        self.commands &= ~mask
        self._forget_first_args(mask)

    def _forget_first_args(self, mask: int) -> None:
        for name in [name for name in self.first_args if COMMANDS[name].bit & mask]:
            del self.first_args[name]

    def _add_keys(self, rule: bytes) -> Problem | None:
        if self.all_keys:
            return Problem.ALL_KEYS
        access, pattern = BOTH, rule[1:]
        if rule[:1] == b"%":
            letters, _, pattern = pattern.partition(b"~")
            access = 0
            for letter in letters.decode("latin-1").upper():
                if _ACCESS_LETTERS.get(letter, access) & access or letter not in _ACCESS_LETTERS:
                    return Problem.SYNTAX
                access |= _ACCESS_LETTERS[letter]
            if not access:
                return Problem.SYNTAX
        if has_blanks(pattern):
            return Problem.SYNTAX
        self.add_keys(pattern, access)
        return None

    def add_keys(self, pattern: bytes, access: int) -> None:
        """Keys that match ``pattern`` may be read, or written, or both."""
        before = self.keys.get(pattern)
        self.keys[pattern] = (access, Glob(pattern)) if before is None else (before[0] | access, before[1])

    def _add_channels(self, pattern: bytes) -> Problem | None:
        if self.all_channels:
            return Problem.ALL_CHANNELS
        if has_blanks(pattern):
            return Problem.SYNTAX
        if pattern not in self.channels:
            self.channels[pattern] = Glob(pattern)
        return None

    def _change_category(self, word: bytes) -> Problem | None:
        mask = CATEGORY_MASKS.get(word[2:].decode("latin-1"))
        if mask is None:
            return Problem.UNKNOWN
        if word[:1] == b"+":
            self.allow(mask)
        else:
            self.forbid(mask)
        return None

    def _add_command(self, name: bytes) -> Problem | None:
        """``+command``, ``+command|subcommand``, ``+command|first-argument``."""
        head, stroke, last = name.rpartition(b"|")
        command = command_named(head if stroke else name)
        if command is None:
            return Problem.UNKNOWN
        if not stroke:
            self.allow(command.mask)
            return None
        if command.is_subcommand:
            return Problem.FIRST_ARGUMENT
        if not last:
            return Problem.SYNTAX
        if command.has_subcommands:
            subcommand = command_named(name)
            if subcommand is None:
                return Problem.UNKNOWN
            self.allow(subcommand.mask)
            return None
        self._add_first_arg(command, last)
        return None

    def _add_first_arg(self, command: Command, argument: bytes) -> None:
        if self.commands & command.bit:
            return
        arguments = self.first_args.setdefault(command.name, [])
        if argument.lower() not in [known.lower() for known in arguments]:
            arguments.append(argument)

    # -- in words -------------------------------------------------------------------------------

    def keys_in_words(self) -> list[bytes]:
        """The patterns as rules."""
        if self.all_keys:
            return [b"~*"]
        return [_ACCESS_SHOWN[access] + pattern for pattern, (access, _) in self.keys.items()]

    def channels_in_words(self) -> list[bytes]:
        """The patterns as rules."""
        if self.all_channels:
            return [b"&*"]
        return [b"&" + pattern for pattern in self.channels]
