"""Three groups, coordinators that come and go, plain clients; and what must be true of all of it.

Every transaction and every plain write pushes its own tag to lists. So what a list holds at the end is the
order in which its key was written: no tag of an acknowledged write is missing, none is there twice, none of
an aborted one is there at all, and the orders of all keys fit together. A coordinator knows nothing but what it was
answered. Each word may be delayed, and may come again, much later.
"""

from itertools import pairwise
from random import Random

from tests.core.machine.replicas import Replica, call
from tests.core.machine.transaction_words import (
    copy_of,
    decide,
    effects_of,
    finish,
    forget,
    ident,
    lock,
    resolve,
)
from trivet.core.base.prng import Prng
from trivet.core.machine.machine import Machine
from trivet.core.machine.packets import unpack
from trivet.core.transaction.words import COMMIT, DIE, GRANTED, SHARED, WAIT, unpack_reply
from trivet.core.values.codec import state_digest
from trivet.core.wire.reply import OK, Blocked, NotHere, Simple

GROUPS = (1, 2, 3)
KEYS = [f"{group}{name}" for group in GROUPS for name in "abcd"]
QUEUE = "q"
"""A list of each group that waiting clients take from."""
SOURCE = "r"
"""One from which waiting clients move elements to the queue."""


def group_of(key: str) -> int:
    return int(key[0])


class Group(Replica):
    """A machine with a twin that goes through a snapshot now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.twin = Machine(100)
        self.closed: dict[str, list[str]] = {}
        """What keys held when they were flushed."""

    def append(self, payload: bytes):
        applied = super().append(payload)
        self.twin.apply(self.twin.applied_index + 1, payload)
        self.machine.intents.check_invariants()
        return applied

    def list_at(self, key: str) -> list[str]:
        found = self.machine.databases.open(0).values.get(key.encode())
        return [] if found is None else [item.decode() for item in found.dump()]

    def history(self, key: str) -> list[str]:
        return self.closed.get(key, []) + self.list_at(key)


class Attempt:
    """One attempt of a transaction, as its coordinator sees it."""

    def __init__(self, id_, age: int, keys: dict[str, int], tag: str) -> None:
        self.id, self.age, self.keys, self.tag = id_, age, keys, tag
        self.groups = list(dict.fromkeys(group_of(key) for key in keys))
        self.home = self.groups[0]
        self.granted: dict[int, dict[str, list[str]]] = {}
        self.state = "locking"
        self.waits: dict[int, None] = dict.fromkeys(self.groups)
        self.effects: dict[int, bytes] = {}
        self.later: dict[int, str] = {}
        """By group, a key that is asked for only once the others are granted."""


class Coordinator:
    """A node: one transaction after the other."""

    def __init__(self, world: "World", node: int) -> None:
        self.world, self.node = world, node
        self.incarnation, self.number, self.low = 1, 0, 0
        self.open: dict[int, None] = {}
        self.attempt: Attempt | None = None

    def begin(self, old: Attempt | None = None) -> None:
        random = self.world.random
        self.number += 1
        self.open[self.number] = None
        if old is None:
            keys = {
                key: random.choice([SHARED, 1, 1, 1]) for key in random.sample(KEYS, random.randint(2, 4))
            }
            for group in dict.fromkeys(group_of(key) for key in keys):
                if random.random() < 0.3:
                    keys[f"{group}{QUEUE}"] = 1
            age = self.world.count()
        else:
            keys, age = old.keys, old.age
        id_ = ident(self.number, self.node, self.incarnation)
        self.attempt = one = Attempt(id_, age, keys, f"t{self.node}.{self.incarnation}.{self.number}")
        for group in one.groups:
            own = [key for key in keys if group_of(key) == group]
            if len(own) > 1 and random.random() < 0.4:
                one.later[group] = random.choice(own)
            self._lock(one, group)

    def _lock(self, one: Attempt, group: int) -> None:
        keys = [
            (key, mode)
            for key, mode in one.keys.items()
            if group_of(key) == group and one.later.get(group) != key
        ]
        word = lock(one.id, *keys, age=one.age, home=one.home, low=self.low)
        self.world.send(group, word, lambda reply: self._locked(one, group, reply))

    def _locked(self, one: Attempt, group: int, reply) -> None:
        if one is not self.attempt or one.state != "locking" or group in one.granted:
            return
        answer = unpack_reply(reply)
        if answer.outcome == GRANTED:
            items = unpack(answer.items) if answer.items else []
            read = {
                key.decode(): [i.decode() for i in value.dump()]
                for _, _, held in items
                for key, value, _ in held
            }
            if group in one.later:
                del one.later[group]
                self._lock(one, group)
                return
            one.granted[group] = read
            for key in one.keys:
                if group_of(key) == group:
                    self.world.saw(key, read.get(key, []))
            if len(one.granted) == len(one.groups):
                self._decide(one)
        elif answer.outcome == WAIT:
            self._lock(one, group)
        else:
            self._abort(one, again=answer.outcome == DIE or self.world.random.random() < 0.7)

    def _abort(self, one: Attempt, again: bool) -> None:
        one.state = "aborting"
        self._finish(one, None)
        self.attempt = None
        if again and not self.world.ending:
            self.begin(one)

    def _finish(self, one: Attempt, effects: dict[int, bytes] | None) -> None:
        groups = [group for group in one.groups if effects is None or group != one.home]
        left = dict.fromkeys(groups)

        def done(group: int) -> None:
            left.pop(group, None)
            if not left and one.id.incarnation == self.incarnation and one.id.number in self.open:
                if effects is not None and groups:
                    self.world.send(one.home, forget(one.id), lambda reply: None)
                self.open.pop(one.id.number)
                self.low = min(self.open, default=self.number + 1)

        for group in groups:
            word = finish(one.id, None if effects is None else effects[group])
            self.world.send(group, word, lambda reply, group=group: done(group))
        if not groups:
            done(0)

    def _decide(self, one: Attempt) -> None:
        if all(mode == SHARED for mode in one.keys.values()):
            self._abort(one, again=False)
            return
        one.state = "deciding"
        for group in one.groups:
            lines = []
            for key, mode in one.keys.items():
                if group_of(key) == group and mode != SHARED:
                    lines.append(f"RPUSH {key} {' '.join([*one.granted[group].get(key, []), one.tag])}")
            one.effects[group] = effects_of(*lines) if lines else b""
        self.world.decided(one)
        word = decide(one.id, *one.effects.items(), low=self.low)
        self.world.send(one.home, word, lambda reply: self._told(one, reply))

    def _told(self, one: Attempt, reply) -> None:
        if one is not self.attempt or one.state != "deciding":
            return
        if reply == OK:
            one.state = "over"
            self.world.acknowledged[one.tag] = one
            self.attempt = None
            self._finish(one, one.effects)
        else:
            assert isinstance(reply, Simple)
            self._abort(one, again=True)

    def die(self) -> None:
        """And a new life begins."""
        self.incarnation += 1
        self.number = self.low = 0
        self.open.clear()
        self.attempt = None


class World:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.groups = {group: Group() for group in GROUPS}
        self.coordinators = [Coordinator(self, node) for node in (1, 2, 3, 4)]
        self.under_way: list[tuple[int, object, object]] = []
        self.late: list[tuple[int, object]] = []
        self.acknowledged: dict[str, Attempt] = {}
        self.attempts: dict[str, Attempt] = {}
        """All that came to a decision."""
        self.plain: dict[str, str] = {}
        """Tags of plain writes that were acknowledged, and their keys."""
        self.taken: list[str] = []
        self.waiting: dict[int, int] = {}
        """Waiting clients and their group."""
        self.prefixes: list[tuple[str, int, list[str]]] = []
        self.whole: list[tuple[int, int]] = []
        self.ending = False
        self.counter = 0
        self.dies = 0.0

    def count(self) -> int:
        self.counter += 1
        return self.counter

    def send(self, group: int, word, answered) -> None:
        self.under_way.append((group, word, answered))

    def saw(self, key: str, values: list[str]) -> None:
        """Somebody read this: it must be the beginning of what the key holds at last."""
        if key[1] in (QUEUE, SOURCE):
            return
        closed = self.groups[group_of(key)].closed.get(key, [])
        self.prefixes.append((key, len(closed), values))
        for tag, one in self.acknowledged.items():
            if one.keys.get(key, SHARED) != SHARED:
                assert tag in values or tag in closed, f"{tag} was acknowledged, and {key} is read without it"

    def decided(self, one: Attempt) -> None:
        self.attempts[one.tag] = one

    # -- what happens ------------------------------------------------------------------------

    def entry(self, group: int, what):
        one = self.groups[group]
        return one.one(what, node=9, at_ms=one.now_ms + self.random.choice([0, 0, 1, 5, 40]))

    def deliver(self) -> None:
        if self.under_way:
            place = self.random.randrange(min(len(self.under_way), 6))
            group, word, answered = self.under_way.pop(place)
            if self.random.random() < 0.15:
                self.late.append((group, word))
            answered(self.entry(group, word))

    def repeat(self) -> None:
        """A word that was said before comes again; whoever said it does not hear the answer."""
        if self.late:
            group, word = self.random.choice(self.late)
            self.entry(group, word)

    def plain_write(self) -> None:
        key, tag = self.random.choice([*KEYS, "1q", "2q", "1r", "2r"]), f"p{self.count()}"
        reply = self.entry(group_of(key), f"RPUSH {key} {tag}")
        if not isinstance(reply, NotHere):
            self.plain[tag] = key

    def script(self) -> None:
        """It writes to some keys of a group, which it does not declare: all or none."""
        group, tag = self.random.choice(GROUPS), f"s{self.count()}"
        keys = self.random.sample([key for key in KEYS if group_of(key) == group], 2)
        body = " ".join(f"redis.call('RPUSH', '{key}', '{tag}')" for key in keys)
        reply = self.entry(group, (0, [b"EVAL", body.encode(), b"0"]))
        if not isinstance(reply, NotHere):
            self.plain.update({f"{tag}@{key}": key for key in keys})

    def plain_read(self) -> None:
        key = self.random.choice(KEYS)
        machine = self.groups[group_of(key)].machine
        reply = machine.read([call(f"LRANGE {key} 0 -1")], 0, Prng(1))[0]
        if not isinstance(reply, NotHere):
            self.saw(key, [item.decode() for item in reply])

    def whole_read(self) -> None:
        """Each comes again until it is answered; so it waits for ever for nobody."""
        if not self.whole:
            self.whole.append((self.random.choice(GROUPS), 0))
        group, since = self.whole.pop()
        words = [b"SINCE", b"%d" % since, b"DBSIZE"] if since else [b"DBSIZE"]
        reply = self.groups[group].machine.read([(0, words)], 0, Prng(1))[0]
        if isinstance(reply, NotHere):
            assert since in (0, reply.locked_at)
            intents = self.groups[group].machine.intents.by_id.values()
            assert any(one.is_exclusive and one.index <= reply.locked_at for one in intents)
            self.whole.append((group, reply.locked_at))

    def flush(self) -> None:
        group = self.groups[self.random.choice(GROUPS)]
        number = next(n for n, one in self.groups.items() if one is group)
        before = {
            key: group.list_at(key)
            for key in [*KEYS, f"{number}{QUEUE}", f"{number}{SOURCE}"]
            if group_of(key) == number
        }
        if self.entry(number, "FLUSHALL") == OK:
            for key, values in before.items():
                group.closed.setdefault(key, []).extend(values)

    def wait_for(self) -> None:
        group, client = self.random.choice(GROUPS), self.count()
        key = f"{group}{QUEUE}".encode()
        words = [b"BLPOP", key, b"0"]
        if self.random.random() < 0.4:
            words = [b"BLMOVE", f"{group}{SOURCE}".encode(), key, b"LEFT", b"RIGHT", b"0"]
        reply = self.entry(group, (0, [b"BLOCK", b"%d" % client, *words]))
        if isinstance(reply, Blocked):
            self.waiting[client] = group
        elif isinstance(reply, list):
            self.taken.append(reply[1].decode())

    def claim_or_leave(self) -> None:
        if self.waiting:
            client = self.random.choice(list(self.waiting))
            group = self.waiting[client]
            if self.random.random() < 0.4:
                self.entry(group, (0, [b"RELEASE", b"%d" % client]))
                del self.waiting[client]
            else:
                reply = self.entry(group, (0, [b"CLAIM", b"%d" % client]))
                if reply[0] == b"served":
                    del self.waiting[client]
                    if isinstance(reply[1], list):
                        self.taken.append(reply[1][1].decode())

    def reload(self) -> None:
        group = self.groups[self.random.choice(GROUPS)]
        group.twin = copy_of(group.machine)

    def look_after(self) -> None:
        """Whoever leads a group asks the homes of its intents, and hands out its records."""
        number = self.random.choice(GROUPS)
        intents = self.groups[number].machine.intents
        for intent in list(intents.by_id.values())[:2]:
            self.send(
                intent.home,
                resolve(intent.id, number),
                lambda reply, i=intent: self._resolved(number, i, reply),
            )
        for transaction, record in list(intents.records.items())[:1]:
            left = dict.fromkeys(record.effects)

            def done(group: int, transaction=transaction, left=left) -> None:
                left.pop(group, None)
                if not left:
                    self.send(number, forget(transaction), lambda reply: None)

            for group, effects in record.effects.items():
                self.send(
                    group, finish(transaction, effects), lambda reply, group=group, done=done: done(group)
                )

    def _resolved(self, group: int, intent, reply) -> None:
        effects = reply[1] if reply[0] == COMMIT else None
        if group != intent.home:
            self.send(group, finish(intent.id, effects), lambda reply: None)

    # -- a run -------------------------------------------------------------------------------

    def run(self, actions: int) -> None:
        random = self.random
        weights = {
            self.deliver: 60, self.repeat: 4, self.plain_write: 8, self.plain_read: 6, self.script: 3,
            self.whole_read: 2, self.flush: 0.5, self.wait_for: 4, self.claim_or_leave: 5, self.reload: 1,
            self.look_after: random.choice([0, 0.3, 2]),
        }  # fmt: skip
        dies = self.dies = random.choice([0, 0.002, 0.006])
        for _ in range(actions):
            for coordinator in self.coordinators:
                if coordinator.attempt is None and random.random() < 0.3:
                    coordinator.begin()
                if random.random() < dies:
                    coordinator.die()
            random.choices(list(weights), list(weights.values()))[0]()
        self.end()

    def end(self) -> None:
        """No new transaction: those that are there come to an end, and so does everything else."""
        self.ending = True
        if not self.dies:
            for _ in range(2_000):
                self.deliver()
            assert not self.under_way, "nobody died, and they wait for each other"
            assert not any(one.machine.intents.by_id for one in self.groups.values())
        for turn in range(3_000):
            self.deliver()
            if turn % 7 == 0:
                self.look_after()
            if not self.under_way and not any(
                one.machine.intents.by_id or one.machine.intents.records for one in self.groups.values()
            ):
                break
        else:
            raise AssertionError("it does not come to an end")
        for client, group in self.waiting.items():
            self.entry(group, (0, [b"RELEASE", b"%d" % client]))
        for _ in self.whole:
            self.whole_read()
        assert not self.whole
        for group in GROUPS:
            self.entry(group, "PING")
        self.judge()

    # -- what must be true ---------------------------------------------------------------------

    def judge(self) -> None:
        for group in self.groups.values():
            machine, twin = group.machine, group.twin
            assert not machine.defects
            assert not machine.intents.locks.held
            assert machine.intents.state() == twin.intents.state()
            assert state_digest(machine.databases) == state_digest(twin.databases)
            assert machine.digest == twin.digest
            assert not machine.waiting.put_off
        histories = {key: self.groups[group_of(key)].history(key) for key in KEYS}
        queues = [tag for g in GROUPS for n in (QUEUE, SOURCE) for tag in self.groups[g].history(f"{g}{n}")]
        queues += self.taken
        committed = dict(self.acknowledged)
        everywhere = [tag for values in histories.values() for tag in values]
        for tag, one in self.attempts.items():
            wanted = [key for key, mode in one.keys.items() if mode != SHARED and key[1] != QUEUE]
            queued = [key for key, mode in one.keys.items() if mode != SHARED and key[1] == QUEUE]
            if wanted and tag in histories[wanted[0]]:
                committed[tag] = one  # it was decided, whether or not its coordinator heard of it
            expected = len(wanted) if tag in committed else 0
            assert everywhere.count(tag) == expected == sum(tag in histories[key] for key in wanted), (
                tag,
                wanted,
            )
            if wanted or tag in self.acknowledged:
                assert queues.count(tag) == (len(queued) if tag in committed else 0), (tag, "in queues")
        for tag, key in self.plain.items():
            place = queues if key[1] in (QUEUE, SOURCE) else histories[key]
            assert place.count(tag.split("@")[0]) == 1, (tag, key)
        known = {tag.split("@")[0]: None for tag in [*self.plain, *committed]}
        assert [tag for tag in everywhere if tag not in known] == []
        for key, start, values in self.prefixes:
            assert histories[key][start : start + len(values)] == values, (key, start, values)
        self.fits_together(histories, committed)

    def fits_together(self, histories: dict[str, list[str]], committed: dict[str, Attempt]) -> None:
        """There is an order of all writes, and of what transactions read, in which each key's order fits."""
        after: dict[str, dict[str, None]] = {}
        for values in histories.values():
            for earlier, later in pairwise(values):
                after.setdefault(earlier, {})[later] = None
        for tag, one in committed.items():
            for group, read in one.granted.items():
                for key, mode in one.keys.items():
                    if group_of(key) != group or mode != SHARED:
                        continue
                    closed = len(self.groups[group].closed.get(key, []))
                    values = read.get(key, [])
                    if closed or key[1] == QUEUE:
                        continue
                    if values:
                        after.setdefault(values[-1], {})[tag] = None
                    if len(values) < len(histories[key]):
                        after.setdefault(tag, {})[histories[key][len(values)]] = None
        done: dict[str, int] = {}
        for start in after:
            stack = [(start, iter(after.get(start, {})))]
            if start in done:
                continue
            done[start] = 1
            while stack:
                node, rest = stack[-1]
                for following in rest:
                    assert done.get(following) != 1, f"a circle at {following}"
                    if following not in done:
                        done[following] = 1
                        stack.append((following, iter(after.get(following, {}))))
                        break
                else:
                    done[node] = 2
                    stack.pop()
