"""What tests of drawn commands share: the families, and the marks of their files.

Their ``settings`` stand at each of them: Hypothesis begins with the text of a test, decorators included, so one
text for all would have it draw other commands.
"""

import importlib
from pathlib import Path

import pytest

from tests.differential.harness import COMMANDS_TOTAL, Oracle

AGAINST_REDIS = [
    pytest.mark.skipif(not Oracle.is_there(), reason="redis-server 7.0 is not installed"),
    pytest.mark.timeout(300 + COMMANDS_TOTAL // 100),
]
"""The marks of a file whose tests take the longer, the more commands there are."""


def load_families() -> None:
    """Let every file of a family register it."""
    for file in sorted(Path(__file__).parent.glob("family_*.py")):
        importlib.import_module(f"tests.differential.{file.stem}")
