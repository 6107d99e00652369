"""How a bug is planted into a copy of the room's sources, and who notices it.

The copy is loaded beside the real room, in this process, and then either random runs or a script must fail. What
random runs find too seldom is found by scripts.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_file_location, spec_from_loader
from pathlib import Path
from types import ModuleType

from tests.core.scripts import replay

HERE = Path(__file__).parent
ROOM = "trivet.core.paxos"

Changes = list[tuple[str, str, str]]


class Planted:
    """One bug. ``scripts``: those of the conversations that notice it, if random runs find it too seldom."""

    def __init__(
        self, name: str, changes: Changes, theme: str = "", seeds: int = 60, script: str = "",
        runs: str = "episodes",
    ) -> None:  # fmt: skip
        """``runs``: the module of random runs that notices it."""
        self.runs = runs
        self.name = name
        self.changes = changes
        self.theme = theme
        self.seeds = seeds
        self.script = script

    def sources(self) -> dict[str, str]:
        """Module -> its changed source."""
        spec = find_spec(ROOM)
        assert spec is not None and spec.submodule_search_locations
        room = Path(spec.submodule_search_locations[0])
        sources: dict[str, str] = {}
        for file, before, after in self.changes:
            module = f"{ROOM}.{file[:-3]}"
            text = sources.get(module) or (room / file).read_text()
            assert text.count(before) == 1, (
                f"{self.name}: the place in {file} is there {text.count(before)} times"
            )
            sources[module] = text.replace(before, after)
        return sources


class _Changed(MetaPathFinder, Loader):
    """Imports modules from other sources."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.sources = sources

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        return spec_from_loader(name, self) if name in self.sources else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.sources[module.__name__], module.__name__, "exec"), module.__dict__)


def _is_ours(name: str) -> bool:
    return name == ROOM or name.startswith((ROOM + ".", "paxos_"))


@contextmanager
def planted(sources: dict[str, str]) -> Iterator[dict[str, ModuleType]]:
    """The tests' modules, working with the changed room."""
    core = importlib.import_module("trivet.core")
    real = {name: module for name, module in sys.modules.items() if _is_ours(name)}
    room = getattr(core, "paxos", None)
    finder = _Changed(sources)
    for name in real:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield {
            name: _load(name) for name in ("watch", "harness", "conversation", "runs", "episodes", "moves")
        }
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _is_ours(name)]:
            del sys.modules[name]
        sys.modules.update(real)
        core.paxos = room


def _load(name: str) -> ModuleType:
    spec = spec_from_file_location(f"paxos_{name}", HERE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def noticed(bug: Planted) -> str:
    """Who noticed it, and what was said; "" if nobody did."""
    with planted(bug.sources()) as modules:
        if bug.script:
            conversation = modules["conversation"].Conversation(modules["harness"])
            path = HERE / "testdata" / f"{bug.script}.txt"
            try:
                replay(path, conversation.run, False)
            except AssertionError as complaint:
                return f"{bug.script}: {str(complaint)[:100]}"
            return ""
        for seed in range(bug.seeds):
            try:
                modules[bug.runs].run(modules["harness"], seed, bug.theme)
            except Exception as complaint:
                return f"seed {seed}: {str(complaint)[:100]}"
    return ""
