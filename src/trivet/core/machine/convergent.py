"""What a replica of mode ``eventual`` shows: commands run on it at once; what they change becomes updates.

On the path: calls -> an ordinary database, the *view* -> what changed there -> updates of the lattice.
Updates of others go the other way: into the lattice, and what they changed into the view. So every command
that reads is the ordinary one, at its speed.

- Rule V2: after every call and every update the view is what the lattice shows.
- Rules V3, V7, V8, V9: what becomes an update, and how (``convergent_updates``).
- Rule V4: commands without a convergent meaning are refused (``convergent_rows``).
- Rule V5: ids of streams that nodes give carry the node's number: two never give the same.
- Rule V10: who adds what is there already has added it: it stays, whoever removes it at the same time.
- Rule V6: a key past its deadline is not seen. Who sweeps removes it for all, as it was seen: if others have
  changed it meanwhile, that stays.
"""

from typing import Final

from trivet.core.access.users import Users
from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.core.command.table import ROWS, Context, Event
from trivet.core.command.waiting import may_wait
from trivet.core.lattice.cell import AnyCell, Plain, is_there, winner
from trivet.core.lattice.clock import Clock
from trivet.core.lattice.delta import DEADLINE, LAST_ID, STRING, Change, Delta
from trivet.core.lattice.hlc import Hlc
from trivet.core.lattice.key_state import KeyState, cell_of, main_count, shows_only
from trivet.core.lattice.lattice import Lattice
from trivet.core.lattice.writer import Writer
from trivet.core.machine.convergent_lists import Places
from trivet.core.machine.convergent_looks import Look, Looks
from trivet.core.machine.convergent_rows import (
    ADDS,
    AGAIN,
    BITS,
    BLOCKS,
    EXPIRES,
    KEEPS,
    MAY_STORE,
    PROBABLE,
    RANGES,
    READS,
    REFUSALS,
    WHOLE_WRITES,
    WRITES,
    told_names,
)
from trivet.core.machine.convergent_updates import Updates, tell_deadline
from trivet.core.machine.convergent_values import (
    PLAIN,
    entry_of,
    kind_of,
    settle_stream,
    shown_deadline,
    shown_field,
    shown_last_id,
    shown_score,
    shown_value,
)
from trivet.core.machine.entry import Call, decode_calls
from trivet.core.machine.rights import AS, Denied, Rights
from trivet.core.machine.scanning import SCANPART, SLOTKEYS, scan_part, slot_keys
from trivet.core.machine.specials import ROWS_WITHOUT_GROWTH, UNKNOWN, aborted_exec
from trivet.core.machine.specials import embedded as embedded_reply
from trivet.core.machine.waiting import defect
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases
from trivet.core.values.hash_value import Hash, MortalHash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stream import Stream
from trivet.core.values.stream_id import ID_MAX, ms_of, sequence_of
from trivet.core.values.types import Value
from trivet.core.wire.reply import OK, Error, Reply

NODE_BITS: Final = 20
"""Of an id's sequence: the node that gave it (Rule V5)."""
OTHER_DATABASE: Final = Error("ERR a database of mode eventual is all that there is to a call in it")
_TAUGHT: Final = {b"LOAD": 1, b"FLUSH": 1, b"DELETE": 1, b"RESTORE": 1}
RESTORES_MORE: Final = Error(
    "ERR the value has deadlines of fields, or groups of consumers, which are not for a keyspace of mode"
    " eventual; nothing was done"
)
_FOLLOWED_MAX: Final = 64
"""More elements at a time are not followed one by one, if they are not few beside all."""
_TAIL_MAX: Final = 1000
"""Entries of a stream behind one that comes late."""
_NOTHING: Final[list[bytes]] = []


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
        self._updates = Updates(lattice, self._places)
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
            self.empty(self.seen_keys(), made)
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
        name = args[0]
        row = (ROWS_WITHOUT_GROWTH if self.refuses_growth else ROWS)[name]
        assert row.run is not None
        self._set_context()
        told = _NOTHING
        if name in RANGES:
            reader = ROWS[RANGES[name]].run
            assert reader is not None
            told = told_names(reader(self._context, args))
        elif name == b"XADD":
            args = self._with_id(args)
        looks = self._looks
        looks.begin(args, told)
        try:
            reply = row.run(self._context, args)
            looks.watches = False
            if name == b"RESTORE" and looks.found and self._has_more(args[1]):
                self._show(args[1])
                return RESTORES_MORE
            if not looks.found and name in AGAIN and not isinstance(reply, Error):
                self._look_again(args)
            for key, look in looks.found.items():
                self._update(key, look, args, reply, made)
        except Exception:
            looks.watches = False
            for key in looks.found:
                self._show(key)
            raise
        return reply

    def _look_again(self, args: list[bytes]) -> None:
        """Rule V10: the call has changed nothing here, and counts as a write all the same."""
        value = self._view.get(args[1])
        if value is not None:
            look = Look(value, self._view.deadline_ms(args[1]), args, _NOTHING)
            self._looks.found[args[1]] = look

    def _has_more(self, key: bytes) -> bool:
        """Whether a value has parts that no updates tell."""
        value = self._view.get(key)
        return isinstance(value, MortalHash) or (isinstance(value, Stream) and bool(value.groups))

    # -- from the view to the lattice ----------------------------------------------------------------

    def _update(self, key: bytes, look: Look, args: list[bytes], reply: Reply, made: list[Delta]) -> None:
        """What a call did to one key, as an update."""
        view = self._view
        value = view.get(key)
        if isinstance(value, Stream) and not len(value):
            view.remove(key)
            value = None
        if value is None:
            view.values.pop(key)  # it may stand there past its deadline
            view.deadlines.drop(key)
        else:
            state = self.lattice.state(key)
            if isinstance(value, bytes) and not isinstance(state, KeyState):
                if self._assign_plain(key, state, look, value, args, made):
                    return
            elif not look.kind and main_count(state):
                self._forget(key, made)  # it was past its deadline, and nobody had swept it
        writer = Writer(self.lattice, self.actor, self.hlc.now(self._databases.now_ms), key)
        self._updates.tell(writer, key, look, value, args, reply)
        if value is not None:
            tell_deadline(writer, look.deadline_ms, view.deadline_ms(key), args[0] in EXPIRES)
        delta = writer.finish()
        if not isinstance(value, List):
            self._places.forget(key)
        if delta is not None:
            self.lattice.apply(delta)
            made.append(delta)
            self.changed.append(key)

    def _assign_plain(
        self, key: bytes, state: Plain | None, look: Look, text: bytes, args: list[bytes], made: list[Delta]
    ) -> bool:
        """The most frequent update, without a writer; False: it is another one."""
        name = args[0]
        if self._view.deadlines.count and self._view.deadline_ms(key) != -1:
            return False
        if name in ADDS or name in KEEPS or name in BITS or name in PROBABLE:
            return False
        lattice = self.lattice
        removed = [] if state is None else [(state[0], state[1])]
        change = Change(STRING, b"", removed, payload=PLAIN + text)
        stamp = self.hlc.now(self._databases.now_ms)
        delta = Delta(self.actor, lattice.clock.base(self.actor) + 1, stamp, key, [change])
        if lattice.assign(delta) is None:
            lattice.apply(delta)
        self._places.forget(key)
        made.append(delta)
        self.changed.append(key)
        return True

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

    def seen_keys(self) -> list[bytes]:
        """Every key that is seen here, be it past its deadline."""
        return list(self._view.values)

    def empty(self, keys: list[bytes], made: list[Delta]) -> None:
        """``FLUSHDB``, or a share of it: what is seen here of these keys goes."""
        for key in keys:
            if key in self._view.values:
                self._remove(key, made)

    def _forget(self, key: bytes, made: list[Delta]) -> None:
        """All of it that is seen, in the lattice."""
        self._places.forget(key)
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

    def merge_plain(self, delta: Delta) -> bool:
        """An update of another replica, the next of its actor, if it is but the next string at its key."""
        plain = self.lattice.assign(delta)
        if plain is None:
            return False
        key = delta.key
        self.changed.append(key)
        if self._places or self._view.field_deadlines.count or self._view.deadlines.count:
            self._show_plain(key, plain)
        else:
            self._view.values.put(key, plain[3][1:])
        return True

    def merge(self, delta: Delta) -> None:
        """An update of another replica."""
        places = self.lattice.apply(delta)
        if not places:
            return
        state = self.lattice.state(delta.key)
        if state is None or isinstance(state, KeyState):
            self._follow(delta.key, places)
        else:
            self.changed.append(delta.key)
            self._show_plain(delta.key, state)

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
        many = len(places) > _FOLLOWED_MAX and len(places) * 8 > main_count(state)
        if many or not shows_only(state, kind):
            self._show(key)
            return
        for one, name in places:
            if one == kind and not self._follow_one(key, value, name, cell_of(state, (one, name))):
                self._show(key)
                return
        if isinstance(value, Stream):
            settle_stream(value, shown_last_id(cell_of(state, (LAST_ID, b""))))
        for one, _ in places:
            if one == DEADLINE:
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
            return len(name) == 16 and _follow_entry(value, int.from_bytes(name, "big"), cell)
        else:
            return False
        return True

    def _show(self, key: bytes) -> None:
        """The key as the lattice has it."""
        view = self._view
        state = self.lattice.state(key)
        value, places = shown_value(state)
        self._places.forget(key)
        if view.field_deadlines.count:
            view.field_deadlines.drop(key)
        if value is None:
            view.values.pop(key)
            view.deadlines.drop(key)
            return
        view.values.put(key, value)
        if places:
            self._places.put(key, places)
        self._show_deadline(key)

    def _show_plain(self, key: bytes, plain: Plain) -> None:
        """``_show`` of a string that is nothing else, as nearly all keys are."""
        view = self._view
        self._places.forget(key)
        if view.field_deadlines.count:
            view.field_deadlines.drop(key)
        if view.deadlines.count:
            view.deadlines.drop(key)
        view.values.put(key, plain[3][1:])

    def _show_deadline(self, key: bytes) -> None:
        deadline_ms = shown_deadline(cell_of(self.lattice.state(key), (DEADLINE, b"")))
        if deadline_ms == -1:
            if self._view.deadlines.count:
                self._view.deadlines.drop(key)
        else:
            self._view.deadlines.put(key, deadline_ms)


def _follow_entry(value: Stream, entry_id: int, cell: AnyCell | None) -> bool:
    """An entry came or went; False: not so easily."""
    best = None if cell is None else winner(cell)
    if best is None or entry_id in value:
        value.delete(entry_id)
    if best is None:
        return True
    tail = value.between(entry_id + 1, ID_MAX, _TAIL_MAX)
    if len(tail) == _TAIL_MAX or not entry_id:
        return False
    for late, _ in tail:
        value.delete(late)
    value.last_id = value.top_id
    value.append(entry_id, entry_of(best[3]))
    for late, flat in tail:
        value.append(late, flat)
    return True
