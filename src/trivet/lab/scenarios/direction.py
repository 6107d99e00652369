"""What the scripts about real nodes share: a stage with slow links, an onlooker, questions to the recording.

Links take some milliseconds, so that arrows in a picture lean; elections are quicker than in service,
so that it needs no great width.
"""

from collections.abc import Callable

from trivet.core.base.ids import GroupId, NodeId
from trivet.lab.judges.invariants import DigestOf, Entry, EntryAt
from trivet.lab.pictures.describe import describe
from trivet.lab.recording import Fate, Message, Recorder, Recording
from trivet.lab.scenarios.scenario import STORY, Facts, Told
from trivet.lab.seam import MAIN_GROUP, ObservationLike, RegistersLike
from trivet.lab.stage.stage import Stage, stage_options
from trivet.lab.world.process import HeldOf, Watcher

JUDGES = "election safety, log matching, leader completeness, equal states, linearizability"
MS = 1000


class Onlooker:
    """Stands between the processes and their judges, and remembers how to read each node's log."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._entries: dict[NodeId, EntryAt] = {}

    def booted(self, node: NodeId) -> None:
        """Pass it on."""
        self._watcher.booted(node)

    def observed(
        self, node: NodeId, group: GroupId, seen: ObservationLike, entry: EntryAt, digest: DigestOf
    ) -> None:
        """Remember and pass it on."""
        if group == MAIN_GROUP:
            self._entries[node] = entry
        self._watcher.observed(node, group, seen, entry, digest)

    def left(self, node: NodeId, group: GroupId, is_dropped: bool) -> None:
        """Pass it on."""
        self._watcher.left(node, group, is_dropped)

    def registers_seen(self, node: NodeId, group: GroupId, seen: RegistersLike, held: HeldOf) -> None:
        """Pass it on."""
        self._watcher.registers_seen(node, group, seen, held)

    def registers_left(self, node: NodeId, group: GroupId) -> None:
        """Pass it on."""
        self._watcher.registers_left(node, group)

    def wiped(self, node: NodeId) -> None:
        """Pass it on."""
        self._watcher.wiped(node)

    def lost(self, node: NodeId) -> None:
        """Pass it on."""
        self._watcher.lost(node)

    def complain(self, judge: str, sentence: str, evidence: list[str]) -> None:
        """Pass it on."""
        self._watcher.complain(judge, sentence, evidence)

    def entry(self, node: NodeId, index: int) -> Entry | None:
        """(term, crc) of the entry that ``node`` held at ``index`` when it last ran."""
        return self._entries[node](index) if node in self._entries else None


class Direction:
    """A stage with a recorder, the facts of the story, and its narrator."""

    def __init__(
        self,
        title: str,
        seed: int,
        nodes: int = 3,
        attempt: int = 0,
        recorder: Recorder | None = None,
        **changes: int | float,
    ) -> None:
        """``attempt``: another run of the same story."""
        settings = {"net_us_min": 3_000, "net_us_max": 7_000, "election_ms": 400, **changes}
        own_seed = seed + (attempt << 32)
        self.recorder = recorder or Recorder(title, seed)
        self.stage = Stage(nodes, own_seed, self.recorder, stage_options(own_seed, nodes, **settings))
        self.facts = Facts()
        self.onlooker = Onlooker(self.stage.cluster)
        self.stage.cluster.world.watcher = self.onlooker
        self.began_us = 0
        self.ended_us = 0

    def begin_picture(self) -> None:
        """What came before this moment is not in the picture."""
        self.began_us = self.stage.simulation.now_us

    def end_picture(self) -> None:
        """What comes after this moment is not in the picture."""
        self.ended_us = self.stage.simulation.now_us

    def say(self, text: str) -> None:
        """A sentence of the story about this moment."""
        self.stage.say(STORY, text)

    def seen(self, node: NodeId) -> ObservationLike:
        """A running node as it looked last."""
        seen = self.stage.seen(node)
        assert seen is not None, f"node {node} is down"
        return seen

    def role(self, node: NodeId) -> str:
        """A node's role; ``down`` when it does not run."""
        seen = self.stage.seen(node)
        return seen.role if seen is not None else "down"

    def votes(self, term: int, winner: NodeId) -> list[NodeId]:
        """Whose votes of ``term`` have reached ``winner``, in order; its own needs no letter."""
        votes = self.arrived(
            "RequestVoteReply",
            lambda m: m.target == winner and m.fields["term"] == str(term) and m.fields["granted"] == "yes",
        )
        return list(dict.fromkeys(m.source for m in votes))

    def settled_leader(self) -> NodeId:
        """A leader whose first entry is committed and applied everywhere that is up."""
        leader = self.stage.leader()
        self.level()
        return leader

    def level(self) -> None:
        """Wait until all running nodes have applied one index, which is the last of each log."""

        def equal() -> bool:
            seen = [self.stage.seen(node) for node in self.stage.nodes]
            return len({(s.applied, s.last_index, s.commit) for s in seen if s is not None}) == 1

        self.stage.run_until(lambda: equal() and self.stage.leading())

    def messages(self, since_us: int = 0) -> list[Message]:
        """The messages so far, described; those of the system group are left aside."""
        told = [m for m in describe(self.recorder.recording).messages if m.sent_us >= since_us]
        return [m for m in told if m.fields.get("group") != "system"]

    def arrived(self, kind: str, matches: Callable[[Message], bool], since_us: int = 0) -> list[Message]:
        """Delivered messages of a kind."""
        told = [m for m in self.messages(since_us) if m.kind == kind and m.fate is Fate.DELIVERED]
        return [m for m in told if matches(m)]

    def tell(self, verdict: str, tail_ms: float = 30) -> Told:
        """The end: the judges speak, and the story is told."""
        self.stage.run_for(tail_ms)
        self.facts.silent(self.stage.judge(), JUDGES)
        recording = describe(self.stage.recording())
        self.stage.close()
        return Told(recording, self.facts.told, verdict, (self.began_us, self.ended_us or recording.ended_us))


def terms_led(recording: Recording) -> dict[int, list[int]]:
    """Term -> the nodes that led it."""
    led: dict[int, list[int]] = {}
    for state in recording.states:
        if state.role == "leader" and state.lane not in led.setdefault(state.term, []):
            led[state.term].append(state.lane)
    return led
