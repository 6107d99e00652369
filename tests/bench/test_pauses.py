"""What is concluded from calls around the death of a node."""

import json
from xml.etree import ElementTree

from bench.grpc import GrpcReader, put_request
from bench.pauses import SYSTEMS, WAYS, Death, line, longest_gap, panel, seen
from bench.pauses_chart import Panel, bins, draw, height_of


def test_the_longest_gap_counts_both_ends():
    assert longest_gap([], 10.0, 15.0) == 5.0
    assert longest_gap([9.0, 10.5, 11.0, 16.0], 10.0, 15.0) == 4.0
    assert longest_gap([12.0, 11.0, 13.0, 14.0], 10.0, 15.0) == 1.0


def test_clients_of_the_dead_node_are_not_looked_at():
    raw = [
        (9.5, 1.0, 0, True), (9.6, 2.0, 1, True), (9.7, 90.0, 2, True),
        (10.1, 900.0, 1, True), (10.2, 5.0, 2, False), (10.3, 1.0, 0, True), (15.5, 1.0, 0, True),
    ]  # fmt: skip
    failures = {"2 connection lost": 1, "0 TIMEOUT": 3}
    death = seen(raw, 2, 10.0, 1.0, 5.0, "the leader", failures)
    assert death.before == [1.0, 2.0]
    assert death.after == [1.0, 900.0]
    assert (death.calls, death.failed) == (2, 0)
    assert death.failures == {"0 TIMEOUT": 3}
    assert round(death.gap_ms) == 4699, "node 0 answered at 10.301 and never again; node 1 at 11.0"
    assert [round(at, 1) for at, _, _ in death.samples] == [-0.5, -0.4, 0.1, 0.3, 5.5]


def test_a_call_that_was_sent_before_may_end_the_gap():
    death = seen([(9.9, 600.0, 0, True), (10.2, 4500.0, 0, False)], 1, 10.0, 1.0, 1.0, "x", {})
    assert round(death.gap_ms) == 500
    assert death.failed == 1
    assert (death.before, death.after) == ([], [600.0, 4500.0]), "it was under way when the node died"


def some_death(gap_ms: float, killed: str = "the leader") -> Death:
    samples = [(-0.5, 1.0, True), (0.01, 20.0, True), (0.02, 80.0, False), (0.3, 2.0, True)]
    return Death(killed, [1.0, 2.0, 3.0], [4.0, 5.0], gap_ms, 2, 1, {}, samples)


def test_a_line_has_medians_and_the_worst():
    told = line("x", [some_death(30.0), some_death(10.0), some_death(2_000.0)])
    assert told == [
        "x", "the leader", "3", "30 / 2000", "2.0 / 3.0 / 3.0", "5.0 / 5.0 / 5.0", "5 / 5", "3 of 6",
    ]  # fmt: skip


def test_the_picture_shows_the_death_in_the_middle():
    shown = panel("x", [some_death(30.0), some_death(10.0), some_death(2_000.0)])
    assert shown.title == "x" and shown.note == "– the leader; without an answer for 30 ms, 1 failed"
    assert "any node" in panel("x", [some_death(1.0, "any node, each in turn")]).note


def test_calls_are_put_together_by_time():
    assert bins(some_death(1.0).samples, -1.0, 5.0) == [
        (-0.5, 1.0, 1.0, 0), (0.0, 50.0, 80.0, 1), (0.30000000000000004, 2.0, 2.0, 0),
    ]  # fmt: skip


def test_latencies_out_of_range_stay_in_their_panel():
    assert height_of(0.0) == height_of(0.3) > height_of(1.0) > height_of(10_000.0) == height_of(99_999.0) == 0


def test_the_picture_is_well_formed_and_escaped():
    panels = [Panel("a < b", "& more", some_death(1.0).samples), Panel("nothing", "", [])]
    text = draw([("Killed", panels), ("Silent", panels[:1])], "who & what", -1.0, 5.0)
    root = ElementTree.fromstring(text)
    words = ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "a < b & more" in words and words.count("×") == 2 and words.count("it dies") == 2
    assert "prefers-color-scheme:dark" in text


def test_systems_and_ways_have_names():
    assert list(SYSTEMS) == ["paxos", "raft", "etcd"] and list(WAYS) == ["kill", "stop"]
    assert json.dumps([kind.name for kind in SYSTEMS.values()])


def frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


def test_grpc_says_which_calls_ended_and_how():
    reader = GrpcReader(b"/a", b"/b")
    first, second = reader.request(put_request(b"k", b"v")), reader.request(b"", 1)
    assert b"/a" in first and b"/b" in second and reader.stream == 5
    data, trailers, reset = frame(0, 0, 3, b"\0\0\0\0\0"), frame(1, 1, 3), frame(3, 0, 1, b"\0\0\0\0")
    assert reader.feed(data + trailers[:4])[:2] == (0, 0) and reader.ended == []
    assert reader.feed(trailers[4:] + reset)[:2] == (2, 1)
    assert reader.ended == [(3, True), (1, False)]
