"""The code in docs/testing.md does what the page says."""

import re
from pathlib import Path

import pytest

from trivet.lab.stage import virtual_redis  # noqa: F401 (what runs inside share is imported once)
from trivet.testing import real_cluster  # noqa: F401

pytest_plugins = ["pytester"]

PLAIN = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Hypothesis is slow to load, and would be loaded in each run."""

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
FIRST, LOCK, CURE, REAL = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def run(pytester, source, *options):
    pytester.makepyfile(test_page=source)
    return pytester.runpytest_inprocess(*PLAIN, *options)


def test_the_first_test_passes(pytester):
    run(pytester, FIRST).assert_outcomes(passed=1)


def test_the_lock_loses_a_line_under_some_seed(pytester):
    outcomes = run(pytester, LOCK).parseoutcomes()
    assert outcomes["failed"] >= 1 and outcomes["passed"] >= 1


def test_the_cure_cures(pytester):
    """The page's storage, and a worker that begins again when it is rejected."""
    again = """
    try:
        document = storage.read(token)
        stage.sleep(0.2)
        storage.write([*document, name], token)
    except Rejected:
        return worker(stage, name, storage)
    """
    before, rest = LOCK.split("class Storage:", 1)
    after = "def take_lock" + rest.split("def take_lock", 1)[1]
    step = after.index("    document = storage.read(token)")
    cured = after[:step] + again.strip("\n").rstrip() + "\n" + after[after.index("    if client.get(") :]
    run(pytester, before + CURE + "\n\n" + cured).assert_outcomes(passed=20)


@pytest.mark.cluster
@pytest.mark.xdist_group("cluster")
def test_real_processes(pytester):
    run(pytester, REAL).assert_outcomes(passed=1)
