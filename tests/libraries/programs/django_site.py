"""A Django site: its cache back-end, django-redis, and sessions kept in the cache. DJANGO_CACHE chooses the back-end."""

import os
import threading
from wsgiref.simple_server import make_server

import django
import parts
from django.conf import settings
from redis.exceptions import ResponseError

BACKENDS = {
    "django": "django.core.cache.backends.redis.RedisCache",
    "django_redis": "django_redis.cache.RedisCache",
}
backend = os.environ["DJANGO_CACHE"]
settings.configure(
    SECRET_KEY="for tests only",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    CACHES={
        "default": {"BACKEND": BACKENDS[backend], "LOCATION": parts.URL, "KEY_PREFIX": backend},
        "other": {"BACKEND": BACKENDS[backend], "LOCATION": parts.LAST_URL, "KEY_PREFIX": backend},
    },
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
)
django.setup()

from django.core.cache import cache, caches  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402


def visit(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})


def look(request):
    """Without a change of the session."""
    return JsonResponse({"visits": request.session.get("visits", 0)})


def leave(request):
    request.session.flush()
    return JsonResponse({})


urlpatterns = [path("visit", visit), path("look", look), path("leave", leave)]


def part_cache():
    other = caches["other"]
    cache.clear()
    cache.set("k", {"a": [1, 2.5, None]}, timeout=30)
    assert other.get("k") == {"a": [1, 2.5, None]}
    assert not other.add("k", "no")
    assert other.add("new", "yes", timeout=30)
    assert cache.get("missing", "default") == "default"
    cache.set_many({f"m{n}": n for n in range(50)}, timeout=30)
    assert other.get_many([f"m{n}" for n in range(60)]) == {f"m{n}": n for n in range(50)}
    cache.delete_many(["m1", "m2"])
    assert other.get("m1") is None
    assert cache.touch("k", 60)
    assert not cache.touch("nothing", 60)
    assert cache.has_key("k") and "k" in other
    assert cache.get_or_set("lazy", lambda: "made", 30) == "made"
    cache.set("v", "one", version=1)
    cache.set("v", "two", version=2)
    assert (other.get("v", version=1), other.get("v", version=2)) == ("one", "two")
    assert cache.incr_version("v", version=2) == 3
    cache.set("short", "x", timeout=0.05 if backend == "django_redis" else 1)
    parts.eventually(lambda: other.get("short") is None)
    cache.set("gone", "x", timeout=0)
    assert cache.get("gone") is None
    assert cache.delete("k") and not cache.delete("k")
    if parts.MODE != "eventual" or backend != "django_redis":  # it counts by a script: see `refused`
        count(other)
    cache.set("last", 1)
    cache.clear()
    assert other.get("last") is None


def count(other):
    cache.set("n", 1)
    assert [cache.incr("n"), other.incr("n", 10), cache.decr("n")] == [2, 12, 11]
    try:
        cache.incr("nothing")
        raise AssertionError("no error")
    except ValueError:
        pass
    cache.set("count", 0, timeout=None)
    threads = [
        threading.Thread(target=lambda: [caches["other"].incr("count") for _ in range(25)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get("count") == 100


async def part_cache_async():
    await cache.aset("a", 1)
    assert await cache.aincr("a") == 2
    assert await cache.aget_many(["a"]) == {"a": 2}
    assert await cache.adelete("a")


def part_sessions():
    one, two = Client(), Client()
    assert [one.get("/visit").json()["visits"] for _ in range(5)] == [1, 2, 3, 4, 5]
    assert two.get("/visit").json() == {"visits": 1}
    one.get("/leave")
    assert one.get("/visit").json() == {"visits": 1}


def part_extras():
    """What only django-redis has."""
    from django_redis import get_redis_connection

    cache.clear()
    cache.set_many({f"e:{n}": n for n in range(30)}, timeout=30)
    assert 0 < cache.ttl("e:1") <= 30
    assert cache.persist("e:1")
    assert cache.ttl("e:1") is None
    assert cache.expire("e:1", timeout=5) and cache.pexpire("e:1", timeout=5000)
    assert len(cache.keys("e:*")) == 30
    assert sorted(cache.iter_keys("e:*")) == sorted(f"e:{n}" for n in range(30))
    assert cache.delete_pattern("e:1*") == 11
    if parts.MODE != "eventual":  # see `refused`
        with cache.lock("lock", timeout=10):
            assert not caches["other"].lock("lock", timeout=10).acquire(blocking=False)
    assert cache.set("nx", 1, nx=True) and not cache.set("nx", 2, nx=True)
    raw = get_redis_connection("default")
    assert raw.ping()
    cache.sadd("set", "a", "b")
    assert cache.smembers("set") == {"a", "b"}


def part_refused():
    """What of django-redis is not for mode eventual: what it does by scripts. It counts all the same, through the connection."""
    from django_redis import get_redis_connection

    lock = cache.lock("lock", timeout=10)
    assert lock.acquire(blocking=False)
    try:
        lock.release()
        raise AssertionError("no error")
    except ResponseError as error:
        assert "EVALSHA is not for a keyspace of mode eventual" in str(error)
    cache.set("n", 1, timeout=30)
    assert get_redis_connection("default").incr(cache.make_key("n"), 2) == 3
    assert cache.get("n") == 3 and 0 < cache.ttl("n") <= 30


def part_serve():
    """Serve the site, at the port SITE_PORT, until it is ended."""
    with make_server("127.0.0.1", int(os.environ["SITE_PORT"]), get_wsgi_application()) as server:
        print("serving", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    parts.main(globals())
