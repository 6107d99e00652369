"""Nodes that ask each other whether they are alive, over a network that a test ruins; and scripts about them.

| command | does |
|---|---|
| ``nodes N [setting=value ...]`` | N nodes, which know of each other |
| ``tick N [COUNT]``, ``ticks COUNT`` | time passes for one node; for all, and all messages arrive |
| ``deliver [A->B ...]``, ``drop [A->B ...]``, ``repeat A->B`` | what is on its way now |
| ``keep A->B``, ``late`` | put it aside; deliver what was put aside |
| ``tell A B rumour``, e.g. ``tell 1 2 3.dead@4`` | a ping of A with it arrives at B |
| ``cut A B``, ``oneway A B``, ``isolate N``, ``heal`` | no messages between A and B; from A to B; for N; all links work |
| ``crash N``, ``restart N [INCARNATION]`` | it forgets everything |
| ``members 1,2,3`` | the cluster map says so |
| ``beat N [NODE ...]`` | N sends something of its own to all others, or to some: what it has to tell rides on it |
| ``at N``, ``way`` | what N holds of the others; what is on its way |
"""

import importlib
from pathlib import Path
from types import ModuleType

from trivet.core.base.prng import Prng
from trivet.core.gossip.swim import Swim
from trivet.core.gossip.swim_messages import DEAD, News, OfSwim, Ping, PingFor, Pong, Rumour
from trivet.core.gossip.swim_settings import SwimSettings

NAMES = ("alive", "suspect", "dead")
Flight = tuple[int, int, OfSwim]


def show_rumour(rumour: Rumour) -> str:
    return f"{rumour.node}.{NAMES[rumour.status]}@{rumour.incarnation}"


def show(message: OfSwim) -> str:
    assert isinstance(message, Ping | PingFor | Pong | News)
    words = [type(message).__name__]
    if isinstance(message, PingFor):
        words.append(f"{message.node}")
    elif isinstance(message, Pong):
        words.append(f"{message.node}@{message.incarnation}")
    else:
        words.append(f"@{message.incarnation}")
    return " ".join(words + [show_rumour(rumour) for rumour in message.rumours])


def changed_source(changes: list[tuple[str, str, str]], first: str) -> ModuleType:
    """The module ``first`` of the room as it were with these (file, text, other text); others import the real ones."""
    modules: dict[str, ModuleType] = {}
    for file, before, after in changes:
        name = f"trivet.core.gossip.{file[:-3]}"
        real = importlib.import_module(name)
        source = (
            str(modules[file].__dict__["SOURCE"]) if file in modules else Path(str(real.__file__)).read_text()
        )
        assert source.count(before) == 1, f"the place in {file} is there {source.count(before)} times"
        source = source.replace(before, after)
        module = ModuleType(name)
        exec(compile(source, name, "exec"), module.__dict__)
        module.__dict__["SOURCE"] = source
        modules[file] = module
    if first not in modules:
        real = importlib.import_module(f"trivet.core.gossip.{first[:-3]}")
        module = ModuleType(real.__name__)
        exec(compile(Path(str(real.__file__)).read_text(), real.__name__, "exec"), module.__dict__)
        modules[first] = module
    top = modules[first]
    for file, module in modules.items():
        if file == first:
            continue
        for name in list(top.__dict__):
            value = module.__dict__.get(name)
            if getattr(value, "__module__", "") == module.__name__:
                top.__dict__[name] = value
    return top


class World:
    """The nodes and the network."""

    def __init__(self, count: int, seed: int = 1, kind: type[Swim] = Swim, **settings: int) -> None:
        self.kind = kind
        self.prng = Prng(seed)
        self.settings = settings
        self.members = tuple(range(1, count + 1))
        self.nodes: dict[int, Swim] = {}
        self.flights: list[Flight] = []
        self.cut: set[tuple[int, int]] = set()
        self.events: list[str] = []
        self.sent = 0
        self.loss = self.doubling = 0
        """In percent."""
        self.beats = False
        """Whether each node sends something to all others in each tick, on which rumours may ride."""
        self.told = 0
        """How many of those did carry some."""
        self.old: list[Flight] = []
        """Messages of long ago, to come again."""
        for node in self.members:
            self.start(node)

    def start(self, node: int, incarnation: int = 0) -> None:
        settings = SwimSettings(node=node, incarnation=incarnation, **self.settings)  # type: ignore[arg-type]
        self.nodes[node] = self.kind(settings, Prng(self.prng.u64()))
        self.nodes[node].learn(self.members)

    def turn(self, node: int) -> None:
        swim = self.nodes[node]
        swim.check_invariants()
        for other, status in swim.changed:
            self.events.append(f"{node} holds {other} {NAMES[status]}")
        swim.changed = []
        messages, swim.messages = swim.messages, []
        for to, message in messages:
            self.sent += 1
            self.events.append(f"{node}->{to} {show(message)}")
            if self.prng.below(100) < self.loss:
                continue
            self.flights.append((node, to, message))
            if self.prng.below(100) < self.doubling:
                self.flights.append((node, to, message))

    def deliver(self, flight: Flight) -> None:
        sender, to, message = flight
        if to in self.nodes and (sender, to) not in self.cut:
            self.nodes[to].step(sender, message)
            self.turn(to)

    def tick(self, node: int) -> None:
        self.nodes[node].tick()
        self.turn(node)

    def beat(self, node: int, others: list[int]) -> None:
        """Something leaves for ``others``, on which rumours ride."""
        for other in others:
            news = self.nodes[node].news_for(other)
            if news is not None:
                self.told += 1
                self.events.append(f"{node}->{other} {show(news)}")
                if self.prng.below(100) >= self.loss:
                    self.flights.append((node, other, news))

    def ticks(self, count: int, shuffled: bool = False) -> None:
        """Time passes for all, and nearly all messages arrive within a tick."""
        for _ in range(count):
            for node in list(self.nodes):
                self.tick(node)
                if self.beats:
                    others = [other for other in self.members if other != node]
                    self.prng.shuffle(others)
                    self.beat(node, others)
            for _ in range(4):
                flights, self.flights = self.flights, []
                while flights:
                    flight = flights.pop(self.prng.below(len(flights)) if shuffled else 0)
                    if shuffled and self.prng.below(50) == 0:
                        self.old.append(flight)
                    self.deliver(flight)

    def crash(self, node: int) -> None:
        del self.nodes[node]
        self.flights = [f for f in self.flights if f[1] != node]

    def wrong(self) -> list[str]:
        """Where what is held is not what is so."""
        lines = []
        for node, swim in self.nodes.items():
            for other in self.members:
                is_there = other in self.nodes and (node, other) not in self.cut
                if other != node and is_there != (swim.status(other) != DEAD):
                    lines.append(f"{node} holds {other} {NAMES[swim.status(other)]}")
        return lines


class Conversation:
    """Runs the commands of one script."""

    def __init__(self, kind: type[Swim] = Swim) -> None:
        self.kind = kind
        self.world = World(1)
        self.aside: list[Flight] = []

    def run(self, command: str) -> list[str]:
        name, *words = command.split()
        self.world.events = []
        getattr(self, "do_" + name)(words)
        return self.world.events

    def _chosen(self, words: list[str]) -> list[Flight]:
        links = [tuple(int(end) for end in word.split("->")) for word in words]
        chosen = [f for f in self.world.flights if not links or (f[0], f[1]) in links]
        self.world.flights = [f for f in self.world.flights if f not in chosen]
        return chosen

    def do_nodes(self, words: list[str]) -> None:
        settings = {key: int(value) for key, _, value in (word.partition("=") for word in words[1:])}
        self.world = World(int(words[0]), 1, self.kind, **settings)

    def do_tick(self, words: list[str]) -> None:
        for _ in range(int(words[1]) if len(words) > 1 else 1):
            self.world.tick(int(words[0]))

    def do_ticks(self, words: list[str]) -> None:
        self.world.ticks(int(words[0]))
        self.world.events = [event for event in self.world.events if "->" not in event]

    def do_deliver(self, words: list[str]) -> None:
        for flight in self._chosen(words):
            self.world.deliver(flight)

    def do_drop(self, words: list[str]) -> None:
        self._chosen(words)

    def do_repeat(self, words: list[str]) -> None:
        chosen = self._chosen(words)
        for flight in chosen:
            self.world.deliver(flight)
        self.world.flights = chosen + self.world.flights

    def do_keep(self, words: list[str]) -> None:
        self.aside += self._chosen(words)

    def do_late(self, words: list[str]) -> None:
        aside, self.aside = self.aside, []
        for flight in aside:
            self.world.deliver(flight)

    def do_tell(self, words: list[str]) -> None:
        rumours = []
        for word in words[2:]:
            node, _, rest = word.partition(".")
            status, _, incarnation = rest.partition("@")
            rumours.append(Rumour(int(node), int(incarnation), NAMES.index(status)))
        self.world.deliver((int(words[0]), int(words[1]), Ping(99, 0, rumours)))

    def do_cut(self, words: list[str]) -> None:
        a, b = int(words[0]), int(words[1])
        self.world.cut |= {(a, b), (b, a)}

    def do_oneway(self, words: list[str]) -> None:
        self.world.cut.add((int(words[1]), int(words[0])))

    def do_isolate(self, words: list[str]) -> None:
        for other in self.world.members:
            if other != int(words[0]):
                self.do_cut([words[0], str(other)])

    def do_heal(self, words: list[str]) -> None:
        self.world.cut.clear()

    def do_crash(self, words: list[str]) -> None:
        self.world.crash(int(words[0]))

    def do_restart(self, words: list[str]) -> None:
        self.world.start(int(words[0]), int(words[1]) if len(words) > 1 else 0)

    def do_members(self, words: list[str]) -> None:
        self.world.members = tuple(int(word) for word in words[0].split(","))
        for node, swim in self.world.nodes.items():
            swim.learn(self.world.members)
            self.world.turn(node)

    def do_beat(self, words: list[str]) -> None:
        node = int(words[0])
        others = [int(word) for word in words[1:]]
        self.world.beat(node, others or [other for other in self.world.members if other != node])

    def do_at(self, words: list[str]) -> None:
        swim = self.world.nodes[int(words[0])]
        self.world.events.append(f"{words[0]} itself @{swim.incarnation}")
        for node in self.world.members:
            if node != int(words[0]):
                status = NAMES[swim.status(node)]
                self.world.events.append(f"{node} {status}@{swim.incarnation_of(node)}")

    def do_way(self, words: list[str]) -> None:
        for sender, to, message in self.world.flights:
            self.world.events.append(f"{sender}->{to} {show(message)}")
