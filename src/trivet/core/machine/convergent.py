"""What a replica of mode ``eventual`` shows: commands run on it at once; what they change becomes updates.

On the path: calls -> an ordinary database, the *view* -> what changed there -> updates of the lattice.
Updates of others go the other way: into the lattice, and what they changed into the view. So every command
that reads is the ordinary one, at its speed.

- Rule V2: after every call and every update the view is what the lattice shows.
- Rule V3: what ``INCR`` and its relatives change adds up: the update is the difference. What vanishes is
  removed, as far as it was seen. Everything else is assigned.
- Rule V4: commands without a convergent meaning are refused (``convergent_rows``).
- Rule V5: ids of streams that nodes give carry the node's number: two never give the same.
- Rule V7: where two kinds have met at a key one is seen; whoever writes it removes what is not.
- Rule V6: a key past its deadline is not seen. Who sweeps removes it for all, as it was seen: if others have
  changed it meanwhile, that stays.
"""

from fractions import Fraction
from typing import Final

from trivet.core.access.users import Users
from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.core.command.lookup import other_databases
from trivet.core.command.table import ROWS, Context, Event
from trivet.core.command.waiting import may_wait
from trivet.core.lattice.amounts import minus
from trivet.core.lattice.cell import AnyCell, is_there, winner
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import DEADLINE, ENTRY, ITEM, LAST_ID, STRING, Delta
from trivet.core.lattice.hlc import Hlc
from trivet.core.lattice.key_state import cell_of, main_count, shows_only
from trivet.core.lattice.lattice import Lattice
from trivet.core.lattice.positions import between
from trivet.core.lattice.writer import Writer
from trivet.core.machine.convergent_lists import Places, differences
from trivet.core.machine.convergent_looks import (
    LEFT,
    NAMES,
    REPLY,
    RIGHT,
    Element,
    Elements,
    Look,
    Looks,
    all_of,
    elements_after,
    payload_of,
)
from trivet.core.machine.convergent_rows import (
    BITS,
    BLOCKS,
    KEEPS,
    MAY_STORE,
    PROBABLE,
    READS,
    REFUSALS,
    TOLD,
    WHOLE_WRITES,
    WRITES,
    adds,
    assigns_again,
)
from trivet.core.machine.convergent_values import BITS as BITS_TAG
from trivet.core.machine.convergent_values import (
    PLAIN,
    amount_of_text,
    entry_name,
    entry_of,
    entry_payload,
    kind_of,
    settle_stream,
    shown_deadline,
    shown_field,
    shown_last_id,
    shown_score,
    shown_value,
)
from trivet.core.machine.convergent_values import PROBABLE as PROBABLE_TAG
from trivet.core.machine.entry import Call, decode_calls
from trivet.core.machine.rights import AS, Denied, Rights
from trivet.core.machine.scanning import SCANPART, SLOTKEYS, scan_part, slot_keys
from trivet.core.machine.specials import ROWS_WITHOUT_GROWTH, UNKNOWN, aborted_exec
from trivet.core.machine.specials import embedded as embedded_reply
from trivet.core.machine.waiting import defect
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases
from trivet.core.values.hash_value import Hash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stream import Stream
from trivet.core.values.stream_id import ms_of, sequence_of
from trivet.core.values.types import Value
from trivet.core.wire.reply import OK, Error, Reply

NODE_BITS: Final = 20
"""Of an id's sequence: the node that gave it (Rule V5)."""
OTHER_DATABASE: Final = Error("ERR a database of mode eventual is all that there is to a call in it")
_TAUGHT: Final = {b"LOAD": 1, b"FLUSH": 1, b"DELETE": 1, b"RESTORE": 1}
_FOLLOWED_MAX: Final = 64
"""More elements at a time are not followed one by one."""
_INFINITE: Final = {float("inf"): 1, float("-inf"): 1}


class Convergent:
    """The keys of one group, as this node holds them."""

    def __init__(
        self, lattice: Lattice, node: NodeId, actor: int, hlc: Hlc, users: Users, db: int = -1
    ) -> None:
        """``db``: -1: not known yet (``settle_in``)."""
        self.lattice = lattice
        self.hlc = hlc
        self.actor = actor
        self.users = users
        self.notifies = 0
        self.refuses_growth = False
        self.defects: list[str] = []
        """Exceptions that commands raised; whoever takes them clears it."""
        self.events: list[Event] = []
        self.published: list[tuple[bool, bytes, bytes]] = []
        self.denied: list[Denied] = []
        self.changed: list[bytes] = []
        """Keys that have changed, whoever did it; whoever takes them empties it."""
        self._db = db
        self._node = node
        self._databases = Databases()
        self._view = self._databases.open(max(db, 0))
        self._context = Context(self._databases)
        self._context.defects = self.defects
        self._looks = Looks()
        self._databases.set_hook(self._looks)
        self._places = Places()
        if db >= 0:
            self.reload()

    def settle_in(self, db: int) -> None:
        """These are the keys of this database."""
        if db == self._db:
            return
        self._db = db
        self._databases = Databases()
        self._databases.set_hook(self._looks)
        self._view = self._databases.open(db)
        self._context = Context(self._databases)
        self._context.defects = self.defects
        self.reload()

    # -- what there is -------------------------------------------------------------------------------

    @property
    def keys(self) -> int:
        """Keys that clients see."""
        return len(self._view)

    @property
    def deadline_count(self) -> int:
        """How many of them have a deadline."""
        return self._view.deadline_count

    @property
    def next_deadline_ms(self) -> int:
        """The earliest of these; ``deadlines.NEVER``: there is none."""
        return self._view.next_deadline_ms()

    @property
    def view(self) -> Database:
        """As clients see it; not to be changed."""
        return self._view

    def version(self, key: bytes) -> int:
        """Of what is held of a key: another one, when that has changed."""
        return self.lattice.tree.of(key)

    # -- calls ---------------------------------------------------------------------------------------

    def run(self, calls: list[Call], now_ms: int, seed: int, made: list[Delta]) -> list[Reply]:
        """Run the calls of one client in order; what they change is in ``made``, and done."""
        if self._databases.now_ms < now_ms:
            self._databases.set_now(now_ms)
        context = self._context
        context.now_ms = now_ms
        context.notifies = self.notifies
        context.refuses_growth = self.refuses_growth
        context.prng = Prng(seed)
        replies: list[Reply] = []
        for call in calls:
            try:
                replies.append(self._call(call, made))
            except Exception as error:
                replies.append(defect(context, call[1], error))
            context.access = None
        if context.events:
            self.events.extend(context.events)
            context.events = []
        if context.published:
            self.published.extend(context.published)
            context.published = []
        return replies

    def _call(self, call: Call, made: list[Delta]) -> Reply:
        db, args = call
        if not args or db != self._db:
            return OTHER_DATABASE if args else UNKNOWN
        name = args[0]
        if name in WRITES:
            return self._write(args, made)
        if name in READS:
            return self._read(args)
        if name == AS and len(args) > 3 and args[3] != AS:
            self._context.access = Rights(self.users, args[1], 0, int(args[2]), self.denied)
            return self._call((db, args[3:]), made)
        if name == b"EXEC" and len(args) > 1:
            return self._exec(decode_calls(args[1]), made)
        return self._other(args, made)

    def _other(self, args: list[bytes], made: list[Delta]) -> Reply:
        name = args[0]
        if name in MAY_STORE and not any(word.upper() in (b"STORE", b"STOREDIST") for word in args[2:]):
            return self._read(args)
        refusal = REFUSALS.get(name)
        if refusal is not None:
            return refusal
        if name in WHOLE_WRITES:
            self._flush(made)
            return OK
        if name == SCANPART:
            self._set_context()
            return scan_part(self._context, args)
        if name == SLOTKEYS:
            self._set_context()
            return slot_keys(self._context, args)
        if name in (b"SCRIPT", b"FUNCTION"):
            return OK if len(args) > 1 and args[1].upper() in _TAUGHT else REFUSALS[b"EVAL"]
        return UNKNOWN

    def _exec(self, calls: list[Call], made: list[Delta]) -> Reply:
        """A transaction: one after the other, and nothing of others between."""
        if self.refuses_growth and (refusal := aborted_exec(calls)) is not None:
            return refusal
        access = self._context.access
        replies: list[Reply] = []
        for db, args in calls:
            if db < 0:
                replies.append(embedded_reply(args))
            elif access is not None and (denied := access.refuses_in_exec(args)) is not None:
                replies.append(denied)
            elif args[0] in (b"EXEC", AS):
                replies.append(UNKNOWN)
            else:
                try:
                    replies.append(self._call((db, args), made))
                except Exception as error:
                    replies.append(defect(self._context, args, error))
        return replies

    def _set_context(self) -> None:
        context = self._context
        context.db = self._view
        context.db_index = self._db

    def _read(self, args: list[bytes]) -> Reply:
        name = args[0]
        if name in (b"SCRIPT", b"FUNCTION"):
            return self._other(args, [])
        row = ROWS[name]
        if name == b"XREAD" and may_wait(args):
            return BLOCKS
        assert row.run is not None
        self._set_context()
        return row.run(self._context, args)

    def _write(self, args: list[bytes], made: list[Delta]) -> Reply:
        if any(other != self._db for other in other_databases(args)):
            return OTHER_DATABASE
        name = args[0]
        row = (ROWS_WITHOUT_GROWTH if self.refuses_growth else ROWS)[name]
        assert row.run is not None
        self._set_context()
        if name == b"XADD":
            args = self._with_id(args)
        looks = self._looks
        looks.begin(args)
        try:
            reply = row.run(self._context, args)
        finally:
            looks.watches = False
        found = looks.found
        if found:
            for key, look in found.items():
                self._update(key, look, args, reply, made)
        return reply

    # -- from the view to the lattice ----------------------------------------------------------------

    def _update(self, key: bytes, look: Look, args: list[bytes], reply: Reply, made: list[Delta]) -> None:
        """What a call did to one key, as an update."""
        view = self._view
        value = view.get(key)
        kind = kind_of(value)
        if isinstance(value, Stream) and not len(value):
            view.remove(key)
            value, kind = None, 0
        if not look.kind and kind and main_count(self.lattice.state(key)):
            self._forget(key, made)  # it was past its deadline, and nobody had swept it
        writer = Writer(self.lattice, self.actor, self.hlc.now(self._databases.now_ms), key)
        if not kind:
            writer.remove_all()
        elif kind != look.kind and look.kind:
            self._assign_all(writer, value, key, args)
            writer.remove_all()
        elif isinstance(value, bytes):
            self._string(writer, look, value, args)
        elif isinstance(value, List):
            self._list(writer, key, look, value)
        elif isinstance(value, Stream):
            self._stream(writer, look, value)
        else:
            assert value is not None
            self._elements(writer, kind, look, elements_after(look, value), args, reply)
        if kind:
            if kind == look.kind and not shows_only(self.lattice.state(key), kind):
                writer.remove_others(kind)  # Rule V7
            self._deadline(writer, look.deadline_ms, view.deadline_ms(key))
        delta = writer.finish()
        if kind != ITEM:
            self._places.forget(key)
        if delta is not None:
            self.lattice.apply(delta)
            made.append(delta)
            self.changed.append(key)

    def _string(self, writer: Writer, look: Look, text: bytes, args: list[bytes]) -> None:
        if adds(args):
            old = amount_of_text(look.text) if look.kind else 0
            new = amount_of_text(text)
            if old is not None and new is not None:
                writer.add(STRING, b"", minus(new, old))
                return
        elif text == look.text and look.kind and args[0] in KEEPS:
            return
        tag = BITS_TAG if args[0] in BITS else PROBABLE_TAG if args[0] in PROBABLE else PLAIN
        writer.assign(STRING, b"", tag + text)

    def _elements(
        self, writer: Writer, kind: int, look: Look, after: Elements, args: list[bytes], reply: Reply
    ) -> None:
        """Of a set, a hash, a sorted set."""
        adding, again = adds(args), assigns_again(args)
        if look.way == REPLY:
            for name in TOLD[args[0]](reply):
                writer.remove(kind, name)
            return
        for name in dict.fromkeys([*look.elements, *after]):
            old, new = look.elements.get(name), after.get(name)
            if new is None:
                if old is not None:
                    writer.remove(kind, name)
            elif adding and old != new:
                self._add(writer, kind, name, old, new)
            elif old != new or again:
                writer.assign(kind, name, payload_of(new))

    def _add(
        self,
        writer: Writer,
        kind: int,
        name: bytes,
        old: Element | None,
        new: Element,
    ) -> None:
        if isinstance(new, bytes):
            before = amount_of_text(old) if isinstance(old, bytes) else 0
            after = amount_of_text(new)
            if before is not None and after is not None:
                writer.add(kind, name, minus(after, before))
                return
        elif isinstance(new, float) and new not in _INFINITE and (old is None or old not in _INFINITE):
            amount = minus(Fraction(new), Fraction(old if isinstance(old, float) else 0))
            writer.add(kind, name, amount)
            return
        writer.assign(kind, name, payload_of(new))

    def _assign_all(self, writer: Writer, value: Value | None, key: bytes, args: list[bytes]) -> None:
        """Another kind of value than before."""
        if isinstance(value, bytes):
            writer.assign(STRING, b"", PLAIN + value)
        elif isinstance(value, List):
            items = value.between(0, len(value))
            names = between(None, None, writer.dot, len(items)) if items else []
            for name, item in zip(names, items, strict=True):
                writer.assign(ITEM, name, item)
            self._places.put(key, names)
        elif isinstance(value, Stream):
            self._stream(writer, Look(None, -1, args), value)
        elif value is not None:
            kind = kind_of(value)
            for name, one in all_of(value).items():
                writer.assign(kind, name, payload_of(one))

    def _list(self, writer: Writer, key: bytes, look: Look, value: List) -> None:
        if look.way == NAMES:
            return  # its deadline has changed
        places = self._places.of(key, self.lattice)
        if look.way in (LEFT, RIGHT) or not look.kind:
            at_left = look.way == LEFT
            grown = len(value) - len(places)
            if grown > 0:
                ends = (None, places.first()) if at_left else (places.last(), None)
                names = between(ends[0], ends[1], writer.dot, grown)
                items = value.between(0, grown) if at_left else value.between(len(value) - grown, len(value))
                for name, item in zip(names, items, strict=True):
                    writer.assign(ITEM, name, item)
                places.push(names, at_left)
            else:
                for name in places.pop(-grown, at_left):
                    writer.remove(ITEM, name)
            return
        before = places.all()
        after: list[bytes] = []
        for change in differences(look.items, value.between(0, len(value))):
            if change.keep:
                after.extend(before[change.start : change.stop])
                continue
            kept = min(change.stop - change.start, len(change.items)) if change.replaces else 0
            for at in range(kept):
                writer.assign(ITEM, before[change.start + at], change.items[at])
            after.extend(before[change.start : change.start + kept])
            for name in before[change.start + kept : change.stop]:
                writer.remove(ITEM, name)
            new = change.items[kept:]
            if new:
                left = before[change.start + kept - 1] if change.start + kept else None
                right = before[change.stop] if change.stop < len(before) else None
                names = between(left, right, writer.dot, len(new))
                for name, item in zip(names, new, strict=True):
                    writer.assign(ITEM, name, item)
                after.extend(names)
        self._places.put(key, after)

    def _stream(self, writer: Writer, look: Look, value: Stream) -> None:
        for entry_id, flat in value.between(look.last_id + 1, value.last_id):
            writer.assign(ENTRY, entry_name(entry_id), entry_payload(flat))
        if look.way != NAMES:
            for entry_id in look.entries:
                if entry_id not in value:
                    writer.remove(ENTRY, entry_name(entry_id))
        if value.last_id > look.last_id:
            writer.assign(LAST_ID, b"", entry_name(value.last_id))
        settle_stream(value, value.last_id)

    def _deadline(self, writer: Writer, before_ms: int, after_ms: int) -> None:
        if before_ms == after_ms:
            return
        if after_ms == -1:
            writer.remove(DEADLINE, b"")
        else:
            writer.assign(DEADLINE, b"", b"%d" % after_ms)

    def _with_id(self, args: list[bytes]) -> list[bytes]:
        """Rule V5: ``XADD`` with the id that this node gives."""
        at = 2
        while at < len(args):
            word = args[at].upper()
            if word == b"NOMKSTREAM":
                at += 1
            elif word in (b"MAXLEN", b"MINID"):
                at += 3 if at + 1 < len(args) and args[at + 1] in (b"~", b"=") else 2
            elif word == b"LIMIT":
                at += 2
            else:
                break
        if at >= len(args):
            return args
        word = args[at]
        stream = self._view.get(args[1])
        last_id = stream.last_id if isinstance(stream, Stream) else 0
        ms = -1
        if word == b"*":
            ms = max(self._databases.now_ms, ms_of(last_id))
        elif word.endswith(b"-*") and word[:-2].isdigit() and len(word) < 20:
            ms = int(word[:-2])
        if ms < 0 or ms < ms_of(last_id):
            return args
        sequence = self._node & ((1 << NODE_BITS) - 1)
        if ms == ms_of(last_id):
            sequence += ((sequence_of(last_id) >> NODE_BITS) + 1) << NODE_BITS
        return [*args[:at], b"%d-%d" % (ms, sequence), *args[at + 1 :]]

    def _flush(self, made: list[Delta]) -> None:
        """``FLUSHDB``: every key that is seen here."""
        for key in list(self._view.values):
            self._remove(key, made)

    def _forget(self, key: bytes, made: list[Delta]) -> None:
        """All of it that is seen, in the lattice."""
        writer = Writer(self.lattice, self.actor, self.hlc.now(self._databases.now_ms), key)
        writer.remove_all()
        delta = writer.finish()
        if delta is not None:
            self.lattice.apply(delta)
            made.append(delta)

    def _remove(self, key: bytes, made: list[Delta]) -> None:
        self._forget(key, made)
        self.changed.append(key)
        self._show(key)

    def sweep(self, before_ms: int, limit: int) -> list[Delta]:
        """Remove up to ``limit`` keys whose deadline has passed by then (Rule V6)."""
        made: list[Delta] = []
        for key in self._view.deadlines.due(before_ms, limit):
            self._remove(key, made)
        return made

    # -- from the lattice to the view ----------------------------------------------------------------

    def merge(self, delta: Delta) -> None:
        """An update of another replica."""
        places = self.lattice.apply(delta)
        if places:
            self._follow(delta.key, places)

    def merge_state(self, key: bytes, state: bytes, clock: Clock) -> None:
        """What another replica holds of a key."""
        places = self.lattice.join(key, state, clock)
        if places:
            self._follow(key, places)

    def reload(self) -> None:
        """Everything anew: the lattice was restored."""
        for key in self.lattice.held():
            self._show(key)

    def _follow(self, key: bytes, places: list[tuple[int, bytes]]) -> None:
        """These elements have changed."""
        self.changed.append(key)
        view = self._view
        state = self.lattice.state(key)
        value = view.values.get(key)
        kind = kind_of(value)
        if len(places) > _FOLLOWED_MAX or not shows_only(state, kind):
            self._show(key)
            return
        for one, name in places:
            if one == kind and not self._follow_one(key, value, name, cell_of(state, (one, name))):
                self._show(key)
                return
        if isinstance(value, Stream):
            settle_stream(value, shown_last_id(cell_of(state, (LAST_ID, b""))))
        self._show_deadline(key)

    def _follow_one(self, key: bytes, value: Value | None, name: bytes, cell: AnyCell | None) -> bool:
        """One element of ``value`` is as the cell has it; False: not so easily."""
        shown = cell is not None and is_there(cell)
        if isinstance(value, Set):
            if shown:
                value.add(name)
            else:
                value.discard(name)
        elif isinstance(value, Hash):
            if cell is not None and shown:
                value.put(name, shown_field(cell))
            else:
                value.pop(name)
        elif isinstance(value, SortedSet):
            if cell is not None and shown:
                value.put(name, shown_score(cell))
            else:
                value.pop(name)
        elif isinstance(value, List):
            return self._places.of(key, self.lattice).follow(value, name, cell if shown else None)
        elif isinstance(value, Stream):
            best = None if cell is None else winner(cell)
            entry_id = int.from_bytes(name, "big")
            if best is None or entry_id <= value.top_id or len(name) != 16:
                return False
            value.last_id = value.top_id
            value.append(entry_id, entry_of(best[3]))
        else:
            return False
        return True

    def _show(self, key: bytes) -> None:
        """The key as the lattice has it."""
        view = self._view
        state = self.lattice.state(key)
        value, places = shown_value(state)
        self._places.forget(key)
        if value is None:
            view.values.pop(key)
            view.deadlines.drop(key)
            return
        view.values.put(key, value)
        if places:
            self._places.put(key, places)
        self._show_deadline(key)

    def _show_deadline(self, key: bytes) -> None:
        deadline_ms = shown_deadline(cell_of(self.lattice.state(key), (DEADLINE, b"")))
        if deadline_ms == -1:
            self._view.deadlines.drop(key)
        else:
            self._view.deadlines.put(key, deadline_ms)
