"""A group of members in memory: network and disks are queues that a test controls.

``Desk`` is one member with its disk: what a save wrote is there after a crash only if
it was synced. ``Group`` is the network between desks, and watches what must be true of
them together: one leader per term, equal logs, committed entries durable on a quorum
and never changed, reads never behind.
"""

from collections import deque
from itertools import combinations

from trivet.core.base.prng import Prng
from trivet.core.raft.config import RaftConfig
from trivet.core.raft.membership import NOBODY, Membership, Memberships, decode_membership, encode_membership
from trivet.core.raft.messages import Entry, Message, SnapshotChunk, SnapshotReply
from trivet.core.raft.raft import Raft
from trivet.core.raft.ready import HardState, Ready, Save
from trivet.core.raft.state import Role


class SnapshotMark:
    """On the way to the disk: the log restarts after, or is shortened to, a snapshot."""

    def __init__(self, index: int, term: int, reset: bool, membership: Membership) -> None:
        self.index = index
        self.term = term
        self.reset = reset
        self.membership = membership


class Disk:
    """What one member would find after a crash, and what is on its way there."""

    def __init__(self, membership: Membership) -> None:
        self.hard = HardState()
        self.membership = membership
        """At the snapshot, or with which the group was founded."""
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
        self.membership = mark.membership

    def forget(self) -> int:
        """The replica was removed: only its term and vote stay (a tombstone). Where its log ended."""
        last_index = self.last_index
        self.hard = HardState(self.hard.term, self.hard.vote, 0)
        self.membership = NOBODY
        self.snapshot_index = self.snapshot_term = 0
        self.entries = []
        return last_index


class Desk:
    """One member, its disk, and what it applied."""

    def __init__(self, config: RaftConfig, membership: Membership) -> None:
        self.config = config
        self.disk = Disk(membership)
        self.lives = 0
        self.raft: Raft | None = None
        self.missing_to = 0
        """Entries up to here were acknowledged in an earlier life of this replica; the disk says so."""

    @property
    def node(self) -> int:
        return self.config.node

    @property
    def live(self) -> Raft:
        assert self.raft is not None
        return self.raft

    def newest_membership(self) -> tuple[int, Membership]:
        """The newest in its log, or on its disk if it is down."""
        if self.raft is not None:
            return self.raft.membership_index, self.raft.membership
        found = Memberships(self.disk.snapshot_index, self.disk.membership, self.disk.entries)
        return found.index, found.latest

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
            disk.membership,
            max(missing_to, self.missing_to),
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

    def __init__(self, size: int, seed: int = 0, founding: Membership | None = None, **settings: int) -> None:
        members = tuple(range(1, size + 1))
        self.seed = seed
        self.settings = settings
        self.founding = founding or Membership(members)
        self.desks = {n: Desk(RaftConfig(node=n, **settings), self.founding) for n in members}
        self.flights: list[Flight] = []
        self.cut: dict[tuple[int, int], bool] = {}
        self.events: list[str] = []
        self.newest_committed: tuple[int, Membership] = (0, self.founding)
        self.changes = 0
        """Joint memberships that were left again."""
        self.leaders: dict[int, int] = {}
        self.seen: dict[tuple[int, int], tuple[int, bytes]] = {}
        self.committed: dict[int, tuple[int, bytes]] = {}
        self.generation = 0
        """The newest; what members of earlier ones commit counts no more."""
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
        self._unheard: dict[int, int] = {}
        self.quiet_ticks = 0
        """Ticks that members spent in silence."""
        for desk in self.desks.values():
            desk.start(seed)
            self._roles[desk.node] = (0, Role.FOLLOWER)

    # --- inputs ---------------------------------------------------------------

    def join(self, node: int) -> None:
        """A fresh replica, which waits until a leader speaks to it."""
        desk = self.desks[node] = Desk(RaftConfig(node=node, **self.settings), NOBODY)
        desk.start(self.seed)
        self._roles[node] = (0, Role.FOLLOWER)

    def forget(self, node: int) -> int:
        """A replica that was removed is wiped, but for its tombstone; where its log ended."""
        if self.desks[node].raft is not None:
            self.crash(node, 1 << 30)
        self.judge_disks = False
        desk = self.desks[node]
        last_index = desk.disk.forget()
        desk.missing_to = max(desk.missing_to, last_index)
        return last_index

    def named(self, node: int, generation: int) -> None:
        """It is to be the primary: what it has not counts no more, whoever had committed it."""
        self.generation = generation
        raft = self.desks[node].live
        self.committed = {
            index: entry
            for index, entry in self.committed.items()
            if index < raft.first_index - 1 or raft.term_at(index) == entry[0]
        }
        self.commit_max = max(self.committed, default=0)
        self.newest_committed = (raft.membership_index, Membership((node,)))

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

    def watch(self, node: int) -> None:
        """What the owner of a quiet member does, every tick: it knows which nodes can be reached."""
        raft = self.desks[node].live
        if not raft.quiet:
            return
        self.quiet_ticks += 1
        leader = self.desks.get(raft.leader)
        gone = leader is None or leader.raft is None or self.cut.get((raft.leader, node))
        self._unheard[node] = self._unheard.get(node, 0) + 1 if gone else 0
        if self._unheard[node] > 10:
            raft.peer_lost(raft.leader)
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
        desk = self.desks.get(flight.to)
        if desk is None or desk.raft is None or self.cut.get((flight.sender, flight.to)):
            return
        desk.raft.step(flight.sender, flight.message)
        self.turn(flight.to)

    def sync(self, node: int, count: int = 1 << 30) -> None:
        desk = self.desks[node]
        save_id = desk.disk.sync(count)
        if save_id:
            desk.live.saved(save_id)
            self.turn(node)
        if not desk.live.missing_to and not desk.disk.queue:
            desk.missing_to = 0

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
        term, membership = desk.live.term_at(index), desk.live.membership_at(index)
        desk.live.compact(index)
        if desk.live.first_index == index + 1:
            desk.disk.queue.append(SnapshotMark(index, term, False, membership))

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
            if desk.live.log_generation < self.generation:
                continue
            known = self.committed.setdefault(index, (entry.term, entry.payload))
            assert known == (entry.term, entry.payload), f"entry {index} was committed twice, differently"
            if entry.kind and index > self.newest_committed[0]:
                self._judge_change(index, entry)
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
            membership = encode_membership(raft.membership_at(index))
            chunk = SnapshotChunk(raft.term, index, term, 0, b"", True, membership)
            self.flights.append(Flight(node, peer, chunk))
        for sender, chunk in ready.chunks:
            if chunk.index > raft.handed:
                reset = raft.restore(chunk.index, chunk.snapshot_term, chunk.membership)
                membership = raft.membership_at(chunk.index)
                desk.disk.queue.append(SnapshotMark(chunk.index, chunk.snapshot_term, reset, membership))
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

    def _judge_change(self, index: int, entry: Entry) -> None:
        """One membership follows another: any quorums of the two meet, and no change overtakes another."""
        membership = decode_membership(entry.payload)
        assert membership is not None
        before = self.newest_committed[1]
        self.newest_committed = (index, membership)
        assert meet(before, membership), f"quorums of {before} and {membership} need not meet"
        if before.outgoing:
            assert membership.voters == before.voters, "a joint membership is left for what it leads to"
            assert not membership.outgoing
            self.changes += 1
        elif membership.outgoing:
            assert membership.outgoing == before.voters, "a change begins with the voters that there are"
        else:
            assert membership.voters == before.voters, "voters change jointly"

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
                assert is_quorum(raft.membership, durable), (
                    f"{raft.commit} is committed, but durable only on {durable}"
                )


def _holds(disk: Disk, index: int, term: int) -> bool:
    return disk.snapshot_index > index or disk.term_at(index) == term


def is_quorum(membership: Membership, nodes: list[int]) -> bool:
    """Whether ``nodes`` decide: a majority of the voters, during a change of the former ones as well."""
    sets = [membership.voters] + ([membership.outgoing] if membership.outgoing else [])
    return all(len([n for n in nodes if n in voters]) > len(voters) // 2 for voters in sets)


def meet(one: Membership, other: Membership) -> bool:
    """Whether every quorum of one shares a node with every quorum of the other."""
    nodes = one.members()
    for count in range(len(nodes) + 1):
        for chosen in combinations(nodes, count):
            if is_quorum(one, list(chosen)):
                rest = [n for n in other.members() if n not in chosen]
                if is_quorum(other, rest):
                    return False
    return True


# --- words ----------------------------------------------------------------------


def show_membership(membership: Membership) -> str:
    """The voters, and what is beside them: ``1 2 4 (1 2 3) +5 6`` leaves 1 2 3 and has two learners."""
    text = " ".join(str(n) for n in membership.voters) or "nobody"
    if membership.outgoing:
        text += " (" + " ".join(str(n) for n in membership.outgoing) + ")"
    if membership.learners:
        text += " +" + " ".join(str(n) for n in membership.learners)
    return text


def show_entry(entry: Entry) -> str:
    if entry.kind:
        membership = decode_membership(entry.payload)
        assert membership is not None
        return f"{entry.term}/{{{show_membership(membership)}}}"
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
        elif name == "membership":
            membership = decode_membership(value)
            if membership is not None:
                words.append(f"membership={{{show_membership(membership)}}}")
        elif name == "term" or value:
            words.append(f"{name}={value.decode() if isinstance(value, bytes) else value}")
    return " ".join(words)
