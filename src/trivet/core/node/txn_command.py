"""``TXN``, and the section ``transactions`` of ``INFO``: what this node knows of transactions over groups."""

from typing import Final

from trivet.core.base.ids import SYSTEM_GROUP
from trivet.core.node.front import Front
from trivet.core.node.resolver import PATIENCE_MS
from trivet.core.node.session import Session
from trivet.core.node.transacting import Transactions
from trivet.core.raft.state import Role
from trivet.core.transaction.coordinator import End
from trivet.core.transaction.words import Stamp, TransactionId
from trivet.core.wire.reply import Error, Reply

LISTED_MAX: Final = 1_000
HELP: Final[list[Reply]] = [
    line.encode()
    for line in (
        "TXN <subcommand>. Subcommands are:",
        "LIST",
        "    Tell about transactions over groups: those that run here, and what stands in groups led here.",
        "HELP",
        "    Print this help.",
    )
]


def txn(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer any ``TXN`` command."""
    action = args[1].upper()
    if action in (b"LIST", b"HELP") and len(args) == 2:
        session.answer_reply(_list(front) if action == b"LIST" else HELP)
    elif action in (b"LIST", b"HELP"):
        session.answer_reply(
            Error(f"ERR wrong number of arguments for 'txn|{action.decode().lower()}' command")
        )
    else:
        shown = args[1][:128].decode("latin-1")
        session.answer_reply(Error(f"ERR unknown subcommand '{shown}'. Try TXN HELP."))
    return True


def _transactions(front: Front) -> Transactions:
    transactions = front.transactor
    assert isinstance(transactions, Transactions)
    return transactions


def _row(
    transaction: TransactionId | Stamp, state: str, age_ms: int, home: int, groups: list[int], keys: int
) -> Reply:
    return {
        b"id": "-".join(map(str, transaction)).encode(),
        b"state": state.encode(),
        b"age_ms": max(0, age_ms),
        b"home": home,
        b"groups": [*groups],
        b"keys": keys,
    }


def _list(front: Front) -> Reply:
    """The states: see ``docs``. One transaction may stand here several times, once for each place."""
    transactions = _transactions(front)
    rows = [
        _row(wide.stamp, "between-attempts", front.now_ms - wide.began_ms, 0, [], len(wide.wanted))
        for wide in transactions.running.values()
        if wide.attempt is None
    ]
    for attempt in transactions.live.values():
        one = attempt.coordinator
        age_ms = front.now_ms - attempt.wide.began_ms
        rows.append(
            _row(one.id, one.phase.name.lower(), age_ms, one.home, [*one.participants], len(attempt.locks))
        )
    for number, group in front.groups.items():
        intents = group.machine.intents
        if number == SYSTEM_GROUP or group.raft.role is not Role.LEADER:
            continue
        for transaction, intent in intents.by_id.items():
            age_ms = _seen_for(front, transactions, number, transaction)
            state = "in-doubt" if age_ms >= PATIENCE_MS else "prepared"
            rows.append(_row(transaction, state, age_ms, intent.home, [number], len(intent.keys)))
        for transaction, record in intents.records.items():
            age_ms = _seen_for(front, transactions, number, transaction)
            rows.append(_row(transaction, "committed", age_ms, number, [*record.effects], 0))
    return rows[:LISTED_MAX]


def _seen_for(front: Front, transactions: Transactions, group: int, transaction: TransactionId) -> int:
    return front.now_ms - transactions.resolver.seen.get((group, transaction), front.now_ms)


def transaction_facts(front: Front) -> dict[str, str | int]:
    """What ``INFO transactions`` tells."""
    transactions = _transactions(front)
    counts, refused = transactions.counts, transactions.counts.refused
    prepared = in_doubt = records = 0
    for number, group in front.groups.items():
        if number != SYSTEM_GROUP and group.raft.role is Role.LEADER:
            intents = group.machine.intents
            records += len(intents.records)
            prepared += len(intents.by_id)
            ages = [_seen_for(front, transactions, number, transaction) for transaction in intents.by_id]
            in_doubt += sum([age_ms >= PATIENCE_MS for age_ms in ages])
    retries = sum([refused[end] for end in (End.DIED, End.STALE, End.MOVED)])
    return {
        "txn_running": len(transactions.running),
        "txn_commits": counts.commits,
        "txn_retries": retries,
        "txn_aborts_died": refused[End.DIED],
        "txn_aborts_stale": refused[End.STALE],
        "txn_aborts_moved": refused[End.MOVED],
        "txn_aborts_watch": refused[End.DIRTY],
        "txn_aborts_given_up": refused[End.GIVEN_UP],
        "txn_unknown": refused[End.UNKNOWN],
        "txn_lost_parts": counts.lost + transactions.resolver.lost,
        "txn_timeouts": counts.timeouts,
        "txn_reads": transactions.collects.count,
        "txn_reads_locked": transactions.collects.count_of_failed,
        "txn_prepared_here": prepared,
        "txn_in_doubt_here": in_doubt,
        "txn_records_here": records,
        "txn_resolved": transactions.resolver.count,
    }
