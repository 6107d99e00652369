"""The story of copies that answer alone: what a partition does to them, and what is lost when it heals."""

from trivet.lab.recording import ClientOperation, Recorder
from trivet.lab.scenarios.scenario import STORY, Facts, Players, Scenario, Told, prose
from trivet.lab.textbook.copies import Copy, judge_convergence
from trivet.lab.textbook.post import Post, PostOptions

VISITS = ((1, 3), (2, 3), (1, 3))
"""Which copies count a visit, at the same time."""


def play_partition(seed: int) -> Told:
    """Writes on both sides of a wall; then the wall falls."""
    post, facts = Post(seed, PostOptions(), Recorder("Eventual copies: a partition", seed)), Facts()
    copies = [Copy(n, [m for m in (1, 2, 3) if m != n]) for n in (1, 2, 3)]
    for copy in copies:
        post.seat(copy, f"copy {copy.number}")

    def say(text: str) -> None:
        post.say(STORY, text)

    def equal() -> bool:
        return len({copy.held.digest() for copy in copies}) == 1

    say("three copies of the same data; each answers its clients alone, and tells the others afterwards")
    post.request(1, 1, "set", "fruit", "apple", text="fruit=apple")
    post.run_until(lambda: equal())
    say("a write at copy 1 reaches the others a moment later: all hold apple")
    post.run_for(20)
    post.partition([1, 2], [3])
    say("copy 3 is cut off. Nobody is refused on either side")
    counted = _write_apart(post)
    reads = [post.request(n, n, "get", "fruit") for n in (1, 3)]
    facts.fact(
        [read.reply for read in reads] == ["plum", "pear"],
        "during the partition copy 1 said plum and copy 3 said pear, to whoever asked",
    )
    facts.fact(all(o.outcome == "ok" for o in counted), "every write was acknowledged at once, on both sides")
    say("ask copy 1 for the fruit: plum. Ask copy 3: pear. Both writers were told OK")
    post.run_for(200)
    post.heal()
    say("the partition heals. Copies compare digests now and then, and exchange what differs")
    facts.fact(post.run_until(equal), "after the partition all copies became equal by themselves")
    say("all are equal again: plum is gone (pear has the later stamp), the visits of both sides add up")
    total = len(counted) - 2
    facts.fact(
        copies[0].held.registers["fruit"].value == "pear",
        "the register kept pear; plum, acknowledged, is lost",
    )
    facts.fact(
        not judge_convergence(copies, {"visits": total}),
        f"the counter holds all {total} visits of both sides",
    )
    post.run_for(30)
    return facts.tell(
        post.recording(),
        "Always available, and equal in the end. Of two acknowledged fruits one was silently dropped; "
        f"of {total} acknowledged "
        "visits none, because a counter joins without forgetting.",
    )


def _write_apart(post: Post) -> list[ClientOperation]:
    """Writes on both sides; those of the register first."""
    written = [post.request(1, 1, "set", "fruit", "plum", text="fruit=plum")]
    post.run_for(40)
    written.append(post.request(3, 3, "set", "fruit", "pear", text="fruit=pear"))
    for pair in VISITS:
        post.run_for(30)
        written += [post.request(n, n, "count", "visits", text="visit") for n in pair]
    post.run_for(30)
    return written


PARTITION = Scenario(
    "eventual-partition",
    "Copies that always answer, and what that costs",
    prose("""
        When the network is cut in two, a store must choose: refuse on the side that has no majority (as
        Raft does), or answer everywhere and let the copies drift apart. This is the second choice. Each
        copy takes reads and writes alone, and tells the others when it can; copies that have heard of the
        same writes are equal. That is all that "eventual" means, and it says nothing about what you read
        meanwhile.

        What is left after two copies have taken different writes depends on how they are joined. A plain
        value keeps the one with the later time stamp, so the other write is lost although its client was
        told OK. A counter that keeps one number per copy and adds them up loses nothing. The trick is
        always the same: a join that does not care about order or repetition (a CRDT).
    """),
    play_partition,
    played_by=Players.TEXTBOOK,
)
