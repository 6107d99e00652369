"""huey under failover. Tasks have no retries, so huey itself starts none a second time."""

import os
import sys
import time

from executions import record, send_all
from huey import RedisHuey

huey = RedisHuey("failover", url=os.environ["TARGET_URL"])


@huey.task(name="job")
def job(number):
    record("ran", number, again=False)
    time.sleep(0.02)
    return number


if __name__ == "__main__":
    import failover_huey  # the task's name has its module's name in it

    send_all(failover_huey.job, sys.argv[1])
