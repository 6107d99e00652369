"""Every story comes out as told, from its own seed and from others, and is told alike each time."""

import io
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from trivet.lab.recording import Recording
from trivet.lab.scenarios.command import list_scenarios, rendered, show_scenario
from trivet.lab.scenarios.direction import Direction
from trivet.lab.scenarios.pages import all_pages
from trivet.lab.scenarios.scenario import STORY, Facts, NotAsTold, Scenario, Told, prose
from trivet.lab.scenarios.shelf import BY_NAME, SCENARIOS
from trivet.lab.scenarios.story import story_text

ROOT = Path(__file__).resolve().parents[3]
SEEDS = (2, 3, 5, 8, 13)
names = pytest.mark.parametrize("name", [scenario.name for scenario in SCENARIOS])


@names
def test_it_happens_as_told_from_many_seeds(name):
    scenario = BY_NAME[name]
    for seed in dict.fromkeys((scenario.seed, *SEEDS)):
        told = scenario.play(seed)
        assert len(told.facts) >= 4, "a story claims something"
        assert told.verdict
        assert not told.complaints
        check_sayings(told)


def check_sayings(told):
    sayings = [s for s in told.recording.sayings if s.who == STORY]
    assert len(sayings) >= 3
    times = [s.at_us for s in sayings]
    assert times == sorted(times)
    assert all(len(s.text) <= 115 for s in sayings), "a saying is one line of a picture"
    inside = [s for s in sayings if told.window_us[0] <= s.at_us <= told.window_us[1]]
    assert len(inside) >= len(sayings) - 1
    assert told.recording.ended_us >= told.window_us[1]


@pytest.mark.soak
@names
def test_it_happens_as_told_from_very_many_seeds(name):
    for seed in range(1000, 1060):
        BY_NAME[name].play(seed)


@names
def test_equal_seeds_tell_equal_stories_and_others_differ(name):
    scenario = BY_NAME[name]
    one, again, other = (msgspec.json.encode(scenario.play(seed)) for seed in (4, 4, 5))
    assert one == again
    assert one != other


def test_stories_do_not_depend_on_the_hash_seed():
    code = (
        "import msgspec, zlib; from trivet.lab.scenarios.shelf import SCENARIOS; "
        "print([zlib.crc32(msgspec.json.encode(s.play(3))) for s in SCENARIOS])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True, text=True, check=True, timeout=120,
        ).stdout
        for seed in ("0", "1")
    }  # fmt: skip
    assert len(outputs) == 1


def test_a_fact_that_does_not_hold_ends_the_story():
    with pytest.raises(NotAsTold, match="pigs fly"):
        Facts().fact(False, "pigs fly")


def test_a_judge_that_speaks_ends_the_story():
    d = Direction("t", 1)
    d.settled_leader()
    d.stage.cluster.complain("durability", "a write is gone", [])
    with pytest.raises(NotAsTold, match="a write is gone"):
        d.tell("all is well")


def test_prose_joins_lines_and_parts_paragraphs():
    assert prose("""
        one
        two

        three
    """) == ("one two", "three")


@names
def test_explanations_are_for_people(name):
    scenario = BY_NAME[name]
    assert 2 <= len(scenario.paragraphs) <= 4
    words = sum(len(paragraph.split()) for paragraph in scenario.paragraphs)
    assert 80 <= words <= 260, words


def test_list_names_all_with_their_titles():
    out = io.StringIO()
    assert list_scenarios(out) == 0
    for scenario in SCENARIOS:
        assert f"{scenario.name} " in out.getvalue()
        assert scenario.title in out.getvalue()


@names
def test_show_prints_the_story(name):
    out = io.StringIO()
    assert show_scenario(name, None, None, out) == 0
    text = out.getvalue()
    assert BY_NAME[name].title in text
    assert "Checked on this run" in text
    assert "Verdict: " in text
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize(
    ("ending", "opening"), [(".html", "<!doctype html>"), (".svg", "<svg"), (".shiviz", "")]
)
def test_show_writes_files(tmp_path, ending, opening):
    out = io.StringIO()
    path = tmp_path / f"story{ending}"
    assert show_scenario("2pc-blocked", 2, str(path), out) == 0
    text = path.read_text()
    assert text.lower().startswith(opening)
    assert "Inquire" in text
    assert str(path) in out.getvalue()


def test_the_page_holds_explanation_facts_and_verdict():
    scenario = BY_NAME["raft-leader-crash"]
    told = scenario.play(1)
    page = rendered(scenario, told, ".html")
    for text in (scenario.paragraphs[0][:40], told.verdict[:40], told.facts[0]):
        assert text in page


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("raft-leader-crsh", "raft-leader-crash"),
        ("paxos", "paxos-duel"),
        ("blocked", "2pc-blocked"),
        ("zzz", ""),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(name, near):
    out = io.StringIO()
    assert show_scenario(name, None, None, out) == 2
    assert near in out.getvalue()
    assert "trivet lab list" in out.getvalue()


def test_an_unknown_ending_and_a_place_that_cannot_be_written_are_errors(tmp_path):
    out = io.StringIO()
    assert show_scenario("paxos-clean", None, str(tmp_path / "x.pdf"), out) == 2
    assert ".html" in out.getvalue()
    assert show_scenario("paxos-clean", None, str(tmp_path / "nowhere" / "x.svg"), out) == 2
    assert "cannot write" in out.getvalue()


def test_a_run_that_does_not_bear_out_its_story_says_so(monkeypatch):
    def play(seed):
        raise NotAsTold(f"it rained on {seed}")

    monkeypatch.setitem(BY_NAME, "dry", Scenario("dry", "A dry day", ("",), play))
    out = io.StringIO()
    assert show_scenario("dry", 7, None, out) == 1
    assert "it rained on 7" in out.getvalue()


def test_text_tells_everything_that_matters():
    scenario = BY_NAME["2pc-blocked"]
    text = story_text(scenario, scenario.play(1), 1)
    for part in ("coordinator: killed", "Vote yes", "(lost)", "is now: blocked", "add bert 5 → 25"):
        assert part in text, part


def test_text_of_an_empty_run():
    told = Told(Recording(), [], "nothing", (0, 0))
    assert "Verdict: nothing" in story_text(Scenario("n", "Nothing", ("No.",), lambda seed: told), told, 1)


def test_the_pages_in_docs_are_those_of_this_code():
    """`make scenarios` writes them anew."""
    place = ROOT / "docs" / "scenarios"
    pages = all_pages()
    stale = [
        name
        for name, text in pages.items()
        if not (place / name).exists() or (place / name).read_text() != text
    ]
    assert stale == []
    assert sorted(path.name for path in place.iterdir()) == sorted(pages)
