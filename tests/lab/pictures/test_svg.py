import re
import xml.etree.ElementTree as ET

import pytest
from picture_runs import NASTY, everything, many, operation, real

from trivet.lab.pictures.cutting import MESSAGES_MAX, choose_window
from trivet.lab.pictures.svg import draw_svg
from trivet.lab.recording import Fate, Recorder

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    return [(element.text, element) for element in ET.fromstring(svg).iter(f"{SVG}text")]


def words(svg):
    return " | ".join(text for text, _ in texts(svg))


def signs(svg, kind):
    """The elements of the drawing (not of its legend) with this class."""
    root = ET.fromstring(svg)
    groups = [group for group in root.findall(f"{SVG}g") if group.get("class") != "frame"]
    return [e for group in groups for e in group.iter() if kind in (e.get("class") or "").split()]


def label_boxes(svg):
    """Where the labels' texts are, by a guess at the width of their characters."""
    for layer in ET.fromstring(svg).findall(f"{SVG}g"):
        if layer.get("class") != "labels":
            continue
        for element in layer.iter(f"{SVG}text"):
            width = 5.2 * len(element.text)
            x, y = float(element.get("x")), float(element.get("y"))
            x -= {"end": width, "middle": width / 2}.get(element.get("text-anchor"), 0)
            yield element.text, x, y - 8, x + width, y


def assert_no_overlap(svg):
    boxes = list(label_boxes(svg))
    for number, (one, left, top, right, bottom) in enumerate(boxes):
        for other, left2, top2, right2, bottom2 in boxes[number + 1 :]:
            apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
            assert apart, f"{one!r} lies on {other!r}"


def test_the_check_for_overlap_bites():
    svg = draw_svg(everything())
    moved = re.sub(r'(<text class="halo" x="[0-9.]+" y=)"[0-9.]+"', r'\1"100"', svg)
    with pytest.raises(AssertionError, match="lies on"):
        assert_no_overlap(moved)


def test_everything_is_drawn():
    svg = draw_svg(everything())
    said = words(svg)
    for text in [
        "node 1",
        "client 2",
        "leader t1",
        "down",
        "power cut",
        "commit #1",
        "node 1 alone",
        "all faults end",
    ]:
        assert text in said
    assert "linearizability: client 2 read nothing after client 1 had written" in said
    assert "The leader does not know yet." in said
    assert len(signs(svg, "miss")) == 3  # one dropped, one blocked, one crash
    assert len(signs(svg, "dead")) == 1
    assert len(signs(svg, "late")) == 1
    assert len(signs(svg, "twin")) == 1
    assert len(signs(svg, "still")) == 1
    assert len(signs(svg, "wall")) == 1  # the lane that is cut off
    assert len(signs(svg, "edge")) == 1
    assert len(signs(svg, "cry")) == len(signs(svg, "note")) == 1
    assert [text for text in said.split(" | ") if text in ("→ OK", "✗ NOTLEADER", "no answer", "stale")] != []
    assert "stale" in said and "no answer" in said and "✗ NOTLEADER" in said
    assert_no_overlap(svg)


def test_the_legend_explains_what_occurs_and_nothing_else():
    said = words(draw_svg(everything()))
    for text in ["leader", "paused", "delayed", "duplicated", "partition", "dropped, or stopped by a wall"]:
        assert text in said
    quiet = Recorder("quiet")
    quiet.lane(1, "node 1")
    quiet.state(0, 1, "follower")
    assert "delayed" not in words(draw_svg(quiet.end(1_000)))


def test_routine_is_folded_counted_and_shown_on_demand():
    folded, whole = draw_svg(everything()), draw_svg(everything(), fold_routine=False)
    assert "heartbeat" not in folded
    assert len(signs(whole, "head")) == len(signs(folded, "head")) + 4
    assert_no_overlap(whole)


def test_a_silence_says_what_was_skipped():
    recorder = Recorder()
    for node in (1, 2):
        recorder.lane(node, f"node {node}")
    for at_us, routine in ((0, False), (100_000, True), (200_000, True), (400_000, False)):
        message = recorder.sent(at_us, 1, 2)
        message.label, message.routine, message.fate, message.arrived_us = (
            "m",
            routine,
            Fate.DELIVERED,
            at_us + 200,
        )
    said = words(draw_svg(recorder.end(400_300)))
    assert "400 ms pass, with 2 routine messages" in said


def test_texts_of_a_run_are_only_texts():
    svg = draw_svg(everything(NASTY), title=NASTY)
    assert not list(ET.fromstring(svg).iter(f"{SVG}script"))
    assert "<b>" not in svg and "<script>" not in svg


@pytest.mark.parametrize("messages", [60, 400])
def test_a_long_run_is_drawn_around_its_complaint(messages):
    recording = many(messages)
    begin_us, end_us = choose_window(recording, fold_routine=True)
    at_us = recording.sayings[0].at_us
    assert begin_us <= at_us <= end_us
    shown = [m for m in recording.messages if begin_us < m.sent_us < end_us and not m.routine]
    assert len(shown) <= MESSAGES_MAX + 10
    svg = draw_svg(recording)
    assert "something that cannot be" in svg
    assert_no_overlap(svg)


def test_a_window_shows_what_holds_at_its_begin():
    svg = draw_svg(everything(), window_us=(8_500, 33_000))
    assert "leader t1" in words(svg)
    assert "candidate t1" not in words(svg)
    assert "node 1 alone" in words(svg)
    assert "power cut" not in words(svg)


def test_equal_recordings_give_equal_bytes():
    assert draw_svg(many(100)) == draw_svg(many(100))


def test_many_clients_share_columns_and_roles_of_other_protocols_have_colours():
    recording = everything()
    recording.operations = [
        operation(n, n % 7, 1_000 * n, 1_000 * n + 4_500, f"GET {n}", "ok", "x") for n in range(28)
    ]
    recording.states[3].role = "proposer of my own"
    svg = draw_svg(recording)
    assert "clients 0, 3, 6" in words(svg)
    assert "c6 GET 6" in words(svg)
    assert "proposer of my own 1" in words(svg)
    assert_no_overlap(svg)


def test_an_empty_recording_is_a_picture_too():
    ET.fromstring(draw_svg(Recorder("nothing").end(0)))


@pytest.mark.parametrize(("seed", "nodes"), [(2, 3), (4, 5)])
def test_a_real_run(seed, nodes):
    recording = real(seed, nodes)
    svg = draw_svg(recording)
    assert "leader t1" in words(svg)
    assert re.search(r"AppendEntries t\d+ #\d|Append t\d+ #\d", words(svg))
    assert_no_overlap(svg)
