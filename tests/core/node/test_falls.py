"""Two groups, one transaction: whoever falls, and whenever, it is all or nothing, and nothing is left of it soon.

A step is the least that can happen: a turn of one node, a job of one disk, the arrival of one frame. For each step of
the transaction there is a run in which the victim falls (with its power) right after it; once with what it has sent
lost, once with it arriving. The soak takes every step, the short form some.
"""

import pytest

from tests.core.node.bench import Bench, encode
from tests.core.node.crossing import A, B, is_clean, leader_of, sharded
from trivet.core.node.observe import digest_of_state

OVER_MS = 2_000
"""So soon after all groups have leaders nothing is left of the transaction."""
ELECTED_MS = 5_000
APART = {A: 2, B: 3}
TOGETHER = {A: 1, B: 1}
CASES = {
    "the coordinator": (1, APART),
    "the coordinator, leader of both groups": (1, TOGETHER),
    "the coordinator, leader of the home": (1, {A: 1, B: 3}),
    "the coordinator, leader of the participant": (1, {A: 2, B: 1}),
    "the home's leader": (2, APART),
    "the participant's leader": (3, APART),
}
CALLS = {
    "MSET a 1 b 2": ('["x" "y"]', '["1" "2"]'),
    "RENAME a b": ('["x" "y"]', '[nil "x"]'),
    "EVAL_RO \"return redis.call('GET', KEYS[1]) .. redis.call('GET', KEYS[2])\" 2 a b": (
        '["x" "y"]',
        '["x" "y"]',
    ),
}
"""What it comes to: before and after."""


def staged(leads: dict[int, int]) -> Bench:
    """Node 1 has client ``c``; the groups are led as ``leads`` says."""
    bench = sharded(3)
    for group, node in leads.items():
        if leader_of(bench, group) != node:
            assert bench.answer("c", f"CLUSTER LEAD {group} {node}") == "+OK"
            bench.until(lambda group=group, node=node: leader_of(bench, group) == node)
    assert bench.answer("c", "MSET a x b y") == "+OK"
    bench.until(lambda: is_clean(bench))
    bench.wait(100)
    return bench


def play(case: str, call: str, falls_at: int, arrives: bool) -> bool:
    """Whether there was a step ``falls_at``."""
    victim, leads = CASES[case]
    bench = staged(leads)
    bench.events = []
    bench.send("c", encode(call))
    for _ in range(falls_at):
        if not bench.step():
            return False
    if arrives:
        for _ in range(len(bench.frames)):
            bench.step_frame_of(victim)
    bench.crash(victim)
    bench.until(lambda: all(leader_of(bench, group) for group in (A, B)), ELECTED_MS)
    bench.until(lambda: is_clean(bench), OVER_MS)
    told = [text for name, text in bench.events if name == "c" and text != "closed"]
    judge(bench, call, told, victim)
    return True


def judge(bench: Bench, call: str, told: list[str], victim: int) -> None:
    before, after = CALLS[call]
    witness = 2 if victim == 1 else 1
    bench.ask(f"d@{witness}", "SELECT 3")
    found = bench.answer("d", "MGET a b")
    assert found == after if told and not told[0].startswith("-") else found in (before, after), (found, told)
    if victim != 1:
        assert len(told) == 1, "a client of a living node has its answer, and no error"
        assert not told[0].startswith("-"), told
    assert bench.answer("d", "MSET a 3 b 4") == "+OK"
    bench.start(victim)
    bench.wait(500)
    bench.ask(f"e@{victim}", "SELECT 3")
    assert bench.answer("e", "MGET a b") == '["3" "4"]'
    bench.until(lambda: is_clean(bench), OVER_MS)
    for group in (A, B):
        bench.until(lambda group=group: len(digests(bench, group)) == 1, OVER_MS)


def digests(bench: Bench, group: int) -> dict[tuple[int, bytes], None]:
    return {digest_of_state(bench.node(number).groups[group]): None for number in bench.servers}


@pytest.mark.parametrize("case", list(CASES))
def test_some_steps(case: str) -> None:
    for falls_at, arrives in ((0, False), (23, True), (41, False), (77, True)):
        play(case, "MSET a 1 b 2", falls_at, arrives)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("arrives", [False, True], ids=["lost", "arriving"])
@pytest.mark.parametrize("call", list(CALLS))
@pytest.mark.parametrize("case", list(CASES))
def test_every_step(case: str, call: str, arrives: bool) -> None:
    falls_at = 0
    while play(case, call, falls_at, arrives):
        falls_at += 1
    print(f"{case}: {call}: falls after each of {falls_at} steps")
    assert falls_at > 30
