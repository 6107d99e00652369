"""The guard of a node: which user a client is, and what of its sessions that decides.

Users are replicated state of the machine; here they meet the sessions of this node's clients. After
every change of users each session is looked at once, so that commands need only look at
``session.vet``:

- Rule A1: a session whose user is allowed everything has no bit ``USER``; every command of any other
  is looked at (``vetting``).
- Rule A2: the session of a user that was deleted ends, even if there is a new one of that name.
- Rule A3: a client that was let in stays in, whatever becomes of its user's password or ``on``; as in Redis.
- Rule A4: nobody is refused by old knowledge: before a refusal the node makes sure, with a read index, that
  it knows every change of users that was acknowledged anywhere.
"""

import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from trivet.core.access.user import DEFAULT, User, hash_of
from trivet.core.access.users import Users
from trivet.core.access.verdict import Denial, Reason, denial
from trivet.core.base.ids import Instant
from trivet.core.command.table import Row
from trivet.core.node.session import LOGIN, USER, Session

_NOBODY: Final = User(b"", -1)
"""Checked against when there is no such user, so that it takes as long."""


class Grievance(msgspec.Struct):
    """One line of ACL LOG: equal refusals within a minute are one."""

    reason: str
    context: str
    object: bytes
    user: bytes
    client: str
    """The line of CLIENT LIST."""
    at_ms: Instant
    count: int = 1


class GrievanceLog:
    """ACL LOG: of this node only, since it started."""

    SIZE_MAX: Final = 128
    TEXT_BYTES_MAX: Final = 1024
    """Of a key, a name or a client's line: strangers write them."""
    _SAME_WITHIN_MS: Final = 60_000
    _LOOKED_AT_MAX: Final = 10

    def __init__(self) -> None:
        self.entries: list[Grievance] = []
        """The newest first."""

    def add(self, entry: Grievance) -> None:
        """One more refusal."""
        for at, known in enumerate(self.entries[: self._LOOKED_AT_MAX]):
            if (
                known.reason == entry.reason
                and known.context == entry.context
                and known.object == entry.object
                and known.user == entry.user
                and entry.at_ms - known.at_ms <= self._SAME_WITHIN_MS
            ):
                del self.entries[at]
                entry.count += known.count
                break
        self.entries.insert(0, entry)
        del self.entries[self.SIZE_MAX :]


class Guard:
    """See the module."""

    def __init__(self, users: Callable[[], Users], password: str) -> None:
        self._users_now = users
        self.initial = hash_of(password.encode()) if password else b""
        """What the node's file says of ``default`` (see ``Users``)."""
        self.log = GrievanceLog()
        self._users = users()
        self._version = -1
        self.default = self._default()
        self._secret = b""
        self._secrets_told = 0

    def _default(self) -> User:
        user = self._users.find(DEFAULT, self.initial)
        assert user is not None
        return user

    # -- who a client is ------------------------------------------------------------------------

    def user_of(self, session: Session) -> User | None:
        """The user of a session; None when it is gone."""
        user = self.default if session.user == DEFAULT else self._users.by_name.get(session.user)
        return user if user is not None and user.born == session.user_born else None

    def user_named(self, name: bytes) -> User | None:
        """The user of that name, as far as this node knows."""
        return self._users.find(name, self.initial)

    def welcome(self, session: Session) -> None:
        """A client that has said nothing yet, or nothing counts any more: it is ``default``."""
        session.authenticated = self.default.is_open
        self._become(session, self.default)

    def login(self, session: Session, name: bytes, password: bytes) -> bool:
        """Let the client be the user of that name, if the password fits."""
        user = self.default if name == DEFAULT else self._users.by_name.get(name)
        if not (user or _NOBODY).knows(password) or user is None:
            return False
        session.authenticated = True
        self._become(session, user)
        return True

    def _become(self, session: Session, user: User) -> None:
        session.user = user.name
        session.user_born = user.born
        self._mark(session, user)

    def _mark(self, session: Session, user: User) -> None:
        """What the session's commands are to be looked at for."""
        must_log_in = not session.authenticated and not self.default.is_open
        session.vet = session.vet & ~(LOGIN | USER) | (LOGIN if must_log_in else 0)
        if not user.everything:
            session.vet |= USER
        session.parser.authenticated = not must_log_in

    # -- changes of users -----------------------------------------------------------------------

    def is_stale(self, users: Users) -> bool:
        """Whether ``users``, the machine's, have changed since ``renew``."""
        return users.version != self._version or users is not self._users

    def renew(self, sessions: list[Session]) -> list[Session]:
        """Users have changed: look at all sessions; those whose user is gone (Rule A2)."""
        self._users = self._users_now()
        self._version = self._users.version
        self.default = self._default()
        orphans: list[Session] = []
        for session in sessions:
            user = self.user_of(session)
            if user is None:
                orphans.append(session)
            else:
                self._mark(session, user)
        return orphans

    # -- verdicts -------------------------------------------------------------------------------

    def denial(self, session: Session, row: Row, args: list[bytes]) -> Denial | None:
        """Why the session's user may not do this; None: it may."""
        return denial(self.user_of(session) or _NOBODY, row, args)

    def note(self, found: Denial, context: str, user: bytes, client: str, now_ms: Instant) -> None:
        """Write a refusal into ACL LOG."""
        most = GrievanceLog.TEXT_BYTES_MAX
        reason = Reason(found.reason).name.lower()
        self.log.add(Grievance(reason, context, found.object[:most], user[:most], client[:most], now_ms))

    # -- passwords ------------------------------------------------------------------------------

    def keep_secret(self, seed: int) -> None:
        """The driver's chance, from which passwords are made."""
        self._secret = hashlib.sha256(b"passwords" + (seed % 2**256).to_bytes(32, "little")).digest()

    def password(self, digits: int) -> bytes:
        """A new password of so many hex digits."""
        self._secrets_told += 1
        whole = hashlib.shake_256(self._secret + b"%d" % self._secrets_told)
        return whole.hexdigest((digits + 1) // 2)[:digits].encode()
