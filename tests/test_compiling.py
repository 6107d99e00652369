"""mypyc takes the core: it gives C for all of it. (That the C compiles and works, `make test-compiled` shows.)"""

import ast
import subprocess
import sys
from pathlib import Path

from tools.hatch_build import modules_to_compile

ROOT = Path(__file__).parents[1]

TRANSLATE = """
import sys
from pathlib import Path
from hatch_build import modules_to_compile
from mypyc.build import mypycify

modules = modules_to_compile(Path(".."))
mypycify(
    ["--config-file", "../pyproject.toml", "--no-warn-unused-configs", "--explicit-package-bases", *modules],
    target_dir=sys.argv[1],
    group_name="trivet_core",
)
"""


def test_the_core_can_be_compiled(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", TRANSLATE, str(tmp_path)],
        cwd=ROOT / "src",
        env={"PYTHONPATH": str(ROOT / "tools"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def slotted(tree: ast.Module) -> set[str]:
    """The classes of a module that have ``__slots__``."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names = [
                getattr(one, "id", "")
                for part in node.body
                if isinstance(part, ast.Assign)
                for one in part.targets
            ]
            found |= {node.name} if "__slots__" in names else set()
    return found


def test_no_compiled_class_has_a_pure_base_with_slots():
    """mypyc translates that, and the module can't be imported."""
    compiled = modules_to_compile(ROOT)
    trees = {
        path.relative_to(ROOT / "src").with_suffix("").as_posix().replace("/", "."): ast.parse(
            path.read_text()
        )
        for path in (ROOT / "src").glob("trivet/core/**/*.py")
    }
    wrong = []
    for name in compiled:
        tree = trees[name.removesuffix(".py").replace("/", ".")]
        origin = {
            alias.asname or alias.name: (node.module or "", alias.name)
            for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }  # fmt: skip
        for node in [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]:
            for base in node.bases:
                module, there = origin.get(getattr(base, "id", ""), ("", ""))
                is_pure = module.replace(".", "/") + ".py" not in compiled
                if module in trees and is_pure and there in slotted(trees[module]):
                    wrong.append(f"{name}: {node.name}({there} of {module})")
    assert not wrong
