"""Stories about reads: a leader that has been replaced and does not know it."""

import msgspec

from trivet.lab.history import Outcome
from trivet.lab.scenarios.direction import Direction
from trivet.lab.scenarios.scenario import Scenario, Told, prose
from trivet.lab.stage.judging import judge_history


def play_stale_read(seed: int) -> Told:
    """A deposed leader is asked for a value that its successor has changed."""
    d = Direction("Raft: the read of a leader that was replaced", seed)
    stage = d.stage
    old = d.settled_leader()
    stage.ask(old, "SET", "x", "red")
    d.level()
    term = d.seen(old).term
    stage.run_for(40)
    d.begin_picture()
    d.say(f"node {old} leads term {term}, and x is red everywhere")
    stage.run_for(10)
    stage.partition([old], stage.others(old))
    stage.pause(old)
    d.say(f"the process of node {old} stops for a while, and the node is cut off; it does not notice either")
    stage.run_until(lambda: any(n != old for n in stage.leading()))
    new = next(n for n in stage.leading() if n != old)
    d.say(f"the others hear nothing from it and elect node {new}")
    stage.ask(new, "SET", "x", "blue")
    d.say(f"through node {new}, x is set to blue, and acknowledged")
    stage.run_for(25)
    stage.resume(old)
    stage.run_until(lambda: d.role(old) == "leader")
    d.facts.fact(
        stage.leading() == sorted([old, new]),
        f"node {old} (term {term}) and node {new} (term {d.seen(new).term}) both took themselves for "
        "the leader",
    )
    read = stage.send(old, "GET", "x")
    d.say(f"node {old} goes on and still believes that it leads. A client asks it for x")
    stage.run_for(80)
    d.facts.fact(
        not read.done and d.role(old) == "leader", f"node {old} did not answer while it could ask nobody"
    )
    d.say(
        "its copy says red. But it may not answer before a majority confirms that it still leads: nobody does"
    )
    assert read.operation is not None
    wrong = msgspec.structs.replace(
        read.operation, outcome=Outcome.OK, replies=(b"red",), return_us=stage.simulation.now_us
    )
    told = [wrong if o is read.operation else o for o in stage.history]
    complaints = judge_history(told, stage.options, stage.simulation.now_us)
    d.facts.fact(
        bool(complaints), "had it answered red at once, the judge of linearizability would have complained"
    )
    stage.run_for(20)
    stage.heal()
    d.say("the partition heals")
    stage.run_until(lambda: d.role(old) == "follower")
    d.say(f"it hears of term {d.seen(old).term} and steps down; the read starts over, through node {new}")
    stage.run_until(lambda: read.done)
    d.facts.fact(read.reply == b"blue", "the read waited, and then answered blue")
    d.say("the answer: blue")
    return d.tell(
        "Two nodes believed that they led, and no client could tell: the replaced one gave no answer "
        "that was out of date."
    )


STALE_READ = Scenario(
    "raft-stale-read",
    "The leader that was replaced and does not know it",
    prose("""
        A leader knows all that was committed, so it looks safe to let it answer reads from its own copy.
        But a process can stop for seconds (a long garbage collection, a virtual machine that is moved, a
        laptop lid), and a network can fail on one side. When it goes on, it does not know that a new leader
        was elected meanwhile and that clients have been told of newer values. Many systems have given stale
        answers in this way.

        Trivet's leader asks a majority, before it answers a read, whether it is still the leader (the read
        index, section 6.4 of Ongaro's dissertation). One round of questions serves all reads that wait.
        Here the question cannot be answered, so the read waits; the script also puts the answer it would
        have been tempted to give before the judge.
    """),
    play_stale_read,
)
