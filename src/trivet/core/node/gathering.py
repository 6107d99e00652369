"""Commands that concern several groups, each with its part of the answer.

Each part is atomic in its group, the whole is not. What has to be atomic is no matter of parts (``WIDE``).
Where nobody leads, that is refused (``manners``).
"""

from collections.abc import Callable
from typing import Final

from trivet.core.base.ids import GroupId, Instant
from trivet.core.cluster.slots import slot_of
from trivet.core.group.face import Replica
from trivet.core.group.run import Run, Waiter
from trivet.core.machine.checking import EVERYWHERE, LEARNT, names_of
from trivet.core.machine.entry import decode_calls
from trivet.core.machine.rights import AS
from trivet.core.machine.scanning import SCANPART, SLOTKEYS, scan_place
from trivet.core.machine.waiting import BLOCK
from trivet.core.node.manners import Manners
from trivet.core.node.router import BETWEEN_DATABASES, CROSSSLOT, Router
from trivet.core.node.wide import WIDE, Wide
from trivet.core.values.table import SPACE
from trivet.core.wire.reply import OK, Error, Reply

Merge = Callable[[list[list[bytes]], list[Reply]], Reply]
"""From the parts (their calls) and the reply of each to the reply of the whole; none of them is an error."""


class Plan:
    """The parts of a call and what makes one reply of theirs."""

    __slots__ = ("args", "merge", "parts", "takes_errors")

    def __init__(self, args: list[bytes], parts: list[tuple[Replica, list[bytes]]], merge: Merge) -> None:
        self.args = args
        """The whole call."""
        self.parts = parts
        self.merge = merge
        self.takes_errors = False
        """``merge`` knows what errors of parts mean."""


class Gathering(Run):
    """A call that waits for its parts."""

    __slots__ = ("lost_ms", "plan", "runs")

    def __init__(self, waiter: Waiter, writes: bool, plan: Plan) -> None:
        super().__init__(waiter, writes)
        self.plan = plan
        self.count = 1
        self.first = plan.args
        self.runs: list[Run] = []
        self.lost_ms: Instant = 0
        """Since when parts of it are turned away; 0: none was."""

    def run_done(self) -> None:
        """A part is answered."""
        replies: list[Reply] = []
        for run in self.runs:
            if run.replies is None or run.misrouted:
                return
            replies.append(run.replies[0])
        if len(replies) < len(self.plan.parts):
            return
        errors = [reply for reply in replies if isinstance(reply, Error)]
        if errors and not self.plan.takes_errors:
            self.finish([_of_whole(errors, len(replies)) if self.writes else errors[0]])
            return
        self.finish([self.plan.merge([args for _, args in self.plan.parts], replies)])


def _of_whole(errors: list[Error], parts: int) -> Error:
    """What is certain of a call that changes something, when some of its parts ended so (Rule C3)."""
    for error in errors:
        if error.text.startswith("TIMEOUT"):
            return error
    if len(errors) == parts:
        return errors[0]
    return Error(f"TIMEOUT some groups have done their part of it, and another one says: {errors[0].text}")


# -- plans --------------------------------------------------------------------------------------


def plan_of(router: Router, db: int, args: list[bytes]) -> Plan | Replica | Wide | Error:
    """Where a call has to go: to one group, in parts to several, or to several as one."""
    name = args[0]
    if name == AS:
        found = plan_of(router, db, args[3:])
        return CROSSSLOT if isinstance(found, Plan) else found
    if name == b"EXEC":
        place = router.of_calls(decode_calls(args[1]))
        if place is CROSSSLOT:
            return WIDE
        return router.of_keys(db, []) if place is None else place
    if name == b"WATCH":
        return watch_plan(router, db, args)
    if name == SLOTKEYS:
        return router.of_slot(db, int(args[1]))
    whole = _WHOLE.get(name)
    if whole is not None:
        if name in LEARNT:
            groups = router.scripted()
        else:
            groups = router.everywhere() if name in EVERYWHERE else router.groups(db)
        if isinstance(groups, Error):
            return groups
        if len(groups) == 1:
            return groups[0]
        return whole(args, groups)
    if name in BETWEEN_DATABASES and (apart := router.why_apart(db, args)) is not None:
        return apart
    if name in BETWEEN_DATABASES and router.leaves_keyspace(db, args):
        return WIDE
    place = router.of_keys(db, names_of(args))
    manners = router.manners_of(db)
    if manners is not None:
        if name == BLOCK:
            return manners.waits
        return _plan_of_parts(router, db, args, manners) if place is CROSSSLOT else place
    return WIDE if place is CROSSSLOT else place


def _plan_of_parts(router: Router, db: int, args: list[bytes], manners: Manners) -> Plan | Replica | Error:
    """Where nobody leads: in parts, what need not be atomic."""
    merge = _OF_PARTS.get(args[0])
    if merge is None or args[0] not in manners.parts:
        return manners.several
    width = 2 if merge is _ok else 1
    if (len(args) - 1) % width:
        return router.of_slot(db, slot_of(args[1]))  # which says what is wrong with it
    parts = _by_group(router, db, args, 1, width)
    if isinstance(parts, Error):
        return parts
    return Plan(args, parts, _in_order(args[1:]) if merge is _joined else merge)


def watch_plan(router: Router, db: int, args: list[bytes]) -> Plan | Replica | Error:
    """``WATCH client key…``: each key is watched where it is; where nobody leads all in one group."""
    parts = _by_group(router, db, args, 2)
    if isinstance(parts, Error):
        return parts
    manners = router.manners_of(db)
    if len(parts) > 1 and manners is not None:
        return manners.several
    return parts[0][0] if len(parts) == 1 else Plan(args, parts, _ok)


def _by_group(
    router: Router, db: int, args: list[bytes], first: int, width: int = 1
) -> list[tuple[Replica, list[bytes]]] | Error:
    """A call of each group that has some of the keys: each ``width``-th of what follows from ``first`` on."""
    parts: dict[GroupId, tuple[Replica, list[bytes]]] = {}
    for at in range(first, len(args), width):
        group = router.of_slot(db, slot_of(args[at]))
        if isinstance(group, Error):
            return group
        parts.setdefault(group.settings.group, (group, args[:first]))[1].extend(args[at : at + width])
    return list(parts.values())


def _sum(calls: list[list[bytes]], replies: list[Reply]) -> Reply:
    total = 0
    for reply in replies:
        assert isinstance(reply, int)
        total += reply
    return total


def _ok(calls: list[list[bytes]], replies: list[Reply]) -> Reply:
    return OK


def _joined(calls: list[list[bytes]], replies: list[Reply]) -> Reply:
    joined: list[Reply] = []
    for reply in replies:
        assert isinstance(reply, list)
        joined.extend(reply)
    return joined


def _in_order(keys: list[bytes]) -> Merge:
    """What was answered for each key, in the order of the whole call."""

    def merge(calls: list[list[bytes]], replies: list[Reply]) -> Reply:
        found: dict[bytes, Reply] = {}
        for args, reply in zip(calls, replies, strict=True):
            assert isinstance(reply, list)
            found.update(zip(args[1:], reply, strict=True))
        return [found[key] for key in keys]

    return merge


def first_of(calls: list[list[bytes]], replies: list[Reply]) -> Reply:
    """All answer the same."""
    return replies[0]


def _any_of_all(calls: list[list[bytes]], replies: list[Reply]) -> Reply:
    """Element by element the lowest: what is true everywhere."""
    rows = [reply for reply in replies if isinstance(reply, list)]
    found: list[Reply] = []
    for at in range(len(rows[0])):
        column = [row[at] for row in rows]
        found.append(min([one for one in column if isinstance(one, int)], default=0))
    return found


def _random_of(calls: list[list[bytes]], replies: list[Reply]) -> Reply:
    """One of the keys: which group's, the keys themselves decide."""
    found = [reply for reply in replies if isinstance(reply, bytes)]
    return found[sum([slot_of(key) for key in found]) % len(found)] if found else None


def _to_all(merge: Merge) -> Callable[[list[bytes], list[Replica]], Plan | Error]:
    def plan(args: list[bytes], groups: list[Replica]) -> Plan:
        return Plan(args, [(group, args) for group in groups], merge)

    return plan


def _scan(args: list[bytes], groups: list[Replica]) -> Plan | Error:
    part = [SCANPART, *args[1:]]
    return Plan(args, [(group, part) for group in groups], _merge_scan)


def _merge_scan(calls: list[list[bytes]], replies: list[Reply]) -> Reply:
    """The keys before the nearest point to which all parts came; the others come with the next call."""
    following = SPACE
    for reply in replies:
        assert isinstance(reply, list) and isinstance(reply[0], bytes)
        following = min(following, int(reply[0]) or SPACE)
    found: list[Reply] = []
    for reply in replies:
        assert isinstance(reply, list) and isinstance(reply[1], list)
        found += [key for key in reply[1] if isinstance(key, bytes) and scan_place(key) < following]
    return [b"0" if following == SPACE else b"%d" % following, found]


def _refused(args: list[bytes], groups: list[Replica]) -> Plan | Error:
    return Error(
        f"CROSSSLOT {args[0].decode()} can't be done in several groups at once: "
        "it works as long as all data is in one group; nothing was done"
    )


def _script(args: list[bytes], groups: list[Replica]) -> Plan | Error:
    what = args[1].upper()
    merge = _any_of_all if what == b"EXISTS" else _running if what == b"STATS" else first_of
    plan = Plan(args, [(group, args) for group in groups], merge)
    if what == b"KILL":
        plan.merge, plan.takes_errors = _killed, True
    return plan


def _killed(calls: list[list[bytes]], replies: list[Reply]) -> Reply:
    """Of ``SCRIPT KILL``: what the group says that ran a script; who says more than NOTBUSY, else."""
    errors: list[Reply] = []
    for reply in replies:
        if not isinstance(reply, Error):
            return reply
        if not reply.text.startswith("NOTBUSY"):
            errors.append(reply)
    return errors[0] if errors else replies[0]


def _running(calls: list[list[bytes]], replies: list[Reply]) -> Reply:
    """Of ``FUNCTION STATS``: the group that runs a function."""
    for reply in replies:
        if isinstance(reply, dict) and reply[b"running_script"] is not None:
            return reply
    return replies[0]


_WHOLE: Final[dict[bytes, Callable[[list[bytes], list[Replica]], Plan | Error]]] = {
    b"DBSIZE": _to_all(_sum),
    b"KEYS": _to_all(_joined),
    b"RANDOMKEY": _to_all(_random_of),
    b"FLUSHDB": _to_all(first_of),
    b"FLUSHALL": _to_all(first_of),
    b"SCAN": _scan,
    b"SWAPDB": _refused,
    b"SCRIPT": _script,
    b"FUNCTION": _script,
}
_OF_PARTS: Final[dict[bytes, Merge]] = {
    b"MGET": _joined, b"EXISTS": _sum, b"TOUCH": _sum, b"DEL": _sum, b"UNLINK": _sum, b"MSET": _ok,
}  # fmt: skip
"""What becomes of the replies to parts, of commands that ``manners`` allow in parts."""
