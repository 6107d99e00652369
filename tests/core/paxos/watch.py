"""What must be true of a group of registers as a whole, whatever its members believe.

The watch sees what leaves the nodes and what becomes durable, and nothing of their memory:

- an answer tells nothing that is not durable (P1);
- what a member has promised for a key never falls, whether there is a register or not (P2, P10), unless its
  disk is lost;
- one ballot has one content (P3);
- when a quorum has accepted a content, every proposal of a higher ballot comes from it: it has a later
  version, or is the same ("Paxos Made Simple", P2b); over removals, changes of members and lost disks (P4,
  P11, P13, P16);
- in slots that arrive anything may be proposed; what was chosen there last is what all of this begins with
  (P22, P24);
- along what quorums have accepted an operation of an origin makes one version, not two (P8, P9).
"""

from trivet.core.paxos.ballot import NOTHING, Ballot
from trivet.core.paxos.config import GroupConfig, Quorums
from trivet.core.paxos.content import Content, Sealed
from trivet.core.paxos.messages import (
    Accept,
    Accepted,
    Message,
    PageReply,
    Prepare,
    Promises,
    Raised,
    Read,
    ReadReply,
    Remove,
)
from trivet.core.paxos.ready import (
    Marks,
    SavedAccepts,
    SavedDrop,
    SavedPromises,
    SavedRecord,
    SavedRegister,
    SavedRemoval,
)
from trivet.core.paxos.slots import ABSENT, ARRIVING, SERVED, SlotOf, Span, one_slot


class Durable:
    """What the disk of one node says."""

    def __init__(self) -> None:
        self.registers: dict[bytes, tuple[Ballot, Ballot]] = {}
        self.hearsay: dict[bytes, bool] = {}
        self.marks = Marks()

    def promised(self, key: bytes) -> Ballot:
        return self.registers.get(key, (self.marks.floor, NOTHING))[0]

    def accepted(self, key: bytes) -> Ballot:
        return self.registers.get(key, (self.marks.floor, NOTHING))[1]


class Watch:
    """Of one group."""

    def __init__(self, config: GroupConfig, slot_of: SlotOf = one_slot) -> None:
        self.slot_of = slot_of
        self.configs = {config.epoch: config}
        self.quorums = {config.epoch: Quorums(config)}
        self.disks: dict[int, Durable] = {}
        self.questions: dict[tuple[int, int], Prepare | Accept | Read] = {}
        """By (proposer, flight)."""
        self.proposals: dict[bytes, dict[Ballot, Sealed]] = {}
        self.votes: dict[tuple[bytes, Ballot, int], int] = {}
        """(key, ballot, epoch) -> members that have accepted, durably."""
        self.chosen: dict[bytes, dict[Ballot, Sealed]] = {}
        self.made: dict[tuple[bytes, int, int], int] = {}
        """(key, origin, seq) -> the version that it made."""

    def config(self, config: GroupConfig) -> None:
        """The map goes on."""
        self.configs[config.epoch] = config
        self.quorums[config.epoch] = Quorums(config)

    def span(self, epoch: int, key: bytes) -> Span:
        """How the group holds the slot of ``key`` in ``epoch``."""
        config, slot = self.configs.get(epoch), self.slot_of(key)
        if config is None or config.spans is None:
            return Span(0, 0, 1, SERVED)
        for span in config.spans:
            if span.first <= slot <= span.last:
                return span
        return Span(0, 0, 0, ABSENT)

    # --- disks -----------------------------------------------------------------------------

    def disk(self, node: int) -> Durable:
        if node not in self.disks:
            self.disks[node] = Durable()
        return self.disks[node]

    def lost(self, node: int) -> None:
        """What it had accepted counts only where it was chosen by then."""
        self.disks[node] = Durable()
        for (key, ballot, epoch), mask in list(self.votes.items()):
            if ballot not in self.chosen.get(key, {}):
                self.votes[(key, ballot, epoch)] = mask & ~self.quorums[epoch].bits.get(node, 0)

    def saved(self, node: int, record: SavedRecord) -> None:
        """One record is durable."""
        disk = self.disk(node)
        if isinstance(record, SavedRegister):
            before = disk.promised(record.key)
            disk.registers[record.key] = (record.promised, record.accepted)
            disk.hearsay[record.key] = record.hearsay
            if not disk.marks.doubtful:
                assert record.promised >= before, f"a promise of {node} for {record.key!r} fell"
                if record.content is not None and not record.hearsay:
                    self._vote(node, disk.marks.epoch, record.key, record.accepted, record.content)
        elif isinstance(record, SavedAccepts):
            columns = zip(record.keys, record.counters, record.next_counters, record.contents, strict=True)
            for key, counter, next_counter, content in columns:
                ballot = (counter, record.proposer)
                promised = max(ballot, (next_counter, record.proposer))
                assert promised >= disk.promised(key), f"a promise of {node} for {key!r} fell"
                disk.registers[key] = (promised, ballot)
                disk.hearsay[key] = False
                self._vote(node, disk.marks.epoch, key, ballot, content)
        elif isinstance(record, SavedPromises):
            for key, counter in zip(record.keys, record.counters, strict=True):
                promised = (counter, record.proposer)
                assert promised >= disk.promised(key), f"a promise of {node} for {key!r} fell"
                disk.registers[key] = (promised, disk.registers.get(key, (NOTHING, NOTHING))[1])
        elif isinstance(record, SavedRemoval):
            before = disk.promised(record.key)
            disk.registers.pop(record.key, None)
            assert disk.promised(record.key) >= before, f"a promise of {node} for {record.key!r} fell"
        elif isinstance(record, Marks):
            assert record.epoch >= disk.marks.epoch, "an epoch fell"
            assert record.floor >= disk.marks.floor, "a floor fell"
            assert record.floor_version >= disk.marks.floor_version, "a floor fell"
            if disk.marks.doubtful and not record.doubtful:
                low = [key for key, (promised, _) in disk.registers.items() if promised < disk.marks.floor]
                assert not low, (
                    f"{node} is certain again, and {low} are promised less than a floor it has heard of"
                )
            disk.marks = record
        elif isinstance(record, SavedDrop):
            for key in list(disk.registers):
                if any(first <= self.slot_of(key) <= last for first, last in record.ranges):
                    del disk.registers[key]
        else:
            disk.registers.clear()

    def _vote(self, node: int, epoch: int, key: bytes, ballot: Ballot, content: Sealed) -> None:
        span = self.span(epoch, key)
        assert span.state in (SERVED, ARRIVING), f"{node} accepts {key!r} in epoch {epoch}: it may not"
        if span.since != 1:
            key += b"@%d" % span.since  # another register of the same name
        quorums = self.quorums.get(epoch)
        if quorums is None or node not in quorums.bits:
            return
        place = (key, ballot, epoch)
        self.votes[place] = self.votes.get(place, 0) | quorums.bits[node]
        chosen = self.chosen.setdefault(key, {})
        if ballot not in chosen and quorums.is_quorum(self.votes[place]):
            chosen[ballot] = content
            for other, proposed in self.proposals.get(key, {}).items():
                if other > ballot and span.state == SERVED:
                    self._follows(key, ballot, content, other, proposed)
            if span.state == SERVED:
                self._once(key, content)

    # --- messages --------------------------------------------------------------------------

    def left(self, node: int, message: Message) -> None:
        """A message leaves ``node``, or it says it to itself."""
        disk = self.disk(node)
        if isinstance(message, (Prepare, Accept, Read)):
            known = self.questions.setdefault((message.proposer, message.flight), message)
            assert known is message, "a flight has one question"
            if isinstance(message, Accept):
                for key, counter, content in zip(
                    message.keys, message.counters, message.contents, strict=True
                ):
                    self._proposal(message.epoch, key, (counter, message.proposer), content)
        elif isinstance(message, Remove) or not isinstance(
            message, (Promises, Accepted, ReadReply, PageReply, Raised)
        ):
            return
        elif message.epoch == disk.marks.epoch:
            assert dict(disk.marks.lives) == dict(message.standing.lives) or all(
                disk.marks.lives and dict(disk.marks.lives).get(n, 0) >= life
                for n, life in message.standing.lives
            ), f"{node} tells of lives that are not durable"
            assert disk.marks.floor >= message.standing.floor, f"{node} tells of a floor that is not durable"
            self._told(node, disk, message)

    def _told(self, node: int, disk: Durable, message: Message) -> None:
        """A refusal binds nobody."""
        if isinstance(message, Raised):
            return
        if isinstance(message, PageReply):
            for item in message.items:
                self._has_promised(node, disk, item.key, item.promised)
                self._has_value(node, disk, item.key, item.accepted)
            return
        question = self.questions[(message.proposer, message.flight)]
        if isinstance(message, ReadReply):
            assert isinstance(question, Read)
            others = {item.position: item.accepted for item in message.others}
            for position in range(message.start, message.end):
                accepted = others.get(position, question.held[position])
                self._has_value(node, disk, question.keys[position], accepted)
            return
        assert isinstance(question, (Prepare, Accept))
        refused = {item.position for item in message.refused}
        if isinstance(message, Promises):
            assert isinstance(question, Prepare)
            for position, accepted in enumerate(message.accepted, message.start):
                if position not in refused:
                    key = question.keys[position]
                    self._has_promised(node, disk, key, (question.counters[position], question.proposer))
                    self._has_value(node, disk, key, accepted)
            return
        assert isinstance(question, Accept)
        since = {item.position: item.promised for item in message.since}
        for position, key in enumerate(question.keys):
            if position in refused:
                continue
            ballot = (question.counters[position], question.proposer)
            asked = (max(question.counters[position], question.next_counters[position]), question.proposer)
            self._has_promised(node, disk, key, since.get(position, asked))
            accepted = disk.accepted(key)
            removed = disk.marks.floor > ballot  # and came back since
            assert (
                key not in disk.registers
                or removed
                or accepted > ballot
                or (accepted == ballot and not disk.hearsay.get(key))
            ), f"{node} says that it has accepted what it has not"

    def _has_promised(self, node: int, disk: Durable, key: bytes, promised: Ballot) -> None:
        assert disk.promised(key) >= promised, f"{node} tells of a promise that is not durable: {key!r}"

    def _has_value(self, node: int, disk: Durable, key: bytes, accepted: Ballot) -> None:
        removed = disk.marks.floor > accepted  # and came back since
        assert key not in disk.registers or removed or disk.accepted(key) >= accepted, (
            f"{node} tells of a value that is not durable: {key!r} {accepted}"
        )

    def _proposal(self, epoch: int, key: bytes, ballot: Ballot, content: Sealed) -> None:
        span = self.span(epoch, key)
        if span.since != 1:
            key += b"@%d" % span.since
        proposals = self.proposals.setdefault(key, {})
        known = proposals.get(ballot)
        if known is not None:
            assert known == content, f"ballot {ballot} of {key!r} has two contents"
            return
        proposals[ballot] = content
        below = [chosen for chosen in self.chosen.get(key, {}) if chosen < ballot]
        if below and span.state == SERVED:
            last = max(below)
            self._follows(key, last, self.chosen[key][last], ballot, content)

    def _follows(self, key: bytes, ballot: Ballot, content: Sealed, later: Ballot, proposed: Sealed) -> None:
        if Content(proposed).version > Content(content).version or proposed == content:
            return
        raise AssertionError(
            f"{key!r}: {proposed!r} is proposed at {later}, though a quorum has accepted {content!r} at {ballot}"
        )

    def _once(self, key: bytes, content: Sealed) -> None:
        for entry in Content(content).done:
            place = (key, entry.origin, entry.seq)
            version = self.made.setdefault(place, entry.version)
            assert version == entry.version, (
                f"{place} has happened twice, as versions {version} and {entry.version}"
            )
