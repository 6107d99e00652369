"""Random runs of two groups between which slots are moved to and fro, with every fault of ``runs``.

The map is a list of versions; a node hears of them late, and of both groups in one moment, as from one map.
Somebody carries out each move with a ``Transfer``; whoever replaces him begins anew. Clients send an operation
where their node's map says, and send it elsewhere when it comes back as moved: anew if it surely has not
happened, else as a copy. A judge who knows nothing of all this looks at the history.
"""

from types import ModuleType
from typing import Any

from tests.core.paxos.moves_map import Client, Move, Version
from trivet.core.base.prng import Prng
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.operation import Operation as Op
from trivet.core.paxos.operation import Outcome as End
from trivet.core.paxos.slots import ARRIVING, SEALED, SERVED, Span
from trivet.core.paxos.transfer import State, Transfer
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.linearizability import judge
from trivet.lab.resp import OK

KEYS = (b"c1", b"d1", b"r1", b"s1", b"c2", b"r2")
"""Counters begin with c or d, registers with r or s: their slots."""
HALVES = ((99, 100), (114, 115))
"""What is moved, at a time: one of these ranges."""
JUDGE_BUDGET = 30_000
THEMES = ("mixed", "crashes", "disks", "removals", "calm")


class Moves:
    """One random run."""

    steps = 1800

    def __init__(self, harness: ModuleType, seed: int, theme: str = "") -> None:
        self.harness = harness
        self.prng = Prng(seed * 6151 + 29)
        pick = self.pick
        self.theme = theme or THEMES[self.prng.below(len(THEMES))]
        removals = self.theme == "removals"
        disks = self.theme == "disks"
        members = ((1, 2, 3), (1, 2, 3), (2, 3, 4), (3, 4, 5))[self.prng.below(4)]
        settings: dict[str, int] = {
            "patience_ticks": pick(2, 4), "backoff_ticks_max": 4, "operation_ticks": pick(8, 20, 50),
            "tombstone_ticks": 1 if removals else pick(1, 3, 10), "collect_ticks": pick(10, 30),
            "bare_max": pick(1, 1, 100), "promises_max": pick(1, 100), "page_keys_max": pick(1, 2, 100),
            "page_bytes_max": pick(1, 100, 10000), "message_bytes_max": pick(1, 200, 10000), "origins_max": pick(2, 16),
        }  # fmt: skip
        whole = (Span(0, 16383, 1, SERVED),)
        self.groups: list[Any] = [
            harness.Group(3, 5, seed, (1, 2, 3), whole, **settings),
            harness.Group(3, 5, seed + 1, members, (), **settings),
        ]
        for number, group in enumerate(self.groups):
            group.events = None
            group.checks = 17
            group.as_bytes = pick(0, 0, 1) == 1
            group.outlet = lambda node, ready, at=number: self.told(at, node, ready)
        self.nodes = list(self.groups[0].desks)
        self.over = 0
        self.move: Move | None = None
        self.versions = [Version((self.groups[0].config, self.groups[1].config), None, 0)]
        self.known = dict.fromkeys(self.nodes, 0)
        """How many versions a node has heard of, but for the first."""
        self.carriers: dict[int, tuple[int, Move, int, Transfer]] = {}
        """Node -> (generation, move, over, its transfer)."""
        self.clients = [Client(i) for i in range(pick(2, 4, 6))]
        self.keys = (KEYS[:1], KEYS[2:3], KEYS[:4], KEYS)[pick(0, 1, 2, 3)]
        self.history: list[Operation] = []
        self.told_versions: dict[bytes, int] = {}
        """The highest version of each key that somebody was told of."""
        self.owners: dict[int, tuple[Client, Operation]] = {}
        self.now = self.written = self.next_id = 0
        self.late: list[tuple[int, Any]] = []
        self.drop = 0 if disks else pick(0, 0, 5, 20)
        self.repeat = pick(0, 0, 10)
        self.very_late = pick(2, 8) if removals else pick(0, 3, 8)
        self.deletes = pick(30, 50) if removals else pick(0, 10, 30)
        self.reads = pick(5, 20, 40)
        self.counts: dict[str, int] = {}
        crash = {"crashes": pick(15, 40), "calm": 0}.get(self.theme, pick(0, 2, 8))
        self.weights = [
            (500, self.deliver), (pick(20, 50, 100), self.tick), (pick(60, 150, 250), self.sync),
            (pick(50, 100, 200), self.operate), (crash, self.crash), (pick(20, 50), self.restart),
            (pick(0, 3, 8), self.cut), (pick(3, 8), self.heal), (pick(2, 10, 25), self.burst),
            (pick(8, 15) if disks else pick(0, 0, 0, 2), self.lose_disk), (pick(5, 20), self.come_late),
            (pick(5, 20) if removals else pick(0, 3), self.collect), (pick(0, 0, 3), self.compact),
            (pick(30, 60), self.hear), (pick(40, 100), self.carry), (pick(2, 5), self.begin_move),
            (pick(0, 1, 3), self.abort), (pick(0, 2), self.replace),
        ]  # fmt: skip
        self.total = sum(weight for weight, _ in self.weights)

    def pick(self, *choices: int) -> int:
        return choices[self.prng.below(len(choices))]

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def step(self) -> None:
        self.now += 1
        at = self.prng.below(self.total)
        for weight, action in self.weights:
            if at < weight:
                action()
                break
            at -= weight
        self.take_ends()

    def lives(self, node: int) -> bool:
        return self.groups[0].desks[node].paxos is not None

    def someone(self) -> int:
        node = self.nodes[self.prng.below(len(self.nodes))]
        return node if self.lives(node) else 0

    # --- the map -----------------------------------------------------------------------------

    def change(self, spans: dict[int, tuple[Span, ...]], version: int = 0) -> None:
        """The map goes on: these groups hold other slots."""
        for number, held in spans.items():
            group = self.groups[number]
            before = group.config
            held = tuple(sorted(held, key=lambda span: span.first))
            group.config = GroupConfig(
                before.epoch + 1, before.voters, spans=held, version=max(version, before.version)
            )
            group.configs.append(group.config)
            group.watch.config(group.config)
        self.versions.append(Version((self.groups[0].config, self.groups[1].config), self.move, self.over))

    def spans(self, group: int) -> list[Span]:
        return list(self.groups[group].config.spans)

    def without(self, group: int, move: Move) -> list[Span]:
        """What the group holds beside the slots of ``move``."""
        kept: list[Span] = []
        for span in self.spans(group):
            if span.first < move.first <= span.last:
                kept.append(Span(span.first, move.first - 1, span.since, span.state))
            if span.first <= move.last < span.last:
                kept.append(Span(move.last + 1, span.last, span.since, span.state))
            if span.last < move.first or span.first > move.last:
                kept.append(span)
        return kept

    def state(self, group: int, move: Move, state: int, since: int = 0) -> tuple[Span, ...]:
        """Other words about the slots of ``move``; each is held since when it was."""
        if since:
            return (*self.without(group, move), Span(move.first, move.last, since, state))
        within = [
            Span(max(span.first, move.first), min(span.last, move.last), span.since, state)
            for span in self.spans(group)
            if span.first <= move.last and span.last >= move.first
        ]
        return (*self.without(group, move), *within)

    def begin_move(self) -> None:
        if self.move is None:
            first, last = HALVES[self.prng.below(2)]
            last = first if self.prng.below(2) else last
            source = self.versions[-1].owner(bytes([first]))
            if self.versions[-1].owner(bytes([last])) != source:
                last = first
            self.move = Move(source, 1 - source, first, last)
            self.replace()

    def replace(self) -> None:
        """Somebody carries out the move from the beginning: ``MOVE BEGIN``."""
        move, node = self.move, self.someone()
        if move is None or not node:
            return
        self.count("begun")
        move.generation += 1
        spans: dict[int, tuple[Span, ...]] = {}
        if move.sealed:
            spans[move.source] = self.state(move.source, move, SERVED)
        move.sealed = False
        since = self.groups[move.target].config.epoch + 1
        spans[move.target] = self.state(move.target, move, ARRIVING, since)
        self.change(spans)
        self.hear_all(node)
        self.carriers.pop(node, None)
        source, target = (self.groups[g].desks[node].live for g in (move.source, move.target))
        transfer = Transfer(source, target, lambda key: move.first <= key[0] <= move.last, since)
        self.carriers[node] = (move.generation, move, self.over, transfer)

    def abort(self) -> None:
        move = self.move
        if move is not None:
            self.count("aborted")
            spans = {move.target: tuple(self.without(move.target, move))}
            if move.sealed:
                spans[move.source] = self.state(move.source, move, SERVED)
            self.over += 1
            self.move = None
            self.change(spans)

    def carry(self) -> None:
        """A carrier goes on, perhaps one that was replaced."""
        if not self.carriers:
            return
        nodes = list(self.carriers)
        node = nodes[self.prng.below(len(nodes))]
        generation, move, over, transfer = self.carriers[node]
        if transfer.is_lost:
            del self.carriers[node]
            return
        transfer.step(1)
        self.turn(node)
        version = self.versions[self.known[node]]
        is_newest = self.move is move and over == self.over and generation == move.generation
        if transfer.state is State.READY:
            if version.move is move and version.generation == generation and version.sealed:
                transfer.seal()
            elif is_newest and not move.sealed and self.prng.below(2):
                self.count("sealed")
                move.sealed = True
                self.change({move.source: self.state(move.source, move, SEALED)})
            elif not move.sealed:
                transfer.again()
        elif transfer.state is State.DONE:
            del self.carriers[node]
            if is_newest and move.sealed:
                self.count("moved")
                self.count("buried") if transfer.buried else None
                spans = {
                    move.source: tuple(self.without(move.source, move)),
                    move.target: self.state(move.target, move, SERVED),
                }
                self.over += 1
                self.move = None
                self.change(spans, transfer.version)

    def told(self, group: int, node: int, ready: Any) -> None:
        """What a carrier's groups have for it."""
        if node not in self.carriers:
            return
        _, move, _, transfer = self.carriers[node]
        if group == move.source:
            for result in ready.listed:
                transfer.on_listed(result)
            for fetched in ready.fetched:
                transfer.on_fetched(fetched)
        else:
            for operation in ready.adopted:
                transfer.on_adopted(operation)

    def hear(self) -> None:
        if node := self.someone():
            behind = len(self.versions) - 1 - self.known[node]
            if behind:
                self.known[node] += 1 + self.prng.below(behind)
                self.learn(node)

    def hear_all(self, node: int) -> None:
        self.known[node] = len(self.versions) - 1
        self.learn(node)

    def learn(self, node: int) -> None:
        """Both groups in one moment, then what waited for it."""
        version = self.versions[self.known[node]]
        for group, config in zip(self.groups, version.configs, strict=True):
            group.desks[node].live.learn(config)
        self.turn(node)

    def turn(self, node: int) -> None:
        for group in self.groups:
            group.turn(node)

    # --- faults ------------------------------------------------------------------------------

    def deliver(self) -> None:
        number = self.prng.below(2)
        group = self.groups[number]
        flights = group.flights
        if not flights:
            return
        position = self.prng.below(min(len(flights), 12))
        flight = flights[position]
        chance = self.prng.below(100)
        if chance < self.very_late:
            self.late.append((number, flight))
            if len(self.late) > 60:
                del self.late[self.prng.below(len(self.late))]
            if self.prng.below(2):
                del flights[position]
                return
        if chance >= self.repeat:
            del flights[position]
        if self.prng.below(100) >= self.drop:
            group.deliver(flight)
        if len(flights) > 300:
            del flights[: len(flights) // 2]

    def come_late(self) -> None:
        if self.late:
            position = self.prng.below(len(self.late))
            number, flight = self.late[position] if self.prng.below(3) == 0 else self.late.pop(position)
            self.groups[number].deliver(flight)

    def tick(self) -> None:
        for node in self.nodes:
            if self.lives(node) and self.prng.below(8):
                for group in self.groups:
                    group.tick(node)

    def burst(self) -> None:
        for _ in range(2 + self.prng.below(4)):
            for group in self.groups:
                flights, group.flights = group.flights, []
                for flight in flights:
                    group.deliver(flight)
            for node in self.nodes:
                if self.lives(node):
                    for group in self.groups:
                        group.sync(node)

    def sync(self) -> None:
        group = self.groups[self.prng.below(2)]
        waiting = [n for n, d in group.desks.items() if d.paxos is not None and d.queue]
        if waiting:
            group.sync(waiting[self.prng.below(len(waiting))], 1 + self.prng.below(3))

    def crash(self, node: int = 0) -> None:
        node = node or self.someone()
        if not node:
            return
        self.count("crashes")
        self.carriers.pop(node, None)
        for op_id, (client, history) in list(self.owners.items()):
            if client.node == node:
                del self.owners[op_id]
                if client.history is history:
                    self.close(client, None)
        for client in self.clients:
            if client.node == node and client.history is not None:
                self.close(client, None)
        for group in self.groups:
            group.crash(node, self.prng.below(3) if self.prng.below(2) else 0)
        if self.prng.below(3):
            self.wake(node)

    def restart(self) -> None:
        for node in self.nodes:
            if not self.lives(node):
                self.wake(node)
                return

    def wake(self, node: int) -> None:
        for group in self.groups:
            group.restart(node)
        self.known[node] = max(0, self.known[node] - self.prng.below(3))
        self.learn(node)

    def lose_disk(self) -> None:
        if any(d.doubting for group in self.groups for d in group.desks.values()):
            return
        node = self.someone()
        if not node or any(not g.config.joined(node) for g in self.groups):
            return
        self.crash(node)
        if self.lives(node):
            for group in self.groups:
                group.crash(node)
        self.count("disks lost")
        for group in self.groups:
            group.desks[node].lose()

    def cut(self) -> None:
        a, b = (self.nodes[self.prng.below(len(self.nodes))] for _ in range(2))
        for group in self.groups:
            group.cut[(a, b)] = group.cut[(b, a)] = True

    def heal(self) -> None:
        for group in self.groups:
            group.cut.clear()

    def compact(self) -> None:
        if node := self.someone():
            self.groups[self.prng.below(2)].compact(node)

    def collect(self) -> None:
        if node := self.someone():
            group = self.groups[self.prng.below(2)]
            group.desks[node].live.collect(self.keys[self.prng.below(len(self.keys))])
            group.turn(node)

    # --- clients -----------------------------------------------------------------------------

    def operate(self) -> None:
        client = self.clients[self.prng.below(len(self.clients))]
        if client.history is not None:
            client.age += 1
            if not client.underway:
                self.send(client)  # it came back as moved: it goes where the node's map says now
            elif client.age > 20 and self.prng.below(4) == 0:
                self.close(client, None)
            return
        if node := self.someone():
            self.begin(client, node, self.command_for(self.keys[self.prng.below(len(self.keys))]))

    def command_for(self, key: bytes) -> tuple[bytes, ...]:
        if self.prng.below(100) < self.reads:
            return (b"GET", key)
        if self.prng.below(100) < self.deletes:
            return (b"DEL", key)
        if key[:1] in b"cd":
            return (b"INCR", key)
        self.written += 1
        return ((b"GETSET", b"SET", b"SETNX")[self.prng.below(3)], key, b"w%d" % self.written)

    def begin(self, client: Client, node: int, command: tuple[bytes, ...]) -> None:
        client.seq += 1
        client.command, client.node, client.age, client.underway = command, node, 0, 0
        client.in_doubt = False
        client.version = self.told_versions.get(command[1], 0)
        client.history = Operation(
            len(self.history), client.number, 0, node, (command,), (command[1],), self.now
        )
        self.history.append(client.history)
        group = self.versions[self.known[node]].owner(command[1])
        client.since = self.groups[group].desks[node].live.floor_version
        self.send(client)

    def send(self, client: Client) -> None:
        """The operation goes to the group that has its key by the map of the client's node."""
        if not self.lives(client.node):
            return
        key = client.command[1]
        group = self.groups[self.versions[self.known[client.node]].owner(key)]
        if client.in_doubt:
            self.count("copies")
        self.next_id += 1
        client.underway += 1
        self.owners[self.next_id] = (client, client.history)
        reads = self.harness.is_read(client.command)
        operation = Op(
            self.next_id, key, self.harness.change_of(client.command), reads, 0 if reads else client.origin,
            client.seq, client.since, not client.in_doubt,
        )  # fmt: skip
        group.submit(client.node, operation)

    def take_ends(self) -> None:
        for group in self.groups:
            finished, group.finished = group.finished, []
            for _, operation in finished:
                client, history = self.owners.pop(operation.op_id, (None, None))
                if client is None or client.history is not history:
                    continue
                client.underway -= 1
                self.ended(client, operation)

    def ended(self, client: Client, operation: Op) -> None:
        end = operation.outcome
        if end is End.OK:
            key = operation.key
            if operation.wrote:
                assert operation.version > client.version, f"the version of {key!r} fell: {operation.version}"
                self.told_versions[key] = max(operation.version, self.told_versions.get(key, 0))
            self.close(client, operation)
        elif end is End.MOVED:
            self.count("moved calls")
            client.in_doubt = client.in_doubt or (operation.exposed and not operation.reads_only)
        elif end is End.DEFINITE and not client.in_doubt:
            client.history.outcome = Outcome.FAIL
            client.history = None
        else:
            self.close(client, None)

    def close(self, client: Client, operation: Op | None) -> None:
        history = client.history
        client.history = None
        if operation is None:
            history.outcome = Outcome.INFO
            return
        history.return_us = self.now
        history.outcome = Outcome.OK
        history.replies = (reply_of(operation.reply),)

    # --- the end -----------------------------------------------------------------------------

    def calm(self, rounds: int, until: Any = None) -> None:
        for _ in range(rounds):
            for node in self.nodes:
                if not self.lives(node):
                    self.wake(node)
                self.hear_all(node)
                for group in self.groups:
                    group.tick(node)
            for _ in range(3):
                self.carry()
            for _ in range(8):
                for group in self.groups:
                    flights, group.flights = group.flights, []
                    for flight in flights:
                        group.deliver(flight)
                    for node in self.nodes:
                        group.sync(node)
                self.now += 1
                self.take_ends()
            for client in self.clients:
                if client.history is not None and not client.underway:
                    self.send(client)
            if until is not None and until():
                return

    def finish(self) -> None:
        """In bounded time everything works again."""
        self.heal()
        self.drop = self.repeat = 0
        self.calm(8)
        for number, flight in self.late:
            self.groups[number].deliver(flight)
        for round_ in range(60):
            self.calm(3)
            if self.move is None and not self.owners:
                break
            if self.move is not None and (round_ % 10 == 9 or not self.carriers):
                self.replace()
        assert self.move is None, "a move does not come to its end"
        doubtful = [
            n for g in self.groups for n, d in g.desks.items() if d.live.doubtful and g.config.joined(n)
        ]
        assert not doubtful, f"{doubtful} remain doubtful"
        for client in self.clients:
            if client.history is not None:
                self.close(client, None)
        self.owners.clear()
        for key in self.keys:
            for node in self.nodes:
                client = Client(100 + node)
                self.clients.append(client)
                self.begin(client, node, (b"GET", key))
                self.calm(40, lambda c=client: c.history is None)
                assert client.history is None, f"{node} cannot read {key!r} though nothing fails any more"
                self.clients.pop()
        self.check_homes()

    def check_homes(self) -> None:
        """Nobody holds a register of slots that its group has not."""
        version = self.versions[-1]
        for number, group in enumerate(self.groups):
            for node, desk in group.desks.items():
                for key, _ in desk.live.acceptor.registers.after(None):
                    assert version.owner(key) == number, f"{node} holds {key!r} in group {number}"

    def judge(self) -> list[str]:
        complaints, unknown = judge(self.history, budget=JUDGE_BUDGET)
        for _ in range(unknown):
            self.count("unknown")
        return [complaint.text() for complaint in complaints]


def reply_of(reply: bytes) -> object:
    """In the judge's terms."""
    if reply == b"+OK":
        return OK
    if reply == b"$-":
        return None
    return int(reply[1:]) if reply[:1] == b":" else reply[1:]


def run(harness: ModuleType, seed: int, theme: str = "") -> Moves:
    """One run to its end; whatever is wrong is raised."""
    moves = Moves(harness, seed, theme)
    for _ in range(moves.steps):
        moves.step()
    moves.finish()
    complaints = moves.judge()
    assert not complaints, f"seed {seed} ({moves.theme}): {complaints[0]}"
    return moves
