"""One user: whether it may come in, how it proves who it is, and its selectors.

Passwords are kept as the SHA-256 of what the client sends, in hex, as in Redis; compared in
constant time.
"""

import hashlib
import hmac
from typing import Final

from trivet.core.access.selector import Problem, Selector
from trivet.core.wire.inline import split_inline

DEFAULT: Final = b"default"
"""Who a client is before it says so."""

_HEX: Final = b"0123456789abcdef"
_UNSET, _SKIP, _SANITIZE = 0, 1, 2


def hash_of(password: bytes) -> bytes:
    """How a password is kept."""
    return hashlib.sha256(password).hexdigest().encode()


class User:
    """See the module. A user that others can see is not changed: it is copied, and replaced."""

    __slots__ = ("born", "enabled", "everything", "name", "nopass", "passwords", "sanitize", "selectors")

    def __init__(self, name: bytes, born: int) -> None:
        self.name = name
        self.born = born
        """Tells this user from an earlier one of that name."""
        self.enabled = False
        self.nopass = False
        self.sanitize = _UNSET
        """Kept and told; payloads are checked here in any case."""
        self.passwords: dict[bytes, None] = {}
        self.selectors = [Selector()]
        """The root selector first."""
        self.everything = False
        """Whether nothing is refused to it; ``settle`` finds out."""

    def copy(self) -> "User":
        """Another one with the same rights."""
        twin = User(self.name, self.born)
        twin.enabled = self.enabled
        twin.nopass = self.nopass
        twin.sanitize = self.sanitize
        twin.passwords = dict(self.passwords)
        twin.selectors = [selector.copy() for selector in self.selectors]
        twin.everything = self.everything
        return twin

    def settle(self) -> None:
        """After changes."""
        self.everything = any(selector.is_everything for selector in self.selectors)

    @property
    def is_open(self) -> bool:
        """Whether anybody may be this user without a password."""
        return self.enabled and self.nopass

    def knows(self, password: bytes) -> bool:
        """Whether a client with this password may be this user."""
        given = hash_of(password)
        fits = self.nopass
        for known in self.passwords:
            fits = hmac.compare_digest(known, given) or fits
        return fits and self.enabled

    # -- rules --------------------------------------------------------------------------------

    def change(self, rule: bytes) -> Problem | None:
        """Carry out one rule, or say what is wrong with it (then nothing has changed)."""
        word = rule.lower()
        if not word:
            return None
        if word in (b"on", b"off"):
            self.enabled = word == b"on"
        elif word == b"nopass":
            self.nopass = True
            self.passwords = {}
        elif word == b"resetpass":
            self.nopass = False
            self.passwords = {}
        elif word == b"skip-sanitize-payload":
            self.sanitize = _SKIP
        elif word == b"sanitize-payload":
            self.sanitize = _SANITIZE
        elif word[:1] in (b">", b"#", b"<", b"!"):
            return self._change_passwords(rule)
        elif word[:1] == b"(" and word[-1:] == b")":
            return self._add_selector(rule)
        elif word == b"clearselectors":
            del self.selectors[1:]
        elif word == b"reset":
            self._reset()
        else:
            return self.selectors[0].change(rule)
        return None

    def _change_passwords(self, rule: bytes) -> Problem | None:
        kind, text = rule[:1], rule[1:]
        if kind in (b">", b"<"):
            text = hash_of(text)
        elif len(text) != 64 or any(byte not in _HEX for byte in text):
            return Problem.BAD_HASH
        if kind in (b">", b"#"):
            self.passwords[text] = None
            self.nopass = False
        elif text in self.passwords:
            del self.passwords[text]
        else:
            return Problem.NO_PASSWORD
        return None

    def _add_selector(self, rule: bytes) -> Problem | None:
        selector = Selector()
        for word in split_inline(rule[1:-1]) or []:
            problem = selector.change(word)
            if problem is not None:
                return problem
        self.selectors.append(selector)
        return None

    def _reset(self) -> None:
        self.enabled = False
        self.nopass = False
        self.sanitize = _SANITIZE
        self.passwords = {}
        self.selectors = [Selector()]

    # -- in words -------------------------------------------------------------------------------

    def flags_in_words(self) -> list[bytes]:
        """What ACL GETUSER calls flags."""
        flags = [b"on" if self.enabled else b"off"]
        if self.nopass:
            flags.append(b"nopass")
        if self.sanitize != _UNSET:
            flags.append(b"skip-sanitize-payload" if self.sanitize == _SKIP else b"sanitize-payload")
        return flags
