"""Reads over several groups without locks: collected twice, as of one moment (see ``machine/collecting``).

On the path: before a transaction that only reads. When something in question has changed meanwhile, is locked
or has moved, or when the call comes to keys that it did not name, the transaction is what is left.

- Rule V4: all groups are asked to confirm when the last has told what it has. So, when all do, there was a
  moment between at which all keys were as they were told.
"""

from collections.abc import Callable
from typing import Final

from trivet.core.base.ids import GroupId
from trivet.core.cluster.slots import slot_of
from trivet.core.group.run import Run
from trivet.core.machine.collecting import BLIND_ONES, COLLECT, COLLECTED, VALUES
from trivet.core.machine.workspace import Job, Workspace
from trivet.core.node.attempts import Transacting
from trivet.core.node.front import Front
from trivet.core.transaction.words import BLIND, SHARED, LockKey, LockReply, unpack_reply
from trivet.core.wire.reply import Error, Reply

KEYS_MAX: Final = 10_000
"""Of one read."""
_BLIND: Final = {b"EXISTS": 1, b"TOUCH": 1}
_NEVER: Final = {b"BLOCK": 1, b"RETRY": 1}


class Part(Run):
    """One group's part. What is not there, or locked, is no matter of sending it elsewhere."""

    __slots__ = ()

    def finish_in_part(self, replies: list[Reply]) -> bool:
        """``NotHere`` is a reply like others."""
        self.finish(replies)
        return False


class Collecting:
    """One such read: waits for its parts."""

    __slots__ = ("asked", "groups", "inbox", "indexes", "keys", "locks", "stir", "told", "wide")

    def __init__(self, wide: Transacting, inbox: list["Collecting"], stir: Callable[[], None]) -> None:
        self.wide = wide
        self.inbox = inbox
        self.stir = stir
        self.locks: dict[LockKey, tuple[GroupId, int]] = {}
        self.groups: dict[GroupId, list[bytes]] = {}
        """The keys of each."""
        self.asked: list[Run] = []
        self.told: list[LockReply] = []
        """What all groups have told."""
        self.indexes: list[bytes] = []

    def run_done(self) -> None:
        """A part is answered."""
        if all(run.replies is not None for run in self.asked):
            self.inbox.append(self)
            self.stir()


class Collects:
    """All of this node that are under way."""

    def __init__(self, front: Front, workspace: Workspace, stir: Callable[[], None]) -> None:
        self._front = front
        self._workspace = workspace
        self._stir = stir
        self._inbox: list[Collecting] = []
        self.count = 0
        """Reads that were answered so."""
        self.count_of_failed = 0
        """Those that were left to a transaction."""

    def begin(self, wide: Transacting) -> bool:
        """Whether the call can be read so; its groups are asked then."""
        wanted, first = wide.wanted, wide.first
        if first is None or first[0] in _NEVER or wide.news is not None or wide.watched:
            return False
        if not 0 < len(wanted) <= KEYS_MAX:
            return False
        db = wide.call[0]
        is_blind = first[0] in _BLIND
        one = Collecting(wide, self._inbox, self._stir)
        for (index, key), mode in wanted.items():
            group = self._front.router.of_slot(db, slot_of(key))
            if mode != SHARED or index != db or isinstance(group, Error):
                return False
            number = group.settings.group
            one.groups.setdefault(number, []).append(key)
            one.locks[(index, key)] = (number, BLIND if is_blind else SHARED)
        how = BLIND_ONES if is_blind else VALUES
        return self._ask(one, COLLECT, [how] * len(one.groups))

    def _ask(self, one: Collecting, word: bytes, facts: list[bytes]) -> bool:
        front = self._front
        stamp = one.wide.stamp
        runs: list[tuple[GroupId, Run]] = []
        for (number, keys), fact in zip(one.groups.items(), facts, strict=True):
            if number not in front.replicas:
                return False
            words = [word, b"%d" % stamp.node, b"%d" % stamp.number, fact, *keys]
            run: Run = Part(one, False)
            run.epoch = front.map_epoch
            run.add((one.wide.call[0], words), sum(map(len, words)) + 32)
            runs.append((number, run))
        one.asked = [run for _, run in runs]
        for number, run in runs:
            front.replicas[number].read(run, front.now_ms)
        front.unparked = True
        return True

    def look(
        self, answer: Callable[[Transacting, Reply], None], leave: Callable[[Transacting], None]
    ) -> None:
        """Go on with those that are answered: ``answer`` the call, or ``leave`` it to a transaction."""
        inbox = self._inbox[:]
        self._inbox.clear()
        for one in inbox:
            if one.wide.replies is not None:
                continue
            if one.told:
                reply = self._confirmed(one)
                if reply is not None:
                    self.count += 1
                    answer(one.wide, reply[0])
                    continue
            elif self._take(one) and self._ask(one, COLLECTED, one.indexes):
                continue
            self.count_of_failed += 1
            leave(one.wide)

    def _take(self, one: Collecting) -> bool:
        """What the groups have told."""
        told: list[LockReply] = []
        for run in one.asked:
            reply = None if run.replies is None else run.replies[0]
            if not isinstance(reply, list) or not isinstance(reply[1], bytes):
                return False
            one.indexes.append(b"%d" % int(str(reply[0])))
            told.append(unpack_reply(reply[1]))
        one.told = told
        return True

    def _confirmed(self, one: Collecting) -> list[Reply] | None:
        """The call's reply, when all groups have confirmed and it needs no other keys."""
        if any(run.replies != [1] for run in one.asked):
            return None
        front, wide = self._front, one.wide
        job = Job(wide.call, wide.client, next(iter(one.groups)))
        job.locks = one.locks
        job.grants = [(told.time_ms, told.items) for told in one.told]
        job.now_ms = max([front.wall_ms, *[told.time_ms for told in one.told]])
        job.prng = front.prng()
        self._workspace.know_scripts(front.system.machine.scripts)
        ran = self._workspace.run(job, front.system.machine.users)
        return None if ran.missing or ran.effects or ran.denied else [ran.reply]
