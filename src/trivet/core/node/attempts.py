"""What a node remembers of the transactions over groups that it coordinates (see ``transacting``)."""

from typing import Final, Protocol

from trivet.core.base.ids import ConnectionId, GroupId, Instant
from trivet.core.cluster.map import ClusterMap
from trivet.core.group.run import Run, Waiter
from trivet.core.machine.entry import Call, decode_calls
from trivet.core.machine.lock_modes import locks_of
from trivet.core.machine.rights import AS
from trivet.core.transaction.coordinator import Coordinator, End
from trivet.core.transaction.words import KEYS_MAX, LockKey, Stamp
from trivet.core.wire.reply import Error, Reply

UNDER_WAY_MAX: Final = 10_000
"""Transactions of one node."""
ROUNDS_MAX: Final = 64
"""How often more keys are locked for one of them."""
RETRY_MS: Final = 20
"""Without a newer map keys are looked for again after so long."""
REPEAT_MS: Final = 100
"""A word whose answer is lost is said again after so long."""
BACK_OFF_MS_MAX: Final = 200
"""Who had to give way asks again after so long at most, sooner when nobody is seen in its way (``Line``)."""
NO_LINE: Final = -1
"""Time alone says when to ask."""

NO_LOCKS: Final = Error(
    "TXNRETRY the keys were held by other transactions, or on their way, or a group had no majority, "
    "for too long; nothing was done"
)
PART_LOST: Final = Error(
    "TIMEOUT the transaction was decided, but in one of the groups its locks were lost with a primary that "
    "was replaced meanwhile: what concerns that group was not done, the rest was"
)
NO_END: Final = Error(
    f"TXNRETRY the script names other keys each time it runs, more than {ROUNDS_MAX} times: "
    "declare them in KEYS; nothing was done"
)
TOO_MANY_KEYS: Final = Error(
    f"ERR a transaction over groups may lock up to {KEYS_MAX} keys in each of them; nothing was done"
)


class Listener(Protocol):
    """Hears of answers."""

    def answered(self, asked: "Asked") -> None:
        """A word is answered."""
        ...

    def has_news(self, wide: "Transacting") -> None:
        """The system group has answered."""
        ...


class Asked:
    """Waits for the answer to one word."""

    __slots__ = ("attempt", "group", "run", "transactions", "verb")

    def __init__(self, transactions: "Listener", attempt: "Attempt", group: GroupId, verb: bytes) -> None:
        self.transactions = transactions
        self.attempt = attempt
        self.group = group
        self.verb = verb
        self.run: Run | None = None

    def run_done(self) -> None:
        """It is answered."""
        self.transactions.answered(self)


class News:
    """Waits until this node knows what the system group knows (Rule Z4)."""

    def __init__(self, transactions: "Listener", wide: "Transacting") -> None:
        self._transactions = transactions
        self._wide = wide

    def run_done(self) -> None:
        """It does, or can't."""
        self._transactions.has_news(self._wide)


class Attempt:
    """One attempt of a transaction."""

    __slots__ = ("coordinator", "locks", "told", "waits_since_ms", "wide")

    def __init__(self, coordinator: Coordinator, wide: "Transacting") -> None:
        self.coordinator = coordinator
        self.wide = wide
        self.locks: dict[LockKey, tuple[GroupId, int]] = {}
        self.told = False
        """Its end has been told to the transaction."""
        self.waits_since_ms: Instant = 0


def unsafe_of(coordinator: Coordinator, cluster: ClusterMap) -> list[GroupId]:
    """The participants whose votes may be lost (Rule C5): groups of mode ``primary``."""
    rows = [cluster.groups.get(group) for group in coordinator.participants]
    return [row.id for row in rows if row is not None and cluster.is_of_primary(row)]


class Transacting(Run):
    """One call that runs so, over all its attempts."""

    __slots__ = (
        "attempt", "barred_by", "began_ms", "call", "client", "count_of_tries", "deadline_ms", "epoch_tried",
        "latest_ms", "news", "not_before_ms", "reply", "rounds", "stamp", "wanted", "watched", "why",
    )  # fmt: skip

    def __init__(
        self, waiter: Waiter, call: Call, client: ConnectionId, watched: list[GroupId], stamp: Stamp
    ) -> None:
        super().__init__(waiter, True)
        self.count = 1
        self.call = call
        self.first = call[1][3:] if call[1][0] == AS else call[1]
        self.client = client
        self.watched = watched
        self.stamp = stamp
        self.wanted = locks_of(*call)
        self.attempt: Attempt | None = None
        """The one under way; None between two."""
        self.began_ms: Instant = 0
        self.deadline_ms: Instant = 0
        self.not_before_ms: Instant = 0
        self.latest_ms: Instant = NO_LINE
        """It asks for its locks when nobody older is in its way (``Line``), and then at the latest."""
        self.barred_by: tuple[LockKey, bool] | None = None
        """The key at which somebody was, when it was looked at last; and whether it is to be shared."""
        self.epoch_tried = -1
        """While keys are on their way: of the map by which they were not found; else -1."""
        self.why = NO_LOCKS
        """It is to be given up now."""
        self.count_of_tries = 0
        self.rounds = 0
        self.news: Run | None = None
        self.reply: Reply = None
        """Of the run of the calls, while it is being decided."""


def age_of(wide: Transacting) -> Stamp:
    """The oldest comes first."""
    return wide.stamp


class Counts:
    """What ``INFO`` tells."""

    def __init__(self) -> None:
        self.commits = 0
        self.refused: dict[End, int] = dict.fromkeys(End, 0)
        """Attempts, by their end."""
        self.waits = 0
        """Participants that said so."""
        self.lost = 0
        """Parts of committed transactions whose locks were lost with a primary (mode ``primary``)."""
        self.timeouts = 0
        """Transactions whose client heard that it took too long."""


_SCRIPTED: Final = {b"EVALSHA": 1, b"EVALSHA_RO": 1, b"FCALL": 1, b"FCALL_RO": 1}


def names_scripts(first: list[bytes]) -> bool:
    """Whether something in the call is a name of a script or function."""
    if first[0] != b"EXEC":
        return first[0] in _SCRIPTED
    return any(db >= 0 and args[0] in _SCRIPTED for db, args in decode_calls(first[1]))
