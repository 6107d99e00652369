"""Celery: tasks, results, retries, canvas, control, with a real worker; and kombu's transport by itself."""

import pytest

from tests.libraries.running import python, tool

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]


@pytest.fixture(scope="module")
def worker(service):
    words = ["-A", "celery_app", "worker", "--loglevel=INFO", "--concurrency=2", "--hostname=one@localhost"]
    return service([*tool("celery"), *words], "ready.")


@pytest.mark.parametrize("part", ["results", "retries", "canvas", "time", "control", "ignored_results"])
def test_celery(worker, run, part):
    run(python(), "celery_client.py", part)


def test_kombu(run):
    run(python(), "celery_client.py", "kombu")
