"""What the scripts about transactions over groups share: three nodes, two groups, an account in each.

Every node has a replica of both groups. Bands show what a node does about transactions, not its role in Raft:
``leads group 1``, ``prepared`` (that group has locked keys, undecided), ``committed`` (it keeps a decision
that others have not all applied); and of a coordinator how far it is.
"""

from collections.abc import Callable
from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, NodeId
from trivet.core.node.node import Node
from trivet.core.node.transacting import Transactions
from trivet.core.raft.state import Role
from trivet.core.transaction.coordinator import End, Phase
from trivet.core.transaction.intents import Intents
from trivet.core.transaction.words import Stamp
from trivet.lab.pictures.palette import GONE, STILL
from trivet.lab.recording import Recorder
from trivet.lab.resp import request
from trivet.lab.scenarios.direction import MS, Direction
from trivet.lab.stage.stage import WITHIN_MS, Pending

ALICE: Final = "alice"
BOB: Final = "bob"
FIRST: Final[GroupId] = 1
SECOND: Final[GroupId] = 2
LED_BY: Final[dict[GroupId, NodeId]] = {SYSTEM_GROUP: 1, FIRST: 1, SECOND: 2}
"""Who leads which group when a story begins."""
COORDINATOR: Final[NodeId] = 3
"""It leads nothing: what dies with it is the coordinator alone."""

_PHASES: Final = {
    Phase.LOCKING: "locking",
    Phase.RUNNING: "locking",
    Phase.DECIDING: "deciding",
    Phase.UNSURE: "deciding",
    Phase.FINISHING: "finishing",
}


class GroupRecorder(Recorder):
    """Leaves roles in Raft away: a node has one in each group."""

    def state(self, at_us: int, lane: int, role: str, term: int = 0, note: str = "") -> None:
        """Only whether the node is there."""
        if role in GONE or role in STILL:
            super().state(at_us, lane, role)

    def does(self, at_us: int, lane: int, role: str) -> None:
        """What the node does from now on."""
        super().state(at_us, lane, role)


class GroupDirection(Direction):
    """Two groups, alice in the first (50) and bob in the second (20)."""

    def __init__(self, title: str, seed: int, attempt: int = 0, coordinator: NodeId = COORDINATOR) -> None:
        """``coordinator``: the node that is shown as such when it leads nothing; 0: none."""
        self.coordinator = coordinator
        recorder = GroupRecorder(title, seed)
        super().__init__(title, seed, attempt=attempt, recorder=recorder)
        self._roles = recorder
        stage = self.stage
        stage.run_until(self._is_founded)
        stage.ask(stage.leader(), "CLUSTER", "SPLIT", str(FIRST))
        stage.run_until(self._is_split)
        for group, node in LED_BY.items():
            stage.ask(COORDINATOR, "CLUSTER", "LEAD", str(group), str(node))
        stage.run_until(lambda: all(self.leader_of(group) == node for group, node in LED_BY.items()))
        stage.ask(1, "SET", ALICE, "50")
        stage.ask(2, "SET", BOB, "20")
        stage.run_for(300)
        self.begin_picture()
        self._look()

    def _is_founded(self) -> bool:
        cluster = self.stage.cluster.newest_map()
        return cluster is not None and FIRST in cluster.groups and bool(cluster.groups[FIRST].members)

    def _is_split(self) -> bool:
        cluster = self.stage.cluster.newest_map()
        return cluster is not None and SECOND in cluster.groups and not cluster.moves

    # -- time, with a look at every moment

    def until(self, condition: Callable[[], object], within_ms: float = WITHIN_MS) -> None:
        """Let time pass until the condition is met."""

        def met() -> bool:
            self._look()
            return bool(condition())

        self.stage.run_until(met, within_ms)

    def wait(self, ms: float) -> None:
        """Let time pass."""
        end_us = self.stage.simulation.now_us + int(ms * MS)
        self.until(lambda: self.stage.simulation.now_us >= end_us, ms + 1_000)

    def _look(self) -> None:
        now_us = self.stage.simulation.now_us
        for number in self.stage.nodes:
            node = self.node(number)
            if node is not None and not self.stage.process(number).paused:
                self._roles.does(now_us, number, self._role_of(node))

    def _role_of(self, node: Node) -> str:
        transactions = node.front.transactor
        assert isinstance(transactions, Transactions)
        for wide in transactions.running.values():
            if wide.attempt is None and wide.count_of_tries:
                return "backing off"
            if wide.attempt is not None and wide.attempt.coordinator.waiting:
                return "waiting"
        led = [(n, g) for n, g in node.groups.items() if n and g.raft.role is Role.LEADER]
        for _, group in led:
            if group.machine.intents.by_id:
                return "prepared"
            if group.machine.intents.records:
                return "committed"
        for attempt in transactions.live.values():
            return _PHASES.get(attempt.coordinator.phase, "coordinator")
        if led:
            plural = "s" if len(led) > 1 else ""
            return f"leads group{plural} " + " and ".join([str(number) for number, _ in led])
        return "coordinator" if node.config.node == self.coordinator else "follower"

    def fold_copies(self) -> None:
        """Of what groups copy to their third node, and of acknowledgements, nothing is shown."""
        for message in self.messages():
            if message.kind == "AppendReply" or COORDINATOR in (message.source, message.target):
                message.routine = True

    # -- what is

    def node(self, number: NodeId) -> Node | None:
        """A node from inside; None while it is down."""
        inner = self.stage.process(number).inner()
        assert inner is None or isinstance(inner, Node)
        return inner

    def leader_of(self, group: GroupId) -> NodeId:
        """Who leads a group; 0: nobody."""
        for number in self.stage.nodes:
            look = self.stage.process(number).looks.get(group)
            if look is not None and look.role == "leader":
                return number
        return 0

    def intents(self, group: GroupId) -> Intents | None:
        """What the leader of a group knows of transactions; None while there is none."""
        node = self.node(self.leader_of(group)) if self.leader_of(group) else None
        return None if node is None else node.groups[group].machine.intents

    def prepared(self, group: GroupId) -> bool:
        """Whether keys are locked there."""
        intents = self.intents(group)
        return intents is not None and bool(intents.by_id)

    def holder(self, group: GroupId) -> Stamp | None:
        """The age of the transaction that has locked keys there; None: there is none, or several."""
        intents = self.intents(group)
        stamps = [] if intents is None else [intent.stamp for intent in intents.by_id.values()]
        return stamps[0] if len(stamps) == 1 else None

    def ends(self, node: NodeId) -> tuple[int, int]:
        """How many attempts of a coordinator gave way to older ones, and how many were committed."""
        inner = self.node(node)
        assert inner is not None
        transactions = inner.front.transactor
        assert isinstance(transactions, Transactions)
        return transactions.counts.refused[End.DIED], transactions.counts.commits

    def decided(self) -> bool:
        """Whether the home, the first group, keeps a decision to commit."""
        intents = self.intents(FIRST)
        return intents is not None and bool(intents.records)

    def last_index(self, group: GroupId, node: NodeId) -> int:
        """The end of a replica's log; 0 when there is none."""
        look = self.stage.process(node).looks.get(group)
        return 0 if look is None else look.last_index

    def clean(self) -> bool:
        """Whether nothing of any transaction is left, on any node that is up."""
        nodes = [self.node(number) for number in self.stage.nodes]
        held = [group.machine.intents for node in nodes if node is not None for group in node.groups.values()]
        return not any(intents.by_id or intents.records for intents in held)

    def words(self, verb: str, since_us: int = 0) -> list[int]:
        """When a word about transactions entered some group's log: ``LOCK``, ``DECIDE`` and so on."""
        messages = self.arrived("AppendEntries", lambda m: f" {verb} T" in m.label, since_us)
        return sorted(message.sent_us for message in messages)

    def words_sent(self, verb: str) -> bool:
        """Whether a coordinator has said a word to some leader, wherever it is by now."""
        return any(f"{verb} T" in message.label for message in self.messages(self.began_us))

    # -- clients

    def exec(self, node: NodeId, *commands: tuple[str, ...]) -> Pending:
        """Begin ``MULTI … EXEC`` through a node."""
        speaker = self.stage.conversation(self.stage.new_client())
        speaker.connect(node)
        lines = [("MULTI",), *commands, ("EXEC",)]
        data = b"".join([request([word.encode() for word in line]) for line in lines])
        return Pending([b"EXEC"], speaker.write(data)[0])

    def transfer(self, node: NodeId, amount: int = 10, source: str = ALICE, target: str = BOB) -> Pending:
        """Begin to move an amount from one account to the other."""
        return self.exec(node, ("DECRBY", source, str(amount)), ("INCRBY", target, str(amount)))

    def balances(self, node: NodeId) -> tuple[int, int]:
        """Of alice and bob, as read through a node, in one transaction."""
        read = self.exec(node, ("GET", ALICE), ("GET", BOB))
        self.until(lambda: read.done)
        assert read.operation is not None
        alice, bob = read.operation.replies
        assert isinstance(alice, bytes) and isinstance(bob, bytes)
        self.until(self.clean)
        return int(alice), int(bob)

    def now_us(self) -> int:
        """Virtual time."""
        return self.stage.simulation.now_us

    def ms_of(self, pending: Pending) -> int:
        """How long a client waited for its reply."""
        assert pending.operation is not None
        return (pending.operation.return_us - pending.operation.invoke_us) // MS
