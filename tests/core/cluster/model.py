"""A cluster that does what it is told: the map, who is alive, how large groups are, and what is under way.

``turn`` makes a plan, says its verbs to the map, and lets time pass. Changes of members and moves are
done ``slow`` turns later, if those who must take part are alive. Every verb of a plan must be accepted,
and after every turn nothing may have been given up too early.
"""

from tests.core.cluster.conversation import founders, hold_back
from trivet.core.cluster.actions import Action, Lead, Target, verb_of
from trivet.core.cluster.facts import Facts, GroupFacts, Policy
from trivet.core.cluster.map import ClusterMap, genesis
from trivet.core.cluster.placement import plan
from trivet.core.cluster.ranges import count
from trivet.core.cluster.rows import EVENTUAL, GroupRow, MoveRow
from trivet.core.steward.copy_keeper import is_over
from trivet.core.wire.reply import Error, Reply

TURN_MS = 10_000
POLICY = Policy(
    grace_ms=30_000, moves_max=3, split_bytes=1000, split_ops=1000, merge_bytes=100, merge_ops=100
)


class Model:
    def __init__(self, size: int = 3, zones: str = "", policy: Policy = POLICY, replicas: int = 3) -> None:
        self.map: ClusterMap = genesis("ab12", founders(size), replicas)
        self.policy = policy
        self.dead: dict[int, int] = {}
        self.unreachable: dict[int, int] = {}
        """From the leader of the system group; others hear them."""
        self.awaited: list[int] = []
        self.leaders: dict[int, int] = {}
        self.density: dict[int, int] = {}
        """Bytes per 16,384 slots, by keyspace."""
        self.traffic: dict[int, int] = {}
        self.asked: dict[int, bool] = {}
        """Groups that have commit records."""
        self.births = 100
        self.turns = 0
        self.slow = 1
        self.ages: dict[str, int] = {}
        for node, zone in zip(list(self.map.nodes), zones, strict=False):
            self.say(f"ZONE {node} {zone}")

    def say(self, text: str | list[bytes]) -> Reply:
        args = [b"MAP", *text.encode().split()] if isinstance(text, str) else text
        reply = hold_back(self.map, self.map.change(args, self.turns * TURN_MS))
        self.map.check_invariants()
        assert not isinstance(reply, Error), (args, reply)
        return reply

    def attempt(self, text: str) -> Reply:
        args = [b"MAP", *text.encode().split()]
        return hold_back(self.map, self.map.change(args, self.turns * TURN_MS))

    # -- what happens to it

    def join(self, zone: str = "z", replaces: int = 0) -> int:
        self.births += 1
        words = ["MAP", "JOIN", f"h{self.births}", "7001", "17001", zone, "", str(self.births), str(replaces)]
        node = self.say([word.encode() for word in words])
        system = self.map.groups[0]
        self.report(system, system.members)
        return node

    def report(self, row: GroupRow, voters: list[int]) -> None:
        learners = [n for n in self.map.members if n not in voters] if row.id == 0 else []
        words = f"MEMBERS {row.id} {row.membership + 1} {' '.join(map(str, voters))} / "
        self.say(words + " ".join(map(str, learners)))

    def die(self, node: int) -> None:
        self.dead.setdefault(node, self.turns)

    def cut(self, node: int) -> None:
        self.unreachable.setdefault(node, self.turns)

    def alive(self, node: int) -> bool:
        return node in self.map.members and node not in self.dead

    def quorum(self, row: GroupRow, nodes: list[int]) -> bool:
        if self.map.mode_of(row) == EVENTUAL:
            return any(self.alive(node) for node in nodes)
        return 2 * sum(self.alive(node) for node in nodes) > len(nodes)

    def is_stuck(self, row: GroupRow) -> bool:
        """It has lost its quorum, or a move of it waits for a group that has."""
        groups = self.map.groups
        ends = [row]
        ends += [groups[n] for move in self.map.moves_of(row.id) for n in (move.source, move.target_group)]
        return not all(self.quorum(end, end.members) for end in ends)

    # -- what it does

    def bytes_of(self, row: GroupRow) -> int:
        return self.density.get(row.keyspace, 500) * count(row.ranges) // 16384

    def facts(self) -> Facts:
        groups = {}
        for row in self.map.groups.values():
            if not self.quorum(row, row.members):
                self.leaders.pop(row.id, None)
                continue
            able = [node for node in row.members if self.alive(node)]
            if self.map.is_leaderless(row):
                copies = dict.fromkeys(able, (True, 0))
                spent = not row.ranges
                groups[row.id] = GroupFacts(bytes=self.bytes_of(row), ops=50, copies=copies, is_spent=spent)
                continue
            if self.leaders.get(row.id) not in able:
                self.leaders[row.id] = able[0]
            traffic = self.traffic.get(row.keyspace, 50) * count(row.ranges) // 16384
            groups[row.id] = GroupFacts(
                bytes=self.bytes_of(row),
                ops=traffic,
                leader=self.leaders[row.id],
                caught_up=able,
                is_spent=not row.ranges and row.id not in self.asked,
            )
        dead = {node: (self.turns - since) * TURN_MS for node, since in self.dead.items()}
        apart = {node: (self.turns - since) * TURN_MS for node, since in self.unreachable.items()}
        leader = next((n for n in self.map.groups[0].members if self.alive(n) and n not in apart), 0)
        return Facts(
            dead_ms=dead, unreachable_ms=apart, awaited=self.awaited, leader=leader if apart else 0,
            groups=groups,
        )  # fmt: skip

    def under_way(self) -> int:
        groups = self.map.groups
        changing = sum(
            1
            for row in groups.values()
            if (row.incoming or sorted(row.members) != row.target) and self.quorum(row, row.members)
        )
        return changing + sum(
            self.quorum(groups[m.source], groups[m.source].members)
            and self.quorum(groups[m.target_group], groups[m.target_group].members)
            for m in self.map.moves.values()
        )

    def turn(self) -> list[Action]:
        before = self.under_way()
        facts = self.facts()
        text = self.map.encode()
        actions = plan(self.map, facts, self.policy)
        assert self.map.encode() == text, "a plan changes nothing"
        assert plan(self.map, facts, self.policy) == actions
        for action in actions:
            self.act(action, facts)
        assert self.under_way() <= max(before, self.policy.moves_max)
        assert sum(isinstance(action, Lead) for action in actions) <= self.policy.leads_max
        self.turns += 1
        self.progress()
        return actions

    def act(self, action: Action, facts: Facts) -> None:
        if isinstance(action, Lead):
            assert action.node in facts.groups[action.group].caught_up
            assert self.alive(action.node)
            self.leaders[action.group] = action.node
            return
        if isinstance(action, Target):
            self.check_target(action, facts)
        self.say(verb_of(self.map, action))

    def check_target(self, action: Target, facts: Facts) -> None:
        """Nothing is given up before there is something instead."""
        row = self.map.groups[action.group]
        staying = sum(node.state != "draining" for node in self.map.members.values())
        wish = {0: 5 if staying >= 5 else 3}.get(row.id) or self.map.keyspaces[row.keyspace].replicas
        wanted = min(wish, staying)
        assert len(action.nodes) >= min(wanted, len(row.members))
        assert self.quorum(row, row.members), "nobody could do it"
        assert self.quorum(row, action.nodes), "they could do nothing"
        for node in action.nodes:
            if node not in row.members:
                assert self.alive(node)
                assert self.map.members[node].state == "up"

    def progress(self) -> None:
        """What has waited long enough is done."""
        for row in list(self.map.groups.values()):
            if self.map.is_of_registers(row):
                self.step(row)
            elif self.map.is_leaderless(row):
                self.step_copies(row)
            elif sorted(row.members) == row.target:
                self.ages.pop(f"g{row.id}", None)
            elif self.ripe(f"g{row.id}") and self.quorum(row, row.members) and self.quorum(row, row.target):
                for node in row.target:
                    if node not in row.members and not self.alive(node):
                        break
                else:
                    self.report(row, row.target)
        for move in list(self.map.moves.values()):
            groups = [self.map.groups[move.source], self.map.groups[move.target_group]]
            if self.map.is_of_registers(groups[0]):
                self.step_move(move, groups)
            elif self.ripe(f"m{move.id}") and all(self.quorum(row, row.members) for row in groups):
                for verb in ("DONE", "TAKEN", "END"):
                    self.say(f"MOVE {verb} {move.id}")

    def step_move(self, move: MoveRow, groups: list[GroupRow]) -> None:
        """Between groups without a log: the map seals and hands over; what can't be done is aborted."""
        if not self.ripe(f"m{move.id}"):
            return
        if not all(self.quorum(row, row.members) for row in groups):
            self.say(f"MOVE ABORT {move.id}")
            return
        generation = self.say(f"MOVE BEGIN {move.id}")
        self.say(f"MOVE SEAL {move.id} {generation}")
        self.say(f"MOVE DONE {move.id} {generation} {self.turns}")

    def step(self, row: GroupRow) -> None:
        """Groups without a log: the map itself changes their members, in two steps."""
        if not row.incoming and row.members == row.target:
            self.ages.pop(f"g{row.id}", None)
            return
        if not self.ripe(f"g{row.id}"):
            return
        if row.incoming and row.incoming != row.target:
            self.say(f"REGISTERS BACK {row.id} {row.membership + 1}")
        elif not row.incoming and not self.map.moves_of(row.id):
            self.say(f"REGISTERS BEGIN {row.id} {row.membership + 1}")
        elif row.incoming and self.quorum(row, row.members) and self.quorum(row, row.incoming):
            self.say(f"REGISTERS END {row.id} {row.membership + 1}")

    def step_copies(self, row: GroupRow) -> None:
        """The same where any member serves alone: who comes is there at once, who goes has handed over."""
        if not row.incoming and row.members == row.target:
            self.ages.pop(f"g{row.id}", None)
        elif self.ripe(f"g{row.id}"):
            if row.target != (row.incoming or row.members):
                self.say(f"COPIES BEGIN {row.id} {row.membership + 1}")
            elif is_over(self.map, row, self.facts(), self.policy.grace_ms):
                self.say(f"COPIES END {row.id} {row.membership + 1}")

    def ripe(self, name: str) -> bool:
        self.ages[name] = self.ages.get(name, 0) + 1
        return self.ages[name] > self.slow

    def settle(self, turns_max: int = 600) -> list[Action]:
        """Until there is nothing to do, and for a while after that; all actions."""
        done: list[Action] = []
        quiet = 0
        for _ in range(turns_max):
            actions = self.turn()
            done += actions
            quiet = 0 if actions or self.under_way() else quiet + 1
            if quiet > POLICY.grace_ms // TURN_MS + 2:
                return done
        raise AssertionError(f"it does not settle: {done[-8:]}")

    # -- how it stands

    def counts(self) -> dict[int, int]:
        load = dict.fromkeys(self.map.members, 0)
        for row in self.map.groups.values():
            for node in row.members:
                if row.id and node in load:
                    load[node] += 1
        return load

    def led(self) -> dict[int, int]:
        self.facts()
        led = dict.fromkeys(
            [n for n, row in self.map.members.items() if row.state == "up" and self.alive(n)], 0
        )
        for group, node in self.leaders.items():
            if group and group in self.map.groups:
                led[node] = led.get(node, 0) + 1
        return led
