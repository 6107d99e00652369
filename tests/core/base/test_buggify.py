"""Buggify's points: each has a name of its own, and the core asks at each of them."""

from pathlib import Path

import trivet.core
from trivet.core.base import buggify
from trivet.core.base.buggify import POINTS

OF_BOTH_LOGS = (buggify.SNAPSHOT_EARLY, buggify.SLICE_LATE)
"""Groups with a log and groups of registers have snapshots of their own kind."""


def test_every_point_is_listed_and_named_once() -> None:
    named = {name: value for name, value in vars(buggify).items() if name.isupper() and name != "POINTS"}
    assert sorted(named.values()) == sorted(POINTS)
    assert len(dict.fromkeys(POINTS)) == len(POINTS)
    assert all(name == value.upper().replace("-", "_") for name, value in named.items())


def test_the_core_asks_at_every_point() -> None:
    folder = Path(trivet.core.__file__).parent
    sources = [path.read_text() for path in sorted(folder.rglob("*.py")) if path.name != "buggify.py"]
    for point in POINTS:
        name = point.upper().replace("-", "_")
        places = 2 if point in OF_BOTH_LOGS else 1
        assert sum(text.count(f"rare({name})") for text in sources) == places, name
