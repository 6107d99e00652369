"""The gates that no ready-made tool has: sizes, mirrored tests, import cycles, and what core may not use.

Each gate is a function from the repository's root to a list of complaints, one line each, that name the file
and say what to do. ``tools/check.py`` runs them all; ``tests/test_gates.py`` shows that each one bites.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600
CORE_LIBRARIES = {"msgspec", "sortedcontainers", "lupa", "greenlet", "trivet", "mypy_extensions"}
FORBIDDEN_CALLS = {"hash", "id", "print", "input", "open", "eval", "exec"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(root: Path) -> list[Path]:
    """Every Python file of the package, sorted."""
    return sorted((root / "src" / "trivet").rglob("*.py"))


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _functions(tree: ast.AST) -> Iterator[Function]:
    """All functions with a name: they are statements, so no expression is looked at."""
    pending = [tree]
    while pending:
        node = pending.pop(0)
        if isinstance(node, Function):
            yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            pending.extend(getattr(node, part, ()))


def sizes(root: Path) -> list[str]:
    """Functions of at most 70 lines, files of at most 600."""
    complaints = []
    for path in sources(root):
        text = path.read_text()
        lines = text.count("\n")
        if lines > FILE_LINES_MAX:
            complaints.append(f"{_name(root, path)}: {lines} lines, at most {FILE_LINES_MAX}: split it")
        for function in _functions(ast.parse(text)):
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            if length > FUNCTION_LINES_MAX:
                where = f"{_name(root, path)}:{function.lineno}"
                complaints.append(
                    f"{where}: {function.name} has {length} lines, at most {FUNCTION_LINES_MAX}"
                )
    return complaints


def docstrings(root: Path) -> list[str]:
    """Every file opens with a docstring; every room's opens with Role, Floor, On the path."""
    complaints = []
    for path in sources(root):
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        if not text:
            complaints.append(f"{_name(root, path)}: no docstring at the top")
        elif path.name == "__init__.py" and path.parent.name != "trivet":
            complaints.extend(
                f"{_name(root, path)}: its docstring has no line that starts with {word!r}"
                for word in ("Role:", "Floor:", "On the path:")
                if not any(line.startswith(word) for line in text.splitlines())
            )
    return complaints


def mirrored_tests(root: Path) -> list[str]:
    """One test file per source file of core/, at the mirrored path, and none without its source."""
    core = root / "src" / "trivet" / "core"
    tests = root / "tests" / "core"
    wanted = {
        tests / path.relative_to(core).with_name(f"test_{path.name}")
        for path in core.rglob("*.py")
        if path.name != "__init__.py"
    }
    return [
        f"{_name(root, path)}: missing, its source file has no test file"
        for path in sorted(wanted)
        if not path.exists()
    ]


def _imports(tree: ast.Module, module: str) -> Iterator[str]:
    """The names of modules that ``module`` imports while it is being imported (not inside functions)."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, Function):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            pending.extend(ast.iter_child_nodes(node))


def import_graph(root: Path) -> dict[str, list[str]]:
    """Module -> the project's modules it imports at import time."""
    trees: dict[str, ast.Module] = {}
    for path in sources(root):
        parts = path.relative_to(root / "src").with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(path.read_text())
    return {
        name: sorted({i for i in _imports(tree, name) if i in trees and i != name})
        for name, tree in trees.items()
    }


def cycles(root: Path) -> list[str]:
    """No module imports itself by way of others (Tarjan's strongly connected components)."""
    graph = import_graph(root)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph[node]:
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            cut = stack.index(node)
            component = stack[cut:]
            del stack[cut:]
            if len(component) > 1:
                found.append(sorted(component))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return [f"import cycle: {' <-> '.join(component)}" for component in found]


_LOOKED_AT = (ast.Call, ast.Name, ast.Import, ast.ImportFrom, ast.For, ast.comprehension)


def _core_complaints(tree: ast.Module, where: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, _LOOKED_AT):
            continue
        line = f"{where}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            yield f"{line}: {node.func.id}() in core: identity, order and IO are not its business"
        elif isinstance(node, ast.Name) and node.id == "Any":
            yield f"{line}: Any in core: say the type"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            )
            for name in names:
                top = name.split(".")[0]
                if top not in CORE_LIBRARIES and top not in sys.stdlib_module_names:
                    yield f"{line}: core imports {top}: it may use {', '.join(sorted(CORE_LIBRARIES))} only"
        elif isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Set | ast.SetComp):
            yield f"{line}: iterates over a set: its order changes with the hash seed"


def core_rules(root: Path) -> list[str]:
    """What other tools do not see in core/: hash(), id(), Any, foreign libraries, iterated sets."""
    complaints: list[str] = []
    for path in sources(root):
        if "core" in path.relative_to(root / "src" / "trivet").parts[:1]:
            complaints.extend(_core_complaints(ast.parse(path.read_text()), _name(root, path)))
    return complaints


GATES = (sizes, docstrings, mirrored_tests, cycles, core_rules)


def complaints(root: Path) -> list[str]:
    """What all gates have to say about the tree below ``root``."""
    return [line for gate in GATES for line in gate(root)]


if __name__ == "__main__":
    lines = complaints(Path(__file__).resolve().parent.parent)
    print("\n".join(lines) or "sizes, docstrings, mirrored tests, cycles, core rules: fine")
    sys.exit(1 if lines else 0)
