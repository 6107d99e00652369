"""What happened to the jobs of a failover test, in a place that no broker has a part in: lines appended to one file.

Each line is one write to a file opened with O_APPEND, so lines of many processes do not mix. A line is written before the job
does anything else: a job that ran and whose worker then died has its line.
"""

import json
import os
import time

import redis


def record(what, job, **facts):
    """Append one line: ``sent``, ``unsure`` (an error: it may or may not be in the queue) or ``ran``."""
    line = json.dumps({"what": what, "job": job, "at_s": time.time(), **facts}) + "\n"
    file = os.open(os.environ["EXECUTIONS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def send_all(send, count, other_errors=()):
    """Send so many jobs, over some seconds. What fails is not sent again: that would be a second job from our own hand."""
    for job in range(int(count)):
        try:
            identity = send(job).id
        except (redis.RedisError, OSError, *other_errors) as error:
            record("unsure", job, error=repr(error))
            time.sleep(0.05)
        else:
            record("sent", job, id=identity)
        time.sleep(0.01)
