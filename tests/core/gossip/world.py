"""Members of a group of mode ``eventual``: their lattices, disks and links, all in memory; and a model beside.

The model knows what was written, by whom, whether it came to the disk there, and what each removal had seen.
"""

from trivet.core.base.prng import Prng
from trivet.core.gossip.bundles import bundles_of
from trivet.core.gossip.gossip import Gossip, Taken
from trivet.core.gossip.messages import Compare, Differ, Keys, OfGossip, Seen, States, Updates, Want
from trivet.core.gossip.settings import ACTOR_SHIFT, GossipSettings, node_of
from trivet.core.lattice.cell import added_to, is_there, winner
from trivet.core.lattice.clock import Clock, decode_clock
from trivet.core.lattice.delta import FIELD, MEMBER, STRING, Delta, problem_of
from trivet.core.lattice.hlc import Hlc
from trivet.core.lattice.key_state import cells_of
from trivet.core.lattice.lattice import Lattice
from trivet.core.lattice.writer import Writer

Flight = tuple[int, int, OfGossip]
Record = Delta | tuple[bytes, bytes, bytes] | bytes
WALL_MS = 1_000_000_000
COUNTER = b"#"


def actor_of(node: int, life: int) -> int:
    return node << ACTOR_SHIFT | life


def show_actor(actor: int) -> str:
    life = actor & ((1 << ACTOR_SHIFT) - 1)
    return f"n{node_of(actor)}" + ("" if life == 1 else f"'{life}")


def show_clock(clock: Clock) -> str:
    return "{" + " ".join(f"{show_actor(actor)}:{clock.base(actor)}" for actor in clock.actors) + "}"


def show_delta(delta: Delta) -> str:
    words = []
    for change in delta.changes:
        what = "adds" if change.added is not None else "puts" if change.payload is not None else "removes"
        words.append(f"{what} {change.name.decode() or '-'}")
    return f"{show_actor(delta.actor)}.{delta.number} {delta.key.decode()} {', '.join(words)}"


def show(message: OfGossip) -> str:
    name = type(message).__name__
    if isinstance(message, Updates):
        return " ".join([name, *[f"[{show_delta(d)}]" for d in message.deltas], *["lost"] * message.lost])
    if isinstance(message, Seen):
        return f"{name} {show_clock(decode_clock(message.clock))}" + (" asks" if message.asks else "")
    if isinstance(message, Want):
        return " ".join([name, *[f"{show_actor(a)}:{first}-{last}" for a, first, last in message.ranges]])
    if isinstance(message, Compare):
        return f"{name} level {message.level}, nodes {len(message.rows)}"
    if isinstance(message, Differ):
        return f"{name} level {message.level}, nodes {len(message.places)}"
    if isinstance(message, Keys):
        return f"{name} {' '.join(key.decode() for _, rows in message.rows for key, _ in rows)}".strip()
    assert isinstance(message, States)
    keys = " ".join(key.decode() for key, _ in message.rows)
    return f"{name} #{message.serial} {show_clock(decode_clock(message.clock))} {keys}".strip() + (
        " done" if message.done else ""
    )


class Holder:
    """Instead of the executor."""

    def __init__(self, lattice: Lattice, hlc: Hlc) -> None:
        self.lattice = lattice
        self.hlc = hlc

    def merge_plain(self, delta: Delta) -> bool:
        awaited = self.lattice.awaits(delta)
        plain = self.lattice.assign(delta)
        assert plain is None or not (awaited or problem_of(delta))
        return plain is not None

    def merge(self, delta: Delta) -> None:
        assert not self.lattice.awaits(delta)
        assert not self.lattice.clock.has(delta.actor, delta.number)
        self.lattice.apply(delta)

    def merge_state(self, key: bytes, state: bytes, clock: Clock) -> None:
        self.lattice.join(key, state, clock)


class Desk:
    """One node: what is on its disk, and its member while it runs."""

    def __init__(self, node: int, life: int) -> None:
        self.starts = 0
        self.node = node
        self.life = life
        self.synced: list[Record] = []
        self.queue: list[tuple[int, list[Record]]] = []
        self.staged: list[Record] = []
        self.own: list[Delta] = []
        self.save_id = 0
        self.wall_ms = WALL_MS
        self.live: Gossip | None = None
        self.lattice = Lattice()
        self.told_bytes = 0


class Fact:
    """What the model knows of one update."""

    def __init__(self, key: bytes, element: bytes, over: list["Fact"], amount: int = 0) -> None:
        self.key = key
        self.element = element
        self.over = over
        self.amount = amount


class Group:
    """See the module. ``kind``: another ``Gossip``, with a bug."""

    def __init__(self, count: int, seed: int = 1, kind: type[Gossip] = Gossip, **settings: int) -> None:
        self.kind = kind
        self.settings = settings
        self.prng = Prng(seed)
        self.members = tuple(range(1, count + 1))
        self.desks = {node: Desk(node, 1) for node in self.members}
        self.flights: list[Flight] = []
        self.cut: dict[tuple[int, int], bool] = {}
        self.unlinked: dict[tuple[int, int], bool] = {}
        self.held: dict[int, bool] = {}
        self.events: list[str] = []
        self.facts: dict[tuple[int, int], Fact] = {}
        self.messages = 0
        self.sizes: dict[str, int] = {}
        """Messages by name."""
        for node in self.members:
            self.start(node)
        for node in self.members:
            self.link_all(node)

    # -- lives -----------------------------------------------------------------------------------------

    def start(self, node: int, is_new: bool = False) -> None:
        desk = self.desks[node]
        desk.lattice = Lattice()
        for record in desk.synced:
            if isinstance(record, Delta):
                desk.lattice.apply(record)
            elif isinstance(record, bytes):
                desk.lattice.know(decode_clock(record))
            else:
                desk.lattice.join(record[0], record[1], decode_clock(record[2]))
        actor = actor_of(node, desk.life)
        desk.starts += 1
        settings = GossipSettings(node=node, actor=actor, life=desk.starts, **self.settings)  # type: ignore[arg-type]
        desk.live = self.kind(settings, Holder(desk.lattice, Hlc()), is_new)
        desk.queue, desk.staged, desk.own = [], [], []
        desk.live.learn(self.members)

    def live(self, node: int) -> Gossip:
        live = self.desks[node].live
        assert live is not None
        return live

    def link_all(self, node: int) -> None:
        for other in self.desks:
            if other != node and self.desks[other].live is not None and (node, other) not in self.unlinked:
                self.live(node).peer_up(other)
                self.live(other).peer_up(node)
                self.turn(other)
        self.turn(node)

    def link(self, a: int, b: int) -> None:
        self.unlinked.pop((a, b), None)
        self.unlinked.pop((b, a), None)
        for node, other in ((a, b), (b, a)):
            if self.desks[node].live is not None and self.desks[other].live is not None:
                self.live(node).peer_up(other)
                self.turn(node)

    def unlink(self, a: int, b: int) -> None:
        self.unlinked[(a, b)] = self.unlinked[(b, a)] = True
        self.flights = [f for f in self.flights if {f[0], f[1]} != {a, b}]
        for node, other in ((a, b), (b, a)):
            if self.desks[node].live is not None:
                self.live(node).peer_lost(other)
                self.turn(node)

    def crash(self, node: int) -> None:
        desk = self.desks[node]
        unsynced = [r for _, records in desk.queue for r in records] + desk.staged
        for record in unsynced:
            if isinstance(record, Delta) and record.actor == actor_of(node, desk.life):
                self.facts.pop((record.actor, record.number), None)
        desk.live = None
        self.flights = [f for f in self.flights if node not in f[:2]]
        for other, one in self.desks.items():
            if one.live is not None:
                one.live.peer_lost(node)
                self.turn(other)

    def restart(self, node: int) -> None:
        self.start(node)
        self.link_all(node)

    def lose(self, node: int) -> None:
        """Its disk is lost; it comes back as another actor."""
        self.desks[node].synced = []
        self.desks[node].life += 1
        self.start(node, is_new=True)
        self.link_all(node)

    def learn(self, members: tuple[int, ...]) -> None:
        self.members = members
        for node in members:
            if node not in self.desks:
                self.desks[node] = Desk(node, 1)
                self.start(node, is_new=True)
                self.link_all(node)
        for node, desk in self.desks.items():
            if desk.live is not None:
                desk.live.learn(members if node in members else ())
                self.turn(node)

    # -- updates ---------------------------------------------------------------------------------------

    def write(self, node: int, key: bytes, what: str, name: bytes = b"", value: str = "") -> Delta | None:
        desk = self.desks[node]
        actor = actor_of(node, desk.life)
        holder = self.live(node)._holder
        writer = Writer(desk.lattice, actor, holder.hlc.now(desk.wall_ms), key)
        over: list[Fact] = []
        amount = 0
        if what == "set":
            writer.assign(STRING, b"", value.encode())
        elif what == "add":
            writer.assign(MEMBER, name, b"")
        elif what == "rem":
            writer.remove(MEMBER, name)
            over = self._seen(node, key, name)
        elif what == "incr":
            amount = int(value)
            writer.add(FIELD, COUNTER, amount)
        else:
            writer.remove_all()
            over = self._seen(node, key, None)
        delta = writer.finish()
        if delta is None:
            return None
        self.facts[(delta.actor, delta.number)] = Fact(key, name, over, amount)
        desk.lattice.apply(delta)
        desk.staged.append(delta)
        desk.own.append(delta)
        return delta

    def _seen(self, node: int, key: bytes, name: bytes | None) -> list[Fact]:
        context = self.desks[node].lattice.context(key)
        return [
            fact
            for (actor, number), fact in self.facts.items()
            if fact.key == key and context.has(actor, number) and (name is None or fact.element == name)
        ]

    def expected(self, key: bytes) -> tuple[list[bytes], int]:
        """The members of a set, and the total of the counter, by the model."""
        over = {id(one) for fact in self.facts.values() for one in fact.over}
        facts = [fact for fact in self.facts.values() if fact.key == key and id(fact) not in over]
        names = sorted({fact.element for fact in facts if fact.element and not fact.over and not fact.amount})
        return names, sum(fact.amount for fact in facts)

    def shown(self, node: int, key: bytes) -> tuple[list[bytes], int]:
        names, total = [], 0
        for (kind, name), cell in cells_of(self.desks[node].lattice.state(key)).items():
            if kind == MEMBER and is_there(cell):
                names.append(name)
            if kind == FIELD:
                total = int(added_to(cell) or 0)
        return sorted(names), total

    # -- turns -----------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        self.events.append(text)

    def turn(self, node: int) -> None:
        desk = self.desks[node]
        if node in self.held or desk.live is None:
            return
        live = desk.live
        taken = live.take(desk.wall_ms)
        if taken is not None:
            self._take(desk, taken)
        if desk.staged:
            desk.save_id += 1
            desk.queue.append((desk.save_id, desk.staged))
            live.staged(desk.save_id, bundles_of(desk.own))
            desk.staged, desk.own = [], []
            self.say(f"{node} saves #{desk.save_id}")
        messages, live.messages = live.messages, []
        for to, message in messages:
            self.messages += 1
            name = type(message).__name__
            self.sizes[name] = self.sizes.get(name, 0) + 1
            self.say(f"{node}->{to} {show(message)}")
            if (node, to) not in self.unlinked:
                self.flights.append((node, to, message))

    def _take(self, desk: Desk, taken: Taken) -> None:
        for key, _, _ in taken.states:
            self.say(f"{desk.node} joins {key.decode()}")
        desk.staged.extend(taken.states)
        if taken.clock:
            desk.staged.append(taken.clock)
            self.say(f"{desk.node} has seen {show_clock(decode_clock(taken.clock))}")
        for delta in [delta for bundle in taken.bundles for delta in bundle.deltas()]:
            self.say(f"{desk.node} takes {show_delta(delta)}")
            desk.staged.append(delta)

    def deliver(self, flight: Flight) -> None:
        sender, to, message = flight
        if (sender, to) in self.cut or self.desks[to].live is None:
            return
        self.live(to).step(sender, message)
        self.turn(to)

    def sync(self, node: int) -> None:
        desk = self.desks[node]
        if desk.queue and desk.live is not None:
            for _, records in desk.queue:
                desk.synced.extend(records)
            last = desk.queue[-1][0]
            desk.queue = []
            desk.live.saved(last)
            self.turn(node)

    def tick(self, node: int) -> None:
        desk = self.desks[node]
        if desk.live is not None:
            desk.wall_ms += 20
            desk.live.tick()
            self.turn(node)

    def ticks(self, count: int) -> int:
        """Time passes for all; messages arrive and disks sync within a tick. The ticks until all is quiet."""
        for done in range(count):
            if not self.flights and all(
                d.live is None or (d.live.quiet and not d.queue) for d in self.desks.values()
            ):
                return done
            for node in self.desks:
                self.tick(node)
            for _ in range(4):
                flights, self.flights = self.flights, []
                for flight in flights:
                    self.deliver(flight)
                for node in self.desks:
                    self.sync(node)
        return count

    def unequal(self) -> str:
        """Where replicas differ, from each other or from the model; "": nowhere."""
        desks = [self.desks[node] for node in self.members]
        keys = dict.fromkeys([fact.key for fact in self.facts.values()])
        for desk in desks:
            first = desks[0]
            if desk.lattice.clock != first.lattice.clock:
                return f"clocks: {show_clock(first.lattice.clock)} {show_clock(desk.lattice.clock)}"
            for key in keys:
                if self.shown(desk.node, key) != self.shown(first.node, key):
                    return (
                        f"{key!r}: {self.shown(first.node, key)} {self.shown(desk.node, key)} at {desk.node}"
                    )
                if self.strings(desk, key) != self.strings(first, key):
                    return f"{key!r}: strings differ"
        return ""

    def strings(self, desk: Desk, key: bytes) -> object:
        cell = cells_of(desk.lattice.state(key)).get((STRING, b""))
        return None if cell is None else winner(cell)

    def wrong(self) -> str:
        """As ``unequal``, and by the model."""
        for key in dict.fromkeys([fact.key for fact in self.facts.values()]):
            if self.shown(self.members[0], key) != self.expected(key):
                return f"{key!r}: {self.shown(self.members[0], key)}, and should be {self.expected(key)}"
        return ""
