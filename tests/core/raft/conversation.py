"""Text tests: a script of commands, and after ``----`` what came of them.

| command | does |
|---|---|
| ``members N [setting=value ...]`` | a new group; ticks are small: election 10, heartbeat 2, campaign 4 |
| ``tick N [COUNT]`` | time passes for one member |
| ``timeout N`` | time passes for N until its role changes or it asks again |
| ``elect N`` | N times out and wins, everything is delivered and saved |
| ``propose N PAYLOAD ...`` | one entry each, in one turn |
| ``read N ID ...`` | linearizable reads, in one turn |
| ``save N`` | the disk of N reports everything written so far |
| ``deliver [A->B ...]`` | deliver what is on its way now (there), not what follows from it |
| ``drop [A->B ...]``, ``repeat A->B`` | lose it; deliver it and leave a copy on its way |
| ``reverse A->B`` | the last one sent arrives first |
| ``settle`` | deliver and save until nothing moves; messages are not shown |
| ``cut A B``, ``isolate N``, ``heal`` | no messages between A and B; for N; all links work |
| ``lost A B``, ``up A B`` | A's connection to B breaks; is there again |
| ``crash N``, ``restart N [missing=I] [suspect]`` | without what was not saved |
| ``hold N``, ``turn N`` | N takes inputs without a turn; the turn that takes them all |
| ``rot N COUNT`` | the disk of crashed N loses its last COUNT entries |
| ``transfer A B``, ``want_commit A B``, ``full N on/off`` | as in ``Raft`` |
| ``compact N I``, ``digest N I TEXT`` | as in ``Raft`` |
| ``inject A->B Class field=value ...`` | a message from nowhere |
| ``status [N ...]``, ``way`` | what the members are; what is on its way |
"""

from collections.abc import Callable
from pathlib import Path

from trivet.core.raft import messages as message_module
from trivet.core.raft.messages import Message
from trivet.core.raft.state import Role

Words = list[str]


class Conversation:
    """Runs the commands of one script against a group."""

    def __init__(self, group_class: type, flight_class: type, show: Callable[[Message], str]) -> None:
        self.group_class = group_class
        self.flight_class = flight_class
        self.show = show
        self.group = group_class(3)

    def run(self, command: str) -> list[str]:
        """One command; the lines that came of it."""
        name, *words = command.split()
        self.group.events = []
        getattr(self, "do_" + name)(words)
        return list(self.group.events)

    def do_members(self, words: Words) -> None:
        settings = {
            "election_ticks": 10,
            "heartbeat_ticks": 2,
            "campaign_ticks": 4,
            "disk_patience_ticks": 30,
        }
        for word in words[1:]:
            key, value = word.split("=")
            settings[key] = int(value)
        self.group = self.group_class(int(words[0]), 1, **settings)

    def do_tick(self, words: Words) -> None:
        for _ in range(int(words[1]) if len(words) > 1 else 1):
            self.group.tick(int(words[0]))

    def do_timeout(self, words: Words) -> None:
        node = int(words[0])
        for _ in range(100):
            before = len(self.group.events)
            self.group.tick(node)
            if len(self.group.events) > before:
                return
        raise AssertionError("nothing happens")

    def do_elect(self, words: Words) -> None:
        self.do_timeout(words)
        self.do_settle([])
        assert self.group.desks[int(words[0])].live.role is Role.LEADER

    def do_propose(self, words: Words) -> None:
        node = int(words[0])
        raft = self.group.desks[node].live
        for payload in words[1:]:
            if not raft.propose(payload.encode()):
                self.group.events.append(f"{node} refuses {payload}")
        self.group.turn(node)

    def do_read(self, words: Words) -> None:
        node = int(words[0])
        for read_id in words[1:]:
            self.group.read_floor[int(read_id)] = self.group.commit_max
            self.group.desks[node].live.request_read(int(read_id))
        self.group.turn(node)

    def do_save(self, words: Words) -> None:
        self.group.sync(int(words[0]))

    def _chosen(self, words: Words) -> list[object]:
        """What is on its way on the named links now, taken off it."""
        links = [tuple(int(end) for end in word.split("->")) for word in words]
        chosen = [f for f in self.group.flights if not links or (f.sender, f.to) in links]
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

    def do_reverse(self, words: Words) -> None:
        for flight in reversed(self._chosen(words)):
            self.group.deliver(flight)

    def do_settle(self, words: Words) -> None:
        assert not words
        for _ in range(200):
            for flight in self._chosen([]):
                self.group.deliver(flight)
            for desk in self.group.desks.values():
                if desk.raft is not None:
                    self.group.sync(desk.node)
            if not self.group.flights and not any(d.disk.queue for d in self.group.desks.values()):
                break
        else:
            raise AssertionError("it does not settle")
        self.group.events = [e for e in self.group.events if "->" not in e and " saves " not in e]

    def do_cut(self, words: Words) -> None:
        a, b = int(words[0]), int(words[1])
        self.group.cut[(a, b)] = self.group.cut[(b, a)] = True

    def do_isolate(self, words: Words) -> None:
        for node in self.group.desks:
            if node != int(words[0]):
                self.do_cut([words[0], str(node)])

    def do_heal(self, words: Words) -> None:
        self.group.cut.clear()

    def do_lost(self, words: Words) -> None:
        self.group.peer_lost(int(words[0]), int(words[1]))

    def do_up(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.peer_up(int(words[1]))
        self.group.turn(int(words[0]))

    def do_crash(self, words: Words) -> None:
        node = int(words[0])
        self.group.crash(node)
        self.group.flights = [f for f in self.group.flights if f.to != node]

    def do_restart(self, words: Words) -> None:
        if self.group.desks[int(words[0])].raft is not None:
            self.do_crash(words[:1])
        missing = [int(word.split("=")[1]) for word in words[1:] if word.startswith("missing=")]
        self.group.restart(int(words[0]), missing[0] if missing else 0, "suspect" in words)

    def do_hold(self, words: Words) -> None:
        self.group.held[int(words[0])] = True

    def do_turn(self, words: Words) -> None:
        del self.group.held[int(words[0])]
        self.group.turn(int(words[0]))

    def do_rot(self, words: Words) -> None:
        self.group.rot(int(words[0]), int(words[1]))

    def do_transfer(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.transfer(int(words[1]))
        self.group.turn(int(words[0]))

    def do_want_commit(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.want_commit(int(words[1]))
        self.group.turn(int(words[0]))

    def do_full(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.full = words[1] == "on"

    def do_compact(self, words: Words) -> None:
        self.group.compact(int(words[0]), int(words[1]))

    def do_digest(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.digest = (int(words[1]), words[2].encode())

    def do_inject(self, words: Words) -> None:
        sender, to = (int(end) for end in words[0].split("->"))
        kind = getattr(message_module, words[1])
        fields = dict(word.split("=", 1) for word in words[2:])
        # Who invents messages cannot expect durable entries behind them.
        self.group.judge_disks = False
        self.group.deliver(self.flight_class(sender, to, _build(kind, fields)))

    def do_status(self, words: Words) -> None:
        for node, desk in self.group.desks.items():
            if words and str(node) not in words:
                continue
            if desk.raft is None:
                self.group.events.append(f"{node} down")
                continue
            raft = desk.raft
            line = (
                f"{node} {raft.role.name.lower()} term {raft.term} leader {raft.leader} commit {raft.commit}"
            )
            line += f" last {raft.last_index}/{raft.term_at(raft.last_index)}"
            if raft.first_index > 1:
                line += f" first {raft.first_index}"
            if raft.missing_to:
                line += f" missing to {raft.missing_to}"
            self.group.events.append(line + (" suspect" if raft.suspect else ""))

    def do_way(self, words: Words) -> None:
        for flight in self.group.flights:
            self.group.events.append(f"{flight.sender}->{flight.to} {self.show(flight.message)}")


def _build(kind: type, fields: dict[str, str]) -> Message:
    """A message from text; fields that are not named are 0, False or empty."""
    values: list[object] = []
    for name in kind.__struct_fields__:  # type: ignore[attr-defined]
        text = fields.get(name, "")
        field_type = kind.__annotations__[name]
        if field_type is bytes:
            values.append(text.encode())
        elif name == "entries":
            pairs = [pair.split("/") for pair in text.split(",") if pair]
            values.append([message_module.Entry(int(term), payload.encode()) for term, payload in pairs])
        elif field_type is bool:
            values.append(text == "True")
        else:
            values.append(int(text or "0"))
    return kind(*values)  # type: ignore[no-any-return]


def replay(path: Path, conversation: Conversation, rewrite: bool) -> None:
    """Run a script and compare, or write down what comes out."""
    text = path.read_text()
    blocks = text.strip("\n").split("\n\n")
    result: list[str] = []
    for block in blocks:
        commands, _, _ = block.partition("\n----")
        lines: list[str] = []
        for command in commands.splitlines():
            if not command.startswith("#"):
                lines.extend(conversation.run(command))
        if all(c.startswith("#") for c in commands.splitlines()):
            result.append(commands)
        else:
            result.append("\n".join([commands, "----", *(lines or ["ok"])]))
    after = "\n\n".join(result) + "\n"
    if rewrite:
        path.write_text(after)
    else:
        assert after == text
