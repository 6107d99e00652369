"""dramatiq: results, retries, groups, pipelines, delays, rate limiters, barriers."""

import pytest

from tests.libraries.running import python, tool

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]


@pytest.fixture(scope="module")
def worker(service):
    words = ["dramatiq_app", "--processes", "1", "--threads", "4"]
    return service([*tool("dramatiq"), *words], "Worker process is ready for action")


@pytest.mark.parametrize("part", ["results", "groups", "delay", "limits"])
def test_dramatiq(worker, run, part):
    run(python(), "dramatiq_client.py", part)
