"""arq: results, retries, unique and deferred jobs, cron, abort."""

import pytest

from tests.libraries.running import python, tool

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]


@pytest.fixture(scope="module")
def worker(service):
    return service([*tool("arq"), "arq_app.WorkerSettings"], "Starting worker")


@pytest.mark.parametrize("part", ["results", "uniqueness", "deferred", "abort"])
def test_arq(worker, run, part):
    run(python(), "arq_client.py", part)
