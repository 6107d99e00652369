"""Text tests: a script of commands, and after ``----`` what came of them.

| command | does |
|---|---|
| ``group N [slow] [setting=value ...]`` | a new group of N members; ``slow``: disks save when told to, and it is shown |
| ``set N K V``, ``add N K E``, ``rem N K E``, ``incr N K A``, ``del N K`` | an update at N |
| ``deliver``, ``drop``, ``repeat``, ``settle``, ``save``, ``tick``, ``cut``, ``heal``, ``crash``, ``hold``, ``turn`` | see ``network_words`` |
| ``keep A->B``, ``late`` | put it aside; deliver what was put aside |
| ``reverse A->B`` | what is on its way there arrives in the other order |
| ``unlink A B``, ``link A B`` | the link between them breaks; is up again |
| ``away N``, ``back N`` | the same for all links of N |
| ``ticks COUNT`` | time passes for all until all is quiet; only what is taken is shown |
| ``restart N``, ``lose N`` | with what was synced; with an empty disk, as another actor |
| ``members 1,2,3`` | the map says so |
| ``clock N MS`` | the wall clock of N jumps |
| ``corrupt N K``, ``older N``, ``nonsense A B`` | N's digest of K is wrong; its disk forgets a record; A says nonsense to B |
| ``acked N I``, ``counts N``, ``collect N`` | as in ``Gossip``, ``Lattice`` |
| ``memories N`` | how many removals of additions N remembers |
| ``at K``, ``stable N``, ``retained N``, ``equal`` | what members hold of K; what is stable, kept; whether all are equal |
"""

from typing import Any

from msgspec import Raw

from tests.core.gossip.world import Group, show_clock
from tests.core.network_words import NetworkWords, Words
from trivet.core.gossip.gossip import Gossip
from trivet.core.gossip.messages import Compare, Differ, Keys, Seen, States, Updates, Want, updates_of
from trivet.core.lattice.delta import FIELD, Change, Delta, encode_deltas


class Conversation(NetworkWords):
    """Runs the commands of one script."""

    group: Group

    def __init__(self, kind: type[Gossip] = Gossip) -> None:
        self.kind = kind
        self.group = Group(1)
        self.slow = False
        self.aside: list[Any] = []

    def ends_of(self, flight: Any) -> tuple[int, int]:
        return flight[0], flight[1]

    def is_at_rest(self) -> bool:
        return not any(desk.queue for desk in self.group.desks.values())

    def sync_all(self) -> None:
        for node in self.group.desks:
            self.group.sync(node)

    def run(self, command: str) -> list[str]:
        super().run(command)
        while not self.slow and not self.is_at_rest() and not self.group.held:
            self.sync_all()
        return [line for line in self.group.events if self.slow or " saves " not in line]

    def do_group(self, words: Words) -> None:
        self.slow = "slow" in words
        settings = {key: int(value) for key, _, value in (w.partition("=") for w in words[1:]) if value}
        self.group = Group(int(words[0]), 1, self.kind, **settings)
        self.group.ticks(30)
        self.group.events = []
        self.aside = []

    def _write(self, words: Words, what: str) -> None:
        node, key, name = int(words[0]), words[1].encode(), words[2].encode() if len(words) > 2 else b""
        self.group.write(node, key, what, name, words[2] if len(words) > 2 else "")
        self.group.turn(node)

    def do_set(self, words: Words) -> None:
        self._write(words, "set")

    def do_add(self, words: Words) -> None:
        self._write(words, "add")

    def do_rem(self, words: Words) -> None:
        self._write(words, "rem")

    def do_incr(self, words: Words) -> None:
        self._write(words, "incr")

    def do_del(self, words: Words) -> None:
        self._write(words, "del")

    def do_keep(self, words: Words) -> None:
        self.aside += self._chosen(words)

    def do_late(self, words: Words) -> None:
        aside, self.aside = self.aside, []
        for flight in aside:
            self.group.deliver(flight)

    def do_reverse(self, words: Words) -> None:
        for flight in reversed(self._chosen(words)):
            self.group.deliver(flight)

    def do_unlink(self, words: Words) -> None:
        self.group.unlink(int(words[0]), int(words[1]))

    def do_link(self, words: Words) -> None:
        self.group.link(int(words[0]), int(words[1]))

    def do_away(self, words: Words) -> None:
        for node in self.group.desks:
            if node != int(words[0]):
                self.group.unlink(node, int(words[0]))

    def do_back(self, words: Words) -> None:
        for node in self.group.desks:
            if node != int(words[0]):
                self.group.link(node, int(words[0]))

    def do_ticks(self, words: Words) -> None:
        spent = self.group.ticks(int(words[0]))
        words = [" takes ", " joins ", " has seen "]
        self.group.events = [e for e in self.group.events if any(word in e for word in words)]
        self.group.say("quiet" if spent < 500 else "not quiet")

    def do_restart(self, words: Words) -> None:
        self.group.restart(int(words[0]))

    def do_lose(self, words: Words) -> None:
        self.group.crash(int(words[0]))
        self.group.lose(int(words[0]))

    def do_members(self, words: Words) -> None:
        self.group.learn(tuple(int(word) for word in words[0].split(",")))

    def do_clock(self, words: Words) -> None:
        self.group.desks[int(words[0])].wall_ms += int(words[1])

    def do_at(self, words: Words) -> None:
        key = words[0].encode()
        for node, desk in self.group.desks.items():
            if desk.live is None:
                continue
            names, total = self.group.shown(node, key)
            string = self.group.strings(desk, key)
            parts = [name.decode() for name in names] + ([f"total {total}"] if total else [])
            if isinstance(string, tuple):
                parts.append(repr(string[3].decode()))
            self.group.say(f"{node} {' '.join(parts) or 'nothing'}")

    def do_stable(self, words: Words) -> None:
        self.group.say(show_clock(self.group.live(int(words[0])).stable()))

    def do_acked(self, words: Words) -> None:
        live = self.group.live(int(words[0]))
        self.group.say(f"by {len(live.holders((live.actor, int(words[1]))))}")

    def do_retained(self, words: Words) -> None:
        self.group.say(f"{len(self.group.live(int(words[0])).retained)} updates")

    def do_counts(self, words: Words) -> None:
        live = self.group.live(int(words[0]))
        told = [f"refused {live.refused}", f"pulls {live.pulls}", f"broken {live.broken}"]
        told += [f"kept alone {live.kept_alone()}"]
        self.group.say(", ".join(told + ["forgetful"] * live.is_forgetful + ["caught up"] * live.caught_up))

    def do_collect(self, words: Words) -> None:
        desk = self.group.desks[int(words[0])]
        live = self.group.live(int(words[0]))
        self.group.say(f"{desk.lattice.collect(live.stable(), live.told(), live.living())} forgotten")

    def do_memories(self, words: Words) -> None:
        self.group.say(f"{self.group.desks[int(words[0])].lattice.bases_count} remembered")

    def do_equal(self, words: Words) -> None:
        self.group.say(self.group.unequal() or "equal")

    def do_corrupt(self, words: Words) -> None:
        """A bit is not what it was."""
        tree = self.group.desks[int(words[0])].lattice.tree
        tree.change(words[1].encode(), 1)

    def do_older(self, words: Words) -> None:
        """The disk is as it was before the last record."""
        node = int(words[0])
        self.group.crash(node)
        self.group.desks[node].synced.pop()
        self.group.restart(node)

    def do_nonsense(self, words: Words) -> None:
        sender, to = int(words[0]), int(words[1])
        add = Change(FIELD, b"f", added=(9, b"x"))
        for message in (
            updates_of([Delta(5, 1, 1, b"k", [add])]),
            Updates(Raw(encode_deltas([Delta(5, 1, 1, b"k", [add, add])])), lost=True),
            Seen(b"x", True, bytes(8), 0),
            Seen(b"\x91\x93\x01\x00\x90", True, bytes(8), 0),
            Want([(5, 3, 1), (1, 1, (1 << 63) - 1)]),
            Compare(7, 2, [(99999, [])]),
            Compare(7, 0, [(5, []), (0, [(3, bytes(8))]), (0, [])]),
            Keys(7, [(1, [(b"k", bytes(8))])]),
            Differ(7, 4, [70000], b"x"),
            States(7, 1, b"x", [(b"k", b"x")], done=True),
        ):
            self.group.deliver((sender, to, message))
        self.group.deliver((77, to, Seen(b"", True, bytes(8), 0)))
