"""The machine: what one replica does with committed entries (station 7 of a write).

Strategy: one entry carries the writes of one turn; decoding, time and expiry are paid per
entry, sessions and digest per batch, and only the command itself per command. Everything
here is a function of the entries alone, so that replicas with equal applied index are equal.

- Rule M1: time and chance come from the entry (see ``entry``); time never goes back.
- Rule M2: keys whose deadline has passed are removed at the start of an entry, a bounded
  number of them, earliest first; the others are already invisible.
- Rule M3: a command that fails, even by a defect of ours, fails with the same reply on
  every replica and stops nobody.
- Rule V1: an entry with a script may pause, and go on when its node has done other things; what is said
  to its pauses by the log alone decides how it ends (see ``group.applying``).
- Rule M4: every ``DIGEST_INTERVAL`` entries the rolling digest is published; it covers all
  entries, all replies and, in turn, the buckets of the data.
"""

from typing import Final

import msgspec

from trivet.core.base.checksum import crc32
from trivet.core.base.ids import NO_NODE, NodeId
from trivet.core.base.pausable import Stack
from trivet.core.base.prng import Prng
from trivet.core.command.table import ROWS, Context, Flag, Row
from trivet.core.machine.buckets import bucket_items
from trivet.core.machine.checking import ALWAYS, LEARNT, NOT_FOUNDED, WARY, is_wary, refuses
from trivet.core.machine.collecting import COLLECT, COLLECTED
from trivet.core.machine.entry import Batch, Call, Verdict, decode_batch, decode_body, decode_calls
from trivet.core.machine.entry_run import EntryRun, Place
from trivet.core.machine.rights import AS, USERS, Rights, answer_about_users
from trivet.core.machine.scanning import SCANPART, SLOTKEYS, scan_part, slot_keys
from trivet.core.machine.specials import ROWS_WITHOUT_GROWTH, UNKNOWN, Specials, run_calls
from trivet.core.machine.undo import Journal, Watched
from trivet.core.machine.waiting import defect
from trivet.core.transaction.words import SINCE
from trivet.core.values.codec import encode_items
from trivet.core.wire.reply import NOT_HERE, NotHere, Reply

DIGEST_INTERVAL: Final = 64
"""In entries. Part of the format: all replicas must use the same."""

_encoder = msgspec.msgpack.Encoder()

_WRITE: Final = int(Flag.WRITE)
"""As a plain integer: ``&`` of flags costs more than a GET."""
_NO_DATABASE: Final = 1 << 64
"""No call can be of this one."""
_NO_ROWS: Final[dict[bytes, Row]] = {}
"""While calls must be looked at before they run, none is found at once."""
_ROWS_OF_PART: Final = {name: row for name, row in ROWS.items() if name not in WARY}
_ROWS_OF_PART_WITHOUT_GROWTH: Final = {
    name: row for name, row in ROWS_WITHOUT_GROWTH.items() if name not in WARY
}
"""Where some slots are elsewhere: those that come to keys which they did not name may have to be undone."""


class Applied:
    """The outcome of one batch: its replies, in the order of its calls."""

    __slots__ = ("incarnation", "node", "replies", "sequence")

    def __init__(self, node: NodeId, incarnation: int, sequence: int, replies: list[Reply]) -> None:
        self.node = node
        self.incarnation = incarnation
        self.sequence = sequence
        self.replies = replies


def may_pause(payload: bytes) -> bool:
    """Whether an entry may have scripts in it. Names of commands are in upper case."""
    return b"EVAL" in payload or b"FCALL" in payload


class Machine(Specials):
    """The replicated state of one group and the rules by which entries change it."""

    # -- entries ---------------------------------------------------------------------------

    def apply(self, index: int, payload: bytes) -> list[Applied]:
        """Apply the committed entry at ``index``; the outcome of every batch applied by it."""
        assert index == self.applied_index + 1, (index, self.applied_index)
        self.entry_index = index
        outcome: list[Applied] = []
        if payload:
            self.digest = crc32(payload, self.digest)
            self._apply_body(payload, outcome)
        if index % DIGEST_INTERVAL == 0:
            self._publish_digest(index)
            if self.collects.sweep(self.now_ms):
                self._watch_hooks()
        self.applied_index = index
        return outcome

    def begin(self, index: int, payload: bytes, stack: Stack) -> EntryRun[list[Applied]]:
        """Apply an entry that may pause (Rule V1), on a stack on which nothing has paused.

        Nothing else may be read or applied until it has ended; ``applied_index`` rises then.
        """
        entry = EntryRun(lambda: self.apply(index, payload), stack, self._place)
        self._writes.pauses = entry
        return entry

    def _place(self) -> Place:
        running = self.running
        assert running is not None
        return running.node, running.sequence, len(self.running_replies)

    @property
    def is_whole(self) -> bool:
        """Whether no entry is applied by half."""
        return self._writes.pauses is None

    def ended(self) -> None:
        """The entry that might have paused has ended."""
        self._writes.pauses = None

    def _apply_body(self, payload: bytes, outcome: list[Applied]) -> None:
        try:
            body = decode_body(payload)
        except msgspec.DecodeError as error:
            # It is in the log of every replica: whoever stopped here would stop at every start.
            self.defects.append(f"entry {self.entry_index} does not decode: {error}")
            return
        if isinstance(body, Verdict):
            return
        if body.time_ms > self.now_ms:
            self.now_ms = body.time_ms
            self.databases.set_now(body.time_ms)
        context = self._writes
        context.refuses_growth = self.settings.refuses_growth
        if context.notifies != self.settings.notifies:
            self._listen(context)
        self.databases.expire_due(self._expire_max)
        context.now_ms = self.now_ms
        context.prng = Prng(body.seed)
        if self.waiting.ready:
            self._serve(context)
        for raw in body.batches:
            try:
                batch = decode_batch(raw)
            except msgspec.DecodeError as error:
                self.defects.append(f"a batch in entry {self.entry_index} does not decode: {error}")
                continue
            known = self.sessions.by_node.get(batch.node)
            if known is not None and known.incarnation < batch.incarnation:
                self._life_ended(context, batch.node)
            session = self.sessions.admit(batch)
            if session is None:
                continue
            replies = self._run_batch(context, batch)
            session.applied(batch.sequence, replies)
            self.digest = crc32(_encoder.encode(replies), self.digest)
            outcome.append(Applied(batch.node, batch.incarnation, batch.sequence, replies))
        if self.memory is not None:
            self.memory.settle()

    def _run_batch(self, context: Context, batch: Batch) -> list[Reply]:
        replies: list[Reply] = []
        self.running = batch
        self.running_replies = replies
        self.call_count += len(batch.calls)
        waiting = self.waiting
        open_db = self.databases.open
        rows = self._rows(batch)
        db_index = _NO_DATABASE
        for call in batch.calls:
            args = call[1]
            try:
                if call[0] != db_index:
                    context.db = open_db(call[0])
                    context.db_index = db_index = call[0]
                row = rows.get(args[0])
                run = row.run if row is not None else None
                if run is not None:
                    replies.append(run(context, args))
                else:
                    replies.append(self._run_rare(context, batch, call))
                    rows = self._rows(batch)
                    db_index = _NO_DATABASE
            except Exception as error:
                replies.append(defect(context, args, error))
                db_index = _NO_DATABASE
            if waiting.ready:
                self._serve(context)
        self.running = None
        return replies

    def _rows(self, batch: Batch) -> dict[bytes, Row]:
        """The commands that run at once; none where each call is looked at first (Rule O1)."""
        if batch.epoch < self.ownership.checks_below:
            return _NO_ROWS
        if self.ownership.is_partial:
            return _ROWS_OF_PART_WITHOUT_GROWTH if self.settings.refuses_growth else _ROWS_OF_PART
        return ROWS_WITHOUT_GROWTH if self.settings.refuses_growth else ROWS

    def _run_rare(self, context: Context, batch: Batch, call: Call) -> Reply:
        """What is no command; and every call while some slots are not owned and its node may not know it."""
        args = call[1]
        ownership = self.ownership
        checks = batch.epoch < ownership.checks_below
        since = 0
        if args[0] == SINCE:
            since = int(args[1])
            args = args[2:]
            call = (call[0], args)
        if (checks or (ownership.is_partial and args[0] in ALWAYS)) and self._is_elsewhere(batch, call):
            self.turned_away += 1
            return NOT_HERE
        if ownership.is_locked and self._is_locked(batch.node, call, since):
            self.turned_away += 1
            return NotHere(since or self.entry_index)
        if checks and ownership.is_awaited and args[0] in LEARNT:
            return NOT_FOUNDED
        if (ownership.is_partial or ownership.is_locked) and is_wary(args):
            return self._run_wary(context, batch.node, call)
        return self._run_one(context, batch.node, call)

    def _run_one(self, context: Context, node: NodeId, call: Call) -> Reply:
        args = call[1]
        row = (ROWS_WITHOUT_GROWTH if self.settings.refuses_growth else ROWS).get(args[0])
        if row is not None and row.run is not None:
            return row.run(context, args)
        special = self._specials.get(args[0])
        return UNKNOWN if special is None else special(context, node, call)

    def _run_wary(self, context: Context, node: NodeId, call: Call) -> Reply:
        """Run a call that may come to keys which it must not touch here; then it is undone (Rule L15)."""
        args = call[1]
        inner = args[3:] if args[0] == AS else args
        watched: Watched | None = None
        if inner[0] == b"EXEC" and inner[2]:
            watched = Watched(self.watches, (node, int(inner[2])))
        denied = len(self.denied)
        journal = self.journal = Journal(self.databases, self.watches, context)
        self._watch_hooks()
        try:
            reply = self._run_one(context, node, call)
        except Exception as error:
            reply = defect(context, args, error)
        self.journal = None
        met = self._owns_writes.take()
        if met is not None:
            journal.undo()
            if watched is not None:
                watched.restore(self.watches)
            self.waiting.ready.clear()
            del self.denied[denied:]
            self.turned_away += 1
            reply = met
        self._watch_hooks()
        return reply

    def _is_locked(self, node: NodeId, call: Call, since: int) -> bool:
        """Whether the call must wait for a transaction over groups (Rules L9 to L11)."""
        looker = self._looker
        looker.since = since or self.entry_index
        looker.now_ms = self.now_ms
        self.intents.barrier_ends(self.now_ms)
        waits = looker.meets(node, call[0], call[1])
        self.locks_otherwise()
        return waits

    def _is_elsewhere(self, batch: Batch, call: Call) -> bool:
        db, args = call
        if not refuses(self.ownership, db, args, batch.epoch):
            return False
        inner = args[3:] if args[0] == AS else args
        if inner[0] != b"EXEC" or not inner[2]:
            return True
        # Whoever's watch is broken learns that, wherever the keys are by now (Rule W3).
        return self.watches.is_clean((batch.node, int(inner[2])), self.databases)

    # -- reads -----------------------------------------------------------------------------

    def read(self, calls: list[Call], now_ms: int, prng: Prng, epoch: int = 0) -> list[Reply]:
        """Run read-only calls on the present state.

        ``now_ms`` is the reader's Unix time: it answers ``TIME`` and ``TTL``. Whether a key
        exists is decided by the machine's own time only (Rule M1). ``epoch`` is that of the map by
        which the reader chose this group.
        """
        self.call_count += len(calls)
        context = self._reads
        context.now_ms = max(now_ms, self.now_ms)
        context.prng = prng
        context.uses = self.memory
        replies: list[Reply] = []
        open_db = self.databases.open
        rows = ROWS
        if epoch < self.ownership.checks_below:
            rows = _NO_ROWS
        elif self.ownership.is_partial:
            rows = _ROWS_OF_PART
        for call in calls:
            args = call[1]
            try:
                context.db = open_db(call[0])
                context.db_index = call[0]
                row = rows.get(args[0])
                if row is not None and row.run is not None:
                    assert int(row.flags) & _WRITE == 0
                    replies.append(row.run(context, args))
                else:
                    replies.append(self._read_looked_at(context, call, epoch))
            except Exception as error:
                replies.append(defect(context, args, error))
        return replies

    def _read_looked_at(self, context: Context, call: Call, epoch: int) -> Reply:
        """A read that may be of keys that are elsewhere, or locked; or is no command."""
        args, ownership = call[1], self.ownership
        since = 0
        if args[0] == SINCE:
            since = int(args[1])
            args = args[2:]
        checks = epoch < ownership.checks_below or ownership.is_partial
        if checks and refuses(ownership, call[0], args, epoch):
            return NOT_HERE
        if ownership.is_locked:
            looker = self._read_looker
            looker.since = since or self.applied_index
            if looker.meets(NO_NODE, call[0], args):
                return NotHere(looker.since)
        self._owns_reads.take()
        reply = self._read_rare(context, args)
        met = self._owns_reads.take()
        return reply if met is None else met

    def _read_rare(self, context: Context, args: list[bytes]) -> Reply:
        """A read that was looked at, or is no command: a transaction, on behalf of a user, about users."""
        row = ROWS.get(args[0])
        if row is not None and row.run is not None:
            assert int(row.flags) & _WRITE == 0
            return row.run(context, args)
        if args[0] == b"EXEC":
            return run_calls(context, decode_calls(args[1]))
        if args[0] == USERS:
            return answer_about_users(self.users, args)
        if args[0] == SCANPART:
            return scan_part(context, args)
        if args[0] == SLOTKEYS:
            return slot_keys(context, args)
        if args[0] in (COLLECT, COLLECTED):
            reply = self._collect(context, args)
            self._watch_hooks()
            return reply
        assert args[0] == AS
        context.access = Rights(self.users, args[1], 0, int(args[2]), self.denied)
        try:
            return self._read_rare(context, args[3:])
        finally:
            context.access = None

    def _collect(self, context: Context, args: list[bytes]) -> Reply:
        """A part of a read over several groups."""
        if args[0] == COLLECT:
            return self.collects.tell(self.applied_index, self.now_ms, context.db, args)
        return self.collects.confirm(self.databases, args)

    # -- digest ----------------------------------------------------------------------------

    def _publish_digest(self, index: int) -> None:
        """Rule M4: fold one bucket of each database into the digest and publish it."""
        turn = index // DIGEST_INTERVAL
        for db_index, database in self.databases.items():
            table = database.values
            if not len(table):
                continue  # whether an empty database is open depends on reads, which differ between replicas
            items = bucket_items(table, database.deadlines, turn % table.bucket_count)
            self.digest = crc32(encode_items(items), crc32(b"%d" % db_index, self.digest))
        if self.ownership.epoch or self.ownership.is_partial or self.ownership.bars:
            self.digest = self.ownership.digest(self.digest)
        if self.intents.lives.by_node:
            self.digest = self.intents.digest(crc32(b"%d" % len(self.waiting.put_off), self.digest), turn)
        if self.cluster is not None:
            self.digest = crc32(self.cluster.digest(), self.digest)
        if self.scripts.digest:
            self.digest = crc32(b"%d" % self.scripts.digest, self.digest)
        self.digests[index] = self.digest
        if len(self.digests) > 16:
            del self.digests[next(iter(self.digests))]
