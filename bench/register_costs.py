"""What one call costs in modes paxos and raft, counted in the lab: flights, messages, syncs, bytes.

Three nodes in virtual time, where each message takes so long and all else next to nothing, that flights can
be told by the clock. What nodes say without being asked is not counted. The round of heartbeats by which a
leader learns, for a read, that it still leads, is.
"""

from dataclasses import dataclass

from bench.report import table
from trivet.core.base.disk import DiskJob, Write
from trivet.core.base.ids import NodeId
from trivet.core.cluster.rows import SYSTEM_GROUP
from trivet.core.group.register_keys import place_key
from trivet.core.paxos.preference import preferred
from trivet.lab.pictures.describe import describe
from trivet.lab.recording import Recorder
from trivet.lab.resp import request
from trivet.lab.stage.conversation import Conversation
from trivet.lab.stage.stage import Stage, stage_options

DELAY_US = 10_000
REST_MS = 400
BEATS = ("Heartbeat", "HeartbeatReply")
NODES = (1, 2, 3)
DATABASES = {"paxos": 7, "raft": 8}
OPTIONS = {"paxos": ("MODE", "paxos", "REPLICAS", "3"), "raft": ("SHARDS", "1", "REPLICAS", "3")}
VALUE = "x" * 100
WRITERS = 3
"""At each node, when all want the same key."""


@dataclass
class Cost:
    """Of all calls of one case together."""

    calls: int
    flights: int
    """One after the other between nodes, until the last reply."""
    messages: int
    wire_bytes: int
    syncs: int
    disk_bytes: int


class World:
    """A stage with a keyspace of one mode."""

    def __init__(self, mode: str) -> None:
        options = stage_options(
            1, 3, net_us_min=DELAY_US, net_us_max=DELAY_US, sync_us_min=1, sync_us_max=1, turn_us_max=1
        )
        self.recorder = Recorder("count", 1)
        self.stage = Stage(3, 1, self.recorder, options)
        self.database = DATABASES[mode]
        self.written_bytes = 0
        self._speakers: dict[tuple[NodeId, int], Conversation] = {}
        self.stage.run_until(lambda: self._group() is None and self.stage.cluster.newest_map() is not None)
        self.stage.ask(self.stage.leader(), "KEYSPACE", "CREATE", str(self.database), *OPTIONS[mode])
        self.stage.run_until(lambda: self._group() is not None)
        for node in NODES:
            self._count_bytes(node)
            for number in range(WRITERS):
                self._speakers[node, number] = speaker = self.stage.conversation(self.stage.new_client())
                speaker.connect(node)
                (asked,) = speaker.write(request([b"SELECT", b"%d" % self.database]))
                self.stage.run_until(lambda asked=asked: asked.replies)  # type: ignore[misc]

    def _group(self) -> int | None:
        cluster = self.stage.cluster.newest_map()
        if cluster is None:
            return None
        return next(
            (
                row.id
                for row in cluster.groups.values()
                if row.id != SYSTEM_GROUP and row.keyspace == self.database and row.members
            ),
            None,
        )

    def leader(self) -> NodeId:
        """Who leads the keyspace's group."""
        group = self._group()
        assert group is not None
        looks = {node: self.stage.process(node).looks[group] for node in NODES}
        return next(node for node, look in looks.items() if look.role == "leader")

    def _count_bytes(self, node: NodeId) -> None:
        disk = self.stage.process(node).disk
        submit = disk.submit

        def counting(job: DiskJob) -> None:
            self.written_bytes += sum(len(one.data) for one in job.operations if isinstance(one, Write))
            submit(job)

        disk.submit = counting  # type: ignore[method-assign]

    def cost(self, calls: list[tuple[NodeId, int, tuple[str, ...]]]) -> Cost:
        """Calls of clients of those nodes, all at once: (node, which of its clients, words)."""
        stage = self.stage
        stage.run_for(3_000)
        begun_us, syncs, written = stage.simulation.now_us, self._syncs(), self.written_bytes
        asked = []
        for node, number, words in calls:
            asked += self._speakers[node, number].write(request([word.encode() for word in words]))
        stage.run_until(lambda: all(one.replies for one in asked))
        replied_us = stage.simulation.now_us
        flights = round((replied_us - begun_us) / DELAY_US) - 2  # to the node and back
        stage.run_for(REST_MS)
        beats_end_us = replied_us if any(words[0] == "GET" for _, _, words in calls) else begun_us
        told = [
            m
            for m in describe(self.recorder.recording).messages
            if m.sent_us >= begun_us and (not m.routine or (m.kind in BEATS and m.sent_us < beats_end_us))
        ]
        return Cost(
            len(calls),
            flights,
            len(told),
            sum(len(m.frame) for m in told),
            self._syncs() - syncs,
            self.written_bytes - written,
        )

    def _syncs(self) -> int:
        return sum(self.stage.process(node).disk.synced_jobs for node in NODES)


def cases(mode: str) -> list[tuple[str, Cost]]:
    """Every case of a mode, in its order."""
    world = World(mode)
    rows = alone_in_paxos(world) if mode == "paxos" else alone_in_raft(world)
    every = [(node, number) for node in NODES for number in range(WRITERS)]
    world.cost([(1, 0, ("INCR", "n"))])
    for name, words in (
        ("9 `INCR` of one key at once", ["INCR n"] * 9),
        ("6 `INCR` and 3 `GET` of one key at once", ["GET n", "INCR n", "INCR n"] * 3),
        ("9 `GET` of one key at once", ["GET n"] * 9),
        ("9 `SET` of different keys at once, the first of them", [f"SET s{i} {VALUE}" for i in range(9)]),
        ("the next ones", [f"SET s{i} {VALUE}" for i in range(9)]),
    ):
        asked = [(*client, tuple(text.split())) for client, text in zip(every, words, strict=True)]
        rows.append((f"{name}, per call", world.cost(asked)))
    world.stage.close()
    return rows


def alone_in_paxos(world: World) -> list[tuple[str, Cost]]:
    """Calls that meet no other."""
    names = [f"k{number}" for number in range(100)]
    home, other = 1, 2
    first, second = [
        name for name in names if preferred(place_key(world.database, name.encode()), NODES) == home
    ][:2]
    asked: list[tuple[str, tuple[NodeId, int, tuple[str, ...]]]] = [
        ("first write of a key, at the node preferred for it", (home, 0, ("SET", first, VALUE))),
        ("next write there, with the kept promise", (home, 0, ("SET", first, VALUE))),
        ("the same through another node", (other, 0, ("SET", first, VALUE))),
        ("first write of a key, through another node", (other, 0, ("SET", second, VALUE))),
        ("read, at any node", (other, 0, ("GET", first))),
    ]
    return [(name, world.cost([one])) for name, one in asked]


def alone_in_raft(world: World) -> list[tuple[str, Cost]]:
    """The same."""
    home = world.leader()
    other = home % len(NODES) + 1
    world.cost([(home, 0, ("SET", "k", VALUE))])
    asked: list[tuple[str, tuple[NodeId, int, tuple[str, ...]]]] = [
        ("write at the leader", (home, 0, ("SET", "k", VALUE))),
        ("write through another node", (other, 0, ("SET", "k", VALUE))),
        ("read at the leader", (home, 0, ("GET", "k"))),
        ("read through another node", (other, 0, ("GET", "k"))),
    ]
    return [(name, world.cost([one])) for name, one in asked]


def counted() -> list[str]:
    """The table."""
    head = ["100 B values, three nodes", "flights between nodes, one after the other, until the (last) reply"]
    head += ["messages between nodes", "syncs, all disks", "bytes between nodes", "bytes written, all disks"]
    return table(head, [row(mode, name, cost) for mode in DATABASES for name, cost in cases(mode)])


def row(mode: str, name: str, cost: Cost) -> list[str]:
    """One line: of one call."""
    few = [f"{value / cost.calls:.1f}".removesuffix(".0") for value in (cost.messages, cost.syncs)]
    many = [f"{value / cost.calls:.0f}" for value in (cost.wire_bytes, cost.disk_bytes)]
    return [f"{mode}: {name}", str(cost.flights), *few, *many]
