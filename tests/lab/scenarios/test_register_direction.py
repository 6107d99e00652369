"""The judges of the stories about registers see what they are there for; and a member is no kinder than a group."""

import pytest

from trivet.core.paxos.content import seal
from trivet.lab.recording import ClientOperation
from trivet.lab.scenarios.register_direction import RegisterDirection, judge_ballots
from trivet.lab.scenarios.scenario import NotAsTold
from trivet.lab.textbook.histories import history_of, judge_linearizability


def direction():
    return RegisterDirection("t", 1, "k")


def test_two_contents_of_one_ballot_are_seen():
    d = direction()
    d.done(d.ask(1, 1, "SET", "red"))
    members = list(d.members.values())
    assert judge_ballots(members) == []
    ballot = next(iter(members[0].contents))
    members[1].contents[ballot] = seal(b"k", 1, b"blue", (), 0)
    assert [c.judge for c in judge_ballots(members)] == ["ballots"]


def test_a_reply_that_cannot_be_ends_the_story():
    d = direction()
    d.done(d.ask(1, 1, "SET", "red"))
    d.done(d.ask(2, 2, "GET")).reply = "blue"
    with pytest.raises(NotAsTold, match="no order explains"):
        d.tell("all is well")


def operation(number, text, invoke_us, return_us, reply, client=1):
    outcome = "ok" if reply else "info"
    return ClientOperation(number, client, 1, invoke_us, return_us, text, outcome, reply)


def test_a_retry_is_the_same_operation():
    told = [
        operation(0, "INCR k", 0, 1 << 62, ""),
        operation(1, "INCR k", 10, 20, "2", client=2),
        operation(2, "INCR k", 30, 40, "1"),
    ]
    assert [(o.invoke_us, o.return_us, o.replies) for o in history_of(told, {0: 2})] == [
        (0, 40, (1,)),
        (10, 20, (2,)),
    ]
    assert judge_linearizability(told, {0: 2}) == []
    assert judge_linearizability(told) != [], "as two operations they came too late"


def test_what_was_not_on_the_disk_is_gone_after_a_crash():
    d = direction()
    d.done(d.ask(1, 1, "SET", "red"))
    d.post.run_for(30)
    d.ask(1, 1, "SET", "blue")
    assert d.held(1) == "blue"
    d.post.crash(1)
    d.post.start(1)
    assert d.held(1) == "red"
    assert d.members[1].lives == 2
    assert d.done(d.ask(2, 1, "GET")).reply == "blue", "the others had it"


def test_a_preferred_member_proposes_for_others():
    d = direction()
    for member in d.members.values():
        member.prefers = True
    for node in (1, 2, 3):
        d.done(d.ask(node, node, "INCR"))
    assert d.done(d.ask(4, 1, "GET")).reply == "3"
    assert len({m.source for m in d.sent("Accept")}) == 1
    assert len(d.sent("Ask")) >= 2
