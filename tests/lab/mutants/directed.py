"""Scripts: transactions over two groups, directed by hand, with what their clients may then have been told.

For rows whose circumstances are too rare to be drawn: a message has to be late between two others. Each script
plays one such order of events and looks whether what a client was told is what became of it.
"""

from collections.abc import Callable

from trivet.core.node.transacting import Transactions
from trivet.core.transaction.coordinator import Phase
from trivet.lab.history import Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import request
from trivet.lab.scenarios.group_direction import (
    ALICE,
    BOB,
    COORDINATOR,
    FIRST,
    LED_BY,
    SECOND,
    GroupDirection,
)
from trivet.lab.stage.stage import Pending, StageError

PREFIX = "directed:"
TOTAL = 70
"""What both accounts hold together."""
LISTS = ("{alice}jobs", "{bob}jobs")
PROMPT_MS = 3_000
WAIT_MS = 30_000
"""Longer than any client waits."""


def _decides(d: GroupDirection) -> bool:
    """Whether the coordinator has asked for a decision."""
    node = d.node(COORDINATOR)
    transactions = None if node is None else node.front.transactor
    assert isinstance(transactions, Transactions)
    return any(attempt.coordinator.phase is Phase.DECIDING for attempt in transactions.live.values())


def decision_unheard(d: GroupDirection) -> list[Complaint]:
    """The home decides, and the coordinator does not hear of it for as long as its client waits."""
    transfer = d.transfer(COORDINATOR)
    d.until(lambda: _decides(d))
    wall = d.stage.block(LED_BY[FIRST], COORDINATOR)
    d.until(lambda: transfer.done, WAIT_MS)
    d.stage.heal(wall)
    d.until(d.clean)
    balances = d.balances(1)
    if transfer.outcome is Outcome.FAIL and balances != (50, 20):
        return [
            _wrong(f"a client was told that nothing was done, and the accounts hold {balances}", transfer)
        ]
    return []


def lock_late(d: GroupDirection) -> list[Complaint]:
    """Who only reads has its first lock, and loses it before it gets the second; meanwhile both keys change."""
    speaker = d.stage.conversation(d.stage.new_client())
    speaker.connect(COORDINATOR)
    wall = d.stage.block(COORDINATOR, LED_BY[SECOND])
    # A client that watches a key takes locks, also to read.
    lines = (["WATCH", "{alice}"], ["MULTI"], ["GET", ALICE], ["GET", BOB], ["EXEC"])
    words = b"".join([request([word.encode() for word in line]) for line in lines])
    read = Pending([b"EXEC"], speaker.write(words)[-1])
    d.until(lambda: d.prepared(FIRST))
    d.until(lambda: not d.prepared(FIRST))
    transfer = d.transfer(LED_BY[FIRST])
    d.until(lambda: transfer.done)
    d.stage.heal(wall)
    d.until(lambda: read.done, WAIT_MS)
    assert read.operation is not None
    seen = [int(reply) for reply in read.operation.replies if isinstance(reply, bytes)]
    if len(seen) == 2 and sum(seen) != TOTAL:
        return [_wrong(f"somebody reads {seen}, which is not {TOTAL} in all", read)]
    return []


def _wait(d: GroupDirection) -> Pending:
    """A client of the coordinator begins to wait for the lists of both groups."""
    speaker = d.stage.conversation(d.stage.new_client())
    speaker.connect(COORDINATOR)
    words = [word.encode() for word in ("BLPOP", *LISTS, "0")]
    return Pending(words, speaker.write(request(words))[0])


def _trials(d: GroupDirection) -> tuple[int, int]:
    """How many transactions the coordinator has made and has under way."""
    node = d.node(COORDINATOR)
    transactions = None if node is None else node.front.transactor
    assert isinstance(transactions, Transactions)
    return transactions.counts.commits, len(transactions.live)


def wait_unheard(d: GroupDirection) -> list[Complaint]:
    """A call that waits takes a job, and its node does not hear of that for as long as commands may take."""
    wait = _wait(d)
    d.until(lambda: _trials(d) == (2, 0))
    d.stage.send(LED_BY[FIRST], "RPUSH", LISTS[0], "one", "two")
    d.until(lambda: _decides(d))
    wall = d.stage.block(LED_BY[FIRST], COORDINATOR)
    d.wait(WAIT_MS / 2)
    d.stage.heal(wall)
    d.until(lambda: wait.done, WAIT_MS)
    d.until(d.clean)
    left = d.stage.ask(1, "LRANGE", LISTS[0], "0", "-1")
    assert isinstance(left, tuple)
    count = len(left) + (wait.outcome is Outcome.OK)
    if count < 2 and wait.outcome is not Outcome.INFO:
        return [_wrong(f"of two jobs {count} are left or were delivered", wait)]
    return []


def wait_late(d: GroupDirection) -> list[Complaint]:
    """A job comes after a call has found nothing, and before its group knows that it waits."""
    wait = _wait(d)
    d.until(lambda: _trials(d)[0] == 1)
    wall = d.stage.block(COORDINATOR, LED_BY[FIRST])
    pushed = d.stage.send(LED_BY[FIRST], "RPUSH", LISTS[0], "one")
    d.until(lambda: pushed.done)
    d.stage.heal(wall)
    d.wait(PROMPT_MS)
    return [] if wait.done else [_wrong("somebody waits for a job that is there", wait)]


def _wrong(sentence: str, pending: Pending) -> Complaint:
    assert pending.operation is not None
    return Complaint("directed", sentence, [pending.operation.text()])


SCRIPTS: dict[str, Callable[[GroupDirection], list[Complaint]]] = {
    "decision-unheard": decision_unheard,
    "lock-late": lock_late,
    "wait-unheard": wait_unheard,
    "wait-late": wait_late,
}


def play(name: str, seed: int) -> list[Complaint]:
    """What is wrong with one script under one seed."""
    try:
        return SCRIPTS[name.removeprefix(PREFIX)](GroupDirection(name, seed))
    except (AssertionError, StageError) as error:
        return [Complaint("directed", f"the script could not be played: {error}", [])]
