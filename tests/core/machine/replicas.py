"""Machines fed by hand: what the tests of this room share.

A ``Replica`` is a machine with its log; commands are written as in a shell. ``follow`` gives
another machine the same entries, as a replica would get them.
"""

import shlex

from trivet.core.machine.entry import Batch, Call, encode_batch, encode_body, encode_calls
from trivet.core.machine.machine import Applied, Machine
from trivet.core.wire.reply import Reply


def call(line: str, db: int = 0) -> Call:
    """One command; ``2:SET a 1`` is one of database 2."""
    if line[:2].rstrip(":").isdigit() and ":" in line[:3]:
        number, _, line = line.partition(":")
        db = int(number)
    return db, [word.encode().decode("unicode_escape").encode("latin-1") for word in shlex.split(line)]


def execute(lines: list[str], watcher: str = "") -> Call:
    """``EXEC`` as a node puts it into the log."""
    return 0, [b"EXEC", encode_calls([call(line) for line in lines]), watcher.encode()]


class Replica:
    """A machine and its log; time moves on by 1 ms per entry unless told otherwise."""

    def __init__(self, expire_max: int = 100, now_ms: int = 1_000_000) -> None:
        self.machine = Machine(expire_max)
        self.log: list[bytes] = []
        self.now_ms = now_ms
        self.sequences: dict[tuple[int, int], int] = {}

    def entry(self, batches: list[Batch], at_ms: int | None = None, seed: int = 7) -> list[Applied]:
        """Append and apply one entry."""
        self.now_ms = self.now_ms + 1 if at_ms is None else at_ms
        payload = encode_body(self.now_ms, seed, [encode_batch(batch) for batch in batches])
        return self.append(payload)

    def append(self, payload: bytes) -> list[Applied]:
        self.log.append(payload)
        return self.machine.apply(self.machine.applied_index + 1, payload)

    def batch(self, calls: list[Call], node: int = 1, incarnation: int = 1, acknowledged: int = -1) -> Batch:
        """The next batch of a node's session; it acknowledges all before it unless told otherwise."""
        sequence = self.sequences.get((node, incarnation), 0) + 1
        self.sequences[(node, incarnation)] = sequence
        known = sequence - 1 if acknowledged < 0 else acknowledged
        return Batch(node, incarnation, sequence, known, calls)

    def run(self, *lines: str | Call, node: int = 1, at_ms: int | None = None) -> list[Reply]:
        """Apply commands as one entry; their replies."""
        calls = [call(line) if isinstance(line, str) else line for line in lines]
        applied = self.entry([self.batch(calls, node)], at_ms, seed=len(self.log) + 1)
        assert len(applied) == 1
        return applied[0].replies

    def one(self, line: str | Call, node: int = 1, at_ms: int | None = None) -> Reply:
        """The reply to one command."""
        return self.run(line, node=node, at_ms=at_ms)[0]


def follow(log: list[bytes], machine: Machine) -> None:
    """Apply what ``machine`` has not applied yet."""
    for payload in log[machine.applied_index :]:
        machine.apply(machine.applied_index + 1, payload)
