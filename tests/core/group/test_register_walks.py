"""Calls about whole databases of registers."""

from types import SimpleNamespace

import pytest

from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.cluster.slots import slot_of
from trivet.core.group.register_errand import NO_MAJORITY
from trivet.core.group.register_keys import before, cursor_of, db_of, key_of, place_key
from trivet.core.group.register_walks import ASKED_MAX, BUSY, FLUSH_FAILED, WALKS_MAX, Walks
from trivet.core.machine.register_place import OTHER_DATABASE
from trivet.core.machine.scanning import scan_place
from trivet.core.paxos.ready import ScanResult
from trivet.core.wire.reply import NOT_HERE, OK, Error, Simple

KEYS = [b"k%d" % n for n in range(100)]


class Call:
    """Stands for a call of a run."""

    def __init__(self, db: int, *args: bytes) -> None:
        self.db = db
        self.args = list(args)
        self.replies: list = []

    def done(self, reply) -> None:
        self.replies.append(reply)

    @property
    def reply(self):
        (reply,) = self.replies
        return reply


class World:
    """A group with keys in database 7, and some in 6 and 8."""

    def __init__(self, keys: list[bytes] = KEYS) -> None:
        self.places = {place_key(7, key): b"string" for key in keys}
        self.others = [place_key(db, key) for db in (6, 8) for key in (b"a", b"b")]
        self.unsure: dict[bytes, bool] = {}
        """Places of which only a read tells, and what it tells."""
        self.late: dict[bytes, None] = {}
        self.elsewhere: dict[bytes, None] = {}
        """Places held here, of slots that are not served here."""
        self.parts: list = []
        self.asked = 0
        self.ok = True
        self.answer = self.told
        self.runner = SimpleNamespace(wall_ms=5)
        self.walks = Walks(self, None, Prng(1), Limits())
        self.walks.sweeper = self

    def is_late(self, place: bytes, wall_ms: int) -> bool:
        return place in self.late

    def serves(self, place: bytes) -> bool:
        return place not in self.elsewhere

    def add(self, part, now_ms: int) -> None:
        self.parts.append(part)

    def told(self, part):
        """What a register answers."""
        place = place_key(part.task.db, part.task.key)
        there = place in self.places or self.unsure.get(place, False)
        name = part.task.calls[0][1][0]
        assert part.task.reads_only is (name != b"DEL")
        if name == b"TYPE":
            return Simple(self.places[place].decode() if there else "none")
        if name == b"DEL":
            self.others = [other for other in self.others if other != place]
            return int(self.places.pop(place, None) is not None)
        return int(there)

    def page(self, number: int, cursor: bytes | None, limit: int) -> None:
        if not self.ok:
            self.walks.on_scan(ScanResult(number, False, [], cursor, []), 9)
            return
        found = sorted([*self.places, *self.unsure, *self.others])
        after = [place for place in found if cursor is None or place > cursor]
        shown = after[:limit]
        more = shown[-1] if len(after) > limit else None
        sure = [place for place in shown if place not in self.unsure]
        self.walks.on_scan(ScanResult(number, True, sure, more, [p for p in shown if p in self.unsure]), 9)

    def step(self) -> bool:
        pages, self.walks.pages = self.walks.pages, []
        parts, self.parts = self.parts, []
        self.asked = max(self.asked, len(parts))
        for one in pages:
            self.page(*one)
        for part in parts:
            part.done([self.answer(part)], 1, False)
        self.walks.look(9)
        return bool(pages or parts)

    def call(self, *args: bytes, db: int = 7):
        call = Call(db, *args)
        self.walks.begin(call, 0)
        while self.step():
            pass
        assert not self.walks.busy
        return call.reply


def test_how_many_there_are():
    world = World()
    assert world.call(b"DBSIZE") == 100
    assert world.call(b"DBSIZE", db=6) == 2 and world.call(b"DBSIZE", db=9) == 0
    assert World([]).call(b"DBSIZE") == 0


def test_what_the_walk_cannot_tell_a_read_does():
    world = World()
    world.unsure = {place_key(7, b"u%d" % n): n < 70 for n in range(100)}
    assert world.call(b"DBSIZE") == 170
    assert world.asked == ASKED_MAX
    assert sorted(world.call(b"KEYS", b"u1*")) == sorted([b"u1", *[b"u%d" % n for n in range(10, 20)]])


def test_what_is_late_here_is_asked_for():
    """K2: of 40 that this node holds as late, 10 have another value by now."""
    world = World()
    world.late = {place_key(7, b"k%d" % n): None for n in range(40)}
    gone = [b"k%d" % n for n in range(30)]
    world.answer = lambda part: 0 if part.task.key in gone else world.told(part)
    assert world.call(b"DBSIZE") == 70
    assert sorted(world.call(b"KEYS", b"k[0-3]?")) == [b"k%d" % n for n in range(30, 40)]


def test_keys_come_in_the_order_of_cursors():
    world = World()
    assert world.call(b"KEYS", b"*") == sorted(KEYS, key=lambda key: (scan_place(key), key))
    assert sorted(world.call(b"KEYS", b"k?")) == sorted(KEYS[:10])
    assert str(world.call(b"KEYS", b"*" * 1_000_000)).startswith("Error(text='ERR the pattern is longer")


@pytest.mark.parametrize("count", [1, 3, 10, 1000])
@pytest.mark.parametrize("name", [b"SCAN", b"SCANPART"])
def test_a_scan_goes_over_everything_once(count, name):
    world = World()
    world.unsure = {place_key(7, b"u%d" % n): n < 5 for n in range(10)}
    found: list[bytes] = []
    cursor = b"0"
    for _ in range(500):
        cursor, keys = world.call(name, cursor, b"COUNT", b"%d" % count)
        assert len(keys) <= count + 1
        found += keys
        if cursor == b"0":
            break
    assert sorted(found) == sorted([*KEYS, *[b"u%d" % n for n in range(5)]])


def test_keys_of_one_point_are_not_torn_apart(monkeypatch):
    """K3: many keys of the same cursor, a page after the other."""
    world = World([])
    same = [before(7, 5) + b"x%d" % n for n in range(50)]
    world.places = dict.fromkeys([*same, before(7, 9) + b"y"], b"string")
    cursor, keys = world.call(b"SCAN", b"0", b"COUNT", b"2")
    seen = len(keys)
    while cursor != b"0":
        cursor, keys = world.call(b"SCAN", cursor, b"COUNT", b"2")
        assert len(keys) in (0, 1, 50)
        seen += len(keys)
    assert seen == 51 and {cursor_of(place) for place in same} == {5}


def test_what_a_scan_asks_for():
    world = World()
    world.places[place_key(7, b"h")] = b"hash"
    assert world.call(b"SCAN", b"0", b"COUNT", b"1000", b"TYPE", b"hash") == [b"0", [b"h"]]
    assert world.call(b"SCAN", b"0", b"COUNT", b"1000", b"TYPE", b"hash", b"MATCH", b"k*") == [b"0", []]
    cursor, keys = world.call(b"SCAN", b"0", b"COUNT", b"1000", b"MATCH", b"k1?")
    assert (cursor, sorted(keys)) == (b"0", KEYS[10:20])
    assert isinstance(world.call(b"SCAN", b"x"), Error)
    assert isinstance(world.call(b"SCAN", b"0", b"COUNT", b"0"), Error)
    assert isinstance(world.call(b"SCAN", b"0", b"NONSENSE"), Error)


def test_some_key():
    world = World()
    found = {world.call(b"RANDOMKEY") for _ in range(60)}
    assert len(found) > 10 and found <= {*KEYS}
    assert {world.call(b"RANDOMKEY", db=6) for _ in range(20)} == {b"a"} | {world.call(b"RANDOMKEY", db=6)}
    assert World([]).call(b"RANDOMKEY") is None
    unsure = World([])
    unsure.unsure = {place_key(7, b"u%d" % n): n == 17 for n in range(40)}
    assert unsure.call(b"RANDOMKEY") == b"u17"


def test_keys_of_a_slot():
    world = World()
    slot = slot_of(b"k5")
    there = sorted([key for key in KEYS if slot_of(key) == slot])
    assert world.call(b"SLOTKEYS", b"%d" % slot) == len(there)
    assert sorted(world.call(b"SLOTKEYS", b"%d" % slot, b"10")) == there
    assert world.call(b"SLOTKEYS", b"%d" % slot, b"0") == []


def test_all_keys_go_and_those_of_other_databases_stay():
    world = World()
    world.unsure = {place_key(7, b"u"): False}
    assert world.call(b"FLUSHDB", b"ASYNC") == OK
    assert not world.places and len(world.others) == 4 and world.asked == ASKED_MAX
    assert isinstance(world.call(b"FLUSHDB", b"NOW"), Error)
    world = World()
    assert world.call(b"FLUSHALL", db=0) == OK
    assert not world.places and not world.others, "all that the group has, wherever the client is"


def test_some_may_be_gone_when_it_fails():
    world = World()
    world.answer = lambda part: NO_MAJORITY
    assert world.call(b"FLUSHDB") is FLUSH_FAILED
    few = World(KEYS[:3])
    few.answer = lambda part: NO_MAJORITY if part.task.key == KEYS[0] else 1
    assert few.call(b"FLUSHDB") is FLUSH_FAILED, "also on the last page"
    world.ok = False
    assert world.call(b"FLUSHDB") is NO_MAJORITY, "nothing was removed"
    assert world.call(b"DBSIZE") is NO_MAJORITY


def test_a_read_that_fails_fails_the_whole():
    world = World()
    world.unsure = {place_key(7, b"u%d" % n): True for n in range(5)}
    world.answer = lambda part: NO_MAJORITY
    assert world.call(b"DBSIZE") is NO_MAJORITY


def test_what_is_nothing_of_one_group():
    assert World().call(b"SWAPDB", b"0", b"7") is OTHER_DATABASE


def test_so_many_at_a_time_and_none_for_ever():
    """K4."""
    world = World()
    calls = [Call(7, b"DBSIZE") for _ in range(WALKS_MAX + 1)]
    for call in calls:
        world.walks.begin(call, 100)
    assert calls[-1].reply is BUSY and not calls[0].replies
    world.walks.expire(100)
    assert not calls[0].replies
    world.walks.expire(101)
    assert calls[0].reply is NO_MAJORITY and not world.walks.busy
    late = Call(7, b"DBSIZE")
    world.walks.begin(late, 100)
    world.walks.moved()
    while world.step():
        pass
    assert late.replies == [NOT_HERE]
    assert db_of(place_key(7, b"k")) == 7 and key_of(place_key(7, b"k")) == b"k"


def test_what_is_not_served_here_is_not_told_of():
    """M5."""
    world = World(KEYS[:4])
    world.elsewhere[place_key(7, KEYS[0])] = None
    world.unsure[place_key(7, b"unsure")] = True
    world.elsewhere[place_key(7, b"unsure")] = None
    assert world.call(b"DBSIZE") == 3


def test_a_walk_whose_key_has_moved_is_asked_for_anew():
    world = World(KEYS[:4])
    world.unsure[place_key(7, b"unsure")] = True
    call = Call(7, b"DBSIZE")
    world.walks.begin(call, 0)
    world.page(*world.walks.pages.pop())
    world.parts[0].moved()
    world.walks.look(9)
    assert call.reply == NOT_HERE
    assert not world.walks.busy
