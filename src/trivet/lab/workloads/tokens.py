"""Token lists: ``RPUSH`` of unique tokens only. What is lost, doubled or out of order shows at once.

A list that only grows needs no search to be judged: the answer to a push is its place, the length of a read
says which pushes it saw. So every operation has its rank among all, and ranks must be true to real time.
"""

from collections.abc import Sequence
from typing import ClassVar

from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges import exactly_once
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import Value
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call


class Tokens(Base):
    """``t:`` keys."""

    prefixes = (b"t:",)
    weights = ("weight_tokens",)
    on_registers = True
    reads: ClassVar[dict[bytes, list[bytes]]] = {b"t:": [b"LRANGE", b"", b"0", b"-1"]}

    def start(self, client: int, prng: Prng) -> Call:
        """RPUSH."""
        key = self.key(b"t:", prng)
        return Call([[b"RPUSH", key, self.fresh(client)]], [key])

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """Each list grows at its end and in real time's order; each token is there once."""
        by_key: dict[bytes, list[Operation]] = {}
        for operation in history:
            by_key.setdefault(operation.keys[0], []).append(operation)
        complaints = exactly_once.judge(history)
        for key, operations in by_key.items():
            complaints += judge_tokens(key.decode(), operations)
        return complaints


def judge_tokens(name: str, operations: Sequence[Operation]) -> list[Complaint]:
    """Linearizability of one list that only grows, each token pushed by a call of its own."""
    pushes = [o for o in operations if o.commands[0][0] == b"RPUSH"]
    reads = [o for o in operations if o.commands[0][0] == b"LRANGE" and o.outcome is Outcome.OK]
    longest: tuple[Value, ...] = ()
    for read in reads:
        items = _items(read)
        shorter = min(len(items), len(longest))
        if items[:shorter] != longest[:shorter]:
            return [
                Complaint("linearizability", f"{name}: two reads are not one list that grew", [read.text()])
            ]
        longest = max(longest, items, key=len)
    places = {item: i + 1 for i, item in enumerate(longest)}
    ranked = [(2 * len(_items(read)) + 1, read) for read in reads]
    for push in pushes:
        place = places.get(push.commands[0][2])
        told = push.replies[0] if push.outcome is Outcome.OK else place
        if place is not None and push.outcome is Outcome.FAIL:
            return [Complaint("linearizability", f"{name}: a refused token is there", [push.text()])]
        if isinstance(told, int):
            if told <= len(longest) and told != place:
                sentence = f"{name}: a token is not where its push said"
                return [Complaint("linearizability", sentence, [push.text(), f"found at: {place}"])]
            ranked.append((2 * told, push))
    return _against_time(name, ranked)


def _items(read: Operation) -> tuple[Value, ...]:
    reply = read.replies[0]
    return reply if isinstance(reply, tuple) else ()


def _against_time(name: str, ranked: list[tuple[int, Operation]]) -> list[Complaint]:
    """An operation that was over before another began has no higher rank; no two pushes have one."""
    pushed: dict[int, Operation] = {}
    for rank, operation in ranked:
        if rank % 2 == 0 and pushed.setdefault(rank, operation) is not operation:
            evidence = [pushed[rank].text(), operation.text()]
            return [Complaint("linearizability", f"{name}: two pushes got one place", evidence)]
    over = sorted((item for item in ranked if item[1].return_us < FOREVER_US), key=lambda i: i[1].return_us)
    highest = (0, ranked[0][1]) if ranked else None
    at = 0
    for rank, operation in sorted(ranked, key=lambda item: item[1].invoke_us):
        while at < len(over) and over[at][1].return_us < operation.invoke_us:
            highest = over[at] if highest is None or over[at][0] > highest[0] else highest
            at += 1
        if highest is not None and highest[0] > rank:
            evidence = [highest[1].text(), operation.text()]
            return [
                Complaint(
                    "linearizability", f"{name}: a later operation came before an earlier one", evidence
                )
            ]
    return []
