"""Unique things, each written once: keys of their own, and members of one growing set.

A key shows at the end whether its write survived. The set is read all the time: from the moment an add is
acknowledged, every later read must have it (the "set" test of Jepsen, in its full form).
"""

from collections.abc import Sequence
from typing import ClassVar

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges import durability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.workloads.workload import Base, Context, before
from trivet.lab.world.client import Call


class UniqueSet(Base):
    """``u:`` keys, and the sets ``i:``."""

    prefixes = (b"i:", b"u:")
    weights = ("weight_unique",)
    on_registers = True
    reads: ClassVar[dict[bytes, list[bytes]]] = {b"i:": [b"SMEMBERS", b""]}

    def start(self, client: int, prng: Prng) -> Call:
        """SET of a key that nobody else has; SADD; SMEMBERS."""
        value = self.fresh(client)
        if prng.chance(0.5):
            key = b"u:" + value
            return Call([[b"SET", key, value]], [key])
        key = self.key(b"i:", prng)
        return Call([[b"SMEMBERS", key] if prng.chance(0.3) else [b"SADD", key, value]], [key])

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """No acknowledged key is lost; no set loses or invents a member."""
        complaints = durability.judge([o for o in history if o.keys[0][:2] == b"u:"])
        by_set: dict[bytes, list[Operation]] = {}
        for operation in history:
            if operation.keys[0][:2] == b"i:":
                by_set.setdefault(operation.keys[0], []).append(operation)
        for key, operations in by_set.items():
            complaints += judge_set(key, operations)
        return complaints


def judge_set(key: bytes, operations: Sequence[Operation]) -> list[Complaint]:
    """Every read of a growing set has what was added before it, and nothing that nobody may have added."""
    adds = {o.commands[0][2]: o for o in operations if o.commands[0][0] == b"SADD"}
    name = key.decode()
    for add in adds.values():
        if add.outcome is Outcome.OK and add.replies[0] != 1:
            sentence = f"{name}: the first add of a member found it there"
            return [Complaint("set", sentence, [add.text()])]
    for read in operations:
        if read.commands[0][0] != b"SMEMBERS" or read.outcome is not Outcome.OK:
            continue
        complaint = _wrong_read(name, adds, read)
        if complaint is not None:
            return [complaint]
    return []


def _wrong_read(name: str, adds: dict[bytes, Operation], read: Operation) -> Complaint | None:
    reply = read.replies[0]
    members = dict.fromkeys(reply if isinstance(reply, tuple) else ())
    if isinstance(reply, tuple) and len(members) < len(reply):
        return Complaint("set", f"{name}: a member is there twice", [read.text()])
    for member, add in adds.items():
        seen = member in members
        if not seen and add.outcome is Outcome.OK and before(add, read):
            return Complaint("set", f"{name}: an acknowledged member is missing", [add.text(), read.text()])
        if seen and add.outcome is Outcome.FAIL:
            return Complaint("set", f"{name}: a refused member is there", [add.text(), read.text()])
        if seen and before(read, add):
            return Complaint("set", f"{name}: a member was read before its add", [add.text(), read.text()])
        members.pop(member, None)
    if members:
        return Complaint("set", f"{name}: members that nobody added", [repr(list(members)[:5]), read.text()])
    return None
