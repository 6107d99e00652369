"""A huey application; HUEY_KIND chooses the storage."""

import os

from huey import PriorityRedisExpireHuey, PriorityRedisHuey, RedisExpireHuey, RedisHuey, crontab

KINDS = {
    "plain": RedisHuey,
    "priority": PriorityRedisHuey,
    "expire": RedisExpireHuey,
    "both": PriorityRedisExpireHuey,
}
kind = os.environ.get("HUEY_KIND", "plain")
huey = KINDS[kind](f"huey-{kind}", url=os.environ["TARGET_URL"])
attempts = {}


@huey.task()
def add(x, y):
    return x + y


@huey.task(retries=3, retry_delay=0)
def third_time_lucky(name):
    attempts[name] = attempts.get(name, 0) + 1
    if attempts[name] < 3:
        raise RuntimeError("not yet")
    huey.storage.conn.rpush(name, attempts[name])


@huey.task()
def fail():
    raise ValueError("on purpose")


@huey.task()
def note(text):
    huey.storage.conn.rpush("huey:notes", text)
    return text


@huey.task()
@huey.lock_task("only-one")
def alone():
    return "alone"


@huey.periodic_task(crontab(minute="0", hour="0", day="1", month="1"))
def new_year():
    return None
