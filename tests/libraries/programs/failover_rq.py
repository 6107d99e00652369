"""RQ under failover. Jobs have no retries, so RQ itself starts none a second time."""

import os
import sys
import time

from executions import record, send_all
from redis import Redis


def job(number):
    record("ran", number, again=False)
    time.sleep(0.02)


def main():
    import failover_rq  # the function's module must have a name that workers can import
    from rq import Queue

    queue = Queue(connection=Redis.from_url(os.environ["TARGET_URL"]))
    send_all(lambda number: queue.enqueue(failover_rq.job, number, job_id=f"job-{number}"), sys.argv[1])


if __name__ == "__main__":
    main()
