"""A group of members in memory: network and disks are queues that a test controls.

``Desk`` is one member with its disk: what a save wrote is there after a crash only if
it was synced. ``Group`` is the network between desks, and watches what must be true of
them together: one leader per term, equal logs, committed entries durable on a quorum
and never changed, reads never behind.
"""

from collections import deque

from trivet.core.base.prng import Prng
from trivet.core.raft.config import RaftConfig
from trivet.core.raft.messages import Entry, Message, SnapshotChunk, SnapshotReply
from trivet.core.raft.raft import Raft
from trivet.core.raft.ready import HardState, Ready, Save
from trivet.core.raft.state import Role


class SnapshotMark:
    """On the way to the disk: the log restarts after, or is shortened to, a snapshot."""

    def __init__(self, index: int, term: int, reset: bool) -> None:
        self.index = index
        self.term = term
        self.reset = reset


class Disk:
    """What one member would find after a crash, and what is on its way there."""

    def __init__(self) -> None:
        self.hard = HardState()
        self.snapshot_index = 0
        self.snapshot_term = 0
        self.entries: list[Entry] = []
        self.queue: deque[Save | SnapshotMark] = deque()

    @property
    def last_index(self) -> int:
        return self.snapshot_index + len(self.entries)

    def term_at(self, index: int) -> int:
        if index == self.snapshot_index:
            return self.snapshot_term
        if not self.snapshot_index < index <= self.last_index:
            return -1
        return self.entries[index - self.snapshot_index - 1].term

    def sync(self, count: int = 1 << 30) -> int:
        """Make the oldest ``count`` writes durable; the last save's id, or 0."""
        save_id = 0
        for _ in range(min(count, len(self.queue))):
            write = self.queue.popleft()
            if isinstance(write, SnapshotMark):
                self._mark(write)
            else:
                self._write(write)
                save_id = write.save_id
        return save_id

    def _write(self, save: Save) -> None:
        assert save.term >= self.hard.term
        self.hard = HardState(save.term, save.vote, max(save.commit, self.hard.commit))
        if save.first_index:
            assert self.snapshot_index < save.first_index <= self.last_index + 1, "a gap on the disk"
            assert self.term_at(save.first_index - 1) == save.prev_term
            del self.entries[save.first_index - self.snapshot_index - 1 :]
            self.entries.extend(save.entries)
        assert self.last_index == save.last_index
        assert self.term_at(self.last_index) == save.last_term

    def _mark(self, mark: SnapshotMark) -> None:
        if mark.index < self.snapshot_index:
            return
        if mark.reset:
            self.entries = []
        else:
            assert self.term_at(mark.index) == mark.term
            del self.entries[: mark.index - self.snapshot_index]
        self.snapshot_index = mark.index
        self.snapshot_term = mark.term


class Desk:
    """One member, its disk, and what it applied."""

    def __init__(self, config: RaftConfig) -> None:
        self.config = config
        self.disk = Disk()
        self.lives = 0
        self.raft: Raft | None = None

    @property
    def node(self) -> int:
        return self.config.node

    @property
    def live(self) -> Raft:
        assert self.raft is not None
        return self.raft

    def start(self, seed: int, missing_to: int = 0, suspect: bool = False) -> None:
        disk = self.disk
        self.lives += 1
        self.raft = Raft(
            self.config,
            Prng(seed * 1000 + self.node * 100 + self.lives),
            disk.hard,
            disk.snapshot_index,
            disk.snapshot_term,
            disk.entries,
            missing_to,
            suspect,
        )

    def crash(self, kept: int = 0) -> None:
        """Lose what was not synced, but for the oldest ``kept`` writes."""
        self.disk.sync(kept)
        self.disk.queue.clear()
        self.raft = None


class Flight:
    """One message on its way."""

    def __init__(self, sender: int, to: int, message: Message) -> None:
        self.sender = sender
        self.to = to
        self.message = message


class Group:
    """Desks, the messages between them, and the judges of the whole."""

    def __init__(self, size: int, seed: int = 0, **settings: int) -> None:
        voters = tuple(range(1, size + 1))
        self.seed = seed
        self.desks = {n: Desk(RaftConfig(node=n, voters=voters, **settings)) for n in voters}
        self.flights: list[Flight] = []
        self.cut: dict[tuple[int, int], bool] = {}
        self.events: list[str] = []
        self.majority = size // 2 + 1
        self.leaders: dict[int, int] = {}
        self.seen: dict[tuple[int, int], tuple[int, bytes]] = {}
        self.committed: dict[int, tuple[int, bytes]] = {}
        self.commit_max = 0
        self.read_floor: dict[int, int] = {}
        self.reads_done = 0
        self.reads_dropped = 0
        self.snapshots = 0
        self.streams: dict[tuple[int, int], int] = {}
        """(from, to) -> ticks that a snapshot has been on its way without an answer."""
        self.held: dict[int, bool] = {}
        """Members whose inputs wait for a turn."""
        self.judge_disks = True
        self._roles: dict[int, tuple[int, int]] = {}
        self._commits: dict[int, int] = {}
        self._scanned: dict[int, tuple[int, int]] = {}
        for desk in self.desks.values():
            desk.start(seed)
            self._roles[desk.node] = (0, Role.FOLLOWER)

    # --- inputs ---------------------------------------------------------------

    def tick(self, node: int) -> None:
        raft = self.desks[node].live
        raft.tick()
        for (streamer, peer), waited in list(self.streams.items()):
            if streamer == node:
                self.streams[(node, peer)] = waited + 1
                if waited > 20:
                    del self.streams[(node, peer)]
                    raft.snapshot_finished(peer, 0, False)
        self.turn(node)

    def propose(self, node: int, payload: bytes) -> int:
        index = self.desks[node].live.propose(payload)
        self.turn(node)
        return index

    def read(self, node: int, read_id: int) -> None:
        self.read_floor[read_id] = self.commit_max
        self.desks[node].live.request_read(read_id)
        self.turn(node)

    def deliver(self, flight: Flight) -> None:
        desk = self.desks[flight.to]
        if desk.raft is None or self.cut.get((flight.sender, flight.to)):
            return
        desk.raft.step(flight.sender, flight.message)
        self.turn(flight.to)

    def sync(self, node: int, count: int = 1 << 30) -> None:
        desk = self.desks[node]
        save_id = desk.disk.sync(count)
        if save_id:
            desk.live.saved(save_id)
            self.turn(node)

    def crash(self, node: int, kept: int = 0) -> None:
        self.desks[node].crash(kept)
        self.streams = {link: waited for link, waited in self.streams.items() if link[0] != node}
        self._commits.pop(node, None)
        self._scanned.pop(node, None)
        self._roles[node] = (self.desks[node].disk.hard.term, Role.FOLLOWER)

    def peer_lost(self, node: int, peer: int) -> None:
        """The connection from ``node`` to ``peer`` broke; a snapshot on its way is given up."""
        self.desks[node].live.peer_lost(peer)
        if self.streams.pop((node, peer), None) is not None:
            self.desks[node].live.snapshot_finished(peer, 0, False)
        self.turn(node)

    def compact(self, node: int, index: int) -> None:
        """The member took a snapshot of its own: memory and disk forget what is before it."""
        desk = self.desks[node]
        term = desk.live.term_at(index)
        desk.live.compact(index)
        if desk.live.first_index == index + 1:
            desk.disk.queue.append(SnapshotMark(index, term, False))

    def rot(self, node: int, count: int) -> int:
        """The last ``count`` durable entries of a crashed member are lost; where its log ended before."""
        self.judge_disks = False
        disk = self.desks[node].disk
        last_index = disk.last_index
        del disk.entries[max(0, len(disk.entries) - count) :]
        return last_index

    def restart(self, node: int, missing_to: int = 0, suspect: bool = False) -> None:
        self.desks[node].start(self.seed, missing_to, suspect)
        self.turn(node)

    def turn(self, node: int) -> None:
        """Take what came out of ``node``, and judge."""
        if node in self.held:
            return
        desk = self.desks[node]
        raft = desk.live
        if raft.role is not Role.LEADER:
            self.streams = {link: waited for link, waited in self.streams.items() if link[0] != node}
        self._judge_role(desk)
        while True:
            raft.check_invariants()
            ready = raft.ready()
            if ready is None:
                break
            self._take(desk, ready)
        raft.check_invariants()
        self._judge_log(desk)
        self._judge_commit(desk)

    # --- outcomes -------------------------------------------------------------

    def _take(self, desk: Desk, ready: Ready) -> None:
        node = desk.node
        for to, message in ready.messages:
            self.flights.append(Flight(node, to, message))
            self.events.append(f"{node}->{to} {show(message)}")
        if ready.save is not None:
            desk.disk.queue.append(ready.save)
            self.events.append(f"{node} saves {show_save(ready.save)}")
        for position, entry in enumerate(ready.committed):
            index = ready.committed_first + position
            self.events.append(f"{node} commits {index}={show_entry(entry)}")
            known = self.committed.setdefault(index, (entry.term, entry.payload))
            assert known == (entry.term, entry.payload), f"entry {index} was committed twice, differently"
        for read_id, index in ready.reads:
            self.events.append(f"{node} reads #{read_id} at {index}")
            assert index >= self.read_floor[read_id], f"read {read_id} is behind"
            self.reads_done += 1
        for read_id in ready.reads_dropped:
            self.events.append(f"{node} drops read #{read_id}")
            self.reads_dropped += 1
        for index, digest in ready.digests:
            self.events.append(f"{node} digest {digest.decode()} at {index}")
        self._take_snapshots(desk, ready)

    def _take_snapshots(self, desk: Desk, ready: Ready) -> None:
        """What the group above does: stream, install, report. A snapshot here is one chunk."""
        raft = desk.live
        node = desk.node
        for peer in ready.snapshots_wanted:
            assert raft.role is Role.LEADER, "a chunk would pass for one of this term's leader"
            if (node, peer) in self.streams:
                continue
            self.streams[(node, peer)] = 0
            index, term = raft.handed, raft.term_at(raft.handed)
            self.events.append(f"{node} streams snapshot {index} to {peer}")
            self.flights.append(Flight(node, peer, SnapshotChunk(raft.term, index, term, 0, b"", True)))
        for sender, chunk in ready.chunks:
            if chunk.index > raft.handed:
                reset = raft.restore(chunk.index, chunk.snapshot_term)
                desk.disk.queue.append(SnapshotMark(chunk.index, chunk.snapshot_term, reset))
                self.events.append(
                    f"{node} installs snapshot {chunk.index}" + (", log reset" if reset else "")
                )
                self.snapshots += 1
                reply = SnapshotReply(raft.term, chunk.index, 0, True)
                self.flights.append(Flight(node, sender, reply))
        for sender, reply in ready.snapshot_replies:
            self.streams.pop((node, sender), None)
            raft.snapshot_finished(sender, reply.index, reply.ok)

    # --- judges ---------------------------------------------------------------

    def _judge_role(self, desk: Desk) -> None:
        raft = desk.live
        term, role = self._roles[desk.node]
        assert raft.term >= term, "a term fell"
        if (raft.term, raft.role) == (term, role):
            return
        self._roles[desk.node] = (raft.term, raft.role)
        self.events.append(f"{desk.node} is {raft.role.name.lower()} in term {raft.term}")
        if raft.role is Role.LEADER:
            known = self.leaders.setdefault(raft.term, desk.node)
            assert known == desk.node, f"term {raft.term} has two leaders (election safety)"
            for index, (entry_term, _) in self.committed.items():
                if index >= raft.first_index - 1:
                    assert raft.term_at(index) == entry_term, f"leader lacks {index} (leader completeness)"

    def _judge_log(self, desk: Desk) -> None:
        """Log matching: (index, term) names one entry and, through the term before it, one prefix."""
        raft = desk.live
        mark = (raft.last_index, raft.term_at(raft.last_index))
        if self._scanned.get(desk.node) == mark:
            return
        self._scanned[desk.node] = mark
        for index in range(max(raft.first_index, raft.last_index - 40), raft.last_index + 1):
            entry = raft.entry(index)
            assert entry is not None
            fact = (raft.term_at(index - 1), entry.payload)
            known = self.seen.setdefault((index, entry.term), fact)
            assert known == fact, f"two logs differ at {index} in term {entry.term} (log matching)"

    def _judge_commit(self, desk: Desk) -> None:
        raft = desk.live
        before = self._commits.get(desk.node, 0)
        assert raft.commit >= before, "the commit index fell"
        self._commits[desk.node] = raft.commit
        if raft.commit > self.commit_max:
            self.commit_max = raft.commit
            if self.judge_disks:
                term = raft.term_at(raft.commit)
                durable = [d.node for d in self.desks.values() if _holds(d.disk, raft.commit, term)]
                assert len(durable) >= self.majority, (
                    f"{raft.commit} is committed, but durable only on {durable}"
                )


def _holds(disk: Disk, index: int, term: int) -> bool:
    return disk.snapshot_index > index or disk.term_at(index) == term


# --- words ----------------------------------------------------------------------


def show_entry(entry: Entry) -> str:
    return f"{entry.term}/{entry.payload.decode() or '-'}"


def show_save(save: Save) -> str:
    text = f"#{save.save_id} term {save.term} vote {save.vote}"
    if save.first_index:
        text += f" entries {save.first_index}.. " + " ".join(show_entry(e) for e in save.entries)
    return text


def show(message: Message) -> str:
    """A message in one line: its class and every field that is not at its default."""
    words = [type(message).__name__]
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if name == "entries":
            words.append("[" + " ".join(show_entry(e) for e in value) + "]")
        elif name == "term" or value:
            words.append(f"{name}={value.decode() if isinstance(value, bytes) else value}")
    return " ".join(words)
