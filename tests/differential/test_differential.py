"""Every family against redis-server, command by command.

``TRIVET_DIFFERENTIAL_COMMANDS`` sets how many commands there are in all (about);
more than the default are drawn afresh in each run.
"""

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from tests.differential.drawing import AGAINST_REDIS, load_families
from tests.differential.harness import COMMANDS_TOTAL, FAMILIES, Args, Oracle, compare_run

load_families()

LEAST, MOST = 15, 60
MEAN = 30
EXAMPLES = max(COMMANDS_TOTAL // (MEAN * 2 * (len(FAMILIES) + 1)), 2)

pytestmark = AGAINST_REDIS


def compare(oracle: Oracle, protocol: int, commands: st.SearchStrategy[Args]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=COMMANDS_TOTAL <= 10_000,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(commands, min_size=LEAST, max_size=MOST), st.integers(0, MOST))
    def run(requests: list[Args], restore_at: int) -> None:
        try:
            compare_run(oracle, protocol, requests, restore_at)
        except (OSError, AssertionError):
            if not oracle.revived():
                raise
            reject()  # redis-server 7.0 crashes on some scripts: nothing to compare with

    run()


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_family(oracle: Oracle, family: str, protocol: int) -> None:
    compare(oracle, protocol, FAMILIES[family])


@pytest.mark.parametrize("protocol", [2, 3])
def test_families_mixed(oracle: Oracle, protocol: int) -> None:
    compare(oracle, protocol, st.one_of(*FAMILIES.values()))
