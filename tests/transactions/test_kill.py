"""A program is killed by SIGKILL at each step; recovery by another process: all three stores agree, always."""

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("transactions")]

STEPS = [
    "trivet: meet",
    "postgres: identify",
    "postgres: begin",
    "mariadb: identify",
    "mariadb: identity",
    "mariadb: begin",
    "trivet: read",
    "trivet: find keys",
    "postgres: note",
    "trivet: open",
    "postgres: prepare",
    "mariadb: remember",
    "mariadb: end",
    "mariadb: prepare",
    "trivet: decide",
    "postgres: commit",
    "mariadb: commit",
    "trivet: close",
    "mariadb: forget",
]
EVENTS = [f"{when} {step}" for step in STEPS for when in ("before", "after")]
DECIDED = EVENTS.index("after trivet: decide")


def test_the_steps_are_all_there_are(bank, programs):
    programs("sync")  # makes the table, if nobody did
    for kind in ("sync", "async"):
        assert programs(kind) == EVENTS
    bank.agree(85)


def kill_and_recover(bank, programs, kind, number):
    assert programs(kind, number) is None
    report = bank.recover()
    assert report.clean, report
    assert bank.agree(100, 95) == (95 if number >= DECIDED else 100)


@pytest.mark.parametrize("event", EVENTS)
def test_killed(bank, programs, event):
    kill_and_recover(bank, programs, "sync", EVENTS.index(event))


@pytest.mark.parametrize("event", EVENTS[::2])
def test_killed_with_a_loop(bank, programs, event):
    """What comes after a step is what comes before the next."""
    kill_and_recover(bank, programs, "async", EVENTS.index(event))


@pytest.mark.parametrize("left_at, balance", [("before trivet: decide", 100), ("after trivet: decide", 95)])
def test_recovery_is_killed_before_each_of_its_steps(bank, programs, left_at, balance):
    kill = 0
    while True:
        bank.reset()
        assert programs("sync", EVENTS.index(left_at)) is None
        if programs("recovery", kill) is not None:
            break
        assert bank.recover().clean
        bank.agree(balance)
        kill += 2
    assert kill >= 2 * 12  # the look, the branches, the record
    bank.agree(balance)
