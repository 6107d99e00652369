"""docs/eventual.md says of every command that is refused why, and of no other."""

from pathlib import Path

from trivet.core.cluster.rows import COPIES_MAX
from trivet.core.lattice.hlc import DRIFT_MS_MAX
from trivet.core.machine.convergent_rows import REFUSED

PAGE = Path(__file__).parents[3] / "docs" / "eventual.md"


def test_what_is_refused_stands_there_with_its_reason():
    text = PAGE.read_text()
    told: dict[str, str] = {}
    for line in text.split("## What is refused")[1].split("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and "…" not in line:
            told.update(dict.fromkeys([name.strip("`") for name in cells[0].split(", ")], cells[1]))
    assert told == {name.decode(): why for name, why in REFUSED.items()}


def test_numbers_on_the_page_are_those_of_the_code():
    text = PAGE.read_text()
    assert f"`REPLICAS` (1 to {COPIES_MAX})" in text
    assert DRIFT_MS_MAX == 60_000 and "more than a minute ahead" in text
