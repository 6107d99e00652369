"""Django's own cache back-end, django-redis, and sessions in either."""

import pytest

from tests.libraries.running import play, python

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]


@pytest.mark.parametrize(
    ("backend", "part"),
    [
        *(
            (backend, part)
            for backend in ("django", "django_redis")
            for part in ("cache", "cache_async", "sessions")
        ),
        ("django_redis", "extras"),
    ],
)
def test_django(environ, backend, part):
    play([*python(), "django_site.py", part], {**environ, "DJANGO_CACHE": backend}, f"fine {part}")
