"""Stories about what is removed from registers (``core/paxos``): deleted values, and members."""

from trivet.core.paxos.config import GroupConfig
from trivet.lab.scenarios.register_direction import RegisterDirection
from trivet.lab.scenarios.scenario import Players, Scenario, Told, prose
from trivet.lab.textbook.post import MS

COAT = "coat"
LATE_MS = 900
"""So much later than others one letter arrives."""


def play_delete(seed: int) -> Told:
    """A deleted value is removed in steps, past a member that was away and a letter that is late."""
    d = RegisterDirection(
        "Registers: a deletion, and what is left of it", seed, COAT, tombstone_ticks=12, collect_ticks=7
    )
    post, facts = d.post, d.facts
    d.done(d.ask(1, 1, "SET", "red"))
    post.run_for(30)
    d.begin_picture()
    post.slow(1, 3, LATE_MS)
    blue = d.ask(1, 1, "SET", "blue")
    post.slow(1, 3, 0)
    late = d.sent("Accept")[-1]
    d.say("red is everywhere; now blue. The letter to node 3 gets stuck on its way")
    d.done(blue)
    facts.demand(late.target == 3 and d.held(3) == "red", "node 3 has not heard of blue")
    post.run_for(20)
    post.partition([1, 2], [3])
    delete = d.done(d.ask(1, 1, "DEL"))
    since_us = post.now_us
    facts.fact(
        delete.reply == "1" and d.held(1) == d.held(2) == "tombstone" and d.held(3) == "red",
        "the deletion was acknowledged when nodes 1 and 2 had a tombstone; node 3, cut off, still had red",
    )
    d.say("node 3 is cut off, and the coat is deleted: what nodes 1 and 2 accept is a value too, a tombstone")
    _try_in_vain(d, since_us)
    post.heal()
    _remove(d)
    facts.demand(late.arrived_us < 0, "the letter is under way still")
    d.until(lambda: late.arrived_us > 0)
    facts.fact(
        d.register(3) is None,
        f"the letter with blue was {(late.arrived_us - late.sent_us) // MS} ms on its way, and refused",
    )
    d.say(
        "the letter with blue arrives at last. There is no register, but the floor: ballot 2.n1 is below it"
    )
    read = d.done(d.ask(2, 3, "GET"))
    facts.fact(read.reply == "nil", "through node 3, which had red and was sent blue: nothing is there")
    return d.tell(
        "A tombstone may go when nobody has anything older, and nobody will ever take anything older. The "
        "first needs an answer of every member; the second is the floor, one ballot for all that is gone."
    )


def _try_in_vain(d: RegisterDirection, since_us: int) -> None:
    """A collection that lacks an answer."""
    d.until(lambda: bool(d.sent("Prepare", since_us)))
    d.say("when it is old, node 1 wants to remove it. Step one: every member must have it. Node 3 is silent")
    d.until(lambda: not d.members[1].paxos.proposer.rounds)
    d.post.run_for(10)
    d.facts.fact(
        d.held(1) == d.held(2) == "tombstone" and not d.sent("Remove"),
        "while one member was silent, nothing was removed",
    )
    d.say("so it stays: if it were gone, node 3's red would be all that is known of the coat (paxos-undead)")


def _remove(d: RegisterDirection) -> None:
    """The two steps."""
    d.until(lambda: d.held(3) == "tombstone")
    d.say("node 3 is back. Step one, again: it takes the tombstone, and red is nowhere any more")
    d.until(lambda: bool(d.sent("Remove")))
    collector = d.sent("Remove")[0].source
    d.facts.fact(
        all(d.held(n) == "tombstone" for n in (1, 2, 3) if n != collector),
        "it was dropped only when every member had accepted it",
    )
    d.say(
        "step two: all have it at one ballot, so each may drop it, and refuses all up to that ballot "
        "from now on"
    )
    d.until(lambda: all(d.register(n) is None for n in (1, 2, 3)))
    floors = [d.members[n].paxos.acceptor.floor for n in (1, 2, 3)]
    d.facts.fact(
        min(floors) > max(d.members[1].contents),
        "then no member had a register any more, and each had raised its floor above it",
    )


DELETE = Scenario(
    "register-delete",
    "What is deleted is removed in steps, or it comes back",
    prose("""
        To delete a key is to write a tombstone: a majority accepts it, and the client has its reply. But
        then there is something left of every key that ever was, so tombstones must go at some time. Simply
        dropping them is what paxos-undead shows: a member that was away has the old value, and nobody knows
        better.

        So it takes two steps. First the tombstone must be accepted by every member, at one ballot; a
        majority is not enough. Then each member drops it, if it is still that one, and raises its floor:
        what has no register counts as promised up to there. Without the floor an old letter, still on its
        way, would find a node that remembers nothing, and be taken. A member that does not answer keeps
        tombstones from being removed, and nothing else.
    """),
    play_delete,
    played_by=Players.MEMBERS,
)


def play_members(seed: int) -> Told:
    """Node 4 replaces node 1: both sets, a rescan, the new set."""
    d = RegisterDirection("Registers: other members", seed, COAT, nodes=4)
    post, facts = d.post, d.facts
    d.done(d.ask(1, 1, "SET", "red"))
    post.run_for(30)
    d.begin_picture()
    post.partition([1, 2, 4], [3])
    d.done(d.ask(1, 1, "SET", "blue"))
    d.say("red was everywhere. Blue is written while node 3 is cut off: nodes 1 and 2 have it, a majority")
    post.run_for(20)
    post.heal()
    since = ((4, 2),)
    d.learn(GroupConfig(2, (1, 2, 3), (2, 3, 4), since), 1, 2, 3, 4)
    d.say("node 4 shall replace node 1. Epoch 2, both sets: all needs two of 1, 2, 3 and two of 2, 3, 4")
    post.run_for(30)
    facts.fact(
        d.held(3) == "red" and d.held(4) == "nothing",
        "to need both sets carried nothing over: node 3 still had red, and node 4 nothing",
    )
    post.touch(2, d.members[2].rescan)
    d.say("so every register is read once in this epoch. Node 2 asks which there are")
    d.until(lambda: bool(d.sent("Read")))
    d.say("a read needs the same answer from majorities of both sets. They do not agree: so it makes them")
    d.until(lambda: bool(d.sent("Raise")))
    d.say(
        "now they agree. Floors are brought over as well: they stand for what was removed (register-delete)"
    )
    d.until(lambda: d.members[2].rescanned == 2)
    post.run_for(5)
    facts.fact(
        all(d.held(n) == "blue" for n in (2, 3, 4)),
        "after the rescan nodes 2, 3 and 4 had blue, as node 1 had",
    )
    d.learn(GroupConfig(3, (2, 3, 4), (), since), 1, 2, 3, 4)
    d.say(
        "all that counts is at a majority of 2, 3, 4 now. Epoch 3: the new set alone; node 1 forgets "
        "everything"
    )
    post.run_for(20)
    facts.fact(d.register(1) is None, "node 1 is no member any more, and holds nothing")
    post.crash(2)
    d.say("and now node 2 dies, the only one of the new members that had blue before the change")
    post.run_for(20)
    read = d.done(d.ask(2, 4, "GET"))
    facts.fact(read.reply == "blue", "with node 1 gone and node 2 dead, a client of node 4 read blue")
    return d.tell(
        "At each moment every two majorities that counted had a node in common; the write that only "
        "nodes 1 and 2 had heard of outlived both."
    )


MEMBERS = Scenario(
    "register-members",
    "Other members: two steps, and a rescan between them",
    prose("""
        Everything that Paxos promises rests on two majorities having a node in common. A majority of the
        old members and one of the new need not: {1, 2} of 1, 2, 3 and {3, 4} of 2, 3, 4. paxos-members
        shows what becomes of a write when members are changed in one step.

        So there is an epoch between, in which majorities of both sets are needed for everything. Then
        whoever has not heard yet of the new set, and whoever thinks that the old one is over, cannot decide
        without each other. But that covers only what is written from now on. A log would carry its past to
        the new members; here each key is alone. So every register is read once, in the epoch of both sets:
        a read that is answered has a majority of both behind it. After this rescan the old set can go.
    """),
    play_members,
    played_by=Players.MEMBERS,
)
