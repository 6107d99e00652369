"""An arq application."""

import asyncio
import os

from arq import Retry, cron
from arq.connections import RedisSettings


async def add(ctx, x, y):
    return x + y


async def fail(ctx):
    raise ValueError("on purpose")


async def third_time_lucky(ctx):
    if ctx["job_try"] < 3:
        raise Retry(defer=0.05)
    return ctx["job_try"]


async def nap(ctx, seconds):
    await asyncio.sleep(seconds)


async def tick(ctx):
    await ctx["redis"].incr("arq:ticks")


class WorkerSettings:
    functions = [add, fail, third_time_lucky, nap]  # noqa: RUF012
    cron_jobs = [cron(tick, second=set(range(60)))]  # noqa: RUF012
    redis_settings = RedisSettings.from_dsn(os.environ["TARGET_URL"])
    allow_abort_jobs = True
    poll_delay = 0.05
