"""What an application asks of arq; a worker runs beside it."""

import asyncio

import parts
from arq import create_pool
from arq.connections import RedisSettings
from arq.jobs import JobStatus

SETTINGS = RedisSettings.from_dsn(parts.URL)


async def part_results():
    pool = await create_pool(SETTINGS)
    jobs = await asyncio.gather(*(pool.enqueue_job("add", n, n) for n in range(100)))
    assert await asyncio.gather(*(job.result(timeout=60) for job in jobs)) == [2 * n for n in range(100)]
    try:
        await (await pool.enqueue_job("fail")).result(timeout=60)
        raise AssertionError("no error")
    except ValueError as error:
        assert str(error) == "on purpose"
    assert await (await pool.enqueue_job("third_time_lucky")).result(timeout=60) == 3
    await pool.aclose()


async def part_uniqueness():
    pool = await create_pool(SETTINGS)
    first = await pool.enqueue_job("nap", 0.2, _job_id="the-one")
    assert await pool.enqueue_job("nap", 0.2, _job_id="the-one") is None
    await first.result(timeout=60)
    assert await first.status() == JobStatus.complete
    await pool.aclose()


async def part_deferred():
    pool = await create_pool(SETTINGS)
    job = await pool.enqueue_job("add", 1, 2, _defer_by=1.5)
    assert await job.status() == JobStatus.deferred
    assert await job.result(timeout=60) == 3
    await parts.eventually_async(lambda: pool.get("arq:ticks"))
    await pool.aclose()


async def part_abort():
    pool = await create_pool(SETTINGS)
    job = await pool.enqueue_job("nap", 60)

    async def running():
        return await job.status() == JobStatus.in_progress

    await parts.eventually_async(running)
    assert await job.abort(timeout=60)
    await pool.aclose()


if __name__ == "__main__":
    parts.main(globals())
