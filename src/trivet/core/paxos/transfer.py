"""Carries registers of some slots from one group to another (Rules P23 to P25).

On the path: nowhere. It stands at one node, between that node's parts in both groups, and goes in passes: a
pass lists what the source has, and brings over what the target has not got yet. Passes before the seal make
the last one short; nothing of them need be right. The last one begins when the source's config says that the
slots are sealed, and tells what counts::

    COPYING ──a pass──> READY ──(sealed)──> LAST ──a whole pass──> BURYING ──> DONE
       ^──────────────────┘

What was brought over and is not there in the last pass (it was removed meanwhile, or never chosen) becomes a
tombstone. Nothing of it is durable: who carries on begins with slots that the target has anew.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Final

from trivet.core.base.ids import NodeId
from trivet.core.paxos.ballot import NOTHING, Ballot
from trivet.core.paxos.content import Sealed, is_tombstone, seal, size_bytes, tail_of
from trivet.core.paxos.operation import Operation, Outcome
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.ready import Fetched, ScanResult
from trivet.core.paxos.slots import SEALED

FETCH_MAX: Final = 128
"""Registers asked for at a time, of one member."""
UNDERWAY_MAX: Final = 512
"""Registers on their way: no further page is listed while there are more."""


class State(IntEnum):
    """How far it is."""

    COPYING = 0
    READY = 1
    """A pass has ended; another one may follow, or the seal."""
    LAST = 2
    BURYING = 3
    DONE = 4
    """The target's quorums hold what the source had when it was sealed."""


class _Taken:
    """What the target holds of one register."""

    __slots__ = ("ballot", "is_tombstone", "version")

    def __init__(self, ballot: Ballot, version: int, is_tombstone: bool) -> None:
        self.ballot = ballot
        """At which the source had accepted it; ``NOTHING``: it may hold something else."""
        self.version = version
        self.is_tombstone = is_tombstone


class Transfer:
    """Of one node, from ``source`` to ``target``; the owner passes on what they give."""

    def __init__(self, source: Paxos, target: Paxos, moves: Callable[[bytes], bool], epoch: int) -> None:
        """``moves``: whether a register is to be carried; ``epoch``: since which its slot arrives."""
        self.state = State.COPYING
        self.version = 0
        """No register of these slots had a later one."""
        self.lag = 0
        """How many registers this pass has found to differ, so far."""
        self.passes = 0
        self.carried = 0
        """Registers that were brought over, ever."""
        self.carried_bytes = 0
        self.buried = 0
        """Registers that were brought over and were not there in the end."""
        self.is_lost = False
        """The source is not sealed any more, or the target takes nothing: the map has gone on."""
        self._source = source
        self._target = target
        self._moves = moves
        self._epoch = epoch
        self._taken: dict[bytes, _Taken] = {}
        self._seen: dict[bytes, None] = {}
        """Registers of this pass."""
        self._is_whole = True
        """Nothing of this pass has failed."""
        self._is_listing = False
        self._is_listed = False
        self._cursor: bytes | None = None
        self._wanted: dict[NodeId, dict[bytes, Ballot]] = {}
        self._fetching = 0
        self._adopting: dict[int, tuple[bytes, _Taken]] = {}
        self._next_id = 0
        self._sealed_epoch = 0
        self._begin()

    @property
    def held(self) -> int:
        """Registers that the target has, as far as is known."""
        return len(self._taken)

    @property
    def left(self) -> int:
        """Registers that are known to differ, and are not brought over yet."""
        return len(self._adopting) + self._fetching + sum([len(one) for one in self._wanted.values()])

    def close(self) -> None:
        """It is over, or another one begins."""
        self._source.stop_export()
        self._wanted.clear()
        self._fetching = 0

    # --- passes --------------------------------------------------------------------------

    def _begin(self) -> None:
        self._source.stop_export()
        self._seen = {}
        self._is_whole = True
        self._is_listing = self._is_listed = False
        self._cursor = None
        self._wanted = {}
        self._fetching = 0
        self.lag = 0

    def again(self) -> None:
        """Another pass before the seal."""
        assert self.state is State.READY
        self.state = State.COPYING
        self._begin()

    def seal(self) -> None:
        """The source's config says that the slots are sealed: what it lists now counts (Rule P23)."""
        assert self.state is State.READY and not self._adopting
        self.state = State.LAST
        self._sealed_epoch = self._source.epoch
        self._begin()

    def step(self, bytes_max: int) -> None:
        """Begin what is to begin; ``bytes_max`` not above 0: fetch nothing now."""
        if self.state in (State.READY, State.DONE):
            return
        if self.state is not State.BURYING:
            self._list()
            if bytes_max > 0:
                self._fetch()
        if self._is_listed and not (self._wanted or self._fetching or self._adopting):
            self._end()

    def _list(self) -> None:
        if self._is_listing or self._is_listed:
            return
        if self.left < UNDERWAY_MAX:
            self._is_listing = True
            self._source.list_registers(self._cursor, self._source.settings.page_keys_max)

    def on_listed(self, result: ScanResult) -> None:
        """A page of the source."""
        if not self._is_listing:
            return
        self._is_listing = False
        if not result.ok or result.epoch < self._sealed_epoch:
            return  # the next step asks once more
        self.version = max(self.version, result.floor_version)
        for key, (ballot, holder) in zip(result.keys, result.holders, strict=True):
            if not self._moves(key):
                continue
            if self.state is State.LAST and self._source.proposer.holding.state(key) != SEALED:
                self.is_lost = True
                return
            self._seen[key] = None
            taken = self._taken.get(key)
            if taken is None or taken.ballot != ballot:
                self.lag += 1
                self._wanted.setdefault(holder, {})[key] = ballot
        self._cursor = result.cursor
        self._is_listed = result.cursor is None

    def _fetch(self) -> None:
        wanted, self._wanted = self._wanted, {}
        for holder, keys in wanted.items():
            if self._fetching + len(self._adopting) >= UNDERWAY_MAX:
                self._wanted[holder] = keys
                continue
            some = dict(list(keys.items())[:FETCH_MAX])
            if len(some) < len(keys):
                self._wanted[holder] = {key: ballot for key, ballot in keys.items() if key not in some}
            self._fetching += len(some)
            self._source.fetch(some, holder)

    def on_fetched(self, fetched: Fetched) -> int:
        """Contents of the source: how many bytes they take."""
        if not self._fetching:
            return 0
        self._fetching -= len(fetched.found) + len(fetched.missing)
        if fetched.missing:
            self._is_whole = False  # who had it has lost it, or something later is there: list it once more
        taken_bytes = 0
        for key, ballot, content in fetched.found:
            taken_bytes += len(key) + size_bytes(content)
            self._adopt(key, ballot, content)
        self.carried += len(fetched.found)
        self.carried_bytes += taken_bytes
        return taken_bytes

    def _adopt(self, key: bytes, ballot: Ballot, content: Sealed) -> None:
        version = tail_of(content)[0]
        self.version = max(self.version, version)
        self._next_id += 1
        self._adopting[self._next_id] = (key, _Taken(ballot, version, is_tombstone(content)))
        self._target.adopt(self._next_id, key, content, self._epoch)

    def on_adopted(self, operation: Operation) -> None:
        """A register is with a quorum of the target, or it could not be brought there."""
        one = self._adopting.pop(operation.op_id, None)
        if one is None:
            return
        key, taken = one
        if operation.outcome is Outcome.OK:
            self._taken[key] = taken
            return
        # It may be there all the same.
        before = self._taken.get(key)
        version = taken.version if before is None else max(before.version, taken.version)
        self._taken[key] = _Taken(NOTHING, version, False)
        self._is_whole = False
        self.is_lost = self.is_lost or operation.outcome in (Outcome.MOVED, Outcome.TOO_LARGE)

    def _end(self) -> None:
        """A pass has come to its end."""
        self.passes += 1
        if self.state is State.COPYING:
            self.state = State.READY
        elif not self._is_whole:
            self.state = State.LAST
            self._begin()
        else:
            self._bury()

    def _bury(self) -> None:
        """What is not there any more, or never was, is not to come back (Rule P25)."""
        self.state = State.BURYING
        left = [key for key, taken in self._taken.items() if key not in self._seen and not taken.is_tombstone]
        if not left:
            self.state = State.DONE
        self.buried += len(left)
        for key in left:
            version = max(self.version, self._taken[key].version)
            self._adopt(key, NOTHING, seal(key, version, None, (), version))
