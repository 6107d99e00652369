"""Stories about transactions over two groups: two-phase commit whose votes and decisions are replicated."""

from trivet.core.base.ids import NodeId
from trivet.lab.history import Outcome
from trivet.lab.scenarios.group_direction import ALICE, BOB, COORDINATOR, FIRST, SECOND, GroupDirection
from trivet.lab.scenarios.scenario import NotAsTold, Scenario, Told, prose
from trivet.lab.stage.stage import Pending

SILENT_MS = 60
ATTEMPTS_MAX = 40


def _come_back(d: GroupDirection, node: NodeId, balances: tuple[int, int], text: str) -> None:
    """A node that crashed starts again, and tells of the same balances as the others (``text``)."""
    d.stage.start(node)
    d.until(lambda: d.node(node) is not None and d.stage.process(node).looks)
    d.wait(1_500)
    d.facts.fact(d.balances(node) == balances and d.clean(), text)


def play_commit(seed: int) -> Told:
    """Ten from alice to bob, undisturbed."""
    d = GroupDirection("A transaction over two groups: a clean round", seed)
    d.say("alice (50) is in group 1, bob (20) in group 2: a client of node 3 moves 10 in MULTI … EXEC")
    transfer = d.transfer(COORDINATOR)
    d.until(lambda: d.prepared(FIRST) and d.prepared(SECOND))
    d.say("LOCK is an entry in each group's log: on a majority it is a vote that no crash takes back")
    read = d.stage.send(2, "GET", BOB)
    d.until(lambda: d.decided())
    d.facts.fact(
        d.prepared(SECOND) and not read.done,
        "when group 1 had decided, group 2 still held its lock, and a read of bob waited for it",
    )
    d.say("DECIDE is an entry in the log of group 1, with the new values of both groups: this counts")
    d.until(lambda: transfer.done)
    d.facts.fact(transfer.outcome is Outcome.OK, "the client was told 40 and 30, after two rounds")
    d.facts.fact(d.prepared(SECOND), "the reply did not wait for FINISH: group 2 still held its lock")
    d.say("the client has its reply: what is left to do cannot fail any more")
    d.until(lambda: read.done and d.clean())
    d.facts.fact(read.reply == b"30", "the read that had waited saw 30, the new value")
    d.say("FINISH: group 2 has its new value and no lock any more; FORGET: group 1 drops its record")
    d.end_picture()
    for node in d.stage.nodes:
        d.facts.demand(d.balances(node) == (40, 30), f"alice has 40 and bob 30 at node {node}")
    d.facts.fact(True, "asked in one transaction through each node: alice has 40, bob has 30")
    d.facts.fact(d.clean(), "no lock, no record is left on any node")
    return d.tell(
        "Two rounds to a majority until the reply, a third one behind it, and no disk that matters alone."
    )


COMMIT = Scenario(
    "txn-commit",
    "A transaction over two groups",
    prose("""
        The keyspace is split: some keys live in group 1, others in group 2, and each group is a Raft log of
        its own. A client that changes a key here and a key there in one MULTI … EXEC gets both or neither,
        by two-phase commit. Its node is the coordinator; the groups are the participants.

        What differs from the books (2pc-commit is their form) is where promises stand. A vote is an entry
        in a replicated log: LOCK takes the keys, and is committed like any write. The decision is one too:
        DECIDE goes to the group of the first key, the home, and the first word there counts. It carries the
        new values of both groups, so nothing that comes after it can fail: the client has its reply, FINISH
        hands the other group its values and takes the lock away, FORGET drops the record at home.
    """),
    play_commit,
)


def play_early(seed: int) -> Told:
    """The coordinator dies before any group has heard of the transaction."""
    d = GroupDirection("A coordinator dies before any lock", seed)
    stage = d.stage
    d.say("a client of node 3 moves 10 from alice (group 1) to bob (group 2)")
    transfer = d.transfer(COORDINATOR)
    stage.partition([COORDINATOR], [1, 2])
    d.until(lambda: d.words_sent("LOCK"))
    d.wait(8)
    stage.crash(COORDINATOR)
    stage.heal()
    d.facts.fact(
        not d.prepared(FIRST) and not d.prepared(SECOND), "no group held a lock when the coordinator crashed"
    )
    d.say("its LOCKs reach nobody, and it crashes: no log has heard of the transaction")
    d.wait(SILENT_MS)
    write = stage.send(2, "INCRBY", BOB, "5")
    d.say("another client adds 5 to bob")
    d.until(lambda: write.done)
    d.facts.fact(not d.words("LOCK"), "no LOCK has entered any log")
    d.facts.fact(
        write.reply == 25 and d.ms_of(write) < 100,
        f"the other client had its reply after {d.ms_of(write)} ms",
    )
    d.say("nothing is locked, so nothing waits")
    d.wait(10)
    d.end_picture()
    d.facts.fact(
        transfer.outcome is Outcome.INFO, "the client of the transfer lost its connection: it cannot know"
    )
    d.facts.fact(d.balances(1) == (50, 25), "alice has 50, bob has 25: the transfer left no trace")
    return d.tell(
        "A coordinator that dies before its first word reaches a log takes the transaction with it."
    )


EARLY = Scenario(
    "txn-crash-early",
    "The coordinator dies before any lock",
    prose("""
        A coordinator can die at three moments that matter: before any group has a lock, when the locks are
        there and nothing is decided, and when it is decided and not everybody has heard. This is the
        harmless one, in the books as here: a transaction of which no log has heard has not begun. The
        other two follow (txn-crash-locked, txn-crash-decided).

        Its client loses the connection and is told nothing. That is honest: the same silence would
        follow if the transaction had been decided a moment before.
    """),
    play_early,
)


def play_locked(seed: int) -> Told:
    """The coordinator dies between the votes and the decision."""
    d = GroupDirection("A coordinator dies after the locks", seed)
    stage = d.stage
    d.say("a client of node 3 moves 10 from alice (group 1) to bob (group 2)")
    transfer = d.transfer(COORDINATOR)
    d.until(lambda: d.prepared(FIRST) and d.prepared(SECOND))
    stage.crash(COORDINATOR)
    crashed_us = d.now_us()
    d.facts.fact(
        d.prepared(FIRST) and d.prepared(SECOND) and not d.words("DECIDE"),
        "the coordinator crashed when both groups held their locks, and nothing was decided",
    )
    d.say("both groups have locked, and the coordinator crashes before it asks for the decision")
    d.wait(SILENT_MS)
    read = stage.send(2, "GET", BOB)
    d.say("another client reads bob. The account is locked: it waits")
    d.wait(20)
    d.facts.demand(not read.done, "it waits")
    d.until(lambda: d.words("RESOLVE", crashed_us))
    d.say("the coordinator is not heard any more: RESOLVE asks the home, group 1, what was decided")
    d.until(lambda: not d.prepared(FIRST))
    d.say("nothing was. So it is now: abort, an entry in the log of group 1, for ever")
    d.until(lambda: read.done and not d.prepared(SECOND))
    blocked_ms = (d.now_us() - crashed_us) // 1000
    d.say("FINISH … abort releases the locks, and the other client gets its reply")
    d.wait(30)
    d.end_picture()
    d.facts.fact(
        d.node(COORDINATOR) is None,
        f"the locks were gone {blocked_ms} ms after the crash, with node 3 still dead",
    )
    d.facts.fact(
        read.reply == b"20",
        f"the client who had nothing to do with it waited for {d.ms_of(read)} ms, and saw 20",
    )
    d.facts.fact(transfer.outcome is Outcome.INFO, "the client of the transfer never got an answer")
    d.facts.fact(d.balances(1) == (50, 20), "alice has 50, bob has 20: the transfer left no trace")
    _come_back(d, COORDINATOR, (50, 20), "and so it is when node 3 has come back")
    return d.tell(
        f"Where the textbook's participants wait for the coordinator's return, these asked a majority: "
        f"{blocked_ms} ms."
    )


LOCKED = Scenario(
    "txn-crash-locked",
    "The coordinator dies after the locks: nobody waits for it",
    prose("""
        This is the moment for which two-phase commit is feared (2pc-blocked): everybody has voted yes,
        nobody knows the decision, and the only one who could tell is dead. The participants of the books
        must keep their locks until it returns.

        Here the decision does not live with the coordinator, but in the log of the home group, where the
        first word counts. The leader of a group that finds a lock of a coordinator that is silent asks
        there: RESOLVE. If nothing was decided, the question itself decides: abort, kept by a majority; a
        late DECIDE would find that it comes second. So a lock is held for as long as it takes to notice
        the silence, and to reach a majority of one group.
    """),
    play_locked,
)


def play_decided(seed: int) -> Told:
    """The coordinator dies when its transaction is decided, and only the home knows."""
    d = GroupDirection("A coordinator dies after the decision", seed)
    stage = d.stage
    d.say("a client of node 3 moves 10 from alice (group 1) to bob (group 2)")
    transfer = d.transfer(COORDINATOR)
    d.until(lambda: d.prepared(FIRST) and d.prepared(SECOND))
    d.say("both groups have locked")
    d.until(d.decided)
    stage.crash(COORDINATOR)
    crashed_us = d.now_us()
    d.facts.fact(
        d.decided() and d.prepared(SECOND) and not d.words("FINISH"),
        "the coordinator crashed when group 1 had decided to commit, and group 2 had not heard of it",
    )
    d.say("group 1 has decided: commit. The coordinator crashes before it can tell anybody")
    d.wait(SILENT_MS)
    read = stage.send(2, "GET", BOB)
    d.say("another client reads bob. The account is locked: it waits")
    d.wait(20)
    d.facts.demand(not read.done, "it waits")
    d.until(lambda: d.words("RESOLVE", crashed_us) or d.words("FINISH", crashed_us))
    d.say(
        "the leaders miss the coordinator: group 2 asks what was decided, group 1 has it finished elsewhere"
    )
    d.until(lambda: read.done and not d.prepared(SECOND))
    blocked_ms = (d.now_us() - crashed_us) // 1000
    d.say("FINISH … commit: group 2 gets its new value from the record at home, and the reader its reply")
    d.until(lambda: not d.decided())
    d.wait(20)
    d.end_picture()
    d.facts.fact(
        d.node(COORDINATOR) is None,
        f"it was finished {blocked_ms} ms after the crash, with node 3 still dead",
    )
    d.facts.fact(read.reply == b"30", "the reader saw 30, the new value: decided is decided")
    d.facts.fact(transfer.outcome is Outcome.INFO, "the client of the transfer never got an answer")
    d.facts.fact(d.balances(1) == (40, 30), "alice has 40, bob has 30: both or neither")
    _come_back(d, COORDINATOR, (40, 30), "and so it is when node 3 has come back")
    return d.tell(
        f"The new value of bob was not lost with the coordinator: it stood in the home's log, and came to "
        f"group 2 after {blocked_ms} ms."
    )


DECIDED = Scenario(
    "txn-crash-decided",
    "The coordinator dies after the decision",
    prose("""
        The transaction is decided: group 1 has applied its part, and holds what group 2 is to get. Then the
        coordinator dies, before it could say FINISH. Half of the transfer is visible, the other half is
        behind a lock. In the books (2pc-decided) the decision is on the coordinator's disk, and everybody
        waits for that disk.

        Here the record stands in the log of the home group, on a majority. Two find it: the leader of group
        2 has a lock whose coordinator is silent, and asks; the leader of group 1 has a record that nobody
        finishes, and finishes it. Both say the same, and whoever comes second changes nothing. Nobody can
        see the half: bob is locked until his new value is there.
    """),
    play_decided,
)


def play_leader(seed: int) -> Told:
    """The leader of a participant dies with the vote in its log."""
    d = GroupDirection("A participant changes its leader in between", seed)
    stage = d.stage
    before = d.last_index(SECOND, 2)
    d.say("a client of node 3 moves 10 from alice (group 1) to bob (group 2)")
    transfer = d.transfer(COORDINATOR)
    d.until(lambda: max(d.last_index(SECOND, 1), d.last_index(SECOND, 3)) > before)
    stage.crash(2)
    crashed_us = d.now_us()
    d.facts.fact(
        not d.words("DECIDE") and d.words("LOCK") != [],
        "the leader of group 2 crashed with LOCK in its log and a follower's, before it could answer",
    )
    d.say("LOCK is in the log of group 2, on two nodes. Its leader, node 2, crashes before it can say so")
    d.until(lambda: d.leader_of(SECOND) and d.prepared(SECOND))
    new = d.leader_of(SECOND)
    d.say(f"node {new} is elected to lead group 2. The vote is in its log: the group holds the lock")
    d.until(lambda: transfer.done)
    waited_ms = (d.now_us() - crashed_us) // 1000
    d.facts.fact(
        transfer.outcome is Outcome.OK,
        f"the client was told that both are done, {waited_ms} ms after the crash: a pause, no error",
    )
    d.say("the coordinator has all votes, has it decided by group 1, and answers its client")
    d.until(lambda: not d.prepared(SECOND) and not d.decided())
    d.say(f"FINISH has gone to the new leader, node {new}: a participant is a group, not a node")
    d.wait(10)
    d.end_picture()
    d.facts.fact(d.node(2) is None, "node 2 was dead all that time")
    d.facts.fact(d.balances(1) == (40, 30), "alice has 40, bob has 30: once, not twice")
    _come_back(d, 2, (40, 30), "and so it is through node 2 when it has come back")
    return d.tell("A leader died with a promise in its log; its group kept it.")


LEADER = Scenario(
    "txn-leader-change",
    "A participant loses its leader between vote and decision",
    prose("""
        A participant that dies after its vote is the second fear of two-phase commit: in the books
        (2pc-participant) its account is gone until it returns, and whoever decides must remember the
        decision for it until then.

        Here a participant is a group. The vote was an entry of its log before it counted, and an entry that
        is committed is in the log of every leader to come. So the new leader holds the lock that the dead one
        has granted; the coordinator, whose word to the dead leader got lost, says it again under the same
        number, and the group notices that it has answered already. The client sees a pause, as with any
        write while a leader is elected.
    """),
    play_leader,
)


def _meet(seed: int) -> tuple[GroupDirection, Pending, Pending]:
    """Two transfers of which each has locked what the other wants, that of node 1 the older one."""
    for attempt in range(ATTEMPTS_MAX):
        d = GroupDirection("Two transactions in conflict", seed, attempt, 0)
        d.say("at the same time: a client of node 1 moves 10 from alice to bob, one of node 2 moves 5 back")
        one, two = d.transfer(1), d.transfer(2, 5, BOB, ALICE)
        d.wait(20)
        first, second = d.holder(FIRST), d.holder(SECOND)
        if (
            first is not None
            and second is not None
            and (first.node, second.node) == (1, 2)
            and first < second
        ):
            return d, one, two
        d.stage.close()
    raise NotAsTold(f"the transfers did not meet in {ATTEMPTS_MAX} runs")


def play_conflict(seed: int) -> Told:
    """Two transfers want the same two accounts, in opposite order."""
    d, older, younger = _meet(seed)
    d.facts.fact(
        True, "node 1's transaction had locked alice, node 2's had locked bob: each had what the other wanted"
    )
    d.say("each has locked the account in its own group, and asks for the other one")
    d.until(lambda: d.ends(2)[0] > 0)
    d.say(
        "who waits, who gives way? The older may wait; the younger lets go: FINISH … abort, and begins again"
    )
    d.until(lambda: older.done)
    d.facts.fact(
        older.outcome is Outcome.OK and not younger.done, "the older one was answered first, with 40 and 30"
    )
    d.facts.fact(d.ends(1)[0] == 0, "the older one gave way never")
    d.say("so the older has both locks, is decided, and answered")
    d.until(lambda: younger.done)
    d.facts.fact(
        younger.outcome is Outcome.OK, "the younger one was answered too: neither client saw an error"
    )
    tries = d.ends(2)[0]
    d.facts.fact(
        tries >= 1, f"its coordinator had begun again {tries} time{'s' if tries > 1 else ''}, unasked"
    )
    d.say(
        "the younger has come through with the age of its first attempt: it grows older, and is not starved"
    )
    d.until(d.clean)
    d.end_picture()
    d.fold_copies()
    d.facts.fact(d.balances(3) == (45, 25), "alice has 45, bob has 25: as if one had come after the other")
    return d.tell("No deadlock, no veto for both, no error: the older waits, the younger begins again.")


CONFLICT = Scenario(
    "txn-conflict",
    "Two transactions want each other's locks",
    prose("""
        One transaction has locked alice and wants bob, the other has locked bob and wants alice. If both
        wait, they wait for ever: a deadlock. If both give up, nobody is served, and they may meet again
        (2pc-conflict). And nobody sees the whole: the locks are in different groups.

        The rule that needs no overview is called wait-die (Rosenkrantz, Stearns, Lewis 1978). Each
        transaction has an age, given when it first began. Who meets a lock of a younger one waits; who
        meets a lock of an older one lets everything go and begins again, with its old age. Waiting goes in
        one direction only, so never in a circle; and whoever begins again is the oldest some day.
    """),
    play_conflict,
)
