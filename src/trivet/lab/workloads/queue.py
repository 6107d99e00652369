"""Queues: unique jobs in by ``RPUSH``, out by ``LPOP``, or by ``LMOVE`` to the work in hand and ``LREM``.

Each job is delivered once, none is lost, and jobs leave in the order in which they came wherever that order
is definite. A pop whose answer never came may have taken one job: so many may be missing, and no more.
"""

from collections.abc import Sequence
from typing import ClassVar

from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import Value
from trivet.lab.workloads.workload import Base, Context, before, is_open
from trivet.lab.world.client import Call
from trivet.lab.world.options import RunOptions


class Queue(Base):
    """``q:`` the jobs that wait, ``w:`` those in hand."""

    prefixes = (b"q:", b"w:")
    weights = ("weight_queue",)
    together = (b"q:", b"w:")
    reads: ClassVar[dict[bytes, list[bytes]]] = {
        b"q:": [b"LRANGE", b"", b"0", b"-1"],
        b"w:": [b"LRANGE", b"", b"0", b"-1"],
    }

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self._in_hand: dict[int, list[tuple[bytes, bytes]]] = {}
        """By client: lists of work in hand, and its jobs there."""

    def start(self, client: int, prng: Prng) -> Call:
        """Push, pop, take into hand, or finish what is in hand."""
        place = prng.below(self.options.keys_per_kind)
        waiting, working = b"q:%d" % place, b"w:%d" % place
        roll = prng.below(20)
        in_hand = self._in_hand.get(client)
        if roll < 4 and in_hand:
            working, job = in_hand.pop(0)
            self.count("finishes")
            return Call([[b"LREM", working, b"1", job]], [working])
        if roll < 11:
            self.count("pushes")
            return Call([[b"RPUSH", waiting, self.fresh(client)]], [waiting])
        if roll < 15:
            self.count("pops")
            return Call([[b"LPOP", waiting]], [waiting])
        self.count("takes")

        def taken(replies: tuple[Value, ...]) -> Call | None:
            if isinstance(replies[0], bytes):
                self._in_hand.setdefault(client, []).append((working, replies[0]))
            return None

        return Call([[b"LMOVE", waiting, working, b"LEFT", b"RIGHT"]], [waiting, working], then=taken)

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """Each queue by itself."""
        by_place: dict[bytes, list[Operation]] = {}
        for operation in history:
            by_place.setdefault(operation.keys[0][2:], []).append(operation)
        return [c for place, operations in by_place.items() for c in judge_queue(place.decode(), operations)]


def judge_queue(name: str, operations: Sequence[Operation], ordered: bool = True) -> list[Complaint]:
    """Complaints about one queue and its list of work in hand; final reads are among ``operations``."""
    happened = [o for o in operations if o.outcome is not Outcome.FAIL]
    return _Judge(name, happened, operations, ordered).judge()


class _Judge:
    def __init__(
        self, name: str, operations: list[Operation], everything: Sequence[Operation], ordered: bool
    ) -> None:
        self.name = name
        self.ordered = ordered
        self.complaints: list[Complaint] = []
        self.pushes = {o.commands[0][2]: o for o in operations if o.commands[0][0] == b"RPUSH"}
        self.refused = {
            o.commands[0][2]: o
            for o in everything
            if o.commands[0][0] == b"RPUSH" and o.outcome is Outcome.FAIL
        }
        pops = [o for o in operations if o.commands[0][0] in (b"LPOP", b"LMOVE")]
        self.known_pops = [o for o in pops if o.outcome is Outcome.OK]
        self.open_pops = [o for o in pops if is_open(o)]
        self.finishes = [o for o in operations if o.commands[0][0] == b"LREM"]
        self.final_reads = [o for o in operations if o.final and o.outcome is Outcome.OK]
        self.taken: dict[Value, Operation] = {}

    def judge(self) -> list[Complaint]:
        self._deliveries()
        self._finishes()
        if self.ordered and not self.complaints:
            self._order(self._end(b"q:"))
        finals: dict[int, dict[bytes, Operation]] = {}
        for read in self.final_reads:
            finals.setdefault(read.node, {})[read.keys[0][:2]] = read
        for reads in finals.values():
            if not self.complaints:
                self._final(reads.get(b"q:"), reads.get(b"w:"))
        return self.complaints[:3]

    def _say(self, sentence: str, *operations: Operation) -> None:
        self.complaints.append(Complaint("queue", f"{self.name}: {sentence}", [o.text() for o in operations]))

    def _end(self, prefix: bytes) -> tuple[Value, ...] | None:
        """What one node holds at the end; None when nobody read it."""
        for read in self.final_reads:
            if read.keys[0][:2] == prefix:
                return _items(read)
        return None

    def _deliveries(self) -> None:
        for pop in self.known_pops:
            job = pop.replies[0]
            if job is None:
                continue
            assert isinstance(job, bytes)
            push = self.pushes.get(job)
            if job in self.taken:
                self._say("a job was delivered twice", self.taken[job], pop)
            elif job in self.refused:
                self._say("a job was refused for certain, yet delivered", self.refused[job], pop)
            elif push is None:
                self._say("a job was delivered that nobody pushed", pop)
            elif before(pop, push):
                self._say("a job was delivered before it was pushed", push, pop)
            self.taken[job] = pop

    def _finishes(self) -> None:
        for finish in self.finishes:
            if finish.outcome is Outcome.OK and finish.replies[0] != 1:
                job = finish.commands[0][3]
                self._say("a job in hand was gone", *[o for o in [self.taken.get(job)] if o], finish)

    def _order(self, left: tuple[Value, ...] | None) -> None:
        """First in, first out, wherever both orders are definite; no empty answer from a queue that is not.

        Pushes in the order of their ends meet pushes in the order of their beginnings: at each, what came
        before it for certain and left last of all is the one that tells.
        """
        still_there = dict.fromkeys(left or ())
        nobody_knows = -1

        def left_us(job: bytes) -> int:
            """The earliest time at which ``job`` may have gone."""
            if job in still_there:
                return FOREVER_US
            return self.taken[job].invoke_us if job in self.taken else nobody_knows

        over = sorted((o for o in self.pushes.values() if o.outcome is Outcome.OK), key=lambda o: o.return_us)
        known = [
            (push.invoke_us, self.taken[job].return_us, push, self.taken[job])
            for job, push in self.pushes.items()
            if job in self.taken
        ]
        # An empty answer at a time is like the delivery of a job that was pushed just then.
        known += [(o.invoke_us, o.return_us, o, o) for o in self.known_pops if o.replies[0] is None]
        at = 0
        last: Operation | None = None
        for pushed_us, gone_us, push, pop in sorted(known, key=lambda item: item[0]):
            while at < len(over) and over[at].return_us < pushed_us:
                if last is None or left_us(over[at].commands[0][2]) > left_us(last.commands[0][2]):
                    last = over[at]
                at += 1
            if last is not None and left_us(last.commands[0][2]) > gone_us:
                problem = "was found empty" if push is pop else "delivered a later job first"
                evidence = [last, pop] if push is pop else [last, push, pop]
                other = self.taken.get(last.commands[0][2])
                self._say(f"the queue {problem}", *evidence, *([other] if other is not None else []))
                return

    def _final(self, waiting: Operation | None, working: Operation | None) -> None:
        if waiting is None:
            return
        queued = _items(waiting)
        in_hand = _items(working) if working is not None else ()
        reads = [read for read in (waiting, working) if read is not None]
        places: dict[Value, int] = {}
        for item in (*queued, *in_hand):
            places[item] = places.get(item, 0) + 1
        for item, count in places.items():
            if count > 1:
                self._say(f"{item!r} is there twice at the end", *reads)
            elif item not in self.pushes:
                self._say(f"{item!r} is there at the end, but nobody pushed it", *reads)
        for item in queued:
            if item in self.taken:
                self._say("a job was delivered and still waits at the end", self.taken[item], waiting)
        if self.ordered:
            self._final_order(queued, waiting)
        if not self.complaints:
            self._missing(queued, in_hand, reads)

    def _final_order(self, queued: tuple[Value, ...], waiting: Operation) -> None:
        latest: Operation | None = None
        for item in reversed(queued):
            push = self.pushes.get(item) if isinstance(item, bytes) else None
            if push is None:
                continue
            if latest is not None and before(latest, push):
                self._say("jobs wait in another order than they came", latest, push, waiting)
                return
            if latest is None or push.return_us < latest.return_us:
                latest = push

    def _missing(self, queued: tuple[Value, ...], in_hand: tuple[Value, ...], reads: list[Operation]) -> None:
        """What neither waits, nor is in hand, nor was delivered: only open pops can have taken it."""
        here = dict.fromkeys((*queued, *in_hand))
        finished = {o.commands[0][3]: o for o in self.finishes}
        lost = [o for job, o in self.pushes.items() if job not in here and job not in self.taken]
        lost = [o for o in lost if o.outcome is Outcome.OK]
        open_moves = [o for o in self.open_pops if o.commands[0][0] == b"LMOVE"]
        open_pops = [o for o in self.open_pops if o.commands[0][0] == b"LPOP"]
        if len(lost) > len(open_pops):
            sentence = f"{len(lost)} jobs are lost, with {len(open_pops)} pops open"
            self._say(sentence, *lost[:4], *open_pops[:4], *reads)
        strays = [item for item in in_hand if item not in self.taken]
        if len(strays) > len(open_moves):
            sentence = f"{len(strays)} jobs in hand that nobody took, with {len(open_moves)} moves open"
            self._say(sentence, *open_moves[:4], *reads)
        for job, pop in self.taken.items():
            if pop.commands[0][0] != b"LMOVE":
                continue
            finish = finished.get(job) if isinstance(job, bytes) else None
            if finish is None and job not in here:
                self._say("a job in hand is lost", pop, *reads)
            elif finish is not None and finish.outcome is Outcome.OK and job in here:
                self._say("a finished job is still in hand", pop, finish, *reads)


def _items(read: Operation) -> tuple[Value, ...]:
    reply = read.replies[0]
    return reply if isinstance(reply, tuple) else ()
