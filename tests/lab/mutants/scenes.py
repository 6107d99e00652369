"""Scenes: one incident in an otherwise healthy cluster, and what its clients may then expect.

Rows whose oracle is progress need a cluster that stays broken while progress is demanded: a link that is down
for good, a disk that hangs for ever. A scene plays such an incident at a moment drawn from the seed, and judges
the clients of the nodes that it leaves healthy: every call is answered, and within ``patience_ms``. On the
code as it is every scene is silent; a test checks that.
"""

from collections.abc import Callable

from mutants.model import Focus
from trivet.core.base.ids import SYSTEM_GROUP, NodeId
from trivet.core.base.prng import Prng
from trivet.core.cluster.rows import FIRST_GROUP
from trivet.core.group.raft_group import RaftGroup
from trivet.core.node.node import Node
from trivet.core.raft.state import Role
from trivet.lab.cluster import SimulatedCluster
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.world.options import RunOptions
from trivet.lab.world.process import Process
from trivet.lab.world.real import RealNodes

MS = 1000
WARM_MS = 3_000
"""By then a cluster has a leader."""
FOREVER_MS = 10_000_000
HUB_PATIENCE_MS = 5_000
"""How long the only node that sees a majority may take to be elected."""


class Stage:
    """A healthy cluster with a leader, and what an incident may do to it."""

    def __init__(self, seed: int, nodes: int, focus: Focus) -> None:
        drawn: Focus = {
            "seed": seed, "nodes": nodes, "ops": 1_000_000, "clients": 4, "think_ms_max": 30, "readers": 2,
            "weight_watch": 0, "stall_breaks_rate": 0.0, "silent_crash_rate": 0.0,
        }  # fmt: skip
        self.options = RunOptions(**(drawn | focus))  # type: ignore[arg-type]
        self.cluster = SimulatedCluster(self.options, RealNodes(self.options))
        self.prng = Prng(seed * 77 + 5)
        self.problems: list[Complaint] = []
        for process in self.cluster.processes.values():
            process.start()
        self.run(WARM_MS)

    def run(self, span_ms: int) -> None:
        """Let virtual time pass."""
        simulation = self.cluster.simulation
        simulation.run_until(simulation.now_us + span_ms * MS, self.cluster.spoken)

    def leader(self) -> Process:
        """The leader of the latest term."""
        leaders = [
            p for p in self.cluster.processes.values() if p.seen is not None and p.seen.role == "leader"
        ]
        assert leaders, "no leader in a healthy cluster"
        return max(leaders, key=lambda p: p.seen.term if p.seen is not None else 0)

    def others(self, *but: Process) -> list[Process]:
        """The other nodes, in an order drawn from the seed."""
        found = [p for p in self.cluster.processes.values() if p not in but]
        self.prng.shuffle(found)
        return found

    def term(self) -> int:
        """The latest term that any node knows."""
        return max(p.seen.term for p in self.cluster.processes.values() if p.seen is not None)

    def serve(self, homes: list[Process]) -> None:
        """Clients begin to work, at these nodes only."""
        for place, client in enumerate(self.cluster.clients):
            client.home = homes[place % len(homes)].node
            client.start(1 + self.prng.below(20_000))
        self.run(200 + self.prng.below(300))

    def cut(self, pairs: list[tuple[NodeId, NodeId]]) -> None:
        """These directed paths are closed, for good."""
        for source, target in pairs:
            self.cluster.network.block(source, target)

    def heal(self) -> None:
        """All paths are open again."""
        self.cluster.network.heal()

    def demand(self, patience_ms: int, since_us: int = 0) -> None:
        """Every call sent since then was answered, without an error, within ``patience_ms``."""
        now_us = self.cluster.simulation.now_us
        for operation in self.cluster.history:
            if operation.invoke_us >= since_us:
                problem = _problem(operation, patience_ms * MS, now_us)
                if problem:
                    self.problems.append(Complaint("progress", problem, [operation.text()]))
                    return
        if not any(o.outcome is Outcome.OK and o.invoke_us >= since_us for o in self.cluster.history):
            self.problems.append(Complaint("progress", "no call was answered at all", []))


def _problem(operation: Operation, patience_us: int, now_us: int) -> str:
    answered_us = min(operation.return_us, now_us) if operation.return_us != FOREVER_US else now_us
    waited_us = answered_us - operation.invoke_us
    what = b" ".join(operation.commands[0]).decode(errors="replace")
    if operation.outcome in (Outcome.FAIL, Outcome.INFO):
        return f"a client of a healthy node got an error for {what} after {waited_us // MS} ms"
    if waited_us > patience_us:
        return f"a client of a healthy node waited {waited_us // MS} ms for {what}"
    return ""


# -- incidents


def leader_dies(stage: Stage) -> None:
    """The leader's process dies and does not come back."""
    leader = stage.leader()
    stage.serve(stage.others(leader))
    leader.crash(False, False)
    stage.run(6_000)
    stage.demand(3_000)


def leader_resigns(stage: Stage) -> None:
    """The leader is told to stop, and hands over."""
    leader = stage.leader()
    stage.serve(stage.others(leader))
    leader.stop()
    stage.run(4_000)
    stage.demand(100)


def deaf_leader(stage: Stage) -> None:
    """The leader is heard by everyone, but hears nobody."""
    leader = stage.leader()
    others = stage.others(leader)
    stage.serve(others)
    stage.cut([(other.node, leader.node) for other in others])
    stage.run(4_000)
    since_us = stage.cluster.simulation.now_us
    stage.run(6_000)
    stage.demand(3_000, since_us)


def hub(stage: Stage) -> None:
    """Four links of five nodes are left, all of them to one node that does not lead."""
    leader = stage.leader()
    centre = stage.others(leader)[0]
    nodes = list(stage.cluster.processes)
    stage.cut([(a, b) for a in nodes for b in nodes if a != b and centre.node not in (a, b)])
    for _ in range(HUB_PATIENCE_MS // 500):
        stage.run(500)
        if centre.seen is not None and centre.seen.role == "leader":
            break
    stage.run(1_000)
    stage.serve([centre])
    term = stage.term()
    stage.run(6_000)
    stage.demand(1_000)
    _demand_peace(stage, term)


def lost_link(stage: Stage) -> None:
    """Of three nodes the leader and one follower lose sight of each other; both see the third."""
    leader = stage.leader()
    blind, kept = stage.others(leader)
    term = stage.term()
    stage.serve([leader, kept])
    stage.cut([(leader.node, blind.node), (blind.node, leader.node)])
    stage.run(10_000)
    stage.demand(250)
    _demand_peace(stage, term)


def _led(process: Process, number: int) -> RaftGroup | None:
    """The replica of that group, if the node leads it."""
    node = process._running
    assert isinstance(node, Node)
    replica = node.groups[number]
    return replica if replica.raft.role is Role.LEADER else None


def pendant(stage: Stage) -> None:
    """The leader of a group sees one of the two others; the one that it does not see leads the system group."""
    leader = stage.leader()
    system, kept = stage.others(leader)
    for _ in range(20):
        if _led(system, SYSTEM_GROUP) and _led(leader, FIRST_GROUP):
            break
        for process in (leader, system, kept):
            for number, heir in ((SYSTEM_GROUP, system), (FIRST_GROUP, leader)):
                replica = _led(process, number)
                if replica is not None and process is not heir:
                    replica.raft.transfer(heir.node)
                    replica.stir()
        stage.run(300)
    assert _led(system, SYSTEM_GROUP) and _led(leader, FIRST_GROUP), "they do not take over"
    stage.cut([(leader.node, system.node), (system.node, leader.node)])
    stage.run(6_000)
    since_us = stage.cluster.simulation.now_us
    stage.serve([kept, system])
    stage.run(4_000)
    stage.demand(3_000, since_us)


def returning(stage: Stage) -> None:
    """A follower is cut off for a while and comes back: nobody notices."""
    leader = stage.leader()
    lost, kept = stage.others(leader)[:2]
    stage.serve([leader, kept])
    term = stage.term()
    stage.cut([(a, b) for a in stage.cluster.processes for b in (lost.node,) if a != b])
    stage.cut([(b, a) for a in stage.cluster.processes for b in (lost.node,) if a != b])
    stage.run(6_000)
    stage.heal()
    stage.run(4_000)
    stage.demand(250)
    _demand_peace(stage, term)


def _demand_peace(stage: Stage, term: int) -> None:
    """No election since."""
    if stage.term() != term:
        sentence = f"elections in a cluster with a sound leader: term {term} became {stage.term()}"
        stage.problems.append(Complaint("progress", sentence, []))


def old_term(stage: Stage) -> None:
    """A voter missed some terms; now its vote is needed."""
    sleeper = stage.others(stage.leader())[0]
    sleeper.crash(False, False)
    stage.run(500)
    for _ in range(2):
        leader = stage.leader()
        leader.stop()
        stage.run(2_500)
        leader.start()
        stage.run(2_500)
    leader = stage.leader()
    kept = stage.others(leader, sleeper)
    leader.crash(False, False)
    sleeper.start()
    stage.run(3_000)
    stage.serve(kept)
    stage.run(4_000)
    stage.demand(3_000)


def hanging_disk(stage: Stage) -> None:
    """The leader's disk does not answer any more; its process goes on."""
    leader = stage.leader()
    stage.serve(stage.others(leader))
    leader.disk.stalled_until_us = stage.cluster.simulation.now_us + FOREVER_MS * MS
    stage.run(10_000)
    stage.demand(4_500)


def set_back_clock(stage: Stage) -> None:
    """A node restarts after its wall clock was set back."""
    victim = stage.others(stage.leader())[0]
    stage.serve([victim])
    victim.clock.wall_offset_ms -= 1_000_000
    victim.crash(False, False)
    stage.run(300)
    victim.start()
    stage.run(1_000)
    since_us = stage.cluster.simulation.now_us
    stage.run(6_000)
    stage.demand(1_000, since_us)


def failed_sync(stage: Stage) -> None:
    """A sync fails on one of the two nodes that work, and both lose power after the next acknowledgement."""
    leader = stage.leader()
    lost, kept = stage.others(leader)
    nodes = (leader.node, kept.node)
    stage.cut([(lost.node, n) for n in nodes] + [(n, lost.node) for n in nodes])
    stage.serve([leader])
    kept.disk.sync_failures_due = 1
    for _ in range(100):
        stage.run(1)
        if kept.disk.sync_failures_due == 0:
            break
    stage.run(stage.prng.between(1, 20))
    leader.crash(True, False)
    kept.crash(True, False)
    stage.heal()
    kept.start()
    stage.run(3_000)


def darkness(stage: Stage) -> None:
    """Of three nodes two work; both lose power right after an acknowledgement, and one comes back."""
    leader = stage.leader()
    lost, kept = stage.others(leader)
    nodes = (leader.node, kept.node)
    stage.cut([(lost.node, n) for n in nodes] + [(n, lost.node) for n in nodes])
    stage.serve([leader])
    goal = sum(client.succeeded for client in stage.cluster.clients) + 1 + stage.prng.below(3)
    for _ in range(2_000):
        stage.run(1)
        if sum(client.succeeded for client in stage.cluster.clients) >= goal:
            break
    leader.crash(True, False)
    kept.crash(True, False)
    stage.heal()
    kept.start()
    stage.run(3_000)


def blackout(stage: Stage) -> None:
    """All nodes lose power while they take snapshots, and come back."""
    nodes = list(stage.cluster.processes.values())
    stage.serve(nodes)
    stage.run(stage.prng.between(100, 1_000))
    for process in nodes:
        process.crash(True, False)
    stage.run(100)
    for process in nodes:
        process.start()
    stage.run(5_000)
    since_us = stage.cluster.simulation.now_us
    stage.run(4_000)
    stage.demand(3_000, since_us)


def overtaken_tail(stage: Stage) -> None:
    """A leader is cut off with many entries of its own; when it comes back the log has gone on without them."""
    leader = stage.leader()
    others = stage.others(leader)
    nodes = [other.node for other in others]
    clients = stage.cluster.clients
    for client in clients[1:]:
        client.home = leader.node
        client.start(1 + stage.prng.below(5_000))
    stage.run(300)
    stage.cut([(leader.node, n) for n in nodes] + [(n, leader.node) for n in nodes])
    stage.run(2_500)
    clients[0].home = nodes[0]
    clients[0].start(1)
    goal = clients[0].succeeded + stage.prng.between(2, 6)
    for _ in range(1_000):
        stage.run(1)
        if clients[0].succeeded >= goal:
            break
    stage.cluster.mix.abandon()
    stage.run(300)
    stage.heal()
    stage.run(8_000)  # what hangs behind the wall is given up by then
    since_us = stage.cluster.simulation.now_us
    stage.cluster.mix.add(1_000_000)
    clients[1].start(1)
    stage.run(2_000)
    stage.demand(250, since_us)


def overtaken_disk(stage: Stage) -> None:
    """A leader that nobody hears is overtaken while its disk is still busy with entries of its own."""
    leader = stage.leader()
    others = stage.others(leader)
    nodes = [other.node for other in others]
    stage.serve([leader])
    leader.disk.stalled_until_us = stage.cluster.simulation.now_us + 4_000 * MS
    stage.cut([(leader.node, n) for n in nodes])
    stage.run(3_500)
    stage.heal()
    stage.run(3_000)


def failed_handover(stage: Stage) -> None:
    """A leader hands over to a follower that is just then cut off: it goes on leading."""
    leader = stage.leader()
    lost, kept = stage.others(leader)
    stage.serve([leader, kept])
    nodes = (leader.node, kept.node)
    stage.cut([(lost.node, n) for n in nodes] + [(n, lost.node) for n in nodes])
    stage.run(stage.prng.between(1, 50))
    node = leader._running
    assert isinstance(node, Node)
    node.group.raft.transfer(lost.node)
    stage.run(6_000)
    stage.demand(2_500)


def late_acknowledgements(stage: Stage) -> None:
    """Answers overtake each other; what the leader believes of a follower never shrinks."""
    leader = stage.leader()
    others = stage.others(leader)
    stage.serve([leader, *others])
    seen: dict[NodeId, int] = {}
    for _ in range(1_500):
        stage.run(1)
        node = leader._running
        assert isinstance(node, Node)
        for other in others:
            match = node.group.raft.match(other.node)
            if match < seen.get(other.node, 0):
                sentence = f"the match index of node {other.node} falls from {seen[other.node]} to {match}"
                stage.problems.append(Complaint("invariants", sentence, []))
                return
            seen[other.node] = match
    stage.demand(1_000)


def quiet(stage: Stage) -> None:
    """Nothing happens: calls cost a bounded number of frames."""
    leader = stage.leader()
    frames = stage.cluster.network.frames
    stage.serve(stage.others(leader))
    stage.run(5_000)
    stage.demand(500)
    calls = sum(o.outcome is Outcome.OK for o in stage.cluster.history)
    spent = stage.cluster.network.frames - frames
    if spent > FRAMES_PER_CALL_MAX * calls:
        sentence = f"{calls} calls in a healthy cluster cost {spent} frames between nodes"
        stage.problems.append(Complaint("budget", sentence, []))


FRAMES_PER_CALL_MAX = 8
"""Two to forward and tell, four to replicate; heartbeats come on top."""

SCENES: dict[str, tuple[int, Callable[[Stage], None]]] = {
    "leader-dies": (3, leader_dies),
    "leader-resigns": (3, leader_resigns),
    "deaf-leader": (3, deaf_leader),
    "hub": (5, hub),
    "lost-link": (3, lost_link),
    "pendant": (3, pendant),
    "returning": (3, returning),
    "old-term": (3, old_term),
    "hanging-disk": (3, hanging_disk),
    "set-back-clock": (3, set_back_clock),
    "quiet": (3, quiet),
    "failed-sync": (3, failed_sync),
    "darkness": (3, darkness),
    "blackout": (3, blackout),
    "overtaken-tail": (3, overtaken_tail),
    "overtaken-disk": (3, overtaken_disk),
    "failed-handover": (3, failed_handover),
    "late-acknowledgements": (3, late_acknowledgements),
}
"""Name -> (nodes, incident)."""


def play(name: str, seed: int, focus: Focus) -> list[Complaint]:
    """What is wrong with one scene under one seed."""
    nodes, incident = SCENES[name]
    try:
        stage = Stage(seed, nodes, focus)
        incident(stage)
    except AssertionError as error:
        return [Complaint("progress", f"the scene could not be played: {error}", [])]
    cluster = stage.cluster
    return cluster.complaints + cluster.invariants.complaints + stage.problems
