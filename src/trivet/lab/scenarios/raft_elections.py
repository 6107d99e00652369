"""Stories about who leads: an election, a split vote, and a node that returns."""

from trivet.core.base.ids import NodeId
from trivet.lab.recording import Fate, Message
from trivet.lab.scenarios.direction import Direction, terms_led
from trivet.lab.scenarios.scenario import NotAsTold, Scenario, Told, prose


def play_election(seed: int) -> Told:
    """Three nodes start, one is elected; it dies, and another one is."""
    d = Direction("Raft: an election", seed)
    stage = d.stage
    d.say("three nodes start; each waits a random while for a leader that does not exist yet")
    stage.run_until(lambda: any(d.role(n) == "pre_candidate" for n in stage.nodes))
    first = next(n for n in stage.nodes if d.role(n) == "pre_candidate")
    d.say(f"node {first} has waited longest and asks around: would you vote for me? Nothing is at stake yet")
    one = stage.leader()
    term = d.seen(one).term
    votes = d.votes(term, one)
    d.facts.fact(
        bool(votes), f"node {one} won term {term} with its own vote and that of node {votes[0]}: two of three"
    )
    d.say(f"node {one} has two votes of three, its own among them: it leads term {term}")
    d.level()
    stage.run_for(60)
    stage.crash(one)
    d.say(f"node {one}, the leader, is killed; the others see its connections break")
    two = stage.leader()
    later = d.seen(two).term
    d.facts.fact(two != one and later > term, f"node {two} leads a later term, {later}")
    d.say(f"node {two} leads term {later}")
    stage.run_for(60)
    stage.start(one)
    d.say(f"node {one} starts again; it does not know yet what it has missed")
    stage.run_until(lambda: d.role(one) == "follower" and d.seen(one).leader == two)
    d.say(f"node {one} hears of term {later}, and follows")
    d.facts.fact(d.seen(two).role == "leader" and d.seen(two).term == later, "its return changed nothing")
    told = d.tell(
        f"Terms {term} and {later} had one leader each, elected by a majority. "
        "The cluster had no leader only while it had to choose one."
    )
    led = terms_led(told.recording)
    d.facts.fact(
        all(len(nodes) == 1 for nodes in led.values()), f"every term had at most one leader: {_who(led)}"
    )
    return told


def _who(led: dict[int, list[int]]) -> str:
    return ", ".join(f"term {term} node {nodes[0]}" for term, nodes in led.items())


ELECTION = Scenario(
    "raft-election",
    "An election, and another one when the leader dies",
    prose("""
        A Raft cluster is a group of nodes that keep the same log of commands. At any time one of them, the
        leader, says what comes next in the log; the others follow. Time is cut into numbered terms, and a
        term has at most one leader, because a node must collect votes from a majority (here two of three),
        every node votes once per term and writes its vote to disk before it answers, and any two majorities
        share a node.

        A node that hears from no leader for a randomly chosen while first asks whether it would be elected
        at all (a pre-vote, which binds nobody). Only if a majority says yes does it open a new term and ask
        for real votes. Watch this happen when the cluster starts, and once more when the leader is killed.
        The old leader's return is a non-event: it sees the higher term and follows.
    """),
    play_election,
)


ATTEMPTS_MAX = 200
"""A split vote needs rivals and bad luck: so many times the same cluster may be tried with other delays."""


def play_split_vote(seed: int) -> Told:
    """Two candidates of five get two votes each; the next term decides."""
    for attempt in range(ATTEMPTS_MAX):
        d = Direction("Raft: a split vote", seed, 5, attempt, net_us_min=10_000, net_us_max=40_000)
        rivals = _rivals(d)
        if rivals and _is_split(d, rivals):
            return _tell_split(d, rivals, attempt + 1)
        d.stage.close()
    raise NotAsTold(f"no split vote in {ATTEMPTS_MAX} tries")


def _rivals(d: Direction) -> list[NodeId]:
    """Kill the leader; the two that ask for pre-votes before they hear of each other, or nobody."""
    stage = d.stage
    old = d.settled_leader()
    stage.run_for(100)
    d.begin_picture()
    stage.crash(old)
    d.say(f"the leader, node {old}, is killed: four of five nodes are left, and a majority is three")
    asking: list[NodeId] = []

    def two_ask() -> bool:
        asking[:] = [n for n in stage.nodes if d.role(n) == "pre_candidate"]
        return len(asking) > 1 or any(d.role(n) == "candidate" for n in stage.nodes)

    stage.run_until(two_ask)
    if len(asking) != 2:
        return []
    one, two = asking
    stage.block(one, two)
    d.say(f"nodes {one} and {two} ask at nearly the same moment; what {one} says to {two} is lost")
    return asking


def _is_split(d: Direction, rivals: list[NodeId]) -> bool:
    """Run on until both have the votes that they get; whether nobody won."""
    stage = d.stage
    began = max(d.seen(n).term for n in rivals)

    def over() -> bool:
        return bool(stage.leading()) or all(d.role(n) == "candidate" for n in rivals)

    stage.run_until(over)
    if stage.leading() or any(d.seen(n).term != began + 1 for n in rivals):
        return False
    stage.run_for(100)
    return not stage.leading() and all(len(d.votes(began + 1, n)) == 1 for n in rivals)


def _tell_split(d: Direction, rivals: list[NodeId], attempt: int) -> Told:
    stage = d.stage
    one, two = rivals
    term = d.seen(one).term
    d.facts.fact(
        True,
        f"in term {term} nodes {one} and {two} got one vote each besides their own: two of five is no "
        "majority",
    )
    d.say(
        f"two votes for node {one} (its own, node {d.votes(term, one)[0]}), two for node {two} (its own, "
        f"node {d.votes(term, two)[0]}): nobody leads term {term}"
    )
    stage.heal()
    new = stage.leader()
    later = d.seen(new).term
    d.say(f"after a random while somebody tries again, alone this time: node {new} leads term {later}")
    d.level()
    told = d.tell(f"Term {term} passed without a leader and did no harm; term {later} has one, node {new}.")
    led = terms_led(told.recording)
    d.facts.fact(term not in led, f"nobody ever led term {term}")
    d.facts.fact(later > term and led[later] == [new], f"node {new} alone led term {later}")
    d.facts.fact(
        True, f"such bad luck took {attempt} tries to find: each with the same nodes and other delays"
    )
    return told


SPLIT_VOTE = Scenario(
    "raft-split-vote",
    "A split vote: two candidates, and nobody wins",
    prose("""
        Every node has one vote per term, and a candidate votes for itself. So when two candidates ask at
        the same time, the votes may be divided so that neither has a majority. Raft does not resolve this
        cleverly: the term simply passes without a leader. Every candidate waits a random while before it
        tries again, so one of them will be alone next time.

        Trivet takes two precautions that make this rare: nodes ask for pre-votes first, and of two that ask
        at the same time the one with the lower number goes ahead. So this script loses what one rival says
        to the other, and repeats the run with other delays until the votes really are divided two against
        two. (The fifth node is the leader that was killed.)
    """),
    play_split_vote,
    seed=11,
)


def play_pre_vote(seed: int) -> Told:
    """A follower is cut off, asks in vain, and returns without anyone noticing."""
    d = Direction("Raft: a node returns", seed)
    stage = d.stage
    leader = d.settled_leader()
    term = d.seen(leader).term
    away = stage.others(leader)[0]
    near = stage.others(leader, away)[0]
    stage.run_for(50)
    d.begin_picture()
    since_us = stage.simulation.now_us
    d.say(f"node {leader} leads term {term}; node {away} is cut off from both others")
    stage.partition([away], [leader, near])

    def asked() -> list[Message]:
        return [m for m in d.messages(since_us) if m.kind == "PreVote" and m.source == away]

    stage.run_until(lambda: len(asked()) >= 2)
    d.say(f"node {away} asks: would you vote for me? Nobody hears it. Its term stays {d.seen(away).term}")
    stage.ask(leader, "SET", "while", "away")
    d.say("the other two are a majority: they go on serving writes")
    stage.run_until(lambda: len(asked()) >= 4 and d.role(away) == "pre_candidate")
    rounds = len(asked()) // 2
    d.facts.fact(d.role(away) == "pre_candidate", f"node {away} asked {rounds} times for pre-votes in vain")
    d.facts.fact(
        d.seen(away).term == term,
        f"its term is still {term}; without pre-votes it would be {term + rounds} now",
    )
    stage.run_until(lambda: any(m.fate is Fate.UNDER_WAY for m in asked()[2 * rounds :]))
    stage.heal()
    d.say(f"the partition heals while node {away} asks once more; this time its question arrives")

    def refused() -> list[Message]:
        return d.arrived("PreVoteReply", lambda m: m.target == away and m.fields["granted"] == "no", since_us)

    stage.run_until(lambda: bool(refused()) and d.role(away) == "follower")
    d.facts.fact(
        bool(refused()), f"node {refused()[0].source} refused: it had heard from its leader a moment ago"
    )
    d.say(f"no, says node {refused()[0].source}: I hear a leader. Soon node {away} hears it too, and follows")
    d.level()
    stage.run_for(20)
    d.facts.fact(
        stage.leading() == [leader] and d.seen(leader).term == term,
        f"node {leader} has led term {term} all the time: no election, no pause",
    )
    d.facts.fact(
        d.seen(away).applied == d.seen(leader).applied,
        f"node {away} has caught up with the write that it missed",
    )
    return d.tell(
        f"Node {away} was away, came back, and nobody but itself noticed: still term {term}, still node "
        f"{leader}."
    )


PRE_VOTE = Scenario(
    "raft-pre-vote",
    "A returning node does not disturb: the pre-vote",
    prose("""
        A node that is cut off hears no leader, so it wants to be elected. In the simplest form of Raft it
        would open a new term each time it tries, in vain, and its term number would climb. When the network
        heals, its high number would force the healthy leader to step down, because a higher term always
        wins: a pause for every client, caused by the one node that had nothing to offer.

        The pre-vote (section 9.6 of Ongaro's dissertation) prevents this. Before it opens a term, a node
        asks whether it would get the votes. Asking changes nothing anywhere. A node that has just heard
        from a leader says no.
    """),
    play_pre_vote,
)
