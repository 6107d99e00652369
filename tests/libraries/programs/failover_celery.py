"""Celery under failover: nothing is set but the URL and how soon the transport gives up on a message without acknowledgement."""

import os
import sys
import time

from celery import Celery
from executions import record, send_all
from kombu.exceptions import OperationalError

app = Celery("failover_celery", broker=os.environ["TARGET_URL"])
app.conf.broker_transport_options = {"visibility_timeout": 15}


@app.task(bind=True, ignore_result=True)
def job(self, number):
    record("ran", number, again=bool(self.request.delivery_info.get("redelivered")), id=self.request.id)
    time.sleep(0.02)


if __name__ == "__main__":
    # retry=False: with it the client would publish a message anew that may be in the queue already.
    send_all(lambda number: job.apply_async((number,), retry=False), sys.argv[1], (OperationalError,))
