"""The acceptor: what it has promised and accepted, and to whom it says so.

On the path: questions of proposers in, answers out, and records for the disk between the two. It is the
acceptor of "Paxos Made Simple" once per key, with three additions: an accept may ask for the next promise as
well (CASPaxos §2.2.1), what is absent counts as promised up to the floor (Rules P10, P11), and messages of
other epochs are refused (Rule P12). All of it changes in memory at once; answers leave when it is durable
(Rule P1). While it is *doubtful* it answers nothing (Rule P16); ``revival.py`` brings it back.
"""

from collections.abc import Callable, Iterable
from typing import cast

from trivet.core.base.ids import NodeId
from trivet.core.paxos.ballot import NOTHING, Ballot, after_all_of
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import NONE_DAMAGED, is_sound, is_tombstone, size_bytes, tail_of, unsound
from trivet.core.paxos.messages import (
    Accept,
    Accepted,
    Message,
    Other,
    Page,
    PageItem,
    PageReply,
    Prepare,
    PromisedSince,
    Promises,
    Raise,
    Raised,
    Read,
    ReadReply,
    Refusal,
    Refused,
    Remove,
    RemoveItem,
    Standing,
)
from trivet.core.paxos.ready import (
    Marks,
    Save,
    SavedAccepts,
    SavedDrop,
    SavedPromises,
    SavedRecord,
    SavedRegister,
    SavedRemoval,
    SavedWipe,
)
from trivet.core.paxos.registers import Register, Registers
from trivet.core.paxos.saves import SaveQueue
from trivet.core.paxos.settings import PaxosSettings
from trivet.core.paxos.slots import SEALED, Holding, Range, SlotOf, Spans, one_slot, outdated

Question = Prepare | Accept | Read | Remove | Page | Raise


class Acceptor:
    """One acceptor. Its owner in the room (``Paxos``) takes ``out`` and the save."""

    __slots__ = (
        "_dropped", "_marks_changed", "_records", "_slot_of", "doubtful", "epoch", "epoch_wanted", "floor",
        "floor_version", "full", "holding", "joined", "life", "lives", "marks_id", "now", "out", "registers",
        "saves", "settings", "spans", "standing",
    )  # fmt: skip

    def __init__(
        self,
        settings: PaxosSettings,
        records: Iterable[SavedRecord] = (),
        doubtful: bool = False,
        life: int = 0,
        slot_of: SlotOf = one_slot,
    ) -> None:
        """Wake up with what the disk remembers, in the order it was saved.

        ``doubtful``: something may be missing from it. ``life``, a number above those of all former lives of
        this node, is taken if it is, if a checksum says so, and if the disk remembers nothing.
        """
        self.settings = settings
        self.registers = Registers()
        self.saves = SaveQueue(settings.held_messages_max)
        self.out: list[tuple[NodeId, Message]] = []
        self.now = 0
        self.epoch = 0
        self.epoch_wanted = 0
        self.joined = 0
        self.life = 0
        self.doubtful = False
        self.lives: dict[NodeId, int] = {}
        self.floor: Ballot = NOTHING
        self.floor_version = 0
        self.spans: Spans = None
        self._slot_of = slot_of
        self.holding = Holding(None, slot_of)
        """What is done with each slot, by ``spans``."""
        self._dropped: list[bytes] = []
        """The registers that went with their slots since the last save (Rule P21)."""
        self.full = False
        """What would have to be written is not looked at, as if it had been lost on its way (Rule P19)."""
        self.marks_id = 0
        """The save that makes the marks durable: no answer leaves before."""
        self._marks_changed = False
        self._records: list[SavedRecord] = []
        """Of registers, for the next save."""
        sound = True
        for record in records:
            sound = self._load(record) and sound
        if self.life == 0:
            self.life = life  # its first one
            self.marks_changed()
        if doubtful or not sound:
            assert life >= self.life >= 1, "every life has its number"
            self.life = life
            self.doubtful = True
            self.marks_changed()
        self.holding = Holding(self.spans, slot_of)
        self.standing = self._standing()

    # --- what it remembers ---------------------------------------------------------------

    def _load(self, record: SavedRecord) -> bool:
        """One record of the disk. False: it is damaged."""
        registers = self.registers
        if isinstance(record, SavedRegister):
            if (record.content is None) != (record.accepted == NOTHING):
                return False
            if record.content is not None and not is_sound(record.key, record.content):
                return False
            if registers.get(record.key) is not None:
                registers.remove(record.key)
            register = registers.add(record.key, record.promised)
            if record.content is not None:
                registers.accept(record.key, register, record.accepted, record.content, self.now)
                register.hearsay = record.hearsay
        elif isinstance(record, SavedAccepts):
            return self._load_accepts(record)
        elif isinstance(record, SavedPromises):
            for key, counter in zip(record.keys, record.counters, strict=True):
                promised = (counter, record.proposer)
                register = registers.get(key) or registers.add(key, promised)
                register.promised = promised
        elif isinstance(record, SavedRemoval):
            if registers.get(record.key) is not None:
                registers.remove(record.key)
        elif isinstance(record, SavedWipe):
            registers.clear()
        elif isinstance(record, SavedDrop):
            self._remove_all(record.ranges)
        else:
            self.epoch, self.joined = record.epoch, record.joined
            self.life, self.doubtful, self.lives = record.life, record.doubtful, dict(record.lives)
            self.floor, self.floor_version = record.floor, record.floor_version
            self.spans = record.spans
        return True

    def _remove_all(self, ranges: list[Range]) -> list[bytes]:
        """The registers of these slots go: which they were."""
        registers, slot_of = self.registers, self._slot_of
        gone: list[bytes] = []
        for key, _ in registers.after(None) if ranges else ():
            slot = slot_of(key)
            if any(first <= slot <= last for first, last in ranges):
                gone.append(key)
        for key in gone:
            registers.remove(key)
        return gone

    def _load_accepts(self, record: SavedAccepts) -> bool:
        registers, proposer = self.registers, record.proposer
        sound = True
        columns = zip(record.keys, record.counters, record.next_counters, record.contents, strict=True)
        for key, counter, next_counter, content in columns:
            if not is_sound(key, content):
                sound = False
                continue
            ballot = (counter, proposer)
            register = registers.get(key) or registers.add(key, ballot)
            registers.accept(key, register, ballot, content, self.now)
            register.promised = (next_counter, proposer) if next_counter > counter else ballot
        return sound

    def marks_changed(self) -> None:
        """Something beside the registers changed: the next save takes it, and all answers wait for that."""
        self._marks_changed = self.saves.dirty = True
        self.marks_id = self.saves.next_id
        self.standing = self._standing()

    def _standing(self) -> Standing:
        lives = tuple(sorted(self.lives.items()))
        return Standing(self.life, lives, self.floor, self.floor_version)

    def marks(self) -> Marks:
        """The record of everything beside the registers."""
        lives = tuple(sorted(self.lives.items()))
        return Marks(
            self.epoch, self.joined, self.life, self.doubtful, lives, self.floor, self.floor_version,
            self.spans,
        )  # fmt: skip

    def _keep(self, record: SavedRecord) -> int:
        """The next save has this record, behind the marks as they are now: its number."""
        saves = self.saves
        saves.dirty = True
        if self._marks_changed:
            self._keep_marks()
        self._records.append(record)
        return saves.next_id

    def _keep_marks(self) -> None:
        self._marks_changed = False
        self._records.append(self.marks())

    def _keep_whole(self, key: bytes, register: Register) -> None:
        register.save_id = self._keep(
            SavedRegister(key, register.promised, register.accepted, register.content, register.hearsay)
        )

    def raise_floor(self, floor: Ballot, floor_version: int) -> None:
        """What has no register is promised ``floor``, and had no version above ``floor_version``."""
        if floor > self.floor or floor_version > self.floor_version:
            self.floor = max(self.floor, floor)
            self.floor_version = max(self.floor_version, floor_version)
            self.marks_changed()

    def learn_lives(self, lives: Iterable[tuple[NodeId, int]]) -> None:
        """What others know of lost disks."""
        for node, life in lives:
            if life > self.lives.get(node, 0):
                self.lives[node] = life
                self.marks_changed()

    def learn(self, config: GroupConfig) -> None:
        """The cluster map says who the members are. Epochs only rise (Rule P12).

        No config ends a doubt: the map that a node has after a loss may be older than what it has lost.
        """
        if config.epoch <= self.epoch:
            return
        self.epoch = config.epoch
        joined = config.joined(self.settings.node)
        if joined != self.joined:
            if self.joined:
                # It left, or left and came back: what it holds is no member's (Rule P15).
                self.registers.clear()
                self._records = [SavedWipe()]
            self.joined = joined
        self._hold(config.spans)
        self.raise_floor(self.floor, config.version)
        self.marks_changed()

    def _hold(self, spans: Spans) -> None:
        """What it holds of slots that the group has no more, or has anew, is nobody's (Rule P21)."""
        drops = outdated(self.spans, spans)
        gone = self._remove_all(drops) if len(self.registers) else []
        if gone:
            self._records.append(SavedDrop(drops))  # the marks of the epoch follow in the same save
            self._dropped += gone
        self.spans = spans
        self.holding = Holding(spans, self._slot_of)

    def _is_sealed(self, key: bytes) -> bool:
        """Rule P20. Who proposes by the same config does not ask."""
        return self.holding.seals and self.holding.state(key) == SEALED

    def _may_ask(self, key: bytes) -> bool:
        """Whether the register is to be looked at at all."""
        return len(key) <= self.settings.key_bytes_max and not self._is_sealed(key)

    def absorb(self, reply: PageReply) -> None:
        """While doubtful: take over what another member knows, wherever it is further (Rule P16)."""
        assert self.doubtful
        for item in reply.items:
            register = self.registers.get(item.key)
            if register is None:
                register = self.registers.add(item.key, item.promised)
            elif item.promised > register.promised:
                register.promised = item.promised
            if item.content is not None and item.accepted > register.accepted:
                self.registers.accept(item.key, register, item.accepted, item.content, self.now)
                register.hearsay = True
            self._keep_whole(item.key, register)
        self.raise_floor(reply.standing.floor, reply.standing.floor_version)
        self.learn_lives(reply.standing.lives)

    def is_certain_again(self) -> None:
        """It has caught up.

        What one member has as a register may be below another's floor: the higher one counts.
        """
        for key, register in self.registers.after(None):
            if register.promised < self.floor:
                register.promised = self.floor
                self._keep_whole(key, register)
        self.doubtful = False
        self.marks_changed()

    # --- inputs --------------------------------------------------------------------------

    def step(self, sender: NodeId, message: Question) -> None:
        """A question arrived. Epochs first: no handler sees another one than its own."""
        if message.epoch != self.epoch or not self.joined or self.doubtful:
            if message.epoch > self.epoch_wanted and message.epoch > self.epoch:
                self.epoch_wanted = message.epoch
            self.out.append((sender, Refusal(message.proposer, self.epoch, self.doubtful)))
            return
        if self.full and type(message) in _WRITES:
            return
        HANDLERS[type(message)](self, sender, message)

    def _answer(self, sender: NodeId, save_id: int, message: Message) -> None:
        """It tells of what ``save_id`` makes durable, and of the standing (Rule P1)."""
        self.saves.send(max(save_id, self.marks_id), sender, message, self.out)

    def on_prepare(self, sender: NodeId, message: Prepare) -> None:
        """Phase 1, per register, in portions of so many bytes."""
        start = size = save_id = 0
        promised: tuple[list[bytes], list[int]] = ([], [])
        answer = self._promises(message, 0)
        for position, key in enumerate(message.keys):
            if size >= self.settings.message_bytes_max:
                self._answer(sender, save_id, answer)
                start, size, save_id = position, 0, 0
                answer = self._promises(message, start)
            register = self._prepare(message, position, key, promised, answer)
            if register is not None:
                save_id = max(save_id, register.save_id)
                if register.content is not None and answer.contents[-1] is not None:
                    size += size_bytes(register.content)
        self._answer(sender, save_id, answer)
        if promised[0]:
            self._keep(SavedPromises(message.proposer, *promised))
        self._trim_bare()

    def _promises(self, message: Prepare, start: int) -> Promises:
        """An answer that grows."""
        return Promises(message.proposer, self.epoch, self.standing, message.flight, start, [], [], [], [])

    def _prepare(
        self, message: Prepare, position: int, key: bytes, promised: tuple[list[bytes], list[int]],
        answer: Promises,
    ) -> Register | None:  # fmt: skip
        """Promise one register; what there is of it."""
        counter = message.counters[position]
        ballot = (counter, message.proposer)
        register = self.registers.get(key)
        highest = register.promised if register is not None else self.floor
        if ballot < highest or not self._may_ask(key):
            answer.accepted.append(NOTHING)
            answer.contents.append(None)
            answer.refused.append(Refused(position, highest if ballot < highest else NOTHING))
            return register
        if register is None or ballot > highest:
            if register is None:
                register = self.registers.add(key, ballot)
            register.promised = ballot
            register.save_id = self.saves.next_id
            promised[0].append(key)
            promised[1].append(counter)
        answer.accepted.append(register.accepted)
        answer.contents.append(register.content)
        if register.hearsay:
            answer.hearsay.append(position)
        return register

    def on_accept(self, sender: NodeId, message: Accept) -> None:
        """Phase 2, per register. What is damaged is not looked at (Rule P17)."""
        registers, proposer, now = self.registers, message.proposer, self.now
        get, key_bytes_max = registers.get, self.settings.key_bytes_max
        damaged = unsound(message.keys, message.contents) if sender != self.settings.node else NONE_DAMAGED
        next_id = self.saves.next_id
        seals = self.holding.seals
        save_id = 0
        refused: list[Refused] = []
        since: list[PromisedSince] = []
        passed_over: dict[int, None] = {}
        position = -1
        columns = zip(message.keys, message.counters, message.next_counters, message.contents, strict=True)
        for key, counter, next_counter, content in columns:
            position += 1
            ballot = (counter, proposer)
            register = get(key)
            promised = register.promised if register is not None else self.floor
            if seals and self._is_sealed(key):
                passed_over[position] = None
                refused.append(Refused(position, NOTHING))
            elif register is not None and register.accepted == ballot and not register.hearsay:
                # A copy, or asked again. By now it may have promised more than was asked for.
                save_id = max(save_id, register.save_id)
                passed_over[position] = None
                if promised != (next_counter, proposer):
                    since.append(PromisedSince(position, promised))
            elif ballot < promised:
                passed_over[position] = None
                refused.append(Refused(position, promised))
            elif position in damaged or len(key) > key_bytes_max:
                passed_over[position] = None
                refused.append(Refused(position, NOTHING))
            else:
                if register is None:
                    register = registers.add(key, ballot)
                registers.accept(key, register, ballot, content, now)
                register.promised = (next_counter, proposer) if next_counter > counter else ballot
                register.save_id = save_id = next_id
        if len(passed_over) < len(message.keys):
            self._keep(_taken(message, passed_over))
        answer = Accepted(proposer, self.epoch, self.standing, message.flight, refused, since)
        self._answer(sender, save_id, answer)

    def on_read(self, sender: NodeId, message: Read) -> None:
        """What is accepted, where it is not what the asker has; in portions of so many bytes."""
        get = self.registers.get
        start = size = save_id = position = 0
        others: list[Other] = []
        for key, held in zip(message.keys, message.held, strict=True):
            register = get(key)
            if register is None:
                if held != NOTHING:
                    others.append(Other(position, NOTHING))
            else:
                if register.save_id > save_id:
                    save_id = register.save_id
                if register.accepted != held or register.hearsay:
                    content = register.content if message.wants_contents else None
                    others.append(Other(position, register.accepted, content, register.hearsay))
                    size += size_bytes(content) if content is not None else 0
            position += 1
            if size >= self.settings.message_bytes_max:
                self._reply(sender, message, save_id, start, position, others)
                start, size, save_id, others = position, 0, 0, []
        if start < position:
            self._reply(sender, message, save_id, start, position, others)

    def _reply(
        self, sender: NodeId, message: Read, save_id: int, start: int, end: int, others: list[Other]
    ) -> None:
        reply = ReadReply(message.proposer, self.epoch, self.standing, message.flight, start, end, others)
        self._answer(sender, save_id, reply)

    def on_remove(self, sender: NodeId, message: Remove) -> None:
        """Drop tombstones that every member had accepted, if they are still the same (Rule P11)."""
        for item in message.items:
            if not self._is_sealed(item.key):
                self._remove(item)

    def _remove(self, item: RemoveItem) -> None:
        register = self.registers.get(item.key)
        if register is None or register.content is None or not register.is_tombstone:
            return
        if register.accepted != item.ballot or register.promised != item.ballot:
            return  # it was written since, or somebody is about to
        self.raise_floor(after_all_of(item.ballot[0]), tail_of(register.content)[0])
        self.registers.remove(item.key)
        self._keep(SavedRemoval(item.key))

    def on_page(self, sender: NodeId, message: Page) -> None:
        """The next registers, by key; names alone, or everything for one that has lost its own."""
        if message.life > self.lives.get(sender, 0):
            # From here on no answer goes without telling of the loss (Rule P16).
            self.learn_lives(((sender, message.life),))
        limit = max(1, min(message.limit, self.settings.page_keys_max))
        if message.keys:
            self._tell(sender, message, message.keys[:limit])
            return
        items: list[PageItem] = []
        size = 0
        more = False
        for key, register in self.registers.after(message.cursor):
            if register.is_bare and not message.life:
                continue
            if len(items) >= limit or size >= self.settings.page_bytes_max:
                more = True
                break
            content = register.content if message.life else None
            is_there = not (register.is_bare or register.is_tombstone)
            items.append(
                PageItem(key, register.promised, register.accepted, is_there, content, register.hearsay)
            )
            size += len(key) + (size_bytes(content) if content is not None else 0)
        reply = PageReply(message.proposer, self.epoch, self.standing, message.round_id, items, more)
        self.saves.send(self.saves.latest(), sender, reply, self.out)

    def _tell(self, sender: NodeId, message: Page, keys: list[bytes]) -> None:
        """These registers, as far as they are there (Rule P23)."""
        items: list[PageItem] = []
        size = 0
        more = False
        for key in keys:
            register = self.registers.get(key)
            content = None if register is None else register.content
            if register is None or content is None:
                continue
            more = size >= self.settings.page_bytes_max
            if more:
                break
            items.append(
                PageItem(
                    key, register.promised, register.accepted, not is_tombstone(content), content,
                    register.hearsay,
                )
            )  # fmt: skip
            size += len(key) + size_bytes(content)
        reply = PageReply(message.proposer, self.epoch, self.standing, message.round_id, items, more)
        self.saves.send(self.saves.latest(), sender, reply, self.out)

    def on_raise(self, sender: NodeId, message: Raise) -> None:
        """Floors that this member may not have."""
        self.raise_floor(message.floor, message.floor_version)
        reply = Raised(message.proposer, self.epoch, self.standing, message.round_id)
        self.saves.send(self.saves.latest(), sender, reply, self.out)

    def _trim_bare(self) -> None:
        """Too many registers with nothing but a promise: the oldest become part of the floor (Rule P10)."""
        bare = self.registers.bare
        if len(bare) <= self.settings.bare_max:
            return
        oldest = list(bare)[: len(bare) - self.settings.bare_max // 2]
        floor = self.floor
        for key in oldest:
            register = self.registers.get(key)
            assert register is not None
            floor = max(floor, register.promised)
        self.raise_floor(floor, 0)
        for key in oldest:
            self.registers.remove(key)
            self._keep(SavedRemoval(key))

    def tick(self) -> None:
        """One tick passed."""
        self.now += 1

    def saved(self, save_id: int) -> None:
        """Every save up to ``save_id`` is durable."""
        self.saves.finished(save_id)
        self.saves.release(self.out)

    # --- outcome -------------------------------------------------------------------------

    def take_save(self) -> Save | None:
        """Everything that is in no save yet."""
        if not self.saves.dirty:
            return None
        if self._marks_changed:
            self._keep_marks()
        records, self._records = self._records, []
        dropped, self._dropped = self._dropped, []
        return Save(self.saves.started(), records, dropped)


def _taken(message: Accept, passed_over: dict[int, None]) -> SavedAccepts:
    """What of it was accepted; most often all."""
    columns = (message.keys, message.counters, message.next_counters, message.contents)
    if not passed_over:
        return SavedAccepts(message.proposer, *columns)
    taken = [position for position in range(len(message.keys)) if position not in passed_over]
    keys, counters, next_counters, contents = columns
    return SavedAccepts(
        message.proposer, [keys[at] for at in taken], [counters[at] for at in taken],
        [next_counters[at] for at in taken], [contents[at] for at in taken],
    )  # fmt: skip


_WRITES = (Prepare, Accept, Remove, Raise)
"""Questions with which the log grows."""

Handler = Callable[[Acceptor, NodeId, Message], None]

HANDLERS: dict[type, Handler] = {
    Prepare: cast(Handler, Acceptor.on_prepare),
    Accept: cast(Handler, Acceptor.on_accept),
    Read: cast(Handler, Acceptor.on_read),
    Remove: cast(Handler, Acceptor.on_remove),
    Page: cast(Handler, Acceptor.on_page),
    Raise: cast(Handler, Acceptor.on_raise),
}
"""One handler per question."""
