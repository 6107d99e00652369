"""Libraries on a database of mode ``primary``: nothing is otherwise there, from any node."""

import pytest

from tests.libraries.running import environment, play, python, tool
from tests.libraries.targets import database, results_elsewhere, urls

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]

DB = 9
MODE = "primary"


@pytest.fixture(scope="module")
def target(target):
    """The target, with such a database."""
    with database(target, DB, MODE):
        yield target


@pytest.fixture(scope="module")
def worker(service, target):
    """Celery's, at the last node."""
    words = ["-A", "celery_app", "worker", "--loglevel=INFO", "--concurrency=2", "--hostname=one@localhost"]
    return service([*tool("celery"), *words], "ready.", **results_elsewhere(target, 3, DB))


@pytest.mark.parametrize(
    "part", ["canvas", *(pytest.param(p, marks=pytest.mark.soak) for p in ("results", "retries"))]
)
def test_celery_keeps_its_results_there(worker, target, part):
    """The client is at another node."""
    play([*python(), "celery_client.py", part], results_elsewhere(target, 1, DB), f"fine {part}")


@pytest.mark.parametrize(
    ("backend", "part"),
    [
        ("django_redis", "cache"),
        ("django", "sessions"),
        pytest.param("django", "cache", marks=pytest.mark.soak),
        pytest.param("django_redis", "extras", marks=pytest.mark.soak),
    ],
)
def test_django(target, backend, part):
    first, _, last = urls(target, DB)
    play(
        [*python(), "django_site.py", part],
        environment(first, last, TARGET_MODE=MODE, DJANGO_CACHE=backend),
        f"fine {part}",
    )
