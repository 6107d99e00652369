"""Text tests: blocks of commands, and after ``----`` what came of them; lines with ``#`` are for people.

``pytest tests/core --rewrite`` writes down what the scripts give now; read the difference like code.
"""

from collections.abc import Callable
from pathlib import Path


def replay(path: Path, run: Callable[[str], list[str]], rewrite: bool) -> None:
    """Give each command of a script to ``run``, and compare its lines, or write them down; none are "ok"."""
    text = path.read_text()
    result: list[str] = []
    for block in text.strip("\n").split("\n\n"):
        said, _, _ = block.partition("\n----")
        commands = [line for line in said.splitlines() if not line.startswith("#")]
        if not commands:
            result.append(said)
            continue
        lines = [line for command in commands for line in run(command)]
        result.append("\n".join([said, "----", *(lines or ["ok"])]))
    after = "\n\n".join(result) + "\n"
    if rewrite:
        path.write_text(after)
    else:
        assert after == text
