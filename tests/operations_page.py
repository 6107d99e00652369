"""The commands of docs/operations.md, for the tests that run them."""

import re
import shlex
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "operations.md"
SEED = "10.0.0.1:7001"
DIRECTORY = "/var/lib/trivet"


def commands():
    """Every command in a ``sh`` block of the page, as words without ``trivet``."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert all(line.startswith("trivet ") for line in lines), lines
    return [shlex.split(line)[1:] for line in lines]


def with_places(words, seed, directory):
    """The same command for a node and a directory that are there."""
    return [seed if word == SEED else str(directory) if word == DIRECTORY else word for word in words]
