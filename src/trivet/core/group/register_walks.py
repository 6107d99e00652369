"""Calls about whole databases of registers: ``SCAN``, ``KEYS``, ``DBSIZE``, ``FLUSHDB`` and others.

On the path: instead of errands. Strategy: the room walks over the registers, page by page, and says which
keys are there for sure; of the others a read tells. Registers stand in the order of ``SCAN`` cursors
(``register_keys``), so a cursor means the same on every node, whoever has served the call before.

- Rule K1: what changes while a walk goes on may be seen or not, and a key that is there all the time is seen.
  So ``DBSIZE`` is no number of one moment, and what comes during ``FLUSHDB`` may stay.
- Rule K2: a key whose deadline has passed is asked for, as far as this node knows of it: what it holds may
  not be the value that counts.
- Rule K3: a part of a ``SCAN`` ends between two points of the space of cursors, never among keys of one.
- Rule K4: a walk may take as long as it goes on; one that has not for as long as a command may wait is given
  up.
"""

from typing import Final

from trivet.core.base.ids import Instant, WallMs
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.cluster.slots import slot_of
from trivet.core.command.arguments import INVALID_CURSOR, PATTERN_TOO_LONG, SYNTAX
from trivet.core.command.keys import scan_options
from trivet.core.group.register_errand import NO_MAJORITY
from trivet.core.group.register_errands import Errands
from trivet.core.group.register_keys import before, cursor_of, db_of, key_of
from trivet.core.group.register_runs import Part, WalkCall
from trivet.core.group.register_sweeper import Sweeper
from trivet.core.machine.register import Registers, Task
from trivet.core.machine.register_place import OTHER_DATABASE, WHOLE_DATABASE
from trivet.core.machine.scanning import SCANPART, SLOTKEYS
from trivet.core.paxos.ready import ScanResult
from trivet.core.values.glob import PATTERN_BYTES_MAX, Glob
from trivet.core.values.numbers import parse_cursor
from trivet.core.values.table import SPACE
from trivet.core.wire.reply import NOT_HERE, OK, Error, NotHere, Reply, Simple

WALKS_MAX: Final = 16
"""So many at a time; one more is refused."""
PAGE_KEYS: Final = 1_000
ASKED_MAX: Final = 64
"""Reads, or removals, of one walk at a time."""
BUSY: Final = Error("BUSY too many walks over whole databases are under way at this node; nothing was done")
FLUSH_FAILED: Final = Error("TIMEOUT not all keys are removed: no majority confirmed it in time")
_SIZE_BYTES: Final = 64


class _Ask(Part):
    """A read, or a removal, of one key of a walk."""

    __slots__ = ("_walk", "place")

    def __init__(self, walk: "Walk", place: bytes, name: bytes, reads_only: bool, now_ms: Instant) -> None:
        db, key = db_of(place), key_of(place)
        super().__init__(
            Task(db, key, [(db, [name, key])], reads_only=reads_only), len(place) + _SIZE_BYTES, now_ms
        )
        self._walk = walk
        self.place = place

    def done(self, replies: list[Reply], version: int, there: bool) -> None:
        """As ``Part``."""
        self._walk.told(self.place, replies[0])

    def failed(self, error: Error) -> None:
        """As ``Part``."""
        self._walk.told(self.place, error)

    def moved(self) -> None:
        """As ``Part``: the whole walk is asked for anew."""
        self._walk.told(self.place, NOT_HERE)


class Walk:
    """One such call, under way. A subclass says what it wants to know, and what it makes of that."""

    page_keys = PAGE_KEYS
    asks = b"EXISTS"
    """How a key is asked for of which the walk can't tell."""
    reads_only = True

    def __init__(self, owner: "Walks", call: WalkCall, now_ms: Instant) -> None:
        self.owner = owner
        self.call = call
        self.number = 0
        self.moved_ms = now_ms
        """When it last went on (Rule K4)."""
        self.db = call.db
        """-1: all that the group has."""
        self.first: bytes | None = before(call.db, 0)
        """After this it begins."""
        self.following: bytes | None = None
        """After this the next page begins; None: there is none."""
        self.to_ask: list[bytes] = []
        self.asked = 0
        self.has_asked = False
        """Some key was asked for, ever."""
        self.over = False

    def start(self) -> None:
        """Ask for the first page."""
        self.owner.ask_page(self, self.first)

    # -- for subclasses

    def wants(self, place: bytes) -> bool:
        """Whether the key may matter at all."""
        return True

    def must_ask(self) -> bool:
        """Whether it has to be asked for each key, also where the walk is sure."""
        return False

    def take(self, place: bytes) -> None:
        """This key is there."""

    def answered(self, place: bytes, reply: Reply) -> None:
        """What a key that was asked for has said."""
        if reply == 1:
            self.take(place)

    def is_enough(self) -> bool:
        """Whether no further page is wanted."""
        return False

    def reply(self) -> Reply:
        """The reply, when all is known."""
        raise NotImplementedError

    # -- how it goes on

    def on_page(self, result: ScanResult, now_ms: Instant) -> None:
        """The page that was asked for."""
        if self.over:
            return
        if not result.ok:
            self.finish(NO_MAJORITY)
            return
        self.moved_ms = now_ms
        self.following = result.cursor
        owner = self.owner
        for places, is_sure in ((result.keys, True), (result.unsure, False)):
            for place in places:
                if self.db != db_of(place) and self.db >= 0:
                    self.following = None  # they stand in the order of their databases
                    break
                if not (owner.serves(place) and self.wants(place)):
                    continue
                if is_sure and not self.must_ask() and not owner.is_late(place):
                    self.take(place)
                else:
                    self.to_ask.append(place)
        if self.following is not None and self.db >= 0 and db_of(self.following) != self.db:
            self.following = None
        self.go_on(now_ms)

    def told(self, place: bytes, reply: Reply) -> None:
        """A key that was asked for."""
        self.asked -= 1
        if self.over:
            return
        if isinstance(reply, Error | NotHere):
            self.finish(reply)
            return
        self.answered(place, reply)
        self.owner.stir(self)

    def go_on(self, now_ms: Instant) -> None:
        """Ask for keys, then for the next page, then answer."""
        while self.to_ask and self.asked < ASKED_MAX:
            place = self.to_ask.pop()
            self.asked += 1
            self.has_asked = True
            self.moved_ms = now_ms
            self.owner.ask_key(_Ask(self, place, self.asks, self.reads_only, now_ms), now_ms)
            if self.over:
                return
        if self.to_ask or self.asked:
            return
        if self.following is not None and not self.is_enough():
            self.owner.ask_page(self, self.following)
        else:
            self.finish(self.reply())

    def finish(self, reply: Reply) -> None:
        """Its reply."""
        if not self.over:
            self.over = True
            self.owner.forget(self)
            self.call.done(reply)


class _Size(Walk):
    """``DBSIZE``."""

    count = 0

    def take(self, place: bytes) -> None:
        """One more."""
        self.count += 1

    def reply(self) -> Reply:
        """How many."""
        return self.count


class _Keys(Walk):
    """``KEYS pattern``, and of ``SLOTKEYS`` the keys."""

    def __init__(self, owner: "Walks", call: WalkCall, now_ms: Instant, glob: Glob | None) -> None:
        super().__init__(owner, call, now_ms)
        self.glob = glob
        self.found: list[bytes] = []

    def wants(self, place: bytes) -> bool:
        """As ``Walk``."""
        return self.glob is None or self.glob.matches(key_of(place))

    def take(self, place: bytes) -> None:
        """As ``Walk``."""
        self.found.append(place)

    def reply(self) -> Reply:
        """In the order of cursors."""
        self.found.sort()
        keys: list[Reply] = [key_of(place) for place in self.found]
        return keys


class _SlotKeys(_Keys):
    """``SLOTKEYS slot [count]``."""

    def __init__(self, owner: "Walks", call: WalkCall, now_ms: Instant) -> None:
        super().__init__(owner, call, now_ms, None)
        self.slot = int(call.args[1])
        self.most = int(call.args[2]) if len(call.args) > 2 else -1

    def wants(self, place: bytes) -> bool:
        """As ``Walk``."""
        return slot_of(key_of(place)) == self.slot

    def is_enough(self) -> bool:
        """As ``Walk``."""
        return 0 <= self.most <= len(self.found)

    def reply(self) -> Reply:
        """The keys, or how many there are."""
        if self.most < 0:
            return len(self.found)
        self.found = sorted(self.found)[: self.most]
        return super().reply()


class _Scan(_Keys):
    """``SCAN`` and ``SCANPART`` (Rule K3)."""

    def __init__(
        self, owner: "Walks", call: WalkCall, now_ms: Instant, cursor: int, glob: Glob | None, count: int,
        type_name: str,
    ) -> None:  # fmt: skip
        super().__init__(owner, call, now_ms, glob)
        self.cursor = cursor
        self.first = before(call.db, cursor)
        self.page_keys = min(count + 1, PAGE_KEYS)
        self.type_name = type_name
        if type_name:
            self.asks = b"TYPE"

    def must_ask(self) -> bool:
        """As ``Walk``."""
        return bool(self.type_name)

    def answered(self, place: bytes, reply: Reply) -> None:
        """As ``Walk``."""
        if self.type_name:
            if isinstance(reply, Simple) and reply.text == self.type_name:
                self.take(place)
        else:
            super().answered(place, reply)

    def is_enough(self) -> bool:
        """It has come further than the point at which it began."""
        return self.following is not None and cursor_of(self.following) > self.cursor

    def reply(self) -> Reply:
        """Where it goes on (0: nowhere), and the keys before that."""
        following = SPACE if self.following is None else cursor_of(self.following)
        self.found = [place for place in self.found if cursor_of(place) < following]
        return [b"0" if following == SPACE else b"%d" % following, super().reply()]


class _Random(Walk):
    """``RANDOMKEY``: the first key that is there after a point by lot, around the end."""

    page_keys = 16

    def __init__(self, owner: "Walks", call: WalkCall, now_ms: Instant, point: int) -> None:
        super().__init__(owner, call, now_ms)
        self.beginning = self.first
        self.first = before(call.db, point)
        self.found: list[bytes] = []
        self.wrapped = False

    def take(self, place: bytes) -> None:
        """As ``Walk``."""
        self.found.append(place)

    def is_enough(self) -> bool:
        """As ``Walk``."""
        return bool(self.found)

    def go_on(self, now_ms: Instant) -> None:
        """As ``Walk``; at the end of the database it begins once more, at its beginning."""
        done = not (self.to_ask or self.asked or self.found)
        if done and self.following is None and not self.wrapped:
            self.wrapped = True
            self.following = self.beginning
        super().go_on(now_ms)

    def reply(self) -> Reply:
        """Any of them."""
        return key_of(min(self.found)) if self.found else None


class _Flush(Walk):
    """``FLUSHDB``, ``FLUSHALL``."""

    asks = b"DEL"
    reads_only = False

    def __init__(self, owner: "Walks", call: WalkCall, now_ms: Instant) -> None:
        super().__init__(owner, call, now_ms)
        self.page_keys = ASKED_MAX
        if call.args[0] == b"FLUSHALL":
            self.db = -1
            self.first = None

    def must_ask(self) -> bool:
        """As ``Walk``."""
        return True

    def answered(self, place: bytes, reply: Reply) -> None:
        """As ``Walk``."""

    def finish(self, reply: Reply) -> None:
        """Some keys may be gone by now, whatever is in the way of the others."""
        super().finish(FLUSH_FAILED if isinstance(reply, Error) and self.has_asked else reply)

    def reply(self) -> Reply:
        """As in Redis."""
        return OK


class Walks:
    """All of them that this node's clients have begun in a group."""

    def __init__(self, errands: Errands, registers: Registers, prng: Prng, limits: Limits) -> None:
        self.sweeper: Sweeper | None = None
        self.pages: list[tuple[int, bytes | None, int]] = []
        """(number, cursor, limit) of pages that the group is to ask for."""
        self._errands = errands
        self._prng = prng
        self._walks: dict[int, Walk] = {}
        self._next = 0
        self._stirred: dict[int, Walk] = {}
        """Walks of which a key was told since the last look."""

    @property
    def busy(self) -> bool:
        """Some walk is under way."""
        return bool(self._walks)

    def begin(self, call: WalkCall, now_ms: Instant) -> None:
        """Serve ``call``."""
        walk = self._walk(call, now_ms)
        if isinstance(walk, Error):
            call.done(walk)
        elif len(self._walks) >= WALKS_MAX:
            call.done(BUSY)
        else:
            self._next += 1
            walk.number = self._next
            self._walks[walk.number] = walk
            walk.start()

    def _walk(self, call: WalkCall, now_ms: Instant) -> Walk | Error:
        args = call.args
        name = args[0]
        if name in (b"SCAN", SCANPART):
            return self._scan(call, now_ms)
        if name == b"KEYS":
            too_long = len(args[1]) > PATTERN_BYTES_MAX
            return PATTERN_TOO_LONG if too_long else _Keys(self, call, now_ms, Glob(args[1]))
        if name in (b"FLUSHDB", b"FLUSHALL"):
            fits = len(args) == 1 or (len(args) == 2 and args[1].upper() in (b"ASYNC", b"SYNC"))
            return _Flush(self, call, now_ms) if fits else SYNTAX
        if name == b"DBSIZE":
            return _Size(self, call, now_ms)
        if name == b"RANDOMKEY":
            return _Random(self, call, now_ms, self._prng.below(SPACE))
        if name == SLOTKEYS:
            return _SlotKeys(self, call, now_ms)
        return OTHER_DATABASE if name == b"SWAPDB" else WHOLE_DATABASE

    def _scan(self, call: WalkCall, now_ms: Instant) -> Walk | Error:
        cursor = parse_cursor(call.args[1])
        if cursor is None:
            return INVALID_CURSOR
        options = scan_options(call.args, 2, with_type=True)
        if isinstance(options, Error):
            return options
        return _Scan(self, call, now_ms, cursor & (SPACE - 1), options.glob, options.count, options.type_name)

    def on_scan(self, result: ScanResult, now_ms: Instant) -> None:
        """A page has come."""
        walk = self._walks.get(result.scan_id)
        if walk is not None:
            walk.on_page(result, now_ms)

    def expire(self, oldest_ms: Instant) -> None:
        """Rule K4."""
        for walk in [walk for walk in self._walks.values() if walk.moved_ms < oldest_ms]:
            walk.finish(NO_MAJORITY)

    def moved(self) -> None:
        """Other slots are served, or none: who asked asks all groups anew, so each slot counts once (M5)."""
        for walk in list(self._walks.values()):
            walk.finish(NOT_HERE)

    # -- for walks

    def serves(self, place: bytes) -> bool:
        """Whether the register's slot is this group's (Rule M5)."""
        return self._errands.serves(place)

    def ask_page(self, walk: Walk, cursor: bytes | None) -> None:
        """The registers after ``cursor``."""
        self.pages.append((walk.number, cursor, walk.page_keys))

    def ask_key(self, ask: Part, now_ms: Instant) -> None:
        """One key."""
        self._errands.add(ask, now_ms)

    def stir(self, walk: Walk) -> None:
        """A key was told: the walk may go on (see ``look``)."""
        self._stirred[walk.number] = walk

    def look(self, now_ms: Instant) -> None:
        """Let walks go on of which keys were told."""
        while self._stirred:
            stirred, self._stirred = self._stirred, {}
            for walk in stirred.values():
                if not walk.over:
                    walk.go_on(now_ms)

    def forget(self, walk: Walk) -> None:
        """It is answered."""
        self._walks.pop(walk.number, None)
        self._stirred.pop(walk.number, None)

    def is_late(self, place: bytes) -> bool:
        """Rule K2."""
        wall_ms: WallMs = self._errands.runner.wall_ms
        return self.sweeper is not None and self.sweeper.is_late(place, wall_ms)
