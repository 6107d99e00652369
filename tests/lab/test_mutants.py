"""Every planted bug is noticed; and without the bug nobody says a word under the same seed."""

import json
from pathlib import Path

import pytest
from mutants import directed, focuses, looking, scenes
from mutants.command import failures, main, table
from mutants.model import Mutant
from mutants.planting import SEEDS_MAX, Found, look, place, plant
from mutants.rows import ABSENT, MUTANTS

NAMES = [f"{m.row}-{sum(o.row == m.row for o in MUTANTS[:i])}" for i, m in enumerate(MUTANTS)]
QUICK = (
    "R3", "R5", "R9", "R12", "E2", "E5", "L3", "L4", "L5", "M4", "M9", "G1", "C1", "C2", "C9", "S3", "V9", "V12",
)  # fmt: skip
"""Some rows of each section, which are caught within a few seconds; the others take some minutes together."""


def is_quick(name: str) -> bool:
    row, _, number = name.rpartition("-")
    return number == "0" and row in QUICK


HARSH = ("WIPED", "PAUSED_READERS")
"""Nobody can promise progress: the only copy of something may be wiped, words come later than an election lasts."""

CAUGHT = [
    # Some in every run of the tests; all of them in the soak.
    pytest.param(m, id=name, marks=[pytest.mark.soak] if m.soak or not is_quick(name) else [])
    for m, name in zip(MUTANTS, NAMES, strict=True)
    if not m.gap
]
ROWS = [
    f"{letter}{n}"
    for letter, last in (
        ("R", 17),
        ("E", 5),
        ("L", 8),
        ("M", 9),
        ("H", 6),
        ("T", 9),
        ("P", 18),
        ("V", 16),
        ("G", 2),
        ("C", 9),
        ("S", 4),
    )
    for n in range(1, last + 1)
]


@pytest.mark.parametrize("mutant", CAUGHT)
def test_mutant_is_caught(mutant: Mutant, tmp_path: Path) -> None:
    plant(mutant, tmp_path)
    found = look(mutant, tmp_path, mutant.first_seed, SEEDS_MAX)
    assert found.seed >= 0, f"{mutant.row}: nobody noticed that {mutant.what}"
    print(f"{mutant.row}: seed {found.seed}, {found.judge}: {found.sentence}")


@pytest.mark.soak
@pytest.mark.parametrize("mutant", CAUGHT)
def test_without_the_bug_nobody_speaks(mutant: Mutant) -> None:
    task: dict[str, object] = {"focus": mutant.focus, "scene": mutant.scene, "liveness": True}
    assert looking.complaints_of(task, mutant.first_seed) == []


@pytest.mark.soak
@pytest.mark.parametrize(
    "name", [name for name, value in vars(focuses).items() if name.isupper() and isinstance(value, dict)]
)
def test_where_bugs_are_looked_for_there_is_none(name: str) -> None:
    """What draws out a planted bug draws out others: a focus has found what thousands of drawn runs had not."""
    for seed in range(101, 111):
        task: dict[str, object] = {
            "focus": getattr(focuses, name),
            "scene": "",
            "liveness": name not in HARSH,
        }
        assert looking.complaints_of(task, seed) == [], f"seed {seed}"


@pytest.mark.soak
@pytest.mark.parametrize("name", list(scenes.SCENES))
def test_scenes_are_silent(name: str) -> None:
    for seed in range(1, 31):
        assert scenes.play(name, seed, {}) == [], f"seed {seed}"


@pytest.mark.parametrize("name", list(directed.SCRIPTS))
def test_scripts_are_silent(name: str) -> None:
    for seed in range(1, 4):
        assert directed.play(name, seed) == [], f"seed {seed}"


def test_every_row_is_planted_or_explained() -> None:
    named = {m.row for m in MUTANTS} | {a.row for a in ABSENT}
    assert named == set(ROWS)
    assert all(a.reason for a in ABSENT)


def test_places_are_there() -> None:
    assert [problem for mutant in MUTANTS for problem in place(mutant)] == []


def test_a_row_that_is_not_caught_fails() -> None:
    missed = Found(-1, 150, "", "", 1.0)
    caught = Found(7, 7, "invariants", "election safety: nodes 1 and 2 both led term 3", 1.0)
    plain, known_gap = MUTANTS[0], MUTANTS[0]._replace(gap="nobody looks there")
    assert failures([(plain, caught, ""), (known_gap, missed, "")]) == []
    assert len(failures([(plain, missed, ""), (plain, None, "the place has changed")])) == 2
    text = table([(plain, caught, ""), (known_gap, missed, ""), (plain, missed, "")], ABSENT[:1])
    assert "invariants: election safety" in text
    assert "not caught: nobody looks there" in text
    assert "**not caught**" in text
    assert "does not apply" in text


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rows", "R2,L3", "--json", "--seeds", "5"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["row"] for row in rows] == ["R2", "L3"]
    assert rows[0]["seed"] >= 1
    with pytest.raises(SystemExit):
        main(["--rows", "R99"])
