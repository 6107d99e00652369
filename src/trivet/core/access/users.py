"""All users, as replicated state.

``default`` is there before anybody has changed it: then it is what the node's own file says
(``initial``: the hash of the file's password, or nothing). The first change of it takes that
along, so that from then on it is the same on every node.
"""

from typing import Final

import msgspec

from trivet.core.access.description import commands_in_words
from trivet.core.access.rules import change
from trivet.core.access.selector import Selector
from trivet.core.access.user import DEFAULT, User
from trivet.core.wire.reply import OK, Error, Members, Reply

KEEP_DEFAULT: Final = Error("ERR The 'default' user cannot be removed")


class SelectorState(msgspec.Struct, array_like=True, frozen=True):
    """A selector in a snapshot."""

    commands: list[bytes]
    """As rules."""
    all_keys: bool
    keys: list[tuple[bytes, int]]
    all_channels: bool
    channels: list[bytes]


class UserState(msgspec.Struct, array_like=True, frozen=True):
    """A user in a snapshot."""

    name: bytes
    born: int
    enabled: bool
    nopass: bool
    sanitize: int
    passwords: list[bytes]
    selectors: list[SelectorState]


class UsersState(msgspec.Struct, array_like=True, frozen=True):
    """All users in a snapshot."""

    births: int = 0
    users: list[UserState] = []


def initial_default(initial: bytes) -> User:
    """The user ``default`` as the file has it: everything is allowed, with that password if there is one."""
    user = User(DEFAULT, 0)
    rules = [b"on", b"#" + initial if initial else b"nopass", b"~*", b"&*", b"+@all"]
    problem = change(user, rules)
    assert problem is None, problem
    return user


class Users:
    """See the module."""

    def __init__(self) -> None:
        self.by_name: dict[bytes, User] = {}
        """``default`` only once it was changed."""
        self.births = 0
        self.version = 0
        """Rises with every change; of this copy only."""

    # -- what comes through the log -------------------------------------------------------------

    def set_user(self, name: bytes, initial: bytes, rules: list[bytes]) -> Reply:
        """Make or change a user: all rules, or an error and none."""
        known = self.find(name, initial)
        user = User(name, self.births + 1) if known is None else known.copy()
        error = change(user, rules)
        if error is not None:
            return error
        if known is None:
            self.births += 1
        self.by_name[name] = user
        self.version += 1
        return OK

    def require_password(self, proof: bytes) -> None:
        """What ``default`` is let in with from now on: the password with this hash, or anything if empty."""
        self.set_user(DEFAULT, proof, [b"resetpass", b"#" + proof if proof else b"nopass"])

    def delete(self, names: list[bytes]) -> Reply:
        """Take users away; how many there were."""
        if DEFAULT in names:
            return KEEP_DEFAULT
        gone = [name for name in dict.fromkeys(names) if self.by_name.pop(name, None) is not None]
        if gone:
            self.version += 1
        return len(gone)

    # -- questions ------------------------------------------------------------------------------

    def find(self, name: bytes, initial: bytes) -> User | None:
        """The user of that name."""
        user = self.by_name.get(name)
        if user is None and name == DEFAULT:
            return initial_default(initial)
        return user

    def names(self) -> list[bytes]:
        """All of them, in order."""
        return sorted({**self.by_name, DEFAULT: None})

    def lines(self, initial: bytes) -> list[Reply]:
        """As ACL LIST tells them."""
        found = [self.find(name, initial) for name in self.names()]
        return [line_of(user) for user in found if user is not None]

    # -- snapshots ------------------------------------------------------------------------------

    def state(self) -> UsersState:
        """For a snapshot."""
        return UsersState(self.births, [_state_of(user) for user in self.by_name.values()])

    def restore(self, state: UsersState) -> None:
        """From a snapshot."""
        self.births = state.births
        for found in state.users:
            self.by_name[found.name] = _user_of(found)
        self.version += 1


def line_of(user: User) -> bytes:
    """One user as ACL LIST tells it."""
    words = [b"user", user.name, *user.flags_in_words()]
    words += [b"#" + password for password in user.passwords]
    words += _words_of(user.selectors[0])
    words += [b"(" + b" ".join(_words_of(selector)) + b")" for selector in user.selectors[1:]]
    return b" ".join(words)


def _words_of(selector: Selector) -> list[bytes]:
    channels = selector.channels_in_words()
    if not selector.all_channels:
        channels.insert(0, b"resetchannels")
    return [*selector.keys_in_words(), *channels, *commands_in_words(selector)]


def facts_of(user: User) -> Reply:
    """One user as ACL GETUSER tells it."""
    flags: list[Reply] = [*user.flags_in_words()]
    facts: dict[bytes, Reply] = {b"flags": Members(flags), b"passwords": [*user.passwords]}
    facts.update(_facts_of(user.selectors[0]))
    facts[b"selectors"] = [_facts_of(selector) for selector in user.selectors[1:]]
    return facts


def _facts_of(selector: Selector) -> dict[bytes, Reply]:
    return {
        b"commands": b" ".join(commands_in_words(selector)),
        b"keys": b" ".join(selector.keys_in_words()),
        b"channels": b" ".join(selector.channels_in_words()),
    }


def _state_of(user: User) -> UserState:
    selectors = [
        SelectorState(
            commands_in_words(selector),
            selector.all_keys,
            [(pattern, access) for pattern, (access, _) in selector.keys.items()],
            selector.all_channels,
            list(selector.channels),
        )
        for selector in user.selectors
    ]
    return UserState(
        user.name, user.born, user.enabled, user.nopass, user.sanitize, list(user.passwords), selectors
    )


def _user_of(state: UserState) -> User:
    if not state.selectors:
        raise ValueError("a user without a selector")
    user = User(state.name, state.born)
    user.enabled = state.enabled
    user.nopass = state.nopass
    user.sanitize = state.sanitize
    user.passwords = dict.fromkeys(state.passwords)
    user.selectors = [_selector_of(selector) for selector in state.selectors]
    user.settle()
    return user


def _selector_of(state: SelectorState) -> Selector:
    selector = Selector()
    rules = [*state.commands, *(b"&" + pattern for pattern in state.channels)]
    for rule in rules:
        if selector.change(rule) is not None:
            raise ValueError("a rule in the snapshot that this version does not know")
    for pattern, access in state.keys:
        selector.add_keys(pattern, access)
    selector.all_keys = state.all_keys
    selector.all_channels = state.all_channels
    return selector
