"""RQ: jobs, results, retries, dependencies, priorities, schedule, commands to a worker."""

import pytest

from tests.libraries.running import python, tool

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]


@pytest.fixture(scope="module")
def worker(service, environ):
    words = ["worker", "--with-scheduler", "--url", environ["TARGET_URL"], "high", "low"]
    return service([*tool("rq"), *words], "Listening on")


@pytest.mark.parametrize("part", ["results", "retries", "dependencies", "schedule", "control"])
def test_rq(worker, run, part):
    run(python(), "rq_client.py", part)


def test_rq_priorities(run):
    run(python(), "rq_client.py", "priorities")
