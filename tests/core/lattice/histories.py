"""Replicas that update keys and hear of each other by updates in any order, twice, or by whole states.

Beside them runs a *model* that knows of every update which others its maker had seen: what must be seen of a
cell is computed from that alone, as the definition of each type has it.
"""

from trivet.core.base.prng import Prng
from trivet.core.lattice.cell import added_to, is_there, winner
from trivet.core.lattice.delta import FIELD, MEMBER, STRING, Delta
from trivet.core.lattice.key_state import cells_of
from trivet.core.lattice.lattice import Lattice, Watch
from trivet.core.lattice.writer import Writer

KEYS = (b"a", b"b")
PLACES = ((STRING, b""), (MEMBER, b"x"), (MEMBER, b"y"), (FIELD, b"x"))


class Update:
    """What the model remembers of one."""

    def __init__(self, delta: Delta, over: dict, what: dict) -> None:
        self.delta = delta
        self.dot = (delta.actor, delta.number)
        self.over = over
        """By place: the dots that counted where it was made, and that it puts an end to."""
        self.what = what
        """By place: ("assign", payload), ("add", amount) or ("remove",)."""


def start_of(update: Update, place: tuple[int, bytes]) -> int:
    """With which number the series began to which it adds."""
    (change,) = [one for one in update.delta.changes if (one.kind, one.name) == place]
    assert change.added is not None
    return change.added[0]


class Replica:
    def __init__(self, actor: int) -> None:
        self.actor = actor
        self.lattice = Lattice()
        self.waiting: list[Delta] = []

    def hear(self, delta: Delta) -> None:
        """In any order: what awaits something waits."""
        self.waiting.append(delta)
        moved = True
        while moved:
            moved = False
            for one in list(self.waiting):
                if not self.lattice.awaits(one):
                    self.waiting.remove(one)
                    self.lattice.apply(one)
                    moved = True

    def hear_states(self, other: "Replica", keys) -> None:
        for key in keys:
            self.lattice.join(key, other.lattice.encoded(key), other.lattice.context(key).copy())

    def hear_all(self, other: "Replica") -> None:
        """A whole exchange, one way."""
        self.hear_states(other, KEYS)
        self.lattice.know(other.lattice.clock)


class Exchange:
    """A whole exchange, one way, key by key: what is equal is passed over, as with digests."""

    def __init__(self, to: Replica, other: Replica) -> None:
        self.to = to
        self.other = other
        self.clock = other.lattice.clock.copy()
        self.watch: Watch = to.lattice.watch(self.clock)
        self.left = list(KEYS)

    def step(self) -> bool:
        """Whether it is over."""
        if not self.left:
            self.to.lattice.know(self.clock, self.watch)
            return True
        key = self.left.pop()
        if self.to.lattice.tree.of(key) != self.other.lattice.tree.of(key):
            self.to.hear_states(self.other, [key])
        return False


class World:
    """``count`` replicas, and the model."""

    def __init__(self, seed: int, count: int = 3, parts: bool = True) -> None:
        self.prng = Prng(seed)
        self.places = PLACES if self.prng.chance(0.5) else PLACES[:1]
        """Often only one, so that much happens to it."""
        self.parts = parts
        """Whether states of some keys are exchanged, not only of all, and whole exchanges take time.

        In such an exchange a removal that is newer than its clock may be taken without its dot: then less is
        seen than the dots say, until that dot comes.
        """
        self.replicas = [Replica(n + 1) for n in range(count)]
        self.updates: list[Update] = []
        self.by_dot: dict[tuple[int, int], Update] = {}
        self.stamp = 0
        self.exchanges: list[Exchange] = []

    def seen_by(self, replica: Replica) -> frozenset[tuple[int, int]]:
        contexts = {key: replica.lattice.context(key) for key in KEYS}
        return frozenset(dot for dot, u in self.by_dot.items() if contexts[u.delta.key].has(*dot))

    def update(self) -> None:
        """One replica does something."""
        prng = self.prng
        replica = self.replicas[prng.below(len(self.replicas))]
        self.stamp += prng.below(3)  # stamps may be equal, and concurrent ones lie anyhow
        key = KEYS[prng.below(len(KEYS))]
        writer = Writer(replica.lattice, replica.actor, self.stamp + 1, key)
        what: dict = {}
        if prng.chance(0.1):
            for place, cell in cells_of(replica.lattice.state(key)).items():
                if is_there(cell):
                    what[place] = ("remove",)
            writer.remove_all()
        else:
            for kind, name in self.places:
                choice = prng.below(4 if len(self.places) == 1 else 8)
                if choice == 0:
                    payload = b"%d" % prng.below(100)
                    writer.assign(kind, name, payload)
                    what[(kind, name)] = ("assign", payload)
                elif choice in (1, 2):
                    amount = prng.below(20) - 5
                    writer.add(kind, name, amount)
                    what[(kind, name)] = ("add", amount)
                elif choice == 3:
                    cell = cells_of(replica.lattice.state(key)).get((kind, name))
                    if cell is not None and is_there(cell):
                        what[(kind, name)] = ("remove",)
                    writer.remove(kind, name)
        seen = self.seen_by(replica)
        over = {
            place: {u.dot for u in self.ended(seen, key, place)}
            for place, it in what.items()
            if it[0] != "add"
        }
        delta = writer.finish()
        if delta is None:
            assert not what
            return
        update = Update(delta, over, what)
        self.updates.append(update)
        self.by_dot[update.dot] = update
        assert not replica.lattice.awaits(delta)
        replica.lattice.apply(delta)

    def gossip(self) -> None:
        """Something comes somewhere: an update, old or new, or states of keys."""
        prng = self.prng
        to = self.replicas[prng.below(len(self.replicas))]
        if self.exchanges and prng.chance(0.4):
            exchange = self.exchanges[prng.below(len(self.exchanges))]
            if exchange.step():
                self.exchanges.remove(exchange)
        elif self.updates and prng.chance(0.7):
            to.hear(self.updates[prng.below(len(self.updates))].delta)
        else:
            other = self.replicas[prng.below(len(self.replicas))]
            if other is not to:
                if self.parts and prng.chance(0.4):
                    self.exchanges.append(Exchange(to, other))
                elif not self.parts or prng.chance(0.3):
                    to.hear_all(other)
                else:
                    to.hear_states(other, [key for key in KEYS if prng.chance(0.5)])

    def run(self, steps: int) -> None:
        for _ in range(steps):
            if self.prng.chance(0.45):
                self.update()
            else:
                self.gossip()

    def deliver_all(self) -> None:
        for replica in self.replicas:
            order = list(self.updates)
            self.prng.shuffle(order)
            for update in order:
                replica.hear(update.delta)
            assert not replica.waiting

    # -- what must be seen

    def alive(self, seen: frozenset[tuple[int, int]], key: bytes, place: tuple[int, bytes]) -> list[Update]:
        """Of a replica that has seen just these: the updates of a cell that count."""
        ours = [u for u in self.updates if u.dot in seen and u.delta.key == key and place in u.what]
        over: set = set()
        for u in ours:
            over |= u.over.get(place, set())
        return [u for u in ours if u.what[place][0] != "remove" and u.dot not in over]

    def ended(self, seen: frozenset[tuple[int, int]], key: bytes, place: tuple[int, bytes]) -> list[Update]:
        """What ends when all that is seen of a cell is replaced or taken back.

        Of a series of additions that is its whole beginning, also what somebody else had taken back of it
        before, as whoever ends it has seen: one number stands for all.
        """
        alive = self.alive(seen, key, place)
        starts = {u.delta.actor: start_of(u, place) for u in alive if u.what[place][0] == "add"}
        return alive + [
            u
            for u in self.updates
            if u.dot in seen and u.delta.key == key and u.what.get(place, ("",))[0] == "add"
            if u.delta.number >= starts.get(u.delta.actor, 1 << 60)
        ]

    def expected(self, seen: frozenset[tuple[int, int]]) -> dict:
        """By (key, place): (assigned payload or None, sum or None), of a replica that has seen just these."""
        found: dict = {}
        places = {(u.delta.key, place) for u in self.updates if u.dot in seen for place in u.what}
        for key, place in places:
            alive = self.alive(seen, key, place)
            assigned = [u for u in alive if u.what[place][0] == "assign"]
            added = [u for u in alive if u.what[place][0] == "add"]
            if assigned or added:
                best = max(
                    assigned, key=lambda u: (u.delta.stamp, u.delta.actor, u.delta.number), default=None
                )
                found[(key, place)] = (
                    None if best is None else best.what[place][1],
                    sum(u.what[place][1] for u in added) if added else None,
                )
        return found


def shown(lattice: Lattice) -> dict:
    """What is seen."""
    found: dict = {}
    for key in KEYS:
        for place, cell in cells_of(lattice.state(key)).items():
            if is_there(cell):
                best = winner(cell)
                found[(key, place)] = (None if best is None else best[3], added_to(cell))
    return found


def image(lattice: Lattice) -> tuple:
    """Everything."""
    lattice.settle()
    seen = {key: lattice.context(key).encode() for key in KEYS}
    return ({key: lattice.encoded(key) for key in KEYS}, lattice.clock.encode(), lattice.tree.root, seen)


def twin(lattice: Lattice) -> Lattice:
    made = Lattice()
    for key in KEYS:
        made.restore(key, lattice.encoded(key))
    made.clock = lattice.clock.copy()
    for key, clock in lattice.ahead():
        made.note(key, clock.copy())
    return made


def joined(one: Lattice, other: Lattice) -> Lattice:
    """Their join: of every key, and of the clocks."""
    made = twin(one)
    for key in KEYS:
        made.join(key, other.encoded(key), other.context(key).copy())
    made.know(other.clock)
    return made
