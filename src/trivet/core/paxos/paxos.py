"""One member of a group of registers: inputs in, effects out.

On the path: the group submits operations and passes messages in; ``ready()`` gives what has to leave, be
saved, be answered. It is what Rystsov's "CASPaxos: Replicated State Machines without logs" (2018)
describes; "§" means its sections. This file joins the acceptor and the proposer of a node, and what they
need from time to time: walks over keys, removal of tombstones, changes of members, recovery from a lost
disk. A node that is no member has a proposer all the same.
"""

from collections.abc import Iterable
from typing import cast

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.core.paxos.acceptor import HANDLERS as QUESTIONS
from trivet.core.paxos.acceptor import Acceptor, Question
from trivet.core.paxos.adoption import Adoption
from trivet.core.paxos.ballot import Ballot
from trivet.core.paxos.collector import Collector
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import Sealed
from trivet.core.paxos.export import FETCH_ROUNDS, Export
from trivet.core.paxos.invariants import check
from trivet.core.paxos.messages import Message, PageReply, Raised
from trivet.core.paxos.operation import Operation, Outcome
from trivet.core.paxos.proposer import HANDLERS as ANSWERS
from trivet.core.paxos.proposer import Answer, Proposer
from trivet.core.paxos.ready import Ready, SavedRecord, SavedRegister
from trivet.core.paxos.rescan import Rescan
from trivet.core.paxos.revival import Revival
from trivet.core.paxos.scans import INTERNAL, LISTING, Scans
from trivet.core.paxos.settings import PaxosSettings, problem
from trivet.core.paxos.slots import SlotOf, one_slot


class Paxos:
    """One member. Inputs: the methods; outcome: ``ready()``, once per turn."""

    __slots__ = (
        "_generation", "_revival", "_revived", "_stirred", "acceptor", "collecting", "collector", "export",
        "proposer", "rescan_", "scans", "settings",
    )  # fmt: skip

    def __init__(
        self, settings: PaxosSettings, prng: Prng, records: Iterable[SavedRecord] = (),
        doubtful: bool = False, slot_of: SlotOf = one_slot,
    ) -> None:  # fmt: skip
        """Wake up with what the disk remembers, in the order it was saved.

        ``doubtful``: it may lack something. ``slot_of``: where registers lie, if slots are to move.
        """
        assert problem(settings) == "", problem(settings)
        self.settings = settings
        self.acceptor = Acceptor(settings, records, doubtful, settings.proposer, slot_of)
        self.proposer = Proposer(settings, prng, slot_of, self.acceptor.registers)
        self.scans = Scans(self.proposer)
        self.export = Export(self.proposer)
        self.rescan_ = Rescan(self.proposer, self.scans)
        self.collector = Collector(self.acceptor, self.proposer)
        self.collecting = True
        """Whether tombstones are removed without being told."""
        self._revival: Revival | None = None
        self._revived = 0
        """The save with which it is certain again."""
        self._generation = 0
        self._stirred = True
        """There was input since the last outcome, or that one has left something to do."""

    # --- what it is ----------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """Of the config by which it proposes; 0: it has none."""
        config = self.proposer.config
        return config.epoch if config is not None else 0

    @property
    def doubtful(self) -> bool:
        """It may have forgotten something, and answers nothing until it has caught up."""
        return self.acceptor.doubtful

    @property
    def full(self) -> bool:
        """The disk is full: its acceptor takes nothing that has to be written, from its own node neither."""
        return self.acceptor.full

    @full.setter
    def full(self, full: bool) -> None:
        self.acceptor.full = full

    @property
    def rescanning(self) -> bool:
        """A rescan is under way."""
        return self.rescan_.epoch != 0

    @property
    def underway(self) -> int:
        """Operations that have not ended."""
        return self.proposer.underway

    @property
    def floor_version(self) -> int:
        """No removed register had a later version: good as ``since`` for a key of which nothing is known."""
        return max(self.proposer.floor_version, self.acceptor.floor_version)

    @property
    def quiet(self) -> bool:
        """Nothing is under way that needs ``tick``."""
        acceptor, proposer = self.acceptor, self.proposer
        return not (
            proposer.rounds or proposer.collecting or self.scans.underway or self.rescan_.epoch
            or self.export.underway or (acceptor.doubtful and acceptor.joined)
            or (self.collecting and acceptor.registers.tombstones)
        )  # fmt: skip

    @property
    def bytes_in_memory(self) -> int:
        """What registers and kept promises cost, about."""
        return self.acceptor.registers.bytes_in_memory + self.proposer.kept.bytes_in_memory

    def records(self, cursor: bytes | None, limit: int) -> list[SavedRecord]:
        """What a log that begins here must hold: marks, then registers, ``limit`` of them after ``cursor``.

        Go on after the key of the last register; an empty list, or one of marks alone, is the end. What is
        saved meanwhile has to be in the log behind them.
        """
        records: list[SavedRecord] = [] if cursor is not None else [self.acceptor.marks()]
        end = len(records) + max(limit, 1)
        for key, register in self.acceptor.registers.after(cursor):
            if len(records) >= end:
                break
            records.append(
                SavedRegister(
                    key, register.promised, register.accepted, register.content, register.hearsay
                )
            )  # fmt: skip
        return records

    # --- inputs --------------------------------------------------------------------------

    def learn(self, config: GroupConfig) -> None:
        """The cluster map has another epoch of this group (Rule P12)."""
        if config.epoch <= self.epoch:
            return
        self._stirred = True
        self.acceptor.learn(config)
        self.proposer.learn(config)
        self.rescan_.stop()
        self._revival = None
        self._notice_generation()

    def take_moved(self) -> list[Operation]:
        """Operations that have ended as MOVED; else ``ready`` gives them."""
        proposer = self.proposer
        moved = [
            operation
            for operation in proposer.finished
            if operation.outcome is Outcome.MOVED and not isinstance(operation, Adoption)
        ]
        if moved:
            proposer.finished = [operation for operation in proposer.finished if operation not in moved]
        return moved

    def submit(self, operation: Operation) -> None:
        """Begin an operation."""
        self._stirred = True
        self.proposer.submit(operation)

    def scan(self, scan_id: int, cursor: bytes | None, limit: int) -> None:
        """Ask for the keys after ``cursor``; about ``limit`` of them. ``scan_id`` >= 0."""
        assert scan_id >= 0
        self._stirred = True
        self.scans.start(scan_id, cursor, limit)

    def rescan(self) -> None:
        """Bring every register to quorums of both sets of voters.

        ``Ready.rescanned`` says when that is so.
        """
        self._stirred = True
        self.rescan_.start()

    def collect(self, key: bytes) -> bool:
        """Remove the tombstone of ``key`` now. False: it is busy."""
        self._stirred = True
        return self.collector.collect(key)

    def list_registers(self, cursor: bytes | None, limit: int) -> None:
        """Ask a quorum for the registers after ``cursor``, and their ballots (``Ready.listed``; Rule P23)."""
        self._stirred = True
        self.scans.start(LISTING, cursor, limit)

    def fetch(self, wanted: dict[bytes, Ballot], holder: NodeId) -> None:
        """Ask for contents accepted at these ballots, or later (``Ready.fetched``).

        ``wanted``: at most ``page_keys_max``; ``holder`` is a member that has them.
        """
        self._stirred = True
        self.export.fetch(wanted, holder)

    def stop_export(self) -> None:
        """Nobody wants to know any more what the group has."""
        self._stirred = True
        self.scans.stop(LISTING)
        self.export.stop()

    def adopt(self, op_id: int, key: bytes, content: Sealed, epoch: int) -> None:
        """Have a quorum hold ``content`` in a slot that arrives since ``epoch`` (``Ready.adopted``; P22)."""
        self._stirred = True
        self.proposer.submit(Adoption(op_id, key, content, self.settings.proposer, epoch))

    def step(self, sender: NodeId, message: Message) -> None:
        """A message arrived."""
        self._stirred = True
        kind = type(message)
        if kind in QUESTIONS:
            self.acceptor.step(sender, cast(Question, message))
        elif kind in ANSWERS:
            self.proposer.step(sender, cast(Answer, message))
            self._notice_generation()
        elif isinstance(message, PageReply):
            self._on_page_reply(sender, message)
        elif isinstance(message, Raised):
            self._on_raised(sender, message)

    def _on_page_reply(self, sender: NodeId, message: PageReply) -> None:
        heard = self.proposer.hears(sender, message.proposer, message.epoch, message.standing)
        self._notice_generation()
        if not heard:
            return
        if FETCH_ROUNDS <= message.round_id < (1 << 62):
            self.export.on_page_reply(sender, message)
        elif self._revival is None or message.round_id < (1 << 62):
            self.scans.on_page_reply(sender, message)
        elif self.acceptor.doubtful and self._revival.on_page_reply(self.acceptor, sender, message):
            self._revival = None
            self._revived = self.acceptor.marks_id

    def _on_raised(self, sender: NodeId, message: Raised) -> None:
        heard = self.proposer.hears(sender, message.proposer, message.epoch, message.standing)
        self._notice_generation()
        if heard:
            self.rescan_.on_raised(sender, message.round_id)

    def _notice_generation(self) -> None:
        """Nothing that walks have been answered counts, if nothing that rounds have been answered does."""
        if self._generation != self.proposer.generation:
            self._generation = self.proposer.generation
            self.scans.restart()
            self.rescan_.restart()

    def saved(self, save_id: int) -> None:
        """Every save up to ``save_id`` is durable: what waited for it may go."""
        self._stirred = True
        self.acceptor.saved(save_id)

    def tick(self) -> None:
        """One tick passed."""
        self._stirred = True
        self.acceptor.tick()
        self.proposer.tick()
        self.scans.tick()
        self.export.tick()
        self.rescan_.tick()
        if self._revival is not None:
            self._revival.tick()
        if self.collecting:
            self.collector.tick()

    def check_invariants(self) -> None:
        """Assert what must be true after every input."""
        check(self.acceptor, self.proposer)

    # --- outcome -------------------------------------------------------------------------

    def ready(self) -> Ready | None:
        """What this turn's inputs lead to; None if nothing does."""
        if not self._stirred:
            return None
        out = Ready()
        node = self.settings.node
        while True:
            own: list[Message] = []
            for to, message in self._messages():
                if to == node:
                    own.append(message)
                else:
                    out.messages.append((to, message))
            if not own:
                break
            for message in own:
                self.step(node, message)
        out.save = self.acceptor.take_save()
        self._take_ends(out)
        acceptor, proposer = self.acceptor, self.proposer
        self._stirred = bool(proposer.restless or proposer.internal or proposer.collected or acceptor.out)
        return None if out.is_empty() else out

    def check_rest(self) -> None:
        """Assert that without input there is no outcome; call it when ``ready`` has given None."""
        stirred, self._stirred = self._stirred, True
        assert self.ready() is None, "something was left to do"
        self._stirred = stirred

    def _messages(self) -> list[tuple[NodeId, Message]]:
        """Everything that may leave now, to this node itself as well."""
        acceptor, proposer = self.acceptor, self.proposer
        self._take_internal_ends()
        config = proposer.config
        if acceptor.doubtful and self._revival is None and acceptor.joined and config is not None:
            assert proposer.quorums is not None
            if config.epoch == acceptor.epoch:  # else what others hold in that epoch may be another register
                self._revival = Revival(self.settings, config, proposer.quorums)
        if self._revival is not None:
            self._revival.flush(acceptor)
        messages = acceptor.out
        acceptor.out = []
        proposer.flush(messages)
        if self.scans.underway:
            self.scans.flush(messages)
        if self.export.underway:
            self.export.flush(messages)
        if self.rescan_.epoch:
            self.rescan_.flush(messages)
        return messages

    def _take_internal_ends(self) -> None:
        proposer = self.proposer
        while proposer.internal:
            internal, proposer.internal = proposer.internal, []
            for operation in internal:
                self.rescan_.on_finished(operation)
        if proposer.collected:
            for key, ok in proposer.collected:
                self.collector.on_collected(key, ok)
            proposer.collected = []
        if self.scans.results:
            results, self.scans.results = self.scans.results, []
            for result in results:
                if result.scan_id == INTERNAL:
                    self.rescan_.on_scan(result)
                else:
                    self.scans.results.append(result)

    def _take_ends(self, out: Ready) -> None:
        proposer, acceptor = self.proposer, self.acceptor
        if proposer.finished:
            finished, proposer.finished = proposer.finished, []
            adopted: list[Operation] = [one for one in finished if isinstance(one, Adoption)]
            if adopted:
                out.adopted = adopted
                finished = [one for one in finished if not isinstance(one, Adoption)]
            out.finished = finished
        if self.export.fetched:
            out.fetched, self.export.fetched = self.export.fetched, []
        if self.scans.results:
            for result in self.scans.results:
                (out.listed if result.scan_id == LISTING else out.scans).append(result)
            self.scans.results = []
        out.rescanned, self.rescan_.done_epoch = self.rescan_.done_epoch, 0
        if proposer.epoch_wanted or acceptor.epoch_wanted:
            wanted = max(proposer.epoch_wanted, acceptor.epoch_wanted)
            proposer.epoch_wanted = acceptor.epoch_wanted = 0
            out.epoch_wanted = wanted if wanted > self.epoch else 0
        if self._revived and acceptor.saves.saved_id >= self._revived:
            self._revived = 0
            out.revived = True
