"""The commands of text tests about messages, links and lives of nodes; protocols have the others."""

from typing import Any

Words = list[str]


class NetworkWords:
    """``group`` has ``flights``, ``desks``, ``cut``, ``held``, ``events``, ``deliver``, ``sync``, ``crash``, ``turn``."""

    group: Any

    def ends_of(self, flight: Any) -> tuple[int, int]:
        """Sender and receiver of a message on its way."""
        raise NotImplementedError

    def is_at_rest(self) -> bool:
        """No disk has anything to do."""
        raise NotImplementedError

    def sync_all(self) -> None:
        """The disks of all nodes that run report everything."""
        raise NotImplementedError

    def run(self, command: str) -> list[str]:
        """One command; the lines that came of it."""
        name, *words = command.split()
        self.group.events = []
        getattr(self, "do_" + name)(words)
        return list(self.group.events)

    def _chosen(self, words: Words) -> list[Any]:
        """What is on its way on the named links now, taken off it."""
        links = [tuple(int(end) for end in word.split("->")) for word in words]
        chosen = [f for f in self.group.flights if not links or self.ends_of(f) in links]
        self.group.flights = [f for f in self.group.flights if f not in chosen]
        return chosen

    def do_deliver(self, words: Words) -> None:
        for flight in self._chosen(words):
            self.group.deliver(flight)

    def do_drop(self, words: Words) -> None:
        self._chosen(words)

    def do_repeat(self, words: Words) -> None:
        chosen = self._chosen(words)
        for flight in chosen:
            self.group.deliver(flight)
        self.group.flights = chosen + self.group.flights

    def do_settle(self, words: Words) -> None:
        assert not words
        for _ in range(200):
            for flight in self._chosen([]):
                self.group.deliver(flight)
            self.sync_all()
            if not self.group.flights and self.is_at_rest():
                break
        else:
            raise AssertionError("it does not settle")
        self.group.events = [e for e in self.group.events if "->" not in e and " saves " not in e]

    def do_save(self, words: Words) -> None:
        self.group.sync(int(words[0]))

    def do_tick(self, words: Words) -> None:
        for _ in range(int(words[1]) if len(words) > 1 else 1):
            self.group.tick(int(words[0]))

    def do_cut(self, words: Words) -> None:
        a, b = int(words[0]), int(words[1])
        self.group.cut[(a, b)] = self.group.cut[(b, a)] = True

    def do_isolate(self, words: Words) -> None:
        for node in self.group.desks:
            if node != int(words[0]):
                self.do_cut([words[0], str(node)])

    def do_heal(self, words: Words) -> None:
        self.group.cut.clear()

    def do_crash(self, words: Words) -> None:
        node = int(words[0])
        self.group.crash(node)
        self.group.flights = [f for f in self.group.flights if self.ends_of(f)[1] != node]

    def do_hold(self, words: Words) -> None:
        self.group.held[int(words[0])] = True

    def do_turn(self, words: Words) -> None:
        del self.group.held[int(words[0])]
        self.group.turn(int(words[0]))
