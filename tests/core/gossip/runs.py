"""Random runs: members that write while messages are lost, doubled and late, links break, nodes crash.

After a time of peace all must hold the same, what came to a disk must be there, and what was removed must not.
"""

from tests.core.gossip.world import Group
from trivet.core.base.prng import Prng
from trivet.core.gossip.gossip import Gossip

KEYS = (b"a", b"b", b"c", b"d", b"e", b"f")


class Run:
    """One seed."""

    def __init__(self, seed: int, kind: type[Gossip] = Gossip) -> None:
        self.prng = prng = Prng(seed)
        retained = (60, 400, 1 << 20)[prng.below(3)]
        waiting = (600, 1 << 20)[prng.below(2)]
        pace = (300, 1 << 20)[prng.below(2)]
        self.group = Group(
            3 + prng.below(3), seed, kind, retained_bytes_max=retained, waiting_bytes_max=waiting,
            give_bytes_per_tick=pace, message_bytes_max=(500, 1 << 20)[prng.below(2)], silence_ticks=30,
        )  # fmt: skip
        self.loss, self.doubling, self.reordering = prng.below(3) * 10, prng.below(2) * 15, prng.below(2) == 0
        self.moves = prng.below(3) == 0
        """Nodes lose their disks, new ones come: not what the model knows, but all must become equal."""
        self.serial = 0
        self.old: list[tuple[int, int, object]] = []

    def lot(self, percent: int) -> bool:
        return self.prng.below(100) < percent

    def step(self) -> None:
        group, prng = self.group, self.prng
        node = group.members[prng.below(len(group.members))]
        if group.desks[node].live is None:
            if self.lot(20):
                group.restart(node)
            return
        lot = prng.below(100)
        if lot < 25:
            for _ in range(1 + prng.below(2)):
                self.write(node)
            group.turn(node)
        elif lot < 50:
            for _ in range(3):
                self.deliver()
        elif lot < 65:
            group.sync(node)
        elif lot < 92:
            group.tick(node)
        elif lot < 94:
            group.crash(node)
        elif lot < 97:
            other = group.members[prng.below(len(group.members))]
            if other != node:
                if (node, other) in group.unlinked:
                    group.link(node, other)
                else:
                    group.unlink(node, other)
        elif lot < 98 and self.moves and prng.below(4) == 0:
            self.move(node)
        else:
            self.collect(node)

    def write(self, node: int) -> None:
        key = KEYS[self.prng.below(len(KEYS))]
        lot = self.prng.below(10)
        self.serial += 1
        name = b"%d" % self.serial
        if lot < 4:
            self.group.write(node, key, "add", name)
        elif lot < 6:
            names, _ = self.group.shown(node, key)
            if names:
                self.group.write(node, key, "rem", names[self.prng.below(len(names))])
        elif lot < 8:
            self.group.write(node, key, "incr", b"", str(1 + self.prng.below(9)))
        elif lot < 9:
            self.group.write(node, key, "set", b"", name.decode())
        else:
            self.group.write(node, key, "del")

    def deliver(self) -> None:
        flights = self.group.flights
        if not flights:
            return
        flight = flights.pop(self.prng.below(len(flights)) if self.reordering else 0)
        if self.lot(self.loss):
            return
        if self.lot(self.doubling):
            flights.append(flight)
        if self.lot(5):
            self.old.append(flight)
        self.group.deliver(flight)

    def move(self, node: int) -> None:
        """Nothing that only one disk has is lost: the model would not know."""
        group = self.group
        if all(desk.live is not None for desk in group.desks.values()) and not group.unlinked:
            loss, self.loss = self.loss, 0
            group.ticks(400)
            self.loss = loss
            if group.unequal():
                return
            if self.lot(50):
                group.crash(node)
                group.lose(node)
            elif len(group.members) < 6:
                group.learn((*group.members, len(group.desks) + 1))

    def collect(self, node: int) -> None:
        desk = self.group.desks[node]
        if desk.live is not None:
            desk.lattice.collect(desk.live.stable(), desk.live.told(), desk.live.living())

    def peace(self) -> str:
        """What is wrong in the end; "": nothing."""
        group = self.group
        for node, desk in group.desks.items():
            if desk.live is None:
                group.restart(node)
        for a, b in list(group.unlinked):
            if a < b:
                group.link(a, b)
        for flight in self.old:
            group.flights.append(flight)  # type: ignore[arg-type]
        spent = group.ticks(3000)
        if spent == 3000:
            return "it does not come to rest"
        problem = group.unequal() or group.wrong()
        if problem:
            return problem
        for node in group.members:
            live = group.live(node)
            if live.broken or live.is_forgetful or live.refused:
                return f"{node}: broken {live.broken}, refused {live.refused}, forgetful {live.is_forgetful}"
            if len(live.retained):
                return f"{node} keeps {len(live.retained)} that all have"
            if any(peer.give is not None for peer in live._peers.values()):
                return f"{node} still gives somebody its states"
            if not live.caught_up:
                return f"{node} has not caught up"
        for node in group.members:
            self.collect(node)
        roots = {group.desks[node].lattice.tree.root for node in group.members}
        if len(roots) > 1:
            return "roots differ"
        return ""

    def run(self, steps: int = 300) -> str:
        try:
            for _ in range(steps):
                self.step()
            return self.peace()
        except (AssertionError, KeyError, ValueError, IndexError) as error:
            return f"{type(error).__name__} {error}"
