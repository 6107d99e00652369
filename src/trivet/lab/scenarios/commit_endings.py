"""More stories about two-phase commit as the books have it: who waits for whom when something goes wrong."""

from trivet.lab.history import FOREVER_US
from trivet.lab.scenarios.commit_stories import ANNA, BERT, Bank
from trivet.lab.scenarios.scenario import Facts, NotAsTold, Players, Scenario, Told, prose
from trivet.lab.textbook.post import MS

AWAY_MS = 1_000
RUNS_MAX = 40


def play_decided(seed: int) -> Told:
    """The coordinator dies with the decision on its disk."""
    bank, facts = Bank("Two-phase commit: decided, and nobody knows", seed), Facts()
    post, coordinator = bank.post, bank.coordinator
    bank.say("a client moves 10 from anna to bert; both accounts are locked, both have voted yes")
    transfer = post.request(1, 1, "transfer", "T1", f"{ANNA}:-10", f"{BERT}:10", text="move 10")
    post.run_until(lambda: bool(coordinator.decided))
    post.crash(1)
    crashed_us = post.now_us
    facts.fact(
        coordinator.decided == {"T1": True} and bank.prepared(),
        "the coordinator had written down commit, and crashed before anybody was told",
    )
    bank.say("the coordinator writes down commit, tells its client, and crashes: no participant has heard")
    post.run_for(60)
    read = post.request(2, 3, "get", BERT)
    bank.say("another client reads bert. The account is locked: it waits")
    post.run_until(bank.stuck)
    facts.fact(bank.stuck(), "both asked each other, and neither knew")
    bank.say("it is decided, but the decision is on one disk, and that disk is away: blocked")
    post.run_for(AWAY_MS - (post.now_us - crashed_us) // MS)
    facts.fact(read.return_us == FOREVER_US and bank.prepared(), "they held their locks all that time")
    post.start(1)
    bank.say("the coordinator comes back, reads commit from its disk, and tells everyone")
    post.run_until(lambda: not bank.one.prepared and not bank.two.prepared)
    post.run_for(30)
    waited_ms = (read.return_us - crashed_us) // MS
    facts.fact(read.reply == "30", f"the reader had its answer, 30, only {waited_ms} ms after the crash")
    facts.fact(transfer.outcome == "ok", "and the client of the transfer had long been told that it was done")
    facts.fact(not bank.complaints(), "the judge of atomicity is silent")
    bank.say("both obey, the locks go, and the reader gets its answer")
    return facts.tell(
        post.recording(),
        f"An acknowledged transfer that nobody could see for {waited_ms} ms, and for ever, had the "
        "coordinator's disk been lost.",
    )


DECIDED = Scenario(
    "2pc-decided",
    "Two-phase commit: decided, and nobody knows",
    prose("""
        The coordinator has all votes, writes down commit, and may tell its client: the transfer is done. But
        the participants learn of it from the coordinator only, and they hold their locks until they do. If it
        dies at this moment, the decision exists, on one disk that nobody can read.

        Asking each other does not help: both have voted yes, and both would obey either word. An operator who
        breaks the locks by hand may do the opposite of what the client was told.

        A replicated decision is found by whoever asks a majority (txn-crash-decided is the same moment
        in Trivet).
    """),
    play_decided,
    played_by=Players.TEXTBOOK,
)


def play_participant(seed: int) -> Told:
    """A participant dies after its vote."""
    bank, facts = Bank("Two-phase commit: a participant dies after its vote", seed), Facts()
    post = bank.post
    bank.say("a client moves 10 from anna to bert")
    transfer = post.request(1, 1, "transfer", "T1", f"{ANNA}:-10", f"{BERT}:10", text="move 10")
    post.run_until(lambda: bool(bank.coordinator.decided))
    post.crash(3)
    crashed_us = post.now_us
    facts.fact(
        bool(bank.two.prepared), "bert's node crashed after it had voted yes, before it was told commit"
    )
    bank.say("bert's node has voted yes, and crashes before it hears that it is commit")
    post.run_until(lambda: not bank.one.prepared)
    facts.fact(bank.one.balances[ANNA] == 40, "anna's node obeyed: 40")
    read = post.request(2, 3, "get", BERT)
    facts.fact(read.outcome == "fail", "bert's account was out of reach: nobody else has it")
    bank.say("anna has 40. Where are the other 10? On the disk of a node that does not answer")
    post.run_for(150)
    bank.say("the coordinator may not forget: it repeats its decision, again and again, to nobody")
    post.run_for(AWAY_MS - (post.now_us - crashed_us) // MS)
    facts.fact(
        post.is_up(1) and len(bank.coordinator.decided) == 1,
        "the coordinator had to remember its decision, and to repeat it, for all that time",
    )
    post.start(3)
    bank.say("bert's node comes back, finds its promise, asks, and is told: commit")
    post.run_until(lambda: not bank.two.prepared)
    late_ms = (post.now_us - crashed_us) // MS
    post.run_for(30)
    facts.fact(bank.two.balances[BERT] == 30, f"bert has 30, {late_ms} ms after the crash")
    facts.fact(transfer.outcome == "ok", "the client of the transfer had long been told that it was done")
    facts.fact(not bank.complaints(), "the judge of atomicity is silent")
    bank.say("both or neither, in the end")
    return facts.tell(
        post.recording(),
        f"One copy of an account, one node that has to come back: {late_ms} ms here, as long as it takes "
        "elsewhere.",
    )


PARTICIPANT = Scenario(
    "2pc-participant",
    "Two-phase commit: a participant dies after its vote",
    prose("""
        A participant that has voted yes has to keep its word over a crash, so it writes the vote down first.
        When it dies, the others may go on, but its own part is out of reach until it comes back: the account,
        the vote, and the lock are on its disk and nowhere else. And whoever decided must not forget the
        decision before it has returned.

        Two-phase commit makes a transaction atomic; it makes nothing available. For that each participant has
        to be more than one machine (txn-leader-change).
    """),
    play_participant,
    played_by=Players.TEXTBOOK,
)


def _meet(seed: int) -> Bank:
    """Two transfers that reach the two participants in opposite order."""
    for run in range(RUNS_MAX):
        bank = Bank("Two-phase commit: two transfers veto each other", seed + (run << 32))
        bank.say("two clients at the same time: T1 moves 10 from anna to bert, T2 moves 5 back")
        bank.post.request(1, 1, "transfer", "T1", f"{ANNA}:-10", f"{BERT}:10", text="move 10")
        bank.post.request(2, 1, "transfer", "T2", f"{BERT}:-5", f"{ANNA}:5", text="move 5 back")
        bank.post.run_until(lambda bank=bank: len(bank.coordinator.decided) == 2)  # type: ignore[misc]
        if list(bank.coordinator.decided.values()) == [False, False]:
            return bank
    raise NotAsTold(f"the transfers did not meet in {RUNS_MAX} runs")


def play_conflict(seed: int) -> Told:
    """Both are vetoed."""
    bank, facts = _meet(seed), Facts()
    post = bank.post
    facts.fact(True, "T1 had locked one account, T2 the other, and each found the other's lock")
    bank.say("each finds an account that the other one has locked: a veto for both")
    post.run_for(80)
    first, second = post.operations[:2]
    facts.fact(first.outcome == second.outcome == "fail", "both clients were told: aborted")
    bank.say("both are aborted. The clients may try again, and may meet again")
    balances = bank.one.balances[ANNA], bank.two.balances[BERT]
    facts.fact(balances == (50, 20), "anna has 50, bert has 20: nothing was done")
    facts.fact(not bank.complaints(), "the judge of atomicity is silent: safe, and no use to either")
    return facts.tell(post.recording(), "Two transfers that were both possible; neither was done.")


CONFLICT = Scenario(
    "2pc-conflict",
    "Two-phase commit: two transfers veto each other",
    prose("""
        What does a participant do that is asked to prepare, when the account is locked by another
        transaction? If it waits for the lock, two transactions can wait for each other on two nodes, and no
        node sees the circle. If it votes no, as here, nobody waits, but two transactions that meet may both
        be vetoed, and again when their clients try again.

        The books leave this to whoever detects deadlocks, or to a time-out. Trivet gives each transaction an
        age instead, and the older may wait (txn-conflict). The delays of this run are chosen such that they
        meet: the script repeats it until they do.
    """),
    play_conflict,
    played_by=Players.TEXTBOOK,
)
