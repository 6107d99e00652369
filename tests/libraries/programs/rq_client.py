"""What an application asks of RQ; a worker for the queues `high` and `low`, with scheduler, runs beside it."""

import datetime
import os
import subprocess
import sys

import parts
import redis
import rq_tasks
from rq import Queue, Retry, Worker
from rq.command import send_stop_job_command
from rq.job import Job
from rq.registry import FailedJobRegistry, ScheduledJobRegistry

connection = redis.Redis.from_url(parts.URL)
low = Queue("low", connection=connection)
high = Queue("high", connection=connection)


def finished(job):
    return parts.eventually(lambda: job.get_status() == "finished" and job.return_value() is not None)


def part_results():
    jobs = [low.enqueue(rq_tasks.add, n, n) for n in range(15)]
    for number, job in enumerate(jobs):
        parts.eventually(lambda job=job: job.is_finished)
        assert job.return_value() == 2 * number
    failed = low.enqueue(rq_tasks.fail)
    parts.eventually(lambda: failed.get_status() == "failed")
    assert "on purpose" in failed.latest_result().exc_string
    registry = FailedJobRegistry(queue=low)
    assert failed.id in registry
    assert Job.fetch(failed.id, connection=connection).is_failed
    registry.remove(failed, delete_job=True)
    (worker,) = Worker.all(connection=connection)
    assert worker.queue_names() == ["high", "low"]


def part_retries():
    connection.delete("rq:attempts")
    job = low.enqueue(rq_tasks.third_time_lucky, "rq:attempts", retry=Retry(max=5))
    parts.eventually(lambda: job.is_finished)
    assert job.return_value() == "lucky"


def part_dependencies():
    first = low.enqueue(rq_tasks.add, 1, 2)
    second = low.enqueue(rq_tasks.add, 3, 4, depends_on=first)
    third = low.enqueue(rq_tasks.add, 5, 6, depends_on=[first, second])
    parts.eventually(lambda: third.is_finished)
    assert [job.return_value() for job in (first, second, third)] == [3, 7, 11]
    with connection.pipeline() as pipe:
        many = low.enqueue_many([Queue.prepare_data(rq_tasks.add, (n, 1)) for n in range(5)], pipeline=pipe)
        pipe.execute()
    parts.eventually(lambda: all(job.is_finished for job in many))


def part_priorities():
    """A burst worker that listens to several queues takes from the first first."""
    connection.delete("rq:order")
    urgent, idle = Queue("urgent", connection=connection), Queue("idle", connection=connection)
    for number in range(3):
        idle.enqueue(rq_tasks.note, "rq:order", f"idle {number}")
        urgent.enqueue(rq_tasks.note, "rq:order", f"urgent {number}")
    idle.enqueue(rq_tasks.note, "rq:order", "idle, but first", at_front=True)
    rq = os.path.join(os.path.dirname(sys.executable), "rq")
    subprocess.run(
        [rq, "worker", "--burst", "--url", parts.LAST_URL, "urgent", "idle"], check=True, timeout=120
    )
    expected = [*(f"urgent {n}" for n in range(3)), "idle, but first", *(f"idle {n}" for n in range(3))]
    assert [text.decode() for text in connection.lrange("rq:order", 0, -1)] == expected


def part_schedule():
    job = low.enqueue_in(datetime.timedelta(seconds=2), rq_tasks.add, 20, 22)
    assert job.id in ScheduledJobRegistry(queue=low)
    parts.eventually(lambda: job.is_finished)
    assert job.return_value() == 42


def part_control():
    job = low.enqueue(rq_tasks.nap, 60)
    parts.eventually(lambda: job.get_status() == "started")
    send_stop_job_command(connection, job.id)
    parts.eventually(lambda: job.get_status() in ("stopped", "failed"))
    waiting = low.enqueue_in(datetime.timedelta(hours=1), rq_tasks.add, 1, 1)
    waiting.cancel()
    assert waiting.get_status() == "canceled"


if __name__ == "__main__":
    parts.main(globals())
