"""Unique things, each written once: keys of their own, and members of one growing set.

A key shows at the end whether its write survived. The set is read all the time: from the moment an add is
acknowledged, every later read must have it (the "set" test of Jepsen, in its full form). On registers the
keys are a growing set as well: there ``KEYS`` is a walk over what many members hold.
"""

from collections.abc import Sequence
from typing import ClassVar

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges import durability
from trivet.lab.judges.complaint import Complaint
from trivet.lab.workloads.workload import Base, Context, before
from trivet.lab.world.client import Call

WALK = (b"KEYS", b"u:*")


class UniqueSet(Base):
    """``u:`` keys, and the sets ``i:``."""

    prefixes = (b"i:", b"u:")
    weights = ("weight_unique",)
    on_registers = True
    reads: ClassVar[dict[bytes, list[bytes]]] = {b"i:": [b"SMEMBERS", b""]}

    def start(self, client: int, prng: Prng) -> Call:
        """SET of a key that nobody else has; SADD; SMEMBERS."""
        if self.has_one_key and prng.chance(0.1):
            self.count("walks")
            return _walk()
        value = self.fresh(client)
        if prng.chance(0.5):
            key = b"u:" + value
            return Call([[b"SET", key, value]], [key])
        key = self.key(b"i:", prng)
        return Call([[b"SMEMBERS", key] if prng.chance(0.3) else [b"SADD", key, value]], [key])

    def finals(self) -> list[Call]:
        """Each key and each set; and all keys together."""
        calls = [self._read_of(key, final=True) for key in self.used if key != WALK[1]]
        return [*calls, _walk(final=True)] if self.has_one_key else calls

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """No acknowledged key is lost; no set loses or invents a member."""
        walks = [o for o in history if o.commands[0] == WALK]
        keys = [o for o in history if o.keys[0][:2] == b"u:" and o.commands[0] != WALK]
        complaints = durability.judge(keys) + judge_walks(keys, walks)
        by_set: dict[bytes, list[Operation]] = {}
        for operation in history:
            if operation.keys[0][:2] == b"i:":
                by_set.setdefault(operation.keys[0], []).append(operation)
        for key, operations in by_set.items():
            complaints += judge_set(key, operations)
        return complaints


def _walk(final: bool = False) -> Call:
    return Call([list(WALK)], [WALK[1]], final=final)


def judge_walks(operations: Sequence[Operation], walks: Sequence[Operation]) -> list[Complaint]:
    """Every walk over keys that stay has what was written before, and nothing that nobody wrote."""
    writes = {o.keys[0]: o for o in operations if o.commands[0][0] == b"SET"}
    for walk in walks:
        if walk.outcome is not Outcome.OK:
            continue
        reply = walk.replies[0]
        found = dict.fromkeys(reply if isinstance(reply, tuple) else ())
        for key, write in writes.items():
            name = key.decode()
            if key not in found and write.outcome is Outcome.OK and before(write, walk):
                return [Complaint("set", f"{name}: a walk does not find it", [write.text(), walk.text()])]
            if key in found and (write.outcome is Outcome.FAIL or before(walk, write)):
                return [Complaint("set", f"{name}: a walk finds it too early", [write.text(), walk.text()])]
            found.pop(key, None)
        if found:
            return [
                Complaint("set", "a walk finds keys that nobody wrote", [repr(list(found)[:5]), walk.text()])
            ]
    return []


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
