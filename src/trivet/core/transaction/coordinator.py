"""The coordinator of one attempt of a transaction over groups: what is said when, and to whom.

Pure: it gets the replies of participants and what the run of the calls came to, and gives words to say.
Who sends them, how often a group is asked again and when another attempt is made is the node's business.

- Rule C1: nothing is decided before every participant has granted all locks; and the home is asked to decide
  once per attempt.
- Rule C2: after the request to decide has left, only its answer, or the home's answer to ``RESOLVE``, says
  what became of it. Before that the coordinator may give up at any time.
- Rule C3: whoever may hold an intent of the attempt is told its end (``FINISH``) until it confirms; only
  then, and when the home has forgotten its record, the attempt is over. All attempts below ``low`` are over.
- Rule C5: where a vote may be lost (groups of mode ``primary``), the client is answered when all of these
  have confirmed the end. Who has lost its locks meanwhile says so, and is in ``lost``; a home aborts then.
- Rule C4: also what only reads is decided: the home's consent proves that all locks were still held,
  whatever clocks and resolvers have done meanwhile. Without effects for other groups it keeps no record.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final

from trivet.core.base.ids import ConnectionId, GroupId
from trivet.core.transaction.words import (
    DECIDE,
    DIE,
    DIRTY,
    FINISH,
    FORGET,
    GRANTED,
    LOCK,
    RESOLVE,
    TXN,
    WAIT,
    DecideRequest,
    Effects,
    FinishRequest,
    ForgetRequest,
    LockKey,
    LockReply,
    LockRequest,
    ResolveRequest,
    Stamp,
    TransactionId,
    pack,
)

Request = LockRequest | DecideRequest | FinishRequest | ResolveRequest | ForgetRequest
Word = tuple[GroupId, bytes, Request]
"""(to whom, verb, what)"""


class Phase(Enum):
    """How far an attempt is."""

    LOCKING = 0
    RUNNING = 1
    """All locks are granted: the calls are to be run."""
    DECIDING = 2
    UNSURE = 3
    """The answer of the home is lost: it is asked what became of it."""
    FINISHING = 4
    OVER = 5


class End(Enum):
    """What became of an attempt."""

    COMMITTED = 0
    DIED = 1
    """An older transaction was in the way."""
    DIRTY = 2
    """A watched key has changed."""
    STALE = 3
    """It was resolved meanwhile, or decided to be aborted."""
    MOVED = 4
    """Some keys are in another group."""
    GIVEN_UP = 5
    """The coordinator wanted no more of it."""
    UNKNOWN = 6
    """Committed or not: nobody can tell any more. All participants are told the same."""


_REFUSED: Final = {DIE: End.DIED, DIRTY: End.DIRTY}


class Participant:
    """One group, as the coordinator sees it."""

    __slots__ = ("asked", "count", "effects", "finished", "holds", "keys", "may_hold", "waits", "watches")

    def __init__(self) -> None:
        self.keys: list[tuple[int, bytes, int]] = []
        """What is asked for now."""
        self.count = 0
        """So many keys it has granted."""
        self.watches = False
        """The client watches keys there."""
        self.asked = False
        """A ``LOCK`` is under way."""
        self.waits = False
        """It has said ``WAIT``: to be asked again."""
        self.holds = False
        """It has granted something."""
        self.may_hold = False
        """It may have an intent, or a place reserved, of this attempt."""
        self.effects = b""
        self.finished = False


class Coordinator:
    """One attempt."""

    def __init__(self, number: TransactionId, stamp: Stamp, home: GroupId, client: ConnectionId) -> None:
        self.id = number
        self.stamp = stamp
        self.home = home
        self.phase = Phase.LOCKING
        self.end: End | None = None
        """Known from ``FINISHING`` on."""
        self.grants: list[LockReply] = []
        self.words: list[Word] = []
        """To be said, in order; whoever says them takes them."""
        self.participants: dict[GroupId, Participant] = {}
        self.lost: list[GroupId] = []
        """Participants whose part of a committed transaction is lost (Rule C5)."""
        self._unsafe: Sequence[GroupId] = ()
        self._client = client
        self._forgetting = False

    # -- locks ----------------------------------------------------------------------------------

    def lock(self, keys: dict[LockKey, tuple[GroupId, int]], watched: list[GroupId], low: int) -> None:
        """Ask for these locks, beside those that there are; ``watched``: where the client watches keys."""
        assert self.phase in (Phase.LOCKING, Phase.RUNNING)
        self.phase = Phase.LOCKING
        self._participant(self.home)
        for (db, key), (group, mode) in keys.items():
            self._participant(group).keys.append((db, key, mode))
        for group in watched:
            self._participant(group).watches = True
        asked = [group for group, one in self.participants.items() if one.keys or not one.may_hold]
        for group in asked:
            self._ask(group, low)

    def ask_again(self, group: GroupId, low: int) -> None:
        """A participant that said ``WAIT`` is asked once more."""
        one = self.participants[group]
        if self.phase is Phase.LOCKING and one.waits:
            self._ask(group, low)

    @property
    def waiting(self) -> list[GroupId]:
        """Who has said ``WAIT`` and was not asked since."""
        return [group for group, one in self.participants.items() if one.waits]

    def _participant(self, group: GroupId) -> Participant:
        return self.participants.setdefault(group, Participant())

    def _ask(self, group: GroupId, low: int) -> None:
        one = self.participants[group]
        one.asked, one.waits, one.may_hold = True, False, True
        watcher = self._client if one.watches else -1
        request = LockRequest(self.id, self.home, self.stamp, low, watcher, one.keys)
        self.words.append((group, LOCK, request))

    def on_lock(self, group: GroupId, reply: LockReply | None) -> None:
        """The answer to a ``LOCK``; None: the keys are not there."""
        one = self.participants[group]
        one.asked = False
        if self.phase is not Phase.LOCKING:
            return
        if reply is None:
            one.may_hold = one.holds
            self._finish(End.MOVED)
        elif reply.outcome == GRANTED:
            one.count += len(one.keys)
            one.keys = []
            one.holds = True
            self.grants.append(reply)
            if all(not (other.asked or other.waits) for other in self.participants.values()):
                self.phase = Phase.RUNNING
        elif reply.outcome == WAIT:
            one.waits = True
        else:
            one.may_hold = one.holds
            self._finish(_REFUSED.get(reply.outcome, End.STALE))

    def on_lock_lost(self, group: GroupId) -> None:
        """Nobody knows what the participant said."""
        self.participants[group].asked = False
        if self.phase is Phase.LOCKING:
            self._finish(End.STALE)

    def give_up(self, end: End = End.GIVEN_UP) -> None:
        """Before anything is asked to be decided (Rule C2)."""
        assert self.phase in (Phase.LOCKING, Phase.RUNNING)
        self._finish(end)

    # -- the decision ---------------------------------------------------------------------------

    def decide(self, effects: dict[GroupId, Effects], low: int, unsafe: Sequence[GroupId] = ()) -> None:
        """The calls have run: this is what they change (Rule C1); ``unsafe``: groups of mode ``primary``."""
        assert self.phase is Phase.RUNNING
        self._unsafe = unsafe
        self.phase = Phase.DECIDING
        for group, one in effects.items():
            self.participants[group].effects = pack(one)
        assert self.home in effects, "it keeps the time"
        packed = [(group, one.effects) for group, one in self.participants.items() if one.effects]
        keys = self._count(self.home)
        self.words.append((self.home, DECIDE, DecideRequest(self.id, low, packed, keys)))

    def _count(self, group: GroupId) -> int:
        return self.participants[group].count if group in self._unsafe else 0

    def effects_bytes(self) -> int:
        """What they measure."""
        return sum([len(one.effects) for one in self.participants.values()])

    def on_decided(self, commits: bool) -> None:
        """The home's answer."""
        if self.phase is Phase.DECIDING:
            self.participants[self.home].may_hold = False
            self._finish(End.COMMITTED if commits else End.STALE)

    def on_decision_lost(self) -> None:
        """The home has answered, or has gone, and nobody knows what it said (Rule C2)."""
        if self.phase is Phase.DECIDING:
            self.phase = Phase.UNSURE
            self.ask_home()

    def ask_home(self) -> None:
        """Ask (again) what became of it."""
        self.words.append((self.home, RESOLVE, ResolveRequest(self.id, self.home)))

    def on_resolved(self, commits: bool) -> None:
        """The home has told what became of it: it remembers that until ``low`` has passed."""
        if self.phase is Phase.UNSURE:
            self.participants[self.home].may_hold = False
            self._finish(End.COMMITTED if commits else End.STALE)

    def on_home_gone(self) -> None:
        """There is no such group any more. None is dropped before what it decided is finished everywhere."""
        if self.phase in (Phase.DECIDING, Phase.UNSURE):
            self.participants[self.home].may_hold = False
            self._finish(End.UNKNOWN)

    # -- the end --------------------------------------------------------------------------------

    def _finish(self, end: End) -> None:
        self.phase = Phase.FINISHING
        self.end = end
        for group, one in self.participants.items():
            one.waits = False
            if one.may_hold:
                self.say_end(group)
            else:
                one.finished = True
        self._look_whether_over()

    def say_end(self, group: GroupId) -> None:
        """Tell a participant (again) what became of it."""
        is_committed = self.end is End.COMMITTED
        effects = self.participants[group].effects if is_committed else b""
        commits = bool(effects) or (is_committed and group in self._unsafe)
        keys = self._count(group) if commits else 0
        self.words.append((group, FINISH, FinishRequest(self.id, commits, effects, keys)))

    @property
    def is_answerable(self) -> bool:
        """Whether the client may hear of the end (Rule C5)."""
        if self.end is not End.COMMITTED:
            return self.end is not None
        return all(self.participants[group].finished for group in self._unsafe if group in self.participants)

    def on_finished(self, group: GroupId, is_lost: bool = False) -> None:
        """The participant has confirmed, or is no more; ``is_lost``: it has not its locks any more."""
        one = self.participants[group]
        if is_lost and not one.finished and group not in self.lost:
            self.lost.append(group)
        one.finished = True
        self._look_whether_over()

    def say_forget(self) -> None:
        """Tell the home (again) that all is done."""
        self.words.append((self.home, FORGET, ForgetRequest(self.id)))

    def on_forgotten(self) -> None:
        """The home has, or is no more."""
        self.phase = Phase.OVER

    def _look_whether_over(self) -> None:
        if self.phase is not Phase.FINISHING or self._forgetting:
            return
        if not all(one.finished for one in self.participants.values()):
            return
        has_record = self.end is End.COMMITTED and any(
            one.effects for group, one in self.participants.items() if group != self.home
        )
        if has_record:
            self._forgetting = True
            self.say_forget()
        else:
            self.phase = Phase.OVER


def encode(word: Word) -> tuple[GroupId, list[bytes]]:
    """To whom, and the call."""
    return word[0], [TXN, word[1], pack(word[2])]
