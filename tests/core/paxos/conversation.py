"""Text tests: a script of commands, and after ``----`` what came of them.

| command | does |
|---|---|
| ``group N [slow] [nodes=M] [setting=value ...]`` | a new group of N members; ``slow``: disks save when told to, and it is shown |
| ``op N GET K``, ``INCR K``, ``SET K V``, ``DEL K``, ... | an operation at N, of an origin of its own, sent nowhere else |
| ``op ... as O:S [since=V]`` | a copy of operation S of origin O |
| ``ops N INCR K, GET K, ...`` | several in one turn |
| ``deliver [A->B ...]`` | deliver what is on its way now (there), not what follows from it |
| ``drop [A->B ...]``, ``repeat A->B`` | lose it; deliver it and leave a copy on its way |
| ``keep A->B``, ``late`` | put it aside; deliver what was put aside |
| ``settle`` | deliver and save until nothing moves; only ends are shown |
| ``save N`` | the disk of N reports everything written so far |
| ``tick N [COUNT]`` | time passes for one node |
| ``cut A B``, ``isolate N``, ``heal`` | no messages between A and B; for N; all links work |
| ``crash N``, ``restart N`` | without what was not saved |
| ``lose N`` | the disk of N is lost; it restarts |
| ``map 1,2,3 [+2,3,4] [a-c@1:sealed ...]`` | the next epoch: these voters, and incoming ones; slots (letters), since when, what is done with them |
| ``list N``, ``fetch N K from M``, ``adopt N K V vN @EPOCH [done]`` | as in ``Paxos`` |
| ``learn [N ...]`` | nodes hear of it |
| ``rescan N``, ``collect N K``, ``scan N`` | as in ``Paxos`` |
| ``hold N``, ``turn N`` | N takes inputs without a turn; the turn that takes them all |
| ``at K``, ``way`` | what members have for K; what is on its way |
"""

from types import ModuleType
from typing import Any

from tests.core.network_words import NetworkWords, Words
from trivet.core.paxos.config import GroupConfig, problem
from trivet.core.paxos.content import Done, seal
from trivet.core.paxos.operation import Operation
from trivet.core.paxos.slots import Span


class Conversation(NetworkWords):
    """Runs the commands of one script against a group."""

    def __init__(self, harness: ModuleType) -> None:
        self.harness = harness
        self.group = harness.Group(3)
        self.slow = False
        self.aside: list[object] = []
        self.numbers = 0

    def ends_of(self, flight: Any) -> tuple[int, int]:
        return flight[0], flight[1]

    def is_at_rest(self) -> bool:
        return not any(desk.queue for desk in self.group.desks.values())

    def sync_all(self) -> None:
        for desk in self.group.desks.values():
            if desk.paxos is not None:
                self.group.sync(desk.node)

    def run(self, command: str) -> list[str]:
        """One command; the lines that came of it."""
        super().run(command)
        self.quick()
        return [line for line in self.group.events if self.slow or " saves " not in line]

    def quick(self) -> None:
        """Quick disks have saved everything by the end of a command."""
        while not self.slow:
            waiting = [d.node for d in self.group.desks.values() if d.paxos is not None and d.queue]
            if not waiting:
                return
            for node in waiting:
                self.group.sync(node)

    def do_group(self, words: Words) -> None:
        self.slow = "slow" in words
        settings = {"patience_ticks": 3, "operation_ticks": 30}
        nodes = 0
        for word in words[1:]:
            key, _, value = word.partition("=")
            if key == "nodes":
                nodes = int(value)
            elif value:
                settings[key] = int(value)
        self.group = self.harness.Group(int(words[0]), nodes, 1, **settings)
        for desk in self.group.desks.values():
            desk.live.collecting = False
        self.aside = []
        self.numbers = 0

    def _submit(self, node: int, words: Words) -> None:
        self.numbers += 1
        origin, seq, since, fresh = 100 + self.numbers, 1, 0, True
        while len(words) > 2 and (words[-1].startswith("since=") or words[-2] == "as"):
            if words[-1].startswith("since="):
                since = int(words.pop()[6:])
            else:
                origin, seq = (int(n) for n in words.pop().split(":"))
                words.pop()
                fresh = False
        command = tuple(word.encode() for word in words)
        reads = self.harness.is_read(command)
        change = self.harness.change_of(command)
        self.group.desks[node].live.submit(
            Operation(self.numbers, command[1], change, reads, origin, seq, since, fresh)
        )

    def do_op(self, words: Words) -> None:
        self._submit(int(words[0]), words[1:])
        self.group.turn(int(words[0]))

    def do_ops(self, words: Words) -> None:
        for part in " ".join(words[1:]).split(", "):
            self._submit(int(words[0]), part.split())
        self.group.turn(int(words[0]))

    def do_keep(self, words: Words) -> None:
        self.aside += self._chosen(words)

    def do_late(self, words: Words) -> None:
        for flight in self.aside:
            self.group.deliver(flight)
        self.aside = []

    def do_restart(self, words: Words) -> None:
        node = int(words[0])
        self.group.restart(node)
        self.group.desks[node].live.collecting = False
        self.group.learn(node)

    def do_lose(self, words: Words) -> None:
        self.do_crash(words)
        self.group.desks[int(words[0])].lose()
        self.do_restart(words)

    def do_map(self, words: Words) -> None:
        before = self.group.config
        sets: dict[bool, tuple[int, ...]] = {False: (), True: ()}
        spans = tuple(self._span(word) for word in words if "@" in word) or before.spans
        version = max([before.version] + [int(word[1:]) for word in words if word.startswith("v")])
        for word in words:
            if "@" in word or word.startswith("v"):
                continue
            sets[word.startswith("+")] = tuple(int(n) for n in word.lstrip("+").split(","))
        epoch = before.epoch + 1
        members = sorted({*sets[False], *sets[True]})
        since = tuple((n, before.joined(n) or epoch) for n in members)
        self.group.config = GroupConfig(epoch, sets[False], sets[True], since, spans, version)
        assert not problem(self.group.config), problem(self.group.config)
        self.group.watch.config(self.group.config)

    def _span(self, word: str) -> Span:
        slots, _, rest = word.partition("@")
        since, _, state = rest.partition(":")
        first, _, last = slots.partition("-")
        return Span(ord(first), ord(last or first), int(since), self.harness.STATES.index(state or "served"))

    def do_list(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.list_registers(None, 100)
        self.group.turn(int(words[0]))

    def do_fetch(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.fetch({words[1].encode(): (1, 0)}, int(words[3]))
        self.group.turn(int(words[0]))

    def do_adopt(self, words: Words) -> None:
        node, key, value, version = int(words[0]), words[1].encode(), words[2].encode(), int(words[3][1:])
        done = (Done(100, 1, version, b":1"),) if "done" in words else ()
        content = seal(key, version, None if value == b"-" else value, done, 0)
        self.numbers += 1
        epochs = [int(word[1:]) for word in words if word.startswith("@")]
        self.group.desks[node].live.adopt(self.numbers, key, content, epochs[0])
        self.group.turn(node)

    def do_learn(self, words: Words) -> None:
        for node, desk in self.group.desks.items():
            if desk.paxos is not None and (not words or str(node) in words):
                self.group.learn(node)

    def do_rescan(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.rescan()
        self.group.turn(int(words[0]))

    def do_collect(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.collect(words[1].encode())
        self.group.turn(int(words[0]))

    def do_scan(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.scan(1, None, 2)
        self.group.turn(int(words[0]))

    def do_at(self, words: Words) -> None:
        key = words[0].encode()
        ballot, content = self.harness.show_ballot, self.harness.show_content
        for node, desk in self.group.desks.items():
            if desk.paxos is None:
                self.group.say(f"{node} down")
                continue
            acceptor = desk.paxos.acceptor
            register = acceptor.registers.get(key)
            line = f"{node}" + (" doubtful" if acceptor.doubtful else "")
            if register is None:
                floor = (
                    f", floor {ballot(acceptor.floor)}/v{acceptor.floor_version}" if acceptor.floor[0] else ""
                )
                self.group.say(f"{line} has nothing{floor}")
                continue
            line += f" promised {ballot(register.promised)} accepted {ballot(register.accepted)}"
            self.group.say(
                f"{line} {content(register.content)}" + (" from hearsay" if register.hearsay else "")
            )

    def do_way(self, words: Words) -> None:
        for sender, to, message in self.group.flights:
            self.group.say(f"{sender}->{to} {self.harness.show(message)}")
