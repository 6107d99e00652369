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
| ``successor N`` | to whom N would hand over |
| ``transfer A B``, ``want_commit A B``, ``full N on/off`` | as in ``Raft`` |
| ``compact N I``, ``digest N I TEXT`` | as in ``Raft`` |
| ``wake N`` | as in ``Raft`` |
| ``join N``, ``forget N`` | a fresh replica in no membership; N is wiped but for its term and vote |
| ``change N 1,2,3 [+4,5]`` | N proposes these voters and learners |
| ``members_of [N ...]`` | whom they go by, and since which entry |
| ``primary N`` | instead of ``members``: 1 is the primary, the others follow it |
| ``take_over N G``, ``depose N G`` | N was named the primary of generation G; hears that another was |
| ``anew N`` | N's owner has set aside what no longer counts: a fresh replica |
| ``inject A->B Class field=value ...`` | a message from nowhere |
| ``status [N ...]``, ``way`` | what the members are; what is on its way |
"""

from typing import Any

from tests.core.network_words import NetworkWords, Words
from tests.core.raft.harness import Flight, Group, show, show_entry, show_membership
from trivet.core.raft import messages as message_module
from trivet.core.raft.generations import FOUNDING_LINEAGE
from trivet.core.raft.membership import Membership
from trivet.core.raft.messages import Message
from trivet.core.raft.state import Role


class Conversation(NetworkWords):
    """Runs the commands of one script against a group."""

    def __init__(self) -> None:
        self.group = Group(3)

    def ends_of(self, flight: Any) -> tuple[int, int]:
        return flight.sender, flight.to

    def is_at_rest(self) -> bool:
        return not any(desk.disk.queue for desk in self.group.desks.values())

    def sync_all(self) -> None:
        for desk in self.group.desks.values():
            if desk.raft is not None:
                self.group.sync(desk.node)

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
        self.group = Group(int(words[0]), 1, **settings)

    def do_primary(self, words: Words) -> None:
        self.do_members(words)
        others = tuple(range(2, int(words[0]) + 1))
        settings = self.group.settings
        self.group = Group(int(words[0]), 1, Membership((1,), (), others, FOUNDING_LINEAGE), **settings)

    def do_take_over(self, words: Words) -> None:
        node, generation = int(words[0]), int(words[1])
        self.group.named(node, generation)
        if not self.group.desks[node].live.take_over(generation, tuple(self.group.desks)):
            self.group.events.append(f"{node} does not")
        self.group.turn(node)

    def do_depose(self, words: Words) -> None:
        node = int(words[0])
        if not self.group.desks[node].live.depose(int(words[1])):
            self.group.events.append(f"{node} knows")
        self.group.turn(node)

    def do_anew(self, words: Words) -> None:
        node = int(words[0])
        raft = self.group.desks[node].live
        entries = range(raft.fork, raft.last_index + 1)
        aside = " ".join([show_entry(entry) for at in entries if (entry := raft.entry(at)) is not None])
        self.group.events.append(f"{node} sets aside {aside}")
        self.group.forget(node)
        self.group.desks[node].missing_to = 0
        self.group.restart(node)

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

    def do_reverse(self, words: Words) -> None:
        for flight in reversed(self._chosen(words)):
            self.group.deliver(flight)

    def do_lost(self, words: Words) -> None:
        self.group.peer_lost(int(words[0]), int(words[1]))

    def do_up(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.peer_up(int(words[1]))
        self.group.turn(int(words[0]))

    def do_restart(self, words: Words) -> None:
        if self.group.desks[int(words[0])].raft is not None:
            self.do_crash(words[:1])
        missing = [int(word.split("=")[1]) for word in words[1:] if word.startswith("missing=")]
        self.group.restart(int(words[0]), missing[0] if missing else 0, "suspect" in words)

    def do_rot(self, words: Words) -> None:
        self.group.rot(int(words[0]), int(words[1]))

    def do_successor(self, words: Words) -> None:
        self.group.events.append(str(self.group.desks[int(words[0])].live.successor() or "nobody"))

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

    def do_wake(self, words: Words) -> None:
        self.group.desks[int(words[0])].live.wake()
        self.group.turn(int(words[0]))

    def do_join(self, words: Words) -> None:
        self.group.join(int(words[0]))

    def do_forget(self, words: Words) -> None:
        last_index = self.group.forget(int(words[0]))
        self.group.events.append(f"{words[0]} had entries up to {last_index}")

    def do_change(self, words: Words) -> None:
        node = int(words[0])
        raft = self.group.desks[node].live
        sets: dict[bool, tuple[int, ...]] = {False: (), True: ()}
        for word in words[1:]:
            sets[word.startswith("+")] = tuple(int(n) for n in word.lstrip("+").split(","))
        if not raft.propose_membership(sets[False], sets[True]):
            self.group.events.append(f"{node} refuses: {raft.refusal}")
        self.group.turn(node)

    def do_members_of(self, words: Words) -> None:
        for node, desk in self.group.desks.items():
            if desk.raft is None or (words and str(node) not in words):
                continue
            raft = desk.raft
            line = f"{node}: {show_membership(raft.membership)} since {raft.membership_index}"
            self.group.events.append(line + (", changing" if raft.changing else ""))

    def do_inject(self, words: Words) -> None:
        sender, to = (int(end) for end in words[0].split("->"))
        kind = getattr(message_module, words[1])
        fields = dict(word.split("=", 1) for word in words[2:])
        # Who invents messages cannot expect durable entries behind them.
        self.group.judge_disks = False
        self.group.deliver(Flight(sender, to, _build(kind, fields)))

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
            if raft.quiet:
                line += " quiet"
            if raft.fork:
                line += f" fork {raft.fork}"
            if raft.missing_to:
                line += f" missing to {raft.missing_to}"
            self.group.events.append(line + (" suspect" if raft.suspect else ""))

    def do_way(self, words: Words) -> None:
        for flight in self.group.flights:
            self.group.events.append(f"{flight.sender}->{flight.to} {show(flight.message)}")


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
