"""Stage: a simulated cluster of real nodes directed by hand, in virtual time.

No nemesis and no drawn fault by default: what happens is what the director says. Clients speak redis-py or
``send``; functions that run at the same time are tasks (``tasks.py``). Equal seeds and directions give
equal runs; other seeds give other delays and election time-outs.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.lab.cluster import SimulatedCluster
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.recording import Recorder, Recording, Saying
from trivet.lab.resp import ReplyError, Value, request
from trivet.lab.seam import ObservationLike
from trivet.lab.stage.conversation import Conversation
from trivet.lab.stage.judging import judge_history
from trivet.lab.stage.tasks import Condition, Task, Tasks
from trivet.lab.stage.virtual_clock import VirtualClock
from trivet.lab.world.clock import WALL_START_MS
from trivet.lab.world.options import RunOptions
from trivet.lab.world.process import Process
from trivet.lab.world.real import RealNodes

if TYPE_CHECKING:
    from trivet.lab.stage.virtual_redis import VirtualRedis

MS = 1000
WITHIN_MS = 30_000
POLL_MS = 1
LIMIT_MS = 600_000
SPAWN_US_MAX = 1_000
"""Tasks spawned at one moment begin within this span, in an order that the seed draws."""

Word = str | bytes | int

_OPERATION = re.compile(r"\bop (\d+) client")


class StageError(Exception):
    """The stage cannot do what it was told."""


class StageTimeout(StageError):
    """A condition did not come true in time; the text says how the cluster stands."""


class Pending:
    """A command on its way: nothing waits for it but who wants to."""

    def __init__(self, words: Sequence[bytes], operation: Operation | None) -> None:
        self.words = words
        self.operation = operation
        """What the history says of it; None when nobody accepted the connection."""

    @property
    def done(self) -> bool:
        """Whether it has ended, for better or worse."""
        return self.operation is None or self.operation.outcome is not Outcome.PENDING

    @property
    def outcome(self) -> Outcome:
        """How it ended: pending so far, ok, fail (certainly no effect) or info (nobody knows)."""
        return Outcome.FAIL if self.operation is None else self.operation.outcome

    @property
    def reply(self) -> Value:
        """The reply; None while there is none."""
        if self.operation is None:
            return ReplyError("connection refused")
        return self.operation.replies[0] if self.operation.replies else None


def stage_options(seed: int, nodes: int, **changes: int | float) -> RunOptions:
    """A run without faults and with the limits of service; ``changes`` are fields of ``RunOptions``."""
    base = RunOptions(
        seed=seed, nodes=nodes, ops=0, clients=0, stall_breaks_rate=0.0, silent_crash_rate=0.0,
        segment_bytes=1 << 20, snapshot_log_bytes=1 << 20, snapshot_chunk_bytes=1 << 16,
        log_memory_bytes=1 << 20, append_bytes_max=1 << 20, batch_bytes_max=1 << 20, expire_per_entry_max=100,
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


class Stage:
    """``nodes`` real nodes, booted at virtual time 0. Use it as a context manager, or ``close`` it."""

    def __init__(
        self,
        nodes: int = 3,
        seed: int = 1,
        recorder: Recorder | None = None,
        options: RunOptions | None = None,
    ) -> None:
        self.options = stage_options(seed, nodes) if options is None else options
        chance = Prng(self.options.seed * 0x2545F491 + 0x57A6E)
        self.chance = chance.fork()
        """For the director's own draws, so that these too come from the seed."""
        self._own_chance = chance.fork()
        self._routes = chance.fork()
        self.cluster = SimulatedCluster(self.options, RealNodes(self.options), recorder=recorder)
        self.simulation = self.cluster.simulation
        self.tasks = Tasks(self.simulation, self._check_limit, self.say)
        self.limit_ms = LIMIT_MS
        """A run that lasts longer is ended, as one that waits for ever would be."""
        self.clock = VirtualClock(self)
        self._walls: dict[int, list[tuple[NodeId, NodeId]]] = {}
        self._next_wall = 1
        self._speakers: list[Conversation] = []
        self._clients = 0
        self._closing: list[Callable[[], None]] = []
        self.closed = False
        for process in self.cluster.processes.values():
            process.start()

    # -- time

    @property
    def now_ms(self) -> float:
        """Virtual time since the start."""
        return self.simulation.now_us / MS

    def run_for(self, ms: float) -> None:
        """Let virtual time pass. Inside a task: the task sleeps."""
        self.tasks.wait(lambda: False, int(ms * MS))

    def _check_limit(self) -> None:
        if self.now_ms >= self.limit_ms:
            text = f"the run has lasted {self.now_ms:.0f} ms of virtual time: raise limit_ms if that is right"
            raise StageTimeout("\n".join([text, *("  " + line for line in self.state())]))

    def sleep(self, seconds: float) -> None:
        """As ``time.sleep``, in virtual time."""
        self.run_for(seconds * 1000)

    def run_until(self, condition: Condition, within_ms: float = WITHIN_MS) -> None:
        """Let time pass until ``condition()`` is true, which is asked after every event. Raises StageTimeout.

        Inside a task it is asked every ``POLL_MS``.
        """
        if self.tasks.inside:
            end_ms = self.now_ms + within_ms
            while not (met := bool(condition())) and self.now_ms < end_ms:
                self.run_for(POLL_MS)
        else:
            met = self.tasks.wait(condition, int(within_ms * MS))
        if not met:
            text = f"not within {within_ms:g} ms of virtual time (now {self.now_ms:.3f} ms)"
            raise StageTimeout("\n".join([text, *("  " + line for line in self.state())]))

    # -- what is

    @property
    def nodes(self) -> list[NodeId]:
        """All node numbers."""
        return list(self.cluster.processes)

    @property
    def history(self) -> list[Operation]:
        """What clients did and saw."""
        return self.cluster.history

    def process(self, node: NodeId) -> Process:
        """The simulated process of a node: its disk, its clock, its life."""
        try:
            return self.cluster.processes[node]
        except KeyError:
            raise StageError(f"there is no node {node}: nodes are {self.nodes}") from None

    def seen(self, node: NodeId) -> ObservationLike | None:
        """A node as it looked after its last turn; None while it is down."""
        return self.process(node).seen

    def leading(self) -> list[NodeId]:
        """All running nodes that take themselves for the leader."""
        seen = {node: self.seen(node) for node in self.nodes}
        return [node for node, s in seen.items() if s is not None and s.role == "leader"]

    def _led_by(self) -> NodeId:
        """The leader that a majority follows in its term, and reaches; 0 when there is none."""
        seen = {node: self.seen(node) for node in self.nodes if not self.process(node).paused}
        cut = {pair: True for pairs in self._walls.values() for pair in pairs}
        for node, own in seen.items():
            if own is None or own.role != "leader":
                continue
            behind = [n for n, s in seen.items() if s is not None and (s.leader, s.term) == (node, own.term)]
            near = [n for n in behind if (n, node) not in cut and (node, n) not in cut]
            if 2 * len(near) > len(self.nodes):
                return node
        return 0

    def leader(self, within_ms: float = WITHIN_MS) -> NodeId:
        """The leader that a majority follows and reaches, waiting for it if need be. Raises StageTimeout."""
        self.run_until(self._led_by, within_ms)
        return self._led_by()

    def others(self, *nodes: NodeId) -> list[NodeId]:
        """All nodes but these."""
        return [node for node in self.nodes if node not in nodes]

    def state(self) -> list[str]:
        """How the cluster stands, in lines for people."""
        lines = []
        for node in self.nodes:
            seen, paused = self.seen(node), " (paused)" if self.process(node).paused else ""
            if seen is None:
                lines.append(f"node {node}: down")
                continue
            lines.append(
                f"node {node}{paused}: {seen.role} term {seen.term} leader {seen.leader} "
                f"commit {seen.commit} applied {seen.applied} log {seen.first_index}..{seen.last_index}"
            )
        lines += [f"wall: {pairs}" for pairs in self._walls.values()]
        lines += [o.text() for o in self.history if o.outcome is Outcome.PENDING][:10]
        return lines + [complaint.text() for complaint in self._spoken()]

    # -- what befalls nodes

    def crash(self, node: NodeId, power_cut: bool = False) -> None:
        """Kill at once (SIGKILL); with ``power_cut`` unsynced writes are lost too."""
        self.process(node).crash(power_cut, False)

    def start(self, node: NodeId) -> None:
        """Start a node that is down."""
        self.process(node).start()

    def pause(self, node: NodeId) -> None:
        """SIGSTOP."""
        self.process(node).pause()

    def resume(self, node: NodeId) -> None:
        """SIGCONT."""
        self.process(node).resume()

    def partition(self, *groups: Sequence[NodeId]) -> int:
        """Nodes of different groups cannot reach each other; nodes not named are one more group.

        Clients reach every node all the same. Returns the wall's number, for ``heal``.
        """
        named = [node for group in groups for node in group]
        if len(set(named)) != len(named):
            raise StageError(f"a node stands on two sides: {groups}")
        for node in named:
            self.process(node)
        sides = [list(group) for group in groups] + [self.others(*named)]
        side = {node: i for i, group in enumerate(sides) for node in group}
        pairs = [(a, b) for a in self.nodes for b in self.nodes if side[a] != side[b]]
        return self._wall(pairs, "partition " + " | ".join(str(group) for group in sides if group))

    def block(self, source: NodeId, target: NodeId) -> int:
        """Nothing passes from ``source`` to ``target`` (the other way is open). Returns the wall's number."""
        return self._wall([(source, target)], f"{source} does not reach {target}")

    def unblock(self, source: NodeId, target: NodeId) -> None:
        """Take ``block(source, target)`` back."""
        for number, pairs in self._walls.items():
            if pairs == [(source, target)]:
                self.heal(number)
                return
        raise StageError(f"{source} -> {target} is not blocked")

    def heal(self, number: int = 0) -> None:
        """Wall ``number`` falls; without a number all walls."""
        for wall in [number] if number else list(self._walls):
            self.cluster.trace.say(self.simulation.now_us, 0, f"wall {wall} falls")
            if self.cluster.recorder is not None:
                self.cluster.recorder.wall_falls(self.simulation.now_us, wall)
            for source, target in self._walls.pop(wall):
                self.cluster.network.unblock(source, target)

    def _wall(self, pairs: list[tuple[NodeId, NodeId]], text: str) -> int:
        number = self._next_wall
        self._next_wall += 1
        self._walls[number] = pairs
        self.cluster.trace.say(self.simulation.now_us, 0, f"wall {number}: {text}")
        if self.cluster.recorder is not None:
            self.cluster.recorder.wall(self.simulation.now_us, number, pairs, text)
        for source, target in pairs:
            self.cluster.network.block(source, target)
        return number

    # -- clients

    def conversation(self, client: int) -> Conversation:
        """A client's connection, not yet connected."""
        return Conversation(client, self.simulation, self.cluster.wires, self.history)

    def new_client(self) -> int:
        """The next client's number."""
        self._clients += 1
        return self._clients

    def send(self, node: NodeId, *words: Word) -> Pending:
        """Send one command to a node without waiting. Each command under way has a client of its own."""
        self.process(node)
        data = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        speaker = next((s for s in self._speakers if not s.waiting), None)
        if speaker is None:
            speaker = self.conversation(self.new_client())
            self._speakers.append(speaker)
        if speaker.open and speaker.node != node:
            speaker.close()
        if not speaker.open and not speaker.connect(node):
            return Pending(data, None)
        begun = speaker.write(request(data))
        if not begun:
            raise StageError(f"{words[0]!r} is nothing that `send` can follow: use client()")
        return Pending(data, begun[0])

    def ask(self, node: NodeId, *words: Word, within_ms: float = WITHIN_MS) -> Value:
        """Send one command and wait for its reply; None also when the outcome is unknown."""
        pending = self.send(node, *words)
        self.run_until(lambda: pending.done, within_ms)
        return pending.reply

    def client(self, node: NodeId | None = None, **settings: object) -> "VirtualRedis":
        """A redis-py client whose calls take virtual time; ``settings`` are those of ``redis.Redis``.

        It connects to ``node`` only, or to one of all nodes, and to another one after a failure.
        """
        try:
            from trivet.lab.stage.virtual_redis import make_client
        except ImportError as error:
            raise StageError(f"client() needs redis-py (pip install redis): {error}") from error
        made = make_client(self, node, self.new_client(), self._routes.fork(), settings)
        self._closing.append(made.close)
        return made

    # -- functions at the same time

    def spawn(self, function: Callable[..., object], *arguments: object, name: str = "") -> Task:
        """Run ``function(*arguments)`` beside the director and other tasks, in virtual time."""
        name = name or f"{getattr(function, '__name__', 'task')}-{len(self.tasks.all) + 1}"
        delay_us = self._own_chance.between(0, SPAWN_US_MAX)
        return self.tasks.spawn(name, lambda: function(*arguments), delay_us)

    def join(self, *tasks: Task, within_ms: float = 60_000) -> list[object]:
        """Wait until these tasks (or all) have ended; their results. Raises what one of them raised."""
        mine = list(tasks) or list(self.tasks.all)
        self.run_until(lambda: all(task.done for task in mine), within_ms)
        return [task.result() for task in mine]

    @contextmanager
    def virtual_time(self) -> Iterator[None]:
        """Within it ``time.sleep``, ``time.time`` and their like are virtual, for tasks and this thread."""
        with self.clock.installed(threading.get_ident()):
            yield

    def owns_thread(self) -> bool:
        """Whether the running thread is one of this stage's tasks."""
        return self.tasks.owns(threading.get_ident())

    @property
    def wall_s(self) -> float:
        """Virtual Unix time."""
        return WALL_START_MS / 1000 + self.simulation.now_us / 1e6

    # -- verdict and picture

    def _spoken(self) -> list[Complaint]:
        return self.cluster.complaints + self.cluster.invariants.complaints

    def judge(self) -> list[Complaint]:
        """What the judges say so far: invariants, crashes, and linearizability of what clients saw."""
        return self._spoken() or judge_history(self.history, self.options, self.simulation.now_us)

    def say(self, who: str, text: str) -> None:
        """A sentence about this moment, for the trace and the picture."""
        self.cluster.trace.say(self.simulation.now_us, 0, f"{who}: {text}")
        if self.cluster.recorder is not None:
            self.cluster.recorder.say(self.simulation.now_us, who, text)

    def recording(self) -> Recording:
        """What the recorder saw so far, with what the judges say of it."""
        if self.cluster.recorder is None:
            raise StageError("nothing was recorded: give Stage a Recorder")
        recording = self.cluster.recording()
        numbers = {operation.number: operation for operation in recording.operations}
        for complaint in self.judge():
            named = [int(n) for line in complaint.evidence for n in _OPERATION.findall(line)]
            for number in named:
                numbers[number].verdict = complaint.judge
            at_us = max((numbers[number].invoke_us for number in named), default=recording.ended_us)
            saying = Saying(at_us, complaint.judge, complaint.sentence, named)
            if saying not in recording.sayings:
                recording.sayings.append(saying)
        return recording

    def draw(
        self,
        path: str | Path,
        title: str = "",
        paragraphs: Sequence[str] = (),
        verdict: str = "",
        good: bool | None = None,
        window_ms: tuple[float, float] | None = None,
    ) -> Path:
        """Draw what the recorder saw: an interactive page (``.html``) or a picture (``.svg``); its path.

        A page tells ``paragraphs`` and a ``verdict``, happy or not as ``good`` says; a picture shows
        ``window_ms`` only, or chooses one.
        """
        target = Path(path)
        recording = self.recording()
        recording.title = title or recording.title
        recording.seed = self.options.seed
        if target.suffix == ".svg":
            from trivet.lab.pictures.svg import draw_svg

            window_us = None if window_ms is None else (int(window_ms[0] * MS), int(window_ms[1] * MS))
            text = draw_svg(recording, window_us, title=recording.title)
        elif target.suffix == ".html":
            from trivet.lab.pictures.page import draw_page

            text = draw_page(recording, list(paragraphs), verdict, recording.title, good)
        else:
            raise StageError(f"{target.name}: the name must end in .html or .svg")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def trace(self) -> list[str]:
        """The last lines of what happened."""
        return [line.replace("  node 0  ", "  ") for line in self.cluster.trace.lines]

    def digest(self) -> str:
        """Equal for equal runs."""
        return self.cluster.trace.digest()

    def close(self) -> None:
        """End all tasks and connections."""
        if self.closed:
            return
        self.closed = True
        self.tasks.end()
        for close in self._closing:
            close()

    def check_left_over(self) -> None:
        """Raise what nobody has looked at: an error of a task that was not joined, a node's broken rule."""
        for task in self.tasks.all:
            if task.error is not None and not task.told:
                raise StageError(f"task {task.name} failed, and nobody joined it") from task.error
        spoken = self._spoken()
        if spoken:
            raise StageError("\n".join(complaint.text() for complaint in spoken))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
