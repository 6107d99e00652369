"""Stories about two-phase commit in its textbook form: a clean round, and the one that everybody fears."""

from trivet.lab.history import FOREVER_US
from trivet.lab.recording import Recorder
from trivet.lab.scenarios.scenario import STORY, Facts, Players, Scenario, Told, prose
from trivet.lab.textbook.post import MS, Post, PostOptions
from trivet.lab.textbook.two_phase_commit import Coordinator, Participant, judge_atomicity

ANNA, BERT = "anna", "bert"


class Bank:
    """A coordinator and two participants, each with an account."""

    def __init__(self, title: str, seed: int) -> None:
        self.post = Post(
            seed, PostOptions(delay_us_min=8_000, delay_us_max=14_000, sync_us=3_000), Recorder(title, seed)
        )
        self.one = Participant(2, 1, {ANNA: 50})
        self.two = Participant(3, 1, {BERT: 20})
        self.coordinator = Coordinator(1, {ANNA: 2, BERT: 3})
        self.post.seat(self.coordinator, "coordinator")
        self.post.seat(self.one, "participant: anna")
        self.post.seat(self.two, "participant: bert")
        self.post.run_for(10)

    def say(self, text: str) -> None:
        """A sentence about this moment."""
        self.post.say(STORY, text)

    def prepared(self) -> bool:
        """Whether both have promised."""
        return bool(self.one.prepared and self.two.prepared)

    def stuck(self) -> bool:
        """Whether both know that nobody within reach knows."""
        return self.one.role == self.two.role == "blocked"

    def complaints(self, total: int = 70) -> list[str]:
        """What the judge says; ``total``: what the accounts must hold together."""
        return judge_atomicity(self.coordinator, [self.one, self.two], total)


def play_commit(seed: int) -> Told:
    """Ten from anna to bert, undisturbed."""
    bank, facts = Bank("Two-phase commit: a clean round", seed), Facts()
    post = bank.post
    bank.say("a client moves 10 from anna (50) to bert (20); the accounts live on two different nodes")
    transfer = post.request(1, 1, "transfer", "T1", f"{ANNA}:-10", f"{BERT}:10", text="move 10")
    post.run_until(bank.prepared)
    bank.say("prepare: each checks, locks its account, writes down its promise, votes yes: no way back now")
    read = post.request(2, 3, "get", BERT)
    facts.fact(
        read.return_us == FOREVER_US, "while both were in doubt, a read of bert had to wait for the lock"
    )
    post.run_until(lambda: bool(bank.coordinator.decided))
    facts.fact(
        transfer.outcome == "ok", "all voted yes: the coordinator wrote down commit, and told its client"
    )
    bank.say(
        "all votes are yes: the decision is written down at the coordinator. This is the moment that counts"
    )
    post.run_until(lambda: not bank.one.prepared and not bank.two.prepared)
    bank.say("both have obeyed, and the locks are gone")
    post.run_for(40)
    balances = bank.one.balances[ANNA], bank.two.balances[BERT]
    facts.fact(balances == (40, 30), "anna has 40, bert has 30: both or neither")
    facts.fact(read.reply == "30", "the read that waited saw 30, not something in between")
    facts.fact(not bank.complaints(), "the judge of atomicity is silent")
    return facts.tell(post.recording(), "Committed on both nodes, in two rounds of messages.")


COMMIT = Scenario(
    "2pc-commit",
    "Two-phase commit: both or neither",
    prose("""
        One transaction, two nodes: take 10 from an account here, add 10 to an account there. If only one of
        the two happens, money is made or lost. Two-phase commit is the classic answer. A coordinator first
        asks everyone to prepare: check that you can do it, lock what it needs, write that down, and vote.
        Who has voted yes has given its word and waits for the decision. If all vote yes the coordinator
        writes down commit, otherwise abort, and tells everyone.

        This is the textbook form, run here without any disturbance. Look at the time between the votes and
        the decision: in it the participants are in doubt, and hold their locks. The next story
        (2pc-blocked) is about that time.
    """),
    play_commit,
    played_by=Players.TEXTBOOK,
)

AWAY_MS = 1_000


def play_blocked(seed: int) -> Told:
    """The coordinator dies between the votes and the decision."""
    bank, facts = Bank("Two-phase commit: blocked", seed), Facts()
    post, coordinator = bank.post, bank.coordinator
    bank.say("again a client moves 10 from anna to bert")
    transfer = post.request(1, 1, "transfer", "T1", f"{ANNA}:-10", f"{BERT}:10", text="move 10")
    post.run_until(bank.prepared)
    bank.say("both have promised, written it down, and locked their accounts; the votes are on their way")
    post.run_for(2)
    post.crash(1)
    crashed_us = post.now_us
    facts.fact(
        not coordinator.decided, "the coordinator crashed after both had prepared, and before it decided"
    )
    bank.say("the coordinator crashes before it has decided")
    post.run_for(60)
    waiting = post.request(2, 3, "add", BERT, "5")
    bank.say("another client wants to add 5 to bert. The account is locked: it waits")
    post.run_until(lambda: bank.stuck())
    facts.fact(
        bank.stuck(),
        "both asked everyone they could reach, and found only others who did not know either",
    )
    bank.say(
        "do you know what was decided? Neither does. Whatever they do alone may be wrong: they are blocked"
    )
    post.run_for(AWAY_MS - (post.now_us - crashed_us) // MS)
    facts.fact(waiting.return_us == FOREVER_US and bank.prepared(), "they held their locks all that time")
    post.start(1)
    bank.say("the coordinator comes back, finds that T1 was begun and not decided, and aborts it")
    post.run_until(lambda: not bank.one.prepared and not bank.two.prepared)
    bank.say("at last: the locks go, and the other client gets its answer")
    post.run_for(30)
    blocked_ms = (waiting.return_us - crashed_us) // MS
    facts.fact(
        blocked_ms >= AWAY_MS and waiting.outcome == "ok",
        f"a client who had nothing to do with it had its answer only {blocked_ms} ms after the crash",
    )
    facts.fact(transfer.outcome == "info", "the client of the transfer never got an answer")
    facts.fact(
        bank.one.balances[ANNA] == 50 and bank.two.balances[BERT] == 25,
        "anna has 50, bert has 25: the transfer left no trace",
    )
    facts.fact(not bank.complaints(75), "the judge of atomicity is silent: it was safe, and useless")
    return facts.tell(
        post.recording(),
        f"Nothing went wrong, and nothing went on: for {blocked_ms} ms two healthy nodes could only "
        "wait for a third one. "
        "It would have been days if its disk had been lost.",
    )


BLOCKED = Scenario(
    "2pc-blocked",
    "Two-phase commit, blocked by its coordinator",
    prose("""
        Two-phase commit has a famous weakness. A participant that has voted yes may not decide by itself
        any more: the others may have been told commit, or abort. If the coordinator dies at that moment,
        everyone who is left can only ask everyone else. The books call this cooperative termination, and it
        often helps: a participant that knows the decision tells it, and one that has not voted yet can veto
        for all. But when all of them have voted yes and heard nothing, no cleverness helps. They keep their
        locks and wait, and so does everyone who needs what they have locked.

        The cure is not a better protocol between the participants, but a decision that does not live on one
        machine: when it is kept by a majority (Gray and Lamport, "Consensus on Transaction Commit"), any
        survivor can find it or make it.
    """),
    play_blocked,
    played_by=Players.TEXTBOOK,
)
