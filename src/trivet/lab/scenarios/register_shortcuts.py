"""Stories about two shortcuts for registers that are tempting and wrong (``textbook/register.py``)."""

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.lab.recording import ClientOperation, Recorder
from trivet.lab.scenarios.scenario import STORY, Facts, Players, Scenario, Told, prose
from trivet.lab.textbook.histories import judge_linearizability
from trivet.lab.textbook.post import Post, PostOptions
from trivet.lab.textbook.register import TOMBSTONE, Register

COAT = "coat"


class _Group:
    """Registers at the post; members are 1, 2 and 3."""

    def __init__(self, title: str, seed: int, nodes: int = 3) -> None:
        self.post = Post(seed, PostOptions(sync_us=2_000), Recorder(title, seed))
        self.facts = Facts()
        self._began_us = 0
        chance = Prng(seed ^ 0x9A05)
        self.registers = {n: Register(n, [1, 2, 3], chance.fork(), hasty=True) for n in range(1, nodes + 1)}
        for number, register in self.registers.items():
            self.post.seat(register, f"node {number}")

    def say(self, text: str) -> None:
        """A sentence about this moment."""
        self.post.say(STORY, text)

    def begin_picture(self) -> None:
        """What came before this moment is not in the picture."""
        self._began_us = self.post.now_us

    def tell(self, verdict: str) -> Told:
        """The end."""
        self.post.run_for(20)
        recording = self.post.recording()
        return Told(recording, self.facts.told, verdict, (self._began_us, recording.ended_us))

    def held(self, *nodes: NodeId) -> list[str]:
        """What they hold."""
        return [self.registers[node].value for node in nodes]

    def ask(self, client: int, node: NodeId, *command: str) -> ClientOperation:
        """A client asks, and gets its reply."""
        operation = self.post.request(client, node, *command, text=" ".join(command))
        self.facts.demand(self.post.run_until(lambda: operation.outcome == "ok"), "it is answered")
        return operation

    def cry(self, read: ClientOperation) -> None:
        """The judge of linearizability speaks."""
        complaints = judge_linearizability(self.post.operations)
        self.facts.demand(len(complaints) == 1, "one complaint")
        complaint = complaints[0]
        self.facts.fact(True, f"the judge of {complaint.judge} complains: {complaint.sentence}")
        self.post.say(complaint.judge, complaint.sentence, [read.number])
        read.verdict = "impossible"


def play_undead(seed: int) -> Told:
    """A tombstone is dropped by the majority that has it; a member that was away has the old value."""
    group = _Group("A deleted value comes back", seed)
    post, facts = group.post, group.facts
    group.ask(1, 1, "SET", COAT, "red")
    post.run_for(30)
    facts.demand(group.held(1, 2, 3) == ["red"] * 3, "red is everywhere")
    group.begin_picture()
    post.partition([1, 2], [3])
    group.say("red is everywhere. Node 3 is cut off, and the coat is deleted")
    delete = post.request(1, 1, "DEL", COAT, text=f"DEL {COAT}")
    post.run_until(lambda: group.held(1, 2) == [TOMBSTONE] * 2)
    group.say("a majority accepts the tombstone: the value is deleted, whatever becomes of node 3")
    post.run_until(lambda: group.held(1, 2) == ["", ""])
    facts.fact(
        delete.reply == "1" and group.held(3) == ["red"],
        "the deletion was acknowledged, and nodes 1 and 2 dropped their tombstones; node 3 still had red",
    )
    group.say("the shortcut: what a majority has decided is done, so they drop the tombstone to save room")
    gone = group.ask(2, 2, "GET", COAT)
    facts.fact(gone.reply == "nil", "a client of node 2 was told that there is no coat")
    group.say("for a while it even looks right: a read through node 2 finds nothing")
    post.run_for(20)
    post.heal()
    group.say("node 3 is back. It has red, and nobody remembers that red was deleted")
    read = post.request(2, 3, "GET", COAT, text=f"GET {COAT}")
    post.run_until(lambda: read.outcome == "ok")
    facts.fact(read.reply == "red", "later the same client was told by node 3: red")
    group.say(
        "two of three answer; red is the highest that they know of. The read even writes it back everywhere"
    )
    post.run_for(15)
    facts.fact(
        group.held(1, 2, 3) == ["red"] * 3, "and red was everywhere again, as if nothing had been deleted"
    )
    group.cry(read)
    return group.tell(
        "Nothing failed but node 3's links, for a moment; all kept to the rules; and a deletion that was "
        "acknowledged was undone.",
    )


UNDEAD = Scenario(
    "paxos-undead",
    "A shortcut: drop the tombstone at once, and the value comes back",
    prose("""
        Paxos can be done over and over for one value that changes: promises of a majority, the newest value
        among them, a command run upon it, acceptances of a majority (Rystsov's CASPaxos). A deletion is a
        value like any other, a tombstone. It is tempting to drop it as soon as it is decided: a majority
        has it, and a majority is all that anybody ever asks.

        But a tombstone is not there for those who know. A member that was away still has the old value, and
        the majority that is asked next may be this member and one that has just forgotten. Nothing that
        they remember contradicts the old value, so it is the newest. Elsewhere it is called a zombie.
        Trivet's way is register-delete.
    """),
    play_undead,
    played_by=Players.TEXTBOOK,
)


def play_hasty_members(seed: int) -> Told:
    """Node 4 replaces node 1 in one step."""
    group = _Group("Members changed in one step", seed, 4)
    post, facts = group.post, group.facts
    group.ask(1, 1, "SET", COAT, "red")
    post.run_for(30)
    group.begin_picture()
    post.partition([1, 2, 4], [3])
    write = group.ask(1, 1, "SET", COAT, "blue")
    facts.fact(
        write.reply == "OK" and group.held(1, 2, 3) == ["blue", "blue", "red"],
        "blue was acknowledged when nodes 1 and 2 had it, two of three; node 3, cut off, still had red",
    )
    group.say(
        "red was everywhere. Blue is written while node 3 is cut off: nodes 1 and 2 have it, a majority"
    )
    post.run_for(20)
    post.heal()
    for register in group.registers.values():
        post.touch(register.number, lambda register=register: register.change_members([2, 3, 4]))  # type: ignore[misc]
    group.say(
        "the shortcut: from now on 2, 3, 4 are the members, and everybody hears of it at the same moment"
    )
    post.run_for(30)
    before = group.held(3, 4)
    facts.fact(before == ["red", ""], "of the new members only node 2 had blue")
    post.crash(2)
    group.say("node 2 dies: one of three, for which there are three")
    post.run_for(20)
    read = post.request(2, 4, "GET", COAT, text=f"GET {COAT}")
    group.say(
        "a client reads. Two of the three new members answer, nodes 3 and 4: neither has ever heard of blue"
    )
    post.run_until(lambda: read.outcome == "ok")
    facts.fact(read.reply == "red", "with node 2 dead, a client of node 4 was told red")
    facts.fact(group.held(1) == ["blue"], "blue was left with node 1, which is not asked any more")
    group.say("red. An acknowledged write is gone: two of the three new members have never seen it")
    group.cry(read)
    return group.tell(
        "A majority of the old members and one of the new had no node in common that was still alive, and "
        "nobody noticed but a judge who knew what clients had been told.",
    )


HASTY_MEMBERS = Scenario(
    "paxos-members",
    "A shortcut: other members in one step, and a write is lost",
    prose("""
        A value is safe when a majority has it, since every other majority shares a node with that one. The
        sentence hides a condition: majorities of the same members. Say that members are 1, 2, 3 and then 2,
        3, 4. A majority of the first, {1, 2}, and one of the second, {3, 4}, have nothing in common.

        Here all nodes hear of the change in the same instant, which is kinder than life. If they hear of it
        one by one, both majorities even decide at the same time, each by its own list. It makes no
        difference how few members are replaced, as long as the past stays where it is. With a log, one
        member at a time can be safe (Raft does it so, or over a joint majority), because the log carries
        everything to the new member. A lone register has no log. Trivet's way is register-members.
    """),
    play_hasty_members,
    played_by=Players.TEXTBOOK,
)
