"""A group of registers in memory: network and disks are queues that a test controls.

``Desk`` is one node with its disk: what a save wrote is there after a crash only if it was synced, and a
disk can be lost as a whole. ``Group`` is the network between desks, and the cluster map that says who the
members are.
"""

from collections import deque
from collections.abc import Callable

import msgspec

from trivet.core.base.prng import Prng
from trivet.core.paxos.ballot import INCARNATION_MAX, node_of, proposer_of
from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.content import Content, Sealed
from trivet.core.paxos.messages import Message, Page, Promises
from trivet.core.paxos.operation import Change, Operation, Outcome
from trivet.core.paxos.paxos import Paxos
from trivet.core.paxos.ready import (
    Marks,
    Ready,
    Save,
    SavedAccepts,
    SavedDrop,
    SavedPromises,
    SavedRecord,
    SavedRegister,
    SavedRemoval,
)
from trivet.core.paxos.settings import PaxosSettings
from trivet.core.paxos.slots import Spans

from paxos_watch import Watch  # isort: skip

DECODER = msgspec.msgpack.Decoder(Message)
RECORDS = msgspec.msgpack.Decoder(list[SavedRecord])


def slot_of(key: bytes) -> int:
    """Keys lie in the slot of their first letter."""
    return key[0]


# --- commands: what an owner does with a value --------------------------------------------


def number_reply(number: int) -> bytes:
    return b":%d" % number


def value_reply(value: bytes | None) -> bytes:
    return b"$-" if value is None else b"$" + value


def change_of(command: tuple[bytes, ...]):
    """The change function of a command of the tests."""
    name = command[0]

    def change(value: bytes | None, version: int) -> Change:
        if name == b"GET":
            return Change(False, None, value_reply(value))
        if name == b"SET":
            return Change(True, command[2], b"+OK")
        if name == b"GETSET":
            return Change(True, command[2], value_reply(value))
        if name == b"SETNX":
            if value is not None:
                return Change(False, None, number_reply(0))
            return Change(True, command[2], number_reply(1))
        if name == b"INCR":
            number = int(value or b"0") + 1
            return Change(True, b"%d" % number, number_reply(number))
        if name == b"APPEND":
            after = (value or b"") + command[2]
            return Change(True, after, number_reply(len(after)))
        assert name == b"DEL"
        if value is None:
            return Change(False, None, number_reply(0))
        return Change(True, None, number_reply(1))

    return change


def is_read(command: tuple[bytes, ...]) -> bool:
    return command[0] == b"GET"


# --- disks ----------------------------------------------------------------------------------


class Desk:
    """One node: its disk, its life, and what it is at present."""

    def __init__(self, node: int, watch: Watch | None) -> None:
        self.node = node
        self.watch = watch
        self.records: list[SavedRecord] = []
        """Durable."""
        self.queue: deque[Save] = deque()
        """On the way to the disk."""
        self.lives = 0
        self.lost = False
        """Its disk was lost, and does not say yet that it is doubtful."""
        self.doubting = False
        """It was lost, and the disk does not say yet that it has caught up."""
        self.paxos: Paxos | None = None

    @property
    def live(self) -> Paxos:
        assert self.paxos is not None
        return self.paxos

    def proposer(self) -> int:
        return proposer_of(self.node, self.lives)

    def start(self, seed: int, settings: dict[str, int]) -> None:
        self.lives += 1
        proposer = self.proposer()
        self.paxos = Paxos(
            PaxosSettings(node=self.node, proposer=proposer, **settings),
            Prng(seed * 1000 + self.node * 100 + self.lives),
            self.records,
            self.lost,
            slot_of,
        )

    def sync(self, count: int = 1 << 30) -> int:
        """Make the oldest ``count`` saves durable; the last one's number, or 0."""
        save_id = 0
        for _ in range(min(count, len(self.queue))):
            save = self.queue.popleft()
            self.records.extend(save.records)
            if self.watch is not None:
                for record in save.records:
                    self.watch.saved(self.node, record)
            save_id = save.save_id
            self.lost = False
        return save_id

    def crash(self, kept: int = 0) -> None:
        """Lose what was not synced, but for the oldest ``kept`` saves."""
        self.sync(kept)
        self.queue.clear()
        self.paxos = None

    def lose(self) -> None:
        """The disk is gone."""
        assert self.paxos is None
        self.records = []
        if self.watch is not None:
            self.watch.lost(self.node)
        self.lost = True
        self.doubting = True


# --- the group ------------------------------------------------------------------------------

Flight = tuple[int, int, Message]


class Group:
    """Desks, the messages between them, and the map."""

    def __init__(
        self, size: int, nodes: int = 0, seed: int = 0, voters: tuple[int, ...] = (), spans: Spans = None,
        **settings: int,
    ) -> None:  # fmt: skip
        self.seed = seed
        self.settings = settings
        self.config = GroupConfig(1, voters or tuple(range(1, size + 1)), spans=spans)
        self.configs = [self.config]
        """All that there were; a node may hear of them late, but hears of them in order."""
        self.watch = Watch(self.config, slot_of)
        self.outlet: Callable[[int, Ready], None] | None = None
        """Gets what a transfer wants to know."""
        self.desks = {n: Desk(n, self.watch) for n in range(1, max(size, nodes) + 1)}
        self.flights: list[Flight] = []
        self.cut: dict[tuple[int, int], bool] = {}
        self.events: list[str] | None = []
        self.finished: list[tuple[int, Operation]] = []
        self.rescanned: list[int] = []
        self.scans: dict[int, list[bytes]] = {}
        self.unsure: dict[int, list[bytes]] = {}
        self.collected = 0
        self.revived = 0
        self.messages = 0
        self.checks = 1
        """Invariants are checked in one of so many turns."""
        self._turns = 0
        self.as_bytes = False
        """Messages and records travel as bytes."""
        self.held: dict[int, bool] = {}
        for desk in self.desks.values():
            desk.start(seed, settings)
            desk.live.learn(self.config)
            self.turn(desk.node)
            self.sync(desk.node)
        self.events = []

    def say(self, text: str) -> None:
        if self.events is not None:
            self.events.append(text)

    # --- inputs ---------------------------------------------------------------

    def submit(self, node: int, operation: Operation) -> None:
        desk = self.desks[node]
        desk.live.submit(operation)
        self.turn(node)

    def deliver(self, flight: Flight) -> None:
        sender, to, message = flight
        desk = self.desks.get(to)
        if desk is None or desk.paxos is None or (sender, to) in self.cut:
            return
        if self.as_bytes:
            message = DECODER.decode(msgspec.msgpack.encode(message))
        desk.paxos.step(sender, message)
        self.turn(to)

    def tick(self, node: int) -> None:
        self.desks[node].live.tick()
        self.turn(node)

    def sync(self, node: int, count: int = 1 << 30) -> None:
        desk = self.desks[node]
        save_id = desk.sync(count)
        if save_id:
            desk.live.saved(save_id)
            if not desk.live.doubtful and not desk.queue:
                desk.doubting = False
            self.turn(node)

    def crash(self, node: int, kept: int = 0) -> None:
        self.desks[node].crash(kept)

    def compact(self, node: int) -> None:
        """The log of a node begins anew with what it holds."""
        desk = self.desks[node]
        if desk.queue or desk.lost:
            return
        records: list[SavedRecord] = []
        cursor: bytes | None = None
        while page := desk.live.records(cursor, 3):
            records += page
            cursor = page[-1].key if isinstance(page[-1], SavedRegister) else b""
        desk.records = RECORDS.decode(msgspec.msgpack.encode(records))

    def dismiss(self, node: int) -> None:
        """The newest map says that ``node`` is no member: whatever it has forgotten, it is a new one if it comes back."""
        desk = self.desks[node]
        assert not self.config.joined(node)
        if desk.paxos is not None:
            desk.crash()
        self.watch.lost(node)
        desk.lives += 1
        desk.records = [Marks(self.config.epoch, 0, desk.proposer())]
        for record in desk.records:
            self.watch.saved(node, record)
        desk.lost = desk.doubting = False
        self.restart(node)

    def restart(self, node: int) -> None:
        self.desks[node].start(self.seed, self.settings)
        self.turn(node)

    def learn(self, node: int, config: GroupConfig | None = None) -> None:
        self.desks[node].live.learn(config or self.config)
        self.turn(node)

    def turn(self, node: int) -> None:
        """Take what came out of ``node``."""
        if node in self.held:
            return
        paxos = self.desks[node].live
        ready = paxos.ready()
        if ready is not None:
            self._take(self.desks[node], ready)
        self._turns += 1
        if self._turns % self.checks == 0:
            paxos.check_invariants()
            if ready is None:
                paxos.check_rest()

    # --- outcomes -------------------------------------------------------------

    def _take(self, desk: Desk, ready: Ready) -> None:
        node = desk.node
        flights = self.flights
        self.messages += len(ready.messages)
        before: Message | None = None
        for to, message in ready.messages:
            flights.append((node, to, message))
            if message is not before:
                self.watch.left(node, message)
                before = message
        if ready.save is not None:
            desk.queue.append(ready.save)
        for operation in ready.finished:
            self.finished.append((node, operation))
        if self.outlet is not None and (ready.listed or ready.fetched or ready.adopted):
            self.outlet(node, ready)
        for scan in ready.scans:
            if scan.ok:
                self.scans.setdefault(scan.scan_id, []).extend(scan.keys)
                self.unsure.setdefault(scan.scan_id, []).extend(scan.unsure)
                if scan.cursor is not None:
                    desk.live.scan(scan.scan_id, scan.cursor, 2)
        if ready.rescanned:
            self.rescanned.append(ready.rescanned)
        self.revived += ready.revived
        if self.events is not None:
            self._tell(node, ready)
        if ready.scans:
            self.turn(node)

    def _tell(self, node: int, ready: Ready) -> None:
        for to, message in ready.messages:
            self.say(f"{node}->{to} {show(message)}")
        if ready.save is not None:
            self.say(
                f"{node} saves #{ready.save.save_id} " + ", ".join(show_record(r) for r in ready.save.records)
            )
        for operation in ready.finished:
            self.say(f"{node} ends #{operation.op_id}: {show_outcome(operation)}")
        for scan in ready.scans:
            keys = " ".join(key.decode() for key in scan.keys) or "nothing"
            keys += "".join(f" {key.decode()}?" for key in scan.unsure)
            after = f", more after {scan.cursor.decode()}" if scan.cursor is not None else ""
            self.say(
                f"{node} scan #{scan.scan_id}: {keys}{after}"
                if scan.ok
                else f"{node} scan #{scan.scan_id} fails"
            )
        for result in ready.listed:
            told = [
                f"{key.decode()} {show_ballot(ballot)} at {holder}"
                for key, (ballot, holder) in zip(result.keys, result.holders, strict=True)
            ]
            self.say(f"{node} lists " + (", ".join(told) or "nothing") + f"; floor v{result.floor_version}")
        for fetched in ready.fetched:
            told = [
                f"{key.decode()} {show_ballot(ballot)} {show_content(c)}" for key, ballot, c in fetched.found
            ]
            told += [f"{key.decode()} missing" for key in fetched.missing]
            self.say(f"{node} fetches " + ", ".join(told))
        for operation in ready.adopted:
            self.say(f"{node} adopts {operation.key.decode()}: {operation.outcome.name.lower()}")
        if ready.rescanned:
            self.say(f"{node} has every register at quorums of epoch {ready.rescanned}")
        if ready.epoch_wanted:
            self.say(f"{node} wants epoch {ready.epoch_wanted}")
        if ready.revived:
            self.say(f"{node} is certain again")


# --- words ----------------------------------------------------------------------------------


def show_outcome(operation: Operation) -> str:
    if operation.outcome is Outcome.OK:
        return f"{operation.reply.decode()} (version {operation.version})"
    return operation.outcome.name.lower()


def show_ballot(ballot: tuple[int, int]) -> str:
    """``3.n2`` is counter 3 of node 2's first life, ``3.n2'`` of its second.

    ``3+``: above all of counter 3.
    """
    counter, proposer = ballot
    if not counter:
        return "-"
    if proposer >> 62:
        return f"{counter}+"
    return f"{counter}.n{node_of(proposer)}" + "'" * ((proposer & INCARNATION_MAX) - 1)


def show_content(sealed: Sealed | None) -> str:
    if sealed is None:
        return "nothing"
    content = Content(sealed)
    text = "tombstone" if content.value is None else content.value.decode()
    text += f"/v{content.version}"
    if content.done:
        text += " done " + " ".join(f"{d.origin}:{d.seq}={d.reply.decode()}" for d in content.done)
    if content.forgotten:
        text += f" forgotten {content.forgotten}"
    return "{" + text + "}"


def show_record(record: SavedRecord) -> str:
    if isinstance(record, SavedRegister):
        ballots = f"{show_ballot(record.promised)} {show_ballot(record.accepted)}"
        return f"{record.key.decode()} {ballots} {show_content(record.content)}"
    if isinstance(record, SavedAccepts):
        columns = zip(record.keys, record.counters, record.next_counters, record.contents, strict=True)
        return ", ".join(
            f"{key.decode()} {show_ballot((max(counter, after), record.proposer))} "
            f"{show_ballot((counter, record.proposer))} {show_content(content)}"
            for key, counter, after, content in columns
        )
    if isinstance(record, SavedPromises):
        return ", ".join(
            f"{key.decode()} promised {show_ballot((counter, record.proposer))}"
            for key, counter in zip(record.keys, record.counters, strict=True)
        )
    if isinstance(record, SavedRemoval):
        return f"{record.key.decode()} removed"
    if isinstance(record, Marks):
        text = f"marks epoch {record.epoch} joined {record.joined}"
        text += " doubtful" if record.doubtful else ""
        text += f" floor {show_ballot(record.floor)}/v{record.floor_version}" if record.floor[0] else ""
        for span in record.spans or ():
            text += f" {show_span(span)}"
        lives = [f"{node}'" for node, _ in record.lives]
        return text + (f" lives {' '.join(lives)}" if lives else "")
    if isinstance(record, SavedDrop):
        return "drop " + " ".join(f"{chr(first)}-{chr(last)}" for first, last in record.ranges)
    return "wipe"


STATES = ("absent", "served", "sealed", "arriving")


def show_span(span: object) -> str:
    """Slots by their letters, since when, and what is done with them."""
    return f"{chr(span.first)}-{chr(span.last)}@{span.since}:{STATES[span.state]}"


def _show_field(name: str, value: object) -> str:
    if name == "content":
        return f"{name}={show_content(value)}"
    if isinstance(value, tuple) and len(value) == 2 and name != "lives":
        return f"{name}={show_ballot(value)}"
    if name == "lives":
        return "lives=" + ",".join(str(node) for node, _ in value)
    if name == "life":
        return "anew" if value & INCARNATION_MAX > 1 else ""
    if isinstance(value, bytes):
        return f"{name}={value.decode()}"
    return f"{name}={value}"


def _show_struct(struct: object, hidden: tuple[str, ...]) -> str:
    words = []
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if name not in hidden and value not in (None, 0, (), (0, 0)):
            words.append(_show_field(name, value))
    return " ".join(word for word in words if word)


COLUMNS = {
    "keys": "key", "counters": "counter", "next_counters": "next_counter", "contents": "content", "held": "held",
    "accepted": "accepted",
}  # fmt: skip
"""Fields of messages that are lists -> what one of it is."""


def _show_columns(message: Message) -> list[str]:
    """Its columns, row by row in brackets; what is refused is shown as such."""
    refused = {item.position: item for item in getattr(message, "refused", ())}
    names = [name for name in message.__struct_fields__ if name in COLUMNS]
    rows = zip(*[getattr(message, name) for name in names], strict=True)
    shown = []
    for position, row in enumerate(rows, getattr(message, "start", 0)):
        if position in refused:
            shown.append(f"[refused {_show_struct(refused[position], ('position',))}]")
            continue
        fields = zip(names, row, strict=True)
        words = [
            _show_field(COLUMNS[name], value) for name, value in fields if value not in (None, 0, (0, 0))
        ]
        shown.append(f"[{' '.join(words)}]")
    return shown


def show(message: Message) -> str:
    """A message in one line: its class, every field that is not at its default, rows and items in brackets."""
    words = [type(message).__name__]
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if name == "standing":
            standing = _show_struct(value, ())
            words.extend([f"<{standing}>"] if standing else [])
        elif name == "refused" and isinstance(message, Promises):
            continue  # its rows say so
        elif name in ("items", "others", "refused", "since"):
            word = "" if name in ("items", "others") else f"{name} "
            words.extend(f"[{word}{_show_struct(item, ('position',))}]".replace(" ]", "]") for item in value)
        elif name in COLUMNS and not isinstance(message, Page):
            words.extend(_show_columns(message) if name in ("keys", "accepted") else [])
        elif name == "epoch":
            words.extend([f"epoch={value}"] if value != 1 else [])
        elif name == "wants_contents":
            words.extend([] if value else ["bare"])
        elif name not in ("proposer", "round_id", "flight", "start", "end", "hearsay") and value not in (
            None, 0, (0, 0), [],
        ):  # fmt: skip
            words.append(_show_field(name, value))
        elif name == "hearsay" and value:
            words.append(f"hearsay={value}")
    return " ".join(words)
