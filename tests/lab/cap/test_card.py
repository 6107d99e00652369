"""The card as it is played: deterministic, honest about what it is told to watch, and the one in the documentation."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from tests.lab.cap.squares import TROUBLE
from trivet.cli.lab import cap
from trivet.lab.cap.card import Card, make, play, to_json
from trivet.lab.cap.command import lab_cap
from trivet.lab.cap.modes import MODE_ROWS, present
from trivet.lab.cap.pages import files, write
from trivet.lab.cap.promises import broken
from trivet.lab.cap.terminal import show
from trivet.lab.cap.words import not_kept

ROOT = Path(__file__).resolve().parents[3]
MODE = {mode.name: mode for mode in MODE_ROWS}
LOCAL = [MODE["local"]]
STALE = msgspec.structs.replace(MODE["raft"], greeting=((b"READONLY",),))
"""Raft whose clients take what their node has: stale, and said to be linearizable."""


@pytest.fixture(scope="module")
def small():
    """A card of one mode and two troubles."""
    return make(3, LOCAL, [TROUBLE["healthy"], TROUBLE["cut"]])


@pytest.fixture(scope="module")
def stale():
    """A card with a broken promise."""
    return make(1, [STALE], [TROUBLE["cut"]])


@pytest.mark.soak
def test_equal_seeds_give_equal_files_and_others_differ(small):
    again = make(3, LOCAL, [TROUBLE["healthy"], TROUBLE["cut"]])
    other = make(4, LOCAL, [TROUBLE["healthy"], TROUBLE["cut"]])
    assert files(*small) == files(*again)
    assert to_json(small[0]) != to_json(other[0])


@pytest.mark.soak
def test_neither_the_hash_seed_nor_other_processes_change_it(small):
    code = (
        "from trivet.lab.cap.card import make\nfrom trivet.lab.cap.pages import files\n"
        "from trivet.lab.cap.modes import MODE_ROWS\nfrom trivet.lab.cap.troubles import TROUBLES\n"
        "import msgspec, sys\n"
        "if __name__ == '__main__':\n"
        "    made = make(3, [m for m in MODE_ROWS if m.name == 'local'], TROUBLES[:2], jobs=2)\n"
        "    sys.stdout.write(msgspec.json.encode(files(*made)).decode())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT / "src")},
        capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    assert json.loads(done.stdout) == files(*small)


def test_one_node_serves_its_side_and_nobody_else(small):
    card, _ = small
    here, there = card.square("local", "cut").sides
    assert here.availability > 0.99
    assert there.availability == 0
    assert there.refused + there.unsure > 0
    assert card.is_kept


def test_stale_reads_that_nobody_promised_are_said(stale):
    card, pictures = stale
    square = card.square("raft", "cut")
    assert square.linearizable == "no"
    assert square.stale_reads > 0
    assert square.stale_ms_max > 1_000, "a node that is cut off tells what it had for as long as that"
    assert square.writes_lost == 0
    assert not card.is_kept
    told = " ".join(card.verdict("raft", "cut").broken)
    assert "the judge says that it is not" in told
    assert "reads are stale" in told
    assert any("op " in line for line in square.counterexample), "the operations that no order explains"
    assert "no order explains" in pictures[square.picture]
    made = files(card, pictures)
    assert "NOT KEPT: raft, minority cut off" in made["README.md"]
    assert "The counterexample" in made["index.html"]
    out = io.StringIO()
    show(card, out)
    assert "NOT KEPT: raft, minority cut off" in out.getvalue()
    assert "BROKEN" in out.getvalue()


def test_a_mode_that_says_that_its_reads_are_stale_breaks_nothing_by_it():
    told = msgspec.structs.replace(STALE, is_linearizable=False, converge_ms_max=2_000)
    square, _ = play(told, TROUBLE["cut"], 1)
    assert square.stale_reads > 0
    assert broken(told, TROUBLE["cut"], square) == []


def test_the_files(small, tmp_path):
    card, pictures = small
    assert write(tmp_path, card, pictures) == len(files(card, pictures))
    told = msgspec.json.decode((tmp_path / "card.json").read_bytes(), type=Card)
    assert told == card
    page = (tmp_path / "index.html").read_text()
    for square in card.squares:
        assert f'href="{square.picture}"' in page
        assert (tmp_path / square.picture).read_text().startswith("<svg ")
    assert page.count("<svg ") == 4, "the charts are in the page"
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_exit_codes(tmp_path):
    out = io.StringIO()
    assert lab_cap(1, str(tmp_path / "card"), 1, out, LOCAL, [TROUBLE["healthy"]]) == 0
    assert "every promise is kept" in out.getvalue()
    assert (tmp_path / "card" / "index.html").exists()
    hasty = [msgspec.structs.replace(MODE["local"], pause_ms_max=10)]
    assert lab_cap(1, "", 1, out, hasty, [TROUBLE["healthy"]]) == 1
    assert "NOT KEPT: local, healthy: everyone: a client was not served" in out.getvalue()
    (tmp_path / "file").write_text("")
    assert lab_cap(1, str(tmp_path / "file"), 1, out, LOCAL, [TROUBLE["healthy"]]) == 2
    assert "cannot write" in out.getvalue()


def test_the_command_line():
    told = CliRunner().invoke(cap, ["--help"])
    assert told.exit_code == 0
    for word in ("minority cut off", "linearizable", "Exit codes: 0 every promise is kept", "--out DIR"):
        assert word in " ".join(told.output.split())
    wrong = CliRunner().invoke(cap, ["--mode", "quorum"])
    assert wrong.exit_code == 2
    assert "there is no mode 'quorum': modes are raft, paxos" in wrong.output


DOCS = ROOT / "docs" / "cap"


def in_docs():
    return msgspec.json.decode((DOCS / "card.json").read_bytes(), type=Card)


def stale_in_docs(made):
    return [
        name for name, text in made.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text
    ]


def test_the_pages_in_docs_are_made_of_the_figures_there():
    """`make cap` writes them anew."""
    card = in_docs()
    pictures = {square.picture: (DOCS / square.picture).read_text() for square in card.squares}
    made = files(card, pictures)
    assert stale_in_docs(made) == []
    assert sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.*")) == sorted(made)
    assert card.modes == [mode.name for mode in present()]
    assert card.is_kept


@pytest.mark.parametrize(
    ("mode", "trouble"),
    [("raft", "cut"), ("eventual", "cut"), ("primary", "cut"), ("local", "crash")],
)
def test_runs_in_docs_are_those_of_this_code(mode, trouble):
    """All of them are played when there is time for it: see below. `make cap` writes them anew."""
    square, picture = play(MODE[mode], TROUBLE[trouble], 1)
    assert square == in_docs().square(mode, trouble)
    assert stale_in_docs({square.picture: picture}) == []


@pytest.mark.soak
def test_the_card_in_docs_is_that_of_this_code():
    """`make cap` writes it anew."""
    assert stale_in_docs(files(*make(1, jobs=2))) == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 12))
def test_every_promise_is_kept_from_many_seeds(seed):
    card, _ = make(seed, jobs=2)
    assert not_kept(card) == []
