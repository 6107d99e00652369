"""Stories about the log: a leader that dies with an entry of its own, a log that is repaired, a laggard."""

from trivet.core.base.ids import NodeId
from trivet.lab.history import Outcome
from trivet.lab.recording import Message
from trivet.lab.scenarios.direction import Direction
from trivet.lab.scenarios.scenario import Scenario, Told, prose
from trivet.lab.stage.stage import Pending


def play_leader_crash(seed: int) -> Told:
    """A leader takes a write that reaches nobody else, and dies."""
    d = Direction("Raft: a leader dies with an entry that nobody else has", seed)
    stage = d.stage
    old = d.settled_leader()
    term = d.seen(old).term
    stage.run_for(25)
    d.begin_picture()
    d.say(f"node {old} leads term {term}; a client sets x to red")
    stage.ask(old, "SET", "x", "red")
    d.level()
    red = d.seen(old).last_index
    d.facts.fact(all(d.seen(n).commit == red for n in stage.nodes), f"entry {red}, x = red, is on all nodes")
    d.say(f"entry {red} is on every node and acknowledged")
    stage.run_for(15)
    blue = _take_alone(d, old, red)
    index = red + 1
    held = d.onlooker.entry(old, index)
    stage.crash(old)
    stage.heal()
    d.say(f"the leader crashes with entry {index} on its own disk only; the network is whole again")
    new = stage.leader()
    d.say(
        f"node {new} leads term {d.seen(new).term}; its log ends at entry {red}, like every log that it "
        "can see"
    )
    stage.run_until(lambda: blue.done)
    d.facts.fact(
        blue.outcome is Outcome.INFO, "that client learnt that nobody knows: its connection broke, no reply"
    )
    stage.ask(new, "SET", "x", "green")
    winner = d.onlooker.entry(new, index)
    later = d.seen(new).term
    d.facts.fact(
        winner is not None and winner[0] == later > term and d.seen(new).commit > index,
        f"another entry {index}, of term {later}, was committed, and green after it",
    )
    d.say(
        f"a new leader begins with an entry of its own: entry {index}. Entry {index + 1}, x = green, is "
        "acknowledged"
    )
    stage.run_for(25)
    stage.start(old)
    stage.run_until(lambda: d.role(old) == "follower")
    d.facts.fact(
        d.onlooker.entry(old, index) == held,
        f"node {old} came back with its own entry {index} still on its disk",
    )
    d.say(f"node {old} comes back as a follower; its disk still holds its own entry {index}: x = blue")
    d.level()
    d.facts.fact(
        d.onlooker.entry(old, index) == winner,
        f"node {old} dropped its entry {index} for that of term {later}",
    )
    d.say(f"the leader's log wins: entry {index} is overwritten on node {old}")
    reply = stage.ask(old, "GET", "x")
    d.facts.fact(reply == b"green", f"node {old} itself answers: green")
    return d.tell(
        "Red and green were acknowledged, and nothing acknowledged was lost. Blue never had a "
        f"majority: entry {index} of "
        f"term {term} is gone, and its client was never told that it had succeeded."
    )


def _take_alone(d: Direction, old: NodeId, red: int) -> Pending:
    """The leader is cut off and takes one more write, which nobody else gets."""
    stage = d.stage
    index, term = red + 1, d.seen(old).term
    stage.partition([old], stage.others(old))
    blue = stage.send(old, "SET", "x", "blue")
    stage.run_until(lambda: d.seen(old).last_index == index)
    stage.run_for(15)
    held = d.onlooker.entry(old, index)
    d.say(f"cut off from the others, node {old} takes x = blue as entry {index}; it is on this node only")
    d.facts.fact(
        held is not None and held[0] == term, f"entry {index} of term {term} was in the log of node {old}"
    )
    d.facts.fact(d.seen(old).commit == red, "it was not committed")
    d.facts.fact(not blue.done, "its client had no answer")
    d.facts.fact(all(d.seen(n).last_index == red for n in stage.others(old)), "no other node had it")
    stage.run_for(15)
    return blue


LEADER_CRASH = Scenario(
    "raft-leader-crash",
    "The leader dies with an entry that nobody else has",
    prose("""
        A leader writes each command into its log and sends it to the others. Once a majority has it on
        disk, the entry is committed: it will never be lost, and only then does the client hear OK. But what
        about an entry that was still on its way when the leader died?

        Here the leader is cut off at just the wrong moment: it has entry N on its own disk and can tell
        nobody. It dies. The others elect a new leader, which knows nothing of that entry and fills place N
        with an entry of its own. When the old leader returns, its log and the new leader's differ at N, and
        the leader's log wins. Is that right? Yes: nobody was promised anything. The client of the lost
        write got no answer, so it knows that it does not know. (It might as well have happened: had one
        other node received the entry, it could have been elected and have kept it.)
    """),
    play_leader_crash,
)

LOST = ("one", "two", "three")


def play_log_repair(seed: int) -> Told:
    """Three entries of a leader that was cut off meet two others, which a majority has."""
    d = Direction("Raft: two logs that differ are made one", seed)
    stage = d.stage
    old = d.settled_leader()
    term = d.seen(old).term
    fork = d.seen(old).last_index
    stage.run_for(15)
    d.begin_picture()
    pending = _write_alone(d, old)
    new = _write_elsewhere(d, old, fork)
    third = stage.others(old, new)[0]
    ours = [d.onlooker.entry(third, fork + i) for i in (1, 2)]
    stage.run_for(20)
    stage.crash(new)
    d.say(f"then node {new} dies, before it could tell node {old} anything")
    stage.run_for(15)
    healed_us = stage.simulation.now_us
    stage.heal()
    stage.run_until(lambda: any(d.seen(n).term > term + 1 for n in stage.leading()))
    d.facts.fact(
        d.role(third) == "leader" and d.seen(third).last_index <= d.seen(old).last_index,
        f"node {third} was elected with a shorter log than node {old}: its last entry is of a later term",
    )
    d.say(
        f"the network heals. Node {old} has the longer log, node {third} the later one: node {third} is "
        "elected"
    )

    def refusals() -> list[Message]:
        return d.arrived("AppendReply", lambda m: m.source == old and m.fields["ok"] == "no", healed_us)

    stage.run_until(lambda: bool(refusals()))
    d.facts.fact(True, f"node {old} refused the first entries that node {third} sent: they did not fit")
    d.say(
        f"the leader's first message follows entry {fork + 2} of term {term + 1}. No, says node {old}: "
        f"mine is of term {term}"
    )
    stage.run_until(lambda: d.onlooker.entry(old, fork + 1) == ours[0])
    d.facts.fact(
        d.onlooker.entry(old, fork + 2) == ours[1],
        f"node {old} replaced its entries from {fork + 1} on by the leader's",
    )
    d.say(f"node {old} removes its entries from {fork + 1} on and takes the leader's")
    stage.run_until(lambda: all(p.done for p in pending))
    d.say(
        f"and its clients' three writes? As a follower it hands them to node {third}; each is executed once"
    )
    stage.run_for(5)
    d.end_picture()
    stage.start(new)
    stage.run_until(lambda: d.role(new) == "follower")
    d.level()
    d.facts.fact(
        all(p.outcome is Outcome.OK for p in pending), "the three writes were acknowledged after all"
    )
    words = stage.ask(old, "LRANGE", "w", 0, -1)
    once = isinstance(words, tuple) and sorted(map(str, words)) == sorted(str(w.encode()) for w in LOST)
    d.facts.fact(once, "each was executed exactly once")
    last = d.seen(third).last_index
    equal = all(
        d.onlooker.entry(n, i) == d.onlooker.entry(third, i)
        for n in stage.nodes
        for i in range(fork, last + 1)
    )
    d.facts.fact(equal, f"all logs are equal, entry by entry, up to {last}")
    return d.tell(
        "Two histories met; the one that a majority had stayed, and even the three writes of the other "
        "were not lost."
    )


def _write_alone(d: Direction, old: NodeId) -> list[Pending]:
    """The leader is cut off and takes three writes that it cannot commit."""
    stage = d.stage
    term, fork = d.seen(old).term, d.seen(old).last_index
    stage.partition([old], stage.others(old))
    d.say(f"node {old} leads term {term}; all logs end at entry {fork}. Now it is cut off")
    pending = []
    for word in LOST:
        pending.append(stage.send(old, "RPUSH", "w", word))
        stage.run_for(12)
    stage.run_until(lambda: d.seen(old).last_index == fork + len(LOST))
    d.facts.fact(
        d.seen(old).commit == fork and not any(p.done for p in pending),
        f"node {old} held entries {fork + 1} to {fork + 3} of term {term}, which it could not commit",
    )
    d.say(f"three clients write through it: entries {fork + 1} to {fork + 3}, on this node only, unanswered")
    return pending


def _write_elsewhere(d: Direction, old: NodeId, fork: int) -> NodeId:
    """The others elect a leader, which commits two entries at the same places."""
    stage = d.stage
    stage.run_until(lambda: any(n != old for n in stage.leading()))
    new = next(n for n in stage.leading() if n != old)
    later = d.seen(new).term
    stage.ask(new, "SET", "x", "green")
    stage.run_until(lambda: all(d.seen(n).commit == fork + 2 for n in stage.others(old)))
    theirs, ours = d.onlooker.entry(old, fork + 1), d.onlooker.entry(new, fork + 1)
    d.facts.fact(
        ours is not None and theirs is not None and ours[0] == later > theirs[0],
        f"entries {fork + 1} and {fork + 2} were of term {later} on the others, committed: two histories",
    )
    d.say(
        f"the others elect node {new}. Its entries {fork + 1} (opens term {later}) and {fork + 2} (x = "
        "green) are committed"
    )
    return new


LOG_REPAIR = Scenario(
    "raft-log-repair",
    "Two logs that differ are made one",
    prose("""
        A leader that is cut off does not know it at once. It goes on taking writes, which it cannot commit,
        while the majority elects someone else and goes on too. For a while there are two histories, and at
        the places where the logs differ their entries have different terms.

        Raft repairs this with two small checks. First, nobody votes for a candidate whose log is older than
        one's own: the term of the last entry counts, then the length. So whoever is elected has everything
        that was committed. Second, every message with entries names the entry before them, its place and
        its term. A follower that does not have exactly that one refuses, and says where the two logs may
        agree. The leader goes on from there, and the follower removes what conflicts. Only entries that
        were never committed can be removed in this way.

        Trivet adds something that is not in the paper: a node keeps the writes of its own clients until it
        sees them applied. So the deposed leader simply hands its three orphaned writes to the new one, and
        numbered sessions make sure that each happens once.
    """),
    play_log_repair,
)


def play_snapshot(seed: int) -> Told:
    """A node sleeps for so long that the entries that it needs are gone."""
    d = Direction(
        "Raft: a snapshot for a node that was away for long", seed,
        snapshot_log_bytes=2_048, snapshot_chunk_bytes=160, segment_bytes=4_096, log_memory_bytes=2_048,
    )  # fmt: skip
    stage = d.stage
    leader = d.settled_leader()
    away = stage.others(leader)[0]
    stage.ask(leader, "SET", "x", "red")
    d.level()
    had = d.seen(away).last_index
    stage.crash(away)
    down_us = stage.simulation.now_us
    d.say(f"node {away} goes down; its log ends at entry {had}")
    writes = 0
    while d.seen(leader).first_index <= had + 1:
        writes += 1
        stage.ask(leader, "SET", f"key{writes % 20}", "x" * 100)
        d.facts.demand(writes < 500, "the leader never compacts its log")
    last, first = d.seen(leader).last_index, d.seen(leader).first_index
    d.facts.fact(
        first > had + 1,
        f"after {writes} writes the leader's log began at entry {first}: what node {away} needed next, "
        f"{had + 1}, was gone",
    )
    stage.run_for(20)
    d.began_us = max(down_us, stage.simulation.now_us - 40_000)
    d.say(
        f"{writes} writes later the leader has dropped all entries up to {first - 1}: they are in its "
        "snapshot"
    )
    since_us = stage.simulation.now_us
    stage.start(away)
    stage.run_until(lambda: d.role(away) == "follower")
    d.say(f"node {away} starts again: its log still ends at entry {had}")

    def chunks() -> list[Message]:
        return d.arrived("Snapshot", lambda m: m.target == away, since_us)

    stage.run_until(lambda: bool(chunks()))
    d.say(f"the leader cannot send entry {had + 1} any more, so it sends the snapshot, piece by piece")
    stage.run_until(lambda: d.seen(away).first_index > had + 1)
    jumped = d.seen(away)
    d.facts.fact(
        True,
        f"node {away} got the snapshot in {len(chunks())} pieces and its log jumped to entry "
        f"{jumped.first_index - 1}",
    )
    d.say(
        f"complete: node {away} holds the state as of entry {jumped.first_index - 1} without ever "
        "having seen its entries"
    )
    d.level()
    d.facts.fact(d.seen(away).applied >= last, f"it has caught up to entry {d.seen(away).applied}")
    digests = {repr(stage.process(n).whole_digest(1)) for n in stage.nodes}
    d.facts.fact(len(digests) == 1, "all three nodes hold the same state")
    d.say("the few entries since then follow as usual: all nodes hold the same state")
    return d.tell(
        f"Node {away} had missed {last - had} entries; it is level again, and did not have to replay them."
    )


SNAPSHOT = Scenario(
    "raft-snapshot",
    "A snapshot for a node that was away for long",
    prose("""
        A log that only grows fills every disk. So each node now and then writes down its whole state as of
        some entry, a snapshot, and drops the entries that led there. Most of the time nobody notices: a
        follower that missed a little gets the missing entries.

        But this follower was away for so long that the entry it needs next no longer exists anywhere. The
        leader sends its snapshot instead, in pieces. The laggard checks it, replaces its own state with it
        in one step, and goes on with ordinary entries from there.
    """),
    play_snapshot,
)
