"""Streams as durable queues: unique jobs in by ``XADD``, out to a group by ``XREADGROUP``, done by ``XACK``.

A group hands each entry out once as new; what a consumer that is gone has not acknowledged is claimed by
others. So: every job is handed out as new at most once, hand-outs go forward through the ids, what was
acknowledged is pending no more, what was handed out and not acknowledged is pending, and no entry is lost.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import ClassVar

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import OK, ReplyError, Value
from trivet.lab.workloads.workload import Base, Context, before
from trivet.lab.world.client import Call, Picked
from trivet.lab.world.options import RunOptions

Entry = tuple[bytes, bytes]
"""(id, job)"""
_GROUP = b"workers"


class Stream(Base):
    """``d:`` streams, each with one group."""

    prefixes = (b"d:",)
    weights = ("weight_stream",)
    on_registers = True
    reads: ClassVar[dict[bytes, list[bytes]]] = {b"d:": [b"XRANGE", b"", b"-", b"+"]}

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self._in_hand: dict[int, list[tuple[bytes, bytes]]] = {}
        """By client: (stream, id) of what it has to acknowledge."""

    def setup(self) -> list[Call]:
        """The groups; one that is there already is as good."""
        keys = [b"d:%d" % place for place in range(self.options.keys_per_kind)]
        return [
            Call([], [key], [[b"XGROUP", b"CREATE", key, _GROUP, b"0", b"MKSTREAM"]], _created)
            for key in keys
        ]

    def start(self, client: int, prng: Prng) -> Call:
        """Add a job, take some, acknowledge one, or claim what others have left."""
        key = b"d:%d" % prng.below(self.options.keys_per_kind)
        roll = prng.below(20)
        in_hand = self._in_hand.get(client)
        if roll < 6 and in_hand:
            self.count("acknowledgements")
            stream, entry_id = in_hand.pop(0)
            return Call([[b"XACK", stream, _GROUP, entry_id]], [stream])
        if roll < 12:
            self.count("adds")
            return Call([[b"XADD", key, b"*", b"job", self.fresh(client)]], [key])
        consumer = b"c%d" % client
        if roll < 14:
            self.count("claims")
            claim = [b"XAUTOCLAIM", key, _GROUP, consumer, b"%d" % prng.below(200), b"0", b"COUNT", b"3"]
            return Call([claim], [key], then=self._taken(client, key, claimed_entries))
        self.count("takes")
        take = [b"XREADGROUP", b"GROUP", _GROUP, consumer, b"COUNT", b"%d" % prng.between(1, 3)]
        if roll < 18 and not self.has_one_key:  # on registers nothing waits
            take += [b"BLOCK", b"%d" % prng.between(1, 600)]
        take += [b"STREAMS", key, b">"]
        return Call([take], [key], then=self._taken(client, key, new_entries))

    def _taken(
        self, client: int, key: bytes, entries: Callable[[Value], list[Entry]]
    ) -> Callable[[tuple[Value, ...]], Call | None]:
        def taken(replies: tuple[Value, ...]) -> Call | None:
            found = [(key, entry_id) for entry_id, _ in entries(replies[0])]
            self._in_hand.setdefault(client, []).extend(found)
            return None

        return taken

    def finals(self) -> list[Call]:
        """All entries, and what is pending."""
        pending = [
            Call([[b"XPENDING", key, _GROUP, b"-", b"+", b"100000"]], [key], final=True) for key in self.used
        ]
        return super().finals() + pending

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """Each stream by itself."""
        by_key: dict[bytes, list[Operation]] = {}
        for operation in history:
            by_key.setdefault(operation.keys[0], []).append(operation)
        return [c for key, operations in by_key.items() for c in judge_stream(key.decode(), operations)]


def _created(replies: list[Value]) -> Picked:
    reply = replies[0]
    there = reply == OK or (isinstance(reply, ReplyError) and reply.code() == "BUSYGROUP")
    return (Outcome.OK if there else Outcome.FAIL), ()


def new_entries(reply: Value) -> list[Entry]:
    """What ``XREADGROUP`` on one stream has answered, in either protocol."""
    if not isinstance(reply, tuple) or not reply:
        return []
    stream = reply if len(reply) == 2 and isinstance(reply[0], bytes) else reply[0]
    return _entries(stream[1]) if isinstance(stream, tuple) else []


def claimed_entries(reply: Value) -> list[Entry]:
    """What ``XAUTOCLAIM`` has answered."""
    return _entries(reply[1]) if isinstance(reply, tuple) and len(reply) > 1 else []


def _entries(items: Value) -> list[Entry]:
    found: list[Entry] = []
    for item in items if isinstance(items, tuple) else ():
        if isinstance(item, tuple) and isinstance(item[0], bytes) and isinstance(item[1], tuple):
            job = item[1][1]
            assert isinstance(job, bytes)
            found.append((item[0], job))
    return found


def judge_stream(name: str, operations: Sequence[Operation]) -> list[Complaint]:
    """Complaints about one stream; its final reads are among ``operations``."""
    return _Judge(name, operations).judge()


def _place(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition(b"-")
    return int(milliseconds), int(sequence)


class _Judge:
    def __init__(self, name: str, operations: Sequence[Operation]) -> None:
        self.name = name
        self.complaints: list[Complaint] = []
        happened = [o for o in operations if o.outcome is not Outcome.FAIL]
        known = [o for o in happened if o.outcome is Outcome.OK]
        self.adds = {o.commands[0][4]: o for o in happened if o.commands[0][0] == b"XADD"}
        self.refused = {
            o.commands[0][4]: o
            for o in operations
            if o.commands[0][0] == b"XADD" and o.outcome is Outcome.FAIL
        }
        self.takes = [o for o in known if o.commands[0][0] == b"XREADGROUP"]
        self.claims = [o for o in known if o.commands[0][0] == b"XAUTOCLAIM"]
        self.acks = [o for o in happened if o.commands[0][0] == b"XACK"]
        self.ranges = [o for o in known if o.final and o.commands[0][0] == b"XRANGE"]
        self.pendings = [o for o in known if o.final and o.commands[0][0] == b"XPENDING"]
        self.handed_out: dict[bytes, Operation] = {}
        """By id, as new."""

    def judge(self) -> list[Complaint]:
        self._ids()
        self._hand_outs()
        self._acknowledgements()
        for read in self.ranges:
            self._final(read)
        for read in self.pendings:
            if not self.complaints:
                self._pending(read)
        return self.complaints[:3]

    def _say(self, sentence: str, *operations: Operation) -> None:
        self.complaints.append(
            Complaint("stream", f"{self.name}: {sentence}", [o.text() for o in operations])
        )

    def _ids(self) -> None:
        """Ids rise with time."""
        done = [o for o in self.adds.values() if o.outcome is Outcome.OK]
        greatest: Operation | None = None
        over = sorted(done, key=lambda o: o.return_us)
        at = 0
        for add in sorted(done, key=lambda o: o.invoke_us):
            while at < len(over) and over[at].return_us < add.invoke_us:
                if greatest is None or _id_of(over[at]) > _id_of(greatest):
                    greatest = over[at]
                at += 1
            if greatest is not None and _id_of(greatest) >= _id_of(add):
                self._say("an id is not above that of an earlier entry", greatest, add)
                return

    def _hand_outs(self) -> None:
        last: tuple[tuple[int, int], Operation] | None = None
        over = sorted(self.takes, key=lambda o: o.return_us)
        at = 0
        for take in sorted(self.takes, key=lambda o: o.invoke_us):
            entries = new_entries(take.replies[0])
            while at < len(over) and over[at].return_us < take.invoke_us:
                for entry_id, _ in new_entries(over[at].replies[0])[-1:]:
                    if last is None or _place(entry_id) > last[0]:
                        last = (_place(entry_id), over[at])
                at += 1
            for entry_id, job in entries:
                self._handed(entry_id, job, take)
                if last is not None and _place(entry_id) <= last[0]:
                    self._say("an entry was handed out after a later one", last[1], take)
        for claim in self.claims:
            for _, job in claimed_entries(claim.replies[0]):
                self._known(job, claim)

    def _handed(self, entry_id: bytes, job: bytes, take: Operation) -> None:
        if entry_id in self.handed_out:
            self._say("an entry was handed out twice as new", self.handed_out[entry_id], take)
        self.handed_out[entry_id] = take
        self._known(job, take)

    def _known(self, job: bytes, operation: Operation) -> None:
        add = self.adds.get(job)
        if job in self.refused:
            self._say("a job was refused for certain, yet delivered", self.refused[job], operation)
        elif add is None:
            self._say("a job was delivered that nobody added", operation)
        elif before(operation, add):
            self._say("a job was delivered before it was added", add, operation)

    def _acknowledgements(self) -> None:
        counted: dict[bytes, Operation] = {}
        for ack in self.acks:
            entry_id = ack.commands[0][3]
            if ack.outcome is not Outcome.OK or ack.replies[0] != 1:
                continue
            if entry_id in counted:
                self._say("an entry was acknowledged twice", counted[entry_id], ack)
            counted[entry_id] = ack

    def _final(self, read: Operation) -> None:
        entries = _entries(read.replies[0])
        places = [_place(entry_id) for entry_id, _ in entries]
        if any(one >= other for one, other in pairwise(places)):
            self._say("entries are not in the order of their ids at the end", read)
        by_job = {job: entry_id for entry_id, job in entries}
        if len(by_job) != len(entries):
            self._say("a job is there twice at the end", read)
        for job, add in self.adds.items():
            if add.outcome is Outcome.OK and by_job.get(job) != add.replies[0]:
                self._say("an entry is lost", add, read)
                return
        for job in by_job:
            self._known(job, read)

    def _pending(self, read: Operation) -> None:
        """Final reads come after everything else."""
        rows = read.replies[0] if isinstance(read.replies[0], tuple) else ()
        pending = {row[0]: None for row in rows if isinstance(row, tuple)}
        tried = {ack.commands[0][3]: ack for ack in self.acks}
        for ack in self.acks:
            if ack.outcome is Outcome.OK and ack.commands[0][3] in pending:
                self._say("an acknowledged entry is still pending", ack, read)
        for entry_id, take in self.handed_out.items():
            if entry_id not in tried and entry_id not in pending:
                self._say("an entry that nobody acknowledged is not pending", take, read)


def _id_of(add: Operation) -> tuple[int, int]:
    reply = add.replies[0]
    return _place(reply) if isinstance(reply, bytes) else (0, 0)
