"""The gates bite: each is shown a tree that breaks its rule, and the real tree keeps them all."""

from pathlib import Path

import pytest

from tools import gates

ROOT = Path(__file__).resolve().parent.parent
ROOM = '"""Role: a room.\n\nFloor: 0.\nOn the path: nothing.\n"""\n'


@pytest.fixture
def tree(tmp_path):
    """A tiny tree that keeps every rule; returns a function that adds a file."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return tmp_path

    write("src/trivet/__init__.py", '"""Trivet."""\n')
    write("src/trivet/core/__init__.py", ROOM)
    write("src/trivet/core/base/__init__.py", ROOM)
    write("src/trivet/core/base/good.py", '"""Good."""\n')
    write("tests/core/base/test_good.py", "")
    return write


def test_a_good_tree_has_no_complaints(tree):
    assert gates.complaints(tree("README.md", "")) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("core/base/good.py", '"""Good."""\n' + "x = 1\n" * 600, "601 lines, at most 600"),
        ("core/base/good.py", '"""Good."""\ndef f():\n' + "    x = 1\n" * 70, "f has 71 lines, at most 70"),
        ("core/base/good.py", "x = 1\n", "no docstring at the top"),
        (
            "core/base/__init__.py",
            '"""Role: a room.\n\nFloor: 0.\n"""\n',
            "no line that starts with 'On the path:'",
        ),
        ("core/base/bare.py", '"""Bare."""\n', "tests/core/base/test_bare.py: missing"),
        ("core/base/good.py", '"""Good."""\nx = hash("a")\n', "hash() in core"),
        ("core/base/good.py", '"""Good."""\nx = id(7)\n', "id() in core"),
        ("core/base/good.py", '"""Good."""\nfrom typing import Any\nx: Any = 1\n', "Any in core"),
        ("core/base/good.py", '"""Good."""\nimport redis\n', "core imports redis"),
        ("core/base/good.py", '"""Good."""\nfor x in {1, 2}:\n    pass\n', "iterates over a set"),
    ],
)
def test_each_rule_bites(tree, name, text, said):
    found = gates.complaints(tree(f"src/trivet/{name}", text))
    assert len(found) == 1, found
    assert said in found[0]


def test_cycles_are_found_however_long(tree):
    tree("src/trivet/a.py", '"""A."""\nimport trivet.b\n')
    tree("src/trivet/b.py", '"""B."""\nfrom trivet import c\n')
    root = tree("src/trivet/c.py", '"""C."""\nfrom trivet.a import x\n')
    assert gates.cycles(root) == ["import cycle: trivet.a <-> trivet.b <-> trivet.c"]


def test_an_import_inside_a_function_makes_no_cycle(tree):
    tree("src/trivet/a.py", '"""A."""\nimport trivet.b\n')
    root = tree("src/trivet/b.py", '"""B."""\ndef f():\n    import trivet.a\n')
    assert gates.cycles(root) == []


@pytest.mark.parametrize("gate", gates.GATES, ids=lambda gate: gate.__name__)
def test_the_tree_keeps_the_rules(gate):
    assert gate(ROOT) == []


def test_no_file_of_the_locks_names_a_registry():
    for path in ROOT.glob("requirements*.txt"):
        text = path.read_text()
        assert "://" not in text
        assert "--index-url" not in text
        lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert lines
        assert all("==" in line for line in lines)
        assert text.count("--hash=sha256:") >= len(lines)
