"""What should not be done on a database of mode ``eventual``, from two nodes at a time; each part prints how often it went wrong.

A worker of arq (``arq should_not.WorkerSettings``) and of Celery run at each node beside `jobs` and `chords`.
"""

import gc
import json
import os
import threading
import time
from pathlib import Path

import parts
import redis
from arq import create_pool
from arq.connections import RedisSettings
from celery import chord
from celery_app import add, app, total
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import RedisBackend
from executions import record

JOBS = 300
CHORDS = 150
PATIENCE_S = 20


def at_both(work):
    """Have both nodes do the same at a time; what each of them gave."""
    starting, given = threading.Barrier(2), []

    def begin(url):
        starting.wait()
        given.append(work(url))

    threads = [threading.Thread(target=begin, args=(url,)) for url in (parts.URL, parts.LAST_URL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


def part_locks():
    """A lock of redis-py is had by both."""
    clients = {url: redis.Redis.from_url(url) for url in (parts.URL, parts.LAST_URL)}
    both = 0
    for number in range(200):
        name = f"lock:{time.time_ns()}:{number}"
        both += all(
            at_both(lambda url, name=name: clients[url].lock(name, timeout=20).acquire(blocking=False))
        )
    print(f"{both} of 200")


def part_limiter():
    """A limiter of dramatiq that lets one pass at a time lets both pass."""
    backends = {url: RedisBackend(url=url) for url in (parts.URL, parts.LAST_URL)}

    def passes(url, name):
        with ConcurrentRateLimiter(backends[url], name, limit=1).acquire(raise_on_failure=False) as passed:
            time.sleep(0.1 if passed else 0)
            return passed

    both = 0
    for number in range(50):
        name = f"limit:{time.time_ns()}:{number}"
        both += all(at_both(lambda url, name=name: passes(url, name)))
    print(f"{both} of 50")


def part_count():
    """Additions by django-redis are lost."""
    from django_site import cache, caches

    name = f"count:{time.time_ns()}"
    cache.set(name, 0, timeout=None)
    parts.eventually(lambda: caches["other"].get(name) == 0)
    at_both(lambda url: [caches["default" if url == parts.URL else "other"].incr(name) for _ in range(100)])
    seen, since_s = 0, time.monotonic()
    while time.monotonic() < since_s + 2:
        if cache.get(name) != seen or caches["other"].get(name) != seen:
            seen, since_s = cache.get(name), time.monotonic()
    print(f"{200 - seen} of 200")


async def job(_ctx, number):
    record("ran", number)


class WorkerSettings:
    functions = [job]  # noqa: RUF012
    redis_settings = RedisSettings.from_dsn(parts.URL)
    poll_delay = 0.05


def runs():
    """The job of each run."""
    file = Path(os.environ["EXECUTIONS"])
    return [json.loads(line)["job"] for line in file.read_text().splitlines()] if file.exists() else []


async def part_jobs():
    """Jobs of arq run twice."""
    pool = await create_pool(WorkerSettings.redis_settings)
    for number in range(JOBS):
        await pool.enqueue_job("job", number)
    await parts.eventually_async(lambda: len(set(runs())) == JOBS)

    async def all_done():
        return not await pool.zcard("arq:queue")

    await parts.eventually_async(all_done)
    print(f"{len(runs()) - JOBS} of {JOBS}")


def part_chords():
    """Chords whose parts have all run are never called."""
    gc.disable()  # as in celery_client.py
    results = [chord((add.s(n, n) for n in range(6)), total.s())() for _ in range(CHORDS)]
    parts.eventually(
        lambda: all(part.state == "SUCCESS" for result in results for part in result.parent.results)
    )
    waiting, since_s = len(results), time.monotonic()
    while waiting and time.monotonic() < since_s + PATIENCE_S:
        count = sum(app.AsyncResult(result.id).state != "SUCCESS" for result in results)
        if count < waiting:
            waiting, since_s = count, time.monotonic()
        time.sleep(0.1)
    print(f"{waiting} of {CHORDS}")


if __name__ == "__main__":
    parts.main(globals())
