"""Crossing: transactions over groups, as they are seen from outside in a real node.

Where it stands: behind the seam, for the judges of replicas and of what stands undecided, and for
``sometimes.py``. Nothing here judges.
"""

import msgspec

from trivet.core.base.checksum import crc32
from trivet.core.base.ids import SYSTEM_GROUP, GroupId
from trivet.core.machine.transactions import locks_left
from trivet.core.node.node import Node
from trivet.core.node.transacting import Transactions
from trivet.core.raft.state import Role
from trivet.core.transaction.coordinator import End
from trivet.core.transaction.intents import Intents
from trivet.core.transaction.words import ABORT, COMMIT
from trivet.lab.seam import NOTHING_STANDS, Standing


def standing(node: Node, group: GroupId) -> Standing:
    """By the replica's own log."""
    machine = node.groups[group].machine
    intents = machine.intents
    if not (intents.by_id or intents.records):
        return NOTHING_STANDS
    exports = machine.ownership.exports.values()
    keeps_move = bool(intents.by_id) and any(locks_left(machine, export.ranges) for export in exports)
    return Standing(tuple(intents.by_id), tuple(intents.records), keeps_move)


def digest(intents: Intents) -> int:
    """Of all that a group knows of transactions; in what order locks were taken is no part of it."""
    state = intents.state()
    state.shared.sort()
    return crc32(msgspec.msgpack.encode(state))


def transacting(node: Node) -> list[str]:
    """Each attempt that is not over, by its phase; and what the groups that are led here hold."""
    transactions = node.front.transactor
    assert isinstance(transactions, Transactions)
    found = [
        f"coordinator falls: {attempt.coordinator.phase.name.lower()}"
        for attempt in transactions.live.values()
    ]
    for number, group in node.groups.items():
        intents = group.machine.intents
        if number == SYSTEM_GROUP or group.raft.role is not Role.LEADER:
            continue
        if any(intent.home != number for intent in intents.by_id.values()):
            found.append("participant's leader falls with an intent")
        if any(intent.home == number for intent in intents.by_id.values()):
            found.append("home's leader falls before the decision")
        if intents.records:
            found.append("home's leader falls with a record")
    return found


_ENDS = {
    End.COMMITTED: "attempt commits",
    End.DIED: "attempt dies",
    End.DIRTY: "attempt finds a watched key changed",
    End.STALE: "attempt is stale",
    End.MOVED: "attempt finds keys elsewhere",
    End.GIVEN_UP: "attempt is given up",
    End.UNKNOWN: "attempt ends unknown",
}


def transacted(node: Node) -> dict[str, int]:
    """What the node counted as coordinator and as resolver."""
    transactions = node.front.transactor
    assert isinstance(transactions, Transactions)
    counts, told = transactions.counts, transactions.resolver.told
    found = {_ENDS[end]: count for end, count in counts.refused.items()}
    found[_ENDS[End.COMMITTED]] = counts.commits
    found["attempt waits"] = counts.waits
    found["transaction takes too long"] = counts.timeouts
    found["resolver aborts"] = told[ABORT]
    found["resolver commits"] = told[COMMIT]
    return {what: count for what, count in found.items() if count}
