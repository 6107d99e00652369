"""Stories about registers without a leader (``core/paxos``): reads and writes, a duel, a dead proposer."""

from trivet.core.base.ids import NodeId
from trivet.core.paxos.preference import preferred
from trivet.lab.recording import ClientOperation
from trivet.lab.scenarios.register_direction import RegisterDirection, ms_of
from trivet.lab.scenarios.scenario import NotAsTold, Players, Scenario, Told, prose
from trivet.lab.textbook.post import MS, PostOptions

COAT, HAT, HITS = "coat", "hat", "hits"
LATE_MS = 250
"""So much later than others one letter arrives."""


def play_clean(seed: int) -> Told:
    """A write in two round trips, the next in one, and a read in one."""
    d = RegisterDirection("Registers: two round trips, then one", seed, COAT)
    post, facts = d.post, d.facts
    d.say("no leader, no log: node 1 asks for promises for this one key. Ballot 1.n1 is counter 1 of node 1")
    red = d.ask(1, 1, "SET", "red")
    d.until(lambda: bool(d.sent("Accept")))
    d.say("it and one more are a majority, and nobody had anything: it asks them to accept red")
    d.done(red)
    facts.fact(
        len(d.sent("Prepare")) == len(d.sent("Accept")) == 2,
        f"the first write took two round trips, {ms_of(red)} ms: promises, then acceptances",
    )
    d.say("with the acceptance came a promise for 2.n1: node 1 keeps it for its next write of this key")
    post.run_for(30)
    facts.demand(all(d.held(n) == "red" for n in (1, 2, 3)), "all hold red")
    second_us = post.now_us
    blue = d.ask(1, 1, "SET", "blue")
    d.say("blue, through the same node: the promise is there already, so it asks for acceptances at once")
    d.done(blue)
    facts.fact(
        not d.sent("Prepare", second_us) and len(d.sent("Accept", second_us)) == 2,
        f"the second write took one round trip, {ms_of(blue)} ms: its promise had come with the first",
    )
    post.run_for(30)
    read_us = post.now_us
    read = d.ask(2, 3, "GET")
    d.say("a read, through node 3: what have you accepted, and at which ballot?")
    d.done(read)
    facts.fact(read.reply == "blue", "the read saw blue, through a node that had proposed nothing")
    facts.fact(
        not d.sent("Prepare", read_us) and not d.sent("Accept", read_us),
        f"the read took one round trip, {ms_of(read)} ms, and wrote nothing: a majority named one ballot",
    )
    d.say("a majority names ballot 2.n1: blue is chosen, and nothing newer can be")
    return d.tell(
        f"{ms_of(red)} ms, {ms_of(blue)} ms, {ms_of(read)} ms: what a leader does in one round trip "
        "takes one here too, as long as one node writes the key."
    )


CLEAN = Scenario(
    "register-clean",
    "A register without a leader: two round trips, then one",
    prose("""
        A keyspace can be kept without a leader and without a log. Each key is then a register of its own,
        and any node may change it: it asks a majority to promise that they will ignore older ballots and to
        tell what they hold, runs the command upon the newest of the answers, and asks them to accept the
        result. This is CASPaxos (Rystsov, 2018): the Paxos of the books (paxos-clean), over and over on the
        same value.

        Two round trips are one too many for every day. So an acceptor that accepts a value promises the
        next ballot of the same proposer along with it. If nobody else has written the key meanwhile, the
        next write needs no first phase. And a read only asks: when a majority names the same ballot, its
        value is chosen, and the answer is safe without anything being written.
    """),
    play_clean,
    played_by=Players.MEMBERS,
)


ATTEMPTS_MAX = 200
BALLOTS_MIN = 4
"""So many ballots make a duel."""
NET_US, BESIDE_MS = 10_000, 21
"""All letters take about as long; the second client comes just before the first one's second phase lands."""


def play_duel(seed: int) -> Told:
    """Two nodes outbid each other; then both give the key to the same one."""
    for attempt in range(ATTEMPTS_MAX):
        options = PostOptions(delay_us_min=NET_US - 1_000, delay_us_max=NET_US + 1_000)
        d = RegisterDirection("Registers: a duel, and its end", seed, HAT, options, attempt=attempt)
        clients = _duel(d)
        if len(_ballots(d)) >= BALLOTS_MIN:
            return _tell_duel(d, clients, attempt + 1)
    raise NotAsTold(f"no duel in {ATTEMPTS_MAX} tries")


def _ballots(d: RegisterDirection, since_us: int = 0) -> list[str]:
    return list(dict.fromkeys(m.label.removeprefix("prepare ") for m in d.sent("Prepare", since_us)))


def _duel(d: RegisterDirection) -> list[ClientOperation]:
    d.say("two clients want the same hat: anna through node 1 …")
    anna = d.ask(1, 1, "SET", "anna")
    d.post.run_for(BESIDE_MS)
    d.say("… and bert through node 2. Whoever promises ballot 1.n2 will refuse the second phase of 1.n1")
    bert = d.ask(2, 2, "SET", "bert")
    d.until(lambda: len(_ballots(d)) >= BALLOTS_MIN or anna.outcome == bert.outcome == "ok")
    return [anna, bert]


def _tell_duel(d: RegisterDirection, clients: list[ClientOperation], tries: int) -> Told:
    post, facts = d.post, d.facts
    facts.fact(
        all(c.outcome != "ok" for c in clients),
        f"after {len(_ballots(d))} ballots neither client had its reply",
    )
    d.say("refused, each of them bids higher, and ruins what the other is about to do")
    for client in clients:
        d.done(client)
    end_us = max(client.return_us for client in clients)
    duel_ms = (end_us - clients[0].invoke_us) // MS
    ballots = len(_ballots(d))
    facts.fact(True, f"it took {ballots} ballots and {duel_ms} ms until both were done")
    d.say(
        "who is refused again waits by lot before it bids: sooner or later one gets through, then the other"
    )
    post.run_for(60)
    best = preferred(HAT.encode(), d.members)
    for member in d.members.values():
        member.prefers = True
    facts.demand(best == 2, "node 2 is preferred for this key")
    again_us = post.now_us
    d.say(
        f"the same once more, but now every node reckons from the key who should propose for it: node {best}"
    )
    clients = [d.ask(1, 1, "SET", "anna")]
    post.run_for(BESIDE_MS)
    clients.append(d.ask(2, 2, "SET", "bert"))
    d.say(f"node {best} has both: what comes while a round is under way waits for it, and runs next")
    for client in clients:
        d.done(client)
    asked = _ballots(d, again_us)
    facts.fact(
        all(ballot.endswith(f".n{best}") for ballot in asked),
        f"with preference node {best} alone proposed, and nobody outbid it",
    )
    facts.fact(
        max(map(ms_of, clients)) < duel_ms,
        f"the replies came after {ms_of(clients[0])} and {ms_of(clients[1])} ms",
    )
    post.run_for(40)
    read = d.done(d.ask(1, 3, "GET"))
    facts.fact(read.reply == "bert", "in the end the hat is bert's, as whoever asks is told")
    facts.fact(True, f"such bad luck took {tries} tries to find: each with the same nodes and other delays")
    return d.tell(
        f"{duel_ms} ms of duel harmed nobody and helped nobody. Preference is only a habit: any node "
        "may still propose, and when the preferred one is dead, the next in line is preferred."
    )


DUEL = Scenario(
    "register-duel",
    "Two nodes outbid each other, until they prefer the same one",
    prose("""
        Any node may propose: nobody has to be elected first, and nobody has to be waited for when a node
        dies. The price is the duel (paxos-duel has it as in the books): two nodes that change the same key
        at the same time refuse each other's second phase again and again. That is always safe, and no
        progress.

        Two things are done about it. Who is refused for the second time waits by lot, longer each time, and
        bids further above. And it seldom comes to that: from the key alone every node reckons which member
        should propose for it (rendezvous hashing: each member gets a weight from its number and the key,
        and the heaviest is preferred), and hands the command to that one. There the commands queue, and the
        promise for the next one is kept. If nodes disagree about who is alive, they duel for a moment;
        nothing depends on it.
    """),
    play_duel,
    seed=2,
    played_by=Players.MEMBERS,
)


def play_takeover(seed: int) -> Told:
    """A proposer dies in its second phase, with its value at one member."""
    d = RegisterDirection("Registers: a proposer dies in its second phase", seed, HITS)
    post, facts = d.post, d.facts
    d.done(d.ask(1, 1, "INCR"))
    post.run_for(30)
    facts.demand(all(d.held(n) == "1" for n in (1, 2, 3)), "it stands at 1")
    d.begin_picture()
    d.say("a counter stands at 1. Anna adds one through node 1, whose letter to node 2 gets stuck on its way")
    post.slow(1, 2, LATE_MS)
    anna = d.ask(1, 1, "INCR")
    post.slow(1, 2, 0)
    late = next(m for m in d.sent("Accept", anna.invoke_us) if m.target == 2)
    post.run_for(1)
    post.crash(1)
    d.until(lambda: d.held(3) == "2")
    facts.fact(
        (d.held(2), anna.outcome) == ("1", "info"),
        "node 1 crashed before its own disk had anna's 2; node 3 had it, node 2 did not: one of three",
    )
    d.say("node 1 dies before its disk has it. Node 3 accepts 2, and whom should it tell? Anna hears nothing")
    post.run_for(40)
    bert = d.ask(2, 2, "INCR")
    d.say("bert adds one through node 2, which holds 1 and knows nothing of anna; but it must ask a majority")
    d.until(lambda: bool(d.sent("Accept", bert.invoke_us)))
    d.say(
        "node 3 tells of the 2, at a higher ballot: what may be chosen is carried on, so bert's is the third"
    )
    d.done(bert)
    facts.fact(bert.reply == "3", "bert was told 3: anna's had been found, and finished along with his own")
    post.run_for(30)
    again = d.ask_again(3, anna)
    d.say("anna's side asks again, through node 3, with the number that the operation had the first time")
    d.done(again)
    facts.fact(again.reply == "2", "anna was told 2, her own reply, though the counter stood at 3 by then")
    d.say("that number is done, says the register, and its reply was 2: nothing is added")
    post.start(1)
    d.until(lambda: late.arrived_us > 0)
    post.run_for(10)
    facts.fact(d.held(2) == "3", "the letter that had been stuck came to node 2 at last, and was refused")
    d.say(
        "node 1 comes back with an old disk, and its stuck letter arrives: too low a ballot for anybody now"
    )
    read = d.done(d.ask(2, 1, "GET"))
    facts.fact(
        read.reply == "3", "the counter stands at 3: two were added, each once, also as node 1 tells it"
    )
    facts.fact(
        _replies(seed, [2, 3]) == ("3", "2"),
        "another run, in which nodes 2 and 3 both had it, a majority: bert was told 3 and anna 2, as here",
    )
    facts.fact(
        _replies(seed, []) == ("2", "3"),
        "another run, in which nobody but node 1 had it: bert was told 2, and anna, who asked again, 3",
    )
    return d.tell(
        "Nobody had to find out whether node 1 was dead, and nobody was elected in its place: "
        "whoever comes next finds what was begun. The number makes asking again harmless."
    )


def _replies(seed: int, reached: list[NodeId]) -> tuple[str, str]:
    """What bert and then anna are told when her value has reached these before its proposer died."""
    d = RegisterDirection("Registers: a proposer dies in its second phase", seed, HITS)
    post = d.post
    d.done(d.ask(1, 1, "INCR"))
    post.run_for(30)
    post.partition([1], [n for n in (2, 3) if n not in reached])
    anna = d.ask(1, 1, "INCR")
    post.run_for(1)
    post.crash(1)
    post.run_for(30)
    post.heal()
    d.facts.demand([n for n in (2, 3) if d.held(n) == "2"] == reached, "it has reached these")
    bert = d.done(d.ask(2, 2, "INCR"))
    post.run_for(30)
    again = d.done(d.ask_again(3, anna))
    d.tell("")
    return bert.reply, again.reply


TAKEOVER = Scenario(
    "register-takeover",
    "A proposer dies in the middle, and the next one finishes it",
    prose("""
        A proposer may die when some have accepted its value and others have not heard. Nobody knows then
        whether it is chosen, and its client gets no answer. There is no leader to be replaced and no log to
        be repaired: the next one who wants anything of this key asks a majority, finds the value at one of
        them, and must build upon it. What was begun is finished by whoever comes along. (Had nobody
        accepted it, it would be as if it had never been asked.)

        The client asks again, elsewhere. For a counter that is dangerous: was it counted or not? So each
        operation has an origin and a number, and the register keeps, beside its value, for each of the last
        origins the number of its last operation and the reply. A copy of an operation that is done gets
        that reply, whichever node it asks. It travels with the value, so it is never lost where the value
        is not.
    """),
    play_takeover,
    played_by=Players.MEMBERS,
)
