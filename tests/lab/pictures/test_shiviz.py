import json
import re

import pytest
from picture_runs import everything, many, real

from trivet.lab.pictures.shiviz import ARRIVE, SEND, export, timed_events


def parsed(log):
    """The log as ShiViz reads it: its first line is the pattern, its second the delimiter."""
    pattern, delimiter, rest = log.split("\n", 2)
    assert delimiter == ""
    found = list(re.finditer(pattern.replace("(?<", "(?P<"), rest))
    assert len(found) * 2 == rest.count("\n"), "a line was not understood"
    return [(m["host"], json.loads(m["clock"]), m["event"]) for m in found]


def before(one, other):
    """Whether a clock is less than another one."""
    return one != other and all(count <= other.get(host, 0) for host, count in one.items())


def reachable(events):
    """Which events can follow from which, found over the graph of lanes and messages."""
    follows = {number: set() for number in range(len(events))}
    last, sent = {}, {}
    for number, event in enumerate(events):
        if event.host in last:
            follows[last[event.host]].add(number)
        last[event.host] = number
        if event.message is not None and event.order == SEND:
            sent[event.message.number] = number
        elif event.message is not None and event.order == ARRIVE:
            follows[sent[event.message.number]].add(number)
    for number in reversed(range(len(events))):
        for after in list(follows[number]):
            follows[number] |= follows[after]
    return follows


@pytest.mark.parametrize(
    "recording", [everything(), many(150), real(3, 3, 10)], ids=["made up", "many", "real"]
)
def test_clocks_are_ordered_exactly_as_causes_are(recording):
    events = timed_events(recording, fold_routine=False)[:500]
    follows = reachable(events)
    for one, event in enumerate(events):
        for other in range(len(events)):
            assert before(event.clock, events[other].clock) == (other in follows[one])


@pytest.mark.parametrize("fold", [False, True])
def test_the_log_parses_and_every_host_counts_from_one(fold):
    log = parsed(export(everything(), fold_routine=fold))
    counts = {}
    for host, clock, _ in log:
        counts[host] = counts.get(host, 0) + 1
        assert clock[host] == counts[host]
        assert next(iter(clock)) == host
    assert set(counts) == {"node-1", "node-2", "node-3", "client-1", "client-2"}
    assert any("heartbeat" in text for _, _, text in log) == (not fold)


def test_what_is_lost_is_sent_and_never_received():
    log = parsed(export(everything()))
    assert ("node-1", "to node-3: RequestVote t1 (dropped)") in [(host, text) for host, _, text in log]
    assert not any(text == "from node-1: RequestVote t1" for host, _, text in log if host == "node-3")
