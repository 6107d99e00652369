"""Stories about single-decree Paxos in its textbook form: a clean round, and two duelling proposers."""

from trivet.core.base.prng import Prng
from trivet.lab.recording import Recorder
from trivet.lab.scenarios.scenario import STORY, Facts, Players, Scenario, Told, prose
from trivet.lab.textbook.paxos import Acceptor, Proposer, chosen_values, judge_agreement
from trivet.lab.textbook.post import MS, Post, PostOptions

ACCEPTORS = (3, 4, 5)


class _Hall:
    """Two proposers and three acceptors."""

    def __init__(self, title: str, seed: int, options: PostOptions, stubborn: int = 0) -> None:
        self.post = Post(seed, options, Recorder(title, seed))
        chance = Prng(seed ^ 0x9A05)
        acceptors = list(ACCEPTORS)
        self.proposers = [Proposer(n, acceptors, n, 2, chance.fork(), stubborn) for n in (1, 2)]
        self.acceptors = [Acceptor(n) for n in acceptors]
        for proposer in self.proposers:
            self.post.seat(proposer, f"proposer {proposer.number}")
        for number, acceptor in enumerate(self.acceptors, 1):
            self.post.seat(acceptor, f"acceptor {number}")

    def say(self, text: str) -> None:
        """A sentence about this moment."""
        self.post.say(STORY, text)

    def chosen(self) -> str:
        """The value that a majority has accepted under one ballot; empty: none yet."""
        values = chosen_values(self.acceptors)
        return values[0][1] if values else ""


def play_clean(seed: int) -> Told:
    """One proposer; then a second one finds what was chosen."""
    hall, facts = _Hall("Paxos: a clean round", seed, PostOptions(sync_us=2_000)), Facts()
    post, (one, two) = hall.post, hall.proposers
    hall.say(
        "proposer 1 wants red. Phase 1: promise to ignore ballots below 1, and tell me what you have accepted"
    )
    red = post.request(1, 1, "propose", "red")
    post.run_until(lambda: one.role == "proposing")
    hall.say(
        "two promises are a majority, and nobody had accepted anything: it is free to propose red. Phase 2"
    )
    post.run_until(lambda: bool(hall.chosen()))
    hall.say(
        "a majority has accepted red under ballot 1: from this moment red is chosen, though nobody "
        "knows it yet"
    )
    facts.fact(hall.chosen() == "red" and not one.chosen, "red was chosen before anyone knew it")
    post.run_until(lambda: bool(one.chosen))
    post.run_for(30)
    facts.fact(
        red.reply == "red", "two round trips after the first question, proposer 1 knew that red was chosen"
    )
    hall.say("proposer 2 comes late and wants blue. It knows nothing of red, and takes ballot 2")
    blue = post.request(2, 2, "propose", "blue")
    post.run_until(lambda: two.role == "proposing")
    hall.say("the promises tell of red. Proposer 2 is bound: it may only propose red")
    post.run_until(lambda: bool(two.chosen))
    facts.fact(blue.reply == "red", "proposer 2 asked for blue, and learnt red")
    facts.fact(
        {value for _, value in chosen_values(hall.acceptors)} == {"red"}, "no other value was ever chosen"
    )
    facts.fact(not judge_agreement(hall.acceptors, hall.proposers), "the judge of agreement is silent")
    post.run_for(20)
    return facts.tell(post.recording(), "Red was chosen, and stayed chosen when somebody wanted blue.")


CLEAN = Scenario(
    "paxos-clean",
    "Paxos: agree on one value, for ever",
    prose("""
        Paxos lets a group of machines agree on one value although any of them may be slow or away, and
        without a leader. Proposers suggest values, acceptors remember them. A value is chosen when a
        majority of the acceptors has accepted it under the same ballot (a number that no two proposers
        share). Everything else serves one promise: once a value is chosen, no other value ever will be.

        It takes two phases. In the first a proposer asks for promises: ignore all lower ballots, and tell
        me what you have accepted. In the second it asks to accept a value, and here is the heart of it: if
        any acceptor told of a value, the proposer must take that one (of the highest ballot) instead of its
        own. Since two majorities always share an acceptor, a value that may be chosen is always found. This
        is the form of Lamport's "Paxos Made Simple".
    """),
    play_clean,
    played_by=Players.TEXTBOOK,
)

DUEL_TRIES = 2
"""So often each proposer tries before it begins to wait."""
NET_US, SYNC_US = 10_000, 20_000


def play_duel(seed: int) -> Told:
    """Each proposer outbids the other before it can finish, until they learn to wait."""
    options = PostOptions(delay_us_min=NET_US - 500, delay_us_max=NET_US + 500, sync_us=SYNC_US)
    hall, facts = _Hall("Paxos: a duel", seed, options, DUEL_TRIES), Facts()
    post, (one, two) = hall.post, hall.proposers
    hall.say("proposer 1 wants red: phase 1 with ballot 1")
    post.request(1, 1, "propose", "red")
    post.run_for((2 * NET_US + SYNC_US // 2) // MS)
    hall.say("proposer 2 wants blue: phase 1 with ballot 2. Whoever promises it will refuse ballot 1")
    post.request(2, 2, "propose", "blue")
    post.run_until(lambda: one.tries == 2)
    hall.say(
        "refused! Proposer 1 does not wait: ballot 3. That makes ballot 2 worthless before its second phase"
    )
    post.run_until(lambda: two.tries == 2)
    hall.say("refused in its turn, proposer 2 bids 4. They could go on like this for ever")
    post.run_until(lambda: bool(hall.chosen()) or (one.tries == two.tries == DUEL_TRIES))
    facts.fact(not hall.chosen(), f"after {one.tries + two.tries} ballots nothing was chosen")
    duel_us = post.now_us
    post.run_until(lambda: bool(one.waits or two.waits))
    hall.say("from now on a refused proposer waits a random while, longer each time, before it bids again")
    post.run_until(lambda: bool(hall.chosen()))
    value, ballot = hall.chosen(), chosen_values(hall.acceptors)[0][0]
    hall.say(f"one waited long enough for the other to finish: {value} is chosen, with ballot {ballot}")
    post.run_until(lambda: bool(one.chosen and two.chosen))
    facts.fact(one.chosen == two.chosen == value, f"both proposers learnt the same value, {value}")
    facts.fact(one.waits + two.waits > 0, f"it took {one.waits + two.waits} random waits to end it")
    facts.fact(
        not judge_agreement(hall.acceptors, hall.proposers),
        "the judge of agreement is silent: it was safe all the time",
    )
    post.run_for(20)
    return facts.tell(
        post.recording(),
        f"{duel_us // MS} ms of duel chose nothing and broke nothing. With random waits ballot {ballot} "
        f"chose {value}. "
        "Paxos is always safe; that it ends takes luck, or a leader.",
    )


DUEL = Scenario(
    "paxos-duel",
    "Paxos: two proposers outbid each other",
    prose("""
        Nothing stops a second proposer from asking for promises while the first one is between its two
        phases. The acceptors then refuse the first one's second phase. If it tries again at once with a
        higher ballot, it does the same to the second one. Two polite and diligent machines can keep this up
        for ever, without ever choosing anything: this is the price that every agreement protocol without a
        clock must pay somewhere (Fischer, Lynch and Paterson proved it in 1985).

        The cure is simple: wait for a random while before trying again, longer after each failure. Sooner
        or later one of them has the stage for itself for long enough. Real systems elect a leader (Raft),
        or make rounds so short that duels are rare. Here both proposers are stubborn twice, and then begin
        to wait.
    """),
    play_duel,
    played_by=Players.TEXTBOOK,
)
