"""huey: results, retries, pipelines, schedule, locks, priorities, with each of its Redis storages."""

import pytest

from tests.libraries.running import play, python, tool

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]


@pytest.fixture(scope="module", params=["plain", "priority", "expire", "both"])
def consumer(service, request):
    words = [*tool("huey_consumer"), "huey_app.huey", "--workers", "4"]
    running = service(words, "The following commands are available", HUEY_KIND=request.param)
    yield request.param
    running.stop()


@pytest.mark.parametrize("part", ["results", "pipeline", "schedule", "locks"])
def test_huey(consumer, environ, part):
    play([*python(), "huey_client.py", part], {**environ, "HUEY_KIND": consumer}, f"fine {part}")


def test_huey_priorities(environ):
    play([*python(), "huey_client.py", "order"], {**environ, "HUEY_KIND": "priority"}, "fine order")
