"""A dramatiq application with results, groups with callbacks, and rate limiters."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import GroupCallbacks
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import RedisBackend as RateLimits
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend as ResultStore

URL = os.environ["TARGET_URL"]
broker = RedisBroker(url=URL)
limits = RateLimits(url=URL)
broker.add_middleware(Results(backend=ResultStore(url=URL)))
broker.add_middleware(GroupCallbacks(limits))
dramatiq.set_broker(broker)
attempts = {}


@dramatiq.actor(store_results=True)
def add(x, y):
    return x + y


@dramatiq.actor(store_results=True, max_retries=5, min_backoff=10, max_backoff=20)
def third_time_lucky(name):
    attempts[name] = attempts.get(name, 0) + 1
    if attempts[name] < 3:
        raise RuntimeError("not yet")
    return attempts[name]


@dramatiq.actor(max_retries=0)
def fail():
    raise ValueError("on purpose")


@dramatiq.actor
def note(text):
    broker.client.rpush("dramatiq:notes", text)


@dramatiq.actor(queue_name="other", priority=10)
def elsewhere(text):
    broker.client.rpush("dramatiq:notes", text)


def one_at_a_time():
    return ConcurrentRateLimiter(limits, "dramatiq-lock", limit=1)
