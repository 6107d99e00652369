"""Planted bugs.

The random runs or the scripts notice every one of them; without a bug they notice nothing.
"""

import importlib.util
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest


def _table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("planted_paxos", Path(__file__).parent / "planted.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TABLE = _table()
pytestmark = pytest.mark.skipif(
    not str(find_spec("trivet.core.paxos.acceptor").origin).endswith(".py"),
    reason="compiled modules do not mix with changed ones",
)
BUGS = [
    pytest.param(bug, id=bug.name, marks=[pytest.mark.soak] if bug.seeds > 30 else []) for bug in TABLE.BUGS
]


@pytest.mark.parametrize("bug", BUGS)
def test_planted(bug: object) -> None:
    assert TABLE.noticed(bug), "nobody noticed it"


def test_places_are_there() -> None:
    for bug in TABLE.BUGS:
        assert bug.sources()


def test_nothing_is_noticed_where_nothing_is_planted() -> None:
    for theme in ("disks", "members", "copies"):
        assert not TABLE.noticed(TABLE.Planted("nothing", [], theme, 5))
    scripts = sorted({bug.script for bug in TABLE.BUGS if bug.script})
    for script in scripts:
        assert not TABLE.noticed(TABLE.Planted("nothing", [], script=script))
