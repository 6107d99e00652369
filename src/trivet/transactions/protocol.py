"""The protocol: two-phase commit whose decision is one entry of Trivet's log (Rules X1-X6).

1. every database begins; the program's statements run there, its reads of Trivet are watched;
2. the *open record* is written, then every branch prepares;
3. one call to Trivet checks that the record is still open, runs the transaction's commands, and records
   *commit*;
4. every branch commits; the record is removed.

Whoever wants it undone, this program or recovery, turns an open record into *abort* first; from then on
step 3 does nothing. No clock decides anything.
"""

from typing import Final

import msgspec

from trivet.client.resp import ErrorReply, Reply
from trivet.transactions.asking import Call, Fault, Refusal, Replies, Work, call
from trivet.transactions.branch import Branch, End, Stage, Verdict
from trivet.transactions.errors import Aborted, BranchLost, Conflict, Heuristic, InDoubt, SetupError
from trivet.transactions.names import INDEX, RECORD_PREFIX, Name, cluster_mark, new_id
from trivet.transactions.records import (
    UNDO_BYTES_MAX,
    closing,
    deciding,
    indexing,
    opening,
    read_record,
    reading,
    settling,
    troubling,
    unindexing,
)

_PASSING: Final = ("CLUSTERDOWN", "TRYAGAIN", "LOADING", "OOM", "TIMEOUT")
_EVICTS: Final = b"allkeys"
_NOTHING: Final = "nothing happened, in no database"


class Plan(msgspec.Struct):
    """One transaction."""

    db: int
    branches: list[Branch]
    near: bytes | None = None
    name: Name = Name("", 0, "")
    queued: list[Call] = []
    replies: list[Reply] | None = None
    """Of the queued commands, once it is committed; None when they were lost with a connection."""
    began_ms: int = 0
    opened: bool = False
    unfinished: dict[str, str] = {}
    """Branches that have not yet carried out the decision, and why: recovery will see to them."""


def meet(db: int) -> Work[tuple[str, int]]:
    """The cluster's mark and its clock (ms). Raises ``SetupError``."""
    asked = ((b"INFO", b"server"), (b"TIME",), (b"CONFIG", b"GET", b"maxmemory-policy"))
    answer = yield from call("meet", db, *asked, anywhere=True)
    if isinstance(answer, Fault):
        raise SetupError(f"trivet: {answer.text}")
    info, time, policy = answer.replies
    if isinstance(info, ErrorReply):
        raise SetupError(f"trivet: {info.text}")
    cluster = cluster_of(info)
    if isinstance(policy, list) and any(isinstance(word, bytes) and _EVICTS in word for word in policy):
        raise SetupError(
            "trivet: maxmemory-policy is one that removes any key when memory is full, so it would remove "
            "decisions: choose noeviction or a volatile-… policy"
        )
    if not isinstance(time, list):
        raise SetupError("trivet: it does not tell its time")
    return cluster_mark(cluster), int(_text(time[0])) * 1000 + int(_text(time[1])) // 1000


def cluster_of(info: Reply) -> str:
    """The cluster's id in ``INFO server``. Raises ``SetupError``."""
    for line in _text(info).splitlines():
        field, _, value = line.partition(":")
        if field == "trivet_cluster" and value:
            return value
    raise SetupError("trivet: the node is none of Trivet's: INFO server tells no trivet_cluster")


def begin(plan: Plan) -> Work[None]:
    """Begin everywhere. Raises ``SetupError``, or ``Aborted``."""
    mark, plan.began_ms = yield from meet(plan.db)
    plan.name = Name(mark, plan.db, new_id(plan.near))
    try:
        for branch in plan.branches:
            yield from branch.kind.begin(branch, plan.name)
    except SetupError:
        yield from abandon(plan)
        raise
    except Refusal as refusal:
        yield from abandon(plan)
        raise _aborted(plan, str(refusal), refusal.retryable) from refusal.fault.error


def abandon(plan: Plan) -> Work[None]:
    """Roll back everywhere; nothing is prepared yet."""
    for branch in plan.branches:
        yield from branch.kind.abandon(branch, plan.name)


def commit(plan: Plan) -> Work[None]:
    """Commit everywhere, or nowhere. Raises ``Aborted``, ``InDoubt``, ``BranchLost``, ``Heuristic``."""
    try:
        keys = yield from _keys(plan)
        for branch in plan.branches:
            yield from branch.kind.note(branch)
        yield from _open(plan)
        for branch in plan.branches:
            yield from branch.kind.prepare(branch, plan.name)
    except Refusal as refusal:
        yield from _abort(plan, str(refusal))
        raise _aborted(plan, str(refusal), refusal.retryable) from refusal.fault.error
    answer = yield from call("decide", plan.db, *_decision(plan, keys))
    if isinstance(answer, Fault):
        yield from settle(plan, f"trivet: {answer.text}")
        return
    reply = answer.replies[-1]
    if isinstance(reply, list) and reply and isinstance(reply[0], list) and reply[0][:1] == [b"commit"]:
        plan.replies = reply[0][1:]
        yield from carry_out(plan)
        return
    error, certain = _refused(reply, plan)
    if certain:
        yield from _abort(plan, str(error))
        raise error
    yield from settle(plan, str(error))


def _decision(plan: Plan, keys: list[bytes]) -> tuple[Call, ...]:
    """A transaction of Trivet's, so that its watches hold."""
    return (b"MULTI",), deciding(plan.name, keys, plan.queued), (b"EXEC",)


def _refused(reply: Reply, plan: Plan) -> tuple[Aborted, bool]:
    """Why Trivet did not decide commit, and whether that is certain."""
    if reply is None:
        text = f"a key that the transaction had read was changed meanwhile; {_NOTHING}"
        return Conflict(text), True
    if isinstance(reply, list) and reply and isinstance(reply[0], ErrorReply):
        return _aborted(plan, f"trivet: {reply[0].text}", _passes(reply[0].text)), False
    if isinstance(reply, list) and reply and isinstance(reply[0], list):
        words = reply[0]
        if words[0] == b"failed":
            text = f"trivet: {_text(words[1]).upper()}: {_text(words[2])}"
            return _aborted(plan, text, _passes(_text(words[2]))), True
        if words[0] == b"large":
            text = (
                f"trivet: the keys that are written hold {_text(words[1])} bytes, more than "
                f"{UNDO_BYTES_MAX} (limit undo_bytes_max)"
            )
            return _aborted(plan, text, False), True
        return _aborted(plan, "recovery has aborted it: it was taken for dead", True), True
    text = reply.text if isinstance(reply, ErrorReply) else "an answer that is none"
    certain = text.startswith(("EXECABORT", "CROSSSLOT")) or "nothing was done" in text
    return _aborted(plan, f"trivet: {text}", _passes(text)), certain


def _passes(text: str) -> bool:
    return text.startswith(_PASSING)


def _aborted(plan: Plan, why: str, retryable: bool) -> Aborted:
    return Aborted(f"{why}; {_NOTHING}", retryable)


def _keys(plan: Plan) -> Work[list[bytes]]:
    """The keys of the queued commands, without repetition; Trivet knows where they stand in each.

    Raises ``Refusal``.
    """
    if not plan.queued:
        return []
    asked = [(b"COMMAND", b"GETKEYS", *words) for words in plan.queued]
    answer = yield from call("find keys", plan.db, *asked)
    if isinstance(answer, Fault):
        raise Refusal("trivet", answer, retryable=True)
    keys: dict[bytes, None] = {}
    for words, reply in zip(plan.queued, answer.replies, strict=True):
        if not isinstance(reply, list):
            text = reply.text if isinstance(reply, ErrorReply) else "it has no keys"
            raise Refusal("trivet", Fault("", f"{_text(words[0]).upper()} cannot be a part of this: {text}"))
        for key in reply:
            assert isinstance(key, bytes)
            if key.startswith(RECORD_PREFIX) or key == INDEX:
                raise Refusal("trivet", Fault("", f"the key {_text(key)} is not for programs"))
            keys[key] = None
    return list(keys)


def _open(plan: Plan) -> Work[None]:
    """Write the open record, and let recovery find it. Raises ``Refusal``."""
    rows = [branch.row for branch in plan.branches]
    plan.opened = True
    index = indexing(plan.name.id, plan.began_ms)
    answer = yield from call("open", plan.db, index, opening(plan.name, rows))
    if isinstance(answer, Fault):
        raise Refusal("trivet", answer, retryable=True)
    for reply in answer.replies:
        if isinstance(reply, ErrorReply):
            raise Refusal("trivet", Fault("", reply.text), _passes(reply.text))
    if answer.replies[1] != 1:
        raise Refusal("trivet", Fault("", "another transaction has this id"), retryable=True)


def _abort(plan: Plan, why: str) -> Work[None]:
    """Undo it everywhere. The decision was not asked for, or was refused: it cannot be commit any more.

    When Trivet does not answer, the record stays open, and recovery turns it into abort.
    """
    recorded = False
    if plan.opened:
        recorded = (yield from _settle_record(plan, why)) != "unknown"
    yield from abandon(plan)
    ends = yield from _finish(plan, False)
    yield from _aborting(plan, ends, recorded)


def _aborting(plan: Plan, ends: dict[str, Verdict], recorded: bool) -> Work[None]:
    """Every branch was told to roll back. Raises ``Heuristic`` when one was committed by hand before."""
    damage = {name: verdict for name, verdict in ends.items() if verdict.end is End.HEURISTIC}
    if damage:
        raise damage_error(plan.name.id, "aborted", damage)
    if recorded and all(verdict.end is End.DONE for verdict in ends.values()):
        yield from _close(plan)


def settle(plan: Plan, why: str) -> Work[None]:
    """The answer to the decision was lost: read it, or decide abort; then carry it out."""
    state = yield from _settle_record(plan, why)
    if state == "gone":
        state = yield from _testify(plan)
    if state == "commit":
        yield from carry_out(plan)
        return
    if state == "abort":
        yield from _aborting(plan, (yield from _finish(plan, False)), True)
        raise _aborted(plan, why, True)
    raise InDoubt(
        f"{why}; the transaction {plan.name.id} may be committed or aborted: `trivet txn recover` "
        "settles it, or resolve()",
        plan.name.id,
    )


def _settle_record(plan: Plan, why: str) -> Work[str]:
    """``commit``, ``abort``, ``gone``, or ``unknown`` when Trivet does not answer."""
    answer = yield from call("settle", plan.db, settling(plan.name.id, why), anywhere=True)
    if isinstance(answer, Fault) or isinstance(answer.replies[0], ErrorReply):
        return "unknown"
    state = answer.replies[0]
    return state.decode() if isinstance(state, bytes) else "gone"


def _testify(plan: Plan) -> Work[str]:
    """Recovery has finished it, long ago: PostgreSQL may know what was decided."""
    for branch in plan.branches:
        outcome = yield from branch.kind.finish(branch.name, branch.row, plan.name, False)
        if outcome.end is End.HEURISTIC:  # it is committed: not against the decision, as it turns out
            return "commit"
        if outcome.end is End.DONE and branch.row.note:
            return "abort"
    return "unknown"


def carry_out(plan: Plan) -> Work[None]:
    """The decision is commit: every branch commits. Raises ``BranchLost`` or ``Heuristic``.

    A branch that does not answer is left to recovery (``plan.unfinished``): the transaction is committed
    all the same.
    """
    ends = yield from _finish(plan, True)
    if all(verdict.end is End.DONE for verdict in ends.values()):
        plan.unfinished = {}
        if (yield from _close(plan)):
            for branch in plan.branches:
                yield from branch.kind.sweep(branch.name, branch.row, plan.name)
        return
    damage = {name: verdict for name, verdict in ends.items() if verdict.end in (End.LOST, End.HEURISTIC)}
    if damage and (yield from closed(plan.name)):
        return  # recovery has finished it, and swept what would have told so (Rule X7)
    plan.unfinished = {name: verdict.text for name, verdict in ends.items() if verdict.end is not End.DONE}
    if damage:
        error = damage_error(plan.name.id, "committed", damage)
        yield from call("write down", plan.db, troubling(plan.name.id, told(damage)), anywhere=True)
        raise error


def closed(name: Name) -> Work[bool]:
    """Whether somebody has found every branch finished."""
    answer = yield from call("look", name.db, reading(name.id), anywhere=True)
    if isinstance(answer, Fault) or isinstance(answer.replies[0], ErrorReply):
        return False
    record = read_record(answer.replies[0])
    return record is None or record.finished


def told(verdicts: dict[str, Verdict]) -> str:
    """What is said of branches, in one line."""
    return "; ".join(f"{name}: {verdict.text}" for name, verdict in verdicts.items())


def damage_error(transaction_id: str, decision: str, damage: dict[str, Verdict]) -> BranchLost | Heuristic:
    """The error for what was lost or done by hand."""
    text = (
        f"the transaction {transaction_id} is {decision}, and {told(damage)}. Repair that database by hand, "
        f"then `trivet txn forget {transaction_id}`"
    )
    texts = {name: verdict.text for name, verdict in damage.items()}
    if any(verdict.end is End.HEURISTIC for verdict in damage.values()):
        return Heuristic(text, transaction_id, texts)
    return BranchLost(text, transaction_id, texts)


def _finish(plan: Plan, commits: bool) -> Work[dict[str, Verdict]]:
    """Every branch that may be prepared; one that fails stops no other."""
    ends: dict[str, Verdict] = {}
    for branch in plan.branches:
        if branch.stage in (Stage.PREPARED, Stage.UNKNOWN):
            ends[branch.name] = yield from branch.kind.finish(branch.name, branch.row, plan.name, commits)
    return ends


def _close(plan: Plan) -> Work[bool]:
    """All is done: remove the record; whether that went well. Else recovery does it."""
    gone = yield from call("close", plan.db, closing(plan.name.id), unindexing(plan.name.id), anywhere=True)
    return isinstance(gone, Replies) and not isinstance(gone.replies[0], ErrorReply)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
