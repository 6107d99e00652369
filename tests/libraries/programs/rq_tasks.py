"""Functions that RQ's workers run."""

import os
import time

import redis

client = redis.Redis.from_url(os.environ["TARGET_URL"], decode_responses=True)


def add(x, y):
    return x + y


def fail():
    raise ValueError("on purpose")


def third_time_lucky(key):
    if client.incr(key) < 3:
        raise RuntimeError("not yet")
    return "lucky"


def note(key, text):
    client.rpush(key, text)


def nap(seconds):
    time.sleep(seconds)
